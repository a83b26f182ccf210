"""An index that covers the sum of a conversation's costs."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the index."""
    op.create_index("messages_by_cost", "messages", ["conversation_id", "role", "cost"])
