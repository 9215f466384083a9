"""Databases that several tests of a worker share."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Engine

from app.db import create_engine
from tests.conftest import _clone


@contextlib.contextmanager
def database_of_its_own(addresses: dict[str, str], name: str) -> Iterator[Engine]:
    """An engine on a migrated, empty database of this name."""
    with _clone(addresses, name) as url:
        engine = create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
