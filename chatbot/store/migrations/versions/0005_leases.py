"""Leases of answers: the right to write, when several processes share the database."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column for leases."""
    op.add_column("messages", sa.Column("lease", sa.String(32)))
