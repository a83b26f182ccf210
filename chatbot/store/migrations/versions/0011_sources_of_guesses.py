"""Sources of failed login attempts, as hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    source = sa.Column("source", sa.String(32), nullable=False, server_default="")
    op.add_column("guesses", source)
