"""Kinds of files without conversations, for the error message.

Each kind is a catalogue key below `import.kind`; "" means unknown.
"""

import json
import re
import zipfile
from typing import IO

from chatbot.errors import ChatbotError
from chatbot.exchange import json_stream, validation
from chatbot.exchange.export import FORMAT, VERSION

_HEAD_BYTES = 4096

_MAGIC = (
    (re.compile(rb"\s*<!doctype html|\s*<html|\s*<head|\s*<body", re.IGNORECASE), "web_page"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?<svg", re.IGNORECASE), "picture"),
    (re.compile(rb"\s*<\?xml", re.IGNORECASE), "text"),
    (
        re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0|RIFF....WEBP|II\*\0|MM\0\*", re.S),
        "picture",
    ),
    (re.compile(rb"....ftyp(heic|heix|mif1|avif)", re.S), "picture"),
    (re.compile(rb"....ftyp|ID3|OggS|RIFF....(WAVE|AVI )|\x1aE\xdf\xa3|fLaC", re.S), "recording"),
    (re.compile(rb"%PDF-"), "pdf"),
    (re.compile(rb"SQLite format 3\0"), "database"),
    (re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|.{257}ustar", re.S), "archive"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "document"),
)

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".heif", ".bmp", ".tif", ".svg")
_PAGES = (".html", ".htm")
_TEXTS = (".md", ".txt", ".csv")

_SETTINGS = {"access-control", "app-config", "mask-store", "prompt-store", "settings", "config"} | {
    "presetId",
    "prompt_template",
    "base_model_id",
    "command",
    "theme",
    "modelConfig",
}
_ACCOUNT = {"email", "email_address", "phone_number", "verified_phone_number", "mobile"}


def of_file(file: IO[bytes]) -> str:
    """Return the kind of a file that is not readable as JSON or zip."""
    if json_stream.is_zip(file):
        return _of_locked_zip(file)
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if not head:
        return "nothing"
    for pattern, kind in _MAGIC:
        if pattern.match(head.removeprefix(b"\xef\xbb\xbf")):
            return kind
    return "text" if _is_text(head) else ""


def of_zip(file: IO[bytes]) -> str:
    """Return the kind of a zip without conversations; "" for other files."""
    if not json_stream.is_zip(file):
        return ""
    with json_stream.damage_told(), zipfile.ZipFile(file) as archive:
        names = [name.lower() for name in archive.namelist() if not name.endswith("/")]
    if not names:
        return "empty_zip"
    if "[content_types].xml" in names or "mimetype" in names:
        return "document"
    if any(name.endswith(".json") for name in names):
        return ""
    for endings, kind in ((_PICTURES, "pictures"), (_PAGES, "web_pages"), (_TEXTS, "texts")):
        if sum(name.endswith(endings) for name in names) * 2 > len(names):
            return kind
    return "other_zip"


def of_value(raw: object) -> str:
    """Return the kind of a JSON value that is not a conversation; "" if unknown."""
    fields = validation.mapping(raw)
    names = set(fields)
    if fields.get("format") == FORMAT:
        return "newer" if (validation.number(fields.get("version")) or 0) > VERSION else ""
    if names & _SETTINGS:
        return "settings"
    if names & _ACCOUNT:
        return "account"
    return "other_json" if names else ""


def _of_locked_zip(file: IO[bytes]) -> str:
    try:
        with json_stream.damage_told(), zipfile.ZipFile(file) as archive:
            is_locked = any(entry.flag_bits & 1 for entry in archive.infolist())
    except ChatbotError:  # damaged, which is reported already
        return ""
    return "locked" if is_locked else ""


def _is_text(head: bytes) -> bool:
    """Return True for text that does not begin like JSON."""
    try:
        is_whole = len(head) < _HEAD_BYTES
        text = head.decode(json.detect_encoding(head), "strict" if is_whole else "ignore")
    except ValueError:
        return False
    return "\0" not in text and text.lstrip("\ufeff \t\r\n")[:1] not in ("", *'{["')
