"""Since when a station's messages come within 2 s of the times they tell.

Revision ID: 0023
Revises: 0022
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0023"
down_revision: str | Sequence[str] | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("station_clock", sa.Column("close_since", postgresql.TIMESTAMP(timezone=True)))


def downgrade() -> None:
    op.drop_column("station_clock", "close_since")
