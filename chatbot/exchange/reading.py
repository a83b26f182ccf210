"""The conversations in a file, one after the other, however large the file is.

A file is one conversation, an array of them, or a zip of such files. It may have been
made to harm: so sizes are checked before and while it is read, and only one
conversation at a time is in memory.
"""

import codecs
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from chatbot.errors import ChatbotError

MAX_BYTES = 1000 * 2**20
"""Of all conversations in a file, unpacked."""
MAX_CONVERSATION_BYTES = 32 * 2**20
"""Of one conversation: ten thousand long messages are 25 MB."""
MAX_CONVERSATION_COMMAS = 1_500_000
"""JSON without text takes twenty times its size in memory; each of its values needs a comma."""
MAX_CONVERSATIONS = 100_000
MAX_ZIP_ENTRIES = 250_000
"""Our own zip has two files a conversation."""

_CHUNK_BYTES = 2**18
_MOST_CHUNK_BYTES = 2**22
_CHATGPTS_NAMES = re.compile(r"(.*/)?conversations(-\d+)?\.json")
"""A large export of ChatGPT's comes as conversations-000.json and so on."""


def conversations_in(file: IO[bytes], report: Callable[[float], None]) -> Iterator[object]:
    """All that should be conversations; `report` is told the part that is read, from 0 to 1.

    Raises ChatbotError("import_damaged") or ChatbotError("import_too_large"). What
    came before that was in order.
    """
    try:
        found = _in_zip(file, report) if _is_zip(file) else _in_json(file, _size(file), report)
        for place, one in enumerate(found):
            if place >= MAX_CONVERSATIONS:
                raise _too_large()
            yield one
    except (
        ValueError,  # no JSON, no UTF-8
        RecursionError,  # nested deeper than any conversation
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        RuntimeError,  # a password is wanted
        NotImplementedError,  # a compression that nobody uses
    ) as error:
        raise ChatbotError("import_damaged") from error


def _too_large() -> ChatbotError:
    return ChatbotError(
        "import_too_large",
        megabytes=f"{MAX_BYTES >> 20}",
        conversation_megabytes=f"{MAX_CONVERSATION_BYTES >> 20}",
    )


def _is_zip(file: IO[bytes]) -> bool:
    file.seek(0)
    return file.read(4) == b"PK\x03\x04"


def _size(file: IO[bytes]) -> int:
    return file.seek(0, 2)


def _in_zip(file: IO[bytes], report: Callable[[float], None]) -> Iterator[object]:
    if _entries(file) > MAX_ZIP_ENTRIES:  # opening it would list them all
        raise _too_large()
    with zipfile.ZipFile(file) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
        chatgpts = [entry for entry in entries if _CHATGPTS_NAMES.fullmatch(entry.filename)]
        entries = chatgpts or entries
        size = max(1, sum(entry.file_size for entry in entries))
        if size > MAX_BYTES:
            raise _too_large()
        before = 0
        for entry in entries:
            # Others may take gigabytes to unpack.
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise NotImplementedError
            with archive.open(entry) as member:  # gives no more than file_size

                def report_member(part: float, begun: int = before, entry: Any = entry) -> None:
                    report((begun + part * entry.file_size) / size)

                yield from _in_json(member, entry.file_size, report_member)
            before += entry.file_size


def _entries(file: IO[bytes]) -> int:
    """How many files a zip lists, and never less."""
    file.seek(0)
    count = 0
    end = b""
    while chunk := file.read(_MOST_CHUNK_BYTES):
        count += (end + chunk).count(b"PK\x01\x02")
        end = chunk[-3:]
    return count


def _in_json(file: IO[bytes], size: int, report: Callable[[float], None]) -> Iterator[object]:
    """The elements of an array, or the one object that the file is."""
    if size > MAX_BYTES:
        raise _too_large()
    file.seek(0)
    text = _Window(file, size, report)
    if text.next_mark() != "[":
        yield text.value()
    else:
        text.skip()
        while text.next_mark() != "]":
            yield text.value()
            if text.next_mark() == ",":
                text.skip()
                if text.next_mark() == "]":
                    raise ValueError
            elif text.next_mark() != "]":
                raise ValueError
        text.skip()
    if text.next_mark():
        raise ValueError


class _Window:
    """The part of a JSON file that is being read: as little as one value needs."""

    def __init__(self, file: IO[bytes], size: int, report: Callable[[float], None]) -> None:
        self._file = file
        self._size = size
        self._report = report
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._read_bytes = 0
        self._text = ""
        self._place = 0

    def next_mark(self) -> str:
        """The next character that is no white space; "" at the end."""
        while True:
            while self._text[self._place : self._place + 1] in _WHITE_SPACE:
                self._place += 1
            if self._place < len(self._text) or not self._read_more(_CHUNK_BYTES):
                return self._text[self._place : self._place + 1]

    def skip(self) -> None:
        """Go past one character."""
        self._place += 1

    def value(self) -> object:
        """The next value. Raises ValueError if there is none, and RecursionError."""
        self.next_mark()
        wanted = _CHUNK_BYTES
        while True:
            try:
                value, self._place = _DECODER.raw_decode(self._text, self._place)
                return value
            except ValueError:
                rest = len(self._text) - self._place
                commas = self._text.count(",", self._place)
                if rest > MAX_CONVERSATION_BYTES or commas > MAX_CONVERSATION_COMMAS:
                    raise _too_large() from None
                if not self._read_more(wanted):
                    raise
            # A long value is begun again with each chunk, so they grow.
            wanted = min(2 * wanted, _MOST_CHUNK_BYTES)

    def _read_more(self, wanted: int) -> bool:
        data = self._file.read(wanted)
        self._read_bytes += len(data)
        self._report(self._read_bytes / max(self._size, 1))
        self._text = self._text[self._place :] + self._decode(data, final=not data)
        self._place = 0
        return bool(data)


_WHITE_SPACE = tuple(" \t\n\r")
_DECODER = json.JSONDecoder()
