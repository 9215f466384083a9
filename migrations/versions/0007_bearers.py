"""Tokens that a person bears.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Of the tokens there are, nobody knows who bears them: they stay nobody's.
    op.add_column("token", sa.Column("person_id", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_token_person_id_person"), "token", "person", ["person_id"], ["person_id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_token_person_id_person"), "token", type_="foreignkey")
    op.drop_column("token", "person_id")
