"""Our own JSON, read back: see `export.to_json`."""

import time
from typing import Any

from chatbot.errors import ACTIONS, ChatbotError
from chatbot.exchange import checked
from chatbot.exchange.export import FORMAT, VERSION
from chatbot.exchange.read_conversation import ReadConversation, Unreadable
from chatbot.exchange.tree import mended, parents_first
from chatbot.parameters import REASONING_EFFORTS
from chatbot.settings import MAX_TEMPERATURE, MAX_TOKENS
from chatbot.store import Conversation, Message, State, new_id, one_line


def is_ours(raw: dict[str, Any]) -> bool:
    """Whether this is one conversation as we write it."""
    return raw.get("format") == FORMAT


def read(raw: dict[str, Any]) -> ReadConversation:
    """The conversation, with ids of its own. Raises Unreadable."""
    if raw.get("version") != VERSION:
        raise Unreadable
    listed = [checked.mapping(one) for one in checked.items(raw.get("messages"))]
    written = {checked.text(one.get("id")): one for one in listed}
    if "" in written or len(written) < len(listed):
        raise Unreadable
    if any(one.get("role") not in ("user", "assistant") for one in listed):
        raise Unreadable
    ids = {old: new_id() for old in written}
    parents = mended({old: checked.text(one.get("parent")) for old, one in written.items()})
    updated_at = checked.seconds(raw.get("updated_at")) or time.time()
    conversation = Conversation(
        new_id(),
        one_line(checked.text(raw.get("title"))),
        _controls(checked.mapping(raw.get("controls"))),
        updated_at,
        leaf_id=ids.get(checked.text(raw.get("current_message"))),
        is_pinned=raw.get("pinned") is True,
        origin=checked.text(raw.get("origin")) or checked.text(raw.get("id")) or None,
    )
    messages = [
        Message(
            id=ids[old],
            conversation_id=conversation.id,
            parent_id=ids.get(parents[old] or ""),
            role=one["role"],
            content=checked.text(one.get("content")),
            state=_state(one),
            error=_error(one.get("error")),
            model=checked.text(one.get("model")) or None,
            finish_reason=checked.text(one.get("finish_reason")) or None,
            prompt_tokens=checked.count(one.get("prompt_tokens")),
            completion_tokens=checked.count(one.get("completion_tokens")),
            cached_tokens=checked.count(one.get("cached_tokens")),
            reasoning_tokens=checked.count(one.get("reasoning_tokens")),
            cost=_not_negative(one.get("cost")),
            is_pinned=one.get("pinned") is True,
            reasoning=checked.text(one.get("reasoning")),
            reasoning_seconds=_reasoning_seconds(one),
            rating=_rating(one),
            created_at=checked.seconds(one.get("created_at")) or updated_at,
        )
        for old, one in written.items()
    ]
    return ReadConversation(conversation, parents_first(messages, range(len(messages))))


def _state(one: dict[str, Any]) -> State:
    state = checked.text(one.get("state"))
    if one["role"] == "user" or state not in set(State):
        return State.COMPLETE
    # Nobody is writing on it here.
    return State.CUT_SHORT if state == State.ANSWERING else State(state)


def _rating(one: dict[str, Any]) -> int | None:
    rating = checked.count(one.get("rating"))
    return rating if one["role"] == "assistant" and rating in (0, 1) else None


def _reasoning_seconds(one: dict[str, Any]) -> float | None:
    if not checked.text(one.get("reasoning")):
        return None
    return _not_negative(one.get("reasoning_seconds")) or 0.0


def _not_negative(value: object) -> float | None:
    number = checked.number(value)
    return number if number is not None and number >= 0 else None


def _error(value: object) -> dict[str, Any] | None:
    error = checked.mapping(value)
    details = checked.mapping(error.get("details"))
    details = {checked.text(name): checked.text(detail) for name, detail in details.items()}
    if not isinstance(error.get("code"), str) or error["code"] not in ACTIONS:
        return None
    known = ChatbotError.from_json({"code": error["code"], "details": details})
    return known.to_json() if known else None


def _controls(written: dict[str, Any]) -> dict[str, Any]:
    """Only what the sidebar's controls can show; the others keep what is set for this app."""
    controls: dict[str, Any] = {}
    if model := checked.text(written.get("model")):
        controls["model"] = model
    if (temperature := checked.number(written.get("temperature"))) is not None:
        controls["temperature"] = min(max(temperature, 0.0), MAX_TEMPERATURE)
    if max_tokens := checked.count(written.get("max_tokens")):
        controls["max_tokens"] = min(max_tokens, MAX_TOKENS)
    if written.get("reasoning_effort") in REASONING_EFFORTS:
        controls["reasoning_effort"] = written["reasoning_effort"]
    if "system_prompt" in written:
        controls["system_prompt"] = checked.text(written["system_prompt"])
    return controls
