"""With REGISTER_UNKNOWN=false nothing enters the record that nobody registered; it waits in quarantine instead."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.cfx.receipts import Receipt
from app.inbox.quarantine import UNREGISTERED, quarantined
from app.inbox.record import Delivery, Recorder
from app.inbox.registered import RegisteredSince
from app.inbox.replay import replay
from app.interlock.plans import plan_recipes
from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.products.recipes import plan_recipe_names
from tests.inbox.messages import (
    STATION,
    count,
    entry,
    initialized,
    installed,
    message,
    received,
    record,
    started,
    statuses,
)


@pytest.fixture
def strict(engine: Engine) -> Recorder:
    with engine.begin() as connection:
        plan_line(connection, name="L1", stations=[StationPlan(STATION)], actor="test")
        plan_work_order(connection, number="WO-1", actor="test")
    return Recorder(engine, register_unknown=False)


def test_what_nobody_registered_is_quarantined_and_replayed_once_it_is(engine: Engine, strict: Recorder) -> None:
    board = installed(entry("SN-1", "REEL-1", ["R1"]))
    stranger = received(("REEL-9", "PN-9", None), source="Other.Machine.1")
    first, second = record(strict, board, stranger)
    assert (first.status, second.status) == ("rejected", "rejected")
    assert "Unit SN-1" in str(first.reason)
    assert "Station Other.Machine.1" in str(second.reason)
    assert count(engine, "event") == count(engine, "unit") == count(engine, "package") == 0
    with engine.connect() as connection:
        rows = quarantined(connection, code=UNREGISTERED)
    (number,) = (row.quarantine_id for row in rows if row.raw == board)
    record(strict, received(("REEL-1", "R0603-10K", "LOT-1")), initialized("PANEL-1", ("SN-1", 1), order="WO-1"))
    assert replay(engine, strict, number, actor="Kim") == "stored"
    assert count(engine, "installation") == 1
    assert count(engine, "quarantine", "resolved_at IS NULL") == 1


def test_what_waits_is_taken_in_by_itself_once_all_it_names_is_registered(engine: Engine, strict: Recorder) -> None:
    """In whatever order: the board's parts wait for its panel, the panel for its work order."""
    watch = RegisteredSince(engine, strict, actor="intake")
    assert watch.look() == 0
    record(strict, installed(entry("SN-1", "REEL-1", ["R1"])), initialized("PANEL-1", ("SN-1", 1), order="WO-2"))
    record(strict, received(("REEL-1", "R0603-10K", "LOT-1")))
    assert watch.look() == 0
    assert count(engine, "quarantine", "times = 1 AND resolved_at IS NULL") == 2, "a look is no arrival"
    with engine.begin() as connection:
        plan_work_order(connection, number="WO-2", actor="test")
    assert watch.look() == 2
    assert count(engine, "installation") == 1
    assert count(engine, "quarantine", "resolved_at IS NULL") == 0
    assert watch.look() == 0


def test_a_look_has_an_end_while_others_register(
    engine: Engine, strict: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits may be much, and somebody registers something all the time: those that arrive must not wait for it."""
    watch = RegisteredSince(engine, strict, actor="intake")
    tried: list[int] = []

    def meanwhile(deliveries: Sequence[Delivery]) -> list[list[Receipt]]:
        tried.append(len(deliveries))
        assert sum(tried) <= 1000
        with engine.begin() as connection:
            plan_work_order(connection, number=f"OTHER-{len(tried)}", actor="test")
        return Recorder.retry(strict, deliveries)

    monkeypatch.setattr(strict, "retry", meanwhile)
    record(strict, *(initialized(f"PANEL-{n}", (f"SN-{n}", 1), order=f"WO-{n}") for n in range(2, 502)))
    record(strict, initialized("PANEL-502", ("SN-502", 1), order="WO-502"))
    with engine.begin() as connection:
        plan_work_order(connection, number="WO-502", actor="test")
    assert watch.look() == 0
    assert 0 < sum(tried) <= 400
    assert watch.look() == 1, "the next look goes on where the first one ended"


def test_what_was_registered_in_a_long_transaction_is_found(engine: Engine, strict: Recorder) -> None:
    """It becomes visible after what has a higher number, which is why numbers alone tell too little."""
    watch = RegisteredSince(engine, strict, actor="intake", whatever_was_seen=0.0)
    record(strict, initialized("PANEL-1", ("SN-1", 1), order="WO-2"))
    with engine.connect() as slow:
        plan_work_order(slow, number="WO-2", actor="test")
        with engine.begin() as connection:
            plan_work_order(connection, number="WO-3", actor="test")
        assert watch.look() == 0
        slow.commit()
    assert watch.look() == 1


def test_what_one_message_of_a_batch_brings_in_the_next_may_name(engine: Engine, strict: Recorder) -> None:
    """They arrive together as often as apart: the batch must make no difference."""
    batch = (
        received(("REEL-1", "R0603-10K", "LOT-1")),
        initialized("PANEL-1", ("SN-1", 1), order="WO-1"),
        installed(entry("SN-1", "REEL-1", ["R1"])),
        installed(entry("SN-2", "REEL-1", ["R1"])),
        initialized("PANEL-2", ("SN-3", 1), order="WO-2"),
    )
    assert statuses(record(strict, *batch)) == ["stored", "stored", "stored", "rejected", "rejected"]
    assert count(engine, "unit", "serial IN ('SN-2', 'SN-3', 'PANEL-2')") == 0


def test_the_repetition_of_what_waits_is_no_duplicate(engine: Engine, strict: Recorder) -> None:
    """A station deletes what it is told is a duplicate; nothing of this one is in the record yet."""
    board = installed(entry("SN-1", "REEL-1", ["R1"]))
    first, second = record(strict, board, board)
    assert (first.status, second.status) == ("rejected", "rejected")
    assert first.reason == second.reason
    assert count(engine, "quarantine", "times = 2") == 1


def test_a_part_number_is_known_by_receiving_or_a_bill_and_a_recipe_by_its_plan(
    engine: Engine, strict: Recorder
) -> None:
    watch = RegisteredSince(engine, strict, actor="intake")
    record(strict, received(("REEL-1", "R0603-10K", "LOT-1")), initialized("PANEL-1", ("SN-1", 1), order="WO-1"))
    other = installed(entry("SN-1", "REEL-1", ["R2"], part_number="R0603-22K"))
    work = started("SN-1", transaction=uuid4(), recipe="TOP")
    told = record(strict, other, work)
    assert [str(one.reason).split(" is not")[0] for one in told] == ["Part number R0603-22K", "Recipe TOP"]
    assert count(engine, "recipe") == count(engine, "installation") == 0
    record(strict, received(("REEL-2", "R0603-22K", "LOT-2")))
    assert watch.look() == 1
    with engine.begin() as connection:
        part = Component("R1", "C0402-1N", None, None, None, None, None, None, "top", "machine")
        revision = import_design(connection, BoardDesign("node", "B", (part,), ()), actor="test")
        plan_recipes(connection, product_revision_id=revision, operation="place", recipes=[("TOP", "A")], actor="test")
        plan_recipe_names(connection, [("TOP", None)])
    assert watch.look() == 1
    placed = installed(entry("SN-1", "REEL-1", ["C1"], part_number="C0402-1N"))
    assert statuses(record(strict, placed)) == ["stored"]
    assert count(engine, "quarantine", "resolved_at IS NULL") == 0


def announced(number: str, quantity: float, hours: int) -> bytes:
    orders = [{"WorkOrderIdentifier": {"WorkOrderId": number}, "Quantity": quantity}]
    return message("InformationSystem.WorkOrderManagement.WorkOrdersCreated", {"NewOrders": orders}, when=3600 * hours)


def changed(number: str, quantity: float, hours: int) -> bytes:
    body = {"WorkOrderIdentifier": {"WorkOrderId": number}, "NewQuantity": quantity}
    return message("InformationSystem.WorkOrderManagement.WorkOrderQuantityUpdated", body, when=3600 * hours)


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "the correction first"])
def test_an_announced_order_has_the_latest_quantity_until_somebody_plans_it(engine: Engine, turned: bool) -> None:
    recorder = Recorder(engine)
    told = [announced("WO-7", 220, 0), changed("WO-7", 240, 1)]
    assert statuses(record(recorder, *(reversed(told) if turned else told))) == ["stored", "stored"]
    assert count(engine, "work_order", "number = 'WO-7' AND quantity = 240 AND unplanned") == 1
    with engine.begin() as connection:
        plan_work_order(connection, number="WO-7", quantity=300, actor="test")
    record(recorder, changed("WO-7", 10, 2))
    assert count(engine, "work_order", "quantity = 300 AND NOT unplanned") == 1
    assert statuses(record(recorder, announced("WO-8", -1, 2))) == ["rejected"]


def test_an_announced_order_is_registered(strict: Recorder) -> None:
    batch = (
        announced("WO-9", 12, 0),
        initialized("PANEL-1", ("SN-1", 1), order="WO-9"),
    )
    assert statuses(record(strict, *batch)) == ["stored", "stored"]
