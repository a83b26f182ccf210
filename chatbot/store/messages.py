"""Messages: the tree of a conversation, and the branch of it that is on screen."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store.conversations import next_activity, owned
from chatbot.store.database import Database, reading, writing
from chatbot.store.passages import add_texts
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS, Message, Said, State
from chatbot.store.schema import conversations, messages

_COLUMNS = [messages.c[name] for name in Message.__dataclass_fields__]
BRANCH_COLUMNS = [column for column in _COLUMNS if column.name != "reasoning"]
"""A branch is read on each run of the page; what a model thought is read when it is opened."""

SAID_COLUMNS = [messages.c[name] for name in Said._fields]


class Messages:
    """The messages of any conversation of the owner's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def branch(
        self, connection: sa.Connection, owner: str, conversation_id: str, limit: int
    ) -> list[Message]:
        """The newest `limit` messages of the branch on screen, oldest first, without reasoning."""
        query = _newest_first(BRANCH_COLUMNS, owner, conversation_id).limit(limit)
        newest_first = [Message(**row._mapping) for row in connection.execute(query)]
        return newest_first[::-1]

    @reading
    def said(
        self,
        connection: sa.Connection,
        owner: str,
        conversation_id: str,
        limit: int,
        end_id: str,
    ) -> list[Said]:
        """What was said in the last `limit` messages of a branch that ends in one, oldest first."""
        query = _newest_first(SAID_COLUMNS, owner, conversation_id, end_id).limit(limit)
        return [Said(*row) for row in connection.execute(query)][::-1]

    @reading
    def count_after(self, connection: sa.Connection, owner: str, message_id: str) -> int | None:
        """How many messages of the branch on screen follow one; None if that is not among them."""
        message = message_of(connection, owner, message_id)
        if message is None:
            return None
        leaf = (
            sa.select(messages.c.id, messages.c.parent_id, sa.literal(0).label("newer"))
            .join(conversations, conversations.c.leaf_id == messages.c.id)
            .where(*owned(owner, message.conversation_id))
            .cte("branch", recursive=True)
        )
        earlier = sa.select(messages.c.id, messages.c.parent_id, leaf.c.newer + 1).join(
            leaf, leaf.c.parent_id == messages.c.id
        )
        branch = leaf.union_all(earlier)
        query = sa.select(branch.c.newer).where(branch.c.id == message_id).limit(1)
        newer: int | None = connection.scalar(query)
        return newer

    @reading
    def get(self, connection: sa.Connection, owner: str, message_id: str) -> Message | None:
        """The owner's message of this id, or None."""
        return message_of(connection, owner, message_id)

    @reading
    def all(self, connection: sa.Connection, owner: str, conversation_id: str) -> list[Message]:
        """Every message of a conversation, of all its branches, in the order of their arrival."""
        query = (
            sa.select(*_COLUMNS)
            .join(conversations)
            .where(*owned(owner, conversation_id), _is_not_cleared)
            .order_by(messages.c.sequence)
        )
        return [Message(**row._mapping) for row in connection.execute(query)]

    @reading
    def versions(
        self, connection: sa.Connection, owner: str, branch: Sequence[Message]
    ) -> dict[str, list[str]]:
        """For each message of a branch that has others beside it: the ids of all, oldest first."""
        if not branch:
            return {}
        follows: sa.ColumnElement[bool] = messages.c.parent_id.in_(
            [message.parent_id for message in branch]
        )
        if branch[0].parent_id is None:
            follows |= messages.c.parent_id.is_(None)
        query = (
            sa.select(messages.c.parent_id, messages.c.role, messages.c.id)
            .join(conversations)
            .where(*owned(owner, branch[0].conversation_id), follows, _is_not_cleared)
            .order_by(messages.c.sequence)
        )
        siblings: dict[tuple[str | None, str], list[str]] = {}
        for parent_id, role, message_id in connection.execute(query):
            siblings.setdefault((parent_id, role), []).append(message_id)
        found = {
            message.id: siblings.get((message.parent_id, message.role), []) for message in branch
        }
        return {message_id: ids for message_id, ids in found.items() if len(ids) > 1}

    @writing
    def add(
        self,
        connection: sa.Connection,
        owner: str,
        new: Sequence[Message],
        after_leaf_id: str | None,
    ) -> list[Message]:
        """Add messages of one conversation; the last becomes the end of its branch.

        Raises ChatbotError("conflict") and adds nothing when the branch does
        not end in `after_leaf_id` any more, as after a question in another tab,
        and ChatbotError("gone") when there is no such conversation any more.
        """
        now = time.time()
        last = new[-1]
        moved = connection.execute(
            conversations.update()
            .where(
                *owned(owner, last.conversation_id),
                conversations.c.leaf_id.is_not_distinct_from(after_leaf_id),
            )
            .values(
                leaf_id=last.id,
                updated_at=now,
                activity=next_activity(owner),
                last_sequence=conversations.c.last_sequence + len(new),
            )
        )
        found = connection.execute(
            sa.select(conversations.c.leaf_id, conversations.c.last_sequence).where(
                *owned(owner, last.conversation_id)
            )
        ).first()
        if found is None:
            raise ChatbotError("gone")
        if moved.rowcount != 1 and found.leaf_id != last.id:
            raise ChatbotError("conflict")
        first_place = found.last_sequence - len(new) + 1
        added = [
            replace(message, sequence=place, created_at=now, saved_at=now)
            for place, message in enumerate(new, first_place)
        ]
        if moved.rowcount == 1:  # or else the connection was lost after all was kept
            connection.execute(messages.insert(), [vars(message) for message in added])
            add_texts(connection, added)
        return added

    @writing
    def show_version(self, connection: sa.Connection, owner: str, message_id: str) -> None:
        """Bring another version of a message onto the screen, with what was last written after it.

        Raises ChatbotError("conflict") when there is no such message any more.
        """
        message = message_of(connection, owner, message_id)
        leaf_id = message and _last_after(connection, message.conversation_id, message_id)
        if message is None or leaf_id is None:  # it was deleted, or cleared away
            raise ChatbotError("conflict")
        connection.execute(
            conversations.update()
            .where(*owned(owner, message.conversation_id))
            .values(leaf_id=leaf_id)
        )

    @writing
    def delete_turn(self, connection: sa.Connection, owner: str, question_id: str) -> None:
        """Delete one version of a question with all its answers; what follows moves up.

        Where nothing follows, what was last written in its place comes onto the screen.
        Raises ChatbotError("conflict") when it is gone or being answered.
        """
        question = message_of(connection, owner, question_id)
        if question is None or question.role != "user":
            raise ChatbotError("conflict")
        # What is asked in another tab comes before or after, or nothing would lead to its question.
        its_conversation = owned(owner, question.conversation_id)
        connection.execute(sa.select(conversations.c.id).where(*its_conversation).with_for_update())
        answers = (
            sa.select(messages.c.id, messages.c.state, messages.c.saved_at)
            .where(messages.c.conversation_id == question.conversation_id)
            .where(messages.c.parent_id == question_id, messages.c.role == "assistant")
        )
        rows = list(connection.execute(answers))
        alive_since = time.time() - HEARTBEAT_TIMEOUT_SECONDS
        if any(row.state is State.ANSWERING and row.saved_at > alive_since for row in rows):
            raise ChatbotError("still_answering")
        gone = [question_id, *(row.id for row in rows)]
        # What followed an answer now follows what came before the question.
        connection.execute(
            messages.update()
            .where(messages.c.conversation_id == question.conversation_id)
            .where(messages.c.parent_id.in_(gone), messages.c.id.not_in(gone))
            .values(parent_id=question.parent_id)
        )
        connection.execute(messages.delete().where(messages.c.id.in_(gone)))
        connection.execute(
            conversations.update()
            .where(conversations.c.id == question.conversation_id)
            .where(conversations.c.leaf_id.in_(gone))
            .values(leaf_id=_last_after(connection, question.conversation_id, question.parent_id))
        )

    @reading
    def cost(
        self, connection: sa.Connection, owner: str, conversation_id: str, latest: Message
    ) -> tuple[float, int]:
        """What all answers of a conversation cost in US dollars, and of how many nobody knows.

        The `latest` counts as it is given, as its end may not be saved yet; while it is being
        written, nobody could know. From an index alone: 10,000 answers take a millisecond.
        """
        is_answer = messages.c.role == "assistant"
        is_owned = sa.exists().where(*owned(owner, conversation_id))
        query = sa.select(
            sa.func.coalesce(sa.func.sum(messages.c.cost), 0.0),
            sa.func.count() - sa.func.count(messages.c.cost),
        ).where(messages.c.conversation_id == conversation_id, is_answer, is_owned)
        dollars, unknown = connection.execute(query).one()
        saved = message_of(connection, owner, latest.id)
        if saved and saved.role == "assistant":
            if saved.cost != latest.cost:
                dollars += (latest.cost or 0) - (saved.cost or 0)
            is_unknown = latest.cost is None and latest.state is not State.ANSWERING
            unknown += int(is_unknown) - int(saved.cost is None)
        return float(dollars), int(unknown)

    @writing
    def rate(
        self, connection: sa.Connection, owner: str, message_id: str, rating: int | None
    ) -> None:
        """Keep what a person thinks of an answer: 1 for good, 0 for bad, None for neither."""
        if message_of(connection, owner, message_id):
            connection.execute(
                messages.update()
                .where(messages.c.id == message_id, messages.c.role == "assistant")
                .values(rating=rating)
            )


_is_not_cleared = conversations.c.cleared_leaf_id.is_(None) | (
    messages.c.sequence > conversations.c.cleared_sequence
)


def _newest_first(
    columns: Sequence[sa.Column[Any]], owner: str, conversation_id: str, end_id: str | None = None
) -> sa.Select[Any]:
    """The messages of a branch, from its end up."""
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
    """The owner's message of this id, or None."""
    query = (
        sa.select(*_COLUMNS)
        .join(conversations)
        .where(
            messages.c.id == message_id,
            conversations.c.owner == owner,
            conversations.c.deleted_at.is_(None),
        )
    )
    row = connection.execute(query).first()
    return Message(**row._mapping) if row else None


def _last_after(
    connection: sa.Connection, conversation_id: str, message_id: str | None
) -> str | None:
    """The message last written under another, or that one; None is where a conversation begins."""
    tree = (
        sa.select(messages.c.id, messages.c.sequence)
        .join(conversations)
        .where(conversations.c.id == conversation_id, _is_not_cleared)
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
    # What follows a message came after it, so the last that came is the end of a branch.
    branch = branch.union_all(after)
    return connection.scalar(sa.select(branch.c.id).order_by(branch.c.sequence.desc()).limit(1))
