"""Recent questions, and totals of use by day, visitor and model."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "spendings",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("message_id", sa.String(32)),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("dollars", sa.Float, nullable=False),
        sa.Column("began_at", sa.Float, nullable=False),
        sa.Column("ends_by", sa.Float, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )
    op.create_table(
        "visitor_days",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.String(64), primary_key=True),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("dollars", sa.Float, nullable=False),
    )
    op.create_table(
        "model_days",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("visitors", sa.Integer, nullable=False),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("read_tokens", sa.BigInteger, nullable=False),
        sa.Column("written_tokens", sa.BigInteger, nullable=False),
        sa.Column("dollars", sa.Float, nullable=False),
        sa.Column("assumed_dollars", sa.Float, nullable=False),
        sa.Column("first_texts", sa.Integer, nullable=False),
        sa.Column("first_text_seconds", sa.Float, nullable=False),
        sa.Column("timed_tokens", sa.BigInteger, nullable=False),
        sa.Column("timed_seconds", sa.Float, nullable=False),
    )
