"""What quality says of a panel before anybody told its boards holds for the boards that come out of it."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from app.interlock.gathering import Asked
from app.interlock.plans import plan_policy
from app.interlock.releases import release_provisional
from app.interlock.standing import waiting_for_release
from app.units.completeness import incomplete
from app.units.provisional import provisional_units
from app.units.taken_out import take_out
from tests.containment.stories import ACTOR, contain, decide, unit_ids
from tests.inbox.messages import completed, initialized, message, started, stored, uninstalled
from tests.interlock.story import AOI, MARKER, MOUNTER, PRINTER, TESTER, clock, codes
from tests.interlock.test_what_is_seen import without_the_product


def worked(engine: Engine, station: str, panel: str, *says: bytes, work: UUID | None = None) -> None:
    work, units = work or uuid4(), ((panel, 1), (panel, 2))
    stored(
        engine,
        started(*units, transaction=work, panel=panel, order="WO-1", source=station, when=next(clock)),
        *says,
        completed(*units, transaction=work, source=station, when=next(clock)),
    )


def worked_without_the_product(engine: Engine, panel: str) -> None:
    work = uuid4()
    worked(engine, PRINTER, panel, without_the_product(work), work=work)


def told(engine: Engine, panel: str, *boards: str, when: float | None = None) -> None:
    """Which boards are in a panel."""
    at = next(clock) if when is None else when
    positions = enumerate(boards, start=1)
    stored(engine, initialized(panel, *((one, at) for at, one in positions), order="WO-1", source=MARKER, when=at))


def closed(engine: Engine) -> None:
    with engine.begin() as connection:
        plan_policy(connection, station=MOUNTER, policy="fail_closed", actor="test")


def release(engine: Engine, *serials: str) -> list[str]:
    with engine.begin() as connection:
        return release_provisional(connection, serials, reason="looked at", actor=ACTOR)


def provisional(engine: Engine, *serials: str) -> list[str]:
    """Those that the gate stops as provisional; shipping and the list of what waits say the same."""
    stopped = [one for one in serials if "provisional" in codes(engine, MOUNTER, Asked(one))[0]]
    with engine.connect() as connection:
        units = unit_ids(connection, *serials)
        assert [units[one] for one in sorted(provisional_units(connection, units))] == stopped
        assert {one.serial for one in waiting_for_release(connection)} & set(serials) == set(stopped)
    return stopped


def test_a_panel_that_was_released_is_released_with_the_boards_that_come_out_of_it(line: Engine) -> None:
    closed(line)
    worked_without_the_product(line, "PNL")
    assert provisional(line, "PNL") == ["PNL"]
    assert release(line, "PNL") == ["PNL"]
    assert provisional(line, "PNL") == []
    told(line, "PNL", "S-1", "S-2")
    assert provisional(line, "S-1", "S-2") == []
    worked_without_the_product(line, "PNL")
    assert provisional(line, "S-1", "S-2") == ["S-1", "S-2"], "nobody looked at them since"
    release(line, "S-1")
    assert provisional(line, "S-1", "S-2") == ["S-2"]


def test_whoever_releases_a_carrier_did_not_look_at_what_had_been_in_it(line: Engine) -> None:
    closed(line)
    told(line, "CAR", "S-1", "S-2")
    worked_without_the_product(line, "CAR")
    with line.begin() as connection:
        take_out(connection, ["S-1", "S-2"], reason="in the rack", actor=ACTOR)
    release(line, "CAR")
    assert provisional(line, "S-1", "S-2") == ["S-1", "S-2"]


def test_boards_that_were_told_late_and_had_left_before_the_release_are_not_released(line: Engine) -> None:
    closed(line)
    worked_without_the_product(line, "CAR")
    before = next(clock)
    for _ in range(3):
        next(clock)
    worked_without_the_product(line, "CAR")
    release(line, "CAR")
    told(line, "CAR", "S-1", "S-2", when=before - 5)
    told(line, "CAR", "S-3", "S-4", when=before + 1)
    assert provisional(line, "S-1", "S-2", "S-3", "S-4") == ["S-1", "S-2"]


def test_a_carrier_that_boards_came_out_of_does_not_wait_for_what_was_released_of_them(line: Engine) -> None:
    closed(line)
    told(line, "CAR", "S-1", "S-2")
    worked_without_the_product(line, "CAR")
    release(line, "S-1", "S-2")
    with line.begin() as connection:
        take_out(connection, ["S-1", "S-2"], reason="in the rack", actor=ACTOR)
    assert provisional(line, "CAR") == []


def test_a_board_without_a_serial_is_released_with_its_panel(line: Engine) -> None:
    closed(line)
    worked_without_the_product(line, "PNL")
    told(line, "PNL", "S-1")
    release(line, "S-1")
    assert "provisional" in codes(line, MOUNTER, Asked("PNL", 2))[0]
    assert release(line, "PNL") == ["PNL"]
    assert "provisional" not in codes(line, MOUNTER, Asked("PNL", 2))[0]


def test_the_boards_of_a_panel_that_was_sent_to_rework_do_its_operations_again(line: Engine) -> None:
    for station in (MARKER, PRINTER):
        worked(line, station, "PNL")
    decide(line, contain(line, serials=["PNL"]).nonconformance, ["PNL"], "rework")
    told(line, "PNL", "S-1", "S-2")
    assert codes(line, PRINTER, Asked("S-1"), Asked("S-2")) == [[], []]
    worked(line, PRINTER, "PNL")
    assert codes(line, PRINTER, Asked("S-1")) == [["repeated"]], "once"


def test_what_was_mended_on_a_panel_that_quality_accepted_is_accepted_of_its_boards(line: Engine) -> None:
    for station in (MARKER, PRINTER, MOUNTER):
        worked(line, station, "PNL")
    work = uuid4()
    seen: list[dict[str, Any]] = [
        {"UnitIdentifier": "PNL", "UnitPositionNumber": at, "OverallResult": "Passed", "Inspections": []}
        for at in (1, 2)
    ]
    body = {"TransactionId": str(work), "InspectionMethod": "AOI", "InspectedUnits": seen}
    name = "Production.TestAndInspection.UnitsInspected"
    worked(line, AOI, "PNL", message(name, body, source=AOI, when=next(clock)), work=work)
    worked(line, TESTER, "PNL")
    stored(line, uninstalled("PNL", ["R1"], position=1, when=next(clock), source="Acme.Bench.1"))
    number = contain(line, serials=["PNL"]).nonconformance
    decide(line, number, ["PNL"], "use_as_is", customer_approval="8D 1")
    told(line, "PNL", "S-1", "S-2")
    assert codes(line, TESTER, Asked("S-1")) == [["repeated"]]
    with line.connect() as connection:
        assert incomplete(connection, unit_ids(connection, "S-1", "S-2")) == {}
