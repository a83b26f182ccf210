"""Reader of LibreChat's export: a conversation with a list of messages or a tree of `children`."""

from collections import Counter
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.turns import Head, Turn, conversation_of, count_by_name, rating_of
from chatbot.exchange.validation import ReadConversation
from chatbot.exchange.written import joined
from chatbot.i18n import translate

_THOUGHT_OPENS, _THOUGHT_ENDS = ":::thinking", "\n:::"


def is_librechats(raw: dict[str, Any]) -> bool:
    """Return True for a conversation in LibreChat's format."""
    listed = [raw.get("messagesTree"), raw.get("messages")]
    return "conversationId" in raw and any(isinstance(message, list | dict) for message in listed)


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """Read a conversation."""
    left_out: Counter[str] = Counter()
    options = validation.mapping(raw.get("options"))
    default_model = validation.text(options.get("model"))
    turns = []
    for message, parent in _flat(raw.get("messagesTree") or raw.get("messages")):
        turn = _turn(message, left_out, language)
        turn.parent = parent or turn.parent
        turn.model = turn.model or default_model
        turns.append(turn)
    prompts = (options.get("system"), options.get("promptPrefix"))
    head = Head(
        "librechat",
        validation.text(raw.get("conversationId")),
        validation.text(raw.get("title")),
        validation.moment(raw.get("createdAt")),
        validation.moment(raw.get("updatedAt")),
        system_prompt=next(filter(None, map(validation.text, prompts)), ""),
        left_out=left_out,
    )
    return conversation_of(head, turns, language)


def _flat(messages: object) -> list[tuple[dict[str, Any], str]]:
    """Return every message of a tree of any depth, with the id of its parent."""
    top = (
        validation.mapping(messages).get("children", []) if isinstance(messages, dict) else messages
    )
    flat: list[tuple[dict[str, Any], str]] = []
    waiting = [(child, "") for child in reversed(validation.items(top))]
    while waiting:
        raw_message, parent = waiting.pop()
        message = validation.mapping(raw_message)
        flat.append((message, parent))
        own_id = validation.text(message.get("messageId"))
        waiting += [
            (child, own_id) for child in reversed(validation.items(message.get("children")))
        ]
    return flat


def _turn(message: dict[str, Any], left_out: Counter[str], language: str) -> Turn:
    texts, thoughts = _content(message, left_out, language)
    if not texts:
        thought, text = _apart(validation.text(message.get("text")))
        texts.append(text)
        thoughts += [thought] if not thoughts else []
    files = [
        translate(language, "import.file", name=validation.text(file.get("filename")))
        for file in map(validation.mapping, validation.items(message.get("files")))
        if file.get("filename")
    ]
    sender = validation.text(message.get("sender")).lower()
    is_question = message.get("isCreatedByUser") is True
    if "isCreatedByUser" not in message:
        is_question = sender == "user"
    return Turn(
        validation.text(message.get("messageId")),
        validation.text(message.get("parentMessageId")),
        is_question,
        joined([*files, *texts]),
        joined(thoughts),
        model=validation.text(message.get("model")),
        seconds=validation.moment(message.get("createdAt")),
        rating=rating_of(message.get("feedback")),
        was_stopped=message.get("unfinished") is True,
    )


def _content(
    message: dict[str, Any], left_out: Counter[str], language: str
) -> tuple[list[str], list[str]]:
    texts: list[str] = []
    thoughts: list[str] = []
    for part in map(validation.mapping, validation.items(message.get("content"))):
        kind = validation.text(part.get("type")) or "?"
        if kind in ("text", "error"):
            texts.append(_value(part.get("text")) or _value(part.get("error")))
        elif kind in ("think", "thinking", "reasoning"):
            thoughts.append(_value(part.get("think")) or _value(part.get(kind)))
        elif kind in ("image_file", "image_url"):
            left_out[kind] += 1
            texts.append(translate(language, "import.image"))
        elif kind == "tool_call":
            call = validation.mapping(part.get(kind))
            name = call.get("name") or validation.mapping(call.get("function")).get("name")
            count_by_name(left_out, kind, name or call.get("type"))
        else:
            left_out[kind[:40]] += 1
    return [text for text in texts if text.strip()], thoughts


def _value(text: object) -> str:
    """Return a text, which some endpoints write as `{"value": text}`."""
    return validation.text(
        validation.mapping(text).get("value") if isinstance(text, dict) else text
    )


def _apart(text: str) -> tuple[str, str]:
    """Split a text into its reasoning and its answer."""
    if text.startswith(_THOUGHT_OPENS):
        thought, end, answer = text.removeprefix(_THOUGHT_OPENS).partition(_THOUGHT_ENDS)
        if end:
            return thought.strip(), answer.strip()
    return "", text
