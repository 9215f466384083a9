"""A verdict that was a mistake is undone: what was known of the unit before stands again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app.db import create_engine, for_deeds
from app.floor.deeds import Finish, Noted, Outcome, Start, Undo
from app.floor.doing import do
from app.inbox.record import Recorder
from app.interlock.gate import ask
from app.interlock.gathering import Asked
from app.lines.planning import StationPlan, plan_line
from app.people import Actor, Role
from app.quality.failures import failures_on
from tests.containment.stories import unit_id
from tests.stations_screens import shop

ANN = Actor("person:ann", "ann", Role.operator, person="ann")
SERIAL = shop.serial(1)
TESTER = "Hand.Tester.FT-01"
BRIDGE = (Noted("bridge", "U1"),)


@pytest.fixture
def floor(engine: Engine, database: str) -> Iterator[Engine]:
    """The engine on which the web application does deeds; a board comes to visual inspection, a tester follows."""
    shop.open_shop(engine)
    shop.assembled(engine, [SERIAL])
    with engine.begin() as connection:
        plan_line(connection, name="Line 2", stations=[StationPlan(TESTER, "Tester", "final_test")], actor="test")
    keyed = create_engine(database, keyed=True)
    yield for_deeds(keyed)
    keyed.dispose()


def judged(floor: Engine, engine: Engine, outcome: Outcome) -> UUID:
    """Ann looks at the board."""
    begun = Start(id=uuid4(), station=shop.EYES, at=datetime.now(UTC), serial=SERIAL)
    assert b'"go"' in do(floor, Recorder(engine), begun, actor=ANN)
    deed = Finish(
        id=uuid4(), station=shop.EYES, at=datetime.now(UTC), serial=SERIAL, transaction=begun.id, outcome=outcome,
        inspected=True, defects=BRIDGE if outcome == "failed" else (),
    )  # fmt: skip
    do(floor, Recorder(engine), deed, actor=ANN)
    return begun.id


def undone(floor: Engine, engine: Engine, transaction: UUID, outcome: Outcome) -> None:
    deed = Undo(
        id=uuid4(), station=shop.EYES, at=datetime.now(UTC), serial=SERIAL, transaction=transaction, outcome=outcome,
        defects=BRIDGE if outcome == "failed" else (),
    )  # fmt: skip
    assert b'"undone"' in do(floor, Recorder(engine), deed, actor=ANN)


def codes(engine: Engine, station: str) -> list[str]:
    with engine.begin() as connection:
        verdicts = ask(connection, station=station, units=[Asked(SERIAL)], actor="test")
        return [ground.code for verdict in verdicts for ground in verdict.reasons]


@pytest.mark.parametrize("mistake", ["passed", "failed"])
def test_the_failure_before_it_stands_again_and_may_be_looked_at_again(
    floor: Engine, engine: Engine, mistake: Outcome
) -> None:
    judged(floor, engine, "failed")
    undone(floor, engine, judged(floor, engine, mistake), mistake)
    assert (codes(engine, TESTER), codes(engine, shop.EYES)) == (["failed"], [])
    with engine.connect() as connection:
        one = unit_id(connection, SERIAL)
        assert [failure.station for failure in failures_on(connection, [one])[one]] == ["Visual inspection"]
    judged(floor, engine, "passed")
    assert codes(engine, TESTER) == []


@pytest.mark.parametrize("mistake", ["passed", "failed"])
def test_the_first_is_as_if_it_had_not_been(floor: Engine, engine: Engine, mistake: Outcome) -> None:
    undone(floor, engine, judged(floor, engine, mistake), mistake)
    assert (codes(engine, TESTER), codes(engine, shop.EYES)) == (["skipped"], [])
