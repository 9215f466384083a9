"""A transaction that was in another's way is done again, whole; any other error is the caller's."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.db import create_engine, planned_once, retrying, varied

_CHANGE = text("UPDATE counter SET times = times + 1 WHERE name = :name")


@pytest.fixture
def counters(engine: Engine) -> Engine:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (name text PRIMARY KEY, times int NOT NULL DEFAULT 0)"))
        connection.execute(text("INSERT INTO counter (name) VALUES ('one'), ('two')"))
    return engine


def test_both_sides_of_a_deadlock_are_done_once(counters: Engine) -> None:
    crossed = threading.Barrier(2)
    attempts: list[str] = []

    def across(first: str, second: str) -> None:
        def deed(connection: Connection) -> None:
            attempts.append(first)
            connection.execute(_CHANGE, {"name": first})
            if len(attempts) <= 2:
                crossed.wait(timeout=30)
            connection.execute(_CHANGE, {"name": second})

        retrying(counters, deed)

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(across, "one", "two"), pool.submit(across, "two", "one")]:
            one.result(timeout=60)
    assert len(attempts) > 2, "nobody was in anybody's way"
    with counters.connect() as connection:
        assert connection.execute(text("SELECT name, times FROM counter ORDER BY name")).all() == [
            ("one", 2),
            ("two", 2),
        ]


def test_an_error_of_the_deed_is_raised_at_once(counters: Engine) -> None:
    attempts = []

    def deed(connection: Connection) -> None:
        attempts.append(1)
        connection.execute(text("INSERT INTO counter (name) VALUES ('one')"))

    with pytest.raises(IntegrityError):
        retrying(counters, deed)
    assert len(attempts) == 1


def test_the_last_attempt_tells(counters: Engine) -> None:
    attempts = []

    def deed(connection: Connection) -> None:
        attempts.append(1)
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(OperationalError, match="in the way"):
        retrying(counters, deed, attempts=3)
    assert len(attempts) == 3


def test_plans_are_kept_inside_the_block_and_the_setting_does_not_leak(engine: Engine) -> None:
    mode = text("SHOW plan_cache_mode")
    with engine.connect() as connection:
        with planned_once(connection), planned_once(connection):
            assert connection.execute(mode).scalar() == "force_generic_plan"
        assert connection.execute(mode).scalar() == "force_custom_plan"
        with pytest.raises(ZeroDivisionError), planned_once(connection):
            raise ZeroDivisionError
        connection.rollback()
        assert connection.execute(mode).scalar() == "force_custom_plan"
        with planned_once(connection):
            assert connection.execute(mode).scalar() == "force_generic_plan"
            with varied(connection), varied(connection):
                assert connection.execute(mode).scalar() == "force_custom_plan"
            assert connection.execute(mode).scalar() == "force_generic_plan"


def test_what_is_asked_for_its_values_is_planned_for_them_on_a_keyed_connection_too(database: str) -> None:
    mode = text("SHOW plan_cache_mode")
    keyed = create_engine(database, keyed=True)
    with keyed.connect() as connection:
        for _ in range(2):
            with varied(connection):
                with varied(connection):
                    assert connection.execute(mode).scalar() == "force_custom_plan"
                assert connection.execute(mode).scalar() == "force_custom_plan"
            assert connection.execute(mode).scalar() == "force_generic_plan"
    keyed.dispose()


def test_what_is_prepared_on_a_keyed_connection_stays_prepared_behind_questions_asked_for_their_values(
    database: str,
) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 41 + %'")
    keyed = create_engine(database, keyed=True)
    with keyed.connect() as connection:
        connection.execute(text("SELECT 41 + CAST(:more AS integer)"), {"more": 1})
        with varied(connection):
            connection.execute(text("SELECT 2"))
        assert connection.execute(prepared).scalar() == 1
        with pytest.raises(ZeroDivisionError), varied(connection):
            raise ZeroDivisionError
        assert connection.execute(text("SELECT 3")).scalar() == 3
    keyed.dispose()
