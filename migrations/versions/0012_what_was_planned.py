"""What bills of material asked for, and for whom orders were planned, before they were changed.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_Timestamp = postgresql.TIMESTAMP(timezone=True)
_PLANNED = ("bom_item", "approved_part")


def upgrade() -> None:
    op.create_table(
        "former_bom_item",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("reference_designator", sa.Text(), nullable=False),
        sa.Column("known_until", _Timestamp, nullable=False),
        sa.Column("known_from", _Timestamp, nullable=True),
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "product_revision_id", "reference_designator", "known_until", name=op.f("pk_former_bom_item")
        ),
    )
    op.create_table(
        "former_approved_part",
        sa.Column("product_revision_id", sa.Integer(), nullable=False),
        sa.Column("part_number", sa.Text(), nullable=False),
        sa.Column("alternate_part_number", sa.Text(), nullable=False),
        sa.Column("known_until", _Timestamp, nullable=False),
        sa.Column("known_from", _Timestamp, nullable=True),
        sa.PrimaryKeyConstraint(
            "product_revision_id",
            "part_number",
            "alternate_part_number",
            "known_until",
            name=op.f("pk_former_approved_part"),
        ),
    )
    op.create_table(
        "former_order",
        sa.Column("work_order_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("known_until", _Timestamp, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("product_revision_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("work_order_id", "known_until", name=op.f("pk_former_order")),
    )
    for table in _PLANNED:
        # What is planned already was, as far as anybody knows, planned so ever since.
        op.add_column(table, sa.Column("known_from", _Timestamp, nullable=True))
        op.alter_column(table, "known_from", server_default=sa.text("now()"))
    # What was changed twice in one transaction nobody ever saw in between.
    op.execute(
        """
        CREATE FUNCTION keep_former_bom_item() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.known_from IS DISTINCT FROM now() THEN
                INSERT INTO former_bom_item (
                    product_revision_id, reference_designator, part_number, side, known_from, known_until
                ) VALUES (
                    OLD.product_revision_id, OLD.reference_designator, OLD.part_number, OLD.side, OLD.known_from, now()
                );
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            NEW.known_from := now();
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_former_bom_item BEFORE UPDATE OR DELETE ON bom_item
        FOR EACH ROW EXECUTE FUNCTION keep_former_bom_item()
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_former_approved_part() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.known_from IS DISTINCT FROM now() THEN
                INSERT INTO former_approved_part (
                    product_revision_id, part_number, alternate_part_number, known_from, known_until
                ) VALUES (
                    OLD.product_revision_id, OLD.part_number, OLD.alternate_part_number, OLD.known_from, now()
                );
            END IF;
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            NEW.known_from := now();
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_former_approved_part BEFORE UPDATE OR DELETE ON approved_part
        FOR EACH ROW EXECUTE FUNCTION keep_former_approved_part()
        """
    )
    op.execute(
        """
        CREATE FUNCTION keep_former_order() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO former_order (work_order_id, known_until, customer_id, product_revision_id)
            VALUES (OLD.work_order_id, now(), OLD.customer_id, OLD.product_revision_id)
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_former_order AFTER UPDATE OF customer_id, product_revision_id ON work_order
        FOR EACH ROW
        WHEN (OLD.customer_id IS DISTINCT FROM NEW.customer_id
              OR OLD.product_revision_id IS DISTINCT FROM NEW.product_revision_id)
        EXECUTE FUNCTION keep_former_order()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_former_order ON work_order")
    op.execute("DROP FUNCTION keep_former_order")
    for table in _PLANNED:
        op.execute(f"DROP TRIGGER keep_former_{table} ON {table}")
        op.execute(f"DROP FUNCTION keep_former_{table}")
        op.drop_column(table, "known_from")
    op.drop_table("former_order")
    op.drop_table("former_approved_part")
    op.drop_table("former_bom_item")
