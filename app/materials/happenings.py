"""What can happen to a package, in the order that clocks need. Pure: no database."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Happened(StrEnum):
    """One kind of thing that happens to a package.

    `rated`: somebody said its moisture level. `thawed`: it left cold storage. `loaded`: it sits in a machine, so its
    bag or jar is open, whoever forgot to say so.
    """

    rated = "rated"
    opened = "opened"
    loaded = "loaded"
    dry_stored = "dry_stored"
    dry_removed = "dry_removed"
    restored = "restored"
    expired = "expired"
    humidity_card_wet = "humidity_card_wet"
    thawed = "thawed"
    refrigerated = "refrigerated"
    retired = "retired"


# Told of one moment, whatever protects comes first and whatever exposes last: the doubt goes against the package.
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        (
            Happened.restored, Happened.dry_stored, Happened.refrigerated, Happened.rated,
            Happened.dry_removed, Happened.thawed, Happened.opened, Happened.loaded, Happened.expired,
            Happened.humidity_card_wet, Happened.retired,
        )
    )
}  # fmt: skip


_PROTECTS = frozenset({Happened.dry_stored, Happened.refrigerated})
_EXPOSES = frozenset({Happened.dry_removed, Happened.thawed, Happened.opened, Happened.loaded})
_CONDEMNS = frozenset({Happened.expired, Happened.humidity_card_wet})


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at a time; `floor_life_left` is what a machine said then, where it said so.

    Where the clock that told of it may have been wrong, `at` is when it happened at the earliest and `latest` at the
    latest. `clock` is whose clock that was, `told` the time it told, and `heard` counts messages as they came.
    """

    kind: Happened
    at: datetime
    floor_life_left: timedelta | None = None
    latest: datetime | None = None
    clock: int | None = None
    told: datetime | None = None
    heard: int = 0


def in_order(happenings: Iterable[Happening], *, until: datetime) -> list[Happening]:
    """What happened up to and including a moment, oldest first. What nobody knows the time of goes against the package:

    * What exposes or condemns it did so at the earliest moment, and again at the latest.
    * What protects it counts from the latest, and not at all where it may have been exposed again since.
    """
    told = [one for one in happenings if one.at <= until]
    exposing = [one for one in told if one.kind in _EXPOSES]
    surely = []
    for one in told:
        latest = one.latest or one.at
        if one.kind not in _PROTECTS:
            surely.append(one)
            if latest > one.at and latest <= until and one.kind in _EXPOSES | _CONDEMNS:
                surely.append(replace(one, at=latest))
        elif latest <= one.at:
            surely.append(one)
        elif latest <= until and not any(_may_come_after(exposed, one) for exposed in exposing):
            surely.append(replace(one, at=latest))
    return sorted(surely, key=lambda one: (one.at, _RANK[one.kind]))


def _may_come_after(exposed: Happening, protected: Happening) -> bool:
    """Whether the one may have ended the other, as to a time in which the other is not sure to protect yet."""
    if exposed.at > (protected.latest or protected.at) or (exposed.latest or exposed.at) < protected.at:
        return False
    if exposed.clock is None or exposed.clock != protected.clock or exposed.told is None or protected.told is None:
        return True
    # One clock told both, and they came in the order of its times: so it was not set back between.
    return not (exposed.told < protected.told and exposed.heard < protected.heard)
