"""Reader of this app's own JSON, written by `export.to_json`."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from chatbot.errors import ERRORS, ChatbotError
from chatbot.exchange import validation
from chatbot.exchange.export import FORMAT, VERSION
from chatbot.exchange.validation import ReadConversation, Unreadable, mended, parents_first
from chatbot.llm.request import MAX_TEMPERATURE, MAX_TOKENS, REASONING_EFFORTS
from chatbot.store import Conversation, Message, State, new_id, one_line

MAX_LONG_MESSAGES = 500_000
"""Most messages of a long conversation; only their ids are in memory together, 100 MB."""


MOST_DOLLARS = 1_000_000
"""Highest cost of an answer; no real answer costs more. Limits sums to the range of numbers."""


def is_ours(raw: dict[str, Any]) -> bool:
    """Return True for a conversation in this app's format."""
    return raw.get("format") == FORMAT


def read(raw: dict[str, Any]) -> ReadConversation:
    """Read a conversation and give it new ids. Raises Unreadable."""
    listed = [validation.mapping(message) for message in validation.items(raw.get("messages"))]
    written = {validation.text(message.get("id")): message for message in listed}
    if len(written) < len(listed):
        raise Unreadable
    ids = {old: new_id() for old in written}
    parents = mended(
        {old: validation.text(message.get("parent")) for old, message in written.items()}
    )
    leaf_id = ids.get(validation.text(raw.get("current_message")))
    conversation = _conversation(raw, leaf_id)
    messages = [
        _message(message, conversation, ids[old], ids.get(parents[old] or ""))
        for old, message in written.items()
    ]
    return ReadConversation(conversation, parents_first(messages, range(len(messages))))


@dataclass
class LongReading:
    """A conversation too large for memory, read message by message.

    A message before its parent would begin a branch; `export` never writes this order.
    """

    head: dict[str, Any]
    conversation: Conversation = field(init=False)
    _ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conversation = _conversation(self.head, None)

    def message(self, raw: object) -> Message:
        """Read the next message. Raises Unreadable."""
        message = validation.mapping(raw)
        old = validation.text(message.get("id"))
        if old in self._ids or len(self._ids) >= MAX_LONG_MESSAGES:
            raise Unreadable
        parent_id = self._ids.get(validation.text(message.get("parent")))
        self._ids[old] = new_id()
        return _message(message, self.conversation, self._ids[old], parent_id)

    def end(self) -> Conversation:
        """Return the conversation, after the end of its branch on screen has been read."""
        leaf_id = self._ids.get(validation.text(self.head.get("current_message")))
        return replace(self.conversation, leaf_id=leaf_id)


def _conversation(raw: dict[str, Any], leaf_id: str | None) -> Conversation:
    if raw.get("version") != VERSION:
        raise Unreadable
    return Conversation(
        new_id(),
        one_line(validation.text(raw.get("title"))),
        _controls(validation.mapping(raw.get("controls"))),
        validation.seconds(raw.get("updated_at")) or time.time(),
        leaf_id=leaf_id,
        is_pinned=raw.get("pinned") is True,
        origin=validation.text(raw.get("origin")) or validation.text(raw.get("id")) or None,
    )


def _message(
    message: dict[str, Any], conversation: Conversation, message_id: str, parent_id: str | None
) -> Message:
    if not validation.text(message.get("id")) or message.get("role") not in ("user", "assistant"):
        raise Unreadable
    return Message(
        id=message_id,
        conversation_id=conversation.id,
        parent_id=parent_id,
        role=message["role"],
        content=validation.text(message.get("content")),
        state=_state(message),
        error=_error(message.get("error")),
        model=validation.name(message.get("model")) or None,
        finish_reason=validation.name(message.get("finish_reason")) or None,
        prompt_tokens=validation.count(message.get("prompt_tokens")),
        completion_tokens=validation.count(message.get("completion_tokens")),
        cached_tokens=validation.count(message.get("cached_tokens")),
        reasoning_tokens=validation.count(message.get("reasoning_tokens")),
        cost=_cost(message.get("cost")),
        is_pinned=message.get("pinned") is True,
        reasoning=validation.text(message.get("reasoning")),
        reasoning_seconds=_reasoning_seconds(message),
        rating=_rating(message),
        created_at=validation.seconds(message.get("created_at")) or conversation.updated_at,
    )


def _state(message: dict[str, Any]) -> State:
    state = validation.text(message.get("state"))
    if message["role"] == "user" or state not in set(State):
        return State.COMPLETE
    # An imported answer is not running here.
    return State.CUT_SHORT if state == State.ANSWERING else State(state)


def _rating(message: dict[str, Any]) -> int | None:
    rating = validation.count(message.get("rating"))
    return rating if message["role"] == "assistant" and rating in (0, 1) else None


def _reasoning_seconds(message: dict[str, Any]) -> float | None:
    if not validation.text(message.get("reasoning")):
        return None
    return _not_negative(message.get("reasoning_seconds")) or 0.0


def _cost(value: object) -> float | None:
    cost = _not_negative(value)
    return cost if cost is not None and cost <= MOST_DOLLARS else None


def _not_negative(value: object) -> float | None:
    number = validation.number(value)
    return number if number is not None and number >= 0 else None


def _error(value: object) -> dict[str, Any] | None:
    error = validation.mapping(value)
    details = validation.mapping(error.get("details"))
    details = {validation.text(name): validation.text(detail) for name, detail in details.items()}
    if not isinstance(error.get("code"), str) or error["code"] not in ERRORS:
        return None
    known = ChatbotError.from_json({"code": error["code"], "details": details})
    return known.to_json() if known else None


def _controls(written: dict[str, Any]) -> dict[str, Any]:
    """Return the valid values for the sidebar's controls; missing ones use the app's settings."""
    controls: dict[str, Any] = {}
    if model := validation.name(written.get("model")):
        controls["model"] = model
    if (temperature := validation.number(written.get("temperature"))) is not None:
        controls["temperature"] = min(max(temperature, 0.0), MAX_TEMPERATURE)
    if max_tokens := validation.count(written.get("max_tokens")):
        controls["max_tokens"] = min(max_tokens, MAX_TOKENS)
    if written.get("reasoning_effort") in REASONING_EFFORTS:
        controls["reasoning_effort"] = written["reasoning_effort"]
    if "system_prompt" in written:
        controls["system_prompt"] = validation.text(written["system_prompt"])
    return controls
