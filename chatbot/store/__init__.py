"""Conversations and messages on disk; the only module that imports SQLAlchemy.

Messages form a tree: each names the one it follows, and a conversation names
the newest message of the branch on screen. Asking again therefore adds a
sibling and loses nothing. Every function takes the owner's id, and what belongs
to somebody else is treated as if it did not exist.

Times are seconds since 1970, UTC. The order of messages is the tree's, never
the clock's.
"""

import functools
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa

from chatbot.errors import ChatbotError

TITLE_CHARACTERS = 60

UNDO_SECONDS = 24 * 3600
"""How long cleared messages can be brought back before they are erased."""

SQLITE_BUSY_SECONDS = 5
"""How long to wait for another process that is writing."""

HEARTBEAT_TIMEOUT_SECONDS = 6
"""An answer whose process has not saved it for this long is taken to be abandoned.

Running answers are saved about once a second; this leaves room for a busy disk.
"""


class State(StrEnum):
    """Where an answer stands. Questions are always complete."""

    ANSWERING = "answering"
    COMPLETE = "complete"
    STOPPED = "stopped"
    CUT_SHORT = "cut_short"
    FAILED = "failed"


@dataclass(frozen=True)
class Message:
    """One question or answer. Tokens are the endpoint's count; `error` is from ChatbotError."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: str
    content: str
    state: State = State.COMPLETE
    error: dict[str, Any] | None = None
    model: str | None = None
    host: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    created_at: float = 0
    saved_at: float = 0

    @property
    def is_abandoned(self) -> bool:
        """Whether it is still marked as answering though its process has gone."""
        silent_seconds = time.time() - self.saved_at
        return self.state is State.ANSWERING and silent_seconds > HEARTBEAT_TIMEOUT_SECONDS


@dataclass(frozen=True)
class Conversation:
    """A conversation without its messages. `controls` holds what its sidebar was set to."""

    id: str
    title: str
    controls: dict[str, Any]
    updated_at: float
    leaf_id: str | None = None
    cleared_leaf_id: str | None = None


_metadata = sa.MetaData()

_conversations = sa.Table(
    "conversations",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("leaf_id", sa.String(32)),
    sa.Column("cleared_leaf_id", sa.String(32)),
    sa.Column("cleared_at", sa.Float),
    sa.Column("controls", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Index("conversations_of_owner", "owner", "updated_at"),
)

_messages = sa.Table(
    "messages",
    _metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column(
        "conversation_id",
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("parent_id", sa.String(32)),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column(
        "state",
        sa.Enum(State, native_enum=False, length=16, values_callable=lambda states: list(states)),
        nullable=False,
    ),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("model", sa.Text),
    sa.Column("host", sa.Text),
    sa.Column("finish_reason", sa.Text),
    sa.Column("prompt_tokens", sa.Integer),
    sa.Column("completion_tokens", sa.Integer),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("saved_at", sa.Float, nullable=False),
)

_MESSAGE_COLUMNS = [_messages.c[name] for name in Message.__dataclass_fields__]
_CONVERSATION_COLUMNS = [_conversations.c[name] for name in Conversation.__dataclass_fields__]


def new_id() -> str:
    """A random id of 128 bits: an address nobody can guess."""
    return secrets.token_hex(16)


def new_conversation(title: str, controls: dict[str, Any]) -> Conversation:
    """A conversation to be stored with its first messages; the title is shortened to one line."""
    return Conversation(new_id(), " ".join(title.split())[:TITLE_CHARACTERS], controls, time.time())


P = ParamSpec("P")
R = TypeVar("R")


def _translated(function: Callable[P, R]) -> Callable[P, R]:
    """Turn the database's exceptions into ChatbotError("store")."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise ChatbotError("store") from error

    return wrapper


class Store:
    """All that must last. Safe to use from any thread.

    Every method raises ChatbotError("store") when the database cannot be used,
    and opening one ChatbotError("store_open").
    """

    def __init__(self, database_url: str) -> None:
        try:
            self._engine = _create_engine(database_url)
            self._reader = self._engine.execution_options(reads_only=True)
            _metadata.create_all(self._engine)
            self._erase_cleared()
        except (sa.exc.SQLAlchemyError, OSError, ValueError, ImportError, ChatbotError) as error:
            # Among them no such option, port or driver.
            raise ChatbotError("store_open") from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # Conversations

    @_translated
    def add_conversation(
        self, owner: str, conversation: Conversation, messages: Sequence[Message] = ()
    ) -> list[Message]:
        """Add a new conversation with its first messages, all or nothing."""
        now = time.time()
        added = [replace(message, created_at=now, saved_at=now) for message in messages]
        leaf_id = added[-1].id if added else None
        row = {**vars(conversation), "owner": owner, "created_at": now, "leaf_id": leaf_id}
        with self._engine.begin() as connection:
            connection.execute(_conversations.insert(), row)
            if added:
                connection.execute(_messages.insert(), [vars(message) for message in added])
        return added

    @_translated
    def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """The owner's conversation of this id, or None."""
        query = sa.select(*_CONVERSATION_COLUMNS).where(
            _conversations.c.id == conversation_id, _conversations.c.owner == owner
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).first()
        return Conversation(**row._mapping) if row else None

    @_translated
    def conversations(self, owner: str, limit: int) -> list[Conversation]:
        """The owner's conversations, newest first."""
        query = (
            sa.select(*_CONVERSATION_COLUMNS)
            .where(_conversations.c.owner == owner)
            .order_by(_conversations.c.updated_at.desc())
            .limit(limit)
        )
        with self._reader.connect() as connection:
            return [Conversation(**row._mapping) for row in connection.execute(query)]

    @_translated
    def set_controls(self, owner: str, conversation_id: str, controls: dict[str, Any]) -> None:
        """Remember what the conversation's sidebar controls are set to."""
        with self._engine.begin() as connection:
            connection.execute(
                _conversations.update()
                .where(*_owned(owner, conversation_id))
                .values(controls=controls)
            )

    @_translated
    def adopt(self, from_owner: str, to_owner: str) -> None:
        """Give all conversations of one owner to another: the same person, now recognised."""
        with self._engine.begin() as connection:
            connection.execute(
                _conversations.update()
                .where(_conversations.c.owner == from_owner)
                .values(owner=to_owner)
            )

    # Messages

    @_translated
    def branch(self, owner: str, conversation_id: str, limit: int) -> list[Message]:
        """The newest `limit` messages of the branch on screen, oldest first."""
        leaf = (
            sa.select(*_MESSAGE_COLUMNS)
            .join(_conversations, _conversations.c.leaf_id == _messages.c.id)
            .where(*_owned(owner, conversation_id))
            .cte("branch", recursive=True)
        )
        earlier = sa.select(*_MESSAGE_COLUMNS).join(leaf, leaf.c.parent_id == _messages.c.id)
        query = sa.select(leaf.union_all(earlier)).limit(limit)
        with self._reader.connect() as connection:
            newest_first = [Message(**row._mapping) for row in connection.execute(query)]
        return newest_first[::-1]

    @_translated
    def message(self, owner: str, message_id: str) -> Message | None:
        """The owner's message of this id, or None."""
        query = (
            sa.select(*_MESSAGE_COLUMNS)
            .join(_conversations)
            .where(_messages.c.id == message_id, _conversations.c.owner == owner)
        )
        with self._reader.connect() as connection:
            row = connection.execute(query).first()
        return Message(**row._mapping) if row else None

    @_translated
    def add_messages(
        self,
        owner: str,
        messages: Sequence[Message],
        after_leaf_id: str | None,
    ) -> list[Message]:
        """Add messages of one conversation; the last becomes the end of its branch.

        Raises ChatbotError("conflict") and adds nothing when the branch does
        not end in `after_leaf_id` any more, as after a question in another tab.
        """
        now = time.time()
        added = [replace(message, created_at=now, saved_at=now) for message in messages]
        last = added[-1]
        with self._engine.begin() as connection:
            moved = connection.execute(
                _conversations.update()
                .where(
                    *_owned(owner, last.conversation_id),
                    _conversations.c.leaf_id.is_not_distinct_from(after_leaf_id),
                )
                .values(leaf_id=last.id, updated_at=now)
            )
            if moved.rowcount != 1:
                raise ChatbotError("conflict")
            connection.execute(_messages.insert(), [vars(message) for message in added])
        return added

    @_translated
    def save_answers(self, answers: Iterable[Message]) -> None:
        """Write the present text and state of some answers, in one transaction.

        Only answers still marked as answering change, so that a late
        checkpoint never undoes an end. Called by the process that runs them.
        """
        now = time.time()
        rows = [
            {
                "row_id": answer.id,
                "content": answer.content,
                "state": answer.state,
                "error": answer.error,
                "model": answer.model,
                "finish_reason": answer.finish_reason,
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
                "saved_at": now,
            }
            for answer in answers
        ]
        if not rows:
            return
        with self._engine.begin() as connection:
            connection.execute(
                _messages.update().where(
                    _messages.c.id == sa.bindparam("row_id"),
                    _messages.c.state == State.ANSWERING,
                ),
                rows,
            )

    @_translated
    def clear(self, owner: str, conversation_id: str) -> None:
        """Empty a conversation; `undo_clear` can bring it back for UNDO_SECONDS.

        What an earlier `clear` took away is erased: only the last can be undone.
        """
        self._erase_cleared()
        with self._engine.begin() as connection:
            connection.execute(
                _messages.delete().where(
                    _was_cleared(
                        *_owned(owner, conversation_id), _conversations.c.leaf_id.is_not(None)
                    )
                )
            )
            connection.execute(
                _conversations.update()
                .where(*_owned(owner, conversation_id), _conversations.c.leaf_id.is_not(None))
                .values(
                    leaf_id=None, cleared_leaf_id=_conversations.c.leaf_id, cleared_at=time.time()
                )
            )

    @_translated
    def undo_clear(self, owner: str, conversation_id: str) -> None:
        """Bring back what the last `clear` took away, if nothing was written since."""
        with self._engine.begin() as connection:
            connection.execute(
                _conversations.update()
                .where(*_owned(owner, conversation_id), _conversations.c.leaf_id.is_(None))
                .values(leaf_id=_conversations.c.cleared_leaf_id, cleared_leaf_id=None)
            )

    @_translated
    def _erase_cleared(self) -> None:
        """Delete for good what was cleared long ago."""
        cleared_long_ago = (
            _conversations.c.cleared_leaf_id.is_not(None),
            _conversations.c.cleared_at < time.time() - UNDO_SECONDS,
        )
        with self._engine.begin() as connection:
            connection.execute(_messages.delete().where(_was_cleared(*cleared_long_ago)))
            connection.execute(
                _conversations.update().where(*cleared_long_ago).values(cleared_leaf_id=None)
            )


def _was_cleared(*conversation_is: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a message was taken away by the last `clear` of some conversations."""
    return sa.exists().where(
        _conversations.c.id == _messages.c.conversation_id,
        _conversations.c.cleared_leaf_id.is_not(None),
        _messages.c.created_at <= _conversations.c.cleared_at,
        *conversation_is,
    )


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers and one writer work side by side.

    Changing a new file's mode does not wait for other processes by itself.
    """
    deadline = time.monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _owned(owner: str, conversation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _conversations.c.id == conversation_id, _conversations.c.owner == owner


def _create_engine(database_url: str) -> sa.Engine:
    url = sa.make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if url.database and url.database != ":memory:":
        # Conversations are private: no other user of this machine may read the folder.
        Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # An exception's text must not hold what people wrote: it goes to the log.
    engine = sa.create_engine(
        url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Readers need no lock. A writer takes it at once: upgrading later fails under load.
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine
