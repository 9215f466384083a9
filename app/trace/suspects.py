"""Which units may carry a package though no report names it for them?

Three ways a report leaves room, each with its reason:

* *bounded*: the machine reported the slot and not the package. Every package in the slot at that time is a candidate.
* *inferred*: the unit was worked on while the package was loaded, and no report of that work names what it got.
* *inferred*: there is a report, and designators of the bill of material that ask for the package's part have none.

Where a machine named the package of each designator, the unit is excluded for every other, whatever was loaded.
Windows are widened by the clock error between the station that told of the loading and the one that worked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from app.trace.boards import occupants
from app.trace.evidence import Evidence

CLOCK_ERROR = timedelta(seconds=2)
"""Above this a station's clock is an alarm (field practice); within it, times of two stations are not ordered."""


@dataclass(frozen=True, slots=True)
class LoadedInterval:
    """A package in a slot, by the station's clock; `until` is None while it is still there."""

    package_id: int
    station_id: int
    slot: str | None
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A unit that may carry a package, and why."""

    unit_id: int
    position_number: int
    evidence: Evidence
    package_id: int
    station_id: int
    slot: str | None
    recorded_at: datetime
    why: str


_LOADED = text(
    """
    -- When was each of these packages in which slot?
    WITH RECURSIVE chain AS (
        -- A package spliced on is in the slot of the one before it from the join on, detected or not.
        SELECT package_id AS asked_id, package_id AS leading_id, CAST('-infinity' AS timestamptz) AS since
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT chain.asked_id, link.parent_id, greatest(chain.since, link.recorded_at)
        FROM chain JOIN package_link AS link ON link.child_id = chain.leading_id AND link.kind = 'joined'
        WHERE CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of
    ), ahead AS (
        -- A reel spliced ahead of another before that was loaded came in with it.
        SELECT package_id AS asked_id, package_id AS trailing_id, CAST('-infinity' AS timestamptz) AS since
        FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT ahead.asked_id, link.child_id, greatest(ahead.since, link.recorded_at)
        FROM ahead JOIN package_link AS link ON link.parent_id = ahead.trailing_id AND link.kind = 'joined'
        WHERE CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of
    ), mine AS (
        SELECT * FROM loading_event
        WHERE package_id = ANY (CAST(:packages AS integer[]))
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ), begun AS (
        SELECT chain.asked_id AS package_id, loading.station_id, loading.slot, loading.lane,
            greatest(loading.recorded_at, chain.since) AS since, loading.event_id
        FROM chain JOIN loading_event AS loading ON loading.package_id = chain.leading_id
        WHERE loading.kind IN ('loaded', 'spliced')
          AND (CAST(:as_of AS timestamptz) IS NULL OR loading.received_at <= :as_of)
        UNION
        SELECT ahead.asked_id, loading.station_id, loading.slot, loading.lane, loading.recorded_at, loading.event_id
        FROM ahead JOIN loading_event AS loading ON loading.package_id = ahead.trailing_id
        WHERE ahead.trailing_id <> ahead.asked_id AND loading.kind = 'loaded'
          AND loading.recorded_at >= ahead.since - interval '2 seconds'
          AND (CAST(:as_of AS timestamptz) IS NULL OR loading.received_at <= :as_of)
    )
    SELECT begun.package_id, begun.station_id, begun.slot, begun.since, least(gone.at, replaced.at) AS until
    FROM begun
    LEFT JOIN LATERAL (
        -- It was taken out, ran empty, or turned up in another slot.
        SELECT min(recorded_at) AS at FROM mine
        WHERE mine.package_id = begun.package_id AND mine.recorded_at > begun.since
          AND (kind IN ('unloaded', 'empty')
               OR (kind IN ('loaded', 'spliced')
                   AND (station_id, slot) IS DISTINCT FROM (begun.station_id, begun.slot)))
    ) AS gone ON true
    LEFT JOIN LATERAL (
        -- Another package was put in its place; one spliced to it only waits behind it.
        SELECT min(other.recorded_at) AS at FROM loading_event AS other
        WHERE other.station_id = begun.station_id AND other.slot = begun.slot
          AND other.lane IS NOT DISTINCT FROM begun.lane
          AND other.kind = 'loaded' AND other.package_id <> begun.package_id
          AND other.recorded_at > begun.since AND other.event_id <> begun.event_id
          AND (CAST(:as_of AS timestamptz) IS NULL OR other.received_at <= :as_of)
          AND NOT EXISTS (
              SELECT FROM package_link
              WHERE kind = 'joined' AND parent_id = begun.package_id AND child_id = other.package_id
          )
    ) AS replaced ON true
    """
)
_WORKED = text(
    """
    -- Which work was going on at these stations in these windows?
    SELECT DISTINCT ON (work.unit_id, work.transaction_id, loaded.package_id)
        work.unit_id, work.position_numbers, work.station_id, work.transaction_id, loaded.package_id, loaded.slot,
        coalesce(work.started_at, work.completed_at) AS recorded_at,
        work.completed_at IS NULL OR work.completed_received_at > :as_of AS going_on,
        CASE work.surface WHEN 'PrimarySurface' THEN 'top' WHEN 'SecondarySurface' THEN 'bottom' END AS side
    FROM unnest(
        CAST(:packages AS integer[]), CAST(:stations AS integer[]), CAST(:slots AS text[]),
        CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[])
    ) AS loaded (package_id, station_id, slot, since, until)
    JOIN work_record AS work ON work.station_id = loaded.station_id
        AND coalesce(work.started_at, work.completed_at) <= loaded.until
        AND (work.completed_at IS NULL OR work.completed_at >= loaded.since)
    WHERE CAST(:as_of AS timestamptz) IS NULL
       OR least(work.started_received_at, work.completed_received_at) <= :as_of
    ORDER BY work.unit_id, work.transaction_id, loaded.package_id, loaded.since
    """
)
_REPORTED = text(
    """
    -- For which of these works on boards is there a report of what was installed, of the board or its panel position?
    SELECT asked.nth - 1
    FROM unnest(
        CAST(:boards AS bigint[]), CAST(:units AS bigint[]), CAST(:positions AS smallint[]),
        CAST(:stations AS integer[]), CAST(:transactions AS uuid[])
    ) WITH ORDINALITY AS asked (board_id, unit_id, position_number, station_id, transaction_id, nth)
    WHERE EXISTS (
        SELECT FROM (
            SELECT asked.board_id AS unit_id, CAST(NULL AS smallint) AS position_number WHERE asked.position_number = 0
            UNION ALL
            SELECT asked.unit_id, asked.position_number
            UNION ALL
            SELECT panel_id, panel_position.position_number FROM panel_position
            WHERE panel_position.unit_id = asked.board_id
            UNION ALL
            SELECT asked.board_id, NULL WHERE asked.board_id <> asked.unit_id
        ) AS place
        JOIN installation ON installation.unit_id = place.unit_id
            AND (place.position_number IS NULL OR place.position_number = 0
                 OR installation.position_number IN (place.position_number, 0))
        WHERE installation.station_id = asked.station_id
          AND (installation.transaction_id IS NULL OR installation.transaction_id = asked.transaction_id)
          AND (CAST(:as_of AS timestamptz) IS NULL OR installation.received_at <= :as_of)
    )
    """
)
_UNNAMED = text(
    """
    -- Which reports name the slot and not the package, while these packages were in it?
    SELECT fact.unit_id, fact.position_number, fact.station_id, loaded.package_id, loaded.slot, fact.recorded_at,
        placement.reference_designators
    FROM unnest(
        CAST(:packages AS integer[]), CAST(:stations AS integer[]), CAST(:slots AS text[]),
        CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[])
    ) AS loaded (package_id, station_id, slot, since, until)
    JOIN placement ON placement.slot = loaded.slot
    JOIN material_chunk ON material_chunk.placement_ids @> ARRAY[placement.placement_id]
        AND material_chunk.package_ids @> ARRAY[0]
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
    JOIN installation AS fact ON fact.set_id = material_set.set_id AND fact.station_id = loaded.station_id
    LEFT JOIN work_record AS work ON work.unit_id = fact.unit_id AND work.station_id = fact.station_id
        AND work.transaction_id = fact.transaction_id
    WHERE pair.placement_id = placement.placement_id AND pair.package_id = 0
      AND (reference_designators <> '{}' OR rejected_designators = '{}')
      AND coalesce(work.started_at, fact.recorded_at) <= loaded.until
      AND greatest(work.completed_at, fact.recorded_at) >= loaded.since
      AND (CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of)
    """
)


def loaded_intervals(connection: Connection, packages: Sequence[int], as_of: datetime | None) -> list[LoadedInterval]:
    """When each package was in which slot, as the stations tell it."""
    rows = connection.execute(_LOADED, {"packages": list(packages), "as_of": as_of})
    return [LoadedInterval(*row) for row in rows]


def works_in(
    connection: Connection, intervals: Sequence[LoadedInterval], as_of: datetime | None
) -> list[tuple[Row[Any], int]]:
    """Work that went on while packages were loaded, by unit and each position meant (0: the whole unit).

    Rows have unit_id, station_id, transaction_id, package_id, slot, recorded_at.
    """
    if not intervals:
        return []
    rows = connection.execute(_WORKED, {**_windows(intervals), "as_of": as_of})
    return [(row, position) for row in rows for position in row.position_numbers or (0,)]


def _windows(intervals: Sequence[LoadedInterval]) -> dict[str, object]:
    far = datetime.max.replace(tzinfo=intervals[0].since.tzinfo, year=9000)
    return {
        "packages": [one.package_id for one in intervals],
        "stations": [one.station_id for one in intervals],
        "slots": [one.slot for one in intervals],
        "since": [one.since - CLOCK_ERROR for one in intervals],
        "until": [one.until + CLOCK_ERROR if one.until else far for one in intervals],
    }


def suspects(
    connection: Connection,
    intervals: Sequence[LoadedInterval],
    asked_parts: Mapping[int, str | None],
    as_of: datetime | None,
) -> Iterator[Suspect]:
    """Units that may carry the packages though no report names them; a unit may come several times.

    `asked_parts`: part number of each package, where known.
    """
    if not intervals:
        return
    given = {**_windows(intervals), "as_of": as_of}
    for row in connection.execute(_UNNAMED, given):
        where = ", ".join(row.reference_designators) or "the unit"
        yield Suspect(
            row.unit_id,
            row.position_number,
            Evidence.bounded,
            row.package_id,
            row.station_id,
            row.slot,
            row.recorded_at,
            f"did not name the package at {where}; it was in slot {row.slot} then",
        )
    works = works_in(connection, intervals, as_of)
    places = [(row.unit_id, position, row.recorded_at) for row, position in works]
    boards = list(occupants(connection, places, as_of))
    reported = _with_report(connection, works, boards, as_of)
    left: list[tuple[str | None, Suspect]] = []
    for nth, (index, board_id, board_position) in enumerate(boards):
        row, _ = works[index]
        suspect = Suspect(
            board_id,
            board_position,
            Evidence.inferred,
            row.package_id,
            row.station_id,
            row.slot,
            row.recorded_at,
            f"{'has not reported yet' if row.going_on else 'reported nothing of'} what it installed; "
            f"it was in slot {row.slot} then",
        )
        if nth in reported:
            left.append((row.side, suspect))
        else:
            yield suspect
    yield from _left_open(connection, left, asked_parts, as_of)


def _with_report(
    connection: Connection,
    works: Sequence[tuple[Row[Any], int]],
    boards: Sequence[tuple[int, int, int]],
    as_of: datetime | None,
) -> set[int]:
    """Which of the boards' works have a report of what was installed."""
    if not boards:
        return set()
    asked = {
        "boards": [board_id for _, board_id, _ in boards],
        "units": [works[index][0].unit_id for index, _, _ in boards],
        "positions": [works[index][1] for index, _, _ in boards],
        "stations": [works[index][0].station_id for index, _, _ in boards],
        "transactions": [works[index][0].transaction_id for index, _, _ in boards],
        "as_of": as_of,
    }
    return set(connection.execute(_REPORTED, asked).scalars())


def _has(filled: set[tuple[int, str]], position: int, name: str) -> bool:
    """Whether a designator is filled: at the board's position or told of the whole; of a board itself, at any."""
    if position:
        return not filled.isdisjoint({(0, name), (position, name)})
    return any(designator == name for _, designator in filled)


_WANTING = text(
    """
    -- Which designators of these units ask for these parts, by bill of material or approved alternate?
    SELECT unit.unit_id, bom_item.reference_designator, asked.part_number, bom_item.side
    FROM unit
    JOIN work_order USING (work_order_id)
    JOIN bom_item ON bom_item.product_revision_id = work_order.product_revision_id
    LEFT JOIN approved_part ON approved_part.product_revision_id = bom_item.product_revision_id
        AND approved_part.part_number = bom_item.part_number
    JOIN unnest(CAST(:parts AS text[])) AS asked (part_number)
        ON asked.part_number IN (bom_item.part_number, approved_part.alternate_part_number)
    WHERE unit.unit_id = ANY (CAST(:units AS bigint[]))
    """
)
_FILLED = text(
    """
    -- Which designators of these units have a package named by some report?
    WITH told AS (
        SELECT panel_id, position_number, unit_id,
            CASE WHEN row_number() OVER statements = 1 THEN '-infinity' ELSE linked_at END AS held_from,
            coalesce(lead(linked_at) OVER statements, 'infinity') AS held_until
        FROM panel_position
        WHERE panel_id IN (SELECT panel_id FROM panel_position WHERE unit_id = ANY (CAST(:units AS bigint[])))
        WINDOW statements AS (PARTITION BY panel_id, position_number ORDER BY linked_at, unit_id)
    ), place AS (
        SELECT unit_id AS board_id, unit_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until
        FROM unnest(CAST(:units AS bigint[])) AS asked (unit_id)
        UNION ALL
        SELECT unit_id, panel_id, position_number, held_from, held_until
        FROM told WHERE unit_id = ANY (CAST(:units AS bigint[]))
    )
    SELECT place.board_id, CASE WHEN place.position_number IS NULL THEN fact.position_number ELSE 0 END, designator
    FROM place
    JOIN installation AS fact ON fact.unit_id = place.unit_id
        AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
        AND fact.recorded_at >= place.held_from AND fact.recorded_at < place.held_until
    JOIN material_set USING (set_id)
    CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
    JOIN material_chunk USING (chunk_id)
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement USING (placement_id)
    CROSS JOIN LATERAL unnest(reference_designators) AS designator
    WHERE pair.package_id <> 0
      AND (CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of)
    """
)


def _left_open(
    connection: Connection,
    reported: Sequence[tuple[str | None, Suspect]],
    asked_parts: Mapping[int, str | None],
    as_of: datetime | None,
) -> Iterator[Suspect]:
    """Of units with a report: those of which some designator that asks for the part has no package named.

    `reported` tells the side that was up, where the machine said it: the other side's designators were out of reach.
    """
    parts = sorted({part for part in asked_parts.values() if part})
    units = sorted({suspect.unit_id for _, suspect in reported})
    if not parts or not units:
        return
    wanting: dict[tuple[int, str], set[tuple[str, str | None]]] = {}
    for unit_id, designator, part, side in connection.execute(_WANTING, {"units": units, "parts": parts}):
        wanting.setdefault((unit_id, part), set()).add((designator, side))
    filled: dict[int, set[tuple[int, str]]] = {}
    asked = {"units": sorted({unit for unit, _ in wanting}), "as_of": as_of}
    for unit_id, position, designator in connection.execute(_FILLED, asked):
        filled.setdefault(unit_id, set()).add((position, designator))
    for up, suspect in reported:
        wanted = wanting.get((suspect.unit_id, asked_parts.get(suspect.package_id) or ""), set())
        have = filled.get(suspect.unit_id, set())
        missing = sorted(
            name
            for name, side in wanted
            if (up is None or side is None or side == up) and not _has(have, suspect.position_number, name)
        )
        if missing:
            yield Suspect(
                suspect.unit_id,
                suspect.position_number,
                Evidence.inferred,
                suspect.package_id,
                suspect.station_id,
                suspect.slot,
                suspect.recorded_at,
                f"names no package for {', '.join(missing)}; it was in slot {suspect.slot} then",
            )
