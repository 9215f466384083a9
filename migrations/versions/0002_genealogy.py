"""Genealogy at any size: what questions and counts need kept.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "body_template",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_body_template")),
    )
    _what_was_known_when()
    op.add_column("work_order", sa.Column("announced_at", postgresql.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_table("body_template")
    op.drop_column("work_order", "announced_at")
    for table in ("removal", "installed_unit"):
        op.drop_column(table, "candidates")
    op.drop_column("spoken_position", "received_at")
    op.drop_table("former_claim")
    op.drop_column("unit", "claim_received_at")


def _what_was_known_when() -> None:
    op.add_column("unit", sa.Column("claim_received_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.execute("UPDATE unit SET claim_received_at = registered_at WHERE work_order_id IS NOT NULL")
    op.create_table(
        "former_claim",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("known_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("known_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "known_from", name=op.f("pk_former_claim")),
    )
    op.add_column(
        "spoken_position",
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), server_default="-infinity", nullable=False),
    )
    op.alter_column("spoken_position", "received_at", server_default=None)
    for table in ("installed_unit", "removal"):
        op.add_column(table, sa.Column("candidates", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
