"""Pinned turns, which are always sent to the model, however long the conversation is."""

import sqlalchemy as sa

from chatbot.store.adding import owned
from chatbot.store.database import Database, reading, writing
from chatbot.store.message_queries import SAID_COLUMNS, message_of
from chatbot.store.records import PromptMessage
from chatbot.store.schema import conversations, messages


class Pins:
    """Pinned turns of the owner's conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def pin(self, connection: sa.Connection, owner: str, message_id: str, is_pinned: bool) -> None:
        """Pin or unpin a question with all its answers.

        `message_id` is the id of the question or of any of its answers.
        """
        if message := message_of(connection, owner, message_id):
            question_id = message_id if message.role == "user" else message.parent_id or message_id
            is_answer = (messages.c.parent_id == question_id) & (messages.c.role == "assistant")
            connection.execute(
                messages.update()
                .where(messages.c.conversation_id == message.conversation_id)
                .where(is_answer | messages.c.id.in_([question_id, message_id]))
                .values(is_pinned=is_pinned)
            )

    @reading
    def above(
        self, connection: sa.Connection, owner: str, conversation_id: str, parent_id: str | None
    ) -> list[PromptMessage]:
        """Return the pinned turns of a branch up to and with `parent_id`, oldest first."""
        is_pinned = (messages.c.conversation_id == conversation_id, messages.c.is_pinned)
        if parent_id is None or not connection.scalar(sa.select(sa.exists().where(*is_pinned))):
            return []
        columns = [messages.c[name] for name in ("id", "parent_id", "role", "is_pinned")]
        parent = (
            sa.select(*columns)
            .join(conversations, conversations.c.id == messages.c.conversation_id)
            .where(*owned(owner, conversation_id), messages.c.id == parent_id)
            .cte("above", recursive=True)
        )
        earlier = sa.select(*columns).join(parent, parent.c.parent_id == messages.c.id)
        above = parent.union_all(earlier)
        questions = sa.select(above.c.parent_id).where(above.c.is_pinned, above.c.role != "user")
        pinned = sa.select(above.c.id).where(above.c.is_pinned).union(questions)
        query = (
            sa.select(*SAID_COLUMNS).where(messages.c.id.in_(pinned)).order_by(messages.c.sequence)
        )
        return [PromptMessage(*row) for row in connection.execute(query)]
