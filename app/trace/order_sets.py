"""Which material sets did a work order's units get? A piece of SQL for questions about whole orders."""

from app.trace.boards import HELD, TIED, TIED_IN_DOUBT
from app.units.places import ORDER_THEN

ON_UNITS = f"""
    member AS (
        SELECT unit_id FROM unit
        WHERE (
            -- The first for the index; an order that a unit belonged to then is seldom another.
            work_order_id = (SELECT work_order_id FROM work_order WHERE number = :work_order)
            OR unit_id IN (SELECT unit_id FROM former_claim WHERE CAST(:as_of AS timestamptz) IS NOT NULL)
        ) AND {ORDER_THEN} = (SELECT work_order_id FROM work_order WHERE number = :work_order)
    ), fact AS (
        SELECT set_id, unit_id, position_number, candidates, station_id, recorded_at, received_at, transaction_id
        FROM installation
        WHERE unit_id IN (
            SELECT unit_id FROM member UNION SELECT panel_id FROM panel_position JOIN member USING (unit_id)
        )
          AND (CAST(:as_of AS timestamptz) IS NULL OR received_at <= :as_of)
    ), {HELD}, on_unit AS (
        SELECT set_id, coalesce(held.board_id, fact.unit_id) AS unit_id,
            coalesce(held.board_position, 0) AS position_number,
            fact.candidates = 1 AND (held.board_id IS NULL OR fact.position_number > 0) AND NOT {TIED_IN_DOUBT} AS sure
        FROM fact LEFT JOIN held ON {TIED}
        -- By key: the planner takes `member` for a handful, and would compare each with each.
        JOIN unit ON unit.unit_id = coalesce(held.board_id, fact.unit_id)
            AND {ORDER_THEN} = (SELECT work_order_id FROM work_order WHERE number = :work_order)
    )
"""
"""CTEs that end in `on_unit` (set_id, unit_id, position_number, sure): the sets of the units of order `work_order`.

`sure`: the unit itself was named, not a panel as a whole, nor a work of several units. A carrier's sets are the order's
only while it held one of the order's units. Parameters `work_order` (number) and `as_of`.
"""
