"""Reader of NextChat's export: a backup of the app with sessions, or a single session.

The format of a session is also the usual message list for OpenAI-compatible servers.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.json_window import SESSIONS_STORE
from chatbot.exchange.turns import Head, Turn, conversation_of, linear
from chatbot.exchange.validation import ReadConversation
from chatbot.exchange.written import joined
from chatbot.i18n import translate

_YEAR_FIRST = re.compile(r"(\d{4})[/.年-]\s?(\d{1,2})[/.月-]\s?(\d{1,2})日?")
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}),(?=.*[AP]M)")
_DAY_FIRST = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_CLOCK = re.compile(r"(上午|下午)?\s?(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([AP])M)?")


def sessions_in(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the sessions of a backup, if any. Its other parts, settings and keys, are ignored."""
    yield from map(
        validation.mapping,
        validation.items(validation.mapping(raw.get(SESSIONS_STORE)).get("sessions")),
    )


def is_nextchats(raw: dict[str, Any]) -> bool:
    """Return True for a session, or a plain list of messages with roles."""
    listed = raw.get("messages")
    if not isinstance(listed, list) or not ("topic" in raw or "mask" in raw or listed):
        return False
    return all("role" in validation.mapping(message) for message in listed)


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """Read a conversation."""
    left_out: Counter[str] = Counter()
    mask = validation.mapping(raw.get("mask"))
    context = [validation.mapping(message) for message in validation.items(mask.get("context"))]
    default_model = validation.text(validation.mapping(mask.get("modelConfig")).get("model"))
    systems: list[str] = []
    turns: list[Turn] = []
    for message in [*context, *map(validation.mapping, raw["messages"])]:
        turn = _turn(message, left_out, language)
        turn.model = turn.model or default_model
        role = validation.text(message.get("role"))
        if role == "system":
            systems.append(turn.text)
        elif role in ("user", "assistant"):
            turns.append(turn)
        else:
            left_out[role[:40] or "?"] += 1
    updated_at = validation.moment(raw.get("lastUpdate"))
    head = Head(
        "nextchat",
        validation.text(raw.get("id")),
        validation.text(raw.get("topic")) or validation.text(raw.get("title")),
        updated_at=updated_at,
        system_prompt=joined(systems),
        left_out=left_out,
    )
    return conversation_of(head, linear(turns), language)


def _turn(message: dict[str, Any], left_out: Counter[str], language: str) -> Turn:
    content = message.get("content")
    pieces = [validation.text(content)]
    if isinstance(content, list):
        pieces = [_part(part, left_out, language) for part in map(validation.mapping, content)]
    for tool in map(validation.mapping, validation.items(message.get("tools"))):
        name = validation.text(validation.mapping(tool.get("function")).get("name"))[:40]
        left_out[f"tool ({name})"] += 1
    return Turn(
        "",
        "",
        validation.text(message.get("role")) == "user",
        joined(pieces),
        validation.text(message.get("reasoning_content")),
        model=validation.text(message.get("model")),
        seconds=_moment(message.get("date")),
    )


def _part(part: dict[str, Any], left_out: Counter[str], language: str) -> str:
    if validation.text(part.get("type")) == "image_url":
        left_out["image_url"] += 1
        return translate(language, "import.image")
    return validation.text(part.get("text"))


def _moment(value: object) -> float:
    """Parse a browser's local date and time, if the order of day and month is unambiguous.

    The file does not contain the browser's time zone, so the time is read as UTC.
    """
    text = validation.text(value)[:40]
    if date := _YEAR_FIRST.match(text):
        year, month, day = map(int, date.groups())
    elif date := _MONTH_FIRST.match(text):
        month, day, year = map(int, date.groups())
    elif date := _DAY_FIRST.match(text):
        day, month, year = map(int, date.groups())
    else:
        return 0
    if "T" in text:
        return validation.seconds(text)
    clock = _CLOCK.search(text, date.end())
    hour, minute, second = 0, 0, 0
    if clock:
        hour, minute, second = int(clock[2]), int(clock[3]), int(clock[4] or 0)
        is_afternoon = clock[1] == "下午" or clock[5] == "P"
        if clock[1] or clock[5]:
            hour = hour % 12 + 12 * is_afternoon
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return validation.seconds(moment.timestamp())
    except (ValueError, OverflowError):
        return 0
