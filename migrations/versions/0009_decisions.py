"""Scrapped positions, and which failures a disposition decided.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The moment it was scrapped at: that of the fact it was held for; which board sat in a position then is known by it.
SCRAPPED_BY_PEOPLE = """
    INSERT INTO scrapped_unit (unit_id, position_number, recorded_at, received_at, scrapped_by, reason)
    SELECT unit_id, position_number, hold.fact_at, decided.decided_at, decided.decided_by, decided.reason
    FROM unit_disposition AS decided
    JOIN unit_hold AS hold USING (unit_id, position_number, nonconformance_id)
    WHERE decided.decision = 'scrap'
    ON CONFLICT DO NOTHING
"""
SCRAPPED_BY_MACHINES = """
    INSERT INTO scrapped_unit (unit_id, position_number, recorded_at, received_at, scrapped_by, reason)
    SELECT fact.unit_id, coalesce(position, 0), fact.recorded_at, fact.received_at, station.handle,
        coalesce(nullif(trim(fact.body ->> 'Comments'), ''), nullif(trim(fact.body ->> 'Reason'), ''), 'disqualified')
    FROM unit_event AS fact
    JOIN station USING (station_id)
    LEFT JOIN LATERAL unnest(fact.position_numbers) AS position ON true
    WHERE fact.message_name = 'CFX.Production.UnitsDisqualified'
    ON CONFLICT DO NOTHING
"""
# Until now a disposition cleared whatever had failed before it. What one that was made about the unit cleared stays
# decided; those of containments, made about a lot, a tool or a window, never decided a failure.
DECIDED = """
    INSERT INTO decided_run (unit_id, position_number, event_id, run, nonconformance_id)
    SELECT decided.unit_id, decided.position_number, fact.event_id, fact.run, min(decided.nonconformance_id)
    FROM unit_disposition AS decided
    JOIN nonconformance USING (nonconformance_id)
    CROSS JOIN LATERAL (
        SELECT decided.unit_id, nullif(decided.position_number, 0) AS position_number
        UNION ALL
        SELECT held.panel_id, held.position_number FROM panel_position AS held
        WHERE held.unit_id = decided.unit_id AND decided.position_number = 0
    ) AS place
    JOIN (
        SELECT unit_id, position_number, event_id, run, outcome, received_at FROM inspection
        UNION ALL
        SELECT unit_id, position_number, event_id, run, outcome, received_at FROM test
    ) AS fact ON fact.unit_id = place.unit_id
        AND (place.position_number IS NULL OR fact.position_number IN (place.position_number, 0))
    WHERE NOT by_rule AND decision IN ('released', 'use_as_is', 'rework', 'repair')
      AND fact.outcome = 'failed' AND fact.received_at <= decided.decided_at
    GROUP BY 1, 2, 3, 4
"""


def upgrade() -> None:
    op.create_table(
        "decided_run",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "run", name=op.f("pk_decided_run")),
    )
    op.execute("ALTER TABLE scrapped_unit DISABLE TRIGGER scrapped_unit_is_evidence")
    op.alter_column("scrapped_unit", "scrapped_at", new_column_name="received_at", server_default=None)
    op.add_column("scrapped_unit", sa.Column("position_number", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("scrapped_unit", sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.execute(
        """
        UPDATE scrapped_unit SET recorded_at = coalesce((
            SELECT min(hold.fact_at) FROM unit_disposition AS decided
            JOIN unit_hold AS hold USING (unit_id, position_number, nonconformance_id)
            WHERE decided.unit_id = scrapped_unit.unit_id AND position_number = 0 AND decision = 'scrap'
        ), received_at)
        """
    )
    op.alter_column("scrapped_unit", "recorded_at", nullable=False)
    op.alter_column("scrapped_unit", "position_number", server_default=None)
    op.drop_constraint("pk_scrapped_unit", "scrapped_unit")
    op.create_primary_key("pk_scrapped_unit", "scrapped_unit", ["unit_id", "position_number", "recorded_at"])
    for carried in (SCRAPPED_BY_PEOPLE, SCRAPPED_BY_MACHINES, DECIDED):
        op.execute(carried)
    op.execute("ALTER TABLE scrapped_unit ENABLE TRIGGER scrapped_unit_is_evidence")
    op.execute(
        "CREATE TRIGGER decided_run_is_evidence BEFORE UPDATE OR DELETE OR TRUNCATE ON decided_run "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE scrapped_unit DISABLE TRIGGER scrapped_unit_is_evidence")
    op.drop_constraint("pk_scrapped_unit", "scrapped_unit")
    op.execute(
        """
        DELETE FROM scrapped_unit WHERE position_number > 0 OR ctid NOT IN (
            SELECT min(ctid) FROM scrapped_unit WHERE position_number = 0 GROUP BY unit_id
        )
        """
    )
    op.drop_column("scrapped_unit", "position_number")
    op.drop_column("scrapped_unit", "recorded_at")
    op.alter_column("scrapped_unit", "received_at", new_column_name="scrapped_at", server_default=sa.text("now()"))
    op.create_primary_key("pk_scrapped_unit", "scrapped_unit", ["unit_id"])
    op.execute("ALTER TABLE scrapped_unit ENABLE TRIGGER scrapped_unit_is_evidence")
    op.drop_table("decided_run")
