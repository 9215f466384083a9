"""Only what is finished, released and whole leaves; whatever is kept, is kept by name with its reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.cfx.gate import OPENLY
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
from tests.inbox.messages import (
    STATION,
    completed,
    count,
    entry,
    initialized,
    installed,
    message,
    positions,
    started,
    stored,
    uninstalled,
)


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


def test_what_was_given_to_another_customer_since_it_was_packed_does_not_leave(engine: Engine) -> None:
    build(engine, "SN-1")
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Acme", actor=ACTOR)
        pack(connection, ["SN-1"], shipment="SH-1", customer="Acme", actor=ACTOR)
    with engine.begin() as connection:
        assign_customer(connection, work_order="WO-1", customer="Globex", actor=ACTOR)

    with engine.begin() as connection, pytest.raises(MayNotLeave) as refused:
        ship(connection, "SH-1", actor=ACTOR)

    assert kept(refused) == {"SN-1": ["another_customer"]}


def test_what_is_scrapped_after_it_left_is_still_listed_with_its_shipment(engine: Engine) -> None:
    build(engine, "SN-1")
    send(engine, "SN-1")
    disqualified = {"Reason": "Scrap", "Units": positions(["SN-1"])}
    stored(engine, message("Production.UnitsDisqualified", disqualified, when=90))

    assert contain(engine, lot="A17").shipped == [{"customer": "Acme", "shipment": "SH-1", "units": 1}]

    with engine.begin() as connection:
        unpack(connection, ["SN-1"], reason="RMA 12", actor=ACTOR)
    assert place(engine, "SN-1")[1] == "scrapped"


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


def disqualified(*units: tuple[str, int] | str, when: float) -> bytes:
    body = {"Reason": "DefectiveRepairNotPossible", "Comments": "Broken.", "Units": positions(units)}
    return message("Production.UnitsDisqualified", body, when=when)


def test_a_machine_takes_a_unit_out_for_good(engine: Engine) -> None:
    build(engine, "SN-1", "SN-2")
    put(engine, "SN-1")
    stored(engine, disqualified("SN-1", when=50))
    assert (place(engine, "SN-1")[1], place(engine, "SN-2")[1]) == ("scrapped", "in stock")
    with engine.begin() as connection, pytest.raises(MayNotLeave) as refused:
        ship(connection, "SH-1", actor=ACTOR)
    assert kept(refused) == {"SN-1": ["scrapped"]}


@pytest.mark.parametrize("linked", ["before", "after", "never"])
def test_a_position_is_scrapped_and_its_neighbour_is_not(engine: Engine, linked: str) -> None:
    transaction = uuid4()
    link = initialized("PNL-1", ("SN-1", 1), ("SN-2", 2), order="WO-1")
    stored(
        engine,
        *([link] if linked == "before" else []),
        started(("PNL-1", 1), ("PNL-1", 2), transaction=transaction, order="WO-1", when=1),
        completed(transaction=transaction, when=2),
        disqualified(("PNL-1", 1), when=5),
        *([link] if linked == "after" else []),
    )
    if linked == "never":
        assert place(engine, "PNL-1")[1] == "in stock"
        with pytest.raises(MayNotLeave, match="Position 1 of it was scrapped"):
            put(engine, "PNL-1")
        stored(engine, disqualified(("PNL-1", 2), when=6))
        assert place(engine, "PNL-1")[1] == "scrapped"
    else:
        assert (place(engine, "SN-1")[1], place(engine, "SN-2")[1]) == ("scrapped", "in stock")
        put(engine, "SN-2")
        with pytest.raises(MayNotLeave, match="It was scrapped"):
            put(engine, "SN-1")


def _failed(engine: Engine, child: str) -> None:
    stored(engine, inspected(child, "Failed", 50))


def _provisional(engine: Engine, child: str) -> None:
    body = {"Activities": [{"$type": "CFX.Structures.Activity, CFX", "ActivityName": OPENLY}]}
    transaction = uuid4()
    stored(
        engine,
        started(child, transaction=transaction, when=50),
        message("Production.ActivitiesExecuted", {**body, "TransactionID": str(transaction)}, when=51),
        completed(child, transaction=transaction, when=52),
    )


def _disqualified(engine: Engine, child: str) -> None:
    stored(engine, disqualified(child, when=50))


def _in_work(engine: Engine, child: str) -> None:
    stored(engine, started(child, transaction=uuid4(), when=50))


def _held(engine: Engine, child: str) -> None:
    contain(engine, serials=[child])


@pytest.mark.parametrize(
    ("story", "code"),
    [(_failed, "failed"), (_provisional, "provisional"), (_disqualified, "scrapped"), (_in_work, "incomplete"),
     (_held, "on_hold")],
)  # fmt: skip
@pytest.mark.parametrize("material", [False, True])
def test_what_is_wrong_inside_keeps_the_assembly(
    engine: Engine, story: Callable[[Engine, str], None], code: str, *, material: bool
) -> None:
    build(engine, "CHIP", "MODULE", "BOX")
    stored(
        engine,
        installed(entry("MODULE", None, children=[("U1", "CHIP")]), when=20),
        installed(entry("BOX", "MODULE", ["A1"]) if material else entry("BOX", None, children=[("A1", "MODULE")]),
                  when=21),
    )  # fmt: skip
    put(engine, "BOX")
    story(engine, "CHIP")
    with engine.begin() as connection, pytest.raises(MayNotLeave, match="CHIP") as refused:
        ship(connection, "SH-1", actor=ACTOR)
    assert kept(refused) == {"BOX": [code]}
    stored(engine, uninstalled("MODULE", children=[("U1", "CHIP")], when=70))
    with engine.begin() as connection:
        assert ship(connection, "SH-1", actor=ACTOR) == 1


def test_what_is_built_in_leaves_with_its_assembly_alone(engine: Engine) -> None:
    build(engine, "CHILD", "BOX")
    stored(engine, installed(entry("BOX", None, children=[("A1", "CHILD"), ("A2", "BOUGHT")]), when=20))
    with pytest.raises(MayNotLeave, match="built into BOX") as refused:
        put(engine, "CHILD")
    assert kept(refused) == {"CHILD": ["built_in"]}
    put(engine, "BOX")
    stored(engine, uninstalled("BOX", children=[("A1", "CHILD")], when=30))
    put(engine, "CHILD")


def test_what_a_carriers_position_got_goes_where_that_board_goes_and_not_with_the_next(engine: Engine) -> None:
    stored(
        engine,
        initialized("CARRIER", ("SN-1", 1), when=0),
        initialized(None, "CHILD", when=1),
        installed(entry("CARRIER", None, children=[("A1", "CHILD")], slot=None, position=1), when=10),
        initialized("CARRIER", ("SN-2", 1), when=20),
    )
    stored(engine, message("Production.UnitsDisqualified", {"Reason": "Scrap", "Units": positions(["SN-2"])}, when=30))
    assert place(engine, "CHILD")[0] is not PlaceKind.scrapped

    stored(engine, message("Production.UnitsDisqualified", {"Reason": "Scrap", "Units": positions(["SN-1"])}, when=40))
    assert place(engine, "CHILD")[0] is PlaceKind.scrapped


def test_what_was_built_into_another_assembly_since_is_where_that_is(engine: Engine) -> None:
    stored(
        engine,
        initialized(None, "CHILD", when=0),
        installed(entry("BOX-1", None, children=[("A1", "CHILD")], slot=None), when=10),
        installed(entry("BOX-2", None, children=[("A1", "CHILD")], slot=None), when=20),
    )
    stored(engine, message("Production.UnitsDisqualified", {"Reason": "Scrap", "Units": positions(["BOX-1"])}, when=30))

    assert place(engine, "CHILD")[0] is not PlaceKind.scrapped


def test_what_was_mended_passes_what_it_was_mended_for(engine: Engine) -> None:
    build(engine, "SN-1")
    stored(engine, inspected("SN-1", "Failed", 5))
    done = contain(engine, serials=["SN-1"])
    decide(engine, done.nonconformance, ["SN-1"], "rework")
    stored(engine, inspected("SN-1", "Passed", 9, method="AXI"))
    with pytest.raises(MayNotLeave) as refused:
        put(engine, "SN-1")
    assert kept(refused) == {"SN-1": ["unproven"]}
    stored(engine, inspected("SN-1", "Passed", 10))
    put(engine, "SN-1")


def test_what_is_taken_out_while_its_shipment_waits_for_it_does_not_leave(engine: Engine) -> None:
    build(engine, "SN-1")
    put(engine, "SN-1")

    def leave() -> None:
        with engine.begin() as connection:
            ship(connection, "SH-1", actor=ACTOR)

    with ThreadPoolExecutor(1) as pool, engine.begin() as connection:
        unpack(connection, ["SN-1"], reason="Wrong box.", actor=ACTOR)
        leaving = pool.submit(leave)
        with pytest.raises(TimeoutError):
            leaving.result(0.5)
        connection.commit()
        with pytest.raises(Conflict, match="is empty"):
            leaving.result()
