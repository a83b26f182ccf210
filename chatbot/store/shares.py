"""Shared copies: what anybody with the address may read, and nothing else."""

import time
from typing import Any

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store.conversations import owned
from chatbot.store.database import Database, reading, writing
from chatbot.store.records import Share, new_id
from chatbot.store.schema import conversations, shares

_LISTED = [shares.c[name] for name in ("id", "conversation_id", "title", "created_at")]


class Shares:
    """Read-only copies of conversations, each at an unguessable address of its own."""

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
        """Keep a copy of some messages; returns the copy's id.

        Raises ChatbotError("gone") when there is no such conversation.
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
            "created_at": time.time(),
        }
        connection.execute(shares.insert(), row)
        return str(row["id"])

    @reading
    def get(self, connection: sa.Connection, share_id: str) -> Share | None:
        """The shared copy of this id, for anybody; None if it was revoked or never was."""
        query = (
            sa.select(*_LISTED, shares.c.messages)
            .join(conversations)
            .where(shares.c.id == share_id, conversations.c.deleted_at.is_(None))
        )
        row = connection.execute(query).first()
        return Share(**row._mapping) if row else None

    @reading
    def list(self, connection: sa.Connection, owner: str) -> list[Share]:
        """What the owner has shared, without the messages, newest first."""
        query = (
            sa.select(*_LISTED)
            .join(conversations)
            .where(shares.c.owner == owner, conversations.c.deleted_at.is_(None))
            .order_by(shares.c.created_at.desc())
        )
        return [Share(**row._mapping) for row in connection.execute(query)]

    @writing
    def revoke(self, connection: sa.Connection, owner: str, share_id: str) -> None:
        """Take a shared copy away: its address leads nowhere from now on."""
        connection.execute(shares.delete().where(shares.c.id == share_id, shares.c.owner == owner))
