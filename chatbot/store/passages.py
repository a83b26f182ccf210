"""What a search looks through: each message's text and each title, as words."""

from collections.abc import Sequence

import sqlalchemy as sa

from chatbot.store.records import Message
from chatbot.store.schema import messages, passages
from chatbot.store.words import words


def set_title(connection: sa.Connection, conversation_id: str, title: str) -> None:
    """Make a title searchable, in place of an earlier one."""
    # Joined to nothing, so that SQLite does not go through all titles by that index: 70 ms.
    is_title = (passages.c.message_id + "").is_(None)
    connection.execute(
        passages.delete().where(passages.c.conversation_id == conversation_id, is_title)
    )
    row = {"conversation_id": conversation_id, "message_id": None, "words": words(title)}
    connection.execute(passages.insert(), row)


def add_texts(connection: sa.Connection, added: Sequence[Message]) -> None:
    """Make messages searchable, in the order in which they came."""
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
    """Make the final text of an answer searchable, in place of an earlier one."""
    connection.execute(passages.delete().where(passages.c.message_id == message_id))
    columns = [messages.c[name] for name in Message.__dataclass_fields__]
    row = connection.execute(sa.select(*columns).where(messages.c.id == message_id)).first()
    if row:
        add_texts(connection, [Message(**row._mapping)])
