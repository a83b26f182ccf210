"""Stream of the conversations in a file of any size.

A file is a conversation, an array of conversations, or a zip of such files. Files are untrusted, so
sizes are checked before and during reading, and only one conversation at a time is in memory.
"""

import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from chatbot.errors import ChatbotError
from chatbot.exchange import json_window
from chatbot.exchange.json_window import Window, too_large

MAX_FEEDBACK_BYTES = 8 * 2**20
MAX_CONVERSATIONS = 100_000
MAX_ZIP_ENTRIES = 250_000
"""Most files in a zip; this app's own zip has two files per conversation."""

_MOST_CHUNK_BYTES = 2**22
_CHATGPTS_NAMES = re.compile(r"(.*/)?conversations(-\d+)?\.json")
"""A large ChatGPT export is split into conversations-000.json and so on."""


@dataclass(frozen=True)
class LongConversation:
    """A conversation in this app's format that is too large for memory."""

    head: dict[str, Any]
    """The members before `messages`."""
    messages: Iterator[object]
    """The messages; read them before the next value of the file."""


def conversations_in(file: IO[bytes], report: Callable[[float], None]) -> Iterator[object]:
    """Yield all values that should be conversations; `report` gets the progress, from 0 to 1.

    Raises ChatbotError("import_damaged") or ChatbotError("import_too_large"). The values before
    the error are valid.
    """
    with damage_told():
        values = _in_zip(file, report) if is_zip(file) else _in_json(file, _size(file), report)
        for place, value in enumerate(values):
            if place >= MAX_CONVERSATIONS:
                raise too_large()
            yield value


def in_small_file(file: IO[bytes], name: str) -> list[object]:
    """Return all values of a JSON file in a zip; [] if it is missing, large or damaged."""
    try:
        if not is_zip(file) or _entries(file) > MAX_ZIP_ENTRIES:
            return []
        with damage_told(), zipfile.ZipFile(file) as archive:
            entry = archive.getinfo(name)
            if entry.file_size > MAX_FEEDBACK_BYTES:
                return []
            with archive.open(entry) as member:
                return list(_in_json(member, entry.file_size, lambda part: None))
    except (ChatbotError, KeyError):
        return []


@contextmanager
def damage_told() -> Iterator[None]:
    """Translate all exceptions caused by a damaged file into ChatbotError("import_damaged")."""
    try:
        yield
    except (
        ValueError,  # no JSON, no UTF-8
        RecursionError,  # nested deeper than any conversation
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        RuntimeError,  # encrypted
        NotImplementedError,  # an unusual compression
    ) as error:
        raise ChatbotError("import_damaged") from error


def is_zip(file: IO[bytes]) -> bool:
    """Return True if a file begins like a zip."""
    file.seek(0)
    return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")  # the second is an empty zip


def _size(file: IO[bytes]) -> int:
    return file.seek(0, 2)


def _in_zip(file: IO[bytes], report: Callable[[float], None]) -> Iterator[object]:
    if _entries(file) > MAX_ZIP_ENTRIES:  # before opening, which reads the list of all files
        raise too_large()
    with zipfile.ZipFile(file) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
        chatgpts = [entry for entry in entries if _CHATGPTS_NAMES.fullmatch(entry.filename)]
        entries = chatgpts or entries
        size = max(1, sum(entry.file_size for entry in entries))
        if size > json_window.MAX_BYTES:
            raise too_large()
        before = 0
        for entry in entries:
            # Other compressions may need gigabytes of memory.
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise NotImplementedError
            with archive.open(entry) as member:  # returns at most file_size bytes

                def report_member(part: float, begun: int = before, entry: Any = entry) -> None:
                    report((begun + part * entry.file_size) / size)

                yield from _in_json(member, entry.file_size, report_member)
            before += entry.file_size


def _entries(file: IO[bytes]) -> int:
    """Return an upper bound of the number of files in a zip."""
    file.seek(0)
    count = 0
    end = b""
    while chunk := file.read(_MOST_CHUNK_BYTES):
        count += (end + chunk).count(b"PK\x01\x02")
        end = chunk[-3:]
    return count


def _in_json(file: IO[bytes], size: int, report: Callable[[float], None]) -> Iterator[object]:
    """Yield the elements of an array, or the objects of the file: one, or one in each line."""
    if size > json_window.MAX_BYTES:
        raise too_large()
    file.seek(0)
    text = Window(file, size, report)
    if text.next_mark() == "[":
        for _ in text.elements():
            yield from _conversation(text)
    else:
        yield from _conversation(text)
        while text.next_mark() == "{":
            yield from _conversation(text)
    if text.next_mark():
        raise ValueError


def _conversation(text: Window) -> Iterator[object]:
    """Yield the next value, or its elements if the value is too large."""
    try:
        value = text.value()
    except ChatbotError:
        entered = text.enter_long_list()
        if entered is None:
            raise
    else:
        yield value
        return
    name, head = entered
    if name == "messages":
        messages = _messages(text)
        yield LongConversation(head, messages)
        for _ in messages:  # skip the unread messages
            pass
    else:
        for _ in text.elements():
            yield text.value()
    text.leave_long_list()


def _messages(text: Window) -> Iterator[object]:
    with damage_told():
        for _ in text.elements():
            yield text.value()
