"""A reader of JSON that is nested too deeply for Python's own reader.

LibreChat nests each message in the previous message, so that 500 messages are 1,000 levels.
"""

import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in its public list

MAX_LEVELS = 50_000
"""Most levels: enough for a conversation of 25,000 nested messages."""

_TOKEN = re.compile(
    r'[ \t\n\r]*(?:([\[\]{},:])|(")|(-?(?:0|[1-9]\d{0,400})(?:\.\d{1,400})?(?:[eE][-+]?\d{1,10})?)'
    r"|(true|false|null))"
)
_WORDS = {"true": True, "false": False, "null": None}


def decoded(text: str, place: int, most_values: int) -> tuple[object, int]:
    """Decode the value that begins at `place`, and return the value and its end.

    Raises ValueError for invalid JSON, and for more than `most_values` values.
    """
    count = 0
    holders: list[list[object] | dict[str, object]] = []
    keys: list[str] = []
    value: object = None
    while True:
        token = _TOKEN.match(text, place)
        if not token:
            raise ValueError(f"no JSON at {place}")
        place = token.end()
        mark = token[1]
        if mark and mark in "[{":
            if len(holders) >= MAX_LEVELS:
                raise ValueError(f"no JSON at {place}")
            holder: list[object] | dict[str, object] = [] if mark == "[" else {}
            holders.append(holder)
            opened = _TOKEN.match(text, place)
            if not (opened and opened[1] == ("]" if mark == "[" else "}")):
                if mark == "{":
                    place = _key(text, place, keys)
                continue
            place = opened.end()
            value = holders.pop()
        elif token[2]:
            value, place = scanstring(text, place)
        elif token[3]:
            value = _number(token[3])
        elif token[4]:
            value = _WORDS[token[4]]
        else:
            raise ValueError(f"no JSON at {place}")
        count += 1
        if count > most_values:
            raise ValueError(f"too much at {place}")
        while holders:  # a container continues after a comma, or ends as well
            holder = holders[-1]
            if isinstance(holder, dict):
                holder[keys.pop()] = value
            else:
                holder.append(value)
            after = _TOKEN.match(text, place)
            if not after or after[1] not in (",", "}" if isinstance(holder, dict) else "]"):
                raise ValueError(f"no JSON at {place}")
            place = after.end()
            if after[1] == ",":
                if isinstance(holder, dict):
                    place = _key(text, place, keys)
                break
            value = holders.pop()
        else:
            return value, place


def _key(text: str, place: int, keys: list[str]) -> int:
    """Read the name of a member and its colon; return where the value begins."""
    opened = _TOKEN.match(text, place)
    if not (opened and opened[2]):
        raise ValueError(f"no JSON at {place}")
    key, place = scanstring(text, opened.end())
    colon = _TOKEN.match(text, place)
    if not (colon and colon[1] == ":"):
        raise ValueError(f"no JSON at {place}")
    keys.append(key)
    return colon.end()


def _number(digits: str) -> int | float:
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)
