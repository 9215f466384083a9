"""Of boards with a report: which designators of their bill of material have no package named by any?

A part that was taken out and replaced had its own package: what a report names for the new one says nothing of the one
before. So removals part the time of a designator into stays, and each is named by the reports within it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection, text

from app.lines.clocks import clock_errors
from app.trace.boards import HELD, TIED, Place
from app.trace.designators import natural_order
from app.trace.planned import BILL_THEN, ORDER_VERSION
from app.trace.removals import Removal, removals_from
from app.trace.spans import CLOCK_ERROR
from app.units.places import ORDER_THEN

_WANTING = text(
    f"""
    -- Which parts may be at the designators of these units, by bill of material or approved alternate?
    WITH {BILL_THEN}, belongs AS (
        -- To which order, and what did that build, as it was known then?
        SELECT unit_id, planned.product_revision_id
        FROM unit JOIN work_order ON work_order.work_order_id = {ORDER_THEN}
        CROSS JOIN {ORDER_VERSION} AS planned
        WHERE unit_id = ANY (CAST(:units AS bigint[]))
    )
    SELECT DISTINCT belongs.unit_id, bill_then.reference_designator, bill_then.side, asked.part_number
    FROM belongs
    JOIN bill_then USING (product_revision_id)
    LEFT JOIN approved_then USING (product_revision_id, part_number)
    JOIN unnest(CAST(:parts AS text[])) AS asked (part_number)
        ON asked.part_number IN (bill_then.part_number, approved_then.alternate_part_number, '')
    """
)
_FILLED = text(
    f"""
    -- For which designators of these boards does a report name which package, and when? What may be of another board
    -- is of none.
    WITH asked AS (
        SELECT * FROM unnest(
            CAST(:units AS bigint[]), CAST(:positions AS smallint[])
        ) AS asked (board_id, board_position)
    ), fact AS (
        SELECT installation.* FROM installation
        WHERE unit_id IN (
            SELECT board_id FROM asked
            UNION
            SELECT panel_id FROM panel_position JOIN asked ON asked.board_id = panel_position.unit_id
        )
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ), {HELD}, resolved AS (
        SELECT told.*, count(*) OVER (PARTITION BY unit_id, position_number, event_id) AS meant
        FROM (
            -- A board may have been in the place twice.
            SELECT DISTINCT fact.unit_id, fact.position_number, fact.event_id, fact.set_id, fact.candidates,
                fact.station_id, fact.recorded_at, coalesce(held.board_id, fact.unit_id) AS board_id,
                coalesce(held.board_position, CAST(0 AS smallint)) AS board_position
            FROM fact LEFT JOIN held ON {TIED} AND NOT held.is_nested
        ) AS told
    ), named AS (
        SELECT DISTINCT board_id, board_position, set_id, station_id, recorded_at
        FROM resolved JOIN asked USING (board_id, board_position)
        WHERE meant = 1 AND candidates = 1
    )
    SELECT DISTINCT board_id, board_position, designator, station_id, recorded_at, pair.package_id
    FROM named
    JOIN material_set USING (set_id)
    CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
    JOIN material_chunk USING (chunk_id)
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement USING (placement_id)
    CROSS JOIN LATERAL unnest(reference_designators) AS designator
    WHERE pair.package_id <> 0
    """
)


_OF_SLOTS = text(
    """
    -- Which parts were ever placed from these slots, as far as was known then?
    SELECT DISTINCT slot, part
    FROM placement CROSS JOIN LATERAL unnest(ARRAY[part_number, reference_part_number]) AS part
    WHERE slot = ANY (CAST(:slots AS text[])) AND part IS NOT NULL
      AND (CAST(:as_of AS timestamptz) IS NULL OR EXISTS (
          SELECT FROM material_chunk
          JOIN material_set ON chunk_ids @> ARRAY[chunk_id]
          JOIN installation USING (set_id)
          WHERE placement_ids @> ARRAY[placement.placement_id] AND received_at <= :as_of
      ))
    """
)
_ANY = ""
"""Stands for whatever part."""


@dataclass(frozen=True, slots=True)
class Near:
    """A board with a report, worked on while a package was loaded.

    `part_number` is the package's, where known; `slot` where it was; `side` the one that was up, where the machine
    said it: the other side's designators were out of reach. The work is of `station_id`, `since` to `until` (None: it
    goes on).
    """

    board: Place
    part_number: str | None
    slot: str | None
    side: str | None
    station_id: int
    since: datetime
    until: datetime | None


class _Fill(NamedTuple):
    """A report of what was put into a designator."""

    station_id: int
    recorded_at: datetime
    package_id: int


def left_open(connection: Connection, near: Sequence[Near], as_of: datetime | None) -> list[list[str]]:
    """For each: designators that had no package named by any report while it was worked on, that the package may have
    been placed at.

    Those are the ones that ask for its part, or for a part of its slot: a package may be loaded where it does not
    belong. Where neither is known, all.
    """
    if not near:
        return []
    of_slots = parts_of_slots(connection, {one.slot for one in near if one.slot}, as_of)
    parts = [_parts_of(one, of_slots) for one in near]
    wanting: dict[tuple[int, str], set[tuple[str, str | None]]] = {}
    given = {
        "units": sorted({one.board[0] for one in near}),
        "parts": sorted({part for several in parts for part in several}),
        "as_of": as_of,
    }
    for unit_id, designator, side, part in connection.execute(_WANTING, given):
        wanting.setdefault((unit_id, part), set()).add((designator, side))
    wanted = [
        {
            name
            for part in several
            for name, side in wanting.get((one.board[0], part), ())
            if one.side is None or side is None or side == one.side
        }
        for one, several in zip(near, parts, strict=True)
    ]
    boards = sorted({one.board for one, names in zip(near, wanted, strict=True) if names})
    fills: dict[Place, dict[str, list[_Fill]]] = {}
    removals: Mapping[Place, Sequence[Removal]] = {}
    if boards:
        given = {"units": [one for one, _ in boards], "positions": [one for _, one in boards], "as_of": as_of}
        for unit_id, position, designator, *fill in connection.execute(_FILLED, given):
            fills.setdefault((unit_id, position), {}).setdefault(designator, []).append(_Fill(*fill))
        removals = removals_from(connection, boards, as_of, surely=False)
    clocks = _Clocks(connection, near, removals, as_of)
    return [
        sorted(
            (
                name
                for name in names
                if _is_open(one, name, fills.get(one.board, {}).get(name, ()), removals.get(one.board, ()), clocks)
            ),
            key=natural_order,
        )
        for one, names in zip(near, wanted, strict=True)
    ]


def parts_of_slots(connection: Connection, slots: Collection[str], as_of: datetime | None) -> dict[str, set[str]]:
    """Which parts were ever placed from these slots, as was known then: a package may be where it does not belong."""
    found: dict[str, set[str]] = {}
    for slot, part in connection.execute(_OF_SLOTS, {"slots": sorted(slots), "as_of": as_of}):
        found.setdefault(slot, set()).add(part)
    return found


class _Clocks:
    """What is surely before or after a removal, though the clocks of two stations differ."""

    def __init__(
        self,
        connection: Connection,
        near: Sequence[Near],
        removals: Mapping[Place, Sequence[Removal]],
        as_of: datetime | None,
    ) -> None:
        emptying = {removal.station_id for told in removals.values() for removal in told}
        self._off = clock_errors(connection, {one.station_id for one in near} | emptying, as_of) if emptying else {}

    def before(self, station_id: int, at: datetime, removal: Removal) -> bool:
        """Whether it surely was before the removal."""
        apart = removal.recorded_at - at
        return apart > self._between(station_id, removal) or (
            station_id == removal.station_id and apart.total_seconds() > 0
        )

    def after(self, station_id: int, at: datetime, removal: Removal) -> bool:
        """Whether it surely was after. At the same time of the same station, the old part comes out first."""
        apart = at - removal.recorded_at
        return apart > self._between(station_id, removal) or (
            station_id == removal.station_id and apart.total_seconds() >= 0
        )

    def _between(self, station_id: int, removal: Removal) -> timedelta:
        return self._off.get(station_id, CLOCK_ERROR) + self._off.get(removal.station_id, CLOCK_ERROR)


def _is_open(near: Near, designator: str, fills: Sequence[_Fill], removals: Sequence[Removal], clocks: _Clocks) -> bool:
    """Whether the work reached into a stay at the designator for which no report names a package."""
    told = {(one.station_id, one.recorded_at): one for one in _emptied(designator, fills, removals, clocks)}
    for came_out, comes_out in pairwise((None, *told.values(), None)):
        reached = (comes_out is None or not clocks.after(near.station_id, near.since, comes_out)) and (
            came_out is None or near.until is None or not clocks.before(near.station_id, near.until, came_out)
        )
        if reached and not any(
            (came_out is None or clocks.after(fill.station_id, fill.recorded_at, came_out))
            and (comes_out is None or clocks.before(fill.station_id, fill.recorded_at, comes_out))
            for fill in fills
        ):
            return True
    return False


def _emptied(
    designator: str, fills: Sequence[_Fill], removals: Sequence[Removal], clocks: _Clocks
) -> Iterator[Removal]:
    """The removals that may have emptied the designator. One that names a package only means where that was put."""
    for removal in removals:
        if removal.reference_designators:
            if designator in removal.reference_designators:
                yield removal
        elif removal.child_id is None:
            before = {fill.package_id for fill in fills if not clocks.after(fill.station_id, fill.recorded_at, removal)}
            if removal.package_id is None or not before or removal.package_id in before:
                yield removal


def _parts_of(near: Near, of_slots: Mapping[str, set[str]]) -> set[str]:
    of_slot = of_slots.get(near.slot or "")
    return {near.part_number, *of_slot} if near.part_number is not None and of_slot else {_ANY}
