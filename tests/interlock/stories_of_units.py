"""What stops a unit on its way, and how that is cleared."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from app.cfx.gate import OPENLY
from app.interlock.plans import plan_policy, plan_retest_limit, plan_threshold
from app.interlock.releases import release_provisional
from app.interlock.starts import give_up, start_units
from app.products.planning import set_routing
from app.products.routing import RoutingStep
from app.quality.containments import release_containment
from tests.containment.stories import contain, decide
from tests.inbox.messages import completed, initialized, message, started, stored, uninstalled
from tests.interlock.clearing import QUALITY, Against, clears, gate, says
from tests.interlock.story import AOI, MARKER, MOUNTER, OPERATIONS, PRINTER, TESTER, clock, done, inspected, placed

# --- what nobody knows ---


@clears("unknown_unit", "Read its mark again; if it is right, its first station has not reported it yet.")
def its_first_station_reports_it(engine: Engine) -> Iterator[Against]:
    with engine.begin() as connection:
        plan_policy(connection, station=AOI, policy="fail_closed", actor="test")
    yield gate(engine, AOI, "SN-9")
    stored(engine, initialized("P-9", ("SN-9", 1), order="WO-1", source=MARKER, when=next(clock)))
    yield gate(engine, AOI, "SN-9")


@clears("unknown_position", "Ask with the position the panel was marked with.")
def asked_with_the_marked_position(engine: Engine) -> Iterator[Against]:
    yield gate(engine, AOI, "P-1", 3)
    yield gate(engine, AOI, "P-1", 2)


@clears("unknown_position", "Read its mark again; if it is right, whoever marked it has not reported it yet.")
def whoever_marked_it_reports_it(engine: Engine) -> Iterator[Against]:
    stored(engine, started(("P-1", 3), transaction=uuid4(), source=PRINTER, when=next(clock)))
    yield gate(engine, AOI, "P-1", 3)
    stored(engine, initialized("P-1", ("SN-3", 3), order="WO-1", source=MARKER, when=next(clock)))
    yield gate(engine, AOI, "P-1", 3)


# --- its way ---


@clears("skipped", "Take it to print.")
def taken_to_what_it_skipped(engine: Engine) -> Iterator[Against]:
    yield gate(engine, MOUNTER)
    done(engine, PRINTER)
    yield gate(engine, MOUNTER)


@clears("skipped", "Take it to inspect again.")
def taken_to_its_check_again(engine: Engine) -> Iterator[Against]:
    through(engine, PRINTER, MOUNTER, AOI)
    stored(engine, uninstalled("SN-1", ["R1"], when=next(clock), source="Acme.Bench.1"))
    yield gate(engine, TESTER)
    through(engine, AOI)
    yield gate(engine, TESTER)


@clears("skipped", "Take it to place by itself where it is none, or scrap it.")
def taken_by_itself_where_it_is_no_x_out(engine: Engine) -> Iterator[Against]:
    done(engine, PRINTER)
    work, by_itself = uuid4(), uuid4()
    units = [{"UnitIdentifier": "P-1", "PositionNumber": 1, "Status": "Skip"},
             {"UnitIdentifier": "P-1", "PositionNumber": 2, "Status": "Pass"}]  # fmt: skip
    begun = {"TransactionID": str(work), "PrimaryIdentifier": "P-1", "Units": units}
    says(engine, "Production.WorkStarted", begun, station=MOUNTER)
    stored(engine, completed(transaction=work, source=MOUNTER, when=next(clock)))
    yield gate(engine, AOI)
    stored(
        engine,
        started("SN-1", transaction=by_itself, source=MOUNTER, when=next(clock), order="WO-1"),
        completed("SN-1", transaction=by_itself, source=MOUNTER, when=next(clock)),
    )
    yield gate(engine, AOI)


@clears("out_of_order", "Go on with the next operation of the routing.")
def gone_on_past_what_is_optional(engine: Engine) -> Iterator[Against]:
    steps = [RoutingStep(operation, operation == "print") for operation in OPERATIONS.values()]
    with engine.begin() as connection:
        set_routing(connection, 1, steps, actor="test")
    done(engine, MOUNTER)
    yield gate(engine, PRINTER)
    yield gate(engine, AOI)


REPEATED = "Go on with the next operation of the routing; a decision to rework lets it be done again."


@clears("repeated", REPEATED)
def gone_on(engine: Engine) -> Iterator[Against]:
    done(engine, PRINTER)
    yield gate(engine, PRINTER)
    yield gate(engine, MOUNTER)


@clears("repeated", REPEATED)
def decided_to_rework(engine: Engine) -> Iterator[Against]:
    done(engine, PRINTER)
    yield gate(engine, PRINTER)
    decided(engine, "SN-1", "rework")
    yield gate(engine, PRINTER)


@clears("not_arrived", "Wait for it; if it does not come, see whether its station is connected.")
def waited_for(engine: Engine) -> Iterator[Against]:
    work = done(engine, PRINTER, end=False)
    yield gate(engine, MOUNTER)
    stored(engine, completed(transaction=work, source=PRINTER, when=next(clock)))
    yield gate(engine, MOUNTER)


# --- what it failed, and what quality decides ---


def through(engine: Engine, *stations: str) -> None:
    """The panel goes through these stations, and is found good."""
    for station in stations:
        done(engine, station, *([inspected("Passed", "Passed")] if station == AOI else []))


def failed(engine: Engine, outcome: str = "Failed") -> None:
    """SN-1 fails at the AOI."""
    through(engine, PRINTER, MOUNTER)
    done(engine, AOI, inspected(outcome, "Passed"))


def decided(engine: Engine, serial: str, decision: str) -> None:
    """Quality opens a nonconformance for the unit, and decides."""
    approval = "8D 1" if decision == "use_as_is" else None
    decide(engine, contain(engine, serials=[serial]).nonconformance, [serial], decision, customer_approval=approval)


DECIDES = "Quality decides: rework, repair, use as is or scrap."


@clears("failed", DECIDES)
def used_as_it_is(engine: Engine) -> Iterator[Against]:
    failed(engine)
    yield gate(engine, TESTER)
    decided(engine, "SN-1", "use_as_is")
    yield gate(engine, TESTER)


@clears("failed", DECIDES)
def sent_to_repair(engine: Engine) -> Iterator[Against]:
    failed(engine)
    yield gate(engine, TESTER)
    decided(engine, "SN-1", "repair")
    yield gate(engine, TESTER)


@clears("not_retested", "Take it to inspect.")
def taken_to_what_it_failed(engine: Engine) -> Iterator[Against]:
    failed(engine)
    decided(engine, "SN-1", "repair")
    yield gate(engine, TESTER)
    through(engine, AOI)
    yield gate(engine, TESTER)


@clears("no_verdict", "Take it to inspect again.")
def taken_to_a_verdict(engine: Engine) -> Iterator[Against]:
    failed(engine, "Error")
    yield gate(engine, TESTER)
    through(engine, AOI)
    yield gate(engine, TESTER)


@clears("retest_limit", "Quality decides what becomes of it: rework, repair, use as is or scrap.")
def quality_lets_it_be_tried_again(engine: Engine) -> Iterator[Against]:
    with engine.begin() as connection:
        plan_retest_limit(connection, product_revision_id=1, operation="inspect", runs=1, actor="test")
    failed(engine)
    yield gate(engine, AOI)
    decided(engine, "SN-1", "rework")
    yield gate(engine, AOI)


HOLD = "Quality releases it or decides what becomes of it."


@clears("on_hold", HOLD)
def released(engine: Engine) -> Iterator[Against]:
    number = contain(engine, serials=["SN-1"]).number
    yield gate(engine, PRINTER)
    with engine.begin() as connection:
        release_containment(connection, number, reason="None was cracked.", actor=QUALITY.identity)
    yield gate(engine, PRINTER)


@clears("on_hold", HOLD)
def found_good(engine: Engine) -> Iterator[Against]:
    done_with = contain(engine, serials=["SN-1"])
    yield gate(engine, PRINTER)
    decide(engine, done_with.nonconformance, ["SN-1"], "use_as_is", customer_approval="8D 1")
    yield gate(engine, PRINTER)


def passes_without_the_gate(engine: Engine, unit: str) -> None:
    work = uuid4()
    stored(
        engine,
        started(unit, transaction=work, source=PRINTER, when=next(clock)),
        message(
            "Production.ActivitiesExecuted",
            {"TransactionID": str(work), "Activities": [{"ActivityName": OPENLY}]}, source=PRINTER, when=next(clock),
        ),
        completed(unit, transaction=work, source=PRINTER, when=next(clock)),
    )  # fmt: skip


def released_by_quality(engine: Engine, serial: str) -> None:
    with engine.begin() as connection:
        release_provisional(connection, [serial], reason="Paste measured by hand.", actor=QUALITY.identity)


@clears("provisional", "Quality looks at it and releases it.")
def looked_at(engine: Engine) -> Iterator[Against]:
    passes_without_the_gate(engine, "P-1")
    yield gate(engine, MOUNTER)
    released_by_quality(engine, "SN-1")
    yield gate(engine, MOUNTER)


# --- whose hands it is in ---


COMPLETE = "Complete that work, or have its start ended."


@clears("already_started", COMPLETE)
def that_work_is_completed(engine: Engine) -> Iterator[Against]:
    work = uuid4()
    with engine.begin() as connection:
        start_units(connection, station=PRINTER, serials=["P-1"], transaction_id=work, actor="test")
    yield gate(engine, MOUNTER)
    stored(
        engine,
        started("P-1", transaction=work, source=PRINTER, when=next(clock)),
        completed("P-1", transaction=work, source=PRINTER, when=next(clock)),
    )
    yield gate(engine, MOUNTER)


@clears("already_started", COMPLETE)
def its_start_is_ended(engine: Engine) -> Iterator[Against]:
    with engine.begin() as connection:
        start_units(connection, station=PRINTER, serials=["P-1"], transaction_id=uuid4(), actor="test")
    yield gate(engine, MOUNTER)
    with engine.begin() as connection:
        give_up(connection, ["SN-1"], reason="Taken off the belt.", actor=QUALITY.identity)
    yield gate(engine, MOUNTER)


BUILT_IN = "Ask for BOX, or take SN-1 out of it first and have that recorded."


def built_into(engine: Engine, child: str, parent: str) -> None:
    material = {"UniqueIdentifier": child, "InternalPartNumber": "MODULE"}
    part = {"UnitIdentifier": parent, "QuantityInstalled": 1.0, "Material": material,
            "InstalledComponents": [{"ReferenceDesignator": "U9", "InstalledUnitIdentifier": child}]}  # fmt: skip
    says(engine, "Production.Assembly.MaterialsInstalled", {"InstalledMaterials": [part]}, station="Acme.Bench.1")


def taken_out_of(engine: Engine, child: str, parent: str) -> None:
    stored(engine, uninstalled(parent, children=[("U9", child)], when=next(clock), source="Acme.Bench.1"))


@clears("built_in", BUILT_IN)
def asked_for_what_is_around_it(engine: Engine) -> Iterator[Against]:
    built_into(engine, "SN-1", "BOX")
    yield gate(engine, PRINTER)
    yield gate(engine, PRINTER, "BOX")


@clears("built_in", BUILT_IN)
def taken_out(engine: Engine) -> Iterator[Against]:
    built_into(engine, "SN-1", "BOX")
    yield gate(engine, PRINTER)
    taken_out_of(engine, "SN-1", "BOX")
    yield gate(engine, PRINTER)


# --- what is built into it: CHIP, in SN-1 ---


def with_a_chip(engine: Engine) -> None:
    through(engine, PRINTER, MOUNTER)
    stored(engine, initialized(None, "CHIP", source="Acme.Marker.2", when=next(clock)))
    built_into(engine, "CHIP", "SN-1")


def the_chip(engine: Engine, outcome: str) -> None:
    body: dict[str, Any] = {"InspectionMethod": "AOI", "InspectedUnits": [
        {"UnitIdentifier": "CHIP", "OverallResult": outcome, "Inspections": []}]}  # fmt: skip
    says(engine, "Production.TestAndInspection.UnitsInspected", body, station=AOI)


CHIP_HELD = "Quality releases CHIP, or it is exchanged."


@clears("sub_assembly_on_hold", CHIP_HELD)
def the_chip_is_released(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    number = contain(engine, serials=["CHIP"]).number
    yield gate(engine, AOI)
    with engine.begin() as connection:
        release_containment(connection, number, reason="None was cracked.", actor=QUALITY.identity)
    yield gate(engine, AOI)


@clears("sub_assembly_on_hold", CHIP_HELD)
def the_held_chip_is_exchanged(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    contain(engine, serials=["CHIP"])
    yield gate(engine, AOI)
    taken_out_of(engine, "CHIP", "SN-1")
    yield gate(engine, AOI)


@clears("sub_assembly_scrapped", "Exchange CHIP.")
def the_scrapped_chip_is_exchanged(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    decided(engine, "CHIP", "scrap")
    yield gate(engine, AOI)
    taken_out_of(engine, "CHIP", "SN-1")
    built_into(engine, "CHIP-2", "SN-1")
    yield gate(engine, AOI)


CHIP_FAILED = "Let CHIP pass, have quality accept it as it is, or exchange it."


@clears("sub_assembly_failed", CHIP_FAILED)
def the_chip_passes(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    the_chip(engine, "Failed")
    yield gate(engine, TESTER)
    the_chip(engine, "Passed")
    yield gate(engine, TESTER)


@clears("sub_assembly_failed", CHIP_FAILED)
def the_chip_is_accepted(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    the_chip(engine, "Failed")
    yield gate(engine, TESTER)
    decided(engine, "CHIP", "use_as_is")
    yield gate(engine, TESTER)


@clears("sub_assembly_failed", CHIP_FAILED)
def the_failed_chip_is_exchanged(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    the_chip(engine, "Failed")
    decided(engine, "CHIP", "rework")
    yield gate(engine, TESTER)
    taken_out_of(engine, "CHIP", "SN-1")
    yield gate(engine, TESTER)


@clears("sub_assembly_provisional", "Quality looks at CHIP and releases it.")
def the_chip_is_looked_at(engine: Engine) -> Iterator[Against]:
    with_a_chip(engine)
    passes_without_the_gate(engine, "CHIP")
    yield gate(engine, AOI)
    released_by_quality(engine, "CHIP")
    yield gate(engine, AOI)


# --- its genealogy ---


@clears("incomplete", "Wait for late reports, or record the missing parts.")
def the_late_report_comes(engine: Engine) -> Iterator[Against]:
    with engine.begin() as connection:
        plan_threshold(connection, customer="Northwind", operation="inspect", completeness=1.0, actor="test")
    done(engine, PRINTER)
    work = done(engine, MOUNTER)
    yield gate(engine, AOI)
    stored(engine, placed("REEL-1")(work))
    yield gate(engine, AOI)
