"""A real PostgreSQL and a real MQTT broker for every test that asks for one.

One cluster serves a whole run, whatever the number of xdist workers. A template database is
migrated once; `database` clones it, `connection` shares one clone and rolls back.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, Engine, text

from app.db import create_engine
from app.embedded.broker import Broker
from app.embedded.postgres import Postgres
from app.schema import upgrade
from tests.folders import data_folder

TEMPLATE = "birthmark_template"
_cluster: contextlib.ExitStack | None = None
_addresses: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")
    parser.addoption("--factories", type=int, default=200, help="how many factories tests/flows generates")
    parser.addoption("--outage", type=float, help="seconds without a server (default 6, with --slow 120)")
    parser.addoption("--campaign", action="store_true", help="faults: the long campaign instead of the short one")


def pytest_configure(config: pytest.Config) -> None:
    # How long an example takes is the machine's matter: two cores, shared with servers and browsers. The same examples
    # each time, so that a red run is about what was changed; --slow looks for new ones.
    hypothesis_settings.register_profile(
        "birthmark",
        deadline=None,
        derandomize=not config.getoption("--slow"),
        suppress_health_check=[HealthCheck.too_slow],
    )
    hypothesis_settings.load_profile("birthmark")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow: run with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


def pytest_configure_node(node: Any) -> None:
    """Run in the controller for each xdist worker: they share the controller's cluster."""
    node.workerinput["postgres"] = _start_cluster()


def pytest_unconfigure() -> None:
    global _cluster  # noqa: PLW0603
    if _cluster is not None:
        _cluster.close()
        _cluster = None


def _start_cluster() -> dict[str, str]:
    """Start the run's cluster once and return its addresses: one to connect to, one of the template."""
    global _cluster  # noqa: PLW0603
    if _cluster is None:
        _cluster = contextlib.ExitStack()
        folder = _cluster.enter_context(data_folder())
        # Tests ask whether commits are visible, not whether they survive a power cut: no fsync here.
        # The fault tests start clusters of their own, which keep it on.
        server = _cluster.enter_context(
            Postgres(folder, options={"fsync": "off", "full_page_writes": "off", "max_connections": "200"})
        )
        _addresses.update(server=server.url, template=server.url_of(TEMPLATE))
        _execute(server.url, f"CREATE DATABASE {TEMPLATE}")
        engine = create_engine(_addresses["template"])
        upgrade(engine)
        engine.dispose()
    return _addresses


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_addresses(request: pytest.FixtureRequest) -> dict[str, str]:
    workerinput = getattr(request.config, "workerinput", None)
    return dict(workerinput["postgres"]) if workerinput else _start_cluster()


@contextlib.contextmanager
def _clone(addresses: dict[str, str], name: str) -> Iterator[str]:
    _execute(addresses["server"], f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY WAL_LOG')
    try:
        yield addresses["template"].replace(f"/{TEMPLATE}", f"/{name}")
    finally:
        # Not WITH (FORCE): that may not stop the autovacuum worker of a superuser, which plain DROP sends away.
        _execute(
            addresses["server"],
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND backend_type = 'client backend'",
        )
        _execute(addresses["server"], f'DROP DATABASE "{name}"')


_numbers = iter(range(1_000_000))


@pytest.fixture
def database(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[str]:
    """SQLAlchemy URL of a migrated, empty database of this test's own."""
    with _clone(postgres_addresses, f"{worker_name}_{next(_numbers)}") as url:
        yield url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An engine on a database of this test's own: commits stay within the test."""
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    workerinput = getattr(request.config, "workerinput", None)
    return str(workerinput["workerid"]) if workerinput else "main"


@pytest.fixture(scope="session")
def shared_engine(postgres_addresses: dict[str, str], worker_name: str) -> Iterator[Engine]:
    """An engine on one database for all tests of a worker; what is written there is rolled back."""
    with _clone(postgres_addresses, f"{worker_name}_shared") as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def connection(shared_engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back after the test: no commit, no clone."""
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data folder for embedded servers of this test's own."""
    with data_folder() as folder:
        yield folder


@pytest.fixture
def broker(data_dir: Path) -> Iterator[Broker]:
    """A running MQTT broker of this test's own; `broker.url` is intake's, `set_credentials` admits stations."""
    with Broker(data_dir) as broker:
        yield broker
