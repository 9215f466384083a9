"""What a unit is made from, package by package: a thousand designators are some thirty lines. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from app.trace.designators import natural_order
from app.trace.evidence import Evidence
from app.trace.made_from import InstalledPart


@dataclass(slots=True)
class PackageInUnit:
    """Everything one station took from one package with one evidence; what was taken out again stands apart.

    `reference_designators` are in natural order, empty for material on the unit as a whole; `boards` are the serials of
    a panel's boards it is on.
    """

    package: str
    part_number: str | None
    reference_part_number: str | None
    lot: str | None
    date_code: str | None
    evidence: Evidence
    station: str
    since: datetime
    until: datetime
    removed_at: datetime | None
    perhaps_removed_at: datetime | None
    reference_designators: list[str] = field(default_factory=list)
    boards: list[str] = field(default_factory=list)


def by_package(parts: Iterable[InstalledPart]) -> list[PackageInUnit]:
    """The parts of a unit by package, in order of their first designators."""
    found: dict[tuple[object, ...], PackageInUnit] = {}
    for part in parts:
        key = (part.package, part.part_number, part.evidence, part.station, part.removed_at, part.perhaps_removed_at)
        one = found.get(key)
        if one is None:
            one = found[key] = PackageInUnit(
                part.package, part.part_number, part.reference_part_number, part.lot, part.date_code, part.evidence,
                part.station, part.recorded_at, part.recorded_at, part.removed_at,
                part.perhaps_removed_at,
            )  # fmt: skip
        one.since, one.until = min(one.since, part.recorded_at), max(one.until, part.recorded_at)
        if part.reference_designator and part.reference_designator not in one.reference_designators[-1:]:
            one.reference_designators.append(part.reference_designator)
        if part.serial and part.serial not in one.boards:
            one.boards.append(part.serial)
    for one in found.values():
        one.reference_designators = sorted(set(one.reference_designators), key=natural_order)
    return list(found.values())
