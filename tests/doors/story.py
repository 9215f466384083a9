"""A panel of boards on its way through a short line, as CFX messages."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4, uuid5

MARKER = "Lumen.Mark3.LM-01"
PLACER = "Pickwell.P8.PP-01"
AOI = "Argus.A2.AO-01"

REELS = {
    "R-1182": ("100-0042", "LK2207", ["R1", "R2", "R3"]),
    "R/90 +5%": ("100-0077", "LOT+7", ["C1", "C2"]),
}
"""Reel -> part number, lot, designators. The second identifier holds what an address must encode."""

_EVENTS = UUID("5a0f7a4e-9f0e-4a3f-8d5f-3d0a5a1f2b11")


def envelope(
    name: str,
    body: dict[str, Any],
    source: str,
    at: datetime | None = None,
    *,
    unique_id: UUID | None = None,
    request_id: str | None = None,
) -> dict[str, Any]:
    return {
        "MessageName": f"CFX.{name}",
        "Version": "2.1",
        "TimeStamp": (at or datetime.now(UTC)).isoformat(),
        "UniqueID": str(unique_id or uuid4()),
        "Source": source,
        "Target": None,
        "RequestID": request_id,
        "MessageBody": body,
    }


def panel(
    identifier: str,
    serials: list[str],
    *,
    work_order: str = "WO-1001",
    start: datetime | None = None,
    failed: str | None = None,
) -> list[dict[str, Any]]:
    """Every message about one panel; `failed` is the serial on which AOI finds a bridge at R2."""
    clock = _clock(start or datetime.now(UTC) - timedelta(minutes=3))
    told: list[dict[str, Any]] = []

    def say(name: str, body: dict[str, Any], source: str) -> None:
        unique_id = uuid5(_EVENTS, f"{identifier} {len(told)}")
        told.append(envelope(name, body, source, next(clock), unique_id=unique_id))

    units = [{"UnitIdentifier": serial, "PositionNumber": n} for n, serial in enumerate(serials, start=1)]
    say("ResourcePerformance.StationStateChanged", {"OldState": 2200, "NewState": 1100}, PLACER)
    say(
        "Production.UnitsInitialized",
        {
            "PrimaryIdentifier": identifier,
            "WorkOrderIdentifier": {"WorkOrderId": work_order},
            "UnitCount": len(units),
            "Units": units,
        },
        MARKER,
    )
    say("Materials.Management.MaterialsInitialized", {"Materials": list(_reels())}, PLACER)
    for station, work in ((PLACER, _placed), (AOI, _inspected)):
        transaction = str(uuid5(_EVENTS, f"{identifier} {station}"))
        begun = {"TransactionID": transaction, "Lane": 1, "PrimaryIdentifier": identifier,
                 "UnitCount": len(units), "Units": units}  # fmt: skip
        say("Production.WorkStarted", begun, station)
        name, body = work(identifier, serials, transaction, failed)
        say(name, body, station)
        say(
            "Production.WorkCompleted",
            {"TransactionID": transaction, "Result": "Completed", "PrimaryIdentifier": identifier,
             "UnitCount": len(units), "Units": units},
            station,
        )  # fmt: skip
    return told


def _clock(at: datetime) -> Iterator[datetime]:
    while True:
        at += timedelta(seconds=2)
        yield at


def _reels() -> Iterator[dict[str, Any]]:
    for reel, (part_number, lot, _) in REELS.items():
        yield {
            "UniqueIdentifier": reel,
            "InternalPartNumber": part_number,
            "InitialQuantity": 5000,
            "Quantity": 5000,
            "ManufacturerLotCode": lot,
            "Manufacturer": "Yageo",
        }


def _placed(identifier: str, serials: list[str], transaction: str, _: str | None) -> tuple[str, dict[str, Any]]:
    entries = [
        {
            "UnitIdentifier": identifier,
            "UnitPositionNumber": position,
            "QuantityInstalled": len(designators),
            "QuantityNonInstalled": 0,
            "Material": {"UniqueIdentifier": reel, "InternalPartNumber": part_number, "Quantity": 900},
            "CarrierLocation": {"LocationIdentifier": f"S{slot}", "LocationName": f"SLOT{slot}"},
            "InstalledComponents": [{"ReferenceDesignator": name} for name in designators],
        }
        for position in range(1, len(serials) + 1)
        for slot, (reel, (part_number, _, designators)) in enumerate(REELS.items(), start=11)
    ]
    body = {"TransactionId": transaction, "InstalledMaterials": entries}
    return "Production.Assembly.MaterialsInstalled", body


def _inspected(identifier: str, serials: list[str], transaction: str, failed: str | None) -> tuple[str, dict[str, Any]]:
    units = [
        {
            "UnitIdentifier": identifier,
            "UnitPositionNumber": position,
            "OverallResult": "Failed" if serial == failed else "Passed",
            "Inspections": [
                {
                    "InspectionName": "Solder joints",
                    "Result": "Failed" if serial == failed else "Passed",
                    "DefectsFound": [
                        {
                            "DefectCode": "BRIDGE",
                            "DefectCategory": "Solder",
                            "Description": "Solder bridge",
                            "ComponentOfInterest": {"ReferenceDesignator": "R2"},
                        }
                    ]
                    if serial == failed
                    else [],
                }
            ],
        }
        for position, serial in enumerate(serials, start=1)
    ]
    return "Production.TestAndInspection.UnitsInspected", {
        "TransactionId": transaction,
        "InspectionMethod": "AOI",
        "InspectedUnits": units,
    }


def address(path: str, **query: str) -> str:
    """An address of the API with its query percent-encoded, as the contract wants it."""
    told = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"/api/v1/{path}?{told}"


def payload(messages: object) -> bytes:
    return json.dumps(messages).encode()
