"""Of boards with a report: which designators of their bill of material have no package named by any?"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from app.trace.boards import AT, HELD, Place
from app.trace.designators import natural_order
from app.units.places import ORDER_THEN

_WANTING = text(
    f"""
    -- Which parts may be at the designators of these units, by bill of material or approved alternate?
    WITH belongs AS (
        -- To which order, as it was known then?
        SELECT unit_id, {ORDER_THEN} AS work_order_id
        FROM unit
        WHERE unit_id = ANY (CAST(:units AS bigint[]))
    )
    SELECT DISTINCT belongs.unit_id, bom_item.reference_designator, bom_item.side,
        CASE WHEN asked.part_number <> '' THEN asked.part_number END AS part_number
    FROM belongs
    JOIN work_order USING (work_order_id)
    JOIN bom_item ON bom_item.product_revision_id = work_order.product_revision_id
    LEFT JOIN approved_part ON approved_part.product_revision_id = bom_item.product_revision_id
        AND approved_part.part_number = bom_item.part_number
    JOIN unnest(CAST(:parts AS text[])) AS asked (part_number)
        ON asked.part_number IN (bom_item.part_number, approved_part.alternate_part_number, '')
    """
)
_FILLED = text(
    f"""
    -- Which designators of these boards have a package named by some report? What may be of another board is of none.
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
        SELECT fact.set_id, fact.candidates, coalesce(held.board_id, fact.unit_id) AS board_id,
            coalesce(held.board_position, CAST(0 AS smallint)) AS board_position,
            count(*) OVER (PARTITION BY fact.unit_id, fact.position_number, fact.event_id) AS meant
        FROM fact
        LEFT JOIN held ON {AT}
    ), named AS (
        SELECT DISTINCT board_id, board_position, set_id
        FROM resolved JOIN asked USING (board_id, board_position)
        WHERE meant = 1 AND candidates = 1
    )
    SELECT DISTINCT board_id, board_position, designator
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


def left_open(
    connection: Connection, asked: Sequence[tuple[Place, str | None, str | None]], as_of: datetime | None
) -> list[list[str]]:
    """For each (board, part number, side that was up): designators that ask for the part and have no package named.

    A package of which the part is not known may be at any. Where the machine said which side was up, the other side's
    designators were out of reach.
    """
    if not asked:
        return []
    wanting: dict[tuple[int, str | None], set[tuple[str, str | None]]] = {}
    given = {
        "units": sorted({unit_id for (unit_id, _), _, _ in asked}),
        "parts": sorted({part or "" for _, part, _ in asked}),
        "as_of": as_of,
    }
    for unit_id, designator, side, part in connection.execute(_WANTING, given):
        wanting.setdefault((unit_id, part), set()).add((designator, side))
    boards = sorted({board for board, part, _ in asked if (board[0], part or None) in wanting})
    filled: dict[Place, set[str]] = {}
    if boards:
        given = {"units": [one for one, _ in boards], "positions": [one for _, one in boards], "as_of": as_of}
        for unit_id, position, designator in connection.execute(_FILLED, given):
            filled.setdefault((unit_id, position), set()).add(designator)
    return [
        sorted(
            (
                name
                for name, side in wanting.get((board[0], part or None), ())
                if (up is None or side is None or side == up) and name not in filled.get(board, ())
            ),
            key=natural_order,
        )
        for board, part, up in asked
    ]
