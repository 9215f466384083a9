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


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at a time; `floor_life_left` is what a machine said then, where it said so.

    `latest`: when it happened at the latest, where the clock that told of it is known to be wrong.
    """

    kind: Happened
    at: datetime
    floor_life_left: timedelta | None = None
    latest: datetime | None = None


def in_order(happenings: Iterable[Happening], *, until: datetime) -> list[Happening]:
    """What happened up to and including a moment, oldest first.

    What protects counts from when it happened at the latest, and not at all where it may have been exposed again since.
    """
    told = [one for one in happenings if one.at <= until]
    exposed = [one.at for one in told if one.kind in _EXPOSES]
    surely = []
    for one in told:
        if one.kind not in _PROTECTS or one.latest is None or one.latest <= one.at:
            surely.append(one)
        elif one.latest <= until and not any(one.at <= at <= one.latest for at in exposed):
            surely.append(replace(one, at=one.latest))
    return sorted(surely, key=lambda one: (one.at, _RANK[one.kind]))
