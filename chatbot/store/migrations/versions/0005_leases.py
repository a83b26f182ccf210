"""Which process may write an answer, when several share the database."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a column for it."""
    op.add_column("messages", sa.Column("lease", sa.String(32)))
