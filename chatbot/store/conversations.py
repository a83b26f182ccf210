"""Conversations: whose they are, their titles, and their places in the list."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from chatbot.store.database import Database, reading, writing
from chatbot.store.passages import add_texts, set_title
from chatbot.store.records import Conversation, Message, new_id, one_line
from chatbot.store.schema import conversations, messages, shares
from chatbot.store.spending import adopt_spending

_COLUMNS = [conversations.c[name] for name in Conversation.__dataclass_fields__]


def owned(owner: str, conversation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    """That a conversation is this one, the owner's, and not deleted."""
    return (
        conversations.c.id == conversation_id,
        conversations.c.owner == owner,
        conversations.c.deleted_at.is_(None),
    )


def next_activity(owner: str) -> sa.ScalarSelect[int]:
    """A place in the owner's list before all others."""
    others = conversations.alias("others")
    newest = sa.func.coalesce(sa.func.max(others.c.activity), 0)
    return sa.select(newest + 1).where(others.c.owner == owner).scalar_subquery()


class Conversations:
    """The owner's list of conversations."""

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

        The last message becomes the end of the branch on screen, unless the
        conversation names another. Messages without a time are of this moment.
        """
        now = time.time()
        added = [
            replace(message, sequence=place, created_at=message.created_at or now, saved_at=now)
            for place, message in enumerate(first_messages, 1)
        ]
        is_there = sa.select(conversations.c.id).where(*owned(owner, conversation.id))
        if connection.scalar(is_there):
            return added  # the connection was lost after it was kept
        row = {
            **vars(conversation),
            "owner": owner,
            "activity": next_activity(owner),
            "last_sequence": len(added),
            "created_at": min([now, *(message.created_at for message in added)]),
            "leaf_id": conversation.leaf_id or (added[-1].id if added else None),
        }
        connection.execute(conversations.insert().values(row))
        set_title(connection, conversation.id, conversation.title)
        if added:
            connection.execute(messages.insert(), [vars(message) for message in added])
            add_texts(connection, added)
        return added

    @writing
    def try_to_write(self, connection: sa.Connection) -> None:
        """Write some pages of a database, and take it away before anybody can see it."""
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
        """Have a conversation of another store here as it is there, whether it is new or not."""
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
            # What others wrote here meanwhile stays.
            connection.execute(
                messages.delete().where(
                    messages.c.id == sa.bindparam("row_id"),
                    messages.c.conversation_id == conversation.id,
                ),
                [{"row_id": message.id} for message in all_messages],
            )
            connection.execute(messages.insert(), [vars(message) for message in all_messages])
            add_texts(connection, all_messages)

    @writing
    def erase(self, connection: sa.Connection, owner: str, conversation_id: str) -> None:
        """Delete a conversation for good, at once."""
        connection.execute(conversations.delete().where(*owned(owner, conversation_id)))

    @reading
    def get(
        self, connection: sa.Connection, owner: str, conversation_id: str
    ) -> Conversation | None:
        """The owner's conversation of this id, or None."""
        query = sa.select(*_COLUMNS).where(*owned(owner, conversation_id))
        row = connection.execute(query).first()
        return Conversation(**row._mapping) if row else None

    @reading
    def page(self, connection: sa.Connection, owner: str, limit: int) -> list[Conversation]:
        """The pinned conversations, then `limit` others, those last written to first."""
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
        """The ids of all the owner's conversations, the first written to last first."""
        query = (
            sa.select(conversations.c.id)
            .where(conversations.c.owner == owner, conversations.c.deleted_at.is_(None))
            .order_by(conversations.c.activity)
        )
        return list(connection.scalars(query))

    @reading
    def origins(self, connection: sa.Connection, owner: str) -> set[str]:
        """Where the owner's conversations came from: their own ids, and those of imported ones."""
        query = sa.select(conversations.c.id, conversations.c.origin).where(
            conversations.c.owner == owner, conversations.c.deleted_at.is_(None)
        )
        return {name for row in connection.execute(query) for name in row if name}

    @writing
    def set_controls(
        self, connection: sa.Connection, owner: str, conversation_id: str, controls: dict[str, Any]
    ) -> None:
        """Remember what the conversation's sidebar controls are set to."""
        change(connection, owner, conversation_id, controls=controls)

    @reading
    def last_controls(self, connection: sa.Connection, owner: str) -> dict[str, Any]:
        """What the controls of the conversation were set to in which the owner last wrote."""
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
        """Give a conversation another title; a blank one changes nothing."""
        if (title := one_line(title)) and change(connection, owner, conversation_id, title=title):
            set_title(connection, conversation_id, title)

    @writing
    def pin(
        self, connection: sa.Connection, owner: str, conversation_id: str, is_pinned: bool
    ) -> None:
        """Keep a conversation above the others, or no longer."""
        change(connection, owner, conversation_id, is_pinned=is_pinned)

    @writing
    def order_by_time(self, connection: sa.Connection, owner: str) -> None:
        """Put the owner's list in the order of `updated_at`, as after bringing in older ones."""
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
    def adopt(self, connection: sa.Connection, from_owner: str, to_owner: str) -> None:
        """Give all conversations of one owner to another: the same person, now recognised."""
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
        adopt_spending(connection, from_owner, to_owner)


def change(connection: sa.Connection, owner: str, conversation_id: str, **values: object) -> bool:
    """Change a conversation of the owner's; whether there is one."""
    update = conversations.update().where(*owned(owner, conversation_id)).values(**values)
    return connection.execute(update).rowcount > 0
