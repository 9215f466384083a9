"""The gate: policies, qualifications, verdicts, overrides.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "gate_override",
        sa.Column("override_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("station_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_role", sa.Text(), nullable=False),
        sa.Column("second_by", sa.Text(), nullable=True),
        sa.Column("given_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > given_at", name=op.f("ck_gate_override_expires")),
        sa.CheckConstraint("second_by IS DISTINCT FROM given_by", name=op.f("ck_gate_override_second_person")),
        sa.CheckConstraint("station_id IS NOT NULL OR unit_id IS NOT NULL", name=op.f("ck_gate_override_scope")),
        sa.PrimaryKeyConstraint("override_id", name=op.f("pk_gate_override")),
    )
    op.create_index(
        "ix_gate_override_station_id",
        "gate_override",
        ["station_id"],
        unique=False,
        postgresql_where=sa.text("unit_id IS NULL"),
    )
    op.create_index("ix_gate_override_unit_id", "gate_override", ["unit_id"], unique=False)
    op.create_table(
        "provisional_release",
        sa.Column("unit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("released_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "event_id", name=op.f("pk_provisional_release")),
    )
    op.create_table(
        "qualification",
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("valid_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("operator", "operation", name=op.f("pk_qualification")),
    )
    op.create_table(
        "qualification_need",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operation", name=op.f("pk_qualification_need")),
    )
    op.create_table(
        "verdict",
        sa.Column("unit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("verdict_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("overridden", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "verdict_id", name=op.f("pk_verdict")),
    )
    op.create_index("ix_verdict_station_id_decided_at", "verdict", ["station_id", "decided_at"], unique=False)
    op.create_table(
        "trace_threshold",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("completeness", sa.Double(), nullable=False),
        sa.CheckConstraint("completeness BETWEEN 0 AND 1", name=op.f("ck_trace_threshold_completeness")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_trace_threshold_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("customer_id", "operation", name=op.f("pk_trace_threshold")),
    )
    op.create_table(
        "gate_policy",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("snapshot_seconds", sa.Integer(), server_default=sa.text("900"), nullable=False),
        sa.CheckConstraint(
            "policy IN ('fail_closed', 'fail_cached', 'fail_open_record')", name=op.f("ck_gate_policy_policy")
        ),
        sa.CheckConstraint("snapshot_seconds > 0", name=op.f("ck_gate_policy_snapshot_seconds")),
        sa.ForeignKeyConstraint(["station_id"], ["station.station_id"], name=op.f("fk_gate_policy_station_id_station")),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_gate_policy")),
    )
    op.create_table(
        "station_calibration",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_station_calibration_station_id_station")
        ),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_calibration")),
    )
    op.create_table(
        "station_lock",
        sa.Column("station_lock_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("locked_by", sa.Text(), nullable=False),
        sa.Column("locked_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("unlocked_by", sa.Text(), nullable=True),
        sa.Column("unlocked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_station_lock_station_id_station")
        ),
        sa.PrimaryKeyConstraint("station_lock_id", name=op.f("pk_station_lock")),
    )
    op.create_index(
        "uq_station_lock_standing",
        "station_lock",
        ["station_id"],
        unique=True,
        postgresql_where=sa.text("unlocked_at IS NULL"),
    )
    op.create_table(
        "station_request",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("message_name", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("requested_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["station_id"], ["station.station_id"], name=op.f("fk_station_request_station_id_station")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_station_request")),
    )
    op.create_index(
        "ix_station_request_unanswered",
        "station_request",
        ["requested_at"],
        unique=False,
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index(
        "uq_station_request_standing",
        "station_request",
        ["station_id", "message_name", "about"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "recipe_plan",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("recipe_revision", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_recipe_plan_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint(
            "product_revision_id", "operation", "recipe", "recipe_revision", name=op.f("pk_recipe_plan")
        ),
    )
    op.create_table(
        "retest_limit",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("runs", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("runs > 0", name=op.f("ck_retest_limit_runs")),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_retest_limit_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint("product_revision_id", "operation", name=op.f("pk_retest_limit")),
    )
    op.create_index(
        "ix_unit_event_activities",
        "unit_event",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("message_name = 'CFX.Production.ActivitiesExecuted'"),
    )
    op.create_index("ix_routing_operation_operation", "routing_operation", ["operation"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_routing_operation_operation", table_name="routing_operation")
    op.drop_index(
        "ix_unit_event_activities",
        table_name="unit_event",
        postgresql_where=sa.text("message_name = 'CFX.Production.ActivitiesExecuted'"),
    )
    op.drop_table("retest_limit")
    op.drop_table("recipe_plan")
    op.drop_index(
        "uq_station_request_standing", table_name="station_request", postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    op.drop_index(
        "ix_station_request_unanswered", table_name="station_request", postgresql_where=sa.text("answered_at IS NULL")
    )
    op.drop_table("station_request")
    op.drop_index(
        "uq_station_lock_standing", table_name="station_lock", postgresql_where=sa.text("unlocked_at IS NULL")
    )
    op.drop_table("station_lock")
    op.drop_table("station_calibration")
    op.drop_table("gate_policy")
    op.drop_table("trace_threshold")
    op.drop_index("ix_verdict_station_id_decided_at", table_name="verdict")
    op.drop_table("verdict")
    op.drop_table("qualification_need")
    op.drop_table("qualification")
    op.drop_table("provisional_release")
    op.drop_index("ix_gate_override_unit_id", table_name="gate_override")
    op.drop_index(
        "ix_gate_override_station_id", table_name="gate_override", postgresql_where=sa.text("unit_id IS NULL")
    )
    op.drop_table("gate_override")
