"""Repair: what may come to it, what is known to be wrong, and whether a reel may give the new part."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.errors import Invalid
from app.materials.labels import UnreadableLabelError, read_label
from app.quality.journey import runs_of_unit
from app.quality.outcome import FALSE_CALLS, Outcome
from app.reasons import Reason
from app.sentences import Sentence
from app.setup.rules import against_package
from app.setup.state import candidates
from app.trace.evidence import Evidence
from app.trace.made_from import made_from

WHY_IT_IS_HERE = frozenset(
    {
        "failed", "no_verdict", "not_retested", "skipped", "out_of_order", "repeated", "retest_limit", "incomplete",
        "not_arrived", "sub_assembly_failed", "sub_assembly_scrapped",
    }
)  # fmt: skip
"""Codes of the gate that stop a unit elsewhere and not at repair. A hold, scrap or shipment stops it here, too."""

TAKES_OUT = frozenset({"replaced", "removed"})
"""What is done at a designator after which the part that was there is not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect or symptom of a unit's last failed run at a station."""

    reference_designator: str
    says: str
    station: str
    recorded_at: datetime


def findings(connection: Connection, serial: str) -> list[Finding]:
    """What is wrong with a unit: what the last run of each station found, where that run failed."""
    last = {(run.station, run.method): run for run in runs_of_unit(connection, serial)}
    found = []
    for run in last.values():
        if run.outcome is not Outcome.failed:
            continue
        for defect in run.defects:
            if defect.verification not in FALSE_CALLS:
                says = defect.description or defect.code or defect.step or "defect"
                found.append(Finding(defect.reference_designator or "", says, run.station, run.recorded_at))
        for symptom in run.symptoms:
            says = symptom.description or symptom.code or symptom.step or "symptom"
            places = symptom.reference_designators or ("",)
            found += [Finding(place, says, run.station, run.recorded_at) for place in places]
    return sorted(found, key=lambda one: (one.recorded_at, one.reference_designator))


@dataclass(frozen=True, slots=True)
class Replacement:
    """The package a new part comes from, and what speaks against it."""

    package: str
    part_number: str | None
    reasons: tuple[Reason, ...]


_UNSAID = Sentence("a part nobody said")
_PACKAGE = text("SELECT package_id, identifier FROM package WHERE identifier = ANY (CAST(:identifiers AS text[]))")
_ALLOWED = text(
    """
    -- Which part numbers may be at this designator?
    SELECT part_number FROM bom_item
    WHERE product_revision_id = :revision AND reference_designator = :designator
    UNION
    SELECT alternate_part_number FROM bom_item JOIN approved_part USING (product_revision_id, part_number)
    WHERE product_revision_id = :revision AND reference_designator = :designator
    """
)


def replacement(
    connection: Connection, label: str, *, designator: str, product_revision_id: int | None, at: datetime
) -> Replacement:
    """May a part of this reel be put at a designator? Raises `Invalid` where nobody knows the reel."""
    said = [label.strip()]
    with suppress(UnreadableLabelError):
        said.append(read_label(label).package_identifier or "")
    row = connection.execute(_PACKAGE, {"identifiers": [one for one in said if one]}).first()
    if row is None:
        raise Invalid(Sentence("Nobody knows this reel. Scan its label again, or receive it at goods-in first."))
    candidate = candidates(connection, [row.package_id], here=0, at=at)[row.package_id]
    # A reel in a feeder may give a part to repair: that it is in a machine does not speak against it here.
    reasons = [one for one in against_package(candidate, slot="repair") if one.code != "two_machines"]
    condition = candidate.condition
    parts = {condition.part_number, condition.manufacturer_part_number} - {None}
    allowed: set[str] = set()
    if product_revision_id is not None:
        given = {"revision": product_revision_id, "designator": designator}
        allowed = set(connection.execute(_ALLOWED, given).scalars())
    if allowed and not parts & allowed:
        reasons.append(
            Reason(
                "wrong_part",
                Sentence(
                    "%(either_part)s belongs at %(designator)s; reel %(package)s holds %(part_inside)s.",
                    either_part=sorted(allowed),
                    designator=designator,
                    package=row.identifier,
                    part_inside=condition.part_number or condition.manufacturer_part_number or _UNSAID,
                ),
                Sentence("Take the part from the right reel and scan that one."),
            )
        )
    return Replacement(row.identifier, condition.part_number, tuple(reasons))


def now_at(connection: Connection, serial: str, designators: Collection[str]) -> dict[str, str]:
    """Designator -> the package of the part that sits there now, where that is known for certain."""
    if not designators:
        return {}
    return {
        part.reference_designator: part.package
        for part in made_from(connection, serial).installations
        if part.reference_designator is not None
        and part.reference_designator in designators
        and part.removed_at is None
        and part.perhaps_removed_at is None
        and part.evidence is Evidence.exact
    }


def taken_since(
    connection: Connection, serial: str, designators: Collection[str], begun: datetime | None
) -> dict[str, str]:
    """Designator -> the package of the part that was the first to be taken out of it since then, where that is known
    for certain: later repairs took out what came in its place.
    """
    if not designators or begun is None:
        return {}
    gone = [
        (part.removed_at, part.reference_designator, part.package)
        for part in made_from(connection, serial).installations
        if part.reference_designator in designators
        and part.removed_at
        and part.removed_at >= begun
        and part.evidence is Evidence.exact
    ]
    return {designator: package for _, designator, package in sorted(gone, reverse=True) if designator is not None}
