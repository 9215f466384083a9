"""When a station's clock was last seen wrong.

Revision ID: 0026
Revises: 0025
Create Date: 2026-11-23
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0026"
down_revision: str | Sequence[str] | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("wrong_clock", sa.Column("last_seen_at", postgresql.TIMESTAMP(timezone=True)))
    # What was kept tells when it was seen wrong first; last it was at most when it was measured last.
    op.execute(
        """
        UPDATE wrong_clock SET last_seen_at = greatest(seen_at, (
            SELECT measured_at FROM station_clock AS clock
            WHERE clock.station_id = wrong_clock.station_id AND right_after IS NULL
        ))
        """
    )
    op.alter_column("wrong_clock", "last_seen_at", nullable=False)


def downgrade() -> None:
    op.drop_column("wrong_clock", "last_seen_at")
