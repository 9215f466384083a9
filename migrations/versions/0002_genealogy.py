"""Genealogy at any size: what questions and counts need kept.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-22
"""

from collections.abc import Sequence
from typing import Any

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
    _counts_that_are_kept()
    _what_was_known_when()
    _what_is_said_of_packages()
    op.create_index(
        "ix_unit_event_personalized",
        "unit_event",
        ["body"],
        postgresql_using="gin",
        postgresql_ops={"body": "jsonb_path_ops"},
        postgresql_where=sa.text("message_name = 'CFX.Production.Assembly.UnitsPersonalized'"),
    )
    op.add_column("work_order", sa.Column("announced_at", postgresql.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    for name, (table, _, _) in _DUE.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}")
    for table in ("population", "counted_unit", "due_count"):
        op.drop_table(table)
    op.drop_table("body_template")
    op.drop_index("ix_unit_event_personalized", table_name="unit_event")
    op.drop_column("work_order", "announced_at")
    op.drop_column("package", "surface_finish")
    op.drop_index("ix_package_description_deliveries", table_name="package_description")
    for column in reversed(_SAID):
        op.drop_column("package_description", column)
    for table in ("removal", "installed_unit"):
        op.drop_column(table, "candidates")
    op.drop_column("spoken_position", "received_at")
    op.drop_table("former_claim")
    op.drop_column("unit", "claim_received_at")


def _counts_that_are_kept() -> None:
    op.create_table(
        "due_count",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "number", name=op.f("pk_due_count")),
    )
    op.create_table(
        "counted_unit",
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("set_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", "position_number", name=op.f("pk_counted_unit")),
    )
    op.create_table(
        "population",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "work_order_id", name=op.f("pk_population")),
    )
    for name, (table, deed, about) in _DUE.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" INSERT INTO due_count (unit_id, since) {about}; RETURN NULL; END $$"
        )
        former = " OLD TABLE AS former" if deed == "UPDATE" else ""
        op.execute(
            f"CREATE TRIGGER {name} AFTER {deed} ON {table} REFERENCING NEW TABLE AS told{former}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


_WORK = "SELECT DISTINCT unit_id, CAST('-infinity' AS timestamptz) FROM told WHERE position_numbers IS NOT NULL"
_DUE = {
    "installations_are_due": (
        "installation",
        "INSERT",
        "SELECT unit_id, min(recorded_at) FROM told GROUP BY unit_id",
    ),
    # A link is about its unit, and about those that were in the place until then.
    "links_are_due": (
        "panel_position",
        "INSERT",
        """SELECT unit_id, CAST('-infinity' AS timestamptz) FROM told
        UNION ALL SELECT panel_id, min(linked_at) FROM told GROUP BY panel_id""",
    ),
    "positions_are_due": (
        "spoken_position",
        "INSERT",
        "SELECT DISTINCT unit_id, CAST('-infinity' AS timestamptz) FROM told",
    ),
    "starts_are_due": ("work_record", "INSERT", _WORK),
    "late_starts_are_due": ("work_record", "UPDATE", _WORK),
    "claims_are_due": (
        "unit",
        "UPDATE",
        """SELECT told.unit_id, CAST('-infinity' AS timestamptz) FROM told JOIN former USING (unit_id)
        WHERE told.work_order_id IS DISTINCT FROM former.work_order_id""",
    ),
}
"""What the kept counts have to be brought up to: trigger, table, deed, units concerned and since when."""


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


_SAID: dict[str, Any] = {
    "manufacturer_part_number": sa.Text(),
    "vendor_part_number": sa.Text(),
    "initial_quantity": sa.Float(),
    "quantity": sa.Float(),
    "expires_at": postgresql.TIMESTAMP(timezone=True),
    "received_on": postgresql.TIMESTAMP(timezone=True),
    "deliveries": postgresql.ARRAY(sa.Text()),
    "surface_finish": sa.Text(),
}


def _what_is_said_of_packages() -> None:
    op.add_column("package", sa.Column("surface_finish", sa.Text(), nullable=True))
    for column, kind in _SAID.items():
        op.add_column("package_description", sa.Column(column, kind, nullable=True))
    op.create_index("ix_package_description_deliveries", "package_description", ["deliveries"], postgresql_using="gin")
