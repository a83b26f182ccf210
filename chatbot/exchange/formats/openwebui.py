"""Reader of Open WebUI's export: a tree under `chat.history`, or a list in old exports."""

import html
from collections import Counter
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.turns import Head, Turn, conversation_of, count_by_name, linear, rating_of
from chatbot.exchange.validation import ReadConversation
from chatbot.exchange.written import Block, blocks, joined
from chatbot.i18n import translate


def is_openwebuis(raw: dict[str, Any]) -> bool:
    """Return True for a chat in Open WebUI's format, with or without its envelope."""
    chat = validation.mapping(raw.get("chat")) or raw
    has_tree = isinstance(validation.mapping(chat.get("history")).get("messages"), dict)
    return has_tree or ("chat" in raw and isinstance(chat.get("messages"), list))


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """Read a conversation."""
    chat = validation.mapping(raw.get("chat")) or raw
    history = validation.mapping(chat.get("history"))
    left_out: Counter[str] = Counter()
    turns: list[Turn] = []
    models = validation.items(chat.get("models"))
    default_model = validation.text(models[0]) if len(models) == 1 else ""
    systems = [validation.mapping(chat.get("params")).get("system"), chat.get("system")]
    tree = validation.mapping(history.get("messages"))
    for name, message in tree.items() or enumerate(validation.items(chat.get("messages"))):
        message = validation.mapping(message)
        turn = _turn(message, left_out, language)
        turn.model = turn.model or default_model
        turn.id = validation.text(name) if tree else ""
        if message.get("role") == "system":
            systems.append(turn.text)
            turn.text = turn.reasoning = ""
        turns.append(turn)
    head = Head(
        "openwebui",
        validation.text(raw.get("id")),
        validation.text(raw.get("title")) or validation.text(chat.get("title")),
        validation.moment(raw.get("created_at")) or validation.moment(chat.get("timestamp")),
        validation.moment(raw.get("updated_at")),
        current=validation.text(history.get("currentId")),
        system_prompt=next(filter(None, map(validation.text, systems)), ""),
        is_pinned=raw.get("pinned") is True,
        left_out=left_out,
    )
    return conversation_of(head, turns if tree else linear(turns), language)


def _turn(message: dict[str, Any], left_out: Counter[str], language: str) -> Turn:
    role = validation.text(message.get("role"))
    turn = Turn(
        "",
        validation.text(message.get("parentId")),
        role == "user",
        model=validation.text(message.get("model")),
        seconds=validation.moment(message.get("timestamp")),
        rating=rating_of(message.get("annotation")),
        was_stopped=message.get("done") is False,
    )
    content = message.get("content")
    pieces = [validation.text(content)]
    if isinstance(content, list):
        pieces = [_part(part, left_out, language) for part in map(validation.mapping, content)]
    if role == "assistant":
        answers = [_read_answer(piece, turn, left_out) for piece in pieces]
        pieces = [joined(answers) or _output(message, turn, left_out)]
        if turn.reasoning == "":
            turn.reasoning = validation.text(message.get("reasoning_content"))
        if not joined(pieces) and not turn.reasoning:
            pieces.append(validation.text(validation.mapping(message.get("error")).get("content")))
    turn.text = joined([*_files(message, left_out, language), *pieces])
    return turn


def _read_answer(content: str, turn: Turn, left_out: Counter[str]) -> str:
    """Return an answer's text, move its reasoning to the turn, and count its tool calls."""
    texts: list[str] = []
    thoughts = [turn.reasoning] if turn.reasoning else []
    for block in blocks(content, "details"):
        kind = (block.attributes or {}).get("type", "")
        if block.attributes is None:
            texts.append(block.text.strip())
        elif kind == "reasoning":
            thoughts.append(_thought(block))
            seconds = validation.seconds_stated(block.attributes.get("duration"))
            turn.reasoning_seconds += seconds
        elif kind == "tool_calls":
            count_by_name(left_out, kind, html.unescape(block.attributes.get("name", "")))
        elif kind == "code_interpreter":
            texts.append(_without_summary(block.text))
        else:  # written by the person or the model
            texts.append(f"<details>{block.text}</details>")
    turn.reasoning = joined(thoughts)
    return joined(texts)


def _thought(block: Block) -> str:
    lines = html.unescape(_without_summary(block.text)).splitlines()
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines).strip()


def _without_summary(text: str) -> str:
    before, end, after = text.partition("</summary>")
    return (after if end else before).strip()


def _output(message: dict[str, Any], turn: Turn, left_out: Counter[str]) -> str:
    """Read an answer from the items that newer versions store instead of a text."""
    texts: list[str] = []
    for item in map(validation.mapping, validation.items(message.get("output"))):
        kind = validation.text(item.get("type"))
        parts = [*validation.items(item.get("content")), *validation.items(item.get("summary"))]
        text = joined([validation.text(validation.mapping(part).get("text")) for part in parts])
        if kind == "message":
            texts.append(text)
        elif kind == "reasoning":
            turn.reasoning = joined([turn.reasoning, text])
        elif not kind.endswith("_output"):
            count_by_name(left_out, kind[:40] or "?", item.get("name"))
    return joined(texts)


def _part(part: dict[str, Any], left_out: Counter[str], language: str) -> str:
    if part.get("type") == "image_url":
        left_out["image_url"] += 1
        return translate(language, "import.image")
    return validation.text(part.get("text"))


def _files(message: dict[str, Any], left_out: Counter[str], language: str) -> list[str]:
    pieces = []
    for file in map(validation.mapping, validation.items(message.get("files"))):
        kind = validation.text(file.get("type"))
        name = validation.text(file.get("name")) or validation.text(file.get("url"))[:100]
        if kind == "image" or validation.text(file.get("content_type")).startswith("image/"):
            left_out["image"] += 1
            pieces.append(translate(language, "import.image"))
        elif name:
            pieces.append(translate(language, "import.file", name=name))
    return pieces
