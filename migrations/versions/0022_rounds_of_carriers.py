"""A carrier that is used again: which round it was, where stations' clocks leave that open.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-22
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0022"
down_revision: str | Sequence[str] | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Functions, for they are planned once for a connection: within each question they would take longer to plan than
    # the ordinary question takes to answer.
    op.execute(
        """
        CREATE TYPE carrier_round AS (
            panel_id bigint, position_number smallint, unit_id bigint, held_from timestamptz, held_until timestamptz,
            sure_from timestamptz, sure_until timestamptz
        )
        """
    )
    op.execute(
        """
        CREATE FUNCTION rounds_of(panels bigint[], known_at timestamptz) RETURNS SETOF carrier_round
        LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
        -- From when to when was which unit possibly, and surely, in the places of these carriers that held several?
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
                FROM panel_position AS told LEFT JOIN event USING (event_id) LEFT JOIN wrong USING (station_id)
                WHERE told.panel_id = ANY (panels) AND (known_at IS NULL OR told.received_at <= known_at)
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
        """
    )
    op.execute(
        """
        CREATE FUNCTION in_round(
            round carrier_round, station integer, told_at timestamptz, heard_at timestamptz, transaction uuid,
            known_at timestamptz
        ) RETURNS boolean
        LANGUAGE plpgsql STABLE PARALLEL SAFE SET plan_cache_mode = force_generic_plan AS $$
        -- Was what a station told surely (true) or possibly (false) of this round, or not (null)?
        DECLARE
            error interval := (
                SELECT max(known.error) + interval '2 seconds' FROM known_clock_error AS known
                WHERE station_id = station AND (known_at IS NULL OR known_from <= known_at)
            );
            earliest timestamptz := told_at;
            latest timestamptz := told_at;
            here boolean;
            elsewhere boolean;
        BEGIN
            IF error IS NOT NULL THEN
                earliest := told_at - error;
                latest := greatest(earliest, least(told_at + error, heard_at));  -- what was heard has happened
            END IF;
            IF latest < round.held_from OR earliest >= round.held_until THEN RETURN NULL; END IF;
            IF earliest >= round.sure_from AND latest < round.sure_until THEN RETURN true; END IF;
            -- A transaction that names a board of this place means that one.
            SELECT bool_or(unit_id = round.unit_id), bool_or(unit_id <> round.unit_id) INTO here, elsewhere
            FROM work_record AS work JOIN panel_position AS place USING (unit_id)
            WHERE work.transaction_id = transaction AND work.station_id = station
              AND (work.position_numbers IS NULL OR round.position_number = ANY (work.position_numbers))
              AND place.panel_id = round.panel_id AND place.position_number = round.position_number
              AND (known_at IS NULL OR (
                  least(work.started_received_at, work.completed_received_at) <= known_at
                  AND place.received_at <= known_at
              ));
            IF elsewhere AND here IS NOT TRUE THEN RETURN NULL; END IF;
            RETURN coalesce(here AND NOT elsewhere, false);
        END $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION in_round")
    op.execute("DROP FUNCTION rounds_of")
    op.execute("DROP TYPE carrier_round")
