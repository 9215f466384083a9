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
from app.sentences import Sentence

_UNSAID = Sentence("a maker's part nobody said")


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
            Sentence(
                "Package %(package)s is in %(place)s as well as in %(slot)s. Two reels may bear one label.",
                package=name,
                place=place,
                slot=slot,
            ),
            Sentence(
                "Look at both. If they are one, return it with its count and scan it again; if not, receive this one "
                "under a number of its own and scan that."
            ),
        )


def against_slot(required: Required, candidate: Candidate) -> Reason | None:
    """What speaks against a package in this very slot."""
    condition, name, slot = candidate.condition, candidate.condition.identifier, required.slot
    parts = {condition.part_number, condition.manufacturer_part_number} - {None}
    if not parts:
        return Reason(
            "package_unknown",
            Sentence("Nobody said which part package %(package)s in slot %(slot)s holds.", package=name, slot=slot),
            Sentence("Receive it: scan its label at goods-in."),
        )
    wanted = {"part": required.part_number, "slot": slot, "package": name}
    said = condition.part_number or condition.manufacturer_part_number
    if not parts & required.allowed:
        if parts & required.approved_elsewhere:
            return Reason(
                "unapproved_alternate",
                Sentence(
                    "%(part)s belongs in slot %(slot)s; package %(package)s holds %(part_inside)s, which this product "
                    "revision does not approve in its place.",
                    **wanted,
                    part_inside=said,
                ),
                Sentence("Load %(part)s, or have a process engineer approve the alternate.", part=required.part_number),
            )
        return Reason(
            "wrong_part",
            Sentence(
                "%(part)s belongs in slot %(slot)s; package %(package)s holds %(part_inside)s.",
                **wanted,
                part_inside=said,
            ),
            Sentence("Load a package of %(either_part)s.", either_part=_either(required)),
        )
    if required.manufacturer_parts and condition.manufacturer_part_number not in required.manufacturer_parts:
        return Reason(
            "unapproved_alternate",
            Sentence(
                "Only %(all_parts)s may be in slot %(slot)s; package %(package)s is %(part_inside)s.",
                all_parts=sorted(required.manufacturer_parts),
                slot=slot,
                package=name,
                part_inside=condition.manufacturer_part_number or _UNSAID,
            ),
            Sentence("Load one of those, or have a process engineer approve the maker's part."),
        )
    if required.part_revision is not None and condition.part_revision != required.part_revision:
        wanted["revision"] = required.part_revision
        return Reason(
            "wrong_revision",
            Sentence(
                "%(part)s belongs in slot %(slot)s in revision %(revision)s; package %(package)s is of revision "
                "%(revision_inside)s.",
                **wanted,
                revision_inside=condition.part_revision,
            )
            if condition.part_revision
            else Sentence(
                "%(part)s belongs in slot %(slot)s in revision %(revision)s; package %(package)s bears no revision.",
                **wanted,
            ),
            Sentence("Load a package of revision %(revision)s.", revision=required.part_revision),
        )
    return None


def _either(required: Required) -> list[str]:
    return [required.part_number, *sorted(required.alternates - {required.part_number})]
