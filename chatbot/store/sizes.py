"""Sizes of conversations on disk in bytes, for the storage limits.

Each row has its own size in a column, so that no total has to be updated when rows are deleted,
and a sum reads only an index.
"""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from chatbot.store.database import Database, reading
from chatbot.store.records import Message
from chatbot.store.schema import conversations, messages, shares

ROW_BYTES = 700
"""Size of a message of one letter with all its index entries, measured with SQLite."""

SEARCHED = 3
"""Number of stored copies of a searchable text: one as text, the others as words in the index."""

SITE_SECONDS = 30.0
"""Longest age of the cached sum of the whole site."""


class Used(NamedTuple):
    """Size of an owner's data, in bytes."""

    total: int
    in_trash: int
    """The part that was deleted, and can still be restored."""


def message_size(message: Message) -> int:
    """Estimate the bytes of a message with its index entries."""
    rest = f"{message.reasoning}{message.model or ''}{message.finish_reason or ''}"
    error = json.dumps(message.error) if message.error else ""
    return ROW_BYTES + SEARCHED * _bytes(message.content) + _bytes(rest) + len(error)


def message_row(message: Message) -> dict[str, Any]:
    """Return a message as a row of its table."""
    return {**vars(message), "bytes": message_size(message)}


def conversation_size(controls: Mapping[str, Any], origin: str | None) -> int:
    """Estimate the bytes of a conversation without its messages; titles are short."""
    return ROW_BYTES + len(json.dumps(controls)) + _bytes(origin or "")


def share_size(copied: list[dict[str, Any]]) -> int:
    """Estimate the bytes of a shared copy."""
    return ROW_BYTES + len(json.dumps(copied))


class Sizes:
    """Sizes of an owner's data, and of all data."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._summing = threading.Lock()
        self._of_site = 0
        self._summed_at: float | None = None

    @reading
    def of_owner(self, connection: sa.Connection, owner: str) -> int:
        """Return the size of an owner's data in bytes."""
        return _sum(connection, conversations.c.owner == owner) + _shared(connection, owner)

    @reading
    def used(self, connection: sa.Connection, owner: str) -> Used:
        """Return the size of an owner's data, and of the part in the trash."""
        is_owners = conversations.c.owner == owner
        total = _sum(connection, is_owners) + _shared(connection, owner)
        deleted = _sum(connection, is_owners & conversations.c.deleted_at.is_not(None))
        return Used(total, deleted)

    def of_site(self) -> int:
        """Return the size of all owners' data in bytes, at most SITE_SECONDS old."""
        with self._summing:
            now = time.monotonic()
            if self._summed_at is None or now - self._summed_at > SITE_SECONDS:
                self._of_site = self._sum_of_site()
                self._summed_at = now
            return self._of_site

    @reading
    def _sum_of_site(self, connection: sa.Connection) -> int:
        sums = (
            sa.select(sa.func.sum(table.c.bytes)) for table in (conversations, messages, shares)
        )
        return sum(int(connection.scalar(query) or 0) for query in sums)


def _sum(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    rows = sa.select(sa.func.sum(conversations.c.bytes)).where(condition)
    texts = sa.select(sa.func.sum(messages.c.bytes)).join(conversations).where(condition)
    return sum(int(connection.scalar(query) or 0) for query in (rows, texts))


def _shared(connection: sa.Connection, owner: str) -> int:
    query = sa.select(sa.func.sum(shares.c.bytes)).where(shares.c.owner == owner)
    return int(connection.scalar(query) or 0)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
