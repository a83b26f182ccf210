"""Queries of the message tree, shared by several modules."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from chatbot.store.adding import owned
from chatbot.store.records import Message, PromptMessage
from chatbot.store.schema import conversations, messages

COLUMNS = [messages.c[name] for name in Message.__dataclass_fields__]
BRANCH_COLUMNS = [column for column in COLUMNS if column.name != "reasoning"]
"""Columns of a branch, which every page run reads; reasoning is read only when it is opened."""

SAID_COLUMNS = [messages.c[name] for name in PromptMessage._fields]


def newest_first_query(
    columns: Sequence[sa.Column[Any]], owner: str, conversation_id: str, end_id: str | None = None
) -> sa.Select[Any]:
    """Return a query for the messages of a branch, from its end upwards."""
    is_end = messages.c.id == (end_id or conversations.c.leaf_id)
    leaf = (
        sa.select(*columns)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(*owned(owner, conversation_id), is_end)
        .cte("branch", recursive=True)
    )
    earlier = sa.select(*columns).join(leaf, leaf.c.parent_id == messages.c.id)
    return sa.select(leaf.union_all(earlier))


def message_of(connection: sa.Connection, owner: str, message_id: str) -> Message | None:
    """Return the owner's message with this id, or None."""
    query = (
        sa.select(*COLUMNS)
        .join(conversations)
        .where(
            messages.c.id == message_id,
            conversations.c.owner == owner,
            conversations.c.deleted_at.is_(None),
        )
    )
    row = connection.execute(query).first()
    return Message(**row._mapping) if row else None


def last_after(
    connection: sa.Connection, conversation_id: str, message_id: str | None
) -> str | None:
    """Return the newest message below `message_id`, or itself; None means the whole tree."""
    tree = (
        sa.select(messages.c.id, messages.c.sequence)
        .join(conversations)
        .where(conversations.c.id == conversation_id)
    )
    if message_id is None:
        first = tree.where(messages.c.parent_id.is_(None))
    else:
        first = tree.where(messages.c.id == message_id)
    branch = first.cte("branch", recursive=True)
    after = (
        sa.select(messages.c.id, messages.c.sequence)
        .join(branch, branch.c.id == messages.c.parent_id)
        .where(messages.c.conversation_id == conversation_id)
    )
    # A reply is always newer than its parent, so the newest message is the end of a branch.
    branch = branch.union_all(after)
    return connection.scalar(sa.select(branch.c.id).order_by(branch.c.sequence.desc()).limit(1))
