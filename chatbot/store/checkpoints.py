"""Answers that are being written: their text so far, and what became of them."""

import time
from collections.abc import Iterable

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store.database import Database, writing
from chatbot.store.messages import message_of
from chatbot.store.passages import set_text
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS, Message, State
from chatbot.store.schema import conversations, is_answering, messages

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
"""Whether another process took an answer's process to be gone, as while a laptop slept, and the
answer has gone on since then."""

_write = (
    messages.update()
    .where(
        messages.c.id == sa.bindparam("row_id"),
        messages.c.lease.is_not_distinct_from(sa.bindparam("row_lease")),
        (messages.c.state == State.ANSWERING) | _was_given_up,
    )
    .values({name: sa.bindparam(f"new_{name}") for name in (*_WRITTEN, "saved_at")})
)


class Checkpoints:
    """What the process that gives an answer writes down meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def save(self, connection: sa.Connection, answers: Iterable[Message]) -> set[str]:
        """Write the present text and state of some answers, in one transaction.

        Only answers still marked as answering change, so that a late
        checkpoint never undoes an end. Called by the process that runs them.
        Returns the ids of those that it must not go on with: stopped from
        elsewhere, continued by another process, or deleted.
        """
        now = time.time()
        answers = list(answers)
        rows = [
            {"row_id": answer.id, "row_lease": answer.lease, "new_saved_at": now}
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
        """Stop an answer that another process gives, which notices when it next saves it."""
        if message_of(connection, owner, message_id):
            connection.execute(
                messages.update()
                .where(messages.c.id == message_id, is_answering)
                .values(state=State.STOPPED, error=None, saved_at=time.time())
            )
            set_text(connection, message_id)

    @writing
    def resume(self, connection: sa.Connection, owner: str, message_id: str, lease: str) -> Message:
        """Mark an answer at the end of the branch as answering again, to be continued.

        From now on only who has this lease can write it.
        Raises ChatbotError("conflict") when it runs already or something follows it.
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
        """Mark answers as cut short whose process has gone, and make them searchable."""
        is_abandoned = (
            is_answering,
            messages.c.saved_at < time.time() - HEARTBEAT_TIMEOUT_SECONDS,
        )
        for message_id in list(connection.scalars(sa.select(messages.c.id).where(*is_abandoned))):
            ended = connection.execute(
                messages.update()
                .where(messages.c.id == message_id, *is_abandoned)  # it may have come back
                .values(state=State.CUT_SHORT)
            )
            if ended.rowcount:
                set_text(connection, message_id)


def _leases(connection: sa.Connection, ids: list[str]) -> dict[str, str | None]:
    """Who may write which of these answers; those that were stopped, nobody."""
    query = sa.select(messages.c.id, messages.c.lease).where(
        messages.c.id.in_(ids), messages.c.state != State.STOPPED
    )
    return {row.id: row.lease for row in connection.execute(query)} if ids else {}
