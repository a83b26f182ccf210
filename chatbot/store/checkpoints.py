"""Checkpoints of running answers: their text so far, and their end."""

import time
from collections.abc import Iterable

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store.database import Database, writing
from chatbot.store.message_queries import message_of
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS, Message, State
from chatbot.store.schema import conversations, is_answering, messages
from chatbot.store.search import set_text
from chatbot.store.sizes import message_size

_WRITTEN = (
    "content",
    "reasoning",
    "reasoning_seconds",
    "state",
    "error",
    "model",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "sent_tokens",
    "first_sent_id",
    "cost",
)

_text = sa.bindparam("new_content", type_=sa.Text)
_was_given_up = sa.and_(
    messages.c.state == State.CUT_SHORT,
    messages.c.error.is_(None),
    sa.func.length(_text) > sa.func.length(messages.c.content),
    sa.func.substr(_text, 1, sa.func.length(messages.c.content)) == messages.c.content,
)
"""Another process marked this answer cut short while its own process was suspended, such as on a
sleeping laptop; the longer text wins."""

_write = (
    messages.update()
    .where(
        messages.c.id == sa.bindparam("row_id"),
        messages.c.lease.is_not_distinct_from(sa.bindparam("row_lease")),
        (messages.c.state == State.ANSWERING) | _was_given_up,
    )
    .values({name: sa.bindparam(f"new_{name}") for name in (*_WRITTEN, "bytes", "saved_at")})
)


class Checkpoints:
    """Checkpoints that the process of an answer saves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def save(self, connection: sa.Connection, answers: Iterable[Message]) -> set[str]:
        """Save the current text and state of some answers, in one transaction.

        Only answers still marked as answering change, so that a late checkpoint never undoes an
        end. Only the process that runs the answers calls this. Returns the ids of answers that
        this process must end: stopped or continued by another process, or deleted.
        """
        now = time.time()
        answers = list(answers)
        rows = [
            {"row_id": answer.id, "row_lease": answer.lease, "new_saved_at": now}
            | {"new_bytes": message_size(answer)}
            | {f"new_{name}": getattr(answer, name) for name in _WRITTEN}
            for answer in answers
        ]
        if not rows:
            return set()
        connection.execute(_write, rows)
        for answer in answers:
            if not answer.is_running:
                set_text(connection, answer.id)
        ours = _leases(connection, [answer.id for answer in answers if answer.is_running])
        return {
            answer.id
            for answer in answers
            if answer.is_running and ours.get(answer.id) != answer.lease
        }

    @writing
    def stop(self, connection: sa.Connection, owner: str, message_id: str) -> None:
        """Stop an answer of another process, which notices at its next checkpoint."""
        if message_of(connection, owner, message_id):
            connection.execute(
                messages.update()
                .where(messages.c.id == message_id, is_answering)
                .values(state=State.STOPPED, error=None, saved_at=time.time())
            )
            set_text(connection, message_id)

    @writing
    def resume(self, connection: sa.Connection, owner: str, message_id: str, lease: str) -> Message:
        """Mark the last answer of the branch as answering again, to be continued.

        From now on only the holder of this lease can write the answer. Raises
        ChatbotError("conflict") if the answer is running or a message follows it.
        """
        now = time.time()
        is_the_end = sa.exists().where(
            conversations.c.id == messages.c.conversation_id,
            conversations.c.leaf_id == messages.c.id,
            conversations.c.owner == owner,
            conversations.c.deleted_at.is_(None),
        )
        resumed = connection.execute(
            messages.update()
            .where(messages.c.id == message_id, messages.c.role == "assistant", is_the_end)
            .where(
                (messages.c.state != State.ANSWERING)
                | (messages.c.saved_at < now - HEARTBEAT_TIMEOUT_SECONDS)
            )
            .values(
                state=State.ANSWERING, error=None, finish_reason=None, saved_at=now, lease=lease
            )
        )
        message = message_of(connection, owner, message_id)
        if message is None or (resumed.rowcount != 1 and message.lease != lease):
            raise ChatbotError("conflict")
        return message

    @writing
    def end_abandoned(self, connection: sa.Connection) -> None:
        """Mark answers of vanished processes as cut short, and make them searchable."""
        is_abandoned = (
            is_answering,
            messages.c.saved_at < time.time() - HEARTBEAT_TIMEOUT_SECONDS,
        )
        for message_id in list(connection.scalars(sa.select(messages.c.id).where(*is_abandoned))):
            ended = connection.execute(
                messages.update()
                .where(messages.c.id == message_id, *is_abandoned)  # its process may have resumed
                .values(state=State.CUT_SHORT)
            )
            if ended.rowcount:
                set_text(connection, message_id)


def _leases(connection: sa.Connection, ids: list[str]) -> dict[str, str | None]:
    """Return the leases of answers by id, without stopped answers."""
    query = sa.select(messages.c.id, messages.c.lease).where(
        messages.c.id.in_(ids), messages.c.state != State.STOPPED
    )
    return {row.id: row.lease for row in connection.execute(query)} if ids else {}
