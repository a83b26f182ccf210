"""What is kept, as the rest of the app sees it: conversations, messages, shared copies."""

import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

TITLE_CHARACTERS = 60

LONG_WORD_CHARACTERS = 20

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
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    sent_tokens: int | None = None
    """What the model was sent before it wrote this: the endpoint's count, or else a guess."""
    first_sent_id: str | None = None
    """From which message on it was sent everything; None if nothing was left out."""
    is_pinned: bool = False
    """Whether its turn is sent even if it is older than what there is room for."""
    cost: float | None = None
    """What the endpoint takes for it, in US dollars; None if nobody knows."""
    reasoning: str = ""
    """What the model thought before it. Not in a branch, which is read often: see `get`."""
    reasoning_seconds: float | None = None
    """For how long it thought; None if it showed nothing of that."""
    rating: int | None = None
    """1 for a thumb up, 0 for a thumb down."""
    lease: str | None = None
    """Random, new whenever an answer is begun or continued: only who holds it may write on."""
    sequence: int = 0
    """Its place in the order of arrival within its conversation, from 1; 0 before it is stored."""
    created_at: float = 0
    saved_at: float = 0

    @property
    def is_running(self) -> bool:
        """Whether it is marked as answering, by a process that may have gone."""
        return self.state is State.ANSWERING

    @property
    def is_abandoned(self) -> bool:
        """Whether it is still marked as answering though its process has gone."""
        silent_seconds = time.time() - self.saved_at
        return self.is_running and silent_seconds > HEARTBEAT_TIMEOUT_SECONDS


class Said(NamedTuple):
    """What a model is told of a message. 400 of them are read in 1.2 ms, 400 messages in 5.8."""

    id: str
    parent_id: str | None
    role: str
    content: str
    is_pinned: bool


@dataclass(frozen=True)
class Conversation:
    """A conversation without its messages. `controls` holds what its sidebar was set to."""

    id: str
    title: str
    controls: dict[str, Any]
    updated_at: float
    leaf_id: str | None = None
    cleared_leaf_id: str | None = None
    is_pinned: bool = False
    activity: int = 0
    """Its place among the owner's conversations: the one last written to has the highest."""
    origin: str | None = None
    """Where an imported one came from, so that it is not imported twice."""


@dataclass(frozen=True)
class Share:
    """A read-only copy of a conversation, as it was when it was shared."""

    id: str
    conversation_id: str
    title: str
    created_at: float
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Each with role, content and model."""


@dataclass(frozen=True)
class Found:
    """A message, or a title if `message_id` is None, in which a search found its words."""

    conversation_id: str
    title: str
    message_id: str | None
    text: str
    created_at: float


def new_id() -> str:
    """A random id of 128 bits: an address nobody can guess."""
    return secrets.token_hex(16)


def one_line(title: str) -> str:
    """A title as it is kept: one line, shortened."""
    line = " ".join(title.split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    cut = line[: TITLE_CHARACTERS - 1]
    words, _, begun = cut.rpartition(" ")
    # A long piece without a blank is no word that was begun, but Chinese, or an address.
    return (words if words and len(begun) < LONG_WORD_CHARACTERS else cut).rstrip() + "…"


def new_conversation(
    title: str, controls: dict[str, Any], conversation_id: str | None = None
) -> Conversation:
    """A conversation to be stored with its first messages."""
    return Conversation(conversation_id or new_id(), one_line(title), controls, time.time())


def storable(text: str) -> str:
    """Text as every database takes it: NUL left out, lone surrogates replaced."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
