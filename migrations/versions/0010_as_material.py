"""Units that were built in as a material.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TIED = """
    INSERT INTO unit_package (package_id, unit_id)
    SELECT package_id, unit_id FROM package JOIN serial ON serial.serial = package.identifier
"""
HELD = """
    INSERT INTO material_child (set_id, child_id, package_id, reference_designator)
    SELECT DISTINCT ON (set_id, unit_id) set_id, unit_id, tied.package_id, reference_designators[1]
    FROM unit_package AS tied
    JOIN material_chunk ON material_chunk.package_ids @> ARRAY[tied.package_id]
    CROSS JOIN LATERAL unnest(placement_ids, package_ids) AS pair (placement_id, package_id)
    JOIN placement ON placement.placement_id = pair.placement_id
    JOIN material_set ON material_set.chunk_ids @> ARRAY[material_chunk.chunk_id]
    WHERE pair.package_id = tied.package_id AND (reference_designators <> '{}' OR rejected_designators = '{}')
    ORDER BY set_id, unit_id, reference_designators[1]
"""
BUILT_IN = """
    INSERT INTO installed_unit (
        unit_id, position_number, event_id, child_id, package_id, reference_designator, station_id, candidates,
        recorded_at, received_at
    )
    SELECT installation.unit_id, position_number, event_id, child_id, package_id, reference_designator, station_id,
        candidates, recorded_at, received_at
    FROM material_child JOIN installation USING (set_id)
    WHERE child_id <> installation.unit_id
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "unit_package",
        sa.Column("package_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_unit_package")),
    )
    op.create_table(
        "material_child",
        sa.Column("set_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("child_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("reference_designator", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("set_id", "child_id", name=op.f("pk_material_child")),
    )
    op.add_column("installed_unit", sa.Column("package_id", sa.Integer(), nullable=True))
    for carried in (TIED, HELD, BUILT_IN):
        op.execute(carried)


def downgrade() -> None:
    op.execute("DELETE FROM installed_unit WHERE package_id IS NOT NULL")
    op.drop_column("installed_unit", "package_id")
    op.drop_table("material_child")
    op.drop_table("unit_package")
