"""What was stored against what the simulated line really built, placement by placement.

The truth is a file of JSON lines, each with a ``kind``: a ``unit`` was marked, a ``placement`` was
``placed`` (or rejected), material was ``applied``, the run came to its ``end``. The machines' side
writes it from the things themselves; it never passes through the product.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.errors import NotFound, Unavailable
from app.trace.evidence import Evidence
from app.trace.made_from import made_from
from app.trace.question import Question
from app.trace.where_used import stream_where_used


class Placed(NamedTuple):
    """One part on one unit."""

    reference_designator: str | None
    part_number: str | None
    package: str
    lot: str | None
    station: str


@dataclass(slots=True)
class Comparison:
    """What was compared and where the two disagree."""

    units: int = 0
    placements: int = 0
    packages: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """What was compared, for a person."""
        return f"{self.units:,} units, {self.placements:,} placements, {self.packages:,} packages compared"


def compare(connection: Connection, truth: Path) -> Comparison:
    """Ask both questions of the record and hold the answers against ``truth``.

    made-from of every unit: the same parts, no more and no fewer, each exact. where-used of every
    package: every unit that carries it, and none as exact that does not (a spliced reel leaves a few
    units of which the machine says that it may be them; those are marked bounded). Raises
    `Unavailable` where the run did not come to its end.
    """
    found = Comparison()
    units_of_package: dict[str, set[str]] = defaultdict(set)
    built = _read(truth)
    for serial, expected in built.items():
        found.units += 1
        found.placements += sum(expected.values())
        for placed in expected:
            units_of_package[placed.package].add(serial)
        found.differences += _unit(connection, serial, expected)
    found.packages = len(units_of_package)
    for package, serials in sorted(units_of_package.items()):
        found.differences += _package(connection, package, serials, built.keys())
    return found


def _read(truth: Path) -> dict[str, Counter[Placed]]:
    """What is on each unit, by serial."""
    units: dict[str, Counter[Placed]] = {}
    ended = False
    with truth.open(encoding="utf-8") as lines:
        for line in lines:
            told: dict[str, Any] = json.loads(line)
            match told["kind"]:
                case "unit":
                    units.setdefault(told["serial"], Counter())
                case "placement" if told["outcome"] == "placed":
                    units[told["serial"]][_placed(told)] += 1
                case "applied" if told["package"]:
                    units[told["serial"]][_placed(told)] = 1  # paste on both sides is one material in one unit
                case "end":
                    ended = True
    if not ended:
        raise Unavailable(f"The simulated line did not come to its end: {truth} breaks off. Its log says why.")
    return units


def _placed(told: dict[str, Any]) -> Placed:
    return Placed(told.get("reference_designator"), told["part_number"], told["package"], told["lot"], told["station"])


def _unit(connection: Connection, serial: str, expected: Counter[Placed]) -> Iterator[str]:
    try:
        answer = made_from(connection, serial)
    except NotFound:
        yield f"{serial}: not stored at all"
        return
    stored = Counter(
        Placed(part.reference_designator, part.part_number, part.package, part.lot, part.station)
        for part in answer.installations
        if part.removed_at is None
    )
    for placed, times in (expected - stored).items():
        yield f"{serial}: missing {times} x {_spoken(placed)}"
    for placed, times in (stored - expected).items():
        yield f"{serial}: never built {times} x {_spoken(placed)}"
    uncertain = sum(part.evidence is not Evidence.exact for part in answer.installations)
    if uncertain:
        yield f"{serial}: {uncertain} placements are not exact"


def _package(connection: Connection, package: str, serials: set[str], built: Collection[str]) -> Iterator[str]:
    """``built`` are the units of this run: a package may be in units of earlier runs too."""
    try:
        units = [unit for unit in stream_where_used(connection, Question(package=package)) if unit.via is None]
    except NotFound:
        units = []
    for serial in sorted(serials - {unit.serial for unit in units}):
        yield f"package {package}: where-used does not name {serial}"
    exact = {unit.serial for unit in units if unit.evidence is Evidence.exact and unit.serial in built}
    for serial in sorted(exact - serials):
        yield f"package {package}: where-used names {serial}, which never carried it, as exact"


def _spoken(placed: Placed) -> str:
    part = f"{placed.reference_designator or 'applied'} = {placed.part_number}"
    return f"{part} from {placed.package}, lot {placed.lot}, by {placed.station}"
