"""What is on the boards, once from the truth file and once from messages alone."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from app.cfx.messages import assembly, materials, production

Known = dict[str, dict[str, tuple[str, str]]]  # serial -> designator -> package and lot


def lines(path: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, path.read_text().splitlines()) if line["kind"] == kind]


def from_truth(path: Path) -> tuple[Known, Counter[tuple[str, str]]]:
    """What is on the boards, and how often a placement was rejected."""
    known: Known = defaultdict(dict)
    rejected: Counter[tuple[str, str]] = Counter()
    for line in lines(path, "placement"):
        if line["outcome"] == "placed":
            assert line["reference_designator"] not in known[line["serial"]], "one part to a place"
            known[line["serial"]][line["reference_designator"]] = line["package"], line["lot"]
        else:
            rejected[line["serial"], line["reference_designator"]] += 1
    return known, rejected


def from_messages(messages: list[Any]) -> tuple[Known, Counter[tuple[str, str]]]:
    """The same, from messages alone, in whatever order they came."""
    serials: dict[tuple[str, int], str] = {}
    lots: dict[str, str] = {}
    for message in messages:
        if isinstance(message, production.UnitsInitialized):
            for unit in message.units or ():
                serials[message.primary_identifier or "", unit.position] = unit.unit_identifier or ""
        if isinstance(message, materials.MaterialsInitialized):
            for detail in message.materials:
                lots[detail.unique_identifier or ""] = detail.manufacturer_lot_code or ""
    known: Known = defaultdict(dict)
    rejected: Counter[tuple[str, str]] = Counter()
    for message in messages:
        if not isinstance(message, assembly.MaterialsInstalled):
            continue
        for entry in message.installed_materials:
            assert entry.material is not None
            package = entry.material.unique_identifier or ""
            serial = serials.get((entry.unit_identifier or "", entry.position), entry.unit_identifier or "")
            assert entry.quantity_installed == len(entry.installed_components or ()) or not entry.position
            for one in entry.installed_components or ():
                known[serial][one.reference_designator or ""] = package, lots[package]
            for gone in entry.non_installed_components or ():
                rejected[serial, gone.reference_designator or ""] += 1
    return {serial: places for serial, places in known.items() if places}, rejected
