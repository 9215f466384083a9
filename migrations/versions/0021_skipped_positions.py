"""X-outs that a machine names when it starts: which positions of a work it passes over.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("work_record", sa.Column("skipped_positions", postgresql.ARRAY(sa.SmallInteger())))
    op.create_index(
        "ix_work_record_skipped",
        "work_record",
        ["transaction_id"],
        postgresql_where=sa.text("skipped_positions IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_work_record_skipped", table_name="work_record")
    op.drop_column("work_record", "skipped_positions")
