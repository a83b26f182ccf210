"""Search over the titles and messages of all one's conversations."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from chatbot.store.database import Database, reading
from chatbot.store.records import Found
from chatbot.store.schema import conversations, messages, passages
from chatbot.store.words import phrases, postgresql_query, sqlite_query

NEWEST_CONVERSATIONS = 200
"""These are read through before the index is asked.

A common word is found there at once, while the index lists the whole site's messages with it: a
visitor with ten conversations waited 200 ms for one among 100,000 messages of others, now 5 ms.
"""

_SIMPLE: sa.ColumnElement[str] = sa.literal_column("'simple'")  # words as they are, of any language


class Search:
    """Finds words, and for Chinese any part of a sentence; the newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def find(self, connection: sa.Connection, owner: str, query: str, limit: int) -> list[Found]:
        """Where all the words of a query are found, the last one perhaps only begun."""
        wanted = phrases(query)
        if not wanted:
            return []
        mine = (conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
        by_activity = sa.select(conversations.c.id).where(*mine)
        by_activity = by_activity.order_by(conversations.c.activity.desc())
        newest_ids = list(connection.scalars(by_activity.limit(NEWEST_CONVERSATIONS)))
        in_newest = _select(passages).where(
            passages.c.conversation_id.in_(newest_ids), *_contain(wanted)
        )
        found = _newest_first(connection, in_newest, passages.c.number, limit)
        if len(found) == limit or len(newest_ids) < NEWEST_CONVERSATIONS:
            return found
        is_postgresql = connection.dialect.name == "postgresql"
        in_all, number = (_postgresql_select if is_postgresql else _sqlite_select)(wanted)
        return _newest_first(connection, in_all.where(*mine), number, limit)


_is_not_cleared = sa.or_(
    conversations.c.cleared_leaf_id.is_(None),
    messages.c.id.is_(None),
    messages.c.sequence > conversations.c.cleared_sequence,
)


def _select(matching: sa.FromClause) -> sa.Select[Any]:
    return (
        sa.select(
            conversations.c.id,
            conversations.c.title,
            messages.c.id,
            sa.func.coalesce(messages.c.content, conversations.c.title),
            sa.func.coalesce(messages.c.created_at, conversations.c.updated_at),
        )
        .select_from(
            matching.join(conversations, conversations.c.id == passages.c.conversation_id).join(
                messages, messages.c.id == passages.c.message_id, isouter=True
            )
        )
        .where(_is_not_cleared)
    )


def _newest_first(
    connection: sa.Connection,
    query: sa.Select[Any],
    number: sa.ColumnElement[int],
    limit: int,
) -> list[Found]:
    rows = connection.execute(query.order_by(number.desc()).limit(limit))
    return [Found(*row) for row in rows]


def _contain(wanted: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """That the words of a passage have some phrases in them. Words hold no mark LIKE knows."""
    spaced = " " + passages.c.words + " "
    patterns = [f"% {phrase} %" for phrase in wanted[:-1]] + [f"% {wanted[-1]}%"]
    return [spaced.like(pattern) for pattern in patterns]


def _sqlite_select(wanted: Sequence[str]) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """From the index's own order, so that SQLite stops as soon as it has enough."""
    index = sa.table("passage_index", sa.column("rowid", sa.Integer), sa.column("passage_index"))
    matching = index.join(passages, passages.c.number == index.c.rowid)
    is_found = index.c.passage_index.op("MATCH")(sqlite_query(wanted))
    return _select(matching).where(is_found), index.c.rowid


def _postgresql_select(wanted: Sequence[str]) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """By the index those with all the words, then by their text those with them in a row.

    A phrase in the index's query would have each text parsed again: seconds for common words.
    """
    vector = sa.func.to_tsvector(_SIMPLE, passages.c.words)
    query = sa.func.to_tsquery(_SIMPLE, postgresql_query(wanted))
    # Materialized: without statistics PostgreSQL has walked all messages once for each match.
    matching = (
        sa.select(passages.c.number)
        .where(vector.op("@@")(query), *_contain(wanted))
        .cte("matching")
        .prefix_with("MATERIALIZED")
    )
    is_found = passages.c.number.in_(sa.select(matching.c.number))
    return _select(passages).where(is_found), passages.c.number
