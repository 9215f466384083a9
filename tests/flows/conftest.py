"""Two databases for all the generated factories of a worker."""

import contextlib
from collections.abc import Iterator

import pytest

from app.db import create_engine
from tests.conftest import _clone
from tests.flows.recorded import Laboratory


@pytest.fixture(scope="session")
def laboratory(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[Laboratory]:
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(_clone(postgres_addresses, f"{worker_name}_factory_{name}")) for name in "ab"]
        engines = [create_engine(url) for url in urls]
        for engine in engines:
            stack.callback(engine.dispose)
        yield Laboratory((engines[0], engines[1]))
