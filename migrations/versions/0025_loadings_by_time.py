"""What was loaded in a slot next, by its time: where packages were is asked without reading all that ever was there.

Revision ID: 0025
Revises: 0024
Create Date: 2026-11-23
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | Sequence[str] | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_loading_event_loaded"),
        "loading_event",
        ["station_id", "slot", "recorded_at"],
        postgresql_where=sa.text("kind = 'loaded'"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_loading_event_loaded"), table_name="loading_event")
