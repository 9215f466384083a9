"""The first schema: who, where, what, how many, with what, the board, how good, and every event once.

Revision ID: 0001
Revises:
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "customer",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer")),
        sa.UniqueConstraint("name", name=op.f("uq_customer_name")),
    )
    op.create_table(
        "defect",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("reference_designator", sa.Text(), nullable=True),
        sa.Column("part_number", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("comments", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("verification", sa.Text(), nullable=True),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "run", "ordinal", name=op.f("pk_defect")),
    )
    op.create_index("ix_defect_code_recorded_at", "defect", ["code", "recorded_at"], unique=False)
    op.create_index(
        "ix_defect_reference_designator_recorded_at", "defect", ["reference_designator", "recorded_at"], unique=False
    )
    op.create_index("ix_defect_station_id_recorded_at", "defect", ["station_id", "recorded_at"], unique=False)
    op.create_table(
        "event",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.Uuid(), nullable=False),
        sa.Column("message_name", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event")),
        sa.UniqueConstraint("station_id", "unique_id", name=op.f("uq_event_station_id_unique_id")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("requester", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "inspection",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("machine_outcome", sa.Text(), nullable=False),
        sa.Column("verification", sa.Text(), nullable=True),
        sa.Column("recipe_id", sa.Integer(), nullable=True),
        sa.Column("inspector", sa.Text(), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "machine_outcome IN ('passed', 'failed', 'error', 'aborted')", name=op.f("ck_inspection_machine_outcome")
        ),
        sa.CheckConstraint("outcome IN ('passed', 'failed', 'error', 'aborted')", name=op.f("ck_inspection_outcome")),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "run", name=op.f("pk_inspection")),
    )
    op.create_index("ix_inspection_station_id_recorded_at", "inspection", ["station_id", "recorded_at"], unique=False)
    op.create_table(
        "installation",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", name=op.f("pk_installation")),
    )
    op.create_index("ix_installation_set_id", "installation", ["set_id", "unit_id"], unique=False)
    op.create_table(
        "installed_unit",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("child_id", sa.BigInteger(), nullable=False),
        sa.Column("reference_designator", sa.Text(), nullable=True),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "child_id", name=op.f("pk_installed_unit")),
    )
    op.create_index("ix_installed_unit_child_id", "installed_unit", ["child_id"], unique=False)
    op.create_table(
        "line",
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_line")),
        sa.UniqueConstraint("name", name=op.f("uq_line_name")),
    )
    op.create_table(
        "loading_event",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("package_id", sa.Integer(), nullable=True),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("slot_name", sa.Text(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("feeder", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Double(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "event_id", "ordinal", name=op.f("pk_loading_event")),
    )
    op.create_index("ix_loading_event_package_id", "loading_event", ["package_id"], unique=False)
    op.create_index("ix_loading_event_slot", "loading_event", ["station_id", "slot", "recorded_at"], unique=False)
    op.create_table(
        "login_guess",
        sa.Column("guess_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("guess_id", name=op.f("pk_login_guess")),
    )
    op.create_index("ix_login_guess_at", "login_guess", ["at"], unique=False)
    op.create_table(
        "lot",
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("lot_code", sa.Text(), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=True),
        sa.Column("manufacturer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("pk_lot")),
        sa.UniqueConstraint(
            "lot_code",
            "part_number",
            "manufacturer",
            name=op.f("uq_lot_lot_code_part_number_manufacturer"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "material_chunk",
        sa.Column("chunk_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("placement_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("package_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("chunk_id", name=op.f("pk_material_chunk")),
        sa.UniqueConstraint("digest", name=op.f("uq_material_chunk_digest")),
    )
    op.create_index(
        "ix_material_chunk_package_ids",
        "material_chunk",
        ["package_ids"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "64"},
    )
    op.create_index(
        "ix_material_chunk_placement_ids",
        "material_chunk",
        ["placement_ids"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "64"},
    )
    op.create_table(
        "material_set",
        sa.Column("set_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("chunk_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_material_set")),
        sa.UniqueConstraint("digest", name=op.f("uq_material_set_digest")),
    )
    op.create_index(
        "ix_material_set_chunk_ids",
        "material_set",
        ["chunk_ids"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "64"},
    )
    op.create_table(
        "measurement",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("layout_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("formats", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("offsets", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("failed", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("out_of_limit", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "run", name=op.f("pk_measurement")),
    )
    op.create_index(
        "ix_measurement_failing",
        "measurement",
        ["station_id", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("failed <> '{}' OR out_of_limit <> '{}'"),
    )
    op.create_index("ix_measurement_station_id_recorded_at", "measurement", ["station_id", "recorded_at"], unique=False)
    op.create_table(
        "measurement_layout",
        sa.Column("layout_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("layout_id", name=op.f("pk_measurement_layout")),
        sa.UniqueConstraint("digest", name=op.f("uq_measurement_layout_digest")),
    )
    op.create_table(
        "package_description",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("described_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lot_id", sa.Integer(), nullable=True),
        sa.Column("part_number", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("date_code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("package_id", "described_at", "received_at", name=op.f("pk_package_description")),
    )
    op.create_index(op.f("ix_package_description_lot_id"), "package_description", ["lot_id"], unique=False)
    op.create_index(op.f("ix_package_description_part_number"), "package_description", ["part_number"], unique=False)
    op.create_table(
        "package_link",
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Double(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("parent_id", "child_id", "event_id", name=op.f("pk_package_link")),
    )
    op.create_index("ix_package_link_child_id", "package_link", ["child_id"], unique=False)
    op.create_table(
        "panel_position",
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("linked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("panel_id", "position_number", "linked_at", "unit_id", name=op.f("pk_panel_position")),
    )
    op.create_index("ix_panel_position_unit_id", "panel_position", ["unit_id"], unique=False)
    op.create_table(
        "placement",
        sa.Column("placement_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference_designators", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rejected_designators", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=True),
        sa.Column("reference_part_number", sa.Text(), nullable=True),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("slot_name", sa.Text(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("feeder", sa.Text(), nullable=True),
        sa.Column("joined_packages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("batch_packages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("nozzles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("placement_id", name=op.f("pk_placement")),
        sa.UniqueConstraint("digest", name=op.f("uq_placement_digest")),
    )
    op.create_index(
        "ix_placement_batch_packages", "placement", ["batch_packages"], unique=False, postgresql_using="gin"
    )
    op.create_index("ix_placement_feeder", "placement", ["feeder"], unique=False)
    op.create_index(
        "ix_placement_joined_packages", "placement", ["joined_packages"], unique=False, postgresql_using="gin"
    )
    op.create_index("ix_placement_nozzles", "placement", ["nozzles"], unique=False, postgresql_using="gin")
    op.create_index("ix_placement_part_number", "placement", ["part_number"], unique=False)
    op.create_index("ix_placement_slot", "placement", ["slot"], unique=False)
    op.create_table(
        "process_heartbeat",
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_process_heartbeat")),
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("unique_id", sa.Uuid(), nullable=True),
        sa.Column("message_name", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "last_received_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_quarantine_has_reason")),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "source", "digest", name=op.f("uq_quarantine_source_digest"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index(
        "ix_quarantine_open",
        "quarantine",
        ["quarantine_id"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "recipe",
        sa.Column("recipe_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("recipe_id", name=op.f("pk_recipe")),
        sa.UniqueConstraint(
            "name", "revision", name=op.f("uq_recipe_name_revision"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "removal",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("package_id", sa.Integer(), nullable=True),
        sa.Column("child_id", sa.BigInteger(), nullable=True),
        sa.Column("reference_designators", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "ordinal", name=op.f("pk_removal")),
    )
    op.create_table(
        "serial",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_serial")),
    )
    op.create_table(
        "spoken_position",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", name=op.f("pk_spoken_position")),
    )
    op.create_table(
        "station_event",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("message_name", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("station_id", "event_id", name=op.f("pk_station_event")),
    )
    op.create_index(
        "ix_station_event_recorded_at", "station_event", ["station_id", "message_name", "recorded_at"], unique=False
    )
    op.create_table(
        "symptom",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("reference_designators", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("comments", sa.Text(), nullable=True),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "run", "ordinal", name=op.f("pk_symptom")),
    )
    op.create_index("ix_symptom_code_recorded_at", "symptom", ["code", "recorded_at"], unique=False)
    op.create_index("ix_symptom_station_id_recorded_at", "symptom", ["station_id", "recorded_at"], unique=False)
    op.create_table(
        "test",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("recipe_id", sa.Integer(), nullable=True),
        sa.Column("tester", sa.Text(), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('passed', 'failed', 'error', 'aborted')", name=op.f("ck_test_outcome")),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "run", name=op.f("pk_test")),
    )
    op.create_index("ix_test_station_id_recorded_at", "test", ["station_id", "recorded_at"], unique=False)
    op.create_table(
        "tool_use",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("cycles", sa.Integer(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "event_id", "tool", name=op.f("pk_tool_use")),
    )
    op.create_index("ix_tool_use_tool", "tool_use", ["tool"], unique=False)
    op.create_table(
        "unit",
        sa.Column("unit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("claimed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("initialized", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("registered_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_unit")),
    )
    op.create_index(op.f("ix_unit_work_order_id"), "unit", ["work_order_id"], unique=False)
    op.create_table(
        "unit_event",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("position_numbers", postgresql.ARRAY(sa.SmallInteger()), nullable=True),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("message_name", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("unit_id", "event_id", name=op.f("pk_unit_event")),
    )
    op.create_index("ix_unit_event_station_id_recorded_at", "unit_event", ["station_id", "recorded_at"], unique=False)
    op.create_table(
        "waiting_event",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "station_id", "event_id", name=op.f("pk_waiting_event")),
    )
    op.create_table(
        "work_record",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("position_numbers", postgresql.ARRAY(sa.SmallInteger()), nullable=True),
        sa.Column("lane", sa.SmallInteger(), nullable=True),
        sa.Column("recipe_id", sa.Integer(), nullable=True),
        sa.Column("surface", sa.Text(), nullable=True),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("started_received_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("completed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("completed_received_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("unit_id", "transaction_id", "station_id", name=op.f("pk_work_record")),
    )
    op.create_index("ix_work_record_station_id_started_at", "work_record", ["station_id", "started_at"], unique=False)
    op.create_index("ix_work_record_transaction_id", "work_record", ["transaction_id"], unique=False)
    op.create_table(
        "package",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=True),
        sa.Column("lot_id", sa.Integer(), nullable=True),
        sa.Column("manufacturer_part_number", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("vendor_part_number", sa.Text(), nullable=True),
        sa.Column("date_code", sa.Text(), nullable=True),
        sa.Column("initial_quantity", sa.Double(), nullable=True),
        sa.Column("quantity", sa.Double(), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("received_on", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("described_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "registered_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.lot_id"], name=op.f("fk_package_lot_id_lot")),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_package")),
        sa.UniqueConstraint("identifier", name=op.f("uq_package_identifier")),
    )
    op.create_index(op.f("ix_package_lot_id"), "package", ["lot_id"], unique=False)
    op.create_index(op.f("ix_package_part_number"), "package", ["part_number"], unique=False)
    op.create_table(
        "person",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name=op.f("fk_person_customer_id_customer")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
        sa.UniqueConstraint("name", name=op.f("uq_person_name")),
    )
    op.create_table(
        "product",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_product_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product")),
        sa.UniqueConstraint(
            "customer_id",
            "part_number",
            name=op.f("uq_product_customer_id_part_number"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "station",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("line_id", sa.Integer(), nullable=True),
        sa.Column("line_order", sa.Integer(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "registered_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["line_id"], ["line.line_id"], name=op.f("fk_station_line_id_line")),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station")),
        sa.UniqueConstraint("handle", name=op.f("uq_station_handle")),
    )
    op.create_table(
        "token",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("station", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("broker_hash", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.customer_id"], name=op.f("fk_token_customer_id_customer")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_token_digest")),
    )
    op.create_table(
        "login_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.person_id"], name=op.f("fk_login_session_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_session")),
    )
    op.create_table(
        "product_revision",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("units_per_panel", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.product_id"], name=op.f("fk_product_revision_product_id_product")
        ),
        sa.PrimaryKeyConstraint("product_revision_id", name=op.f("pk_product_revision")),
        sa.UniqueConstraint("product_id", "revision", name=op.f("uq_product_revision_product_id_revision")),
    )
    op.create_table(
        "approved_part",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("alternate_part_number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_approved_part_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint(
            "product_revision_id", "part_number", "alternate_part_number", name=op.f("pk_approved_part")
        ),
    )
    op.create_table(
        "bom_item",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("reference_designator", sa.Text(), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("footprint", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("x", sa.Float(), nullable=True),
        sa.Column("y", sa.Float(), nullable=True),
        sa.Column("rotation", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_bom_item_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint("product_revision_id", "reference_designator", name=op.f("pk_bom_item")),
    )
    op.create_table(
        "routing_operation",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("optional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_routing_operation_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint("product_revision_id", "sequence", name=op.f("pk_routing_operation")),
    )
    op.create_table(
        "work_order",
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("product_revision_id", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("unplanned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_work_order_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["product_revision_id"],
            ["product_revision.product_revision_id"],
            name=op.f("fk_work_order_product_revision_id_product_revision"),
        ),
        sa.PrimaryKeyConstraint("work_order_id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("number", name=op.f("uq_work_order_number")),
    )
    op.create_index(op.f("ix_work_order_customer_id"), "work_order", ["customer_id"], unique=False)

    # Neither SQLAlchemy nor Alembic knows a column's storage: `substring` must find a column without inflating the row.
    op.execute("ALTER TABLE measurement ALTER COLUMN packed SET STORAGE EXTERNAL")
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is evidence: rows are added, never changed or deleted', TG_TABLE_NAME
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER audit_is_evidence BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )
    op.execute(
        """
        CREATE FUNCTION units_follow_their_order() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE unit SET customer_id = NEW.customer_id, unplanned = NEW.unplanned
            WHERE work_order_id = NEW.work_order_id;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER units_follow_their_order AFTER UPDATE OF customer_id, unplanned ON work_order
        FOR EACH ROW
        WHEN (OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.unplanned IS DISTINCT FROM NEW.unplanned)
        EXECUTE FUNCTION units_follow_their_order()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER units_follow_their_order ON work_order")
    op.execute("DROP FUNCTION units_follow_their_order")
    op.execute("DROP TRIGGER audit_is_evidence ON audit")
    op.execute("DROP FUNCTION refuse_change")
    op.drop_table("work_order")
    op.drop_table("routing_operation")
    op.drop_table("bom_item")
    op.drop_table("approved_part")
    op.drop_table("product_revision")
    op.drop_table("login_session")
    op.drop_table("token")
    op.drop_table("station")
    op.drop_table("product")
    op.drop_table("person")
    op.drop_table("package")
    op.drop_table("work_record")
    op.drop_table("waiting_event")
    op.drop_table("unit_event")
    op.drop_table("unit")
    op.drop_table("tool_use")
    op.drop_table("test")
    op.drop_table("symptom")
    op.drop_table("station_event")
    op.drop_table("spoken_position")
    op.drop_table("serial")
    op.drop_table("removal")
    op.drop_table("recipe")
    op.drop_table("quarantine")
    op.drop_table("process_heartbeat")
    op.drop_table("placement")
    op.drop_table("panel_position")
    op.drop_table("package_link")
    op.drop_table("package_description")
    op.drop_table("measurement_layout")
    op.drop_table("measurement")
    op.drop_table("material_set")
    op.drop_table("material_chunk")
    op.drop_table("lot")
    op.drop_table("login_guess")
    op.drop_table("loading_event")
    op.drop_table("line")
    op.drop_table("installed_unit")
    op.drop_table("installation")
    op.drop_table("inspection")
    op.drop_table("idempotency_key")
    op.drop_table("event")
    op.drop_table("defect")
    op.drop_table("customer")
    op.drop_table("audit")
