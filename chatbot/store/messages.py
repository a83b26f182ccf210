"""Messages: the tree of a conversation, and its branch on screen."""

import time
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store.adding import next_activity, owned
from chatbot.store.database import Database, reading, writing
from chatbot.store.message_queries import (
    BRANCH_COLUMNS,
    COLUMNS,
    SAID_COLUMNS,
    last_after,
    message_of,
    newest_first_query,
)
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS, Message, PromptMessage, State
from chatbot.store.schema import conversations, messages
from chatbot.store.search import add_texts
from chatbot.store.sizes import message_row


class Messages:
    """The messages of the owner's conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def branch(
        self, connection: sa.Connection, owner: str, conversation_id: str, limit: int
    ) -> list[Message]:
        """Return the branch's newest `limit` messages, oldest first, without reasoning."""
        query = newest_first_query(BRANCH_COLUMNS, owner, conversation_id).limit(limit)
        newest_first = [Message(**row._mapping) for row in connection.execute(query)]
        return newest_first[::-1]

    @reading
    def prompt_messages(
        self,
        connection: sa.Connection,
        owner: str,
        conversation_id: str,
        limit: int,
        end_id: str,
    ) -> list[PromptMessage]:
        """Return the last `limit` messages of the branch that ends in `end_id`, oldest first."""
        query = newest_first_query(SAID_COLUMNS, owner, conversation_id, end_id).limit(limit)
        return [PromptMessage(*row) for row in connection.execute(query)][::-1]

    @reading
    def count_after(self, connection: sa.Connection, owner: str, message_id: str) -> int | None:
        """Count the messages after one on the branch on screen; None if it is not on the branch."""
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
        """Return the owner's message with this id, or None."""
        return message_of(connection, owner, message_id)

    @reading
    def all(self, connection: sa.Connection, owner: str, conversation_id: str) -> list[Message]:
        """Return every message of all branches of a conversation, in order of arrival."""
        query = (
            sa.select(*COLUMNS)
            .join(conversations)
            .where(*owned(owner, conversation_id))
            .order_by(messages.c.sequence)
        )
        return [Message(**row._mapping) for row in connection.execute(query)]

    @reading
    def versions(
        self, connection: sa.Connection, owner: str, branch: Sequence[Message]
    ) -> dict[str, list[str]]:
        """Return the ids of all versions, oldest first, of each message with several versions.

        An answer that failed without text counts as a version only while it is on screen.
        """
        if not branch:
            return {}
        on_screen = [message.id for message in branch]
        follows: sa.ColumnElement[bool] = messages.c.parent_id.in_(
            [message.parent_id for message in branch]
        )
        if branch[0].parent_id is None:
            follows |= messages.c.parent_id.is_(None)
        query = (
            sa.select(messages.c.parent_id, messages.c.role, messages.c.id)
            .join(conversations)
            .where(*owned(owner, branch[0].conversation_id), follows)
            .where(_says_something() | messages.c.id.in_(on_screen))
            .order_by(messages.c.sequence)
        )
        siblings: dict[tuple[str | None, str], list[str]] = {}
        for parent_id, role, message_id in connection.execute(query):
            siblings.setdefault((parent_id, role), []).append(message_id)
        by_message = {
            message.id: siblings.get((message.parent_id, message.role), []) for message in branch
        }
        return {message_id: ids for message_id, ids in by_message.items() if len(ids) > 1}

    @writing
    def add(
        self,
        connection: sa.Connection,
        owner: str,
        new: Sequence[Message],
        after_leaf_id: str | None,
    ) -> list[Message]:
        """Add messages of one conversation; the last becomes the end of its branch.

        Raises ChatbotError("conflict") and adds nothing if the branch no longer ends in
        `after_leaf_id`, as after a question in another tab, and ChatbotError("gone") if the
        conversation no longer exists.
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
        row = connection.execute(
            sa.select(conversations.c.leaf_id, conversations.c.last_sequence).where(
                *owned(owner, last.conversation_id)
            )
        ).first()
        if row is None:
            raise ChatbotError("gone")
        if moved.rowcount != 1 and row.leaf_id != last.id:
            raise ChatbotError("conflict")
        first_place = row.last_sequence - len(new) + 1
        added = [
            replace(message, sequence=place, created_at=now, saved_at=now)
            for place, message in enumerate(new, first_place)
        ]
        if moved.rowcount == 1:  # else the connection was lost after everything was stored
            connection.execute(messages.insert(), [message_row(message) for message in added])
            add_texts(connection, added)
        return added

    @writing
    def show_version(self, connection: sa.Connection, owner: str, message_id: str) -> None:
        """Show another version of a message, with the newest branch below it.

        Raises ChatbotError("conflict") if the message no longer exists.
        """
        message = message_of(connection, owner, message_id)
        leaf_id = message and last_after(connection, message.conversation_id, message_id)
        if message is None or leaf_id is None:
            raise ChatbotError("conflict")
        connection.execute(
            conversations.update()
            .where(*owned(owner, message.conversation_id))
            .values(leaf_id=leaf_id)
        )

    @writing
    def delete_turn(self, connection: sa.Connection, owner: str, question_id: str) -> None:
        """Delete one version of a question with all its answers; later messages move up.

        If no message follows, the newest other version comes onto the screen. Raises
        ChatbotError("conflict") if the question no longer exists, and
        ChatbotError("still_answering") while it is being answered.
        """
        question = message_of(connection, owner, question_id)
        if question is None or question.role != "user":
            raise ChatbotError("conflict")
        # Locks the conversation, because a question added meanwhile would lose its parent.
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
        # Messages after an answer now follow the message before the question.
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
            .values(leaf_id=last_after(connection, question.conversation_id, question.parent_id))
        )

    @reading
    def cost(
        self, connection: sa.Connection, owner: str, conversation_id: str, latest: Message
    ) -> tuple[float, int]:
        """Return the cost of a conversation's answers in US dollars, and the count of unknown ones.

        `latest` replaces its stored version, whose end may not be saved yet; a running answer does
        not count as unknown. Reads only an index, which is fast for thousands of answers.
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
        """Save a visitor's rating of an answer: 1 for good, 0 for bad, None for neither."""
        if message_of(connection, owner, message_id):
            connection.execute(
                messages.update()
                .where(messages.c.id == message_id, messages.c.role == "assistant")
                .values(rating=rating)
            )


def _says_something() -> sa.ColumnElement[bool]:
    """Return a condition for questions, and for answers with text or reasoning, or running."""
    alive_since = time.time() - HEARTBEAT_TIMEOUT_SECONDS
    is_running = (messages.c.state == State.ANSWERING) & (messages.c.saved_at > alive_since)
    has_text = (messages.c.content != "") | (messages.c.reasoning != "")
    return (messages.c.role != "assistant") | has_text | is_running
