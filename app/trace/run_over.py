"""Reels that a machine goes on naming beyond their pieces: what it placed then is of the reels spliced on behind.

A machine that does not notice a splice names the head of the chain until somebody tells it of the next reel. As far as
the head's pieces were known to reach, a report is of the head alone; from the report on that takes more than were
left, it may be of any reel of the chain.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.trace.counted import Known, known_of
from app.trace.drawn import PieceCounts
from app.trace.installed import DESCRIBED_THEN, Installed
from app.trace.spans import CLOCK_ERROR
from app.units.places import LONGEST_WORK


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
_CHAINS = text(
    f"""
    -- Which of these packages, and of those ahead of them, have others spliced on behind, and since when?
    WITH RECURSIVE ahead AS (
        SELECT package_id FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT link.parent_id FROM ahead
        JOIN package_link AS link ON link.child_id = ahead.package_id AND link.kind = 'joined' AND {_KNOWN}
    ), behind AS (
        SELECT link.parent_id AS head, link.child_id AS follower, link.recorded_at AS joined_at
        FROM ahead JOIN package_link AS link ON link.parent_id = ahead.package_id AND link.kind = 'joined' AND {_KNOWN}
        UNION
        SELECT behind.head, link.child_id, behind.joined_at FROM behind
        JOIN package_link AS link ON link.parent_id = behind.follower AND link.kind = 'joined' AND {_KNOWN}
    )
    SELECT head, array_agg(DISTINCT follower), min(joined_at) FROM behind WHERE follower <> head GROUP BY head
    """
)
_SETS = text(
    """
    -- Which material sets name these packages, at which placements, how often?
    WITH chunk AS MATERIALIZED (
        SELECT chunk_id, pair.package_id, placement_id, reference_designators
        FROM material_chunk
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement USING (placement_id)
        WHERE package_ids && CAST(:heads AS integer[]) AND pair.package_id = ANY (CAST(:heads AS integer[]))
          AND joined_packages = '{}' AND kind = 'installed'
    )
    SELECT package_id, set_id, placement_id, reference_designators
    FROM chunk JOIN material_set ON chunk_ids @> ARRAY[chunk_id]
    CROSS JOIN LATERAL unnest(chunk_ids) AS listed (listed_id)
    WHERE listed_id = chunk_id
    """
)
_TOTALS = text(
    """
    -- How often was each of these sets reported, and when last?
    SELECT set_id, CAST(sum(1.0 / candidates) AS float) AS times, max(recorded_at) AS last_at FROM installation
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    GROUP BY set_id
    """
)
_REPORTS = text(
    f"""
    -- When were these sets reported, by how many units is each report shared, and when did that work begin at the
    -- earliest?
    SELECT set_id, recorded_at, candidates, coalesce((
        SELECT work.started_at FROM work_record AS work
        WHERE work.unit_id = fact.unit_id AND work.transaction_id = fact.transaction_id
          AND work.station_id = fact.station_id
          AND (CAST(:as_of AS timestamptz) IS NULL OR work.started_received_at <= :as_of)
    ), recorded_at - interval '{LONGEST_WORK}') AS begun_at
    FROM installation AS fact
    WHERE set_id = ANY (CAST(:sets AS integer[])) AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
      AND (CAST(:since AS timestamptz) IS NULL OR recorded_at > :since)
    ORDER BY recorded_at
    """
)


def run_over(connection: Connection, packages: Iterable[int], as_of: datetime | None) -> list[RunOver]:
    """Of the chains that these packages are in: the heads that were named for more pieces than they held."""
    asked = {"packages": sorted(set(packages)), "as_of": as_of}
    chains = connection.execute(_CHAINS, asked).all() if asked["packages"] else []
    if not chains:
        return []
    heads = sorted(row.head for row in chains)
    placed: dict[int, dict[int, list[tuple[int, Sequence[str]]]]] = {}
    for head, set_id, placement_id, designators in connection.execute(_SETS, {"heads": heads}):
        placed.setdefault(head, {}).setdefault(set_id, []).append((placement_id, designators))
    counts = PieceCounts(connection)
    pieces = counts.of({placement for sets in placed.values() for told in sets.values() for placement, _ in told})
    known = {one.package_id: one for one in known_of(connection, heads, as_of)}
    given = {"sets": sorted({set_id for sets in placed.values() for set_id in sets}), "as_of": as_of}
    totals = {row.set_id: row for row in connection.execute(_TOTALS, given)}
    found = []
    for head, followers, joined_at in chains:
        sets = placed.get(head, {})
        uses = {
            set_id: sum(pieces[placement].placed + pieces[placement].rejected for placement, _ in told)
            for set_id, told in sets.items()
            if set_id in totals
        }
        if not uses or max(totals[set_id].last_at for set_id in uses) < joined_at:
            continue
        beyond = _ran_out(connection, known[head], uses, totals, as_of)
        if beyond is not None:
            found.append(RunOver(head, beyond, frozenset(followers), sets))
    return found


def _ran_out(
    connection: Connection,
    known: Known,
    uses: Mapping[int, float],
    totals: Mapping[int, Row[Any]],
    as_of: datetime | None,
) -> datetime | None:
    """When the first report came that took more than the package held: of all, or since somebody counted it.

    What was in work while it was counted may have been placed before.
    """
    ends = []
    asked = {"sets": list(uses), "since": None, "as_of": as_of}
    if known.received is not None:
        held = known.received - (known.moved or 0)
        if round(sum(one * totals[set_id].times for set_id, one in uses.items()), 6) > held:
            ends.append(_beyond(connection.execute(_REPORTS, asked), uses, held))
    if known.remaining is not None:
        counted_at = known.remaining.at + CLOCK_ERROR
        if max(totals[set_id].last_at for set_id in uses) > counted_at:
            rows = connection.execute(_REPORTS, {**asked, "since": counted_at})
            ends.append(_beyond((row for row in rows if row.begun_at > counted_at), uses, known.remaining.quantity))
    return min((end for end in ends if end is not None), default=None)


def _beyond(rows: Iterable[Row[Any]], uses: Mapping[int, float], quantity: float) -> datetime | None:
    """When the first report came that takes more than were there."""
    taken = 0.0
    for row in rows:
        taken += uses[row.set_id] / row.candidates
        if round(taken, 6) > quantity:
            found: datetime = row.recorded_at
            return found
    return None


_SPLICED_TO = text(
    f"""
    -- Which of these packages have another spliced on behind, and since when?
    SELECT identifier, package_id, min(link.recorded_at) AS joined_at
    FROM package JOIN package_link AS link ON link.parent_id = package_id AND link.kind = 'joined' AND {_KNOWN}
    WHERE identifier = ANY (CAST(:names AS text[])) GROUP BY identifier, package_id
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
    asked = {"names": sorted({row.package for row in rows}), "as_of": as_of}
    spliced = {row.identifier: row for row in connection.execute(_SPLICED_TO, asked)} if rows else {}
    heads = {
        spliced[row.package].package_id: row.package
        for row in rows
        if row.package in spliced and row.recorded_at >= spliced[row.package].joined_at
    }
    over = {heads[one.head]: one for one in run_over(connection, heads, as_of) if one.head in heads}
    if not over:
        return rows
    wanted = sorted({follower for one in over.values() for follower in one.followers})
    given = {"packages": wanted, "as_of": as_of or datetime.now(UTC)}
    described = {row.package_id: row for row in connection.execute(_FOLLOWERS, given)}
    found = []
    for row in rows:
        one = over.get(row.package)
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
                    part_number=what.part_number or row.part_number,
                    lot=what.lot,
                    date_code=what.date_code,
                    surface_finish=what.surface_finish,
                    is_unit=None,
                )
            )
    return found
