"""A unit that is held again under a nonconformance that it was decided under.

Revision ID: 0031
Revises: 0030
Create Date: 2026-11-23
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | Sequence[str] | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AGAIN = {
    "unit_hold": "DELETE FROM unit_hold WHERE nth > 1",
    "unit_disposition": "DELETE FROM unit_disposition WHERE nth > 1",
}
_KEY = ["unit_id", "position_number", "nonconformance_id"]


def upgrade() -> None:
    for table in _AGAIN:
        op.add_column(table, sa.Column("nth", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(op.f(f"pk_{table}"), table, [*_KEY, "nth"])


def downgrade() -> None:
    for table, delete in _AGAIN.items():
        # What was held again is caught by rule, as before.
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        op.execute(delete)
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.drop_column(table, "nth")
        op.create_primary_key(op.f(f"pk_{table}"), table, _KEY)
