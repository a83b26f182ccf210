"""Checks of a failure's stored details before they are shown: an import may contain anything."""

import math
from typing import Any

LONGEST = 2000
"""Most characters kept of one detail; addresses and messages of servers are shorter."""

MOST = 30
"""Most details of a failure; no sentence has this many placeholders."""

NUMBERS = {
    # Seconds since 1970, up to the year 9000: that is a date on every clock.
    "until": (0.0, 221_845_392_000.0),
    "retry_at": (0.0, 221_845_392_000.0),
    "seconds": (0.0, 1e9),
}
"""Details used in calculations, with the allowed range; all other details are only shown."""


def can_be_drawn(code: str, details: object) -> bool:
    """Return True if every detail is text, and every number is finite and in its range."""
    if not isinstance(details, dict) or len(details) > MOST:
        return False
    if code.endswith("_until") and "until" not in details:
        return False
    return all(_is_fit(name, value) for name, value in details.items())


def shortened(value: str) -> str:
    """Shorten a detail for the store: the name of a model or server may have any length."""
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"


def _is_fit(name: object, value: Any) -> bool:
    if not isinstance(name, str) or not isinstance(value, str) or len(name) > LONGEST:
        return False
    if name not in NUMBERS:
        return True
    if len(value) > LONGEST:
        return False
    try:
        number = float(value)
    except ValueError:
        return False
    least, most = NUMBERS[name]
    return math.isfinite(number) and least <= number <= most
