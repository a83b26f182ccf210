"""Reader of Claude's export: a list of messages, each perhaps with its parent."""

from collections import Counter
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.turns import (
    Head,
    Turn,
    conversation_of,
    count_by_name,
    rating_of,
    seconds_between,
)
from chatbot.exchange.validation import ReadConversation
from chatbot.exchange.written import blocks, document, fenced, joined
from chatbot.i18n import translate

_UNSUPPORTED = "This block is not supported on your current device yet."
"""Placeholder in `text` for a tool call."""

_NOT_COUNTED = {"tool_result", "token_budget", "flag"}
"""Block types that are not counted: results belong to a counted call, others are metadata."""


def is_claudes(raw: dict[str, Any]) -> bool:
    """Return True for a conversation in Claude's format."""
    return isinstance(raw.get("chat_messages"), list)


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """Read a conversation. In older exports without parents, each message follows the previous."""
    left_out: Counter[str] = Counter()
    listed = [validation.mapping(message) for message in raw["chat_messages"]]
    has_parents = any(validation.text(message.get("parent_message_uuid")) for message in listed)
    turns: list[Turn] = []
    for message in listed:
        turn = _turn(message, left_out, language)
        turn.model = turn.model or validation.text(raw.get("model"))
        if not has_parents:
            turn.parent = turns[-1].id if turns else ""
        turns.append(turn)
    head = Head(
        "claude",
        validation.text(raw.get("uuid")),
        validation.text(raw.get("name")),
        validation.moment(raw.get("created_at")),
        validation.moment(raw.get("updated_at")),
        current=validation.text(raw.get("current_leaf_message_uuid")),
        is_pinned=raw.get("is_starred") is True,
        left_out=left_out,
    )
    return conversation_of(head, turns, language)


def _turn(message: dict[str, Any], left_out: Counter[str], language: str) -> Turn:
    texts, thoughts, thought_seconds = _content(message, left_out, language)
    if not texts:
        texts = _texts(_without_notes(validation.text(message.get("text"))))
    return Turn(
        validation.text(message.get("uuid")),
        validation.text(message.get("parent_message_uuid")),
        validation.text(message.get("sender") or message.get("role")) in ("human", "user"),
        joined([*_files(message, language), *texts]),
        joined(thoughts),
        thought_seconds,
        validation.text(message.get("model")),
        validation.moment(message.get("created_at")),
        rating_of(message.get("chat_feedback")),
    )


def _content(
    message: dict[str, Any], left_out: Counter[str], language: str
) -> tuple[list[str], list[str], float]:
    """Return a message's texts, its reasoning, and the seconds of reasoning."""
    texts: list[str] = []
    thoughts: list[str] = []
    thought_seconds = 0.0
    for block in map(validation.mapping, validation.items(message.get("content"))):
        kind = validation.text(block.get("type")) or "?"
        if kind == "text":
            texts += _texts(validation.text(block.get("text")))
        elif kind == "voice_note":
            texts.append(
                validation.text(block.get("text")) or validation.text(block.get("transcript"))
            )
        elif kind in ("thinking", "redacted_thinking"):
            thoughts.append(validation.text(block.get("thinking")))
            thought_seconds += seconds_between(
                block.get("start_timestamp"), block.get("stop_timestamp")
            )
        elif kind == "image":
            left_out["image"] += 1
            texts.append(translate(language, "import.image"))
        elif kind == "tool_use":
            shown = _artifact(validation.mapping(block.get("input")))
            texts.append(shown)
            if not shown:
                count_by_name(left_out, "tool_use", block.get("name"))
        elif kind not in _NOT_COUNTED:
            left_out[kind[:40]] += 1
    return [text for text in texts if text.strip()], thoughts, thought_seconds


def _artifact(called_with: dict[str, Any]) -> str:
    """Return the document in a tool call that contains it completely, or ""."""
    kind = validation.text(called_with.get("type"))
    content = called_with.get("content") or called_with.get("file_text")
    if not isinstance(content, str) or not (kind or "file_text" in called_with):
        return ""
    if not kind:
        name = validation.text(called_with.get("path")).rpartition(".")
        return document("application/vnd.ant.code", name[2][:20], validation.text(content))
    return document(kind, validation.text(called_with.get("language")), validation.text(content))


def _texts(text: str) -> list[str]:
    """Split a text and replace documents in the tags of older versions with their content."""
    return [
        block.text.strip()
        if block.attributes is None
        else document(
            block.attributes.get("type", ""), block.attributes.get("language", ""), block.text
        )
        for block in blocks(text, "antArtifact")
    ]


def _without_notes(text: str) -> str:
    return text.replace(f"```\n{_UNSUPPORTED}\n```", "").strip()


def _files(message: dict[str, Any], language: str) -> list[str]:
    """Return the text of attached files, or else their names."""
    pieces = []
    attached = [
        validation.mapping(attachment)
        for attachment in validation.items(message.get("attachments"))
    ]
    named = {validation.text(attachment.get("file_name")) for attachment in attached}
    for attachment in attached:
        name, text = (
            validation.text(attachment.get("file_name")),
            validation.text(attachment.get("extracted_content")),
        )
        if name:
            pieces.append(translate(language, "import.file", name=name))
            pieces.append(fenced(text.rstrip()))
        else:
            pieces.append(text)  # a long pasted text
    for file in map(validation.mapping, validation.items(message.get("files"))):
        name = validation.text(file.get("file_name"))
        if name in named:
            continue
        is_picture = validation.text(file.get("file_kind")) == "image" or not name
        key = "import.image" if is_picture else "import.file"
        pieces.append(translate(language, key, name=name))
    return pieces
