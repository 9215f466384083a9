"""Materials and tools at the line: setup, moisture, shelf life, tool life.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _timestamp() -> postgresql.TIMESTAMP:
    return postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    _materials()
    _tools()
    _setups()


def _materials() -> None:
    op.add_column("package", sa.Column("part_revision", sa.Text(), nullable=True))
    op.create_table(
        "package_event",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("moisture_level", sa.Text(), nullable=True),
        sa.Column("floor_life_left", sa.Interval(), nullable=True),
        sa.Column("station_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", _timestamp(), nullable=False),
        sa.Column("received_at", _timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("package_id", "event_id", "kind", name=op.f("pk_package_event")),
    )
    op.create_index("ix_package_event_recorded_at", "package_event", ["package_id", "recorded_at"], unique=False)
    op.create_table(
        "part_handling",
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default=sa.text("'component'"), nullable=False),
        sa.Column("moisture_level", sa.Text(), nullable=True),
        sa.Column("floor_life_hours", sa.Float(), nullable=True),
        sa.Column("thaw_hours", sa.Float(), nullable=True),
        sa.Column("thawed_hours", sa.Float(), nullable=True),
        sa.Column("open_hours", sa.Float(), nullable=True),
        sa.Column("surface_finish", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("part_number", name=op.f("pk_part_handling")),
    )
    op.create_table(
        "floor_life",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("hours", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("level", name=op.f("pk_floor_life")),
    )


def _tools() -> None:
    op.create_table(
        "tool",
        sa.Column("tool_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("cycles_limit", sa.Integer(), nullable=True),
        sa.Column("cleaning_limit", sa.Integer(), nullable=True),
        sa.Column("calibration_days", sa.Integer(), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("registered_at", _timestamp(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tool_id", name=op.f("pk_tool")),
        sa.UniqueConstraint("identifier", name=op.f("uq_tool_identifier")),
    )
    op.create_table(
        "tool_limit",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cycles_limit", sa.Integer(), nullable=True),
        sa.Column("cleaning_limit", sa.Integer(), nullable=True),
        sa.Column("calibration_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_tool_limit")),
    )
    op.create_table(
        "tool_event",
        sa.Column("tool_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=True),
        sa.Column("due_at", _timestamp(), nullable=True),
        sa.Column("recorded_at", _timestamp(), nullable=False),
        sa.Column("received_at", _timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("tool_id", "event_id", "kind", name=op.f("pk_tool_event")),
    )
    op.create_index("ix_tool_event_recorded_at", "tool_event", ["tool_id", "kind", "recorded_at"], unique=False)
    op.create_index("ix_tool_event_station_id", "tool_event", ["station_id", "tool_id"], unique=False)
    op.create_table(
        "tool_count",
        sa.Column("tool_id", sa.Integer(), nullable=False),
        sa.Column("hour", _timestamp(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("strokes", sa.BigInteger(), nullable=False),
        sa.Column("picks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tool_id", "hour", "station_id", name=op.f("pk_tool_count")),
    )
    op.create_index("ix_tool_count_station_id_hour", "tool_count", ["station_id", "hour"], unique=False)
    op.drop_index("ix_tool_use_tool", table_name="tool_use")
    op.create_index("ix_tool_use_tool_recorded_at", "tool_use", ["tool", "recorded_at"], unique=False)


def _setups() -> None:
    op.create_table(
        "required_setup",
        sa.Column("setup_id", sa.Integer(), nullable=False),
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_required_setup_product_revision_id_product_revision"),
        ),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_required_setup_station_id_station")
        ),
        sa.PrimaryKeyConstraint("setup_id", name=op.f("pk_required_setup")),
        sa.UniqueConstraint(
            "product_revision_id",
            "station_id",
            "side",
            name=op.f("uq_required_setup_product_revision_id_station_id_side"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "required_slot",
        sa.Column("setup_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("part_revision", sa.Text(), nullable=True),
        sa.Column("alternates", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("manufacturer_parts", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("pieces_per_unit", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["setup_id"],
            ["required_setup.setup_id"],
            name=op.f("fk_required_slot_setup_id_required_setup"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("setup_id", "slot", "lane", name=op.f("pk_required_slot")),
    )
    op.create_table(
        "setup_check",
        sa.Column("check_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("package_id", sa.Integer(), nullable=True),
        sa.Column("replaced_id", sa.Integer(), nullable=True),
        sa.Column("product_revision_id", sa.Integer(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", _timestamp(), nullable=False),
        sa.Column("received_at", _timestamp(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_setup_check")),
    )
    op.create_index("ix_setup_check_slot", "setup_check", ["station_id", "slot", "recorded_at"], unique=False)
    op.create_index(op.f("ix_setup_check_package_id"), "setup_check", ["package_id"], unique=False)


def downgrade() -> None:
    for table in ("setup_check", "required_slot", "required_setup"):
        op.drop_table(table)
    op.drop_index("ix_tool_use_tool_recorded_at", table_name="tool_use")
    op.create_index("ix_tool_use_tool", "tool_use", ["tool"], unique=False)
    for table in ("tool_count", "tool_event", "tool_limit", "tool", "floor_life", "part_handling", "package_event"):
        op.drop_table(table)
    op.drop_column("package", "part_revision")
