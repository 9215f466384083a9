"""Reels that a machine goes on naming beyond their pieces: what it placed then is of the reels spliced on behind.

A machine that does not notice a splice names the head of the chain until somebody tells it of the next reel. A name is
believed as far as the pieces are known to reach; from the report on that takes more than were left, it may be of the
reels behind. What the head is short of was taken from the next reel, so that this one's own name reaches less far.

Where a sensor saw the splice pass, that sets right what came before: neither pieces nor doubt pass two of those.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Reel:
    """How far the pieces of a reel reach. `last_at`: when it was named last; `since`: from when on beyond its pieces.

    `beyond`: how many pieces were taken in its name, or ahead of it, that it cannot have held.
    """

    sets: dict[int, list[tuple[int, Sequence[str]]]] = field(default_factory=dict)
    last_at: datetime | None = None
    since: datetime | None = None
    beyond: float = 0

    def surely_named_after(self, at: datetime | None) -> bool:
        """Whether a piece was of this reel later than that."""
        last = self.since or self.last_at
        return at is not None and last is not None and last > at


_KNOWN = "(CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of)"
_SENSED = """
    (
        -- When a sensor saw this splice pass.
        SELECT min(recorded_at) FROM loading_event AS seen
        WHERE seen.package_id = link.child_id AND seen.kind = 'spliced' AND seen.recorded_at >= link.recorded_at
          AND (CAST(:as_of AS timestamptz) IS NULL OR seen.received_at <= :as_of)
    )
"""
_SPLICES = text(
    f"""
    -- Which splices are ahead of these packages and behind them, and which did a sensor see pass?
    WITH RECURSIVE ahead AS (
        SELECT package_id, true AS goes_on FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT link.parent_id, {_SENSED} IS NULL FROM ahead
        JOIN package_link AS link ON link.child_id = ahead.package_id AND link.kind = 'joined' AND {_KNOWN}
        WHERE goes_on
    ), behind AS (
        SELECT package_id, true AS goes_on FROM ahead
        UNION
        SELECT link.child_id, {_SENSED} IS NULL FROM behind
        JOIN package_link AS link ON link.parent_id = behind.package_id AND link.kind = 'joined' AND {_KNOWN}
        WHERE goes_on
    )
    SELECT link.parent_id AS head, link.child_id AS follower, min({_SENSED}) AS sensed_at
    FROM (SELECT DISTINCT package_id FROM behind WHERE goes_on) AS spliced
    JOIN package_link AS link ON link.parent_id = spliced.package_id AND link.kind = 'joined' AND {_KNOWN}
    WHERE link.parent_id <> link.child_id
    GROUP BY link.parent_id, link.child_id
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


def run_over(connection: Connection, packages: Collection[int], as_of: datetime | None) -> list[RunOver]:
    """Where these packages were named for more pieces than they held, or others whose pieces may be theirs.

    None of a chain all of which is asked for: of which of its reels a piece is does not matter then.
    """
    wanted = set(packages)
    asked = {"packages": sorted(wanted), "as_of": as_of}
    splices = connection.execute(_SPLICES, asked).all() if wanted else []
    behind: dict[int, dict[int, datetime | None]] = defaultdict(dict)
    for head, follower, sensed_at in splices:
        behind[head][follower] = sensed_at
    chained = {*behind, *(follower for followers in behind.values() for follower in followers)}
    if chained <= wanted:
        return []
    reels = _reels(connection, chained, behind, as_of)
    found = []
    for head, reel in reels.items():
        since = reel.since
        if since is None or head not in behind:
            continue
        seen = list(behind[head].values())
        if None not in seen:  # up to the splice the pieces were its own, however many
            since = max(since, min(at for at in seen if at is not None))
        if reel.last_at is None or since > reel.last_at:
            continue
        followers = _may_be(head, reels, behind)
        if head in wanted or not wanted.isdisjoint(followers):
            found.append(RunOver(head, since, followers, reel.sets))
    return found


def _reels(
    connection: Connection,
    chained: Iterable[int],
    behind: Mapping[int, Mapping[int, datetime | None]],
    as_of: datetime | None,
) -> dict[int, _Reel]:
    """How far the pieces of each reel reach, the heads of chains first."""
    order = _heads_first(chained, behind)
    reels = {package_id: _Reel() for package_id in order}
    for package_id, set_id, placement_id, designators in connection.execute(_SETS, {"heads": sorted(order)}):
        reels[package_id].sets.setdefault(set_id, []).append((placement_id, designators))
    counts = PieceCounts(connection)
    pieces = counts.of({placement for reel in reels.values() for told in reel.sets.values() for placement, _ in told})
    known = {one.package_id: one for one in known_of(connection, sorted(order), as_of)}
    given = {"sets": sorted({set_id for reel in reels.values() for set_id in reel.sets}), "as_of": as_of}
    totals = {row.set_id: row for row in connection.execute(_TOTALS, given)}
    short: dict[int, float] = defaultdict(float)
    for package_id in order:
        reel = reels[package_id]
        uses = {
            set_id: sum(pieces[placement].placed + pieces[placement].rejected for placement, _ in told)
            for set_id, told in reel.sets.items()
            if set_id in totals
        }
        reel.last_at = max((totals[set_id].last_at for set_id in uses), default=None)
        _count(connection, reel, known[package_id], uses, totals, short[package_id], as_of)
        for follower, sensed_at in behind.get(package_id, {}).items():
            if sensed_at is None:
                short[follower] += reel.beyond
    return reels


def _heads_first(chained: Iterable[int], behind: Mapping[int, Mapping[int, datetime | None]]) -> list[int]:
    """Reels before those spliced on behind them; of a circle, which only mistakes make, in any order."""
    ahead: dict[int, int] = dict.fromkeys(sorted(chained), 0)
    for followers in behind.values():
        for follower in followers:
            ahead[follower] += 1
    order: list[int] = []
    ready = [package_id for package_id, count in ahead.items() if count == 0]
    while len(order) < len(ahead):
        if not ready:
            ready = [min(set(ahead) - set(order))]
        package_id = ready.pop()
        order.append(package_id)
        for follower in behind.get(package_id, ()):
            ahead[follower] -= 1
            if ahead[follower] == 0 and follower not in order:
                ready.append(follower)
    return order


def _may_be(
    head: int, reels: Mapping[int, _Reel], behind: Mapping[int, Mapping[int, datetime | None]]
) -> frozenset[int]:
    """The reels that pieces beyond the head may be of: none behind a reel that was still there after it."""
    found: set[int] = set()
    ahead = [head]
    while ahead:
        for follower, sensed_at in behind.get(ahead.pop(), {}).items():
            if follower in found or follower == head:
                continue
            found.add(follower)
            if sensed_at is None and not reels[follower].surely_named_after(reels[head].last_at):
                ahead.append(follower)
    return frozenset(found)


def _count(
    connection: Connection,
    reel: _Reel,
    known: Known,
    uses: Mapping[int, float],
    totals: Mapping[int, Row[Any]],
    short: float,
    as_of: datetime | None,
) -> None:
    """How many pieces were taken beyond the reel, and from which report on: of all, or since somebody counted it.

    `short`: pieces taken from it in the name of those ahead. What was in work while it was counted may have been placed
    before.
    """
    asked = {"sets": list(uses), "since": None, "as_of": as_of}
    ends = []
    if known.received is not None:
        held = known.received - (known.moved or 0)
        beyond = round(sum(one * totals[set_id].times for set_id, one in uses.items()) + short - held, 6)
        if beyond > 0:
            reel.beyond = beyond
            ends.append(_beyond(connection.execute(_REPORTS, asked), uses, held - short)[0])
    if known.remaining is not None:
        counted_at = known.remaining.at + CLOCK_ERROR
        if reel.last_at is not None and reel.last_at > counted_at:
            rows = connection.execute(_REPORTS, {**asked, "since": counted_at})
            left = known.remaining.quantity - short
            end, beyond = _beyond((row for row in rows if row.begun_at > counted_at), uses, left)
            reel.beyond = max(reel.beyond, beyond)
            ends.append(end)
    if known.received is None and known.remaining is None and not uses:
        reel.beyond = short  # nobody knows how many it held, nor that it was still there
    reel.since = min((end for end in ends if end is not None), default=None)


def _beyond(rows: Iterable[Row[Any]], uses: Mapping[int, float], quantity: float) -> tuple[datetime | None, float]:
    """When the first report came that takes more than were there, and how many more were taken in the end."""
    taken = 0.0
    found: datetime | None = None
    for row in rows:
        taken += uses[row.set_id] / row.candidates
        if found is None and round(taken, 6) > quantity:
            found = row.recorded_at
    return found, max(0.0, round(taken - quantity, 6))


_SPLICED_TO = text(
    f"""
    -- Which of these packages have another spliced on behind, and since when was that seen: never, if NULL?
    SELECT identifier, package_id, nullif(min(coalesce({_SENSED}, '-infinity')), '-infinity') AS sensed_at
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
        splice.package_id: row.package
        for row in rows
        if (splice := spliced.get(row.package)) is not None
        and (splice.sensed_at is None or row.recorded_at >= splice.sensed_at)
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
