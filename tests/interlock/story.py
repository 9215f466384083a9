"""One line and one panel of two boards, and what its stations say, short to write down."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from app.interlock.gate import ask
from app.interlock.gathering import Asked
from app.interlock.verdicts import Verdict
from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.products.routing import RoutingStep
from tests.inbox.messages import completed, entry, initialized, installed, message, started, stored

MARKER, PRINTER, MOUNTER, AOI, TESTER = (f"Acme.{kind}.1" for kind in ("Marker", "Printer", "Mounter", "AOI", "Tester"))
OPERATIONS = {MARKER: "mark", PRINTER: "print", MOUNTER: "place", AOI: "inspect", TESTER: "test"}


def planned_line(engine: Engine) -> Engine:
    """A planned line and order; panel P-1 with boards SN-1 and SN-2 is marked."""
    with engine.begin() as connection:
        stations = [StationPlan(handle, operation=operation) for handle, operation in OPERATIONS.items()]
        plan_line(connection, name="SMT 1", stations=stations, actor="test")
        part = Component("R1", "RES-10K", None, None, None, None, None, None, "top", "machine")
        revision = import_design(
            connection,
            BoardDesign("node", "B", (part,), ()),
            customer="Northwind",
            units_per_panel=2,
            routing=[RoutingStep(operation) for operation in OPERATIONS.values()],
            actor="test",
        )
        assert revision == 1
        plan_work_order(connection, number="WO-1", product_revision_id=1, quantity=2, customer="Northwind", actor="t")
    stored(engine, initialized("P-1", ("SN-1", 1), ("SN-2", 2), order="WO-1", source=MARKER))
    done(engine, MARKER)
    return engine


clock = iter(range(1, 100_000))


def done(engine: Engine, station: str, *says: Any, result: str = "Completed", end: bool = True) -> UUID:
    """A station works on the panel; `says` are made from the work's transaction."""
    work = uuid4()
    units = ("P-1", 1), ("P-1", 2)
    payloads = [started(*units, transaction=work, panel="P-1", order="WO-1", source=station, when=next(clock))]
    payloads += [say(work) for say in says]
    if end:
        payloads.append(completed(*units, transaction=work, result=result, source=station, when=next(clock)))
    stored(engine, *payloads)
    return work


def inspected(*outcomes: str, recipe: str | None = None) -> Any:
    """`UnitsInspected`: what the AOI says of each board."""
    return lambda work: message(
        "Production.TestAndInspection.UnitsInspected",
        {"TransactionId": str(work), "InspectionMethod": "AOI", "RecipeName": recipe, "InspectedUnits": [
            {"UnitIdentifier": "P-1", "UnitPositionNumber": position, "OverallResult": outcome, "Inspections": []}
            for position, outcome in enumerate(outcomes, start=1)]},
        source=AOI, when=next(clock),
    )  # fmt: skip


def placed(package: str) -> Any:
    """`MaterialsInstalled` on both boards."""
    return lambda work: installed(
        *(entry("P-1", package, ["R1"], position=position, part_number="RES-10K") for position in (1, 2)),
        transaction=work, source=MOUNTER, when=next(clock),
    )  # fmt: skip


def passed(*serials: str) -> Any:
    """`UnitsTested`: they passed."""
    units = [{"UnitIdentifier": serial, "OverallResult": "Passed", "Tests": []} for serial in serials]
    return lambda work: message(
        "Production.TestAndInspection.UnitsTested", {"TransactionId": str(work), "TestedUnits": units},
        source=TESTER, when=next(clock),
    )  # fmt: skip


def asked(engine: Engine, station: str, *units: Asked, **more: Any) -> list[Verdict]:
    with engine.begin() as connection:
        return ask(connection, station=station, units=units or [Asked("P-1")], actor="test", **more)


def codes(engine: Engine, station: str, *units: Asked, **more: Any) -> list[list[str]]:
    return [[ground.code for ground in verdict.reasons] for verdict in asked(engine, station, *units, **more)]
