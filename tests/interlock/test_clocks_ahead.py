"""A station's clock was ahead for one message, and is right again: what it says now counts, not what it said then."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from app.interlock.plans import need_qualification, plan_recipes, qualify
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.setup.requirements import SlotPlan
from app.setup.verification import verify_loading
from tests.inbox.messages import START
from tests.interlock.clearing import gate, says
from tests.interlock.stories_of_setups import F1, R10K
from tests.interlock.story import MOUNTER, PRINTER, done
from tests.setup.plant import plan, reel

DAY = 86400.0


def now(more: float = 0) -> float:
    return (datetime.now(UTC) - START).total_seconds() + more


def activated(engine: Engine, recipe: str, when: float, *, order: str = "WO-1") -> None:
    body = {"RecipeName": recipe, "Revision": "1", "WorkOrderIdentifier": {"WorkOrderId": order}}
    says(engine, "Production.RecipeActivated", body, station=MOUNTER, when=when)


def with_another_product(line: Engine) -> int:
    part = Component("R1", "RES-22K", None, None, None, None, None, None, "top", "machine")
    with line.begin() as connection:
        other = import_design(connection, BoardDesign("lamp", "A", (part,), ()), actor="test")
        plan_work_order(connection, number="WO-9", product_revision_id=other, quantity=2, customer="N", actor="test")
    return other


def with_recipe(line: Engine) -> None:
    done(line, PRINTER)
    with line.begin() as connection:
        plan_recipes(connection, product_revision_id=1, operation="place", recipes=[("RIGHT", "1")], actor="test")


def test_a_wrong_recipe_is_seen_behind_a_right_one_told_ahead(line: Engine) -> None:
    with_recipe(line)
    activated(line, "RIGHT", now(DAY))
    activated(line, "WRONG", now())
    assert "wrong_recipe" in gate(line, MOUNTER)


def test_a_wrong_recipe_told_ahead_does_not_stop_for_good(line: Engine) -> None:
    with_recipe(line)
    activated(line, "WRONG", now(365 * DAY))
    activated(line, "RIGHT", now())
    assert gate(line, MOUNTER) == {}


def test_another_product_told_ahead_does_not_stop_for_good(line: Engine) -> None:
    done(line, PRINTER)
    with_another_product(line)
    activated(line, "R", now(365 * DAY), order="WO-9")
    activated(line, "R", now())
    assert gate(line, MOUNTER) == {}


def test_who_logged_in_by_a_clock_that_was_ahead_has_gone(line: Engine) -> None:
    done(line, PRINTER)
    with line.begin() as connection:
        need_qualification(connection, operation="place", needed=True, actor="test")
        qualify(connection, operator="ann", operation="place", valid_until=None, actor="test")
    for who, ahead in (("ann", DAY), ("bob", 0)):
        body = {"Operator": {"OperatorIdentifier": who}}
        says(line, "Production.OperatorActivated", body, station=MOUNTER, when=now(ahead))
    assert "not_qualified" in gate(line, MOUNTER)


def test_a_changeover_told_ahead_counts_for_scans_at_once(line: Engine) -> None:
    other = with_another_product(line)
    plan(line, 1, SlotPlan(F1, R10K), handle=MOUNTER)
    plan(line, other, SlotPlan(F1, "RES-22K"), handle=MOUNTER)
    reel(line, "OLD", R10K)
    activated(line, "WO-1", now(-7200))
    activated(line, "WO-9", now(3600), order="WO-9")
    with line.begin() as connection:
        assert not verify_loading(connection, station=MOUNTER, slot=F1, label="OLD", actor="person:ann").accepted
