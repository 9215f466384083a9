"""The floor life of moisture-sensitive parts (J-STD-020, J-STD-033). Pure: no database.

* The clock runs from the opening of the bag and is cumulative.
* Dry storage pauses it. It never sets it back: sources disagree on that, so the cautious reading holds.
* Baking sets it back to nothing used; it runs again from then on.
* A wet humidity card means that the floor life is over, whatever the clock says. So does a machine that says so.
* A machine that says how much is left is believed where that is less than we counted.
* Level 6 is baked before use; then the label's time counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from app.materials.happenings import Happened, Happening, in_order

HOURS: Final[dict[str, float | None]] = {
    "1": None,
    "2": 365 * 24.0,
    "2a": 672.0,
    "3": 168.0,
    "4": 72.0,
    "5": 48.0,
    "5a": 24.0,
    "6": 0.0,
}
"""Floor life in hours at no more than 30 C and 60 %RH by moisture level (J-STD-033, table of floor life); None:
unlimited; level 6: what the label says, so nothing without it.
"""
STRICTEST: Final = "5a"
"""What a part counts as whose bag was opened and whose level nobody said."""

_ORDER: Final = tuple(HOURS)


def stricter(levels: Iterable[str]) -> str | None:
    """The most sensitive of these levels; None of none."""
    return max((level for level in levels if level in HOURS), key=_ORDER.index, default=None)


def level_from(text: str | None) -> str | None:
    """A moisture level however it is written: `MSL2A`, `2a`, `Level 3`; None where it is none."""
    if text is None:
        return None
    plain = text.strip().lower().removeprefix("msl").removeprefix("level").strip(" -")
    return plain if plain in HOURS else None


Because = Literal["clock", "card", "machine"]


@dataclass(frozen=True, slots=True)
class FloorLife:
    """Where a package stands. `left` is None where its floor life has no limit.

    `runs_out_at`: when it is over if the package stays where it is; None in the bag, in dry storage, and where it is
    over, which `over_since` says; `over_because`: what said so first, the clock, a humidity card or a machine.
    """

    opened: bool
    exposed: bool
    baked: bool
    used: timedelta
    left: timedelta | None
    over_since: datetime | None
    runs_out_at: datetime | None
    over_because: Because | None


class _Clock:
    """Adds up the time outside of bag and dry storage."""

    def __init__(self, limit: timedelta | None) -> None:
        self.limit = limit
        self.used = timedelta()
        self.running_since: datetime | None = None
        self.over_since: datetime | None = None

    def advance(self, at: datetime) -> None:
        if self.running_since is None:
            return
        if self.limit is not None and self.over_since is None and self.used + (at - self.running_since) >= self.limit:
            self.over_since = self.running_since + max(self.limit - self.used, timedelta())
        self.used += at - self.running_since
        self.running_since = at

    def restart(self, at: datetime) -> None:
        self.used, self.over_since, self.running_since = timedelta(), None, at

    def at_most_left(self, left: timedelta, at: datetime) -> None:
        if self.limit is not None:
            self.used = max(self.used, self.limit - left)
            if self.used >= self.limit and self.over_since is None:
                self.over_since = at


def floor_life(happenings: Iterable[Happening], *, limit: timedelta | None, at: datetime) -> FloorLife:
    """How much of its floor life a package has used and has left at a moment. `limit` None: unlimited.

    It is over from the moment on at which `limit` is used up.
    """
    clock = _Clock(limit)
    opened = baked = False
    said: Because | None = None
    for one in in_order(happenings, until=at):
        clock.advance(one.at)
        if one.kind in {Happened.opened, Happened.loaded, Happened.dry_removed}:
            opened = True
            clock.running_since = clock.running_since or one.at
        elif one.kind is Happened.dry_stored:
            clock.running_since = None
        elif one.kind is Happened.restored:
            opened = baked = True
            said = None
            clock.restart(one.at)
        elif one.kind in {Happened.expired, Happened.humidity_card_wet} and clock.over_since is None:
            said = "card" if one.kind is Happened.humidity_card_wet else "machine"
            clock.over_since = one.at
        if one.floor_life_left is not None:
            clock.at_most_left(one.floor_life_left, one.at)
    clock.advance(at)
    left = None if limit is None else max(limit - clock.used, timedelta())
    if clock.over_since is not None and limit is not None:
        left = timedelta()
    runs = clock.running_since is not None and left is not None and clock.over_since is None
    return FloorLife(
        opened=opened,
        exposed=clock.running_since is not None,
        baked=baked,
        used=clock.used,
        left=left,
        over_since=clock.over_since,
        runs_out_at=at + left if runs and left is not None else None,
        over_because=None if clock.over_since is None else said or "clock",
    )
