"""Search in the texts of messages and in titles, as words."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from chatbot.store.database import Database, reading
from chatbot.store.records import Message, SearchResult
from chatbot.store.schema import conversations, messages, passages
from chatbot.store.search_text import phrases, postgresql_query, sqlite_query, words


def set_title(connection: sa.Connection, conversation_id: str, title: str) -> None:
    """Make a title searchable, replacing an earlier title."""
    # The concatenation keeps SQLite from using an index that would visit all titles.
    is_title = (passages.c.message_id + "").is_(None)
    connection.execute(
        passages.delete().where(passages.c.conversation_id == conversation_id, is_title)
    )
    add_titles(connection, [(conversation_id, title)])


def add_titles(connection: sa.Connection, titles: Sequence[tuple[str, str]]) -> None:
    """Make titles searchable; each comes with the id of its conversation."""
    rows = [
        {"conversation_id": conversation_id, "message_id": None, "words": words(title)}
        for conversation_id, title in titles
    ]
    connection.execute(passages.insert(), rows)


def add_texts(connection: sa.Connection, added: Sequence[Message]) -> None:
    """Make messages searchable, in order of arrival."""
    rows = [
        {
            "conversation_id": message.conversation_id,
            "message_id": message.id,
            "words": words(message.content),
        }
        for message in added
        if message.content and not message.is_running
    ]
    if rows:
        connection.execute(passages.insert(), rows)


def set_text(connection: sa.Connection, message_id: str) -> None:
    """Make the final text of an answer searchable, replacing an earlier text."""
    connection.execute(passages.delete().where(passages.c.message_id == message_id))
    columns = [messages.c[name] for name in Message.__dataclass_fields__]
    row = connection.execute(sa.select(*columns).where(messages.c.id == message_id)).first()
    if row:
        add_texts(connection, [Message(**row._mapping)])


NEWEST_CONVERSATIONS = 200
"""Newest conversations that are searched before the index.

For a common word the index lists matches in all visitors' messages, which is slow on a large site.
Most visitors find the word in their own newest conversations.
"""

_SIMPLE: sa.ColumnElement[str] = sa.literal_column("'simple'")  # words unchanged, in any language


class Search:
    """Search for words, and in Chinese for any part of a sentence; newest matches first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def find(
        self, connection: sa.Connection, owner: str, query: str, limit: int
    ) -> list[SearchResult]:
        """Find all words of a query; the last word may be only the beginning of a word."""
        query_phrases = phrases(query)
        if not query_phrases:
            return []
        mine = (conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
        by_activity = sa.select(conversations.c.id).where(*mine)
        by_activity = by_activity.order_by(conversations.c.activity.desc())
        newest_ids = list(connection.scalars(by_activity.limit(NEWEST_CONVERSATIONS)))
        in_newest = _select(passages).where(
            passages.c.conversation_id.in_(newest_ids), *_contain(query_phrases)
        )
        newest_matches = _newest_first(connection, in_newest, passages.c.number, limit)
        if len(newest_matches) == limit or len(newest_ids) < NEWEST_CONVERSATIONS:
            return newest_matches
        is_postgresql = connection.dialect.name == "postgresql"
        in_all, number = (_postgresql_select if is_postgresql else _sqlite_select)(query_phrases)
        return _newest_first(connection, in_all.where(*mine), number, limit)


def _select(matching: sa.FromClause) -> sa.Select[Any]:
    return sa.select(
        conversations.c.id,
        conversations.c.title,
        messages.c.id,
        sa.func.coalesce(messages.c.content, conversations.c.title),
        sa.func.coalesce(messages.c.created_at, conversations.c.updated_at),
    ).select_from(
        matching.join(conversations, conversations.c.id == passages.c.conversation_id).join(
            messages, messages.c.id == passages.c.message_id, isouter=True
        )
    )


def _newest_first(
    connection: sa.Connection,
    query: sa.Select[Any],
    number: sa.ColumnElement[int],
    limit: int,
) -> list[SearchResult]:
    rows = connection.execute(query.order_by(number.desc()).limit(limit))
    return [SearchResult(*row) for row in rows]


def _contain(query_phrases: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """Return conditions for passages with all phrases. Words contain no wildcards of LIKE."""
    spaced = " " + passages.c.words + " "
    patterns = [f"% {phrase} %" for phrase in query_phrases[:-1]] + [f"% {query_phrases[-1]}%"]
    return [spaced.like(pattern) for pattern in patterns]


def _sqlite_select(query_phrases: Sequence[str]) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """Search SQLite's index in its own order, so that SQLite stops at the limit."""
    index = sa.table("passage_index", sa.column("rowid", sa.Integer), sa.column("passage_index"))
    matching = index.join(passages, passages.c.number == index.c.rowid)
    is_found = index.c.passage_index.op("MATCH")(sqlite_query(query_phrases))
    return _select(matching).where(is_found), index.c.rowid


def _postgresql_select(
    query_phrases: Sequence[str],
) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """Search PostgreSQL's index for all words, then the texts for the words in a row.

    A phrase in the query of the index would parse each text again, which is slow for common words.
    """
    vector = sa.func.to_tsvector(_SIMPLE, passages.c.words)
    query = sa.func.to_tsquery(_SIMPLE, postgresql_query(query_phrases))
    # Materialized, because without statistics PostgreSQL may scan all messages for each match.
    matching = (
        sa.select(passages.c.number)
        .where(vector.op("@@")(query), *_contain(query_phrases))
        .cte("matching")
        .prefix_with("MATERIALIZED")
    )
    is_found = passages.c.number.in_(sa.select(matching.c.number))
    return _select(passages).where(is_found), passages.c.number
