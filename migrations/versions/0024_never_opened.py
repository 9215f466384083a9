"""Openings that were stated by mistake.

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | Sequence[str] | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("package_event", sa.Column("withdrawn_id", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("package_event", "withdrawn_id")
