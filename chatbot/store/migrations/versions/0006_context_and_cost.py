"""The sent part of a conversation, its cost, and the calibration of models."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns, and a table of measures."""
    for column in (
        sa.Column("sent_tokens", sa.Integer),
        sa.Column("first_sent_id", sa.String(32)),
        sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("cost", sa.Float),
    ):
        op.add_column("messages", column)
    op.create_table(
        "measures",
        sa.Column("endpoint", sa.String(64), primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("measured_at", sa.Float, nullable=False),
    )
