"""What lets a board go on or leave is said of that board: no other board's pass, no other matter's decision."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.errors import BirthmarkError
from app.interlock.gathering import Asked
from app.interlock.overrides import grant_override
from app.lines.clocks import measure_clocks
from app.people import Actor, Role
from app.units.completeness import incomplete
from app.units.taken_out import take_out
from tests.containment.stories import ACTOR, contain, decide, send, unit_id
from tests.inbox.messages import (
    START,
    completed,
    entry,
    initialized,
    installed,
    message,
    received,
    started,
    stored,
    uninstalled,
)
from tests.interlock.story import AOI, MARKER, MOUNTER, PRINTER, TESTER, clock, codes, done, inspected, passed, placed
from tests.interlock.test_reused_carriers import OFF, failed, is_off, is_scrapped, round_of, scrapped
from tests.interlock.test_reused_carriers import inspected as carrier_inspected

ENGINEER, SECOND = (Actor(f"person:{name}", name, Role.process_engineer, person=name) for name in ("ann", "bob"))


def ago(seconds: float) -> float:
    return (datetime.now(UTC) - START).total_seconds() - seconds


def seen_outside(engine: Engine, serial: str) -> None:
    """Five minutes ago; it was linked an hour before."""
    with engine.begin() as connection:
        take_out(connection, [serial], reason="in the rack", actor=ACTOR)
        connection.exec_driver_sql("UPDATE taken_out SET taken_at = taken_at - interval '5 minute'")
        connection.exec_driver_sql("UPDATE panel_position SET received_at = received_at - interval '1 hour'")


def work_on_carrier(engine: Engine, station: str, when: float) -> None:
    work = uuid4()
    stored(
        engine,
        started("P-1", transaction=work, source=station, when=when, order="WO-1"),
        completed("P-1", transaction=work, source=station, when=when + 1),
    )


def inspection(unit: str, outcome: str, when: float) -> bytes:
    found = {"UnitIdentifier": unit, "OverallResult": outcome, "Inspections": []}
    body = {"TransactionId": str(uuid4()), "InspectionMethod": "AOI", "InspectedUnits": [found]}
    return message("Production.TestAndInspection.UnitsInspected", body, source=AOI, when=when)


def positions_passed(when: float) -> bytes:
    units: list[dict[str, object]] = [
        {"UnitIdentifier": "P-1", "UnitPositionNumber": n, "OverallResult": "Passed", "Inspections": []} for n in (1, 2)
    ]
    body = {"TransactionId": str(uuid4()), "InspectionMethod": "AOI", "InspectedUnits": units}
    return message("Production.TestAndInspection.UnitsInspected", body, source=AOI, when=when)


def missing(engine: Engine, serial: str) -> bool:
    with engine.connect() as connection:
        return bool(incomplete(connection, [unit_id(connection, serial)]))


def test_what_the_carrier_does_without_a_board_is_not_done_to_it(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    seen_outside(line, "SN-1")
    work_on_carrier(line, AOI, ago(20))
    work_on_carrier(line, TESTER, ago(10))
    assert codes(line, TESTER, Asked("SN-1")) == [["skipped"]]
    assert missing(line, "SN-1")
    with pytest.raises(BirthmarkError, match="inspect is not completed"):
        send(line, "SN-1", customer="Northwind")
    assert not missing(line, "SN-2"), "the other board was there"


def test_what_was_done_before_it_was_seen_outside_counts(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    work_on_carrier(line, AOI, ago(900))
    seen_outside(line, "SN-1")
    assert codes(line, TESTER, Asked("SN-1")) == [[]]


def test_a_pass_of_the_carrier_without_a_board_clears_none_of_its_failures(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    done(line, AOI, inspected("Failed", "Passed"))
    seen_outside(line, "SN-1")
    stored(line, inspection("P-1", "Passed", ago(20)))
    assert failed(line, "SN-1") == (True, True)


def test_the_next_boards_pass_does_not_let_a_mended_one_leave(line: Engine) -> None:
    stored(line, round_of("SN-8", 5000))
    for station, when in {MARKER: 5001, PRINTER: 5002, MOUNTER: 5004, AOI: 5006, TESTER: 5008}.items():
        work = uuid4()
        stored(
            line,
            started("SN-8", transaction=work, order="WO-1", source=station, when=when),
            completed("SN-8", transaction=work, source=station, when=when + 1),
        )
    stored(line, inspection("SN-8", "Passed", 5007), uninstalled("SN-8", ["R1"], when=5020, source="Acme.Bench.1"))
    assert missing(line, "SN-8")
    stored(line, round_of("SN-9", 5100), carrier_inspected("Passed", 5090))
    is_off(line)
    assert missing(line, "SN-8")
    with pytest.raises(BirthmarkError, match="mended"):
        send(line, "SN-8", customer="Northwind")


@pytest.mark.parametrize("opened_first", [False, True])
def test_a_lots_release_says_nothing_of_scrap(line: Engine, opened_first: bool) -> None:
    told = scrapped(5050 + OFF), round_of("SN-9", 5100)
    stored(line, round_of("SN-8", 5000), received(("R-2", "RES-10K", "A17")))
    stored(line, installed(entry("SN-8", "R-2", ["R1"]), source=MOUNTER, when=5010))
    if not opened_first:
        stored(line, *told)
    opened = contain(line, lot="A17")
    if opened_first:
        stored(line, *told)
    is_off(line)
    decide(line, opened.nonconformance, ["SN-8"], "released")
    assert is_scrapped(line, "SN-8")
    assert "scrapped" in codes(line, TESTER, Asked("SN-8"))[0]


def test_a_lots_acceptance_says_nothing_of_a_repair(line: Engine) -> None:
    stored(line, received(("REEL-1", "RES-10K", "LOT-7"), source=MOUNTER))
    done(line, PRINTER)
    done(line, MOUNTER, placed("REEL-1"))
    done(line, AOI, inspected("Passed", "Passed"))
    done(line, TESTER, passed("SN-1", "SN-2"))
    opened = contain(line, lot="LOT-7")
    stored(line, uninstalled("SN-1", ["R1"], when=next(clock), source="Acme.Bench.1"))
    decide(line, opened.nonconformance, ["SN-1"], "use_as_is", customer_approval="CA-1")
    assert missing(line, "SN-1")


def test_what_a_carrier_does_after_a_board_left_it_for_another_is_not_done_to_it(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    seen_outside(line, "SN-1")
    stored(line, initialized("P-2", ("SN-1", 1), order="WO-1", when=ago(60), source=MARKER))
    work_on_carrier(line, AOI, ago(20))
    assert codes(line, TESTER, Asked("SN-1")) == [["skipped"]]
    work_on_carrier(line, TESTER, ago(10))
    assert missing(line, "SN-1")


def test_a_board_told_in_another_carrier_has_left_the_former(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    done(line, AOI, inspected("Failed", "Passed"))
    stored(line, initialized("P-2", ("SN-1", 1), order="WO-1", when=ago(60), source=MARKER))
    stored(line, inspection("P-1", "Passed", ago(19)))
    assert failed(line, "SN-1") == (True, True)
    stored(line, initialized("P-1", ("SN-1", 1), order="WO-1", when=ago(15), source=MARKER))
    stored(line, inspection("P-1", "Passed", ago(10)))
    assert failed(line, "SN-1") == (False, False), "it is back"


def test_a_machine_that_goes_on_naming_the_place_says_nothing_for_a_board_outside(line: Engine) -> None:
    done(line, PRINTER)
    done(line, MOUNTER, placed("R-1"))
    done(line, AOI, inspected("Failed", "Passed"))
    seen_outside(line, "SN-1")
    stored(line, positions_passed(ago(20)))
    assert failed(line, "SN-1") == (True, True)


def test_a_lot_that_may_be_used_takes_no_rework_back(line: Engine) -> None:
    stored(line, received(("REEL-1", "RES-10K", "LOT-7"), source=MOUNTER))
    done(line, PRINTER)
    done(line, MOUNTER, placed("REEL-1"))
    done(line, AOI, inspected("Failed", "Passed"))
    failure = contain(line, serials=["SN-1"])
    decide(line, failure.nonconformance, ["SN-1"], "rework")
    lot = contain(line, lot="LOT-7")
    decide(line, lot.nonconformance, ["SN-1"], "use_as_is", customer_approval="CA-1")
    assert codes(line, MOUNTER, Asked("SN-1")) == [[]], "it may go back to where its parts were placed"


@pytest.mark.parametrize("behind", [0, 3600])
def test_an_override_for_a_carrier_is_for_the_boards_that_were_known_to_be_in_it(line: Engine, behind: int) -> None:
    stored(line, round_of("SN-8", ago(7200)))
    refused = codes(line, TESTER, Asked("CAR"))
    with line.begin() as connection:
        grant_override(
            connection, station=TESTER, serial="CAR", code=refused[0][0], reason="looked at it",
            until=datetime.now(UTC) + timedelta(hours=1), actor=ENGINEER, second=SECOND,
        )  # fmt: skip
        connection.exec_driver_sql("UPDATE gate_override SET given_at = given_at - interval '30 minutes'")
        connection.exec_driver_sql("UPDATE panel_position SET received_at = received_at - interval '1 hour'")
    assert codes(line, TESTER, Asked("SN-8")) == [refused[0][1:]]
    stored(line, round_of("SN-9", ago(600 + behind)))
    if behind:
        with line.begin() as connection:
            measure_clocks(connection, {MARKER: timedelta(seconds=-behind)})
    assert codes(line, TESTER, Asked("SN-9")) == refused


def test_no_verdict_is_not_cleared_by_what_may_be_another_boards_pass(line: Engine) -> None:
    """SN-9 from 5100; the AOI, a minute ahead, passed SN-8 at 5050; of SN-9 it came to no verdict at 5340."""
    stored(line, round_of("SN-8", 5000), carrier_inspected("Passed", 5050 + OFF), round_of("SN-9", 5100))
    stored(line, carrier_inspected("Aborted", 5400))
    is_off(line)
    assert "no_verdict" in codes(line, TESTER, Asked("SN-9"))[0]
