"""Message bodies written by hand after the shapes of CFX 2.1, and the published ones where they are at hand."""

import json
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "cfx" / "examples"
CATALOGUE = PUBLISHED.parent / "catalogue.json"

TRANSACTION = "6d0b2c0e-52ee-4d0f-9f3c-9d1c6c9f7a11"

_REEL = {"UniqueIdentifier": "REEL-0815", "InternalPartNumber": "R0603-10K", "Quantity": 4213.0}
_FEEDER = {
    "$type": "CFX.Structures.SMTPlacement.SMDTapeFeeder, CFX",
    "BaseUniqueIdentifier": "FEEDER-7",
    "LaneNumber": 2,
    "TapeWidth": 8.0,
    "TapePitch": 4.0,
    "UniqueIdentifier": "FEEDER-7B",
    "Name": "8 mm",
}
_SLOT = {"LocationIdentifier": "M1.F.12", "LocationName": "12", "CarrierInformation": _FEEDER}
_POSITIONS = [
    {"UnitIdentifier": "PANEL-1", "PositionNumber": 1, "PositionName": "A", "X": 10.5, "Y": 20.0, "FlipX": False},
    {"UnitIdentifier": "PANEL-1", "PositionNumber": 2, "PositionName": "B", "X": 60.5, "Y": 20.0, "FlipX": False},
]

#: Bodies by message name, without the leading "CFX.".
HAND_WRITTEN: dict[str, dict[str, Any]] = {
    "Heartbeat": {"CFXHandle": "Acme.Mounter.1", "HeartbeatFrequency": "00:01:00"},
    "Production.UnitsInitialized": {
        "TransactionID": None,
        "PrimaryIdentifier": "PANEL-1",
        "WorkOrderIdentifier": {"WorkOrderId": "WO-1", "Batch": None},
        "UnitCount": 2,
        "Units": [{"UnitIdentifier": f"SN-{n}", "PositionNumber": n} for n in (1, 2)],
    },
    "Production.WorkStarted": {
        "TransactionID": TRANSACTION,
        "PrimaryIdentifier": "PANEL-1",
        "Lane": 1,
        "UnitCount": 2,
        "Units": _POSITIONS,
        "RecipeName": "demo top",
        "WorkOrderIdentifier": {"WorkOrderId": "WO-1"},
    },
    "Production.WorkCompleted": {"TransactionID": TRANSACTION, "Result": "Completed", "UnitCount": 0, "Units": []},
    "Production.Assembly.MaterialsInstalled": {
        "TransactionId": TRANSACTION,
        "InstalledMaterials": [
            {
                "UnitIdentifier": "PANEL-1",
                "UnitPositionNumber": position,
                "QuantityInstalled": 2.0,
                "QuantityNonInstalled": 1.0,
                "Material": _REEL,
                "CarrierLocation": _SLOT,
                "InstalledComponents": [
                    {"ReferenceDesignator": name, "InstallationTime": "2024-05-06T07:08:09.1234567+02:00"}
                    for name in ("R1", "R2")
                ],
                "NonInstalledComponents": [
                    {"ReferenceDesignator": "R1", "Location": "RejectionBox", "RejectionReason": "BadElectricalTest"}
                ],
            }
            for position in (1, 2)
        ],
    },
    "Production.TestAndInspection.UnitsInspected": {
        "TransactionId": TRANSACTION,
        "InspectionMethod": "SPI",
        "InspectedUnits": [
            {
                "UnitIdentifier": "PANEL-1",
                "UnitPositionNumber": 1,
                "OverallResult": "Passed",
                "Inspections": [
                    {
                        "UniqueIdentifier": "I-1",
                        "InspectionName": "paste",
                        "Result": "Failed",
                        "DefectsFound": [
                            {
                                "UniqueIdentifier": "D-1",
                                "DefectCode": "INSUFFICIENT",
                                "ComponentOfInterest": {"ReferenceDesignator": "R1.1"},
                                "ConfidenceLevel": 80.0,
                            }
                        ],
                        "Symptoms": None,
                        "Measurements": [
                            {
                                "$type": "CFX.Structures.SolderPasteInspection.SolderPasteMeasurement, CFX",
                                "X": 0.31,
                                "EX": 0.3,
                                "Z": 0.09,
                                "EZ": 0.1,
                                "Vol": 0.0041,
                                "EVol": 0.005,
                                "UniqueIdentifier": "M-1",
                                "MeasurementName": "R1.1",
                                "Sequence": 1,
                                "Result": "Failed",
                                "CRDs": "R1.1",
                            }
                        ],
                    }
                ],
            }
        ],
    },
    "Materials.Management.MaterialsInitialized": {
        "Materials": [
            {
                "UniqueIdentifier": "REEL-0815",
                "InternalPartNumber": "R0603-10K",
                "Manufacturer": "Vishay",
                "ManufacturerLotCode": "L-77/A",
                "ManufactureDate": "2024-01-05T00:00:00",
                "Quantity": 5000.0,
                "Status": "Active",
                "MaterialData": {
                    "$type": "CFX.Structures.MaterialPackageMSDData, CFX",
                    "MSDLevel": "MSL3",
                    "RemainingExposureTime": "6.00:00:00",
                },
            }
        ]
    },
    "Materials.Storage.MaterialsLoaded": {"Materials": [{**_SLOT, "MaterialPackage": _REEL}]},
    "ResourcePerformance.StationStateChanged": {
        "OldState": 2200,
        "OldStateDuration": "00:01:25",
        "NewState": "1100",
        "RelatedFault": None,
    },
    "Production.ReadingsRecorded": {"TransactionId": TRANSACTION, "Readings": []},
}


def published() -> dict[str, bytes]:
    """The published bodies by message name without "CFX."; empty where they are not at hand."""
    return {path.name.removesuffix(".1.json"): path.read_bytes() for path in sorted(PUBLISHED.glob("*.1.json"))}


def known_bodies() -> dict[str, dict[str, Any]]:
    """Every body at hand that is JSON, the published ones first."""
    bodies: dict[str, dict[str, Any]] = {}
    for name, text in published().items():
        try:
            bodies[name] = json.loads(text)
        except ValueError:
            continue
    bodies.pop("CFXEnvelope", None)
    return bodies | HAND_WRITTEN


def envelope(name: str, body: Any, **members: Any) -> dict[str, Any]:
    """An envelope as a machine sends it, any of its members replaced."""
    return {
        "MessageName": f"CFX.{name}",
        "Version": "1.7",
        "TimeStamp": "2024-05-06T07:08:09.1234567+02:00",
        "UniqueID": "f3b2c8ec-50b7-4c63-9cb3-2ed57c01880f",
        "Source": "Acme.Mounter.1",
        "Target": None,
        "RequestID": None,
        "MessageBody": body,
    } | members
