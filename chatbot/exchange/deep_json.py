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
_ENDS = {"[": "]", "{": "}"}


def decoded(text: str, place: int, most_values: int) -> tuple[object, int]:
    """Decode the value that begins at `place`, and return the value and its end.

    Raises ValueError for invalid JSON, and for more than `most_values` values.
    """
    reader = _Reader(text, place)
    for _ in range(most_values):
        value = reader.leaf()
        while reader.is_inside():
            if reader.put(value):
                break
            value = reader.leave()
        else:
            return value, reader.place
    raise ValueError(f"too much at {reader.place}")


class _Reader:
    """A place in a JSON text, and the containers that are open there, from the outside in."""

    def __init__(self, text: str, place: int) -> None:
        self.place = place
        self._text = text
        self._containers: list[list[object] | dict[str, object]] = []
        self._names: list[str] = []
        """The names of the members whose values are still missing."""

    def is_inside(self) -> bool:
        """Return True if a container is open."""
        return bool(self._containers)

    def leaf(self) -> object:
        """Read a value without contents, after opening the containers around it."""
        while True:
            token = self._next_token()
            mark = token[1]
            if not mark:
                return self._scalar(token)
            if mark not in _ENDS or len(self._containers) >= MAX_LEVELS:
                raise self._error()
            container: list[object] | dict[str, object] = [] if mark == "[" else {}
            end = _TOKEN.match(self._text, self.place)
            if end and end[1] == _ENDS[mark]:
                self.place = end.end()
                return container
            self._containers.append(container)
            if mark == "{":
                self._read_name()

    def put(self, value: object) -> bool:
        """Put a value into the innermost container; return True if another value follows there."""
        container = self._containers[-1]
        if isinstance(container, dict):
            container[self._names.pop()] = value
        else:
            container.append(value)
        mark = self._next_token()[1]
        if mark == ("}" if isinstance(container, dict) else "]"):
            return False
        if mark != ",":
            raise self._error()
        if isinstance(container, dict):
            self._read_name()
        return True

    def leave(self) -> object:
        """Leave the innermost container, and return it as the value that has been read."""
        return self._containers.pop()

    def _scalar(self, token: re.Match[str]) -> object:
        if token[2]:
            text, self.place = scanstring(self._text, self.place)
            return text
        return _number(token[3]) if token[3] else _WORDS[token[4]]

    def _read_name(self) -> None:
        """Read the name of a member, and its colon."""
        if not self._next_token()[2]:
            raise self._error()
        name, self.place = scanstring(self._text, self.place)
        if self._next_token()[1] != ":":
            raise self._error()
        self._names.append(name)

    def _next_token(self) -> re.Match[str]:
        token = _TOKEN.match(self._text, self.place)
        if not token:
            raise self._error()
        self.place = token.end()
        return token

    def _error(self) -> ValueError:
        return ValueError(f"no JSON at {self.place}")


def _number(digits: str) -> int | float:
    return int(digits) if digits.lstrip("-").isdigit() else float(digits)
