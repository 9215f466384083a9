"""How often nozzles placed something, told with what was installed.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-22
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

HOLES = re.compile(rb"[\xf8-\xfb]")
BLANKS = {b"\xf8": b"null", b"\xf9": b"0", b"\xfa": b"null", b"\xfb": b"null"}
REGISTERED = """
    INSERT INTO tool (identifier, kind, unplanned)
    SELECT DISTINCT nozzle, 'nozzle', true FROM placement CROSS JOIN LATERAL unnest(nozzles) AS nozzle ORDER BY nozzle
    ON CONFLICT DO NOTHING
"""
# One installation a board and message; where several boards may be meant, they share one.
COUNTED = """
    INSERT INTO tool_count AS counted (tool_id, hour, station_id, strokes, picks, placed)
    SELECT tool_id, coalesce(hour, 'epoch'), coalesce(station_id, 0), 0, 0, sum(placed)
    FROM (
        SELECT tool_id, installed.hour, installed.station_id, round(installed.times * picked.picks) AS placed
        FROM (
            SELECT set_id, station_id, date_trunc('hour', recorded_at, 'UTC') AS hour, sum(1.0 / candidates) AS times
            FROM installation GROUP BY 1, 2, 3
        ) AS installed
        JOIN (
            SELECT set_id, picked.nozzle, sum(picked.picks) AS picks
            FROM material_set
            CROSS JOIN LATERAL unnest(chunk_ids) AS listed (chunk_id)
            JOIN material_chunk USING (chunk_id)
            CROSS JOIN LATERAL unnest(placement_ids) AS part (placement_id)
            JOIN placement USING (placement_id)
            CROSS JOIN LATERAL unnest(nozzles, nozzle_picks) AS picked (nozzle, picks)
            GROUP BY set_id, picked.nozzle
        ) AS picked USING (set_id)
        JOIN tool ON tool.identifier = picked.nozzle
    ) AS done
    GROUP BY GROUPING SETS ((tool_id, hour, station_id), (tool_id))
    ON CONFLICT (tool_id, hour, station_id) DO UPDATE SET placed = excluded.placed
"""


def upgrade() -> None:
    picks: sa.Column[list[int]] = sa.Column(
        "nozzle_picks", postgresql.ARRAY(sa.SmallInteger()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column("placement", picks)
    op.add_column("tool_count", sa.Column("placed", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT placement_id, nozzles, template FROM placement WHERE nozzles <> '{}'"))
    for placement_id, nozzles, template in rows.all():
        counted = _picked(bytes(template))
        connection.execute(
            sa.text("UPDATE placement SET nozzle_picks = :picks WHERE placement_id = :placement_id"),
            {"picks": [min(counted[nozzle], 32767) for nozzle in nozzles], "placement_id": placement_id},
        )
    op.execute(REGISTERED)
    op.execute(COUNTED)


def _picked(template: bytes) -> Counter[str]:
    """Nozzles of the components of an entry, by their identifier."""
    entry = json.loads(HOLES.sub(lambda hole: BLANKS[hole[0]], zlib.decompress(template)))
    heads = [component.get("HeadAndNozzle") or {} for component in entry.get("InstalledComponents") or ()]
    return Counter(head["UniqueIdentifier"] for head in heads if head.get("UniqueIdentifier"))


def downgrade() -> None:
    op.drop_column("tool_count", "placed")
    op.drop_column("placement", "nozzle_picks")
