"""How far do the pieces of reels reach that are spliced to one another, and which of their reports go beyond?

A name is believed as far as the pieces are known to reach. What is taken beyond is of reels spliced on behind. Where
the machine was told of the next reel only then, these pieces are missing from that one, and its own name reaches less
far. A machine that knew of the next reel all along did not change the name for having been told: the head may just as
well have held more than its label says, as reels do.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.trace.counted import Known, known_of
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
    chunks: list[Row[Any]] = field(default_factory=list)
    uses: dict[int, float] = field(default_factory=dict)
    last: list[datetime] = field(default_factory=list)
    taken: float = 0
    since: datetime | None = None
    sure_at: datetime | None = None
    beyond: float = 0
    short: float = 0
    """Pieces that were taken from it in the name of those ahead."""

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

    def surely_named_after(self, at: datetime | None) -> bool:
        """Whether a piece was of this reel later than that."""
        return at is not None and self.sure_at is not None and self.sure_at > at

    def went_on_after(self, told_at: datetime) -> bool:
        """Whether work that began after that named it still."""
        return len(self.last) == _AT_WORK and self.last[-1] > told_at


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
        (array_agg(DISTINCT recorded_at ORDER BY recorded_at DESC))[1:{_AT_WORK}] AS last
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
        self.by_id.update({one.package_id: Reel(one) for one in known_of(self._connection, missing, self._as_of)})
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
        left = []
        if known.remaining is not None:
            left.append((known.remaining.at, known.remaining.quantity - short, known.remaining.came))
        if known.retired_at is not None:
            left.append((known.retired_at, 0, False))
        for at, quantity, came in left:
            counted_at = at + CLOCK_ERROR
            if reel.last_at is not None and reel.last_at > counted_at:
                asked = {"sets": list(reel.uses), "since": counted_at, "as_of": self._as_of}
                rows: Iterable[Row[Any]] = self._connection.execute(_REPORTS, asked)
                if not came or self._named_before(reel, counted_at) is not None:
                    rows = _begun_after(rows, counted_at)
                end, beyond = _beyond(rows, reel.uses, quantity)
                reel.beyond = max(reel.beyond, beyond)
                ends.append(end)
        if known.received is None and not reel.uses:
            reel.beyond = short  # nobody knows how many it held, nor that it was still there
        reel.since = min((end for end in ends if end is not None), default=None)
        reel.sure_at = reel.last_at
        if reel.since is not None:
            reel.sure_at = self._named_before(reel, reel.since)

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
                found = row.recorded_at
                after += reel.uses[row.set_id] / row.candidates
            if len(rows) < limit:
                break
            limit *= 10
        return found


def _begun_after(rows: Iterable[Row[Any]], at: datetime) -> Iterator[Row[Any]]:
    """Reports of work that began after that; where nobody told when, those behind what may have been in work then."""
    untold = set()
    for row in rows:
        begun = row.begun_at is not None and row.begun_at > at
        if row.begun_at is None:
            untold.add(row.recorded_at)
            begun = len(untold) > _AT_WORK or row.recorded_at > at + LONGEST_WORK
        if begun:
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
