"""ChatGPT's export: each conversation is a tree of nodes under `mapping`.

A node may hold a question, a step of an answer (a thought, a call of a tool, what
the tool said, the text itself), something the page never showed, or nothing. The
steps between two questions become one answer, as ChatGPT's own page shows them.
What `current_node` names is the end of the branch on screen afterwards.
"""

import hashlib
import re
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from chatbot.exchange import checked
from chatbot.exchange.read_conversation import ReadConversation, Unreadable
from chatbot.exchange.tree import mended, parents_first
from chatbot.i18n import translate
from chatbot.store import Conversation, Message, State, new_id, one_line

HIDDEN_TYPES = {
    "thoughts",
    "reasoning_recap",
    "tether_browsing_display",
    "user_editable_context",
    "model_editable_context",
}
"""What ChatGPT folds away or keeps to itself: not part of what was said. It is counted."""

_CITATION = re.compile("\ue200[^\ue201]*\ue201?")
"""A mark that only ChatGPT's own page can draw."""


@dataclass
class _Step:
    """One node, as far as it says something."""

    is_question: bool
    text: str
    seconds: float
    model: str | None = None
    finish: str | None = None


@dataclass
class _Place:
    """Where a walk down the tree stands: the last message, and the answer begun after it."""

    message_id: str | None
    seconds: float
    steps: list[_Step] = field(default_factory=list)


def is_chatgpts(raw: dict[str, Any]) -> bool:
    """Whether this is one conversation as ChatGPT writes it."""
    return isinstance(raw.get("mapping"), dict)


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """The conversation; placeholders for images are in `language`. Raises Unreadable."""
    nodes = {checked.text(name): checked.mapping(node) for name, node in raw["mapping"].items()}
    if raw["mapping"] and not any("message" in node for node in nodes.values()):
        raise Unreadable
    began_at = checked.seconds(raw.get("create_time")) or checked.seconds(raw.get("update_time"))
    began_at = began_at or time.time()
    conversation = Conversation(new_id(), "", {}, began_at)
    left_out: Counter[str] = Counter()
    messages, leaf_id = _messages(
        nodes, checked.text(raw.get("current_node")), conversation, left_out, language
    )
    first_question = next((message.content for message in messages if message.role == "user"), "")
    title = one_line(checked.text(raw.get("title"))) or one_line(first_question)
    last_at = max((message.created_at for message in messages), default=began_at)
    conversation = replace(
        conversation,
        title=title or translate(language, "import.untitled"),
        updated_at=min(checked.seconds(raw.get("update_time")) or last_at, time.time()),
        leaf_id=leaf_id,
        origin=_origin(raw),
    )
    messages = parents_first(messages, [message.created_at for message in messages])
    return ReadConversation(conversation, messages, left_out)


def _origin(raw: dict[str, Any]) -> str:
    known = checked.text(raw.get("conversation_id")) or checked.text(raw.get("id"))
    # Very old exports name none: the same nodes are the same conversation.
    known = known or hashlib.sha256(repr(sorted(map(str, raw["mapping"]))).encode()).hexdigest()
    return f"chatgpt:{known[:100]}"


def _messages(
    nodes: dict[str, dict[str, Any]],
    current: str,
    conversation: Conversation,
    left_out: Counter[str],
    language: str,
) -> tuple[list[Message], str | None]:
    """All messages of the tree, and which of them is the end of the branch on screen.

    Each node's text goes into one message only, so no tree can make it grow.
    """
    parents = _parents(nodes)
    # First the end of the branch on screen, so that a circle is cut at its other end.
    parents = mended({current: parents[current], **parents} if current in parents else parents)
    children: dict[str | None, list[str]] = {}
    for name in nodes:
        children.setdefault(parents[name], []).append(name)
    steps = {name: _step(node, left_out, language) for name, node in nodes.items()}
    messages: list[Message] = []
    leaf_id: str | None = None

    def end_answer(place: _Place) -> _Place:
        if not place.steps:
            return place
        messages.append(_message(conversation.id, place, place.steps))
        return _Place(messages[-1].id, messages[-1].created_at)

    waiting = [(name, _Place(None, conversation.updated_at)) for name in children.get(None, [])]
    while waiting:
        name, place = waiting.pop()
        following = children.get(name, [])
        step = steps[name]
        if step and step.is_question:
            place = end_answer(place)
            messages.append(_message(conversation.id, place, [step]))
            place = _Place(messages[-1].id, messages[-1].created_at)
        elif step:
            if not place.steps:  # it may be shared with other branches
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
        for child in map(checked.text, checked.items(node.get("children")))
    }
    return {
        name: parent if (parent := checked.text(node.get("parent"))) in nodes else listed.get(name)
        for name, node in nodes.items()
    }


def _message(conversation_id: str, place: _Place, steps: list[_Step]) -> Message:
    models = [step.model for step in steps if step.model]
    finish = steps[-1].finish
    is_question = steps[0].is_question
    return Message(
        id=new_id(),
        conversation_id=conversation_id,
        parent_id=place.message_id,
        role="user" if is_question else "assistant",
        content="\n\n".join(step.text for step in steps),
        state=State.STOPPED if finish == "interrupted" and not is_question else State.COMPLETE,
        model=models[-1] if models and not is_question else None,
        finish_reason={"stop": "stop", "max_tokens": "length"}.get(finish or ""),
        created_at=steps[0].seconds or place.seconds,
    )


def _step(node: dict[str, Any], left_out: Counter[str], language: str) -> _Step | None:
    """What a node says; None if that is nothing, or nothing that was to be seen."""
    message = checked.mapping(node.get("message"))  # null for what was deleted, and for roots
    metadata = checked.mapping(message.get("metadata"))
    role = checked.text(checked.mapping(message.get("author")).get("role"))
    if not role or metadata.get("is_visually_hidden_from_conversation") is True:
        return None
    if role == "system":  # empty, or what ChatGPT told its model about the app
        return None
    text = _text(message, metadata, left_out, language)
    if not text:
        return None
    return _Step(
        is_question=role == "user",
        text=text,
        seconds=checked.seconds(message.get("create_time")),
        model=checked.text(metadata.get("model_slug")) or None,
        finish=checked.text(checked.mapping(metadata.get("finish_details")).get("type")) or None,
    )


def _text(
    message: dict[str, Any], metadata: dict[str, Any], left_out: Counter[str], language: str
) -> str:
    content = checked.mapping(message.get("content"))
    author = checked.mapping(message.get("author"))
    kind = checked.text(content.get("content_type")) or "?"
    said = checked.text(content.get("text"))
    if kind == "code":
        name = checked.text(content.get("language"))
        return _fenced(said, "" if name == "unknown" else name)
    if kind == "execution_output":
        return _fenced(said, "")
    if kind == "tether_quote":
        lines = [*said.splitlines(), checked.text(content.get("url"))]
        return "\n".join(f"> {line}" for line in lines if line)
    if kind in HIDDEN_TYPES:
        left_out[kind] += 1
        return ""
    parts = checked.items(content.get("parts"))
    called = checked.text(message.get("recipient")) or "all"
    if author.get("role") == "tool" or called != "all":  # between ChatGPT and a tool of its own
        tool = called if called != "all" else checked.text(author.get("name"))
        left_out[f"{kind} ({tool[:40]})"] += 1
        parts = [part for part in parts if not isinstance(part, str)]  # what it drew is shown
    elif kind not in ("text", "multimodal_text"):
        left_out[kind[:40]] += 1  # of a later version: what text it has is kept
        parts = [*parts, said]
    pieces = [_part(part, left_out, language) for part in parts]
    files = [
        translate(language, "import.file", name=checked.text(attached.get("name")))
        for attached in map(checked.mapping, checked.items(metadata.get("attachments")))
        if not checked.text(attached.get("mime_type")).startswith("image/")
    ]
    return _without_marks("\n\n".join(filter(str.strip, [*files, *pieces])), metadata)


def _part(part: object, left_out: Counter[str], language: str) -> str:
    if isinstance(part, str):
        return checked.text(part)
    piece = checked.mapping(part)
    kind = checked.text(piece.get("content_type")) or "?"
    if kind == "image_asset_pointer":
        left_out[kind] += 1
        return translate(language, "import.image")
    if kind != "audio_transcription":
        left_out[kind[:40]] += 1
    return checked.text(piece.get("text"))


def _fenced(code: str, name: str) -> str:
    """Code in a fence that is longer than any inside it."""
    if not code.strip():
        return ""
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{re.sub('[^a-zA-Z0-9+#-]', '', name)}\n{code}\n{fence}"


def _without_marks(text: str, metadata: dict[str, Any]) -> str:
    """Text in which each of ChatGPT's own marks is what it stands for, as far as the file says."""
    if "\ue200" not in text:
        return text
    meanings = {
        checked.text(one.get("matched_text")): checked.text(one.get("alt"))
        for one in map(checked.mapping, checked.items(metadata.get("content_references")))
    }
    return _CITATION.sub(lambda mark: meanings.get(mark[0], ""), text).strip()
