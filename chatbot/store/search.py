"""Search over the titles and messages of all one's conversations."""

import sqlalchemy as sa

from chatbot.store.database import Database, reading
from chatbot.store.records import Found
from chatbot.store.schema import conversations, messages, passages
from chatbot.store.words import postgresql_query, sqlite_query

_SIMPLE: sa.ColumnElement[str] = sa.literal_column("'simple'")  # words as they are, of any language


class Search:
    """Finds words, and for Chinese any part of a sentence; the newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def find(self, connection: sa.Connection, owner: str, query: str, limit: int) -> list[Found]:
        """Where all the words of a query are found, the last one perhaps only begun."""
        if connection.dialect.name == "postgresql":
            wanted = postgresql_query(query)
            matching, number, is_found = _postgresql_passages(wanted)
        else:
            wanted = sqlite_query(query)
            matching, number, is_found = _sqlite_passages(wanted)
        if not wanted:
            return []
        found = (
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
            .where(
                is_found,
                conversations.c.owner == owner,
                conversations.c.deleted_at.is_(None),
                _is_not_cleared,
            )
            .order_by(number.desc())
            .limit(limit)
        )
        return [Found(*row) for row in connection.execute(found)]


_is_not_cleared = sa.or_(
    conversations.c.cleared_leaf_id.is_(None),
    messages.c.id.is_(None),
    messages.c.sequence > conversations.c.cleared_sequence,
)

_Passages = tuple[sa.FromClause, sa.ColumnElement[int], sa.ColumnElement[bool]]


def _sqlite_passages(wanted: str) -> _Passages:
    """From the index's own order, so that SQLite stops as soon as it has enough."""
    index = sa.table("passage_index", sa.column("rowid", sa.Integer), sa.column("passage_index"))
    matching = index.join(passages, passages.c.number == index.c.rowid)
    return matching, index.c.rowid, index.c.passage_index.op("MATCH")(wanted)


def _postgresql_passages(wanted: str) -> _Passages:
    vector = sa.func.to_tsvector(_SIMPLE, passages.c.words)
    is_found: sa.ColumnElement[bool] = vector.op("@@")(sa.func.to_tsquery(_SIMPLE, wanted))
    return passages, passages.c.number, is_found
