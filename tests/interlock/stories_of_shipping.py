"""What keeps a unit from leaving, and how that is cleared."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app.errors import NotFound
from app.interlock.starts import give_up, start_units
from app.quality.shipping import MayNotLeave, pack, ship, unpack
from app.units.ownership import assign_customer
from tests.containment.stories import build, contain, decide, send
from tests.containment.test_dispositions import inspected
from tests.inbox.messages import STATION, completed, initialized, message, positions, started, stored
from tests.interlock.clearing import QUALITY, Against, clears, gate, kept
from tests.interlock.stories_of_units import passes_without_the_gate, released_by_quality
from tests.interlock.story import AOI, MOUNTER, PRINTER, TESTER, done, passed
from tests.interlock.story import inspected as inspected_at_the_aoi

ACTOR = QUALITY.identity


def finished(engine: Engine) -> None:
    """The panel went through the line."""
    for station in (PRINTER, MOUNTER):
        done(engine, station)
    done(engine, AOI, inspected_at_the_aoi("Passed", "Passed"))
    done(engine, TESTER, passed("SN-1", "SN-2"))


@clears("shipped", "Note first that SN-1 came back.")
def it_came_back(engine: Engine) -> Iterator[Against]:
    finished(engine)
    send(engine, "SN-1", customer="Northwind")
    yield gate(engine, PRINTER)
    with engine.begin() as connection:
        unpack(connection, ["SN-1"], reason="RMA 12.", actor=ACTOR)
    yield gate(engine, PRINTER)


@clears("shipped", "Note first that P-7 came back.")
def it_came_back_from_a_shipment_of_its_panel(engine: Engine) -> Iterator[Against]:
    work = uuid4()
    stored(
        engine,
        initialized(None, "P-7", order="WO-7", when=1),
        started("P-7", transaction=work, order="WO-7", when=2),
        completed("P-7", transaction=work, when=3),
    )
    send(engine, "P-7", order="WO-7")
    stored(engine, initialized("P-7", ("SN-71", 1), ("SN-72", 2), order="WO-7", when=4))
    yield gate(engine, PRINTER, "SN-71")
    with engine.begin() as connection, pytest.raises(NotFound, match="comes back with that"):
        unpack(connection, ["SN-71"], reason="RMA 12.", actor=ACTOR)
    with engine.begin() as connection:
        unpack(connection, ["P-7"], reason="RMA 12.", actor=ACTOR)
    yield gate(engine, PRINTER, "SN-71")


@clears("shipped", "Unpack it there, or note that it came back.")
def it_came_back_to_leave_again(engine: Engine) -> Iterator[Against]:
    build(engine, "SN-8", order="WO-8")
    send(engine, "SN-8", order="WO-8")
    yield kept(engine, "SN-8")
    with engine.begin() as connection:
        unpack(connection, ["SN-8"], reason="RMA 12.", actor=ACTOR)
    yield kept(engine, "SN-8")


@clears("packed", "Unpack it there, or note that it came back.")
def unpacked(engine: Engine) -> Iterator[Against]:
    build(engine, "SN-8", order="WO-8")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-8", customer="Acme", actor=ACTOR)
        pack(connection, ["SN-8"], shipment="SH-1", customer="Acme", actor=ACTOR)
    yield kept(engine, "SN-8")
    with engine.begin() as connection:
        unpack(connection, ["SN-8"], reason="Wrong box.", actor=ACTOR)
    yield kept(engine, "SN-8")


def _mended(engine: Engine) -> Against:
    build(engine, "SN-8", order="WO-8")
    stored(engine, inspected("SN-8", "Failed", 5))
    decide(engine, contain(engine, serials=["SN-8"]).nonconformance, ["SN-8"], "rework")
    return kept(engine, "SN-8")


PASS_AGAIN = "Let it pass what it failed before; where it failed nothing, any inspection or test."


@clears("unproven", PASS_AGAIN)
def passed_what_it_was_mended_for(engine: Engine) -> Iterator[Against]:
    yield _mended(engine)
    stored(engine, inspected("SN-8", "Passed", 9))
    yield kept(engine, "SN-8")


@clears("unproven", PASS_AGAIN)
def passed_anything_where_it_had_failed_nothing(engine: Engine) -> Iterator[Against]:
    build(engine, "SN-8", order="WO-8")
    decide(engine, contain(engine, serials=["SN-8"]).nonconformance, ["SN-8"], "rework")
    yield kept(engine, "SN-8")
    stored(engine, inspected("SN-8", "Passed", 9, method="AXI"))
    yield kept(engine, "SN-8")


COMPLETE = "Complete the work, or have its start ended."


def _in_work(engine: Engine, work: UUID) -> Against:
    build(engine, "SN-8", order="WO-8")
    with engine.begin() as connection:
        (verdict,) = start_units(connection, station=STATION, serials=["SN-8"], transaction_id=work, actor="test")
    assert verdict.started
    return kept(engine, "SN-8")


@clears("in_work", COMPLETE)
def completed_there(engine: Engine) -> Iterator[Against]:
    work = uuid4()
    yield _in_work(engine, work)
    stored(engine, started("SN-8", transaction=work, when=50), completed("SN-8", transaction=work, when=60))
    yield kept(engine, "SN-8")


@clears("in_work", COMPLETE)
def given_up(engine: Engine) -> Iterator[Against]:
    yield _in_work(engine, uuid4())
    with engine.begin() as connection:
        give_up(connection, ["SN-8"], reason="It never arrived.", actor=ACTOR)
    yield kept(engine, "SN-8")


def _told(refusal: MayNotLeave) -> Against:
    units = refusal.details["units"]
    assert isinstance(units, list)
    return {reason["code"]: reason["clears"] for unit in units for reason in unit["reasons"]}


def refused(engine: Engine, customer: str, shipment: str) -> Against:
    """What is said to whoever packs it."""
    try:
        with engine.begin() as connection:
            pack(connection, ["SN-8"], shipment=shipment, customer=customer, actor=ACTOR)
    except MayNotLeave as refusal:
        return _told(refusal)
    return {}


@clears("another_customer", "Pack it for that customer.")
def packed_for_its_customer(engine: Engine) -> Iterator[Against]:
    build(engine, "SN-8", "SN-9", order="WO-8")
    build(engine, "SN-7", order="WO-7")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-8", customer="Acme", actor=ACTOR)
        assign_customer(connection, work_order="WO-7", customer="Globex", actor=ACTOR)
    yield refused(engine, "Globex", "SH-1")
    yield refused(engine, "Acme", "SH-2")


@clears("another_customer", "Unpack it, and pack it for that customer.")
def packed_again_for_its_customer(engine: Engine) -> Iterator[Against]:
    build(engine, "SN-8", order="WO-8")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-8", customer="Acme", actor=ACTOR)
        pack(connection, ["SN-8"], shipment="SH-1", customer="Acme", actor=ACTOR)
        assign_customer(connection, work_order="WO-8", customer="Globex", actor=ACTOR)
    with engine.begin() as connection, pytest.raises(MayNotLeave) as stopped:
        ship(connection, "SH-1", actor=ACTOR)
    yield _told(stopped.value)
    with engine.begin() as connection:
        unpack(connection, ["SN-8"], reason="Another customer's.", actor=ACTOR)
    yield refused(engine, "Globex", "SH-2")


def _failed(engine: Engine) -> Against:
    build(engine, "SN-8", order="WO-8")
    stored(engine, inspected("SN-8", "Failed", 5))
    return kept(engine, "SN-8")


DISPOSITION = "Pass it there, or have quality disposition the unit."


@clears("failed", DISPOSITION)
def passed_there(engine: Engine) -> Iterator[Against]:
    yield _failed(engine)
    stored(engine, inspected("SN-8", "Passed", 6))
    yield kept(engine, "SN-8")


@clears("failed", DISPOSITION)
def dispositioned(engine: Engine) -> Iterator[Against]:
    yield _failed(engine)
    found = contain(engine, serials=["SN-8"]).nonconformance
    decide(engine, found, ["SN-8"], "use_as_is", customer_approval="8D 1")
    yield kept(engine, "SN-8")


@clears("provisional", "Have quality release it.")
def released_to_leave(engine: Engine) -> Iterator[Against]:
    build(engine, "SN-8", order="WO-8")
    passes_without_the_gate(engine, "SN-8")
    yield kept(engine, "SN-8")
    released_by_quality(engine, "SN-8")
    yield kept(engine, "SN-8")


@clears("incomplete", "Do what is missing.")
def what_is_missing_is_done(engine: Engine) -> Iterator[Against]:
    done(engine, PRINTER)
    yield kept(engine, "SN-1")
    finished(engine)
    yield kept(engine, "SN-1")


@clears("scrapped", "Break the panel: give the good boards serials of their own.")
def the_panel_is_broken(engine: Engine) -> Iterator[Against]:
    work = uuid4()
    scrap = {"Reason": "Scrap", "Units": positions([("P-7", 1)])}
    stored(
        engine,
        started(("P-7", 1), ("P-7", 2), transaction=work, order="WO-7", when=1),
        completed(transaction=work, when=2),
        message("Production.UnitsDisqualified", scrap, when=5),
    )
    yield kept(engine, "P-7")
    stored(engine, initialized("P-7", ("SN-71", 1), ("SN-72", 2), order="WO-7", when=6))
    yield kept(engine, "SN-72")
