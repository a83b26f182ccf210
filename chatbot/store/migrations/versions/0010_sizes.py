"""Sizes in bytes of conversations, messages and shared copies."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ROW_BYTES = 700
SEARCHED = 3


def upgrade() -> None:
    """Add the columns with estimates for existing rows, and the indexes for their sums."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"

    def size(column: str) -> str:
        text = f"CAST({column} AS TEXT)"
        return f"octet_length({text})" if is_postgresql else f"length(CAST({text} AS BLOB))"

    for table, bytes_of in (
        ("conversations", size("controls")),
        ("messages", f"{SEARCHED} * {size('content')} + {size('reasoning')}"),
        ("shares", size("messages")),
    ):
        column = sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0")
        op.add_column(table, column)
        op.execute(f"UPDATE {table} SET bytes = {ROW_BYTES} + {bytes_of}")
    op.create_index("conversations_by_size", "conversations", ["owner", "id", "bytes"])
    op.create_index("messages_by_size", "messages", ["conversation_id", "bytes"])
    op.create_index("shares_by_size", "shares", ["owner", "bytes"])
