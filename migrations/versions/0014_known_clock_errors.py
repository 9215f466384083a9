"""How far stations' clocks were seen off, and since when that is known.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | Sequence[str] | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "known_clock_error",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("known_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("error", sa.Interval(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_known_clock_error_station_id_station")
        ),
        sa.PrimaryKeyConstraint("station_id", "known_from", name=op.f("pk_known_clock_error")),
    )
    op.execute(
        """
        INSERT INTO known_clock_error (station_id, known_from, error)
        SELECT station_id, now(), largest_error FROM station_clock WHERE largest_error > interval '2 seconds'
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_clock_error() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' OR NEW.largest_error > OLD.largest_error THEN
                INSERT INTO known_clock_error (station_id, known_from, error)
                VALUES (NEW.station_id, now(), NEW.largest_error)
                ON CONFLICT (station_id, known_from) DO UPDATE SET error = excluded.error;
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_clock_error AFTER INSERT OR UPDATE OF largest_error ON station_clock
        FOR EACH ROW WHEN (NEW.largest_error > interval '2 seconds') EXECUTE FUNCTION keep_clock_error()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_clock_error ON station_clock")
    op.execute("DROP FUNCTION keep_clock_error")
    op.drop_table("known_clock_error")
