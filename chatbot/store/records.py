"""Stored records for the rest of the app: conversations, messages, shared copies."""

import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

TITLE_CHARACTERS = 60

LONG_WORD_CHARACTERS = 20

HEARTBEAT_TIMEOUT_SECONDS = 6
"""Time without a checkpoint after which a running answer counts as abandoned.

Running answers are saved about once a second; the rest allows for a busy disk.
"""


class State(StrEnum):
    """State of an answer. Questions are always complete."""

    ANSWERING = "answering"
    COMPLETE = "complete"
    STOPPED = "stopped"
    CUT_SHORT = "cut_short"
    FAILED = "failed"


@dataclass(frozen=True)
class Message:
    """A question or answer. Tokens are the endpoint's count; `error` is from ChatbotError."""

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
    """Tokens sent to the model for this answer: the endpoint's count, or else an estimate."""
    first_sent_id: str | None = None
    """The first message from which everything was sent; None if nothing was left out."""
    is_pinned: bool = False
    """The turn is always sent, even if older turns no longer fit."""
    cost: float | None = None
    """Cost at the endpoint in US dollars; None if unknown."""
    reasoning: str = ""
    """The model's reasoning. `Messages.branch` omits it, because a branch is read often."""
    reasoning_seconds: float | None = None
    """Duration of the reasoning; None if the model showed none."""
    rating: int | None = None
    """1 for thumbs up, 0 for thumbs down."""
    lease: str | None = None
    """Random, new whenever an answer is started or continued; only its holder may write."""
    sequence: int = 0
    """Order of arrival within the conversation, from 1; 0 before the message is stored."""
    created_at: float = 0
    saved_at: float = 0

    @property
    def is_running(self) -> bool:
        """True while the answer is marked as answering, even if its process is gone."""
        return self.state is State.ANSWERING

    @property
    def is_abandoned(self) -> bool:
        """True if the answer is marked as answering, but its process is gone."""
        silent_seconds = time.time() - self.saved_at
        return self.is_running and silent_seconds > HEARTBEAT_TIMEOUT_SECONDS


class PromptMessage(NamedTuple):
    """The parts of a message that the prompt needs; faster to read than a Message."""

    id: str
    parent_id: str | None
    role: str
    content: str
    is_pinned: bool


@dataclass(frozen=True)
class Conversation:
    """A conversation without its messages. `controls` are its settings in the sidebar."""

    id: str
    title: str
    controls: dict[str, Any]
    updated_at: float
    leaf_id: str | None = None
    is_pinned: bool = False
    activity: int = 0
    """Order among the owner's conversations; the most recently used has the highest number."""
    origin: str | None = None
    """Identity in the app that an import came from, so that it is not imported twice."""


@dataclass(frozen=True)
class Share:
    """A read-only copy of a conversation from the time of sharing."""

    id: str
    conversation_id: str
    title: str
    created_at: float
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Messages with role, content and model."""


@dataclass(frozen=True)
class SearchResult:
    """A match of a search: in a message, or in the title if `message_id` is None."""

    conversation_id: str
    title: str
    message_id: str | None
    text: str
    created_at: float


def new_id() -> str:
    """Create a random id of 128 bits, which cannot be guessed."""
    return secrets.token_hex(16)


def one_line(title: str) -> str:
    """Shorten a title to one line for the store."""
    line = " ".join(title.split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    cut = line[: TITLE_CHARACTERS - 1]
    words, _, begun = cut.rpartition(" ")
    # A long piece without a space is not a cut word, but Chinese or an address.
    return (words if words and len(begun) < LONG_WORD_CHARACTERS else cut).rstrip() + "…"


def new_conversation(
    title: str, controls: dict[str, Any], conversation_id: str | None = None
) -> Conversation:
    """Create a conversation, to be stored with its first messages."""
    return Conversation(conversation_id or new_id(), one_line(title), controls, time.time())


def storable(text: str) -> str:
    """Make a text safe for every database: without NUL, with lone surrogates replaced."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
