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
