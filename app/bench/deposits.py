"""Boards as a solder paste inspection measures them: 5 values of each of 3,000 deposits, and the message of it."""

import json
from typing import Final
from uuid import uuid4

import numpy as np

PADS: Final = 3000

# Characteristic: (mean, spread, decimals) in CFX's units: mm, mm2, ml.
CHARACTERISTICS: Final = {
    "Z": (0.12, 0.008, 4),
    "DX": (0.0, 0.012, 4),
    "DY": (0.0, 0.012, 4),
    "Vol": (1.8e-05, 1.2e-06, 8),
    "A": (0.15, 0.006, 4),
}


def pad_name(number: int) -> str:
    """Name the pad with this number, from 0 on."""
    return f"R{number // 2 + 1}.{number % 2 + 1}"


def columns_of(board: int) -> dict[str, list[float]]:
    """What was measured of a board, by characteristic: the same for the same number."""
    random = np.random.default_rng(board)
    return {
        name: np.round(random.normal(mean, spread, PADS), decimals).tolist()
        for name, (mean, spread, decimals) in CHARACTERISTICS.items()
    }


def message_of(board: int) -> bytes:
    """A `UnitsInspected` as an SPI sends it: every deposit with its expectation, its place and its identifier."""
    columns = columns_of(board)
    deposits = [
        {
            "$type": "CFX.Structures.SolderPasteInspection.SolderPasteMeasurement, CFX",
            **{name: column[number] for name, column in columns.items()},
            "EZ": 0.12,
            "EA": 0.15,
            "EVol": 1.8e-05,
            "PX": round(0.05 * (number % 60), 4),
            "PY": round(0.05 * (number // 60), 4),
            "UniqueIdentifier": str(uuid4()),
            "MeasurementName": pad_name(number),
            "Sequence": number,
            "Result": "Passed",
            "CRDs": pad_name(number),
        }
        for number in range(PADS)
    ]
    step = {"InspectionName": "SPI", "Result": "Passed", "Measurements": deposits}
    unit = {"UnitIdentifier": f"SN{board}", "OverallResult": "Passed", "Inspections": [step]}
    return json.dumps({"TransactionId": str(uuid4()), "InspectionMethod": "SPI", "InspectedUnits": [unit]}).encode()
