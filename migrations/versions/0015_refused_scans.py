"""Refused scans are found by the order in which they came.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_setup_check_refused",
        "setup_check",
        ["station_id", "slot", "check_id"],
        postgresql_where=sa.text("NOT accepted"),
    )


def downgrade() -> None:
    op.drop_index("ix_setup_check_refused", table_name="setup_check", postgresql_where=sa.text("NOT accepted"))
