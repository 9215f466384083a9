"""How wrong stations' clocks are.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "station_clock",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("error", sa.Interval(), nullable=False),
        sa.Column("largest_error", sa.Interval(), nullable=False),
        sa.Column("measured_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_station_clock_station_id_station")
        ),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_clock")),
    )


def downgrade() -> None:
    op.drop_table("station_clock")
