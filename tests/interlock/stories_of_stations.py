"""What stops a unit because of the station, and how that is cleared."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine

from app.interlock.locks import lock_station, unlock_station
from app.interlock.plans import need_qualification, plan_calibration, plan_recipes, qualify
from app.lines.tool_life import Limits
from app.lines.tools import ToolPlan, plan_tools, set_tool_limits, state_tool
from app.orders.planning import plan_work_order
from app.people import Actor, Permission
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.setup.requirements import SlotPlan
from tests.inbox.messages import START
from tests.interlock.clearing import ENGINEER, LENA, Against, clears, gate, says
from tests.interlock.story import MOUNTER, PRINTER, done
from tests.setup.plant import plan, reel


def _unlocked_by(engine: Engine, actor: Actor) -> Iterator[Against]:
    with engine.begin() as connection:
        lock_station(connection, station=PRINTER, reason="smoke", actor=LENA.identity)
    yield gate(engine, PRINTER)
    with engine.begin() as connection:
        unlock_station(
            connection, station=PRINTER, reason="it was steam", actor=actor.identity,
            others=actor.may(Permission.plan_gate),
        )  # fmt: skip
    yield gate(engine, PRINTER)


@clears("station_locked", "Whoever locked it unlocks it, or a process or quality engineer does.")
def unlocked_by_whoever_locked_it(engine: Engine) -> Iterator[Against]:
    yield from _unlocked_by(engine, LENA)


@clears("station_locked", "Whoever locked it unlocks it, or a process or quality engineer does.")
def unlocked_by_an_engineer(engine: Engine) -> Iterator[Against]:
    yield from _unlocked_by(engine, ENGINEER)


@clears("calibration_over", "Calibrate the station and record until when that holds.")
def calibrated(engine: Engine) -> Iterator[Against]:
    for days in (-1, 30):
        with engine.begin() as connection:
            due_at = datetime.now(UTC) + timedelta(days=days)
            plan_calibration(connection, station=PRINTER, due_at=due_at, actor=ENGINEER.identity)
        yield gate(engine, PRINTER)


def activated(engine: Engine, recipe: str, order: str | None, station: str = PRINTER) -> None:
    body = {"RecipeName": recipe, "WorkOrderIdentifier": {"WorkOrderId": order}} if order else {"RecipeName": recipe}
    says(engine, "Production.RecipeActivated", body, station=station)


def _runs_another_product(engine: Engine) -> Against:
    with engine.begin() as connection:
        part = Component("R1", "RES-10K", None, None, None, None, None, None, "top", "machine")
        revision = import_design(connection, BoardDesign("lamp", "A", (part,), ()), actor="test")
        plan_work_order(connection, number="WO-2", product_revision_id=revision, quantity=2, actor="test")
    activated(engine, "ALL", "WO-2")
    return gate(engine, PRINTER)


@clears(
    "wrong_product_revision",
    "Change the station over to node rev B and activate its recipe with its work order, or take the unit to a station "
    "that runs it.",
)
def changed_over(engine: Engine) -> Iterator[Against]:
    yield _runs_another_product(engine)
    activated(engine, "ALL", "WO-1")  # of one recipe for both products the order tells them apart
    yield gate(engine, PRINTER)


# --- recipe and operator ---


@clears("recipe_unknown", "Activate the recipe at the station.")
def its_recipe_is_activated(engine: Engine) -> Iterator[Against]:
    planned(engine)
    yield gate(engine, PRINTER)
    says(engine, "Production.RecipeActivated", {"RecipeName": "TOP", "Revision": "2"}, station=PRINTER)
    yield gate(engine, PRINTER)


@clears("wrong_recipe", "Activate TOP rev 2.")
def the_right_recipe_is_activated(engine: Engine) -> Iterator[Against]:
    planned(engine)
    says(engine, "Production.RecipeActivated", {"RecipeName": "TOP", "Revision": "1"}, station=PRINTER)
    yield gate(engine, PRINTER)
    says(engine, "Production.RecipeActivated", {"RecipeName": "TOP", "Revision": "2"}, station=PRINTER)
    yield gate(engine, PRINTER)


def planned(engine: Engine) -> None:
    """A recipe is planned for the printer."""
    with engine.begin() as connection:
        plan_recipes(connection, product_revision_id=1, operation="print", recipes=[("TOP", "2")], actor="test")


def needs_ann(engine: Engine, until: datetime | None = None) -> None:
    """At the printer, only ANN may work."""
    with engine.begin() as connection:
        need_qualification(connection, operation="print", actor="test")
        qualify(connection, operator="ANN", operation="print", valid_until=until, actor="test")


def logs_in(engine: Engine, operator: str) -> None:
    body = {"Operator": {"OperatorIdentifier": operator}}
    now = (datetime.now(UTC) - START).total_seconds()
    says(engine, "Production.OperatorActivated", body, station=PRINTER, when=now)


@clears("no_operator", "Log in at the station.")
def logged_in(engine: Engine) -> Iterator[Against]:
    needs_ann(engine)
    yield gate(engine, PRINTER)
    logs_in(engine, "ANN")
    yield gate(engine, PRINTER)


@clears("not_qualified", "Let a qualified operator log in.")
def a_qualified_operator_logs_in(engine: Engine) -> Iterator[Against]:
    needs_ann(engine)
    logs_in(engine, "BEN")
    yield gate(engine, PRINTER)
    logs_in(engine, "ANN")
    yield gate(engine, PRINTER)


RENEW = "Renew it, or let a qualified operator log in."


@clears("qualification_over", RENEW)
def renewed(engine: Engine) -> Iterator[Against]:
    needs_ann(engine, until=datetime.now(UTC) - timedelta(days=1))
    logs_in(engine, "ANN")
    yield gate(engine, PRINTER)
    needs_ann(engine, until=datetime.now(UTC) + timedelta(days=365))
    yield gate(engine, PRINTER)


@clears("qualification_over", RENEW)
def somebody_else_logs_in(engine: Engine) -> Iterator[Against]:
    needs_ann(engine, until=datetime.now(UTC) - timedelta(days=1))
    with engine.begin() as connection:
        qualify(connection, operator="BEN", operation="print", valid_until=None, actor="test")
    logs_in(engine, "ANN")
    yield gate(engine, PRINTER)
    logs_in(engine, "BEN")
    yield gate(engine, PRINTER)


# --- the stencil ST-1, in the printer ---


def stencil(engine: Engine, limits: Limits) -> Against:
    """It is loaded, and has printed ten panels."""
    with engine.begin() as connection:
        plan_tools(connection, [ToolPlan("ST-1", "stencil"), ToolPlan("ST-2", "stencil")], actor="test")
        set_tool_limits(connection, {"stencil": limits}, actor="test")
    happens(engine, "ST-1", "loaded")
    for number in range(10):
        used = {"UnitIdentifier": f"X-{number}", "Tool": {"UniqueIdentifier": "ST-1"}, "UsageCycles": 1}
        says(engine, "Production.ToolsUsed", {"UsedTools": [used]}, station=PRINTER)
    return gate(engine, PRINTER)


def happens(engine: Engine, tool: str, kind: str) -> None:
    """Somebody says now that it did."""
    here = None if kind == "cleaned" else PRINTER
    with engine.begin() as connection:
        state_tool(connection, tool, kind, at=datetime.now(UTC), station=here, actor="person:ann")


@clears("tool_worn_out", "Take it out and load another, and record both.")
def the_worn_tool_is_exchanged(engine: Engine) -> Iterator[Against]:
    yield stencil(engine, Limits(cycles=10))
    happens(engine, "ST-1", "unloaded")
    happens(engine, "ST-2", "loaded")
    yield gate(engine, PRINTER)


@clears("cleaning_due", "Clean it and record that.")
def cleaned(engine: Engine) -> Iterator[Against]:
    yield stencil(engine, Limits(cleaning=10))
    happens(engine, "ST-1", "cleaned")
    yield gate(engine, PRINTER)


SIDE = "Have it say so when it begins work or activates its recipe (RelevantSurface), or plan one for both."


def _with_a_setup_for_each_side(engine: Engine) -> Against:
    """The panel is at the mounter, which holds what its bottom needs."""
    done(engine, PRINTER)
    for side, part in (("top", "RES-10K"), ("bottom", "RES-22K")):
        plan(engine, 1, SlotPlan("M1.F.1", part), handle=MOUNTER, side=side)
    reel(engine, "BELOW", "RES-22K")
    place = {"LocationIdentifier": "M1.F.1", "MaterialPackage": {"UniqueIdentifier": "BELOW"}}
    says(engine, "Materials.Storage.MaterialsLoaded", {"Materials": [place]}, station=MOUNTER)
    return gate(engine, MOUNTER)


@clears("side_unknown", SIDE)
def its_recipe_says_the_side(engine: Engine) -> Iterator[Against]:
    yield _with_a_setup_for_each_side(engine)
    says(
        engine, "Production.RecipeActivated", {"RecipeName": "R", "RelevantSurface": "PrimarySurface"}, station=MOUNTER
    )
    assert "wrong_part" in gate(engine, MOUNTER)
    body = {"RecipeName": "R", "RelevantSurface": "SecondarySurface"}
    says(engine, "Production.RecipeActivated", body, station=MOUNTER)
    yield gate(engine, MOUNTER)


@clears("side_unknown", SIDE)
def its_work_says_the_side(engine: Engine) -> Iterator[Against]:
    yield _with_a_setup_for_each_side(engine)
    body = {"TransactionID": str(uuid4()), "RelevantSurface": "SecondarySurface", "Units": [{"UnitIdentifier": "P-0"}]}
    says(engine, "Production.WorkStarted", body, station=MOUNTER)
    yield gate(engine, MOUNTER)


@clears("side_unknown", SIDE)
def one_setup_is_planned_for_both(engine: Engine) -> Iterator[Against]:
    yield _with_a_setup_for_each_side(engine)
    plan(engine, 1, SlotPlan("M1.F.1", "RES-22K"), handle=MOUNTER)
    yield gate(engine, MOUNTER)
