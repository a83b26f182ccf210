"""An index that holds all that is needed to add up what a conversation costs."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add it."""
    op.create_index("messages_by_cost", "messages", ["conversation_id", "role", "cost"])
