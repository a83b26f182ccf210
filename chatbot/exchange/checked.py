"""Values from a file that somebody else wrote, as the store takes them; None or "" otherwise."""

import math
from datetime import UTC, datetime
from typing import Any

from chatbot.store import storable

_MOST_SECONDS = 250_000_000_000
"""The year 9892: Python's calendar ends soon after."""
_MOST_IN_COLUMN = 2**31 - 1


def text(value: object) -> str:
    """A text, or "" for anything else."""
    return storable(value) if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """A whole number that fits a column."""
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= _MOST_IN_COLUMN else None  # type: ignore[operator,return-value]


def number(value: object) -> float | None:
    """Any finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def seconds(value: object) -> float:
    """A time in seconds since 1970, from such seconds or ISO 8601; 0 if it is none."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return 0
    found = number(value)
    return found if found and 0 < found < _MOST_SECONDS else 0


def mapping(value: object) -> dict[str, Any]:
    """A JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """A JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []
