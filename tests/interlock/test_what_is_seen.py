"""What the gate sees in recorded facts: children, positions, methods, operators, decisions, material in any lane."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.cfx.gate import OPENLY
from app.interlock.gate import ask
from app.interlock.gathering import Asked
from app.interlock.overrides import grant_override
from app.interlock.plans import need_qualification, qualify
from app.interlock.releases import release_provisional
from app.lines.clocks import measure_clocks
from app.people import Actor, Role
from app.quality.failures import failures_on
from app.units.completeness import incomplete
from tests.containment.stories import contain, decide, unit_id
from tests.inbox import messages
from tests.inbox.messages import (
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
from tests.interlock.story import AOI, MOUNTER, PRINTER, TESTER, asked, clock, codes, done, inspected

BOX, BOX_TEST = "Acme.Box.1", "Acme.BoxTest.1"
ENGINEER, SECOND = (
    Actor(f"person:{role.value}", role.value, role, person=role.value)
    for role in (Role.process_engineer, Role.quality_engineer)
)


def said(source: str, operator: dict[str, str], *, activated: bool, when: float) -> bytes:
    name = "Production.OperatorActivated" if activated else "Production.OperatorDeactivated"
    return message(name, {"Operator": operator}, source=source, when=when)


def without_the_product(work: Any) -> bytes:
    """The station says that this work began without the product's word."""
    body = {"TransactionID": str(work), "Activities": [{"ActivityName": OPENLY}]}
    return message("Production.ActivitiesExecuted", body, source=PRINTER, when=next(clock))


def build_in(engine: Engine, parent: str, child: str) -> None:
    work = uuid4()
    part = entry(parent, None, children=[("A1", child)], slot=None, part_number="PCA")
    stored(
        engine,
        started(parent, transaction=work, source=BOX, when=next(clock)),
        installed(part, transaction=work, source=BOX, when=next(clock)),
    )


def loaded(package: str, *, lane: int | None = None, slot: str | None = "M1.F.1", when: float | None = None) -> bytes:
    place: dict[str, Any] = {"MaterialPackage": {"UniqueIdentifier": package, "Quantity": 100}}
    if slot is not None:
        place |= {"LocationIdentifier": slot, "LocationName": "1"}
    if lane is not None:
        kind = "CFX.Structures.SMTPlacement.SMDTapeFeeder, CFX"
        place["CarrierInformation"] = {"$type": kind, "UniqueIdentifier": f"FD{lane}", "LaneNumber": lane}
    body = {"Materials": [place]}
    return message(
        "Materials.Storage.MaterialsLoaded", body, source=MOUNTER, when=next(clock) if when is None else when
    )


def test_a_station_nobody_knows_lets_no_held_unit_in_and_the_log_has_its_name(line: Engine) -> None:
    contain(line, serials=["SN-2"])
    assert codes(line, "Acme.Printer.l") == [[], ["on_hold"]]
    with line.connect() as connection:
        logged = connection.execute(text("SELECT facts #>> '{station,handle}' FROM verdict")).scalars()
        assert set(logged) == {"Acme.Printer.l"}


@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_wrong_with_a_child_stops_the_assembly_at_any_depth(line: Engine, depth: int) -> None:
    done(line, PRINTER, without_the_product)
    done(line, MOUNTER)
    done(line, AOI, inspected("Failed", "Passed"))
    for serial in ("SN-1", "SN-2"):
        build_in(line, f"SUB-{serial}" if depth == 2 else f"BOX-{serial}", serial)
        if depth == 2:
            build_in(line, f"BOX-{serial}", f"SUB-{serial}")
    assert codes(line, BOX_TEST, Asked("BOX-SN-1")) == [["sub_assembly_failed", "sub_assembly_provisional"]]
    assert codes(line, BOX_TEST, Asked("BOX-SN-2")) == [["sub_assembly_provisional"]]
    with line.begin() as connection:
        release_provisional(connection, ["SN-1", "SN-2"], reason="looked at", actor="person:quinn")
    assert codes(line, BOX_TEST, Asked("BOX-SN-2")) == [[]]
    decide(line, contain(line, serials=["SN-2"]).nonconformance, ["SN-2"], "scrap")
    assert set(codes(line, BOX_TEST, Asked("BOX-SN-2"))[0]) >= {"sub_assembly_scrapped"}


@pytest.mark.parametrize("inside", [("P-1", 2), ("SN-2", None)])
@pytest.mark.parametrize("outside", [("P-1", 2), ("SN-2", None)])
@pytest.mark.parametrize("named", [True, False])
def test_a_child_that_was_taken_out_stops_nothing_whatever_its_board_was_called(
    line: Engine, inside: tuple[str, int | None], outside: tuple[str, int | None], named: bool
) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    built = entry(inside[0], None, position=inside[1], children=[("X1", "CH-1")])
    stored(line, initialized(None, "CH-1"), installed(built, when=next(clock), source=MOUNTER))
    contain(line, serials=["CH-1"])
    assert codes(line, AOI, Asked("SN-2")) == [["sub_assembly_on_hold"]]
    bench: dict[str, Any] = {"source": "Acme.Bench.1", "when": next(clock)}
    # What is taken out of its neighbour, or from elsewhere on it, is something else.
    stored(line, uninstalled("P-1", ["X1"], position=1, **bench), uninstalled("SN-2", ["R1"], **bench))
    assert codes(line, AOI, Asked("SN-2")) == [["sub_assembly_on_hold"]]
    out: dict[str, Any] = {"children": [("X1", "CH-1")]} if named else {"designators": ["X1"]}
    stored(line, uninstalled(outside[0], position=outside[1], **out, **bench))
    assert codes(line, AOI, Asked("SN-2")) == [[]]
    assert "built_in" not in codes(line, AOI, Asked("CH-1"))[0]


def test_what_is_taken_out_of_the_next_board_on_a_carrier_leaves_the_former_as_it_is(line: Engine) -> None:
    for board in ("SN-8", "SN-9"):
        stored(line, initialized("C-1", (board, 1), when=next(clock)), initialized(None, f"CH-{board}"))
        built = entry("C-1", None, position=1, children=[("X1", f"CH-{board}")])
        stored(line, installed(built, when=next(clock), source=MOUNTER))
    contain(line, serials=["CH-SN-8", "CH-SN-9"])
    stored(line, uninstalled("C-1", ["X1"], position=1, when=next(clock), source="Acme.Bench.1"))
    assert "sub_assembly_on_hold" in codes(line, AOI, Asked("SN-8"))[0]
    assert "sub_assembly_on_hold" not in codes(line, AOI, Asked("SN-9"))[0]


def test_a_position_that_the_panel_does_not_have_is_no_unit(line: Engine) -> None:
    (verdict,) = asked(line, PRINTER, Asked("P-1", 7))
    assert [ground.code for ground in verdict.reasons] == ["unknown_position"]
    assert "it has 1, 2" in verdict.sentence
    assert codes(line, PRINTER, Asked("P-1", 2), Asked("SN-1", 1)) == [[], []]


def test_another_kind_of_run_says_nothing_of_a_failure(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Failed", "Passed"))
    functional = {"TestMethod": "FCT", "TestedUnits": [
        {"UnitIdentifier": "SN-1", "OverallResult": "Passed", "Tests": []}]}  # fmt: skip
    stored(line, message("Production.TestAndInspection.UnitsTested", functional, source=AOI, when=next(clock)))
    assert codes(line, TESTER, Asked("SN-1")) == [["failed"]]
    done(line, AOI, inspected("Passed", "Passed"))
    assert codes(line, TESTER, Asked("SN-1")) == [[]]


def test_a_failure_stands_though_the_machine_that_passed_the_board_before_has_a_clock_ahead(line: Engine) -> None:
    for station in (PRINTER, MOUNTER, AOI):
        done(line, station)
    ahead = (datetime.now(UTC) - messages.START).total_seconds() + 600

    def inspection(when: float, *outcomes: str) -> bytes:
        units = [
            {"UnitIdentifier": "P-1", "UnitPositionNumber": position, "OverallResult": outcome, "Inspections": []}
            for position, outcome in enumerate(outcomes, start=1)
        ]
        body = {"TransactionId": str(uuid4()), "InspectionMethod": "AOI", "InspectedUnits": units}
        return message("Production.TestAndInspection.UnitsInspected", body, source=AOI, when=when)

    # What it says at once is in the order of its own clock.
    stored(line, inspection(ahead + 1, "Passed", "Passed"), inspection(ahead, "Passed", "Failed"))
    assert codes(line, TESTER) == [[], []]
    stored(line, inspection(ahead - 590, "Failed", "Passed"))  # the clock was put right
    assert codes(line, TESTER) == [["failed"], []]
    with line.connect() as connection:
        first, second = (unit_id(connection, serial) for serial in ("SN-1", "SN-2"))
        assert failures_on(connection, [first, second]).keys() == {first}


def test_what_quality_sent_to_rework_may_go_through_its_operations_again(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        done(line, station)
    done(line, AOI, inspected("Failed", "Passed"))
    assert codes(line, MOUNTER) == [["failed", "repeated"], ["repeated"]] or codes(line, MOUNTER)[0]
    decide(line, contain(line, serials=["SN-1"]).nonconformance, ["SN-1"], "rework")
    assert codes(line, MOUNTER) == [[], ["repeated"]]
    done(line, MOUNTER)
    assert codes(line, MOUNTER, Asked("SN-1")) == [["repeated"]]


@pytest.mark.parametrize("name", ["OperatorIdentifier", "LoginName"])
def test_an_operator_is_there_until_they_or_another_log_in_or_out(
    line: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(messages, "START", datetime.now(UTC) - timedelta(hours=13))
    with line.begin() as connection:
        need_qualification(connection, operation="print", actor="test")
        qualify(connection, operator="anna", operation="print", valid_until=None, actor="test")

    def at_printer(operator: str, hour: float, *, activated: bool = True) -> list[str]:
        stored(line, said(PRINTER, {name: operator}, activated=activated, when=hour * 3600))
        return codes(line, PRINTER, Asked("SN-1"))[0]

    assert at_printer("anna", 0.5) == ["no_operator"], "longer ago than any shift lasts"
    assert at_printer("anna", 2) == []
    assert at_printer("anna", 3, activated=False) == ["no_operator"]
    assert at_printer("anna", 4) == []
    assert at_printer("ben", 5) == ["not_qualified"]
    assert at_printer("ben", 6, activated=False) == ["no_operator"]


def test_a_panels_override_is_for_each_board_in_it(line: Engine) -> None:
    assert codes(line, MOUNTER) == [["skipped"], ["skipped"]]
    with line.begin() as connection:
        grant_override(
            connection, code="skipped", station=MOUNTER, serial="P-1", reason="printed by hand", actor=ENGINEER,
            second=SECOND, until=datetime.now(UTC) + timedelta(hours=1),
        )  # fmt: skip
    assert codes(line, MOUNTER) == [[], []]
    assert codes(line, MOUNTER, Asked("SN-2")) == [[]]


def test_what_was_skipped_with_leave_stays_passed_at_the_stations_behind(line: Engine) -> None:
    now = datetime.now(UTC)
    with line.begin() as connection:
        grant_override(
            connection, code="skipped", station=MOUNTER, serial="SN-1", reason="printed by hand", actor=ENGINEER,
            second=SECOND, until=now + timedelta(hours=1),
        )  # fmt: skip
    assert codes(line, AOI, Asked("SN-1")) == [["skipped", "skipped"]], "the leave is for the mounter"
    work, when = uuid4(), (now - messages.START).total_seconds() + 1
    stored(line, started(("P-1", 1), ("P-1", 2), transaction=work, source=MOUNTER, when=when))
    stored(line, completed(transaction=work, source=MOUNTER, when=when + 1))
    assert codes(line, AOI) == [[], ["skipped"]]
    with line.connect() as connection:
        units = {serial: unit_id(connection, serial) for serial in ("SN-1", "SN-2")}
        missing = incomplete(connection, units.values())
    assert missing[units["SN-1"]] == "operation inspect is not completed"
    assert missing[units["SN-2"]] == "operation print is not completed"


# --- material ---


def test_a_held_reel_in_another_lane_stops_however_often_the_first_lane_was_changed(line: Engine) -> None:
    done(line, PRINTER)
    reels = [(f"A-{number}", "RES-10K", "LA") for number in range(17)]
    stored(line, received(*reels, ("B-1", "RES-10K", "LB"), source=MOUNTER), loaded("B-1", lane=2))
    contain(line, package="B-1")
    stored(line, *(loaded(reel, lane=1) for reel, _, _ in reels))
    assert codes(line, MOUNTER, Asked("SN-1")) == [["package_held"]]


def test_a_position_that_was_only_spoken_of_is_no_board(line: Engine) -> None:
    for station in (PRINTER, MOUNTER):
        work = uuid4()
        units = [("P-1", position) for position in (1, 2, 7)]
        stored(
            line,
            started(*units, transaction=work, panel="P-1", order="WO-1", source=station, when=next(clock)),
            completed(*units, transaction=work, source=station, when=next(clock)),
        )
    assert codes(line, AOI, Asked("P-1", 1), Asked("P-1", 2)) == [[], []]
    (verdict,) = asked(line, AOI, Asked("P-1", 7))
    assert "unknown_position" in {ground.code for ground in verdict.reasons}
    stored(line, initialized("P-1", ("SN-7", 7), order="WO-1", source="Acme.Marker.1", when=next(clock)))
    assert "unknown_position" not in codes(line, AOI, Asked("P-1", 7))[0]


def test_a_held_reel_stops_where_the_machine_named_no_slot(line: Engine) -> None:
    done(line, PRINTER)
    stored(line, received(("B-1", "RES-10K", "LB"), ("B-2", "RES-10K", "LC"), source=MOUNTER))
    contain(line, package="B-1")
    stored(line, loaded("B-1", slot=None))
    assert codes(line, MOUNTER, Asked("SN-1")) == [["package_held"]]
    stored(line, loaded("B-2", slot=None))
    assert codes(line, MOUNTER, Asked("SN-1")) == [[]]


def test_a_held_reel_stops_though_its_machines_clock_is_ahead_and_the_clock_is_warned_of(line: Engine) -> None:
    done(line, PRINTER)
    stored(line, received(("B-1", "RES-10K", "LB"), source=MOUNTER))
    contain(line, package="B-1")
    ahead = (datetime.now(UTC) - messages.START).total_seconds() + 1800
    stored(line, loaded("B-1", when=ahead))
    (verdict,) = asked(line, MOUNTER, Asked("SN-1"))
    assert [ground.code for ground in verdict.reasons] == ["package_held"]
    assert any("ahead: its times prove nothing" in warning for warning in verdict.warnings)
    with line.begin() as connection:
        measure_clocks(connection, {PRINTER: timedelta(seconds=-0.7)})
    assert any("0.7 s behind: its times are suspect" in told for told in asked(line, PRINTER)[0].warnings)


def test_of_a_carrier_that_is_used_again_what_is_on_it_is_released(line: Engine) -> None:
    for boards in (("S-1", "S-2"), ("S-3", "S-4")):
        stored(line, initialized("CARR", (boards[0], 1), (boards[1], 2), order="WO-1", source="Acme.Marker.1",
                                 when=next(clock)))  # fmt: skip
        work = uuid4()
        stored(line, started(("CARR", 1), ("CARR", 2), transaction=work, panel="CARR", source=PRINTER,
                             when=next(clock)), without_the_product(work))  # fmt: skip
    with line.begin() as connection:
        assert release_provisional(connection, ["CARR"], reason="looked at both", actor="person:quinn") == ["CARR"]

    def provisional(serial: str) -> bool:
        with line.begin() as connection:
            (verdict,) = ask(connection, station=BOX_TEST, units=[Asked(serial)], actor="test")
        return "provisional" in {ground.code for ground in verdict.reasons}

    assert [provisional(serial) for serial in ("S-1", "S-2", "S-3", "S-4")] == [True, True, False, False]
