"""How many units a machine said go by a panel's identifier.

What machines said before is in their messages, and is not read again: of a panel whose boards nobody names one by one,
old answers stay as they are.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "spoken_count",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_count", sa.SmallInteger(), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "unit_count", name=op.f("pk_spoken_count")),
    )
    op.execute(
        "CREATE FUNCTION counts_are_due() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO due_count (unit_id, since)"
        " SELECT DISTINCT unit_id, CAST('-infinity' AS timestamptz) FROM told; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER counts_are_due AFTER INSERT ON spoken_count REFERENCING NEW TABLE AS told"
        " FOR EACH STATEMENT EXECUTE FUNCTION counts_are_due()"
    )


def downgrade() -> None:
    op.drop_table("spoken_count")
    op.execute("DROP FUNCTION counts_are_due")
