"""Two databases for all the generated factories of a worker."""

from collections.abc import Iterator

import pytest

from tests.flows.databases import database_of_its_own
from tests.flows.recorded import Laboratory


@pytest.fixture(scope="session")
def laboratory(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[Laboratory]:
    with (
        database_of_its_own(postgres_addresses, f"{worker_name}_factory_a") as one,
        database_of_its_own(postgres_addresses, f"{worker_name}_factory_b") as other,
    ):
        yield Laboratory((one, other))


# Lookups by a station alone, and by a tool before its first use, are the exact-genealogy work still open.
_OPEN = ("test_a_lookup[a station]", "test_a_lookup[a station in a window]", "STENCIL-1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if "test_lookups" in item.nodeid and any(name in item.nodeid for name in _OPEN):
                item.add_marker(pytest.mark.skip(reason="open: run with --slow"))
