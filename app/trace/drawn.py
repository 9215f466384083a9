"""How many pieces were drawn from packages? Counted in the interned sets, never by unfolding boards.

A package is in a few chunks, these in some sets, and of each set the reports are counted once: a reel of 10,000 pieces
costs its reports, not its pieces, and sets that packages share are counted for all of them together.

Counts are ranges, from what is certain to what is possible:

* One event is one report, however often it was sent. A message sent again under another key by a station that lost its
  place (same work, unit and material) may be a repetition or not: at least one, at most each.
* A spliced chain goes by one name: its pieces may be of each of its packages.
* Of a report that names a work of several units, all rows together are one report.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from app.cfx.pieces import Pieces, pieces_of
from app.lines.clocks import ERROR_OF
from app.trace.loaded import LoadedInterval
from app.trace.spans import CLOCK_ERROR


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of pieces: at least so many, at most so many."""

    at_least: float
    at_most: float

    def plus(self, at_least: float, at_most: float) -> "Amount":
        """Both ends grown; thirds of a report that several units share are rounded away."""
        return Amount(round(self.at_least + at_least, 6), round(self.at_most + at_most, 6))


NOTHING = Amount(0, 0)


@dataclass(slots=True)
class Drawn:
    """What was drawn from one package; `..._before` only until its pieces were last counted."""

    placed: Amount = NOTHING
    rejected: Amount = NOTHING
    used_before: Amount = NOTHING
    """Placed and rejected together."""
    unnamed: float = 0
    """Pieces placed from its slot by reports that name no package, part of what is possible."""
    stations: dict[int, Amount] = field(default_factory=dict)
    """Placed, by station."""
    applied: bool = False
    """Whether it is paste, flux or the like: nobody counts its pieces."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A package to be asked about; `counted_at`: when its pieces were last counted, if ever (station's clock).

    `counted_by` is whose clock that is, where known, and `clock_error` how far it was seen off.
    """

    package_id: int
    identifier: str
    counted_at: datetime | None
    counted_by: int | None = None
    clock_error: timedelta = timedelta()


_NEIGHBOURS = text(
    """
    -- Which placements name a chain that one of these packages leads, or a tray filled from one?
    SELECT placement_id, package_id
    FROM placement
    JOIN unnest(
        CAST(:packages AS integer[]), CAST(:identifiers AS text[])
    ) AS asked (package_id, identifier) ON asked.identifier = ANY (joined_packages || batch_packages)
    WHERE joined_packages && CAST(:identifiers AS text[]) OR batch_packages && CAST(:identifiers AS text[])
    """
)
_DRAWN = text(
    f"""
    -- How many reports took something from these packages, at which placements, where, and before when?
    WITH asked AS (
        SELECT package_id, identifier, coalesce(counted_at, 'infinity') AS counted_at, counted_by, clock_error
        FROM unnest(
            CAST(:packages AS integer[]), CAST(:identifiers AS text[]), CAST(:counted_at AS timestamptz[]),
            CAST(:counted_by AS integer[]), CAST(:clock_errors AS interval[])
        ) AS given (package_id, identifier, counted_at, counted_by, clock_error)
    ), taken AS (
        SELECT asked.package_id, chunk_id, placement.placement_id, placement.kind,
            joined_packages = '{{}}' AS certain
        FROM asked
        JOIN material_chunk ON package_ids @> ARRAY[asked.package_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id
        WHERE pair.package_id = asked.package_id
        UNION ALL
        -- A chain it leads, or a tray filled from it; what was split off into a tray is the tray's.
        SELECT asked.package_id, chunk_id, placement.placement_id, placement.kind, joined_packages = '{{}}'
        FROM unnest(CAST(:neighbours AS integer[]), CAST(:neighboured AS integer[])) AS near (placement_id, package_id)
        JOIN asked USING (package_id)
        JOIN placement USING (placement_id)
        JOIN material_chunk ON placement_ids @> ARRAY[near.placement_id]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        WHERE pair.placement_id = near.placement_id AND pair.package_id <> asked.package_id
          AND NOT EXISTS (
              SELECT FROM package_link
              WHERE kind = 'split' AND parent_id = asked.package_id AND child_id = pair.package_id
                AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
          )
    ), spread AS MATERIALIZED (  -- once, not for each row of what it is joined to: nobody can tell how many those are
        SELECT taken.chunk_id, set_id, count(*) AS times
        FROM (SELECT DISTINCT chunk_id FROM taken) AS taken
        JOIN material_set ON chunk_ids @> ARRAY[taken.chunk_id]
        CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
        WHERE listed.chunk_id = taken.chunk_id
        GROUP BY taken.chunk_id, set_id
    ), held AS (
        SELECT package_id, counted_at, counted_by, clock_error, set_id, placement_id, kind, certain,
            sum(times) AS times
        FROM taken JOIN spread USING (chunk_id) JOIN asked USING (package_id)
        GROUP BY package_id, counted_at, counted_by, clock_error, set_id, placement_id, kind, certain
    ), wanted AS (
        SELECT DISTINCT set_id, counted_at, counted_by, clock_error FROM held
    ), reported AS (
        SELECT set_id, counted_at, counted_by, clock_error, station_id, max(share) AS once, sum(share) AS each,
            max(share) FILTER (WHERE recorded_at <= counted_at - apart) AS once_before,
            sum(share) FILTER (WHERE begun_at <= counted_at + apart) AS each_before
        FROM (
            SELECT fact.*, wanted.counted_at, wanted.counted_by, wanted.clock_error, 1.0 / fact.candidates AS share,
                CASE WHEN fact.station_id = wanted.counted_by THEN CAST(:error AS interval)
                    ELSE wanted.clock_error + {ERROR_OF.format(station="fact.station_id")} END AS apart,
                -- Only after the count it matters when the work was begun.
                CASE WHEN fact.recorded_at <= wanted.counted_at THEN fact.recorded_at
                    ELSE least(fact.recorded_at, (
                        SELECT work.started_at FROM work_record AS work
                        WHERE work.unit_id = fact.unit_id AND work.transaction_id = fact.transaction_id
                          AND work.station_id = fact.station_id
                          AND (CAST(:as_of AS timestamptz) IS NULL OR work.started_received_at <= :as_of)
                    )) END AS begun_at
            FROM wanted
            JOIN installation AS fact USING (set_id)
            WHERE CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of
        ) AS fact
        GROUP BY set_id, counted_at, counted_by, clock_error, station_id, unit_id, position_number, transaction_id,
            CASE WHEN transaction_id IS NULL THEN event_id END
    ), summed AS MATERIALIZED (
        SELECT set_id, counted_at, counted_by, clock_error, station_id, sum(once) AS once, sum(each) AS each,
            coalesce(sum(once_before), 0) AS once_before, coalesce(sum(each_before), 0) AS each_before
        FROM reported GROUP BY set_id, counted_at, counted_by, clock_error, station_id
    )
    SELECT package_id, placement_id, kind, certain, station_id,
        CAST(sum(times * once) AS float), CAST(sum(times * each) AS float),
        CAST(sum(times * once_before) AS float), CAST(sum(times * each_before) AS float)
    FROM held
    JOIN summed ON summed.set_id = held.set_id AND summed.counted_at = held.counted_at
        AND summed.counted_by IS NOT DISTINCT FROM held.counted_by AND summed.clock_error = held.clock_error
    GROUP BY package_id, placement_id, kind, certain, station_id
    """
)
_UNNAMED = text(
    """
    -- How many reports name a slot and no package, while these packages were in it?
    SELECT package_id, placement_id, sum(share), coalesce(sum(share) FILTER (WHERE before), 0)
    FROM (
        SELECT DISTINCT loaded.package_id, placement.placement_id, fact.unit_id, fact.position_number, fact.event_id,
            1.0 / fact.candidates AS share,
            least(fact.recorded_at, its.started_at) <= coalesce(loaded.counted_at, 'infinity') AS before
        FROM unnest(
            CAST(:packages AS integer[]), CAST(:stations AS integer[]), CAST(:slots AS text[]),
            CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]), CAST(:counted_at AS timestamptz[])
        ) AS loaded (package_id, station_id, slot, since, until, counted_at)
        JOIN placement ON placement.slot = loaded.slot AND placement.kind = 'installed'
        JOIN material_chunk ON material_chunk.placement_ids @> ARRAY[placement.placement_id]
            AND material_chunk.package_ids @> ARRAY[0]
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
        JOIN installation AS fact ON fact.set_id = material_set.set_id AND fact.station_id = loaded.station_id
        LEFT JOIN LATERAL (
            SELECT min(started_at) FILTER (
                    WHERE CAST(:as_of AS timestamptz) IS NULL OR started_received_at <= :as_of) AS started_at,
                max(completed_at) FILTER (
                    WHERE CAST(:as_of AS timestamptz) IS NULL OR completed_received_at <= :as_of) AS completed_at
            FROM work_record AS work
            WHERE work.transaction_id = fact.transaction_id AND work.station_id = fact.station_id
        ) AS its ON true
        WHERE pair.placement_id = placement.placement_id AND pair.package_id = 0
          AND least(fact.recorded_at, its.started_at) <= coalesce(loaded.until, 'infinity')
          AND greatest(its.completed_at, fact.recorded_at) >= loaded.since
          AND (CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of)
    ) AS found
    GROUP BY package_id, placement_id
    """
)
_TEMPLATES = text(
    "SELECT placement_id, template FROM placement WHERE placement_id = ANY (CAST(:placements AS integer[]))"
)


class PieceCounts:
    """Pieces by placement, each template read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[int, Pieces] = {}

    def of(self, placements: Iterable[int]) -> Mapping[int, Pieces]:
        """The pieces of these placements, and of all that were asked for before."""
        missing = sorted(set(placements) - self._known.keys())
        if missing:
            for placement_id, template in self._connection.execute(_TEMPLATES, {"placements": missing}):
                self._known[placement_id] = pieces_of(zlib.decompress(template))
        return self._known


def drawn_from(
    connection: Connection, packages: Sequence[Counted], counts: PieceCounts, as_of: datetime | None = None
) -> dict[int, Drawn]:
    """What was drawn from each package, as reports that name it, or its chain, say."""
    drawn = {one.package_id: Drawn() for one in packages}
    asked: dict[str, object] = {
        "packages": [one.package_id for one in packages],
        "identifiers": [one.identifier for one in packages],
        "counted_at": [one.counted_at for one in packages],
        "counted_by": [one.counted_by for one in packages],
        "clock_errors": [one.clock_error for one in packages],
        "error": CLOCK_ERROR,
        "as_of": as_of,
    }
    near = connection.execute(_NEIGHBOURS, asked).all()
    asked |= {"neighbours": [row[0] for row in near], "neighboured": [row[1] for row in near]}
    rows = connection.execute(_DRAWN, asked).all()
    pieces = counts.of(row.placement_id for row in rows)
    for package_id, placement_id, kind, certain, station_id, once, each, once_before, each_before in rows:
        one, each_time = drawn[package_id], pieces[placement_id]
        if kind == "applied":
            one.applied = True
        if not certain:
            once = once_before = 0.0  # noqa: PLW2901
        one.placed = one.placed.plus(once * each_time.placed, each * each_time.placed)
        one.rejected = one.rejected.plus(once * each_time.rejected, each * each_time.rejected)
        both = each_time.placed + each_time.rejected
        one.used_before = one.used_before.plus(once_before * both, each_before * both)
        here = one.stations.get(station_id, NOTHING)
        one.stations[station_id] = here.plus(once * each_time.placed, each * each_time.placed)
    return drawn


def add_unnamed(
    connection: Connection,
    drawn: Mapping[int, Drawn],
    packages: Sequence[Counted],
    intervals: Sequence[LoadedInterval],
    counts: PieceCounts,
    as_of: datetime | None,
) -> None:
    """Add to what is possible what reports took from the packages' slots without naming a package."""
    counted = {one.package_id: one for one in packages}
    asked = {
        "packages": [one.package_id for one in intervals],
        "stations": [one.station_id for one in intervals],
        "slots": [one.slot for one in intervals],
        "since": [one.since - one.clock_error for one in intervals],
        "until": [one.until + one.clock_error if one.until else None for one in intervals],
        "counted_at": [_counted_until(counted[one.package_id], one) for one in intervals],
        "as_of": as_of,
    }
    rows = connection.execute(_UNNAMED, asked).all() if intervals else []
    pieces = counts.of(row.placement_id for row in rows)
    for package_id, placement_id, times, before in rows:
        one, each_time = drawn[package_id], pieces[placement_id]
        one.placed = one.placed.plus(0, float(times) * each_time.placed)
        one.rejected = one.rejected.plus(0, float(times) * each_time.rejected)
        one.used_before = one.used_before.plus(0, float(before) * (each_time.placed + each_time.rejected))
        one.unnamed = round(one.unnamed + float(times) * (each_time.placed + each_time.rejected), 6)


def _counted_until(counted: Counted, interval: LoadedInterval) -> datetime | None:
    """Until when, by the station's clock, the count may have been."""
    if counted.counted_at is None or counted.counted_by == interval.station_id:
        return counted.counted_at
    off = timedelta() if interval.clock_error <= CLOCK_ERROR else interval.clock_error
    return counted.counted_at + counted.clock_error + off
