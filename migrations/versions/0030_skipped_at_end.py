"""X-outs that a machine names when it is done.

Revision ID: 0030
Revises: 0029
Create Date: 2026-11-23
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0030"
down_revision: str | Sequence[str] | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("work_record", sa.Column("skipped_at_end", postgresql.ARRAY(sa.SmallInteger())))
    _index("skipped_positions IS NOT NULL OR skipped_at_end IS NOT NULL")


def downgrade() -> None:
    _index("skipped_positions IS NOT NULL")
    op.drop_column("work_record", "skipped_at_end")


def _index(where: str) -> None:
    op.drop_index("ix_work_record_skipped", table_name="work_record")
    op.create_index("ix_work_record_skipped", "work_record", ["transaction_id"], postgresql_where=sa.text(where))
