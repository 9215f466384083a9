"""Several questions after one wait: their rows in order, and the errors that any other statement has."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, OperationalError

from app.db import asked, at_once, create_engine

ONE, SAID, QUOTIENT = text("SELECT 1"), text("SELECT :said || '!', :said"), text("SELECT 1 / :by")
ENDED = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keyed'")


@pytest.fixture
def keyed(database: str) -> Iterator[Engine]:
    """As trace is asked: whoever has a connection is not asked first whether it still is one."""
    keyed = create_engine(database, keyed=True, application_name="keyed")
    yield keyed
    keyed.dispose()


def both(connection: Connection) -> list[list[tuple[object, ...]]]:
    return at_once(connection, (ONE, {}), (SAID, {"said": "50 % : $1"}))


def test_each_question_has_its_rows(keyed: Engine, engine: Engine) -> None:
    expected = [[(1,)], [("50 % : $1!", "50 % : $1")]]
    with engine.connect() as connection:
        assert both(connection) == expected
    assert asked(keyed, both) == expected


def test_an_error_of_one_is_told_and_the_connection_goes_on(keyed: Engine) -> None:
    with keyed.connect() as connection:
        with pytest.raises(DataError):
            at_once(connection, (QUOTIENT, {"by": 0}), (ONE, {}))
        assert at_once(connection, (QUOTIENT, {"by": 1})) == [[(1,)]]


def test_a_restarted_database_costs_no_question(keyed: Engine, engine: Engine) -> None:
    several = [keyed.connect() for _ in range(3)]
    for connection in several:
        both(connection)
        connection.close()
    with engine.connect() as connection:
        assert len(connection.execute(ENDED).all()) == 3
    with keyed.connect() as connection, pytest.raises(OperationalError) as lost:
        both(connection)
    assert lost.value.connection_invalidated
    assert asked(keyed, both)[0] == [(1,)]
