"""May this package be in this slot? Pure: what must be there and what is, in; the reasons against it, out.

* A package whose part nobody said is unknown.
* The part must be the one required, or an alternate approved for this product revision or this slot. One approved
  elsewhere for the same part, but not here, is an unapproved alternate; anything else is the wrong part.
* Where makers' numbers are listed, the package's must be among them.
* Where a revision of the part is required, the package must be of it.
* The package must be usable, not held, and in no slot of another station.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.materials.rules import Condition
from app.reasons import Reason


@dataclass(frozen=True, slots=True)
class Required:
    """What a slot must hold. `lane` is "" where any lane is meant.

    `alternates`: approved here. `approved_elsewhere`: approved in place of the same part by other product revisions.
    """

    slot: str
    part_number: str
    lane: str = ""
    part_revision: str | None = None
    alternates: frozenset[str] = frozenset()
    manufacturer_parts: frozenset[str] = frozenset()
    approved_elsewhere: frozenset[str] = frozenset()
    pieces_per_unit: float | None = None

    @property
    def allowed(self) -> frozenset[str]:
        """The part numbers that may be used."""
        return self.alternates | {self.part_number}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package that is in a slot, or about to be. `elsewhere`: other places it is in, as "F.3 of Acme.Mounter.2"."""

    condition: Condition
    held: Reason | None = None
    elsewhere: tuple[str, ...] = ()


def against_package(candidate: Candidate, *, slot: str) -> Iterator[Reason]:
    """What speaks against a package in any slot."""
    condition, name = candidate.condition, candidate.condition.identifier
    yield from condition.reasons
    if candidate.held is not None:
        yield candidate.held
    for place in candidate.elsewhere:
        yield Reason(
            "two_machines",
            f"Package {name} is in {place} as well as in {slot}. Two reels may bear one label.",
            f"Look at both; say that it was taken out of {place} if it was.",
        )


def against_slot(required: Required, candidate: Candidate) -> Reason | None:
    """What speaks against a package in this very slot."""
    condition, name, slot = candidate.condition, candidate.condition.identifier, required.slot
    parts = {condition.part_number, condition.manufacturer_part_number} - {None}
    if not parts:
        return Reason(
            "package_unknown",
            f"Nobody said which part package {name} in slot {slot} holds.",
            "Receive it: scan its label at goods-in.",
        )
    wanted = f"{required.part_number} belongs in slot {slot}"
    said = condition.part_number or condition.manufacturer_part_number
    if not parts & required.allowed:
        if parts & required.approved_elsewhere:
            return Reason(
                "unapproved_alternate",
                f"{wanted}; package {name} holds {said}, which this product revision does not approve in its place.",
                f"Load {required.part_number}, or have a process engineer approve the alternate.",
            )
        return Reason(
            "wrong_part",
            f"{wanted}; package {name} holds {said}.",
            f"Load a package of {_either(required)}.",
        )
    if required.manufacturer_parts and condition.manufacturer_part_number not in required.manufacturer_parts:
        made = condition.manufacturer_part_number or "a maker's part nobody said"
        return Reason(
            "unapproved_alternate",
            f"Only {', '.join(sorted(required.manufacturer_parts))} may be in slot {slot}; package {name} is {made}.",
            "Load one of those, or have a process engineer approve the maker's part.",
        )
    if required.part_revision is not None and condition.part_revision != required.part_revision:
        has = f"is of revision {condition.part_revision}" if condition.part_revision else "bears no revision"
        return Reason(
            "wrong_revision",
            f"{wanted} in revision {required.part_revision}; package {name} {has}.",
            f"Load a package of revision {required.part_revision}.",
        )
    return None


def _either(required: Required) -> str:
    return " or ".join([required.part_number, *sorted(required.alternates - {required.part_number})])
