"""Reasoning of models, and detailed token counts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    for column in (
        sa.Column("reasoning", sa.Text, nullable=False, server_default=""),
        sa.Column("reasoning_seconds", sa.Float),
        sa.Column("cached_tokens", sa.Integer),
        sa.Column("reasoning_tokens", sa.Integer),
    ):
        op.add_column("messages", column)
