"""Rounds of a carrier are asked for by the place: most questions are about one of its boards.

Revision ID: 0027
Revises: 0026
Create Date: 2026-11-23
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0027"
down_revision: str | Sequence[str] | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(_rounds_of("panels bigint[], positions smallint[], known_at timestamptz", _OF_PLACES))
    op.execute("DROP FUNCTION rounds_of(bigint[], timestamptz)")


def downgrade() -> None:
    op.execute(_rounds_of("panels bigint[], known_at timestamptz", _OF_PANELS))
    op.execute("DROP FUNCTION rounds_of(bigint[], smallint[], timestamptz)")


_OF_PLACES = """
    FROM unnest(panels, positions) AS place (panel_id, position_number)
    JOIN panel_position AS told ON told.panel_id = place.panel_id AND told.position_number = place.position_number
    LEFT JOIN event USING (event_id) LEFT JOIN wrong USING (station_id)
    WHERE known_at IS NULL OR told.received_at <= known_at
"""
_OF_PANELS = """
    FROM panel_position AS told LEFT JOIN event USING (event_id) LEFT JOIN wrong USING (station_id)
    WHERE told.panel_id = ANY (panels) AND (known_at IS NULL OR told.received_at <= known_at)
"""


def _rounds_of(parameters: str, told: str) -> str:
    """As 0022 made it, of what was `told`."""
    return f"""
        CREATE FUNCTION rounds_of({parameters}) RETURNS SETOF carrier_round
        LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
        -- From when to when was which unit possibly, and surely, in these places of carriers that held several?
        -- Statements that no clock can put in order make one round, of each of their units.
        BEGIN
            IF panels IS NULL THEN RETURN; END IF;
            RETURN QUERY
            WITH wrong AS (
                SELECT station_id, max(error) + interval '2 seconds' AS error FROM known_clock_error
                WHERE known_at IS NULL OR known_from <= known_at GROUP BY station_id
            ), linked AS (
                SELECT told.panel_id, told.position_number, told.unit_id, told.linked_at, told.received_at,
                    coalesce(wrong.error, interval '0') AS error,
                    min(told.unit_id) OVER place < max(told.unit_id) OVER place AS several
                {told}
                WINDOW place AS (PARTITION BY told.panel_id, told.position_number)
            ), widened AS (
                SELECT linked.*, linked_at - error AS earliest, CASE WHEN error = interval '0' THEN linked_at
                    ELSE greatest(linked_at - error, least(linked_at + error, linked.received_at)) END AS latest
                FROM linked WHERE several
            ), parted AS (
                SELECT widened.*, coalesce(max(latest) OVER (
                        PARTITION BY widened.panel_id, widened.position_number ORDER BY linked_at, widened.unit_id
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                    ) < min(earliest) OVER (
                        PARTITION BY widened.panel_id, widened.position_number
                        ORDER BY linked_at DESC, widened.unit_id DESC
                    ), true) AS is_later
                FROM widened
            ), numbered AS (
                SELECT parted.*, count(*) FILTER (WHERE is_later) OVER (
                    PARTITION BY parted.panel_id, parted.position_number ORDER BY linked_at, parted.unit_id
                ) AS nth
                FROM parted
            ), merged AS (
                SELECT numbered.panel_id, numbered.position_number, nth, min(earliest) AS earliest,
                    min(latest) AS latest, array_agg(DISTINCT numbered.unit_id) AS units
                FROM numbered GROUP BY numbered.panel_id, numbered.position_number, nth
            ), noted AS (
                -- A unit that is told again is in the same round.
                SELECT merged.*, cardinality(units) = 1 AND units = lag(units) OVER (
                    PARTITION BY merged.panel_id, merged.position_number ORDER BY nth
                ) AS is_same
                FROM merged
            ), turn AS (
                SELECT noted.panel_id, noted.position_number, units, earliest, latest,
                    lag(nth) OVER turns IS NULL AS is_first, lead(earliest) OVER turns AS next_earliest,
                    lead(latest) OVER turns AS next_latest
                FROM noted WHERE is_same IS NOT TRUE
                WINDOW turns AS (PARTITION BY noted.panel_id, noted.position_number ORDER BY nth)
            )
            SELECT turn.panel_id, turn.position_number, unit,
                CASE WHEN is_first THEN '-infinity' ELSE earliest END, coalesce(next_latest, 'infinity'),
                CASE WHEN cardinality(units) > 1 THEN 'infinity' WHEN is_first THEN '-infinity' ELSE latest END,
                CASE WHEN cardinality(units) > 1 THEN '-infinity' ELSE coalesce(next_earliest, 'infinity') END
            FROM turn CROSS JOIN LATERAL unnest(units) AS unit;
        END $$
    """  # noqa: S608  (constants of this file)
