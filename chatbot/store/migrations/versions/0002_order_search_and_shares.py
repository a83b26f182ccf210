"""Order by sequence instead of by clock; pins, deletion with undo, ratings, search, shares."""

import sqlalchemy as sa
from alembic import op

from chatbot.store.search_text import words

revision = "0002"
down_revision = "0001"

BATCH_MESSAGES = 1000

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


def upgrade() -> None:
    """Add the columns and tables, number what is there, and make it searchable."""
    for column in (
        sa.Column("cleared_sequence", sa.Integer),
        sa.Column("is_pinned", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("activity", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("last_sequence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("origin", sa.Text),
        sa.Column("deleted_at", sa.Float),
    ):
        op.add_column("conversations", column)
    op.add_column("messages", sa.Column("sequence", sa.Integer, nullable=False, server_default="0"))
    op.add_column("messages", sa.Column("rating", sa.Integer))
    _number_what_is_there()
    op.drop_index("conversations_of_owner", "conversations")
    op.create_index("conversations_by_activity", "conversations", ["owner", "activity"])
    op.create_index("conversations_by_origin", "conversations", ["owner", "origin"])
    op.create_index("messages_by_parent", "messages", ["conversation_id", "parent_id", "sequence"])
    for name, table, indexed, where in (
        ("conversations_deleted", "conversations", "deleted_at", "deleted_at IS NOT NULL"),
        ("conversations_cleared", "conversations", "cleared_at", "cleared_leaf_id IS NOT NULL"),
        ("messages_answering", "messages", "state", "state = 'answering'"),
    ):
        only = sa.text(where)
        op.create_index(name, table, [indexed], sqlite_where=only, postgresql_where=only)
    op.create_table(
        "passages",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column(
            "conversation_id",
            sa.String(32),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "message_id",
            sa.String(32),
            sa.ForeignKey("messages.id", ondelete="CASCADE"),
            unique=True,
        ),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_table(
        "shares",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False, index=True),
        sa.Column(
            "conversation_id",
            sa.String(32),
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("messages", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_INDEX if on_sqlite else POSTGRESQL_INDEX:
        op.execute(statement)
    _make_searchable()


def _number_what_is_there() -> None:
    # A question and its answer were written at the same moment, the question first.
    op.execute("""
        UPDATE messages SET sequence = numbered.place FROM (
            SELECT id, row_number() OVER (
                PARTITION BY conversation_id ORDER BY created_at, role DESC, id
            ) AS place FROM messages
        ) AS numbered WHERE numbered.id = messages.id""")
    op.execute("""
        UPDATE conversations SET last_sequence = coalesce((
            SELECT max(sequence) FROM messages WHERE conversation_id = conversations.id
        ), 0)""")
    op.execute("""
        UPDATE conversations SET cleared_sequence = (
            SELECT max(sequence) FROM messages
            WHERE conversation_id = conversations.id AND created_at <= conversations.cleared_at
        ) WHERE cleared_leaf_id IS NOT NULL""")
    op.execute("""
        UPDATE conversations SET activity = numbered.place FROM (
            SELECT id, row_number() OVER (PARTITION BY owner ORDER BY updated_at, id) AS place
            FROM conversations
        ) AS numbered WHERE numbered.id = conversations.id""")


def _make_searchable() -> None:
    connection = op.get_bind()
    add = sa.text(
        "INSERT INTO passages (conversation_id, message_id, words)"
        " VALUES (:conversation_id, :message_id, :words)"
    )
    sources = (
        "SELECT id, NULL, title FROM conversations",
        "SELECT conversation_id, id, content FROM messages ORDER BY created_at, sequence",
    )
    for source in sources:
        rows = connection.exec_driver_sql(source)
        while batch := rows.fetchmany(BATCH_MESSAGES):
            passages = [
                {"conversation_id": conversation_id, "message_id": message_id, "words": words(text)}
                for conversation_id, message_id, text in batch
            ]
            connection.execute(add, passages)
