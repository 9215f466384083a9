"""Only what is finished, released and whole leaves; whatever is kept, is kept by name with its reason."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.errors import Conflict, Invalid, NotFound
from app.quality.containments import release_containment
from app.quality.shipping import MayNotLeave, pack, ship, unpack
from app.units.locks import lock_units
from app.units.ownership import assign_customer
from app.units.shipments import shipments, shipped_serials
from app.units.starts import begin_start
from app.units.whereabouts import Place, PlaceKind, places_of
from tests.containment.stories import ACTOR, build, contain, decide, send, unit_id
from tests.containment.test_dispositions import inspected
from tests.inbox.messages import STATION, completed, count, entry, initialized, installed, started, stored


def put(engine: Engine, *serials: str, shipment: str = "SH-1", customer: str = "Acme") -> None:
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Acme", actor=ACTOR)
        pack(connection, serials, shipment=shipment, customer=customer, actor=ACTOR)


def place(engine: Engine, serial: str) -> tuple[PlaceKind, str]:
    with engine.connect() as connection:
        one = unit_id(connection, serial)
        found = places_of(connection, [one])[one]
        return found.kind, found.words


def kept(refused: pytest.ExceptionInfo[MayNotLeave]) -> dict[str, list[str]]:
    units = refused.value.details["units"]
    assert isinstance(units, list)
    return {unit["serial"]: [reason["code"] for reason in unit["reasons"]] for unit in units}


def test_the_way_out_is_told_at_each_step(engine: Engine) -> None:
    stored(engine, started("SN-1", transaction=uuid4(), order="WO-1"))
    assert place(engine, "SN-1") == (PlaceKind.line, f"on the line, last at {STATION}")
    build(engine, "SN-2")
    assert place(engine, "SN-2") == (PlaceKind.stock, "in stock")
    put(engine, "SN-2")
    assert place(engine, "SN-2") == (PlaceKind.packed, "packed for Acme in SH-1")
    with engine.begin() as connection:
        assert ship(connection, "SH-1", actor=ACTOR) == 1
    assert place(engine, "SN-2") == (PlaceKind.shipped, "shipped to Acme with SH-1")
    with engine.connect() as connection:
        (told,) = shipments(connection)
        assert (told.number, told.customer, told.units) == ("SH-1", "Acme", 1)
        assert shipped_serials(connection, "SH-1") == ["SN-2"]
    assert count(engine, "audit", "deed IN ('unit.packed', 'shipment.shipped')") == 2


def test_a_unit_on_hold_is_not_packed_and_the_others_wait_with_it(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    contain(engine, serials=["SN-1"])
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "SN-1", "SN-2")
    assert kept(refused) == {"SN-1": ["on_hold"]}
    assert "Cracked bodies" in refused.value.sentence
    assert count(engine, "packed_unit") == 0


def test_a_containment_between_packing_and_leaving_stops_the_shipment(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    put(engine, "SN-1", "SN-2")
    done = contain(engine, serials=["SN-1"])
    assert done.by_place == {"packed for Acme in SH-1": 1}
    with engine.begin() as connection, pytest.raises(MayNotLeave) as refused:
        ship(connection, "SH-1", actor=ACTOR)
    assert kept(refused) == {"SN-1": ["on_hold"]}
    with engine.begin() as connection:
        unpack(connection, ["SN-1"], reason="On hold.", actor=ACTOR)
        assert ship(connection, "SH-1", actor=ACTOR) == 1
    assert place(engine, "SN-1")[0] is PlaceKind.stock


def test_a_lot_contained_holds_even_what_no_hold_was_written_of(engine: Engine) -> None:
    build(engine, "SN-1")
    contain(engine, lot="A17")
    build(engine, "SN-2", package="REEL-2", when=50)
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "SN-2")
    assert kept(refused) == {"SN-2": ["on_hold"]}


def test_every_other_reason_to_keep_a_unit(engine: Engine) -> None:
    build(engine, "DONE", "FAILED", "MENDED", "SCRAPPED", "STARTED", "OPEN")
    stored(engine, inspected("FAILED", "Failed", 50), started("OPEN", transaction=uuid4(), when=60))
    stored(engine, started("NEW", transaction=uuid4(), order="WO-1", when=60))
    done = contain(engine, serials=["MENDED", "SCRAPPED"])
    decide(engine, done.nonconformance, ["MENDED"], "rework")
    decide(engine, done.nonconformance, ["SCRAPPED"], "scrap")
    with engine.begin() as connection:
        station = connection.execute(
            text("SELECT station_id FROM station WHERE handle = :h"), {"h": STATION}
        ).scalar_one()
        lock_units(connection, [unit_id(connection, "STARTED")])
        begin_start(connection, unit_id(connection, "STARTED"), station_id=station, transaction_id=uuid4(), actor=ACTOR)
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "DONE", "FAILED", "MENDED", "SCRAPPED", "STARTED", "OPEN", "NEW")
    assert kept(refused) == {
        "FAILED": ["failed"],
        "MENDED": ["unproven"],
        "SCRAPPED": ["on_hold", "scrapped"],
        "STARTED": ["in_work"],
        "OPEN": ["incomplete"],
        "NEW": ["incomplete"],
    }
    stored(engine, inspected("MENDED", "Passed", 70))
    put(engine, "MENDED", "DONE")


def test_an_assembly_does_not_leave_with_a_child_on_hold_and_takes_its_children_along(engine: Engine) -> None:
    build(engine, "CHILD", "BOX")
    stored(engine, installed(entry("BOX", None, children=[("A1", "CHILD")]), when=20))
    done = contain(engine, serials=["CHILD"])
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "BOX")
    assert kept(refused) == {"BOX": ["on_hold"]}
    with engine.begin() as connection:
        release_containment(connection, done.number, reason="Good.", actor=ACTOR)
    send(engine, "BOX")
    assert place(engine, "CHILD") == (PlaceKind.shipped, "shipped to Acme with SH-1")


def test_a_customer_is_not_told_of_anothers_shipment() -> None:
    inside = Place(PlaceKind.shipped, shipment="SH-1", customer="Acme")
    assert (inside.told_to("Acme"), inside.told_to("Brill")) == ("shipped to Acme with SH-1", "shipped")
    assert Place(PlaceKind.line, station="M1").told_to("Brill") == "on the line, last at M1"


def test_a_unit_leaves_once_and_for_its_own_customer(engine: Engine) -> None:
    build(engine, "SN-1")
    build(engine, "SN-2", order="WO-2")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-2", customer="Brill", actor=ACTOR)
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "SN-2")
    assert kept(refused) == {"SN-2": ["another_customer"]}
    send(engine, "SN-1")
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "SN-1", shipment="SH-2")
    assert kept(refused) == {"SN-1": ["shipped"]}
    with engine.begin() as connection, pytest.raises(Conflict, match="left already"):
        ship(connection, "SH-1", actor=ACTOR)
    with pytest.raises(Conflict, match="left already"):
        put(engine, "SN-1")
    with engine.begin() as connection, pytest.raises(Conflict, match="another customer"):
        pack(connection, ["SN-2"], shipment="SH-1", customer="Brill", actor=ACTOR)


def test_what_came_back_may_leave_again(engine: Engine) -> None:
    build(engine, "SN-1")
    send(engine, "SN-1")
    with engine.begin() as connection:
        unpack(connection, ["SN-1"], reason="RMA 12.", actor=ACTOR)
    send(engine, "SN-1", shipment="SH-2")
    assert place(engine, "SN-1")[1] == "shipped to Acme with SH-2"


def test_what_is_not_there_is_said(engine: Engine) -> None:
    build(engine, "SN-1")
    for serials, customer, error in (
        ((), "Acme", Invalid),
        (("SN-7",), "Acme", NotFound),
        (("SN-1",), "Nobody", NotFound),
    ):
        with pytest.raises(error):
            put(engine, *serials, customer=customer)
    with engine.begin() as connection, pytest.raises(NotFound):
        ship(connection, "SH-9", actor=ACTOR)
    with engine.begin() as connection, pytest.raises(NotFound):
        unpack(connection, ["SN-1"], reason="Why.", actor=ACTOR)


def test_a_panel_is_packed_as_its_boards_and_judged_board_by_board(engine: Engine) -> None:
    transaction = uuid4()
    stored(
        engine,
        initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), order="WO-1"),
        started(("PNL-1", 1), ("PNL-1", 2), transaction=transaction, when=1),
        completed(transaction=transaction, when=2),
        inspected("SN-2", "Failed", 5),
    )
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "PNL-1")
    assert kept(refused) == {"SN-2": ["failed"]}
    stored(engine, inspected("SN-2", "Passed", 9))
    send(engine, "PNL-1")
    with engine.connect() as connection:
        assert shipped_serials(connection, "SH-1") == ["SN-1", "SN-2"]
