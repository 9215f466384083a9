"""How far do the pieces of reels reach that are spliced to one another, and which of their reports go beyond?

A name is believed as far as the pieces are known to reach. What is taken beyond is of reels spliced on behind. Where
the machine was told of the next reel only then, these pieces are missing from that one, and its own name reaches less
far. A machine that knew of the next reel all along did not change the name for having been told: the head may just as
well have held more than its label says, as reels do.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from app.lines.clocks import clock_errors
from app.trace.counted import Count, Known, counts_of, known_of
from app.trace.drawn import PieceCounts
from app.trace.spans import CLOCK_ERROR
from app.units.places import LONGEST_WORK

_AT_WORK = 3
"""How many boards a machine has in work at most: that many reports may be of what began before it was told."""
_AT_ONCE = 50
"""Reports that are read to find the first beyond: most reels differ from their label by few pieces."""


@dataclass(slots=True)
class Reel:
    """What machines took in the name of one package.

    `since`: from when on (station's clock) reports take more than it held; `beyond`: how many pieces more in the end.
    `last`: when it was named last, latest first. `sure_at`: when a piece was of it for the last time, for all that is
    known. `uses`: pieces by material set.
    """

    known: Known
    counts: list[Count]
    chunks: list[Row[Any]] = field(default_factory=list)
    uses: dict[int, float] = field(default_factory=dict)
    last: list[datetime] = field(default_factory=list)
    taken: float = 0
    since: datetime | None = None
    sure_at: datetime | None = None
    beyond: float = 0
    short: float = 0
    """Pieces that were taken from it in the name of those ahead."""
    stations: frozenset[int | None] = frozenset()
    """Those that named or counted it; None where somebody else did."""
    off: timedelta = timedelta()
    """How far their clocks may be off, where that is more than clocks are."""

    @property
    def last_at(self) -> datetime | None:
        """When it was named last."""
        return self.last[0] if self.last else None

    @property
    def sets(self) -> dict[int, list[tuple[int, Sequence[str]]]]:
        """The placements at which each material set put it on a board, with the designators filled there, if told."""
        found: dict[int, list[tuple[int, Sequence[str]]]] = {}
        for chunk in self.chunks:
            for set_id in chunk.set_ids if chunk.on_board else ():
                found.setdefault(set_id, []).append((chunk.placement_id, chunk.reference_designators))
        return found

    @property
    def unordered(self) -> timedelta:
        """Within this, what named or counted it is not ordered: by one clock all is."""
        return 2 * self.off if len(self.stations) > 1 else timedelta()

    def surely_named_after(self, other: "Reel") -> bool:
        """Whether a piece was of this reel later than the other was named last."""
        if other.last_at is None or self.sure_at is None:
            return False
        apart = self.off + other.off if len(self.stations | other.stations) > 1 else timedelta()
        return self.sure_at > other.last_at + apart

    def went_on_after(self, told_at: datetime, *, surely: bool) -> bool:
        """Whether work that began after that named it still: surely, or maybe, for all that clocks tell."""
        return len(self.last) == _AT_WORK and self.last[-1] > told_at + (self.off if surely else -self.unordered)


_CHUNKS = text(
    """
    -- At which placements do material sets name these packages?
    WITH chunk AS MATERIALIZED (
        SELECT placement_ids, package_ids, ARRAY(
            SELECT set_id FROM material_set WHERE chunk_ids @> ARRAY[chunk_id]
        ) AS set_ids
        FROM material_chunk WHERE package_ids && CAST(:packages AS integer[])
    )
    SELECT pair.package_id, set_ids, placement_id, reference_designators,
        reference_designators <> '{}' OR rejected_designators = '{}' AS on_board
    FROM chunk CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement USING (placement_id)
    WHERE pair.package_id = ANY (CAST(:packages AS integer[])) AND joined_packages = '{}' AND kind = 'installed'
    """
)
_TOTALS = text(
    f"""
    -- How often was each of these sets reported, and when last?
    SELECT set_id, CAST(sum(1.0 / candidates) AS float) AS times,
        (array_agg(DISTINCT recorded_at ORDER BY recorded_at DESC))[1:{_AT_WORK}] AS last,
        array_agg(DISTINCT station_id) AS stations
    FROM installation
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    GROUP BY set_id
    """
)
_REPORTS = text(
    """
    -- When were these sets reported after that, by how many units is each report shared, and when did that work begin?
    SELECT set_id, recorded_at, candidates, (
        SELECT work.started_at FROM work_record AS work
        WHERE work.unit_id = fact.unit_id AND work.transaction_id = fact.transaction_id
          AND work.station_id = fact.station_id
          AND (CAST(:as_of AS timestamptz) IS NULL OR work.started_received_at <= :as_of)
    ) AS begun_at
    FROM installation AS fact
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
      AND recorded_at > :since
    ORDER BY recorded_at
    """
)
_LATEST = text(
    """
    -- When were these sets reported last, and by how many units is each report shared?
    SELECT set_id, recorded_at, candidates FROM installation
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ORDER BY recorded_at DESC LIMIT :limit
    """
)


_BEFORE = text(
    """
    -- When was one of these sets reported last before that?
    SELECT max(recorded_at) FROM installation
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
      AND recorded_at < :since
    """
)


class Reels:
    """Reels as they are asked for, each read once; `as_of` (server's clock): as known then."""

    def __init__(self, connection: Connection, as_of: datetime | None) -> None:
        self._connection = connection
        self._as_of = as_of
        self._counts = PieceCounts(connection)
        self._totals: dict[int, Row[Any]] = {}
        self.by_id: dict[int, Reel] = {}

    def read(self, packages: Collection[int]) -> None:
        """Read these packages, each as if nothing of it had been taken in another's name."""
        missing = sorted(set(packages) - self.by_id.keys())
        if not missing:
            return
        counts = counts_of(self._connection, missing, self._as_of)
        for known in known_of(self._connection, missing, self._as_of):
            self.by_id[known.package_id] = Reel(known, counts[known.package_id])
        for chunk in self._connection.execute(_CHUNKS, {"packages": missing}):
            self.by_id[chunk.package_id].chunks.append(chunk)
        chunks = [chunk for package_id in missing for chunk in self.by_id[package_id].chunks]
        pieces = self._counts.of({chunk.placement_id for chunk in chunks})
        sets = {set_id for chunk in chunks for set_id in chunk.set_ids} - self._totals.keys()
        asked = {"sets": sorted(sets), "as_of": self._as_of}
        self._totals.update({row.set_id: row for row in self._connection.execute(_TOTALS, asked)})
        for package_id in missing:
            reel = self.by_id[package_id]
            for chunk in reel.chunks:
                each = pieces[chunk.placement_id].placed + pieces[chunk.placement_id].rejected
                for set_id in chunk.set_ids:
                    if set_id in self._totals:
                        reel.uses[set_id] = reel.uses.get(set_id, 0) + each
            told = {at for set_id in reel.uses for at in self._totals[set_id].last}
            reel.last = sorted(told, reverse=True)[:_AT_WORK]
            reel.taken = sum(each * self._totals[set_id].times for set_id, each in reel.uses.items())
            counting = [count.station_id for count in reel.counts] + [None] * (reel.known.retired_at is not None)
            reel.stations = frozenset(counting).union(*(self._totals[set_id].stations for set_id in reel.uses))
        clocks = {one for package_id in missing for one in self.by_id[package_id].stations if one is not None}
        errors = clock_errors(self._connection, clocks, self._as_of)
        for package_id in missing:
            reel = self.by_id[package_id]
            reel.off = max((errors[one] for one in reel.stations if one in errors), default=timedelta())
            self.count(package_id)

    def count(self, package_id: int, short: float = 0) -> None:
        """Which of its reports go beyond what it held: of all, or since somebody counted it, or threw it away.

        `short`: pieces that were taken from it in the name of those ahead. What was in work while it was counted may
        have been placed before; nothing of what came into its slot only then was.
        """
        reel = self.by_id[package_id]
        reel.short = short
        known = reel.known
        ends = []
        reel.beyond = 0
        if known.received is not None:
            reel.beyond = max(0.0, round(reel.taken + short - known.received + (known.moved or 0), 6))
            ends.append(self._last_pieces(reel))
        thrown = [Count(known.retired_at, 0)] if known.retired_at is not None else []
        for end, beyond in (*self._beyond_counts(reel, reel.counts), *self._beyond_counts(reel, thrown)):
            reel.beyond = max(reel.beyond, beyond)
            ends.append(end)
        if known.received is None and not reel.uses:
            reel.beyond = short  # nobody knows how many it held, nor that it was still there
        reel.since = min((end for end in ends if end is not None), default=None)
        reel.sure_at = reel.last_at
        if reel.since is not None:
            reel.sure_at = self._named_before(reel, reel.since)

    def _beyond_counts(self, reel: Reel, counts: Sequence[Count]) -> Iterator[tuple[datetime | None, float]]:
        """From which report on, and by how many pieces in the end, it was named for more than was counted.

        What a later count says is true of what follows it; of a name that had gone too far by then nothing is sure.
        """
        later = CLOCK_ERROR - reel.unordered
        if not counts or reel.last_at is None or reel.last_at <= counts[0].at + later:
            return
        asked = {"sets": list(reel.uses), "since": counts[0].at + later, "as_of": self._as_of}
        rows = self._connection.execute(_REPORTS, asked).all()
        told = [row.recorded_at for row in rows]
        starts = [bisect_right(told, count.at + later) for count in counts]
        # By clocks that leave it open, what follows the next count may have been before it.
        ends = [bisect_right(told, count.at + CLOCK_ERROR + reel.unordered) for count in counts[1:]]
        beyond_one = False
        for count, first, behind in zip(counts, starts, [*ends, len(rows)], strict=True):
            if beyond_one and count is not counts[-1]:
                continue  # nothing is sure any more
            at = count.at + later
            new = count.came and first == 0 and self._named_before(reel, at) is None
            left = count.quantity - reel.short
            within, _ = _beyond(_begun(rows[first:behind], at, new=new), reel.uses, left)
            if within is not None:
                beyond_one = True
                end, beyond = _beyond(_begun(rows[first:], at, new=new), reel.uses, left)
                yield end - reel.unordered if end else None, beyond

    def _named_before(self, reel: Reel, at: datetime) -> datetime | None:
        """When it was named last before that."""
        asked = {"sets": list(reel.uses), "since": at, "as_of": self._as_of}
        found: datetime | None = self._connection.execute(_BEFORE, asked).scalar_one()
        return found

    def _last_pieces(self, reel: Reel) -> datetime | None:
        """From which report on the pieces beyond were taken: the last ones."""
        limit = _AT_ONCE
        found: datetime | None = None
        while reel.beyond and reel.uses:
            asked = {"sets": list(reel.uses), "as_of": self._as_of, "limit": limit}
            rows = self._connection.execute(_LATEST, asked).all()
            after = 0.0
            for row in rows:
                if round(after, 6) >= reel.beyond:
                    return found
                found = row.recorded_at - reel.unordered
                after += reel.uses[row.set_id] / row.candidates
            if len(rows) < limit:
                break
            limit *= 10
        return found


def _begun(rows: Iterable[Row[Any]], at: datetime, *, new: bool) -> Iterator[Row[Any]]:
    """Reports of work that began after it was counted; all of them, where it was `new` then.

    Where nobody told when, those behind what may have been in work then.
    """
    untold = set()
    for row in rows:
        begun = row.begun_at is not None and row.begun_at > at
        if row.begun_at is None:
            untold.add(row.recorded_at)
            begun = len(untold) > _AT_WORK or row.recorded_at > at + LONGEST_WORK
        if new or begun:
            yield row


def _beyond(rows: Iterable[Row[Any]], uses: Mapping[int, float], quantity: float) -> tuple[datetime | None, float]:
    """When the first report came that takes more than were there, and how many more were taken in the end."""
    taken = 0.0
    found: datetime | None = None
    for row in rows:
        taken += uses[row.set_id] / row.candidates
        if found is None and round(taken, 6) > quantity:
            found = row.recorded_at
    return found, max(0.0, round(taken - quantity, 6))
