"""Parameters that the models of an endpoint refuse."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table of refused parameters."""
    op.create_table(
        "refusals",
        sa.Column("endpoint", sa.String(64), primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("parameter", sa.String(32), primary_key=True),
        sa.Column("replacement", sa.String(32), nullable=False),
        sa.Column("refused_at", sa.Float, nullable=False),
    )
