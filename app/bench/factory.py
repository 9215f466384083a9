"""A small factory for `bench interlock`: a planned line with panels before its inspection, and one that keeps building.

Panels have ten boards of fifty placements from ten slots, as a line of small boards makes them. What a panel's
stations say is made beforehand, so that publishing costs little.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Connection, Engine

from app.bench.workload import envelope
from app.inbox.record import Delivery, Recorder
from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.products.routing import RoutingStep

BOARDS = 10
SLOTS = 10
PLACEMENTS = 50
ROUTE = ("marking", "printing", "placement", "inspection", "test")
_FIRST = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def handle(line: str, operation: str) -> str:
    """The CFX handle of a line's station."""
    return f"Bench.{operation.capitalize()}.{line}"


def plan(connection: Connection, line: str, panels: int) -> None:
    """Plan a line, a product with a routing, and an order for these panels."""
    stations = [StationPlan(handle(line, operation), operation=operation) for operation in ROUTE]
    plan_line(connection, name=line, stations=stations, actor="bench")
    each = PLACEMENTS // SLOTS
    components = tuple(
        Component(
            reference_designator=f"R{slot * each + number}",
            part_number=f"PART-{slot:03d}",
            manufacturer=None,
            value=None,
            footprint=None,
            x=None,
            y=None,
            rotation=None,
            side="top",
            assembly="machine",
        )
        for slot in range(1, SLOTS + 1)
        for number in range(each)
    )
    design = BoardDesign(name=f"Board {line}", revision="A", components=components, mismatches=())
    revision = import_design(
        connection, design, units_per_panel=BOARDS, customer="Bench", actor="bench",
        routing=[RoutingStep(operation) for operation in ROUTE],
    )  # fmt: skip
    plan_work_order(connection, number=order(line), product_revision_id=revision, quantity=panels * BOARDS,
                    customer="Bench", actor="bench")  # fmt: skip


def order(line: str) -> str:
    """The number of a line's work order."""
    return f"WO-{line}"


def panel(line: str, number: int) -> str:
    """The identifier of a panel."""
    return f"{line}-P{number:06d}"


def serial(line: str, number: int, position: int) -> str:
    """The serial of a board."""
    return f"{line}-{number:06d}-{position:02d}"


def bring_to_inspection(engine: Engine, line: str, panels: int) -> None:
    """Let panels go through the line up to its inspection, which each may then start."""
    recorder = Recorder(engine, actor="bench")
    for number in range(panels):
        at = _FIRST + timedelta(seconds=30 * number)
        said = [_marked(line, number, at)]
        for step, operation in enumerate(ROUTE[:3]):
            said += list(_work(line, number, operation, at + timedelta(minutes=step)))
        recorder.record([Delivery(one) for one in said])


def building(line: str, panels: range) -> Iterator[tuple[str, bytes, UUID]]:
    """(station, message, UniqueID) for each thing said while panels are marked and placed."""
    for number in panels:
        at = datetime.now(UTC)
        for payload, station in (
            (_marked(line, number, at), handle(line, "marking")),
            *((one, handle(line, "placement")) for one in _work(line, number, "placement", at)),
        ):
            yield station, payload, msgspec.json.decode(payload, type=_Named).UniqueID


class _Named(msgspec.Struct):
    UniqueID: UUID


def _marked(line: str, number: int, at: datetime) -> bytes:
    units = [
        {"UnitIdentifier": serial(line, number, position), "PositionNumber": position}
        for position in range(1, BOARDS + 1)
    ]
    body = {"PrimaryIdentifier": panel(line, number), "UnitCount": BOARDS, "Units": units,
            "WorkOrderIdentifier": {"WorkOrderId": order(line)}}  # fmt: skip
    return _message("Production.UnitsInitialized", handle(line, "marking"), at, body)


def _work(line: str, number: int, operation: str, at: datetime) -> Iterator[bytes]:
    station, transaction, identifier = handle(line, operation), str(uuid4()), panel(line, number)
    units = [{"UnitIdentifier": identifier, "PositionNumber": position} for position in range(1, BOARDS + 1)]
    started = {"TransactionID": transaction, "PrimaryIdentifier": identifier, "Units": units, "RecipeName": operation}
    yield _message("Production.WorkStarted", station, at, started)
    if operation == "placement":
        installed = [
            _entry(identifier, position, slot) for position in range(1, BOARDS + 1) for slot in range(1, SLOTS + 1)
        ]
        body = {"TransactionId": transaction, "InstalledMaterials": installed}
        yield _message("Production.Assembly.MaterialsInstalled", station, at + timedelta(seconds=10), body)
    completed = {"TransactionID": transaction, "PrimaryIdentifier": identifier, "Result": "Completed"}
    yield _message("Production.WorkCompleted", station, at + timedelta(seconds=11), completed)


def _entry(identifier: str, position: int, slot: int) -> dict[str, object]:
    each = PLACEMENTS // SLOTS
    return {
        "UnitIdentifier": identifier,
        "UnitPositionNumber": position,
        "QuantityInstalled": float(each),
        "Material": {"UniqueIdentifier": f"REEL-{slot:03d}", "InternalPartNumber": f"PART-{slot:03d}"},
        "CarrierLocation": {"LocationIdentifier": f"S{slot:02d}"},
        "InstalledComponents": [{"ReferenceDesignator": f"R{slot * each + number}"} for number in range(each)],
    }


def _message(name: str, station: str, at: datetime, body: Mapping[str, object]) -> bytes:
    return envelope(name, station, uuid4(), at, msgspec.json.encode(body))
