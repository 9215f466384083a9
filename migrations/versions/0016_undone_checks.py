"""A scan at a slot that was a mistake is told so by another.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("setup_check", sa.Column("undone_id", sa.BigInteger()))
    op.create_index(
        "uq_setup_check_undone",
        "setup_check",
        ["undone_id"],
        unique=True,
        postgresql_where=sa.text("undone_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_setup_check_undone", table_name="setup_check")
    op.drop_column("setup_check", "undone_id")
