"""Reader of the values of a JSON file, with only the current value in memory."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from chatbot.errors import ChatbotError
from chatbot.exchange import deep_json
from chatbot.exchange.export import FORMAT

MAX_BYTES = 1000 * 2**20
"""Largest total of all conversations in a file, unpacked."""
MAX_CONVERSATION_BYTES = 32 * 2**20
"""Largest conversation, or message in this app's format; ten thousand long messages are 25 MB."""
MAX_CONVERSATION_COMMAS = 1_500_000
"""Most values, counted by commas, because short values need twenty times their size in memory."""

SESSIONS_STORE = "chat-next-web-store"
"""Name of the sessions in a NextChat backup."""

_CHUNK_BYTES = 2**18
_MOST_CHUNK_BYTES = 2**22
_MOST_DEEP_CHUNK_BYTES = 2**23
_HEAD_NAMES = {"format", "version", "id", "origin", "title", "pinned", "created_at"} | {
    "updated_at",
    "controls",
    "current_message",
}
"""Members before the messages in this app's format."""
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, or its beginning at the end of the text; linear time, as every quote matches."""
_WHITE_SPACE = re.compile(r"[ \t\n\r]*+")
_DECODER = json.JSONDecoder()


def _decode_deep(text: str, place: int) -> tuple[object, int]:
    return deep_json.decoded(text, place, MAX_CONVERSATION_COMMAS)


def too_large() -> ChatbotError:
    """Return the error for a value that exceeds a limit."""
    return ChatbotError(
        "import_too_large",
        megabytes=f"{MAX_BYTES >> 20}",
        conversation_megabytes=f"{MAX_CONVERSATION_BYTES >> 20}",
    )


class Window:
    """The part of a JSON file that is being read."""

    def __init__(self, file: IO[bytes], size: int, report: Callable[[float], None]) -> None:
        self._file = file
        self._size = size
        self._report = report
        self._decoder: codecs.IncrementalDecoder | None = None
        self._read_bytes = 0
        self._text = ""
        self._place = 0
        self._levels_inside = 0

    def next_mark(self) -> str:
        """Return the next character that is not white space; "" at the end."""
        while True:
            if blank := _WHITE_SPACE.match(self._text, self._place):
                self._place = blank.end()
            if self._place < len(self._text) or not self._read_more(_CHUNK_BYTES):
                return self._text[self._place : self._place + 1]

    def skip(self) -> None:
        """Skip one character."""
        self._place += 1

    def value(self) -> object:
        """Read the next value. Raises ValueError if there is no valid value.

        Raises ChatbotError("import_too_large") without moving past the value.
        """
        self.next_mark()
        wanted, most_bytes = _CHUNK_BYTES, _MOST_CHUNK_BYTES
        decode: Callable[[str, int], tuple[object, int]] = _DECODER.raw_decode
        while True:
            try:
                value, self._place = decode(self._text, self._place)
                return value
            except RecursionError:
                decode, most_bytes = _decode_deep, _MOST_DEEP_CHUNK_BYTES
                continue
            except ValueError:
                self._check_size()
                if not self._read_more(wanted):
                    raise
            # Each chunk decodes a long value from its beginning, so the chunks grow.
            wanted = min(2 * wanted, most_bytes)

    def _check_size(self) -> None:
        if len(self._text) - self._place > MAX_CONVERSATION_BYTES:
            raise too_large()
        if self._text.count(",", self._place) > MAX_CONVERSATION_COMMAS:
            # Commas inside strings are harmless.
            rest = _STRING.sub("", self._text[self._place :])
            if rest.count(",") > MAX_CONVERSATION_COMMAS:
                raise too_large()

    def elements(self) -> Iterator[None]:
        """Move to each element of an array, for the caller to read it."""
        self.skip()
        while self.next_mark() != "]":
            yield
            if self.next_mark() == ",":
                self.skip()
                if self.next_mark() == "]":
                    raise ValueError
            elif self.next_mark() != "]":
                raise ValueError
        self.skip()

    def enter_long_list(self) -> tuple[str, dict[str, Any]] | None:
        """Move to the long list inside an object that is too large to be read at once.

        Returns the list's name and the members before it: `messages` in this app's format, or
        `sessions` in a NextChat backup. Returns None for any other object.
        """
        head: dict[str, Any] = {}
        if self.next_mark() != "{":
            return None
        self.skip()
        while True:
            name = self._name()
            mark = self.next_mark()
            if mark == "[" and (
                (name == "messages" and head.get("format") == FORMAT)
                or (name == "sessions" and self._levels_inside)
            ):
                return name, head
            if mark == "{" and name == SESSIONS_STORE and not self._levels_inside:
                self._levels_inside = 1
                self.skip()
                continue
            value = self.value()
            if name in _HEAD_NAMES:
                head[name] = value
            if self.next_mark() != ",":
                return None
            self.skip()

    def leave_long_list(self) -> None:
        """Skip the rest of the object after a list that was entered."""
        for _ in range(self._levels_inside + 1):
            while self.next_mark() == ",":
                self.skip()
                self._name()
                self.value()
            if self.next_mark() != "}":
                raise ValueError
            self.skip()
        self._levels_inside = 0

    def _name(self) -> str:
        name = self.value() if self.next_mark() == '"' else None
        if not isinstance(name, str) or self.next_mark() != ":":
            raise ValueError
        self.skip()
        return name

    def _read_more(self, wanted: int) -> bool:
        data = self._file.read(wanted)
        self._read_bytes += len(data)
        self._report(self._read_bytes / max(self._size, 1))
        if self._decoder is None:  # Windows' own programs write UTF-16, and UTF-8 with a mark
            self._decoder = codecs.getincrementaldecoder(json.detect_encoding(data))()
        self._text = self._text[self._place :] + self._decoder.decode(data, final=not data)
        self._place = 0
        return bool(data)
