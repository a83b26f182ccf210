"""One kind of trash: Clear deletes the conversation, as Delete does, and begins a new one."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Move conversations that are still cleared to the trash, and erase older cleared messages."""
    op.execute("""
        UPDATE conversations
        SET leaf_id = cleared_leaf_id, deleted_at = COALESCE(deleted_at, cleared_at)
        WHERE cleared_leaf_id IS NOT NULL AND leaf_id IS NULL""")
    op.execute("""
        DELETE FROM messages WHERE EXISTS (
            SELECT 1 FROM conversations
            WHERE conversations.id = messages.conversation_id
            AND cleared_leaf_id IS NOT NULL AND leaf_id <> cleared_leaf_id
            AND messages.sequence <= cleared_sequence
        )""")
    op.drop_index("conversations_cleared", "conversations")
    for column in ("cleared_leaf_id", "cleared_at", "cleared_sequence"):
        op.drop_column("conversations", column)
