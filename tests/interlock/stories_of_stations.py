"""What stops a unit because of the station, and how that is cleared."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from app.interlock.locks import lock_station, unlock_station
from app.interlock.plans import plan_calibration
from app.orders.planning import plan_work_order
from app.people import Actor, Permission
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from tests.interlock.clearing import ENGINEER, LENA, Against, clears, gate, says
from tests.interlock.story import PRINTER


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
