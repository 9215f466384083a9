"""When stations' clocks were wrong, and how far each way.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("station_clock", sa.Column("right_at", postgresql.TIMESTAMP(timezone=True)))
    op.create_table(
        "wrong_clock",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("right_before", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("right_after", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.Column("behind", sa.Interval(), nullable=False),
        sa.ForeignKeyConstraint(["station_id"], ["station.station_id"], name=op.f("fk_wrong_clock_station_id_station")),
        sa.PrimaryKeyConstraint("station_id", "seen_at", name=op.f("pk_wrong_clock")),
    )
    op.create_index(
        "uq_wrong_clock_still", "wrong_clock", ["station_id"], unique=True,
        postgresql_where=sa.text("right_after IS NULL"),
    )  # fmt: skip
    # What was kept until now does not say which way the clock was off, nor when.
    op.execute(
        """
        INSERT INTO wrong_clock (station_id, seen_at, right_after, ahead, behind)
        SELECT station_id, measured_at, CASE WHEN greatest(error, -error) <= interval '2 seconds' THEN measured_at END,
            largest_error, largest_error
        FROM station_clock WHERE largest_error > interval '2 seconds'
        """
    )


def downgrade() -> None:
    op.drop_table("wrong_clock")
    op.drop_column("station_clock", "right_at")
