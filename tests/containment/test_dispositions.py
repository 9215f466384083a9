"""What becomes of a unit: decided once, by who may, with the customer's word where it needs that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.lines.planning import StationPlan, plan_line
from app.people import Role
from app.quality.containments import open_containment, record_of, release_containment
from app.quality.dispositions import AUTHORITY, Disposition, disposition_units, require_authority
from app.quality.failures import failures_on, unproven
from app.quality.held_units import held_units
from app.quality.nonconformances import nonconformances, open_nonconformance
from app.quality.scope import ScopedUnit
from app.quality.shipping import unpack
from app.quality.terms import terms_of
from app.quality.unit_decisions import holds_of_unit
from app.trace.evidence import Evidence
from app.units.ownership import assign_customer
from app.units.whereabouts import places_of
from tests.containment.stories import ACTOR, build, contain, decide, held, unit_id, unit_ids
from tests.inbox.messages import at, count, entry, initialized, installed, message, received, started, stored


def inspected(
    serial: str, result: str, when: float, *, method: str = "AOI", position: int = 0, source: str = "Argus.A2.1"
) -> bytes:
    body = {"InspectionMethod": method, "InspectedUnits": [
        {"UnitIdentifier": serial, "UnitPositionNumber": position, "OverallResult": result,
         "Inspections": [{"InspectionName": "Joints", "Result": result}]}]}  # fmt: skip
    return message("Production.TestAndInspection.UnitsInspected", body, source=source, when=when)


def failed(engine: Engine, serial: str) -> list[tuple[str | None, int]]:
    """(method, position) of each failure that stands."""
    with engine.connect() as connection:
        one = unit_id(connection, serial)
        return [(failure.method, failure.position_number) for failure in failures_on(connection, [one]).get(one, ())]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.quality_engineer, set(Disposition)),
        (Role.administrator, set(Disposition)),
        (Role.process_engineer, {Disposition.rework, Disposition.repair}),
        (Role.line_lead, set()),
        (Role.operator, set()),
        (Role.customer, set()),
        (Role.line_equipment, set()),
    ],
)
def test_who_may_decide_what(role: Role, may: set[Disposition]) -> None:
    assert AUTHORITY.get(role, frozenset()) == may
    for decision in set(Disposition) - may:
        with pytest.raises(Forbidden, match="quality engineer"):
            require_authority(role, decision)


@pytest.mark.parametrize("decision", ["released", "rework", "repair", "use_as_is"])
def test_a_decision_ends_the_hold_of_that_unit_alone(engine: Engine, decision: str) -> None:
    build(engine, "SN-1", "SN-2")
    done = contain(engine, lot="A17")
    assert decide(engine, done.nonconformance, ["SN-1"], decision, customer_approval="Acme CR-7") == 1
    assert held(engine, "SN-1", "SN-2") == {"SN-2": [False]}
    assert count(engine, "audit", "deed = 'unit.dispositioned'") == 1


@pytest.mark.parametrize("decision", ["scrap", "return_to_supplier"])
def test_what_does_not_come_back_stays_held_even_after_the_release(engine: Engine, decision: str) -> None:
    build(engine, "SN-1", "SN-2")
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["SN-1"], decision)
    with engine.begin() as connection:
        release_containment(connection, done.number, reason="The rest is good.", actor=ACTOR)
        place = places_of(connection, [unit_id(connection, "SN-1")])[unit_id(connection, "SN-1")]
    assert held(engine, "SN-1", "SN-2") == {"SN-1": [False]}
    assert (place.words == "scrapped") == (decision == "scrap")


def test_it_happens_once_and_all_or_none(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2", "SN-3")
    done = contain(engine, serials=["SN-1", "SN-2"])
    decide(engine, done.nonconformance, ["SN-1"], "rework")
    with pytest.raises(Conflict, match="once"):
        decide(engine, done.nonconformance, ["SN-2", "SN-1"], "released")
    with pytest.raises(NotFound, match="SN-3"):
        decide(engine, done.nonconformance, ["SN-2", "SN-3"], "released")
    assert held(engine, "SN-1", "SN-2") == {"SN-2": [False]}
    with engine.begin() as connection:
        release_containment(connection, done.number, reason="Good.", actor=ACTOR)
    with pytest.raises(Conflict, match="released by"):
        decide(engine, done.nonconformance, ["SN-2"], "scrap")


def test_what_was_held_again_by_a_later_fact_is_decided_again(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["SN-1"], "released")
    with pytest.raises(Conflict, match="once"):
        decide(engine, done.nonconformance, ["SN-1"], "use_as_is")
    stored(
        engine,
        received(("REEL-2", "R0603-10K", "A17")),
        installed(entry("SN-1", "REEL-2", ["R3"]), when=90),
        installed(entry("SN-1", "REEL-2", ["R4"]), when=91),
    )
    assert held(engine, "SN-1") == {"SN-1": [False]}
    decide(engine, done.nonconformance, ["SN-1"], "use_as_is")
    assert held(engine, "SN-1", "SN-2") == {"SN-2": [False]}
    with pytest.raises(Conflict, match="once"):
        decide(engine, done.nonconformance, ["SN-1"], "rework")
    stored(engine, installed(entry("SN-1", "REEL-2", ["R5"]), when=99))
    with engine.begin() as connection:
        first = held_units(connection, done.nonconformance, limit=2)
        rest = held_units(connection, done.nonconformance, limit=2, cursor=first.next)
        assert [one.decision for one in (*first.units, *rest.units) if one.serial == "SN-1"] == [
            "released",
            "use_as_is",
            None,
        ]
        (told,) = nonconformances(connection, number=done.nonconformance)
        assert (told.units, told.open_units) == (2, 2)
        assert [one.decision for one in holds_of_unit(connection, "SN-1")] == ["released", "use_as_is", None]
        _, intact = record_of(connection, done.number)
        assert intact
    decide(engine, done.nonconformance, ["SN-1"], "scrap")
    assert held(engine, "SN-1") == {"SN-1": [False]}


def test_what_the_rule_holds_again_and_nobody_wrote_down_is_decided_again(engine: Engine) -> None:
    """The lot of what was placed becomes known later: no message about the unit has come since."""
    stored(engine, received(("REEL-2", "R0603-10K", None)))
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["SN-1"], "released")
    stored(engine, installed(entry("SN-1", "REEL-2", ["R3"]), when=90))
    stored(engine, received(("REEL-2", "R0603-10K", "A17")))
    assert held(engine, "SN-1") == {"SN-1": [True]}
    decide(engine, done.nonconformance, ["SN-1"], "use_as_is")
    assert held(engine, "SN-1") == {}


def test_a_customers_unit_is_used_as_it_is_only_with_their_approval(engine: Engine) -> None:
    build(engine, "SN-1")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Acme", actor=ACTOR)
    done = contain(engine, lot="A17")
    with pytest.raises(Invalid, match="approval"):
        decide(engine, done.nonconformance, ["SN-1"], "use_as_is")
    decide(engine, done.nonconformance, ["SN-1"], "use_as_is", customer_approval="CR-2026-114")
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT customer_approval FROM unit_disposition")).scalar_one()
    assert kept == "CR-2026-114"


@pytest.mark.parametrize(
    ("story", "failed"),
    [
        (lambda e: stored(e, inspected("SN-1", "Failed", 5)), True),
        (lambda e: stored(e, inspected("SN-1", "Failed", 5), inspected("SN-1", "Passed", 9)), False),
        (lambda e: stored(e, inspected("SN-1", "Passed", 5), inspected("SN-1", "Failed", 9)), True),
        (lambda e: stored(e, inspected("SN-1", "Failed", 5), inspected("SN-1", "Aborted", 9)), True),
        (lambda e: stored(e, inspected("SN-1", "Error", 5)), False),
    ],
)
def test_the_last_verdict_of_a_station_counts(engine: Engine, story: Callable[[Engine], None], failed: bool) -> None:
    build(engine, "SN-1")
    story(engine)
    with engine.connect() as connection:
        found = failures_on(connection, [unit_id(connection, "SN-1")])
    assert bool(found) is failed
    for failure in found.get(1, ()):
        assert "AOI at Argus.A2.1" in failure.sentence


def test_a_disposition_clears_earlier_failures_and_no_later_one(engine: Engine) -> None:
    build(engine, "SN-1")
    stored(engine, inspected("SN-1", "Failed", 5))
    done = contain(engine, serials=["SN-1"])
    decide(engine, done.nonconformance, ["SN-1"], "rework", role=Role.process_engineer)
    with engine.connect() as connection:
        assert failures_on(connection, [unit_id(connection, "SN-1")]) == {}
    stored(engine, inspected("SN-1", "Failed", 99))
    with engine.connect() as connection:
        (failure,) = failures_on(connection, [unit_id(connection, "SN-1")])[unit_id(connection, "SN-1")]
    assert failure.recorded_at == at(99)


@pytest.mark.parametrize("decision", ["released", "use_as_is", "rework", "repair"])
def test_a_decision_about_a_lot_clears_no_failure(engine: Engine, decision: str) -> None:
    build(engine, "SN-1")
    stored(engine, inspected("SN-1", "Failed", 5))
    done = contain(engine, lot="A17")
    decide(engine, done.nonconformance, ["SN-1"], decision, customer_approval="CR-1")
    assert held(engine, "SN-1") == {}
    assert failed(engine, "SN-1") == [("AOI", 0)]


def test_a_decision_clears_what_had_failed_when_its_nonconformance_was_opened(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, serials=["SN-1"], reason="A scratch.")
    body = {"TestMethod": "ICT", "TestedUnits": [{"UnitIdentifier": "SN-1", "OverallResult": "Failed", "Tests": []}]}
    with engine.connect() as connection:  # by the station's clock, too, it failed after the scratch was seen
        now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    later = (now - at(0)).total_seconds() + 60
    stored(engine, message("Production.TestAndInspection.UnitsTested", body, when=later))
    decide(engine, done.nonconformance, ["SN-1"], "use_as_is")
    assert failed(engine, "SN-1") == [("ICT", 0)]


def test_a_decision_clears_what_the_same_matter_failed_since(engine: Engine) -> None:
    build(engine, "SN-1")
    stored(engine, inspected("SN-1", "Failed", 5))
    done = contain(engine, serials=["SN-1"])
    stored(engine, inspected("SN-1", "Failed", 9), inspected("SN-1", "Failed", 7, method="AXI", source="Argus.A2.2"))
    decide(engine, done.nonconformance, ["SN-1"], "use_as_is")
    assert failed(engine, "SN-1") == []


def test_a_decision_about_one_position_clears_no_other(engine: Engine) -> None:
    stored(
        engine,
        received(("REEL-1", "R0603-10K", "A17")),
        started(("PNL-1", 1), ("PNL-1", 2), transaction=uuid4()),
        inspected("PNL-1", "Failed", 5, position=1),
        inspected("PNL-1", "Failed", 6, position=2),
        inspected("PNL-1", "Passed", 7, position=3),
    )
    assert failed(engine, "PNL-1") == [("AOI", 1), ("AOI", 2)]
    with engine.begin() as connection:
        panel = unit_id(connection, "PNL-1")
        why = ScopedUnit("PNL-1", Evidence.exact, "Seen.", at(0))
        number = open_nonconformance(connection, {(panel, 2): why}, reason="Burnt.", actor=ACTOR)
    decide(engine, number, ["PNL-1"], "use_as_is")
    assert failed(engine, "PNL-1") == [("AOI", 1)]
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), when=90))
    assert (failed(engine, "SN-1"), failed(engine, "SN-2")) == ([("AOI", 0)], [])


@pytest.mark.parametrize("other", [{"method": "AXI"}, {"source": "Argus.A2.2"}])
def test_a_pass_of_something_else_clears_no_failure(engine: Engine, other: dict[str, Any]) -> None:
    build(engine, "SN-1")
    stored(engine, inspected("SN-1", "Failed", 5), inspected("SN-1", "Passed", 9, **other))
    assert failed(engine, "SN-1") == [("AOI", 0)]


def test_a_pass_at_another_station_of_the_same_operation_clears_it(engine: Engine) -> None:
    with engine.begin() as connection:
        stations = [StationPlan("Argus.A2.1", operation="aoi"), StationPlan("Argus.A2.2", operation="aoi")]
        plan_line(connection, name="SMT 1", stations=stations, actor=ACTOR)
    build(engine, "SN-1")
    stored(engine, inspected("SN-1", "Failed", 5), inspected("SN-1", "Passed", 9, source="Argus.A2.2"))
    assert failed(engine, "SN-1") == []


def test_of_several_decisions_at_once_one_stands(engine: Engine) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")

    def try_it(decision: str) -> bool:
        try:
            decide(engine, done.nonconformance, ["SN-1"], decision)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as people:
        assert sum(people.map(try_it, ["scrap", "rework", "released", "repair"])) == 1
    assert count(engine, "unit_disposition") == 1
    assert count(engine, "audit", "deed = 'unit.dispositioned'") == 1


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", "\u00a0 \u2003", "...", "-"])
def test_a_reason_is_given_in_words(engine: Engine, blank: str) -> None:
    build(engine, "SN-1")
    done = contain(engine, lot="A17")
    with engine.begin() as connection:
        for deed in (
            lambda: open_containment(connection, terms_of({"package": "REEL-1"}), reason=blank, actor=ACTOR),
            lambda: release_containment(connection, done.number, reason=blank, actor=ACTOR),
            lambda: unpack(connection, ["SN-1"], reason=blank, actor=ACTOR),
            lambda: disposition_units(
                connection, done.nonconformance, ["SN-1"], Disposition.scrap, reason=blank, actor=ACTOR,
                role=Role.quality_engineer,
            ),
        ):  # fmt: skip
            with pytest.raises(Invalid, match="reason"):
                deed()
    assert set(held(engine, "SN-1")) == {"SN-1"}


def test_what_was_decided_before_the_boards_had_serials_is_proven_by_each(engine: Engine) -> None:
    stored(engine, started(("PNL-1", 1), ("PNL-1", 2), transaction=uuid4(), order="WO-1", when=1))
    opened = contain(engine, serials=["PNL-1"])
    decide(engine, opened.nonconformance, ["PNL-1"], "rework")
    stored(engine, initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), order="WO-1", when=50))
    stored(engine, inspected("SN-2", "Passed", 60))
    with engine.connect() as connection:
        boards = unit_ids(connection, "SN-1", "SN-2")
        assert [boards[one] for one in unproven(connection, boards)] == ["SN-1"]


def test_what_quality_accepts_as_it_is_after_a_rework_needs_no_proof_of_it(engine: Engine) -> None:
    build(engine, "SN-1")
    opened = contain(engine, lot="A17")
    decide(engine, opened.nonconformance, ["SN-1"], "rework")
    with engine.begin() as connection:
        one = unit_id(connection, "SN-1")
        scope = {(one, 0): ScopedUnit("SN-1", Evidence.exact, "Looked at.", at(9))}
        again = open_nonconformance(connection, scope, reason="Scratched.", actor=ACTOR)
        assert unproven(connection, [one]) == {one}
    decide(engine, again, ["SN-1"], "use_as_is")
    with engine.connect() as connection:
        assert unproven(connection, [one]) == set()
