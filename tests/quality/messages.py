"""Messages of inspection and test stations, as short as a test can read them."""

import json
from typing import Any

import msgspec

from app.cfx.messages.inspection import UnitsInspected, UnitsTested
from app.quality.facts import InspectedUnit, TestedUnit
from app.quality.from_cfx import inspected_units, tested_units

TRANSACTION = "14d48338-09b7-4d20-acb9-bf951270793a"
Json = dict[str, Any]


def said_inspected(*units: Json, **members: Any) -> list[InspectedUnit]:
    """What a `UnitsInspected` of these units says."""
    body = json.dumps({"TransactionId": TRANSACTION, "InspectionMethod": "AOI", "InspectedUnits": units, **members})
    return inspected_units(msgspec.json.decode(body, type=UnitsInspected), body.encode())


def said_tested(*units: Json, **members: Any) -> list[TestedUnit]:
    """What a `UnitsTested` of these units says."""
    body = json.dumps({"TransactionId": TRANSACTION, "TestMethod": "ICT", "TestedUnits": units, **members})
    return tested_units(msgspec.json.decode(body, type=UnitsTested), body.encode())


def unit(result: str | None = "Passed", *steps: Json, serial: str | None = "SN1", **members: Any) -> Json:
    """A unit with its inspections (or tests: `Tests=[...]`)."""
    inspections = {"Inspections": list(steps)} if steps else {}
    return {"UnitIdentifier": serial, "OverallResult": result, **inspections, **members}


def step(name: str, result: str | None = "Passed", **members: Any) -> Json:
    """An inspection or a test."""
    return {"InspectionName": name, "TestName": name, "Result": result, **members}


def deposit(pad: str, volume: float, **members: Any) -> Json:
    """A solder deposit as an SPI measures it."""
    return {
        "$type": "CFX.Structures.SolderPasteInspection.SolderPasteMeasurement, CFX",
        "MeasurementName": pad,
        "CRDs": pad,
        "Vol": volume,
        "EVol": 1.8e-05,
        "Z": 0.1214,
        "EZ": 0.12,
        "Result": "Passed",
        **members,
    }


def resistance(name: str, value: float | None, result: str = "Passed", **members: Any) -> Json:
    """A resistance as an in-circuit test measures it, with limits in kOhm."""
    return {
        "$type": "CFX.Structures.NumericMeasurement, CFX",
        "MeasurementName": name,
        "CRDs": name,
        "MeasuredValue": {
            "Value": value,
            "ValueUnits": "Ohm",
            "ExpectedValue": 28.2,
            "ExpectedValueUnits": "kOhm",
            "MinimumAcceptableValue": 28.0,
            "MaximumAcceptableValue": 28.4,
        },
        "Result": result,
        **members,
    }
