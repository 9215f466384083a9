"""A board that was seen outside its carrier: what begins on the carrier as a whole since is not of it."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used
from app.units.taken_out import take_out, withdraw_taken_out
from tests.containment.stories import ACTOR, contain, held
from tests.inbox.messages import START, entry, initialized, installed, received, started, stored

ROUND = {"SN-4", "SN-5"}
"""The boards that the carrier holds after SN-3 was seen outside; its place stays empty."""


def now() -> float:
    return (datetime.now(UTC) - START).total_seconds()


def told(engine: Engine, package: str, *, begun: float, position: int | None = None) -> None:
    """The mounter reports now of work that it began then on the carrier."""
    work = uuid4()
    stored(
        engine,
        started("CAR", transaction=work, when=begun),
        installed(entry("CAR", package, ["R1"], position=position), transaction=work, when=now()),
    )


@pytest.fixture
def carrier(engine: Engine) -> Engine:
    """CAR held three boards; SN-3 was seen outside a minute ago, and two others are in it now."""
    stored(engine, initialized("CAR", ("SN-1", 1), ("SN-2", 2), ("SN-3", 3), when=1))
    with engine.begin() as connection:
        take_out(connection, ["SN-3"], reason="Seen in the rack.", actor=ACTOR)
        connection.exec_driver_sql("UPDATE taken_out SET taken_at = taken_at - interval '1 minute'")
        connection.exec_driver_sql("UPDATE panel_position SET received_at = received_at - interval '1 hour'")
    stored(engine, initialized("CAR", ("SN-4", 1), ("SN-5", 2), when=now() - 30))
    return engine


def where(engine: Engine, package: str, as_of: datetime | None = None) -> set[str]:
    with engine.connect() as connection:
        return {unit.serial for unit in stream_where_used(connection, Question(package=package, as_of=as_of))}


def packages(engine: Engine, serial: str) -> set[str | None]:
    with engine.connect() as connection:
        return {part.package for part in made_from(connection, serial).installations}


def test_work_that_begins_later_on_the_whole_carrier_is_not_of_it(carrier: Engine) -> None:
    stored(carrier, received(("R-2", "R0603-10K", "A17")))
    contain(carrier, lot="A17")
    told(carrier, "R-2", begun=now() - 20)
    assert where(carrier, "R-2") == ROUND
    assert packages(carrier, "SN-3") == set()
    assert set(held(carrier, "SN-3", *ROUND)) == ROUND


def test_what_was_begun_before_and_reported_after_is_of_it(carrier: Engine) -> None:
    told(carrier, "R-2", begun=now() - 90)
    assert "SN-3" in where(carrier, "R-2")
    assert packages(carrier, "SN-3") == {"R-2"}


def test_where_nobody_said_when_it_began_it_may_have_been_before(carrier: Engine) -> None:
    stored(carrier, installed(entry("CAR", "R-2", ["R1"]), when=now()))
    assert where(carrier, "R-2") == ROUND | {"SN-3"}


def test_what_names_its_place_is_as_told(carrier: Engine) -> None:
    told(carrier, "R-2", begun=now() - 20, position=3)
    assert where(carrier, "R-2") == {"SN-3"}


def test_put_in_again_it_is_in_it_again(carrier: Engine) -> None:
    stored(carrier, initialized("CAR", ("SN-3", 3), when=now() - 25))
    told(carrier, "R-2", begun=now() - 20)
    assert where(carrier, "R-2") == ROUND | {"SN-3"}


def test_what_the_carrier_did_was_done_to_it_where_it_was_a_mistake(carrier: Engine) -> None:
    told(carrier, "R-1", begun=now() - 20)
    assert where(carrier, "R-1") == ROUND
    mistaken = datetime.now(UTC)
    with carrier.begin() as connection:
        withdraw_taken_out(connection, ["SN-3"], reason="It was SN-9 in the rack.", actor=ACTOR)
    assert where(carrier, "R-1") == {*ROUND, "SN-3"}
    assert packages(carrier, "SN-3") == {"R-1"}
    assert where(carrier, "R-1", as_of=mistaken) == ROUND, "as it was known then"
