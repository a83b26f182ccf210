"""Reader of ChatGPT's export: each conversation is a tree of nodes under `mapping`.

A node may contain a question, a step of an answer (reasoning, a tool call, a tool's result, the
text itself), something that the page never showed, or nothing. The steps between two questions
become one answer, as on ChatGPT's own page. `current_node` becomes the end of the branch on screen.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.formats.chatgpt_text import Texts
from chatbot.exchange.turns import rating_of
from chatbot.exchange.validation import ReadConversation, Unreadable, mended, parents_first
from chatbot.i18n import translate
from chatbot.store import Conversation, Message, State, new_id, one_line

FEEDBACK_FILE = "message_feedback.json"
"""File in the zip with the ratings, by message id."""


@dataclass
class _Step:
    """The visible content of a node."""

    is_question: bool
    text: str
    seconds: float
    model: str | None = None
    finish: str | None = None
    rating: int | None = None


@dataclass
class _Place:
    """Position of a walk down the tree: the last message, and the steps of the answer after it."""

    message_id: str | None
    seconds: float
    steps: list[_Step] = field(default_factory=list)


def is_chatgpts(raw: dict[str, Any]) -> bool:
    """Return True for a conversation in ChatGPT's format."""
    return isinstance(raw.get("mapping"), dict)


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """Read a conversation; placeholders for images are in `language`. Raises Unreadable."""
    nodes = {
        validation.text(name): validation.mapping(node) for name, node in raw["mapping"].items()
    }
    if raw["mapping"] and not any("message" in node for node in nodes.values()):
        raise Unreadable
    began_at = validation.seconds(raw.get("create_time")) or validation.seconds(
        raw.get("update_time")
    )
    began_at = began_at or time.time()
    conversation = Conversation(new_id(), "", {}, began_at)
    texts = Texts(language)
    current = validation.text(raw.get("current_node"))
    default_model = validation.name(raw.get("default_model_slug"))
    messages, leaf_id = _messages(nodes, current, conversation, texts, default_model)
    system_prompt = _system_prompt(nodes, texts)
    first_question = next((message.content for message in messages if message.role == "user"), "")
    title = one_line(validation.text(raw.get("title"))) or one_line(first_question)
    last_at = max((message.created_at for message in messages), default=began_at)
    conversation = replace(
        conversation,
        title=title or translate(language, "import.untitled"),
        updated_at=min(validation.seconds(raw.get("update_time")) or last_at, time.time()),
        leaf_id=leaf_id,
        controls={"system_prompt": system_prompt} if system_prompt else {},
        is_pinned=raw.get("is_starred") is True,
        origin=_origin(raw),
    )
    messages = parents_first(messages, [message.created_at for message in messages])
    return ReadConversation(conversation, messages, texts.left_out)


def rate(raw: dict[str, Any], feedback: Iterable[object]) -> None:
    """Copy the ratings from their separate file into the messages."""
    ratings = {
        validation.text(rated.get(name)): rated.get("rating")
        for rated in map(validation.mapping, feedback)
        for name in ("id", "message_id")
    }
    for name, node in validation.mapping(raw.get("mapping")).items():
        message = validation.mapping(validation.mapping(node).get("message"))
        rating = ratings.get(validation.text(message.get("id")) or name)
        if rating is not None:
            message["metadata"] = {**validation.mapping(message.get("metadata")), "rating": rating}


def _origin(raw: dict[str, Any]) -> str:
    identity = validation.text(raw.get("conversation_id")) or validation.text(raw.get("id"))
    # Very old exports have no id; equal nodes then mean the same conversation.
    identity = (
        identity or hashlib.sha256(repr(sorted(map(str, raw["mapping"]))).encode()).hexdigest()
    )
    return f"chatgpt:{identity[:100]}"


def _messages(
    nodes: dict[str, dict[str, Any]],
    current: str,
    conversation: Conversation,
    texts: Texts,
    default_model: str,
) -> tuple[list[Message], str | None]:
    """Return all messages of the tree, and the id of the end of the branch on screen.

    Each node's text goes into only one message, so that no tree can multiply the text.
    """
    parents = _parents(nodes)
    # The branch on screen first, so that a cycle is cut at the other end.
    parents = mended({current: parents[current], **parents} if current in parents else parents)
    children: dict[str | None, list[str]] = {}
    for name in nodes:
        children.setdefault(parents[name], []).append(name)
    steps = {name: _step(node, texts) for name, node in nodes.items()}
    messages: list[Message] = []
    leaf_id: str | None = None

    def end_answer(place: _Place) -> _Place:
        if not place.steps:
            return place
        messages.append(_message(conversation.id, place, place.steps, default_model))
        return _Place(messages[-1].id, messages[-1].created_at)

    waiting = [(name, _Place(None, conversation.updated_at)) for name in children.get(None, [])]
    while waiting:
        name, place = waiting.pop()
        following = children.get(name, [])
        step = steps[name]
        if step and step.is_question:
            place = end_answer(place)
            messages.append(_message(conversation.id, place, [step], ""))
            place = _Place(messages[-1].id, messages[-1].created_at)
        elif step:
            if not place.steps:  # the position may be shared with other branches
                place = _Place(place.message_id, place.seconds)
            place.steps.append(step)
        if len(following) != 1 or name == current:
            place = end_answer(place)
        if name == current:
            leaf_id = place.message_id
        waiting += [(follower, place) for follower in reversed(following)]
    return messages, leaf_id


def _parents(nodes: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    listed = {
        child: name
        for name, node in nodes.items()
        for child in map(validation.text, validation.items(node.get("children")))
    }
    return {
        name: parent
        if (parent := validation.text(node.get("parent"))) in nodes
        else listed.get(name)
        for name, node in nodes.items()
    }


def _message(
    conversation_id: str, place: _Place, steps: list[_Step], default_model: str
) -> Message:
    models = [step.model for step in steps if step.model]
    ratings = [step.rating for step in steps if step.rating is not None]
    finish = steps[-1].finish
    is_question = steps[0].is_question
    return Message(
        id=new_id(),
        conversation_id=conversation_id,
        parent_id=place.message_id,
        role="user" if is_question else "assistant",
        content="\n\n".join(step.text for step in steps),
        state=State.STOPPED if finish == "interrupted" and not is_question else State.COMPLETE,
        model=None if is_question else models[-1] if models else default_model or None,
        finish_reason={"stop": "stop", "max_tokens": "length"}.get(finish or ""),
        rating=ratings[-1] if ratings and not is_question else None,
        created_at=steps[0].seconds or place.seconds,
    )


def _step(node: dict[str, Any], texts: Texts) -> _Step | None:
    """Return the visible content of a node; None if there is none."""
    message = validation.mapping(node.get("message"))  # null for deleted messages and roots
    metadata = validation.mapping(message.get("metadata"))
    role = _role(message)
    if not role or _is_hidden(message) or role == "system":
        return None
    text = texts.of(message)
    if not text:
        return None
    return _Step(
        is_question=role == "user",
        text=text,
        seconds=validation.seconds(message.get("create_time")),
        model=validation.name(metadata.get("model_slug")) or None,
        finish=validation.text(validation.mapping(metadata.get("finish_details")).get("type"))
        or None,
        rating=rating_of(metadata.get("rating")),
    )


def _role(message: dict[str, Any]) -> str:
    return validation.text(validation.mapping(message.get("author")).get("role"))


def _is_hidden(message: dict[str, Any]) -> bool:
    metadata = validation.mapping(message.get("metadata"))
    return metadata.get("is_visually_hidden_from_conversation") is True


def _system_prompt(nodes: dict[str, dict[str, Any]], texts: Texts) -> str:
    """Return the visible system prompt.

    Hidden system messages are ChatGPT's own instructions.
    """
    messages = [validation.mapping(node.get("message")) for node in nodes.values()]
    prompts = [
        texts.of(message)
        for message in messages
        if _role(message) == "system" and not _is_hidden(message) and message.get("weight") != 0
    ]
    return "\n\n".join(filter(None, prompts))
