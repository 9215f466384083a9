"""A small factory to look things up in; its truth, written down:


| board | made by  | R1      | R2      | C1               | paste | in    |
|-------|----------|---------|---------|------------------|-------|-------|
| SN-1  | mounter  | reel A1 | reel A1 | reel C1          | P1    | BOX-1 |
| SN-2  | mounter  | reel A1 | reel A2 | reel C1          | P1    | BOX-1 |
| SN-3  | mounter  | reel A2 | reel A2 | reel C1, then C3 | P1    | BOX-2 |
| SN-4  | mounter2 | reel B1 | reel B1 | reel C2          | P2    |       |

A1 and A2 are of lot L7, so is C1, which is another part. A1, C1 and P1 came from Mouser, the others from Digi-Key.
SN-3 was repaired: C1 was replaced from reel C3 at the bench. SN-1 and SN-4 were tested, SN-4 by W-17. BOX-1 and BOX-2
are in RACK-1.
"""

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from app.trace.question import Question
from app.trace.where_used import stream_where_used
from tests.inbox.messages import completed, entry, initialized, installed, message, started, uninstalled

MOUNTER, MOUNTER_2, PRINTER, BENCH, TESTER, ASSEMBLY = (
    f"Acme.{kind}.1" for kind in ("Mounter", "Mounter2", "Printer", "Bench", "Tester", "Assembly")
)


def described(package: str, part: str, lot: str, vendor: str, made: str, **more: str) -> dict[str, Any]:
    return {
        "UniqueIdentifier": package,
        "InternalPartNumber": part,
        "ManufacturerLotCode": lot,
        "Manufacturer": {"RES": "Vishay", "CAP": "Murata", "PAS": "Alpha"}[part[:3]],
        "ManufactureDate": f"{made}T00:00:00Z",
        "Vendor": vendor,
        **more,
    }


def board(serial: str, when: float, source: str, *, r1: str, r2: str, c1: str, recipe: str = "TOP") -> list[bytes]:
    """`recipe` with its revision behind a slash."""
    name, _, revision = recipe.partition("/")
    work = uuid4()
    parts = {"R1": (r1, "F1", "RES-10K"), "R2": (r2, "F1", "RES-10K"), "C1": (c1, "F2", "CAP-100N")}
    entries = [
        entry(
            serial,
            package,
            slot=f"{source}.{slot}",
            part_number=part,
            InstalledComponents=[
                {"ReferenceDesignator": designator, "HeadAndNozzle": {"UniqueIdentifier": f"NZ-{slot}"}}
            ],
            CarrierLocation={
                "LocationIdentifier": f"{source}.{slot}",
                "LocationName": slot,
                "CarrierInformation": {"UniqueIdentifier": f"FDR-{source}-{slot}"},
            },
        )
        for designator, (package, slot, part) in parts.items()
    ]
    return [
        initialized(serial, order="WO-1", when=when - 20, source="Acme.Laser.1"),
        started(serial, transaction=work, when=when, source=source, recipe=name, revision=revision),
        installed(*entries, transaction=work, when=when + 5, source=source),
        completed(serial, transaction=work, when=when + 6, source=source),
    ]


def pasted(serial: str, jar: str, stencil: str, when: float) -> list[bytes]:
    work = uuid4()
    material = {"UnitIdentifier": serial, "Material": {"UniqueIdentifier": jar, "InternalPartNumber": "PASTE"}}
    tool = {"UnitIdentifier": serial, "Tool": {"UniqueIdentifier": stencil}}
    return [
        started(serial, transaction=work, when=when, source=PRINTER),
        message(
            "Production.Application.MaterialsApplied",
            {"TransactionId": str(work), "AppliedMaterials": [material]},
            when=when + 1,
            source=PRINTER,
        ),
        message(
            "Production.ToolsUsed", {"TransactionId": str(work), "UsedTools": [tool]}, when=when + 2, source=PRINTER
        ),
        completed(serial, transaction=work, when=when + 3, source=PRINTER),
    ]


def through_test(serial: str, when: float) -> list[bytes]:
    work = uuid4()
    run = {"UnitIdentifier": serial, "OverallResult": "Passed", "Tests": []}
    tester = {"OperatorIdentifier": "W-17"} if when > 1450 else None
    body = {"TransactionId": str(work), "TestMethod": "FCT", "Tester": tester, "TestedUnits": [run]}
    return [
        started(serial, transaction=work, when=when, source=TESTER),
        message("Production.TestAndInspection.UnitsTested", body, when=when + 30, source=TESTER),
        completed(serial, transaction=work, when=when + 31, source=TESTER),
    ]


def operator(*, active: bool, when: float) -> bytes:
    name = "Production.OperatorActivated" if active else "Production.OperatorDeactivated"
    return message(name, {"Operator": {"OperatorIdentifier": "W-17"}}, when=when, source=TESTER)


def built_into(parent: str, *children: str, when: float) -> bytes:
    """The first child told as a component, the others as materials."""
    first, *others = children
    entries = [entry(parent, None, slot=None, children=[("A1", first)])]
    entries += [entry(parent, child, [f"A{n}"], slot=None) for n, child in enumerate(others, start=2)]
    return installed(*entries, when=when, source=ASSEMBLY)


STORY = [
    message(
        "Materials.Management.MaterialsInitialized",
        {
            "Materials": [
                described("A1", "RES-10K", "L7", "Mouser", "2026-02-01"),
                described("A2", "RES-10K", "L7", "Digi-Key", "2026-02-01"),
                described("B1", "RES-10K", "L8", "Digi-Key", "2026-03-01"),
                described("C1", "CAP-100N", "L7", "Mouser", "2026-03-01"),
                described("C2", "CAP-100N", "L9", "Digi-Key", "2026-04-01"),
                described("P1", "PASTE", "S1", "Mouser", "2026-05-01"),
            ]
        },
        when=0,
        source="Acme.Tower.1",
    ),
    *pasted("SN-1", "P1", "STENCIL-1", 50),
    *pasted("SN-2", "P1", "STENCIL-1", 150),
    *pasted("SN-3", "P1", "STENCIL-2", 250),
    *pasted("SN-4", "P2", "STENCIL-2", 350),
    *board("SN-1", 100, MOUNTER, r1="A1", r2="A1", c1="C1"),
    *board("SN-2", 200, MOUNTER, r1="A1", r2="A2", c1="C1"),
    *board("SN-3", 300, MOUNTER, r1="A2", r2="A2", c1="C1", recipe="TOP-B"),
    *board("SN-4", 400, MOUNTER_2, r1="B1", r2="B1", c1="C2", recipe="TOP/2"),
    uninstalled("SN-3", ["C1"], package="C1", when=1000, source=BENCH),
    installed(entry("SN-3", "C3", ["C1"], slot=None, part_number="CAP-100N"), when=1010, source=BENCH),
    *through_test("SN-1", 1400),
    operator(active=True, when=1480),
    *through_test("SN-4", 1500),
    operator(active=False, when=1600),
    built_into("BOX-1", "SN-1", "SN-2", when=2000),
    built_into("BOX-2", "SN-3", when=2100),
    built_into("RACK-1", "BOX-1", "BOX-2", when=3000),
]


def answer(connection: Connection, **terms: Any) -> dict[str, str]:
    """Designators by serial; of an assembly, the children it holds it by."""
    found = {}
    for unit in stream_where_used(connection, Question(**terms)):
        assert unit.evidence == "exact", unit
        assert unit.serial not in found, f"{unit.serial} is told twice"
        found[unit.serial] = f"in {unit.via}" if unit.via else " ".join(unit.reference_designators)
    return found
