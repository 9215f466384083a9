"""A small shop: a bench, a visual inspection, a repair bench, a mounter; boards with checked serials; an operator."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import Engine

from app.inbox.record import Delivery, Recorder
from app.lines.planning import StationPlan, plan_line
from app.orders.planning import plan_work_order
from app.people import Role, create_person
from app.people.badges import issue_badge, set_pin
from app.products.instructions import Step, write_instructions
from app.products.kicad import BoardDesign, Component
from app.products.planning import import_design
from app.products.routing import RoutingStep
from app.quality.containments import open_containment
from app.quality.terms import terms_of
from app.scanning.codes import CodeKind, make_code
from app.scanning.formats import plan_serial_format
from app.scanning.rules import CHECKS, SerialFormat
from app.setup.requirements import SlotPlan, require_setup
from app.trace.made_from import made_from
from tests.doors import story

BENCH = "Hand.Bench.HA-01"
EYES = "Hand.Eyes.VI-01"
REPAIR = "Hand.Repair.RW-01"
MOUNTER = "Pickwell.P8.PP-01"
PIN = "274951"
PASSWORD = "correct horse battery"
REELS = {"R-1182": "100-0042", "R-1183": "100-0042", "C-2201": "100-0077", "U-3301": "200-0008"}
SLOTS = {"SLOT11": "100-0042", "SLOT12": "100-0077", "SLOT13": "200-0008", "SLOT14": "100-0042"}
_EVENTS = UUID("1f0f7a4e-9f0e-4a3f-8d5f-3d0a5a1f2b22")


@dataclass(frozen=True)
class Shop:
    """What tests speak of: serials of boards, the badge of ann, the product revision."""

    serials: list[str]
    badge: str
    revision: int


def serial(number: int) -> str:
    body = f"K3F9A2-{number:05d}"
    return f"{body}-{CHECKS['mod37_36'](body.replace('-', ''))}"


def _components() -> Iterator[Component]:
    for column in range(10):
        for row, (kind, part, footprint) in enumerate(
            [("R", "100-0042", "Resistor_SMD:R_0603_1608Metric"), ("C", "100-0077", "Capacitor_SMD:C_0805_2012Metric")]
        ):
            yield Component(f"{kind}{column + 1}", part, "Yageo", "10k", footprint,
                            x=5.0 + column * 6, y=6.0 + row * 20, rotation=90.0 * (column % 2), side="top",
                            assembly="machine")  # fmt: skip
    for number, x in ((1, 18.0), (2, 46.0)):
        yield Component(f"U{number}", "200-0008", "Acme", "MCU", "Package_DFN_QFN:QFN-48_7x7mm_P0.5mm",
                        x=x, y=16.0, rotation=45.0 * (number - 1), side="top", assembly="machine")  # fmt: skip
    for number in range(1, 4):
        yield Component(f"R{number + 20}", "100-0042", "Yageo", "10k", "Resistor_SMD:R_0603_1608Metric",
                        x=10.0 + number * 12, y=12.0, rotation=0.0, side="bottom", assembly="machine")  # fmt: skip


def open_shop(engine: Engine, boards: int = 12) -> Shop:
    """Plan everything and let the boards come to be."""
    serials = [serial(number) for number in range(1, boards + 1)]
    with engine.begin() as connection:
        plan_line(connection, name="Line 1", actor="test", stations=[
            StationPlan(MOUNTER, "Mounter 1", "placement"),
            StationPlan(BENCH, "Hand assembly", "hand_assembly"),
            StationPlan(EYES, "Visual inspection", "visual_inspection"),
            StationPlan(REPAIR, "Repair bench", "repair"),
        ])  # fmt: skip
        design = BoardDesign("mainboard", "A", tuple(_components()), ())
        revision = import_design(
            connection, design, part_number="900-1000", customer="Acme", actor="test",
            routing=[RoutingStep("hand_assembly"), RoutingStep("visual_inspection"), RoutingStep("final_test")],
        )  # fmt: skip
        plan_serial_format(connection, revision, SerialFormat("******-#####-!", "mod37_36"), actor="test")
        plan_work_order(connection, number="WO-1001", product_revision_id=revision, quantity=boards, actor="test",
                        customer="Acme")  # fmt: skip
        write_instructions(connection, revision, "hand_assembly", [
            Step("Fit the two controllers. Pin 1 is at the white dot.", ("U1", "U2")),
            Step("Look at C3 and C4: the stripe points to the edge.", ("C3", "C4")),
            Step("Press the board into the carrier until it clicks."),
        ], actor="test")  # fmt: skip
        require_setup(
            connection, station=MOUNTER, product_revision_id=revision, actor="test",
            slots=[SlotPlan(slot, part) for slot, part in SLOTS.items()],
        )  # fmt: skip
        create_person(connection, name="ann", role=Role.operator, password=PASSWORD, actor="test")
        create_person(connection, name="lee", role=Role.line_lead, password=PASSWORD, actor="test")
        set_pin(connection, name="ann", pin=PIN, actor="test")
        payload = issue_badge(connection, name="ann", actor="test")
    tell(engine, arrivals(serials))
    return Shop(serials, make_code(CodeKind.badge, payload), revision)


def arrivals(serials: Sequence[str], *, reels: bool = True) -> Iterator[dict[str, object]]:
    """Boards are initialised, reels described, and the mounter begins the order's first board."""
    at = datetime.now(UTC) - timedelta(hours=1)
    for number, one in enumerate(serials):
        body = {
            "PrimaryIdentifier": one,
            "WorkOrderIdentifier": {"WorkOrderId": "WO-1001"},
            "UnitCount": 1,
            "Units": [{"UnitIdentifier": one, "PositionNumber": 1}],
        }
        yield story.envelope("Production.UnitsInitialized", body, "Lumen.Mark3.LM-01", at,
                             unique_id=uuid5(_EVENTS, f"init {one}"))  # fmt: skip
        at += timedelta(milliseconds=number)
    if not reels:
        return
    described = [
        {"UniqueIdentifier": reel, "InternalPartNumber": part, "InitialQuantity": 5000, "Quantity": 5000,
         "ManufacturerLotCode": f"LOT-{part}"}
        for reel, part in REELS.items()
    ]  # fmt: skip
    yield story.envelope("Materials.Management.MaterialsInitialized", {"Materials": described}, MOUNTER, at)
    begun = {"TransactionID": str(uuid5(_EVENTS, "first")), "PrimaryIdentifier": serials[-1], "UnitCount": 1}
    yield story.envelope("Production.WorkStarted", begun, MOUNTER, at)
    yield story.envelope("Production.WorkCompleted", {**begun, "Result": "Completed"}, MOUNTER, at)


def tell(engine: Engine, messages: Iterable[dict[str, object]]) -> None:
    receipts = Recorder(engine).record([Delivery(story.payload(list(messages)))])[0]
    assert {one.status for one in receipts} == {"stored"}, receipts


def _work(serial: str, station: str, name: str, body: dict[str, object]) -> list[dict[str, object]]:
    """A whole work record with one message in it."""
    transaction = str(uuid5(_EVENTS, f"{serial} {station}"))
    at = datetime.now(UTC) - timedelta(minutes=10)
    begun = {"TransactionID": transaction, "PrimaryIdentifier": serial, "UnitCount": 1}
    return [
        story.envelope("Production.WorkStarted", begun, station, at),
        *([story.envelope(name, {"TransactionId": transaction, **body}, station, at)] if name else []),
        story.envelope("Production.WorkCompleted", {**begun, "Result": "Completed"}, station, at),
    ]


def assembled(engine: Engine, serials: Sequence[str]) -> None:
    """Hand assembly is done on these."""
    for one in serials:
        tell(engine, _work(one, BENCH, "", {}))


def placed(engine: Engine, serial: str, reels: Mapping[str, Sequence[str]]) -> None:
    """The mounter placed parts of these reels."""
    entries = [
        {
            "UnitIdentifier": serial,
            "QuantityInstalled": len(designators),
            "Material": {"UniqueIdentifier": reel, "InternalPartNumber": REELS[reel]},
            "InstalledComponents": [{"ReferenceDesignator": name} for name in designators],
        }
        for reel, designators in reels.items()
    ]
    body: dict[str, object] = {"InstalledMaterials": entries}
    tell(engine, _work(serial, MOUNTER, "Production.Assembly.MaterialsInstalled", body))


def found(engine: Engine, serial: str, designator: str) -> None:
    """The visual inspection found a bridge."""
    defect = {"DefectCode": "bridge", "Description": f"Bridge on {designator}",
              "ComponentOfInterest": {"ReferenceDesignator": designator}}  # fmt: skip
    unit = {"UnitIdentifier": serial, "OverallResult": "Failed",
            "Inspections": [{"InspectionName": "VISUAL", "Result": "Failed", "DefectsFound": [defect]}]}  # fmt: skip
    body: dict[str, object] = {"InspectionMethod": "Human", "InspectedUnits": [unit]}
    tell(engine, _work(serial, EYES, "Production.TestAndInspection.UnitsInspected", body))


def contained(engine: Engine, serial: str) -> None:
    """Quality holds this unit."""
    with engine.begin() as connection:
        open_containment(connection, terms_of({"serials": [serial]}), reason="a customer's complaint", actor="test",
                         confirm=serial)  # fmt: skip


def made_of(engine: Engine, serial: str) -> set[tuple[str | None, str, bool]]:
    """(designator, reel, taken out again) of every part of a unit."""
    with engine.connect() as connection:
        parts = made_from(connection, serial).installations
    return {(part.reference_designator, part.package, part.removed_at is not None) for part in parts}
