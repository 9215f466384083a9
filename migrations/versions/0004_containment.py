"""Containment: nonconformances, containments, holds, dispositions, starts, shipments, drills.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EVIDENCE = (
    "containment",
    "unit_hold",
    "package_hold",
    "unit_disposition",
    "package_disposition",
    "scrapped_unit",
    "drill",
)


def upgrade() -> None:
    op.create_table(
        "drill",
        sa.Column("drill_id", sa.Integer(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=True),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("exact", sa.Integer(), nullable=False),
        sa.Column("bounded", sa.Integer(), nullable=False),
        sa.Column("inferred", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("drill_id", name=op.f("pk_drill")),
    )
    op.create_table(
        "nonconformance",
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_rule", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("released_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("nonconformance_id", name=op.f("pk_nonconformance")),
        sa.UniqueConstraint("number", name=op.f("uq_nonconformance_number")),
    )
    op.create_index(
        "ix_nonconformance_open",
        "nonconformance",
        ["nonconformance_id"],
        unique=False,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index(
        "ix_nonconformance_rule",
        "nonconformance",
        ["nonconformance_id"],
        unique=False,
        postgresql_where=sa.text("by_rule AND released_at IS NULL"),
    )
    op.create_table(
        "package_disposition",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('released', 'use_as_is', 'rework', 'repair', 'scrap', 'return_to_supplier')",
            name=op.f("ck_package_disposition_decision"),
        ),
        sa.PrimaryKeyConstraint("package_id", "nonconformance_id", name=op.f("pk_package_disposition")),
    )
    op.create_table(
        "package_hold",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.Column("held_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("later", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("package_id", "nonconformance_id", name=op.f("pk_package_hold")),
    )
    op.create_index(
        "ix_package_hold_nonconformance_id", "package_hold", ["nonconformance_id", "package_id"], unique=False
    )
    op.create_table(
        "packed_unit",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column(
            "packed_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("packed_by", sa.Text(), nullable=False),
        sa.Column("unpacked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("unpacked_by", sa.Text(), nullable=True),
        sa.Column("unpacked_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("unit_id", "shipment_id", "packed_at", name=op.f("pk_packed_unit")),
    )
    op.create_index("ix_packed_unit_shipment_id", "packed_unit", ["shipment_id", "unit_id"], unique=False)
    op.create_index(
        "uq_packed_unit_packed",
        "packed_unit",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text("unpacked_at IS NULL"),
    )
    op.create_table(
        "progress",
        sa.Column("progress_id", sa.Integer(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("progress_id", name=op.f("pk_progress")),
    )
    op.create_table(
        "scrapped_unit",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("scrapped_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("scrapped_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", name=op.f("pk_scrapped_unit")),
    )
    op.create_table(
        "unit_disposition",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("customer_approval", sa.Text(), nullable=True),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('released', 'use_as_is', 'rework', 'repair', 'scrap', 'return_to_supplier')",
            name=op.f("ck_unit_disposition_decision"),
        ),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "nonconformance_id", name=op.f("pk_unit_disposition")),
    )
    op.create_index("ix_unit_disposition_nonconformance_id", "unit_disposition", ["nonconformance_id"], unique=False)
    op.create_table(
        "unit_hold",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.Column("held_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("fact_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("shipment", sa.Text(), nullable=True),
        sa.Column("later", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", "nonconformance_id", name=op.f("pk_unit_hold")),
    )
    op.create_index("ix_unit_hold_nonconformance_id", "unit_hold", ["nonconformance_id", "unit_id"], unique=False)
    op.create_table(
        "unit_start",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("start_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("granted_to", sa.Text(), nullable=False),
        sa.Column(
            "granted_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("unit_id", "start_id", name=op.f("pk_unit_start")),
    )
    op.create_index(
        "uq_unit_start_open", "unit_start", ["unit_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "containment",
        sa.Column("containment_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("nonconformance_id", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["nonconformance_id"],
            ["nonconformance.nonconformance_id"],
            name=op.f("fk_containment_nonconformance_id_nonconformance"),
        ),
        sa.PrimaryKeyConstraint("containment_id", name=op.f("pk_containment")),
        sa.UniqueConstraint("nonconformance_id", name=op.f("uq_containment_nonconformance_id")),
        sa.UniqueConstraint("number", name=op.f("uq_containment_number")),
    )
    op.create_index("ix_containment_terms", "containment", ["terms"], unique=False, postgresql_using="hash")
    op.create_table(
        "shipment",
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("shipped_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("shipped_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.customer_id"], name=op.f("fk_shipment_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_shipment")),
        sa.UniqueConstraint("number", name=op.f("uq_shipment_number")),
    )
    op.create_index(op.f("ix_shipment_customer_id"), "shipment", ["customer_id"], unique=False)
    for table in EVIDENCE:
        op.execute(
            f"CREATE TRIGGER {table}_is_evidence BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        """
        CREATE FUNCTION nonconformance_is_released_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.released_at IS NOT NULL
                OR (OLD.number, OLD.reason, OLD.by_rule, OLD.opened_at, OLD.opened_by)
                IS DISTINCT FROM (NEW.number, NEW.reason, NEW.by_rule, NEW.opened_at, NEW.opened_by) THEN
                RAISE EXCEPTION 'nonconformance % is evidence: it is released once, and nothing else of it changes',
                    OLD.number USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER nonconformance_is_released_once BEFORE UPDATE ON nonconformance
        FOR EACH ROW EXECUTE FUNCTION nonconformance_is_released_once()
        """
    )
    op.execute(
        """
        CREATE TRIGGER nonconformance_is_evidence BEFORE DELETE OR TRUNCATE ON nonconformance
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )


def downgrade() -> None:
    op.drop_table("shipment")
    op.drop_table("containment")
    op.drop_table("unit_start")
    op.drop_table("unit_hold")
    op.drop_table("unit_disposition")
    op.drop_table("scrapped_unit")
    op.drop_table("progress")
    op.drop_table("packed_unit")
    op.drop_table("package_hold")
    op.drop_table("package_disposition")
    op.drop_table("nonconformance")
    op.drop_table("drill")
    op.execute("DROP FUNCTION nonconformance_is_released_once")
