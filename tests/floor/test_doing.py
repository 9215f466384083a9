"""A deed stands as a whole or not at all, is done once, and asks the database few questions: somebody waits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from app.db import create_engine, for_deeds
from app.floor.deeds import Deed, Visit
from app.floor.doing import do
from app.inbox.record import Recorder
from app.people import Actor, Role
from tests.stations_screens import facts, shop

ANN = Actor("person:ann", "ann", Role.operator, person="ann")


@pytest.fixture
def floor(engine: Engine, database: str) -> Iterator[Engine]:
    """The engine on which the web application does deeds; boards have come to the shop."""
    shop.open_shop(engine)
    keyed = create_engine(database, keyed=True)
    yield for_deeds(keyed)
    keyed.dispose()


def visit(number: int = 1) -> Visit:
    return Visit(id=uuid4(), station=shop.BENCH, at=datetime.now(UTC), serial=shop.serial(number))


def done(floor: Engine, engine: Engine, deed: Deed) -> bytes:
    return do(floor, Recorder(engine), deed, actor=ANN)


def test_what_cannot_be_recorded_was_not_permitted_either(floor: Engine, engine: Engine) -> None:
    deed = visit()
    facts.change(engine, "ALTER TABLE work_record ADD CONSTRAINT broken CHECK (completed_at IS NULL) NOT VALID")
    with pytest.raises(DBAPIError):
        done(floor, engine, deed)
    for table in ("unit_start", "verdict", "idempotency_key"):
        assert facts.ask(engine, f"SELECT count(*) FROM {table}") == [(0,)], table
    facts.change(engine, "ALTER TABLE work_record DROP CONSTRAINT broken")
    answer = done(floor, engine, deed)
    assert b'"go"' in answer
    assert done(floor, engine, deed) == answer, "sent again, it is answered the same"
    assert facts.works(engine, shop.BENCH) == [(deed.serial, "Completed")]


def test_a_scan_takes_few_statements_and_one_transaction(floor: Engine, engine: Engine) -> None:
    recorder = Recorder(engine)
    do(floor, recorder, visit(1), actor=ANN)
    statements: list[str] = []
    commits: list[object] = []
    event.listen(floor, "before_cursor_execute", lambda *told: statements.append(told[2]))
    event.listen(floor, "commit", commits.append)
    do(floor, recorder, visit(2), actor=ANN)
    assert len(commits) == 1
    assert 10 < len(statements) <= 20, "\n\n".join(statements)


def test_a_person_waits_for_no_plan(floor: Engine) -> None:
    with floor.begin() as connection:
        assert connection.execute(text("SHOW plan_cache_mode")).scalar_one() == "force_generic_plan"
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
