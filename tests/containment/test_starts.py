"""A unit is in one station's hands at a time."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from app.errors import Invalid
from app.units.locks import lock_units
from app.units.starts import AlreadyStarted, Start, begin_start, end_starts, open_starts
from tests.containment.stories import ACTOR, build, unit_id
from tests.inbox.messages import STATION, completed, count, started, stored

OTHER = "Argus.A2.1"


@pytest.fixture
def floor(engine: Engine) -> Engine:
    build(engine, "SN-1")
    stored(engine, started("PROBE", transaction=uuid4(), source=OTHER))
    return engine


def begin(engine: Engine, station: str = STATION, transaction: UUID | None = None) -> Start:
    with engine.begin() as connection:
        one = unit_id(connection, "SN-1")
        asked = {"handle": station}
        found = connection.execute(text("SELECT station_id FROM station WHERE handle = :handle"), asked).scalar_one()
        lock_units(connection, [one])
        return begin_start(connection, one, station_id=found, transaction_id=transaction, actor=ACTOR)


def test_another_station_waits_until_the_work_is_completed(floor: Engine) -> None:
    transaction = uuid4()
    mine = begin(floor, transaction=transaction)
    assert begin(floor, transaction=transaction) == mine, "asked again, the same start"
    with pytest.raises(AlreadyStarted, match=STATION):
        begin(floor, OTHER)
    with pytest.raises(AlreadyStarted):
        begin(floor, transaction=uuid4())
    stored(floor, started("SN-1", transaction=transaction, when=50))
    with pytest.raises(AlreadyStarted):
        begin(floor, OTHER)
    stored(floor, completed("SN-1", transaction=transaction, when=60))
    assert begin(floor, OTHER).station == OTHER
    assert count(floor, "unit_start") == 2


def test_a_start_without_a_transaction_ends_with_the_next_work_completed_there(floor: Engine) -> None:
    begin(floor)
    transaction = uuid4()
    stored(floor, started("SN-1", transaction=transaction, when=70))
    with floor.connect() as connection:
        assert set(open_starts(connection, [unit_id(connection, "SN-1")])) == {unit_id(connection, "SN-1")}
    stored(floor, completed("SN-1", transaction=transaction, when=80))
    with floor.connect() as connection:
        assert open_starts(connection, [unit_id(connection, "SN-1")]) == {}


def test_a_start_that_was_given_up_is_ended_by_name(floor: Engine) -> None:
    begin(floor)
    with floor.begin() as connection:
        one = unit_id(connection, "SN-1")
        with pytest.raises(Invalid):
            end_starts(connection, [one], reason=" ", actor=ACTOR)
        assert end_starts(connection, [one], reason="Jammed and taken out.", actor=ACTOR) == {one}
        assert end_starts(connection, [one], reason="Again.", actor=ACTOR) == set()
    assert begin(floor, OTHER).station == OTHER


def test_the_database_is_the_last_wall(floor: Engine) -> None:
    begin(floor)
    again = text("INSERT INTO unit_start (unit_id, station_id, granted_to) SELECT unit_id, 1, 'x' FROM unit_start")
    with floor.begin() as connection, pytest.raises(IntegrityError, match="uq_unit_start_open"):
        connection.execute(again)
