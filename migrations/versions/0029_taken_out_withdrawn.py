"""That a board was seen outside its panel may have been a mistake.

Revision ID: 0029
Revises: 0028
Create Date: 2026-11-23
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | Sequence[str] | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = ("withdrawn_at", "withdrawn_by", "withdrawn_because")


def upgrade() -> None:
    op.add_column("taken_out", sa.Column("withdrawn_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("taken_out", sa.Column("withdrawn_by", sa.Text(), nullable=True))
    op.add_column("taken_out", sa.Column("withdrawn_because", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM taken_out WHERE withdrawn_at IS NOT NULL")
    for column in _COLUMNS:
        op.drop_column("taken_out", column)
