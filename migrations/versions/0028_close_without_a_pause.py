"""When a station's message last came within 2 s of the time it tells.

Revision ID: 0028
Revises: 0027
Create Date: 2026-11-23
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0028"
down_revision: str | Sequence[str] | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Of what was kept nobody knows whether messages came all the time: the next begins the proof anew.
    op.add_column("station_clock", sa.Column("close_at", postgresql.TIMESTAMP(timezone=True)))


def downgrade() -> None:
    op.drop_column("station_clock", "close_at")
