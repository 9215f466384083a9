"""A start that no transaction ties ends with that unit's own work, not with what its carrier did without it."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, select

from app.interlock.gathering import Asked
from app.lines.models import Station
from app.units.starts import AlreadyStarted, begin_start
from tests.containment.stories import ACTOR, unit_id
from tests.inbox.messages import completed, started, stored
from tests.interlock.story import AOI, TESTER, codes
from tests.interlock.test_reused_carriers import round_of
from tests.interlock.test_what_speaks_for_a_board import ago


def begin(engine: Engine, serial: str, handle: str) -> None:
    with engine.begin() as connection:
        station = connection.execute(select(Station.station_id).where(Station.handle == handle)).scalar_one()
        begin_start(connection, unit_id(connection, serial), station_id=station, transaction_id=None, actor=ACTOR)


def works(engine: Engine, unit: str | tuple[str, int]) -> None:
    work = uuid4()
    stored(
        engine,
        started(unit, transaction=work, source=TESTER, when=ago(5), order="WO-1"),
        completed(unit, transaction=work, source=TESTER, when=ago(1)),
    )


def test_not_the_work_on_the_next_board_of_its_carrier(line: Engine) -> None:
    stored(line, round_of("SN-8", ago(7200)), round_of("SN-9", ago(3600)))
    begin(line, "SN-8", TESTER)
    works(line, "CAR")
    assert "already_started" in codes(line, AOI, Asked("SN-8"))[0]
    with pytest.raises(AlreadyStarted):
        begin(line, "SN-8", AOI)


def test_not_the_work_on_its_neighbour(line: Engine) -> None:
    begin(line, "SN-1", TESTER)
    works(line, ("P-1", 2))
    assert "already_started" in codes(line, AOI, Asked("SN-1"))[0]
    works(line, "P-1")
    assert "already_started" not in codes(line, AOI, Asked("SN-1"))[0], "that was the whole panel"
