"""Long columns of measurements are rows of their own.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-22
"""

import json
import zlib
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | Sequence[str] | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LONG = 1000
BY_STATION = "ix_measurement_station_id_recorded_at"
KEY = "unit_id, position_number, event_id, run"
PART = """
    substring(packed FROM offsets[number + 1] + 1
        FOR coalesce(offsets[number + 2], length(packed)) - offsets[number + 1])
"""
TAKEN_OUT = f"""
    INSERT INTO measurement_column ({KEY}, number, format, recorded_at, station_id, layout_id, packed)
    SELECT {KEY}, number, formats[number + 1], recorded_at, station_id, layout_id, {PART}
    FROM measurement CROSS JOIN unnest(CAST(:long AS integer[])) AS number
    WHERE layout_id = :layout_id ORDER BY unit_id, event_id
"""  # noqa: S608  (constants)
PUT_TOGETHER = """
    UPDATE measurement SET (offsets, packed) = (
        SELECT array_agg(ending - length(part) ORDER BY number), string_agg(part, '' ORDER BY number)
        FROM (
            SELECT number, part, CAST(sum(length(part)) OVER (ORDER BY number) AS integer) AS ending
            FROM generate_series(0, cardinality(formats) - 1) AS parts_of (number)
            CROSS JOIN LATERAL (SELECT {part} AS part) AS cut
        ) AS parts
    )
    WHERE {which}
"""
WITHOUT = PUT_TOGETHER.format(
    part=f"CASE WHEN number = ANY(CAST(:long AS integer[])) THEN '' ELSE {PART} END", which="layout_id = :layout_id"
)
COLUMN = """
    (SELECT long.packed FROM measurement_column AS long
    WHERE (long.unit_id, long.position_number, long.event_id, long.run)
        = (measurement.unit_id, measurement.position_number, measurement.event_id, measurement.run)
        AND long.number = parts_of.number)
"""
WITH = PUT_TOGETHER.format(
    part=f"coalesce({COLUMN}, {PART})",
    which=f"({KEY}) IN (SELECT {KEY} FROM measurement_column)",  # noqa: S608  (a constant)
)


def upgrade() -> None:
    op.create_table(
        "measurement_column",
        # The wide ones first: two columns of 3,000 numbers then stand in a page.
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("layout_id", sa.Integer(), nullable=False),
        sa.Column("position_number", sa.SmallInteger(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("format", sa.SmallInteger(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "unit_id", "position_number", "event_id", "run", "number", name=op.f("pk_measurement_column")
        ),
    )
    op.execute("ALTER TABLE measurement_column ALTER COLUMN packed SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE measurement_column SET (toast_tuple_target = 8160)")
    connection = op.get_bind()
    for layout_id, content in connection.execute(sa.text("SELECT layout_id, content FROM measurement_layout")).all():
        named = {"layout_id": layout_id, "long": _long(bytes(content))}
        if named["long"]:
            connection.execute(sa.text(TAKEN_OUT), named)
            connection.execute(sa.text(WITHOUT), named)
    op.create_index(
        "ix_measurement_column_station_id",
        "measurement_column",
        ["station_id", "layout_id", "number", "recorded_at", "event_id", "run"],
        unique=False,
    )
    op.drop_index(BY_STATION, table_name="measurement")
    op.create_index(BY_STATION, "measurement", ["station_id", "recorded_at", "layout_id"], unique=False)


def _long(content: bytes) -> list[int]:
    """The columns of a layout that hold so many numbers."""
    groups = json.loads(zlib.decompress(content))
    columns = [(column, len(group.get("names", ()))) for group in groups for column in group.get("columns", ())]
    return [number for number, (column, count) in enumerate(columns) if column["kind"] == "number" and count >= LONG]


def downgrade() -> None:
    op.drop_index(BY_STATION, table_name="measurement")
    op.create_index(BY_STATION, "measurement", ["station_id", "recorded_at"], unique=False)
    op.execute(WITH)
    op.drop_table("measurement_column")
