"""Shelf life, thawing and open time of paste, adhesive and bare boards. Pure: no database.

* Past its expiry date nothing is used.
* What is kept cold is used after its thawing time, and within its time out of the cold, which is cumulative.
* What was opened is used within its open time. Paste and adhesive age whatever is done; bare boards pause in dry
  storage. Baking does not bring a surface finish back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.materials.happenings import Happened, Happening, in_order

FINISH_HOURS: Final[dict[str, float | None]] = {
    "osp": 24.0,
    "immersion_tin": 24.0,
    "immersion_silver": 24.0,
    "enig": 24.0,
    "enepig": 24.0,
    "hasl": 24.0,
}
"""How long bare boards of a surface finish may lie open, in hours. IPC-1601 leaves this to maker and finish; makers say
24 h for most, more for some. The cautious number holds until the factory sets its own.
"""


@dataclass(frozen=True, slots=True)
class Cold:
    """A package that is kept cold. `ready_at`: thawed through from then on, None while it is cold or nobody said that
    it left the cold. `over_since`, `runs_out_at`: as to its time outside.
    """

    ready_at: datetime | None
    over_since: datetime | None
    runs_out_at: datetime | None


def cold_chain(happenings: Iterable[Happening], *, thaw: timedelta, thawed: timedelta | None, at: datetime) -> Cold:
    """Where a package stands that thaws for `thaw` and is used within `thawed` out of the cold (None: unlimited)."""
    used = timedelta()
    out_since: datetime | None = None
    over_since: datetime | None = None
    thawing: datetime | None = None
    for one in in_order(happenings, until=at):
        if one.kind is Happened.thawed and out_since is None:
            out_since, thawing = one.at, one.latest or one.at
        elif one.kind is Happened.refrigerated and out_since is not None:
            over_since = over_since or _over(out_since, used, thawed, one.at)
            used += one.at - out_since
            out_since = None
    if out_since is None or thawing is None:
        return Cold(None, over_since, None)
    over_since = over_since or _over(out_since, used, thawed, at)
    runs_out_at = None if thawed is None or over_since is not None else out_since + thawed - used
    return Cold(thawing + thaw, over_since, runs_out_at)


@dataclass(frozen=True, slots=True)
class Opened:
    """Since when a package is open, and when that is or was too long; None where it never was, or has no limit."""

    since: datetime | None
    over_since: datetime | None
    runs_out_at: datetime | None


def open_time(happenings: Iterable[Happening], *, limit: timedelta, pauses: bool, at: datetime) -> Opened:
    """Where an opened package stands; `pauses`: dry storage stops the clock."""
    first: datetime | None = None
    running: datetime | None = None
    used = timedelta()
    over_since: datetime | None = None
    for one in in_order(happenings, until=at):
        opens = one.kind in {Happened.opened, Happened.loaded} or (pauses and one.kind is Happened.dry_removed)
        if opens and running is None:
            first, running = first or one.at, one.at
        elif pauses and one.kind is Happened.dry_stored and running is not None:
            over_since = over_since or _over(running, used, limit, one.at)
            used += one.at - running
            running = None
    if running is None:
        return Opened(first, over_since, None)
    over_since = over_since or _over(running, used, limit, at)
    return Opened(first, over_since, None if over_since else running + limit - used)


def _over(since: datetime, used: timedelta, limit: timedelta | None, until: datetime) -> datetime | None:
    """When the limit was passed within a span, if it was."""
    if limit is None or used + (until - since) < limit:
        return None
    return since + max(limit - used, timedelta())
