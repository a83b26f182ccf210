"""The tables. A change here also needs a migration; a test compares both."""

import sqlalchemy as sa

from chatbot.store.records import State

metadata = sa.MetaData()

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("leaf_id", sa.String(32)),
    sa.Column("controls", sa.JSON, nullable=False),
    sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("activity", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_sequence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("origin", sa.Text),
    sa.Column("deleted_at", sa.Float),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("conversations_by_size", "owner", "id", "bytes"),
    sa.Index("conversations_by_activity", "owner", "activity"),
    sa.Index("conversations_by_origin", "owner", "origin"),
)
messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("parent_id", sa.String(32)),
    sa.Column("sequence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("reasoning", sa.Text, nullable=False, server_default=""),
    sa.Column("reasoning_seconds", sa.Float),
    sa.Column(
        "state",
        sa.Enum(State, native_enum=False, length=16, values_callable=lambda states: list(states)),
        nullable=False,
    ),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("model", sa.Text),
    sa.Column("host", sa.Text),
    sa.Column("finish_reason", sa.Text),
    sa.Column("prompt_tokens", sa.Integer),
    sa.Column("completion_tokens", sa.Integer),
    sa.Column("cached_tokens", sa.Integer),
    sa.Column("reasoning_tokens", sa.Integer),
    sa.Column("sent_tokens", sa.Integer),
    sa.Column("first_sent_id", sa.String(32)),
    sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cost", sa.Float),
    sa.Column("rating", sa.Integer),
    sa.Column("lease", sa.String(32)),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("saved_at", sa.Float, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("messages_by_size", "conversation_id", "bytes"),
    sa.Index("messages_by_parent", "conversation_id", "parent_id", "sequence"),
    sa.Index("messages_by_cost", "conversation_id", "role", "cost"),
)

is_answering = messages.c.state == sa.literal_column("'answering'")
"""Written as a constant in SQL, because SQLite uses the partial index only for constants."""

passages = sa.Table(
    "passages",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("message_id", sa.ForeignKey("messages.id", ondelete="CASCADE"), unique=True),
    sa.Column("words", sa.Text, nullable=False),
)
"""Searchable words of each message, and of each title, whose row has no message."""

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False, index=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("messages", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("shares_by_size", "owner", "bytes"),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("endpoint", sa.String(64), primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("parameter", sa.String(32), primary_key=True),
    sa.Column("replacement", sa.String(32), nullable=False),
    sa.Column("refused_at", sa.Float, nullable=False),
)

calibration = sa.Table(
    "measures",
    metadata,
    sa.Column("endpoint", sa.String(64), primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("measured_at", sa.Float, nullable=False),
)

spendings = sa.Table(
    "spendings",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("message_id", sa.String(32)),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("dollars", sa.Float, nullable=False),
    sa.Column("began_at", sa.Float, nullable=False),
    sa.Column("ends_by", sa.Float, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
)
"""Running questions, and questions of the last minute: a handful of rows."""

visitor_days = sa.Table(
    "visitor_days",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.String(64), primary_key=True),
    sa.Column("questions", sa.Integer, nullable=False),
    sa.Column("tokens", sa.BigInteger, nullable=False),
    sa.Column("dollars", sa.Float, nullable=False),
)
"""Use by each visitor today. Older days are deleted."""

model_days = sa.Table(
    "model_days",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("visitors", sa.Integer, nullable=False),
    sa.Column("questions", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("read_tokens", sa.BigInteger, nullable=False),
    sa.Column("written_tokens", sa.BigInteger, nullable=False),
    sa.Column("dollars", sa.Float, nullable=False),
    sa.Column("assumed_dollars", sa.Float, nullable=False),
    sa.Column("first_texts", sa.Integer, nullable=False),
    sa.Column("first_text_seconds", sa.Float, nullable=False),
    sa.Column("timed_tokens", sa.BigInteger, nullable=False),
    sa.Column("timed_seconds", sa.Float, nullable=False),
)
"""Use of the site by day and model, without visitors."""

login_attempts = sa.Table(
    "guesses",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("source", sa.String(32), nullable=False, server_default=""),
)
"""Failed login attempts of the last minutes, each with a hash of its source."""

# SQLite's full-text index over the words, updated by triggers as its documentation shows
# (sqlite.org/fts5.html, "External Content Tables").
SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE passage_index"
    " USING fts5(words, content='passages', content_rowid='number')",
    "CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN"
    " INSERT INTO passage_index (rowid, words) VALUES (new.number, new.words); END",
    "CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN"
    " INSERT INTO passage_index (passage_index, rowid, words)"
    " VALUES ('delete', old.number, old.words); END",
    "CREATE TRIGGER passages_changed AFTER UPDATE ON passages BEGIN"
    " INSERT INTO passage_index (passage_index, rowid, words)"
    " VALUES ('delete', old.number, old.words);"
    " INSERT INTO passage_index (rowid, words) VALUES (new.number, new.words); END",
)
POSTGRESQL_INDEX = (
    "CREATE INDEX passage_index ON passages USING gin (to_tsvector('simple', words))",
)

# As statements, because a PostgreSQL condition in an `sa.Index` always loads its dialect, 2 MB.
PARTIAL_INDEXES = (
    "CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX messages_answering ON messages (state) WHERE state = 'answering'",
)

for _dialect, _statements in (
    ("sqlite", SQLITE_INDEX),
    ("postgresql", POSTGRESQL_INDEX),
    (None, PARTIAL_INDEXES),
):
    for _statement in _statements:
        _index = sa.DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        sa.event.listen(metadata, "after_create", _index)
