"""Screens: badges and PINs, sessions of stations, everybody's language.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("person", sa.Column("pin_hash", sa.Text(), nullable=True))
    op.add_column("person", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("login_session", sa.Column("station", sa.Text(), nullable=True))
    op.add_column("login_session", sa.Column("idle_after", sa.Interval(), nullable=True))
    op.add_column(
        "login_session",
        sa.Column("seen_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_table(
        "badge",
        sa.Column("badge_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.person_id"], name=op.f("fk_badge_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("badge_id", name=op.f("pk_badge")),
        sa.UniqueConstraint("digest", name=op.f("uq_badge_digest")),
    )
    op.create_index("ix_badge_person_id", "badge", ["person_id"], unique=False)
    op.create_table(
        "serial_pattern",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("check_character", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_serial_pattern_product_id_product")
        ),
        sa.PrimaryKeyConstraint("product_id", "pattern", name=op.f("pk_serial_pattern")),
    )
    op.create_table(
        "instruction_picture",
        sa.Column("picture_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("picture_id", name=op.f("pk_instruction_picture")),
        sa.UniqueConstraint("digest", name=op.f("uq_instruction_picture_digest")),
    )
    op.create_table(
        "instruction_step",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("reference_designators", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("picture_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["picture_id"],
            ["instruction_picture.picture_id"],
            name=op.f("fk_instruction_step_picture_id_instruction_picture"),
        ),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_instruction_step_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint("product_revision_id", "operation", "step", name=op.f("pk_instruction_step")),
    )
    op.create_table(
        "label_printer",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("width", sa.Float(), nullable=False),
        sa.Column("height", sa.Float(), nullable=False),
        sa.Column("dots_per_mm", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_label_printer")),
    )


def downgrade() -> None:
    op.drop_table("label_printer")
    for table in ("instruction_step", "instruction_picture", "serial_pattern"):
        op.drop_table(table)
    op.drop_table("badge")
    for column in ("seen_at", "idle_after", "station"):
        op.drop_column("login_session", column)
    for column in ("language", "pin_hash"):
        op.drop_column("person", column)
