"""Which boards may carry a package though no report names it for them?

Three ways a report leaves room, each with its reason:

* *bounded*: the machine reported the slot and not the package. Every package in the slot at that time is a candidate.
* *inferred*: the board was worked on while the package was loaded, and no report of that work names what it got.
* *inferred*: there is a report, and designators of the bill of material that ask for the package's part, or for one
  that is placed from its slot, have none.

Where a machine named the package of each designator, the board is excluded for every other, whatever was loaded.
Windows are widened by the clock error between the station that told of the loading and the one that worked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, TextClause, text

from app.trace.boards import HELD, TIED, TIED_IN_DOUBT, Place, Spoken, occupants
from app.trace.evidence import Evidence
from app.trace.left_open import Near, left_open, parts_of_slots
from app.trace.loaded import LoadedInterval, windows
from app.units.places import LONGEST_WORK, THEN, skipped

_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Suspect:
    """A board that may carry a package, and why. `reference_designators` where the machine told them.

    `pending`: its station has it still, and its report may yet name another package. `heard_at`: when the work, or
    the report, that leaves room was heard of first.
    """

    board: Place
    evidence: Evidence
    package_id: int
    station_id: int
    recorded_at: datetime
    why: str
    reference_designators: Sequence[str] = ()
    pending: bool = False
    heard_at: datetime | None = None

    def said(self, station: str, package: str) -> str:
        """The suspicion as a sentence; station and package by their names."""
        worked = f"{station} worked on it while package {package} was loaded"
        return f"{worked} and {self.why}, {self.recorded_at:%Y-%m-%d %H:%M:%S} UTC."


# Work as it was known at `as_of`: what came later is not known yet. `units` null: of any.
_WORK = f"""
    work AS (
        SELECT unit_id, transaction_id, station_id, position_numbers, surface,
            {skipped("work_record", THEN)} AS skipped_positions,
            CASE WHEN CAST(:as_of AS timestamptz) IS NULL OR started_received_at <= :as_of THEN started_at END
                AS started_at,
            CASE WHEN CAST(:as_of AS timestamptz) IS NULL OR completed_received_at <= :as_of THEN completed_at END
                AS completed_at, least(started_received_at, completed_received_at) AS heard_at
        FROM work_record
        WHERE station_id = ANY (CAST(:stations AS integer[]))
          AND (CAST(:units AS bigint[]) IS NULL OR unit_id = ANY (CAST(:units AS bigint[])))
          AND (CAST(:as_of AS timestamptz) IS NULL
               OR least(started_received_at, completed_received_at) <= :as_of)
    )
"""
_LOADED = """
    loaded AS (
        SELECT * FROM unnest(
            CAST(:packages AS integer[]), CAST(:stations AS integer[]), CAST(:slots AS text[]),
            CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[])
        ) AS loaded (package_id, station_id, slot, since, until)
    )
"""
_WORKED = text(
    f"""
    -- Which work was going on at these stations in these windows?
    WITH {_WORK}, {_LOADED}
    SELECT DISTINCT ON (work.unit_id, work.transaction_id, loaded.package_id)
        work.unit_id, work.position_numbers, work.skipped_positions, work.station_id, work.transaction_id,
        loaded.package_id, loaded.slot,
        coalesce(work.started_at, work.completed_at) AS recorded_at, work.completed_at, work.heard_at,
        CASE work.surface WHEN 'PrimarySurface' THEN 'top' WHEN 'SecondarySurface' THEN 'bottom' END AS side
    FROM loaded
    JOIN work ON work.station_id = loaded.station_id
        AND coalesce(work.started_at, work.completed_at) <= loaded.until
        AND (work.completed_at IS NULL OR work.completed_at >= loaded.since)
    ORDER BY work.unit_id, work.transaction_id, loaded.package_id, loaded.since
    """
)
_REPORTED = text(
    f"""
    -- For which of these works on boards is there a report of what was installed, however it names the board?
    WITH asked AS (
        SELECT * FROM unnest(
            CAST(:units AS bigint[]), CAST(:positions AS smallint[]), CAST(:stations AS integer[]),
            CAST(:transactions AS uuid[]), CAST(:begun AS timestamptz[]), CAST(:ended AS timestamptz[]),
            CAST(:spoken AS smallint[])
        ) WITH ORDINALITY AS asked (
            board_id, board_position, station_id, transaction_id, begun_at, ended_at, spoken_position, nth
        )
    ), fact AS (
        SELECT installation.* FROM installation
        WHERE unit_id IN (
            SELECT board_id FROM asked
            UNION
            SELECT panel_id FROM panel_position JOIN asked ON asked.board_id = panel_position.unit_id
        )
          AND station_id = ANY (CAST(:stations AS integer[]))
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ), {HELD}
    SELECT DISTINCT asked.nth - 1
    FROM fact
    LEFT JOIN held ON {TIED}
    JOIN asked ON asked.board_id = coalesce(held.board_id, fact.unit_id)
        AND asked.board_position = coalesce(held.board_position, 0)
        AND asked.station_id = fact.station_id
    WHERE (fact.transaction_id = asked.transaction_id
       OR (fact.transaction_id IS NULL AND NOT {TIED_IN_DOUBT} AND fact.recorded_at >= asked.begun_at
           AND fact.recorded_at <= coalesce(asked.ended_at, 'infinity') + CAST(:longest_work AS interval)))
      -- What has a second place, or a later one, has others: a report of that alone is none of the whole. A board in a
      -- panel has its own place alone.
      AND (held.board_id IS NOT NULL OR asked.spoken_position > 0 OR fact.position_number < 2 OR EXISTS (
          SELECT FROM panel_position AS placed
          WHERE placed.unit_id = fact.unit_id AND (CAST(:as_of AS timestamptz) IS NULL OR placed.received_at <= :as_of)
      ))
    """
)
_UNNAMED = text(
    f"""
    -- Which reports name no package, while these may have been in the slot that they name, if they name one?
    WITH {_LOADED}, unnamed AS MATERIALIZED (
        SELECT chunk_id, placement.* FROM material_chunk
        CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
        JOIN placement ON placement.placement_id = pair.placement_id
        WHERE package_ids @> ARRAY[0] AND pair.package_id = 0
          AND (reference_designators <> '{{}}' OR rejected_designators = '{{}}')
    )
    SELECT DISTINCT fact.unit_id, fact.position_number, fact.station_id, fact.transaction_id, loaded.package_id,
        loaded.slot, fact.recorded_at, fact.received_at, unnamed.reference_designators,
        unnamed.slot IS NOT NULL AND loaded.slot IS NOT NULL AS by_slot,
        ARRAY[unnamed.part_number, unnamed.reference_part_number] AS parts
    FROM loaded
    -- Of a slot one message may tell the identifier and another the name, which others may share.
    JOIN unnamed ON loaded.slot IN (unnamed.slot, unnamed.slot_name) OR unnamed.slot IS NULL OR loaded.slot IS NULL
        OR unnamed.slot IN (
            SELECT slot_name FROM loading_event AS named
            WHERE named.station_id = loaded.station_id AND coalesce(named.slot, named.slot_name, '') = loaded.slot
              AND (CAST(:as_of AS timestamptz) IS NULL OR named.received_at <= :as_of)
        )
    JOIN material_set ON material_set.chunk_ids @> ARRAY[unnamed.chunk_id]
    JOIN installation AS fact ON fact.set_id = material_set.set_id AND fact.station_id = loaded.station_id
    LEFT JOIN LATERAL (
        -- The work may be told of a carrier and the report of a serial: it is the transaction that ties them.
        SELECT
            min(started_at) FILTER (
                WHERE CAST(:as_of AS timestamptz) IS NULL OR started_received_at <= :as_of
            ) AS started_at,
            max(completed_at) FILTER (
                WHERE CAST(:as_of AS timestamptz) IS NULL OR completed_received_at <= :as_of
            ) AS completed_at
        FROM work_record AS work
        WHERE work.transaction_id = fact.transaction_id AND work.station_id = fact.station_id
    ) AS its ON true
    WHERE coalesce(its.started_at, fact.recorded_at - CAST(:longest_work AS interval)) <= loaded.until
      AND greatest(its.completed_at, fact.recorded_at) >= loaded.since
      AND (CAST(:units AS bigint[]) IS NULL OR fact.unit_id = ANY (CAST(:units AS bigint[])))
      AND (CAST(:as_of AS timestamptz) IS NULL OR fact.received_at <= :as_of)
    """
)

_DESCRIBED = text(
    """
    -- Of which part is each package, as it was described then, and was it applied, as paste is, which fills no
    -- designators? What came out of another is of its part.
    WITH RECURSIVE source AS (
        SELECT package_id AS asked_id, package_id FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
        UNION
        SELECT source.asked_id, link.parent_id
        FROM source JOIN package_link AS link ON link.child_id = source.package_id AND link.kind IN ('split', 'batch')
        WHERE CAST(:as_of AS timestamptz) IS NULL OR link.received_at <= :as_of
    )
    SELECT asked.package_id, (
            SELECT told.part_number FROM source JOIN package_description AS told USING (package_id)
            WHERE source.asked_id = asked.package_id AND told.part_number IS NOT NULL
              AND (CAST(:as_of AS timestamptz) IS NULL OR told.received_at <= :as_of)
            ORDER BY source.package_id <> asked.package_id, told.described_at DESC, told.received_at DESC
            LIMIT 1
        ) AS part_number, EXISTS (
            SELECT FROM material_chunk
            CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
            JOIN placement USING (placement_id)
            WHERE package_ids @> ARRAY[asked.package_id] AND pair.package_id = asked.package_id
              AND placement.kind = 'applied'
              AND (CAST(:as_of AS timestamptz) IS NULL OR EXISTS (
                  SELECT FROM material_set JOIN installation USING (set_id)
                  WHERE chunk_ids @> ARRAY[chunk_id] AND received_at <= :as_of
              ))
        ) AS applied
    FROM unnest(CAST(:packages AS integer[])) AS asked (package_id)
    """
)
_OF_ANY = "CAST(:units AS bigint[]) IS NULL OR "


@cache
def _of_these(question: TextClause) -> TextClause:
    """The question about given units alone: a plan made once that fits any unit reads all work of a station."""
    return text(question.text.replace(_OF_ANY, ""))


def works_in(
    connection: Connection,
    intervals: Sequence[LoadedInterval],
    as_of: datetime | None,
    units: Sequence[int] | None = None,
) -> Iterator[tuple[Row[Any], int]]:
    """Work that went on while packages were loaded, by unit and each position meant (0: the whole unit); streamed.

    `units`: those and no others, by the identifiers that machines spoke of; None: any.

    Rows have unit_id, station_id, transaction_id, package_id, slot, recorded_at, completed_at, skipped_positions: of
    those, X-outs, nothing was to be done.
    """
    if not intervals:
        return
    asked = {**windows(intervals), "units": units, "as_of": as_of}
    options = {"stream_results": True, "yield_per": _BLOCK} if units is None else {}
    worked = _WORKED if units is None else _of_these(_WORKED)
    with connection.execute(worked, asked, execution_options=options) as rows:
        for row in rows:
            for position in row.position_numbers or (0,):
                yield row, position


def suspects(
    connection: Connection,
    intervals: Sequence[LoadedInterval],
    as_of: datetime | None,
    units: Sequence[int] | None = None,
) -> Iterator[Suspect]:
    """Boards that may carry the packages though no report names them; a board may come several times.

    `units`: by what was said of those alone, boards and the panels that held them; None: of any.
    """
    if not intervals:
        return
    yield from _unnamed(connection, intervals, as_of, units)
    works = [
        (row, position)
        for row, position in works_in(connection, intervals, as_of, units)
        if position not in (row.skipped_positions or ())
    ]
    places = [spoken_of(row, position) for row, position in works]
    boards = list(occupants(connection, places, as_of, every=True))
    reported = _with_report(connection, works, boards, as_of)
    partly: list[tuple[Near, Suspect]] = []
    asked = {"packages": sorted({one.package_id for one in intervals}), "as_of": as_of}
    described = {row.package_id: row for row in connection.execute(_DESCRIBED, asked)} if reported else {}
    for nth, (index, board_id, board_position, _) in enumerate(boards):
        row, _ = works[index]
        suspect = Suspect(
            (board_id, board_position),
            Evidence.inferred,
            row.package_id,
            row.station_id,
            row.recorded_at,
            f"{'has not reported yet' if row.completed_at is None else 'reported nothing of'} what it installed; "
            f"it was in slot {row.slot} then",
            pending=row.completed_at is None and row.recorded_at > datetime.now(UTC) - LONGEST_WORK,
            heard_at=row.heard_at,
        )
        if nth in reported and described[row.package_id].applied:
            continue
        if nth in reported:
            part_number = described[row.package_id].part_number
            near = Near(
                suspect.board, part_number, row.slot, row.side, row.station_id, row.recorded_at, row.completed_at
            )
            partly.append((near, suspect))
        else:
            yield suspect
    open_at = left_open(connection, [near for near, _ in partly], as_of)
    for (_, suspect), missing in zip(partly, open_at, strict=True):
        if missing:
            yield Suspect(
                suspect.board,
                Evidence.inferred,
                suspect.package_id,
                suspect.station_id,
                suspect.recorded_at,
                f"names no package for {', '.join(missing)}; it was loaded then",
                missing,
                heard_at=suspect.heard_at,
            )


def spoken_of(work: Row[Any], position: int) -> Spoken:
    """What a work of `works_in` speaks of."""
    return Spoken(work.unit_id, position, work.recorded_at, work.station_id, work.transaction_id, work.heard_at)


def _unnamed(
    connection: Connection,
    intervals: Sequence[LoadedInterval],
    as_of: datetime | None,
    units: Sequence[int] | None,
) -> Iterator[Suspect]:
    given = {**windows(intervals), "longest_work": LONGEST_WORK, "units": units, "as_of": as_of}
    told = connection.execute(_UNNAMED if units is None else _of_these(_UNNAMED), given).all()
    rows = [row for row, fits in zip(told, _fitting(connection, told, as_of), strict=True) if fits]
    places = [
        Spoken(row.unit_id, row.position_number, row.recorded_at, row.station_id, row.transaction_id, row.received_at)
        for row in rows
    ]
    for index, board_id, board_position, _ in occupants(connection, places, as_of):
        row = rows[index]
        where = ", ".join(row.reference_designators) or "the unit"
        yield Suspect(
            (board_id, board_position),
            Evidence.bounded if row.by_slot else Evidence.inferred,
            row.package_id,
            row.station_id,
            row.recorded_at,
            f"did not name the package at {where}; it was in slot {row.slot} then"
            if row.by_slot
            else f"named neither package nor slot for {where}; it was loaded then",
            row.reference_designators,
            heard_at=row.received_at,
        )


def _fitting(connection: Connection, rows: Sequence[Row[Any]], as_of: datetime | None) -> Iterator[bool]:
    """Of reports that name no package: whether it may be the one, by its part where no slot says so."""
    anywhere = [row for row in rows if not row.by_slot]
    asked = {"packages": sorted({row.package_id for row in anywhere}), "as_of": as_of}
    described = {row.package_id: row.part_number for row in connection.execute(_DESCRIBED, asked)} if anywhere else {}
    of_slots = parts_of_slots(connection, {row.slot for row in anywhere if row.slot}, as_of) if anywhere else {}
    for row in rows:
        named = {part for part in row.parts if part is not None}
        part = described.get(row.package_id)
        yield row.by_slot or not named or part is None or not named.isdisjoint({part, *of_slots.get(row.slot, ())})


def _with_report(
    connection: Connection,
    works: Sequence[tuple[Row[Any], int]],
    boards: Sequence[tuple[int, int, int, bool]],
    as_of: datetime | None,
) -> set[int]:
    """Which of the boards' works have a report of what was installed."""
    if not boards:
        return set()
    rows = [works[index][0] for index, *_ in boards]
    asked = {
        "units": [board_id for _, board_id, _, _ in boards],
        "positions": [position for _, _, position, _ in boards],
        "stations": [row.station_id for row in rows],
        "transactions": [row.transaction_id for row in rows],
        "begun": [row.recorded_at for row in rows],
        "ended": [row.completed_at for row in rows],
        "spoken": [works[index][1] for index, *_ in boards],
        "longest_work": LONGEST_WORK,
        "as_of": as_of,
    }
    return set(connection.execute(_REPORTED, asked).scalars())
