"""Adding of new conversations: a single one with its first question, or hundreds of an import."""

import time
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from chatbot.store.records import Conversation, Message
from chatbot.store.schema import conversations, messages
from chatbot.store.search import add_texts, add_titles
from chatbot.store.sizes import conversation_size, message_row


def owned(owner: str, conversation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Return conditions for a conversation by id, owned by this owner and not deleted."""
    return (
        conversations.c.id == conversation_id,
        conversations.c.owner == owner,
        conversations.c.deleted_at.is_(None),
    )


def next_activity(owner: str) -> sa.ScalarSelect[int]:
    """Return the query for the top place in the owner's list."""
    others = conversations.alias("others")
    newest = sa.func.coalesce(sa.func.max(others.c.activity), 0)
    return sa.select(newest + 1).where(others.c.owner == owner).scalar_subquery()


def add_conversations(
    connection: sa.Connection, owner: str, new: Sequence[tuple[Conversation, Sequence[Message]]]
) -> list[list[Message]]:
    """Add new conversations, the last at the top of the list; return their stored messages.

    Inserts all rows of a table together, which is six times as fast for large imports.
    """
    now = time.time()
    added = [
        [
            replace(message, sequence=place, created_at=message.created_at or now, saved_at=now)
            for place, message in enumerate(first_messages, 1)
        ]
        for _, first_messages in new
    ]
    ids = [conversation.id for conversation, _ in new]
    query = sa.select(conversations.c.id).where(
        conversations.c.owner == owner,
        conversations.c.id.in_(ids),
        conversations.c.deleted_at.is_(None),
    )
    kept = set(connection.scalars(query))  # stored before the connection was lost
    missing = [
        (conversation, its_messages)
        for (conversation, _), its_messages in zip(new, added, strict=True)
        if conversation.id not in kept
    ]
    if not missing:
        return added
    first_place = connection.scalar(sa.select(next_activity(owner))) or 1
    rows = [
        {
            **vars(conversation),
            "owner": owner,
            "activity": place,
            "last_sequence": len(its_messages),
            "created_at": min([now, *(message.created_at for message in its_messages)]),
            "leaf_id": conversation.leaf_id or (its_messages[-1].id if its_messages else None),
            "bytes": conversation_size(conversation.controls, conversation.origin),
        }
        for place, (conversation, its_messages) in enumerate(missing, first_place)
    ]
    connection.execute(conversations.insert(), rows)
    add_titles(connection, [(conversation.id, conversation.title) for conversation, _ in missing])
    texts = [message for _, its_messages in missing for message in its_messages]
    if texts:
        connection.execute(messages.insert(), [message_row(message) for message in texts])
        add_texts(connection, texts)
    return added
