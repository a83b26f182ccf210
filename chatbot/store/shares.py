"""Shared copies: the only data that anyone with the address may read."""

import time
from typing import Any

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store.adding import owned
from chatbot.store.database import Database, reading, writing
from chatbot.store.records import Share, new_id
from chatbot.store.schema import conversations, shares
from chatbot.store.sizes import share_size

_LISTED = [shares.c[name] for name in ("id", "conversation_id", "title", "created_at")]


class Shares:
    """Read-only copies of conversations, each with its own unguessable address."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def add(
        self,
        connection: sa.Connection,
        owner: str,
        conversation_id: str,
        messages: list[dict[str, Any]],
    ) -> str:
        """Store a copy of some messages; return the copy's id.

        Raises ChatbotError("gone") if the conversation does not exist.
        """
        query = sa.select(conversations.c.title).where(*owned(owner, conversation_id))
        title = connection.scalar(query)
        if title is None:
            raise ChatbotError("gone")
        row = {
            "id": new_id(),
            "owner": owner,
            "conversation_id": conversation_id,
            "title": title,
            "messages": messages,
            "bytes": share_size(messages),
            "created_at": time.time(),
        }
        connection.execute(shares.insert(), row)
        return str(row["id"])

    @reading
    def get(self, connection: sa.Connection, share_id: str) -> Share | None:
        """Return the shared copy with this id, for any visitor; None if revoked or unknown."""
        query = (
            sa.select(*_LISTED, shares.c.messages)
            .join(conversations)
            .where(shares.c.id == share_id, conversations.c.deleted_at.is_(None))
        )
        row = connection.execute(query).first()
        return Share(**row._mapping) if row else None

    @reading
    def list(self, connection: sa.Connection, owner: str) -> list[Share]:
        """Return the owner's shared copies without messages, newest first."""
        query = (
            sa.select(*_LISTED)
            .join(conversations)
            .where(shares.c.owner == owner, conversations.c.deleted_at.is_(None))
            .order_by(shares.c.created_at.desc())
        )
        return [Share(**row._mapping) for row in connection.execute(query)]

    @writing
    def revoke(self, connection: sa.Connection, owner: str, share_id: str) -> None:
        """Delete a shared copy, so that its address no longer works."""
        connection.execute(shares.delete().where(shares.c.id == share_id, shares.c.owner == owner))
