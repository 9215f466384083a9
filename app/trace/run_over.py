"""Reels that a machine goes on naming beyond their pieces: what it placed then is of the reels spliced on behind.

A machine that does not notice a splice names the head of the chain until somebody tells it of the next reel. From the
report on that takes more than the head can have held (`app.trace.reach`), it may be of the reels behind: up to one that
was still there afterwards, for it cannot have been used up then.

Where a sensor saw the splice pass, that sets right what came before: neither pieces nor doubt pass two of those, but
where the machine goes on naming the head all the same.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, TextClause, text

from app.db import at_once
from app.trace.installed import DESCRIBED_THEN, Installed
from app.trace.reach import Reels
from app.trace.spans import BETWEEN_CLOCKS


@dataclass(frozen=True, slots=True)
class RunOver:
    """From `since` on (station's clock) reports that name package `head` may mean its `followers` as well.

    `sets`: the placements at which each material set names the head, with the designators filled there.
    """

    head: int
    since: datetime
    followers: frozenset[int]
    sets: Mapping[int, Sequence[tuple[int, Sequence[str]]]]


_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of)"
_SEEN = """
    (
        SELECT min(recorded_at) FROM loading_event AS seen
        WHERE seen.package_id = link.child_id AND seen.kind = '{}' AND seen.recorded_at >= link.recorded_at
          AND (CAST(:as_of AS timestamptz) IS NULL OR seen.received_at <= :as_of) {}
    )
"""
_LOADED = _SEEN.format("loaded", "")
# A reel that was taken elsewhere may have been spliced to another there.
_SENSED = _SEEN.format(
    "spliced",
    """
          AND NOT EXISTS (
              SELECT FROM loading_event AS gone
              WHERE gone.station_id = seen.station_id AND gone.event_id = seen.event_id AND gone.kind = 'empty'
                AND gone.package_id <> link.parent_id AND NOT EXISTS (
                    SELECT FROM package_link AS ahead
                    WHERE ahead.parent_id = gone.package_id AND ahead.child_id = link.parent_id
                      AND ahead.kind = 'joined'
                )
          )
    """,
)


# What was split off a reel, or off such a part, may have taken along what hung behind it: by clocks that may be off.
_BY_CLOCKS = f"- interval '{BETWEEN_CLOCKS.total_seconds()} seconds'"
_JOINED_AHEAD = f"""
    WITH RECURSIVE joined AS (
        SELECT parent_id, child_id, recorded_at, received_at FROM package_link
        WHERE child_id = ANY (CAST(:packages AS integer[])) AND kind = 'joined'
        UNION
        SELECT part.child_id, joined.child_id, joined.recorded_at, greatest(joined.received_at, part.received_at)
        FROM joined JOIN package_link AS part ON part.parent_id = joined.parent_id AND part.kind = 'split'
        WHERE part.recorded_at >= joined.recorded_at {_BY_CLOCKS}
    )
"""
_JOINED_BEHIND = f"""
    WITH RECURSIVE part AS (
        SELECT package_id, package_id AS whole_id, CAST('infinity' AS timestamptz) AS recorded_at,
            CAST('-infinity' AS timestamptz) AS received_at
        FROM unnest(CAST(:packages AS integer[])) AS package_id
        UNION
        SELECT part.package_id, link.parent_id, least(part.recorded_at, link.recorded_at),
            greatest(part.received_at, link.received_at)
        FROM part JOIN package_link AS link ON link.child_id = part.whole_id AND link.kind = 'split'
    ), joined AS (
        SELECT part.package_id AS parent_id, link.child_id, link.recorded_at,
            greatest(part.received_at, link.received_at) AS received_at
        FROM part JOIN package_link AS link ON link.parent_id = part.whole_id AND link.kind = 'joined'
        WHERE part.recorded_at >= link.recorded_at {_BY_CLOCKS}
    )
"""


def _splices(joined: str) -> TextClause:
    return text(
        f"""
        -- Which splices have these packages at this end, when was each told, and when did a sensor see it pass?
        {joined}
        SELECT link.parent_id AS head, link.child_id AS follower,
            min(greatest(link.recorded_at, {_LOADED})) AS told_at, min({_SENSED}) AS sensed_at
        FROM joined AS link
        WHERE {_KNOWN} AND link.parent_id <> link.child_id
        GROUP BY link.parent_id, link.child_id
        """
    )


_AHEAD = _splices(_JOINED_AHEAD)
_BEHIND = _splices(_JOINED_BEHIND)


class _Chains:
    """The splices around some packages, as far as pieces beyond a reel can matter to them."""

    def __init__(self, connection: Connection, packages: Collection[int], as_of: datetime | None) -> None:
        self._connection = connection
        self._as_of = as_of
        self.reels = Reels(connection, as_of)
        self.behind: dict[int, dict[int, Row[Any]]] = defaultdict(dict)
        self._ask(_BEHIND, packages)
        self._look_ahead(packages)
        self._look_behind()

    def _ask(self, which: TextClause, packages: Collection[int]) -> list[Row[Any]]:
        """Splices at these packages; both reels of each are read."""
        found = list(self._connection.execute(which, {"packages": sorted(packages), "as_of": self._as_of}))
        self.reels.read({package for one in found for package in (one.head, one.follower)})
        for one in found:
            self.behind[one.head][one.follower] = one
        return found

    def is_last(self, splice: Row[Any], at: datetime | None) -> bool:
        """Whether a piece beyond a reel that was last named `at` cannot be of what is behind this splice's reel."""
        return self._set_right(splice) or self.reels.by_id[splice.follower].surely_named_after(at)

    def _is_short(self, splice: Row[Any]) -> bool:
        """Whether the next reel lacks what was taken beyond the head."""
        if splice.sensed_at is not None:
            return not self._set_right(splice)
        return not self.reels.by_id[splice.head].went_on_after(splice.told_at)

    def _set_right(self, splice: Row[Any]) -> bool:
        """Whether a sensor saw it pass, and the head was named no more for what began then."""
        return splice.sensed_at is not None and not self.reels.by_id[splice.head].went_on_after(splice.sensed_at)

    def _look_ahead(self, packages: Collection[int]) -> None:
        """Read what is ahead of these reels, and of those just ahead: as far as its pieces may have been theirs."""
        seen: set[int] = set()
        near = coming = set(packages)
        while coming:
            seen |= coming
            found = self._ask(_AHEAD, coming)
            last_at = {one.head: self.reels.by_id[one.head].last_at for one in found}
            coming = {
                one.head
                for one in found
                if one.follower in near or self._is_short(one) or not self.is_last(one, last_at[one.head])
            } - seen

    def _pass_on(self) -> None:
        """What is taken beyond a reel is missing from the next: reel by reel, the heads of chains first."""
        short: dict[int, float] = defaultdict(float)
        for head in self._heads_first():
            if short[head] != self.reels.by_id[head].short:
                self.reels.count(head, short[head])
            for follower, splice in self.behind.get(head, {}).items():
                if self._is_short(splice):
                    short[follower] += self.reels.by_id[head].beyond

    def _heads_first(self) -> list[int]:
        """Reels before those spliced on behind them; of a circle, which only mistakes make, in any order."""
        ahead: dict[int, int] = dict.fromkeys(sorted(self.reels.by_id), 0)
        for followers in self.behind.values():
            for follower in followers:
                ahead[follower] += 1
        order: dict[int, None] = {}
        ready = [package_id for package_id, count in ahead.items() if count == 0]
        while len(order) < len(ahead):
            head = ready.pop() if ready else min(ahead.keys() - order.keys())
            order[head] = None
            for follower in self.behind.get(head, ()):
                ahead[follower] -= 1
                if ahead[follower] == 0 and follower not in order:
                    ready.append(follower)
        return list(order)

    def _look_behind(self) -> None:
        """Read what pieces beyond these reels may be of; what they lack decides how far their own names reach."""
        asked: set[int] = set()
        while True:
            self._pass_on()
            over = [head for head, reel in self.reels.by_id.items() if reel.since is not None]
            coming = {*over, *(follower for head in over for follower in self._passed(head))} - asked
            if not coming:
                return
            asked |= coming
            self._ask(_BEHIND, coming)

    def followers(self, head: int) -> frozenset[int]:
        """The reels that pieces beyond the head may be of: none behind a reel that was still there after it."""
        passed = self._passed(head)
        return frozenset({one for ahead in (head, *passed) for one in self.behind.get(ahead, ())} - {head})

    def _passed(self, head: int) -> set[int]:
        """Those of them that may have been used up by then."""
        last_at = self.reels.by_id[head].last_at
        found: set[int] = set()
        coming = [head]
        while coming:
            for follower, splice in self.behind.get(coming.pop(), {}).items():
                if follower not in found and follower != head and not self.is_last(splice, last_at):
                    found.add(follower)
                    coming.append(follower)
        return found


def run_over(connection: Connection, packages: Collection[int], as_of: datetime | None) -> list[RunOver]:
    """Where these packages were named for more pieces than they held, or others whose pieces may be theirs."""
    wanted = set(packages)
    if not wanted:
        return []
    chains = _Chains(connection, wanted, as_of)
    found = []
    for head, reel in chains.reels.by_id.items():
        since = reel.since
        if since is None or reel.last_at is None:
            continue
        seen = [splice.sensed_at for splice in chains.behind.get(head, {}).values()]
        if None not in seen:  # up to the splice the pieces were its own, however many
            since = max([since, *seen])
        followers = chains.followers(head)
        if followers and since <= reel.last_at and not wanted.isdisjoint({head, *followers}):
            found.append(RunOver(head, since, followers, reel.sets))
    return found


_SPLICED_TO = text(
    f"""
    -- Which of these packages have another spliced on behind, and since when was that seen: never, if NULL?
    {_JOINED_BEHIND}
    SELECT parent_id, nullif(min(coalesce({_SENSED}, '-infinity')), '-infinity') AS sensed_at
    FROM joined AS link
    WHERE {_KNOWN}
    GROUP BY parent_id
    """
)
_FOLLOWERS = text(
    f"""
    -- What is known of these packages?
    SELECT package_id, identifier, described.part_number, lot.lot_code AS lot, described.date_code,
        described.surface_finish
    FROM package {DESCRIBED_THEN} LEFT JOIN lot ON lot.lot_id = described.lot_id
    WHERE package_id = ANY (CAST(:packages AS integer[]))
    """
)


def with_followers(connection: Connection, rows: list[Installed], as_of: datetime | None) -> list[Installed]:
    """What was installed in a unit; what names a head beyond its pieces may be of each reel of the chain."""
    ahead = sorted({row.package_id for row in rows if row.is_spliced})
    if not ahead:
        return rows
    (spliced,) = at_once(connection, (_SPLICED_TO, {"packages": ahead, "as_of": as_of}))
    sensed_at = dict(spliced)
    heads = {
        row.package_id
        for row in rows
        if row.package_id in sensed_at
        and (sensed_at[row.package_id] is None or row.recorded_at >= sensed_at[row.package_id])
    }
    over = {one.head: one for one in run_over(connection, heads, as_of) if one.head in heads}
    if not over:
        return rows
    wanted = sorted({follower for one in over.values() for follower in one.followers})
    given = {"packages": wanted, "as_of": as_of or datetime.now(UTC)}
    described = {row.package_id: row for row in connection.execute(_FOLLOWERS, given)}
    found = []
    for row in rows:
        one = over.get(row.package_id)
        if one is None or row.chained or row.kind != "installed" or row.recorded_at < one.since:
            found.append(row)
            continue
        found.append(row._replace(chained=True))
        for follower in sorted(one.followers):
            what = described[follower]
            found.append(
                row._replace(
                    chained=True,
                    package=what.identifier,
                    package_id=follower,
                    part_number=what.part_number or row.part_number,
                    lot=what.lot,
                    date_code=what.date_code,
                    surface_finish=what.surface_finish,
                    is_unit=None,
                )
            )
    return found
