"""What becomes of a unit: decided once, by who may, with the customer's word where it needs that."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.people import Role
from app.quality.containments import release_containment
from app.quality.dispositions import AUTHORITY, Disposition, require_authority
from app.quality.failures import failures_on
from app.units.ownership import assign_customer
from app.units.whereabouts import places_of
from tests.containment.stories import ACTOR, build, contain, decide, held, unit_id
from tests.inbox.messages import at, count, message, stored


def inspected(serial: str, result: str, when: float) -> bytes:
    body = {"InspectionMethod": "AOI", "InspectedUnits": [
        {"UnitIdentifier": serial, "OverallResult": result,
         "Inspections": [{"InspectionName": "Joints", "Result": result}]}]}  # fmt: skip
    return message("Production.TestAndInspection.UnitsInspected", body, source="Argus.A2.1", when=when)


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
