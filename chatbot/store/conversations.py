"""Conversations: owners, titles, controls, and order in the list."""

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from chatbot.store.adding import add_conversations, next_activity, owned
from chatbot.store.database import Database, reading, writing
from chatbot.store.records import Conversation, Message, new_id, one_line
from chatbot.store.schema import conversations, messages, shares
from chatbot.store.search import add_texts, set_title
from chatbot.store.sizes import conversation_size, message_row
from chatbot.store.spending import merge_spending

_COLUMNS = [conversations.c[name] for name in Conversation.__dataclass_fields__]


class Conversations:
    """An owner's conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def add(
        self,
        connection: sa.Connection,
        owner: str,
        conversation: Conversation,
        first_messages: Sequence[Message] = (),
    ) -> list[Message]:
        """Add a new conversation with its first messages, all or nothing.

        The last message becomes the end of the branch on screen, unless the conversation names
        another message. Messages without a time get the current time.
        """
        [added] = add_conversations(connection, owner, [(conversation, first_messages)])
        return added

    @writing
    def add_all(
        self,
        connection: sa.Connection,
        owner: str,
        new: Sequence[tuple[Conversation, Sequence[Message]]],
    ) -> None:
        """Add many conversations with their messages, in one transaction; see `add`."""
        add_conversations(connection, owner, new)

    @writing
    def try_to_write(self, connection: sa.Connection) -> None:
        """Write some pages and remove them in the same transaction, invisible to others."""
        key, now = new_id(), time.time()
        row = {"id": key, "owner": "", "title": "x" * 10_000, "controls": {}}
        connection.execute(conversations.insert().values(**row, created_at=now, updated_at=now))
        connection.execute(conversations.delete().where(conversations.c.id == key))

    @writing
    def put(
        self,
        connection: sa.Connection,
        owner: str,
        conversation: Conversation,
        all_messages: Sequence[Message],
    ) -> None:
        """Copy a conversation from another store, replacing an older copy if there is one."""
        known = sa.select(conversations.c.last_sequence).where(
            conversations.c.id == conversation.id, conversations.c.owner == owner
        )
        last_sequence = connection.scalar(known)
        values = {
            "title": conversation.title,
            "controls": conversation.controls,
            "leaf_id": conversation.leaf_id,
            "updated_at": conversation.updated_at,
            "activity": next_activity(owner),
            "is_pinned": conversation.is_pinned,
            "origin": conversation.origin,
            "bytes": conversation_size(conversation.controls, conversation.origin),
            "deleted_at": None,
            "last_sequence": max([last_sequence or 0, *(m.sequence for m in all_messages)]),
        }
        if last_sequence is not None:
            connection.execute(
                conversations.update()
                .where(conversations.c.id == conversation.id, conversations.c.owner == owner)
                .values(values)
            )
        else:
            created_at = min([conversation.updated_at, *(m.created_at for m in all_messages)])
            row = {"id": conversation.id, "owner": owner, "created_at": created_at, **values}
            connection.execute(conversations.insert().values(row))
        set_title(connection, conversation.id, conversation.title)
        if all_messages:
            # Messages that others have added to the copy stay.
            connection.execute(
                messages.delete().where(
                    messages.c.id == sa.bindparam("row_id"),
                    messages.c.conversation_id == conversation.id,
                ),
                [{"row_id": message.id} for message in all_messages],
            )
            rows = [message_row(message) for message in all_messages]
            connection.execute(messages.insert(), rows)
            add_texts(connection, all_messages)

    @writing
    def erase(self, connection: sa.Connection, owner: str, conversation_id: str) -> None:
        """Delete a conversation permanently, at once."""
        connection.execute(conversations.delete().where(*owned(owner, conversation_id)))

    @reading
    def get(
        self, connection: sa.Connection, owner: str, conversation_id: str
    ) -> Conversation | None:
        """Return the owner's conversation with this id, or None."""
        query = sa.select(*_COLUMNS).where(*owned(owner, conversation_id))
        row = connection.execute(query).first()
        return Conversation(**row._mapping) if row else None

    @reading
    def page(self, connection: sa.Connection, owner: str, limit: int) -> list[Conversation]:
        """Return the pinned conversations, then `limit` others, the most recently used first."""
        newest_first = (
            sa.select(*_COLUMNS)
            .where(conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
            .order_by(conversations.c.activity.desc())
        )
        pinned = newest_first.where(conversations.c.is_pinned)
        others = newest_first.where(~conversations.c.is_pinned).limit(limit)
        rows = [*connection.execute(pinned), *connection.execute(others)]
        return [Conversation(**row._mapping) for row in rows]

    @reading
    def ids(self, connection: sa.Connection, owner: str) -> list[str]:
        """Return the ids of all the owner's conversations, the least recently used first."""
        query = (
            sa.select(conversations.c.id)
            .where(conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
            .order_by(conversations.c.activity)
        )
        return list(connection.scalars(query))

    @reading
    def origins(self, connection: sa.Connection, owner: str) -> set[str]:
        """Return the ids of the owner's conversations, and the origins of imported ones."""
        query = sa.select(conversations.c.id, conversations.c.origin).where(
            conversations.c.owner == owner, conversations.c.deleted_at.is_(None)
        )
        return {name for row in connection.execute(query) for name in row if name}

    @writing
    def set_controls(
        self, connection: sa.Connection, owner: str, conversation_id: str, controls: dict[str, Any]
    ) -> None:
        """Save the settings of a conversation's sidebar controls."""
        origin = sa.func.coalesce(sa.func.length(conversations.c.origin), 0)
        size = conversation_size(controls, None) + origin
        change(connection, owner, conversation_id, controls=controls, bytes=size)

    @reading
    def last_controls(self, connection: sa.Connection, owner: str) -> dict[str, Any]:
        """Return the controls of the owner's most recently used conversation."""
        newest = (
            sa.select(conversations.c.controls)
            .where(conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
            .order_by(conversations.c.activity.desc())
            .limit(1)
        )
        return connection.scalar(newest) or {}

    @writing
    def rename(
        self, connection: sa.Connection, owner: str, conversation_id: str, title: str
    ) -> None:
        """Change the title of a conversation; a blank title changes nothing."""
        if (title := one_line(title)) and change(connection, owner, conversation_id, title=title):
            set_title(connection, conversation_id, title)

    @writing
    def pin(
        self, connection: sa.Connection, owner: str, conversation_id: str, is_pinned: bool
    ) -> None:
        """Pin a conversation above the others, or unpin it."""
        change(connection, owner, conversation_id, is_pinned=is_pinned)

    @writing
    def order_by_time(self, connection: sa.Connection, owner: str) -> None:
        """Order the owner's list by `updated_at`, after an import of older conversations."""
        by_time = sa.func.row_number().over(
            order_by=(conversations.c.updated_at, conversations.c.activity)
        )
        ranked = (
            sa.select(conversations.c.id, by_time.label("place"))
            .where(conversations.c.owner == owner)
            .subquery()
        )
        connection.execute(
            conversations.update()
            .where(conversations.c.id == ranked.c.id)
            .values(activity=ranked.c.place)
        )

    @writing
    def merge_owner(self, connection: sa.Connection, from_owner: str, to_owner: str) -> None:
        """Move all data of one owner to another, when a person is recognised after signing in."""
        theirs = sa.select(conversations.c.id).where(conversations.c.owner == from_owner)
        for conversation_id in list(connection.scalars(theirs.order_by(conversations.c.activity))):
            connection.execute(
                conversations.update()
                .where(conversations.c.id == conversation_id)
                .values(owner=to_owner, activity=next_activity(to_owner))
            )
        connection.execute(
            shares.update().where(shares.c.owner == from_owner).values(owner=to_owner)
        )
        merge_spending(connection, from_owner, to_owner)


def change(connection: sa.Connection, owner: str, conversation_id: str, **values: object) -> bool:
    """Change a conversation of the owner; return False if it does not exist."""
    update = conversations.update().where(*owned(owner, conversation_id)).values(**values)
    return connection.execute(update).rowcount > 0
