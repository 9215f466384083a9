"""Where the facts of a unit stand: under its own identifier, and under the panel positions that held it.

A fact under (panel, position) belongs to the unit that the last statement not after the fact put there, or, where all
statements are later, the first. SQL pieces for questions; parameters `serial` and `customer_id` (null: any).
"""

# A carrier that holds units of several customers is none of theirs.
VISIBLE = """
    (CAST(:customer_id AS integer) IS NULL OR (
        unit.customer_id = :customer_id AND NOT EXISTS (
            SELECT FROM panel_position JOIN unit AS board USING (unit_id)
            WHERE panel_position.panel_id = unit.unit_id AND board.customer_id IS DISTINCT FROM :customer_id
        )
    ))
"""
"""Condition on `unit`: the asking customer may see it; `customer_id` null sees all."""


def _places(known: str) -> str:
    """`family` holds a panel's boards where a panel was asked for: its identifier answers for all its positions."""
    here, other = known.format("panel_position"), known.format("other")
    return f"""
    subject AS (
        SELECT unit.unit_id, unit.serial, unit.customer_id, unit.work_order_id
        FROM serial JOIN unit USING (unit_id)
        WHERE serial.serial = :serial
          AND {VISIBLE}
    ),
    family AS (
        SELECT unit_id FROM subject
        UNION
        SELECT panel_position.unit_id FROM subject
        JOIN panel_position ON panel_position.panel_id = subject.unit_id AND {here}
    ),
    statement AS (
        SELECT panel_id, position_number, panel_position.unit_id, linked_at,
            row_number() OVER told AS nth, lead(linked_at) OVER told AS next_at
        FROM panel_position
        WHERE (panel_id, position_number) IN (
            SELECT held.panel_id, held.position_number FROM panel_position AS held JOIN subject USING (unit_id)
        ) AND {here}
        WINDOW told AS (PARTITION BY panel_id, position_number ORDER BY linked_at, panel_position.unit_id)
    ),
    place AS (
        SELECT unit_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until,
            0 AS positions
        FROM family
        UNION ALL
        SELECT statement.panel_id, statement.position_number,
            CASE WHEN nth = 1 THEN '-infinity' ELSE linked_at END, coalesce(next_at, 'infinity'),
            -- As many as were told, linked, only spoken of, or counted: an X-out has no board.
            greatest((SELECT count(*) FROM (
                SELECT other.position_number FROM panel_position AS other
                WHERE other.panel_id = statement.panel_id AND {other}
                UNION
                SELECT other.position_number FROM spoken_position AS other
                WHERE other.unit_id = statement.panel_id AND {other}
                UNION
                SELECT other.position_number FROM installation AS other
                WHERE other.unit_id = statement.panel_id AND other.position_number = 1 AND {other}
                  AND EXISTS (SELECT FROM spoken_position WHERE spoken_position.unit_id = other.unit_id)
            ) AS known), (
                SELECT max(unit_count) FROM spoken_count AS other
                WHERE other.unit_id = statement.panel_id AND {other}
            ))
        FROM statement JOIN subject USING (unit_id)
    )
"""


PLACES = _places("true")
"""CTEs that a question about one unit begins with."""

PLACES_THEN = _places("(CAST(:as_of AS timestamptz) IS NULL OR {}.received_at <= :as_of)")
"""The same as it was known at `as_of` (null: now)."""

ORDER_THEN = """
    CASE WHEN CAST(:as_of AS timestamptz) IS NULL OR unit.claim_received_at <= :as_of THEN unit.work_order_id
         ELSE (SELECT former.work_order_id FROM former_claim AS former
               WHERE former.unit_id = unit.unit_id AND former.known_from <= :as_of AND former.known_until > :as_of)
         END
"""
"""The work order of `unit` as it was known at `as_of` (null: now)."""

AT_PLACE = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
    AND fact.recorded_at >= place.held_from AND fact.recorded_at < place.held_until
"""
"""Join condition of a fact that has one position with `place`."""

AMONG_PLACES = """
    fact.unit_id = place.unit_id
    AND (place.position_number IS NULL OR fact.position_numbers IS NULL
         OR place.position_number = ANY (fact.position_numbers))
    AND {time} >= place.held_from AND {time} < place.held_until
"""
"""Join condition of a fact that has several positions with `place`; `time` is the fact's station time."""

PASSED_OVER = """
    fact.position_number = 0 AND EXISTS (
        SELECT FROM work_record AS its
        WHERE its.transaction_id = fact.transaction_id AND its.station_id = fact.station_id
          AND its.skipped_positions IS NOT NULL AND {known}
          AND CASE WHEN its.unit_id = fact.unit_id THEN {position} = ANY (its.skipped_positions)
                   ELSE its.unit_id = {board} END
    )
"""
"""Condition on a report of a panel as a whole: of this board, in this `position`, its machine had said when it began
that it is an X-out. `known`: a condition on `its`, what was known then.
"""

HELD_WINDOW = """
    CASE WHEN EXISTS (
        SELECT FROM panel_position AS earlier
        WHERE earlier.panel_id = held.panel_id AND earlier.position_number = held.position_number
          AND earlier.linked_at < held.linked_at AND earlier.unit_id <> held.unit_id
    ) THEN held.linked_at ELSE '-infinity' END,
    coalesce((
        SELECT min(later.linked_at) FROM panel_position AS later
        WHERE later.panel_id = held.panel_id AND later.position_number = held.position_number
          AND later.linked_at > held.linked_at AND later.unit_id <> held.unit_id
    ), 'infinity')
"""
"""Two columns, from when to when a statement `held` of `panel_position` holds: for questions about a few units, where
looking beside each statement is cheaper than the window over all of `PLACES`.
"""

PLACES_OF_UNITS = f"""
    place AS (
        SELECT asked AS unit_id, asked AS spoken_id, CAST(NULL AS smallint) AS position_number,
            CAST('-infinity' AS timestamptz) AS held_from, CAST('infinity' AS timestamptz) AS held_until
        FROM unnest(CAST(:units AS bigint[])) AS asked
        UNION ALL
        SELECT held.unit_id, held.panel_id, held.position_number,
            {HELD_WINDOW}
        FROM panel_position AS held WHERE held.unit_id = ANY (CAST(:units AS bigint[]))
    )
"""
"""CTE: the same for many units by their ids (`units`); `spoken_id` is the name that facts go by."""
