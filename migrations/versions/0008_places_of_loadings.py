"""The latest loadings of each lane of each slot, by an index.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_loading_event_place",
        "loading_event",
        [
            "station_id",
            sa.text("coalesce(slot, slot_name, '')"),
            sa.text("coalesce(lane, '')"),
            sa.text("least(recorded_at, received_at)"),
        ],
    )
    op.drop_index("ix_loading_event_slot", table_name="loading_event")


def downgrade() -> None:
    op.create_index("ix_loading_event_slot", "loading_event", ["station_id", "slot", "recorded_at"])
    op.drop_index("ix_loading_event_place", table_name="loading_event")
