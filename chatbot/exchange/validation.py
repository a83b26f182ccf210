"""Validation of imported values, and repair of message trees."""

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chatbot.store import Conversation, Message, storable


class Unreadable(Exception):
    """A conversation of a file is invalid; other conversations of the file may be valid."""


@dataclass(frozen=True)
class ReadConversation:
    """An imported conversation, ready to be stored."""

    conversation: Conversation
    messages: list[Message]
    """The messages, each after its parent."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Omitted content types with their numbers."""


def mended(parents: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return each node's parent, with None for missing parents, and without cycles."""
    mended_parents = {
        node: parent if parent in parents else None for node, parent in parents.items()
    }
    checked: set[str] = set()
    for start in mended_parents:
        path: set[str] = set()
        node: str | None = start
        last = start
        while node is not None and node not in checked:
            if node in path:
                mended_parents[last] = None
                break
            path.add(node)
            last, node = node, mended_parents[node]
        checked |= path
    return mended_parents


def parents_first(messages: list[Message], arrivals: Sequence[float]) -> list[Message]:
    """Order messages by arrival, but never a message before its parent."""
    places = {message.id: place for place, message in enumerate(messages)}
    followers: dict[int | None, list[int]] = {}
    for place, message in enumerate(messages):
        followers.setdefault(places.get(message.parent_id or ""), []).append(place)
    waiting = [(arrivals[place], place) for place in followers.get(None, [])]
    heapq.heapify(waiting)
    ordered = []
    while waiting:
        arrival, place = heapq.heappop(waiting)
        ordered.append(messages[place])
        for follower in followers.get(place, []):
            heapq.heappush(waiting, (max(arrival, arrivals[follower]), follower))
    return ordered


_MOST_SECONDS = 250_000_000_000
"""The year 9892, shortly before Python's calendar ends."""
_MOST_SECONDS_ELSEWHERE = 50_000_000_000
"""The year 3554; the same number of milliseconds is in 1971, before any chat app."""
_MOST_IN_COLUMN = 2**31 - 1
MOST_OF_NAME = 300
"""Characters: it is drawn with each answer, in shared copies as well."""


def text(value: object) -> str:
    """Return a text, or "" for any other value."""
    return storable(value) if isinstance(value, str) else ""


def name(value: object) -> str:
    """Return a short text, such as a model's name, cut to MOST_OF_NAME characters."""
    return text(value)[:MOST_OF_NAME]


def count(value: object) -> int | None:
    """Return a whole number that fits a column, or None."""
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= _MOST_IN_COLUMN else None  # type: ignore[operator,return-value]


def number(value: object) -> float | None:
    """Return a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def seconds(value: object) -> float:
    """Return a time in seconds since 1970, from a number or ISO 8601; 0 if invalid."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return 0
    timestamp = number(value)
    return timestamp if timestamp and 0 < timestamp < _MOST_SECONDS else 0


def moment(value: object) -> float:
    """Return a time like `seconds`, also from milliseconds, microseconds or nanoseconds."""
    timestamp = number(value)
    while timestamp and timestamp > _MOST_SECONDS_ELSEWHERE:
        timestamp /= 1000
    return seconds(timestamp) if timestamp else seconds(value)


def seconds_stated(value: object) -> float:
    """Return a duration in seconds from a number or digits; 0 for any other value."""
    if isinstance(value, str):
        try:
            value = float(value[:20])
        except ValueError:
            return 0
    return max(0.0, number(value) or 0.0)


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty dict for any other value."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return a JSON array, or an empty list for any other value."""
    return value if isinstance(value, list) else []
