"""The visible text of ChatGPT's messages, and a count of the omitted parts."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.written import document, fenced
from chatbot.i18n import translate

HIDDEN_TYPES = {
    "thoughts",
    "reasoning_recap",
    "tether_browsing_display",
    "user_editable_context",
    "model_editable_context",
}
"""Content types that ChatGPT collapses or hides. They are omitted and counted."""

_INTERPRETERS = {"all", "python", "python_user_visible", "code_interpreter"}
"""Recipients whose code was shown with its output; code for other recipients is a tool call."""

_CANVAS = "canmore."

_MARK = re.compile(" ?(\ue200([^\ue201]*)\ue201?)")
"""A mark that only ChatGPT's own page can render: its kind, then its fields."""

_WORDED = {"entity", "product_entity"}
"""Kinds of marks whose second value is the visible text."""


@dataclass
class Texts:
    """Reads the messages of a conversation in order."""

    language: str
    """Language of the placeholders for pictures and files."""
    left_out: Counter[str] = field(default_factory=Counter)
    _canvas_kind: str = "document"
    """Kind of the newest canvas document."""

    def of(self, message: dict[str, Any]) -> str:
        """Return the visible text of a message, or ""."""
        content = validation.mapping(message.get("content"))
        metadata = validation.mapping(message.get("metadata"))
        kind = validation.text(content.get("content_type")) or "?"
        text = validation.text(content.get("text"))
        recipient = validation.text(message.get("recipient")) or "all"
        if recipient.startswith(_CANVAS):
            shown = self._canvas(text or _first_text(content))
            if not shown:
                self.left_out[f"{kind[:40]} ({recipient[:40]})"] += 1
            return shown
        if kind == "code":
            return self._code(text, validation.text(content.get("language")), recipient)
        if kind == "execution_output":
            return fenced(text)
        if kind == "tether_quote":
            lines = [*text.splitlines(), validation.text(content.get("url"))]
            return "\n".join(f"> {line}" for line in lines if line)
        if kind in HIDDEN_TYPES:
            self.left_out[kind] += 1
            return ""
        pieces = [self._part(part) for part in self._parts(message, content, kind, recipient)]
        files = [
            translate(self.language, "import.file", name=validation.text(attached.get("name")))
            for attached in map(validation.mapping, validation.items(metadata.get("attachments")))
            if not validation.text(attached.get("mime_type")).startswith("image/")
        ]
        return _without_marks("\n\n".join(filter(str.strip, [*files, *pieces])), metadata)

    def _code(self, code: str, language: str, recipient: str) -> str:
        if recipient not in _INTERPRETERS:
            self.left_out[f"code ({recipient[:40]})"] += 1
            return ""
        return fenced(code, "" if language == "unknown" else language)

    def _parts(
        self, message: dict[str, Any], content: dict[str, Any], kind: str, recipient: str
    ) -> list[Any]:
        """Return the visible parts of a message."""
        parts = validation.items(content.get("parts"))
        alone = validation.text(content.get("parts")) or validation.text(content.get("text"))
        if alone and not parts and kind in ("text", "multimodal_text"):  # written by another tool
            parts = [alone]
        author = validation.mapping(message.get("author"))
        if (
            author.get("role") == "tool" or recipient != "all"
        ):  # a message between ChatGPT and its own tool
            tool = recipient if recipient != "all" else validation.text(author.get("name"))
            drawn = [part for part in parts if not isinstance(part, str)]  # shown on the page
            is_empty = not drawn and not any(isinstance(p, str) and p.strip() for p in parts)
            # Most results are empty, and a canvas result only confirms; neither is counted.
            if recipient != "all" or not (is_empty or tool.startswith(_CANVAS)):
                self.left_out[f"{kind[:40]} ({tool[:40]})"] += 1
            return drawn
        if kind not in ("text", "multimodal_text"):
            self.left_out[kind[:40]] += 1  # an unknown type of a later version; its text is kept
            parts = [*validation.items(content.get("parts")), validation.text(content.get("text"))]
        return parts

    def _part(self, part: object) -> str:
        if isinstance(part, str):
            return validation.text(part)
        piece = validation.mapping(part)
        kind = validation.text(piece.get("content_type")) or "?"
        if kind == "image_asset_pointer":
            self.left_out[kind] += 1
            return translate(self.language, "import.image")
        if kind != "audio_transcription":
            self.left_out[kind[:40]] += 1
        return validation.text(piece.get("text"))

    def _canvas(self, call: str) -> str:
        """Return the document of a call that contains it completely, new or rewritten, or ""."""
        try:
            called_with = validation.mapping(json.loads(call))
        except (ValueError, RecursionError):  # cut off, or no JSON
            return ""
        content = called_with.get("content")
        if isinstance(content, str):
            self._canvas_kind = validation.text(called_with.get("type"))
        updates = [
            validation.mapping(update) for update in validation.items(called_with.get("updates"))
        ]
        if len(updates) == 1 and updates[0].get("pattern") == ".*":
            content = updates[0].get("replacement")
        return document(self._canvas_kind, "", validation.text(content))


def _first_text(content: dict[str, Any]) -> str:
    return next((p for p in validation.items(content.get("parts")) if isinstance(p, str)), "")


def _without_marks(text: str, metadata: dict[str, Any]) -> str:
    """Replace each of ChatGPT's own marks with its visible text, if the file contains it."""
    if "\ue200" not in text:
        return text
    meanings = {
        validation.text(reference.get("matched_text")): validation.text(reference.get("alt"))
        or _source(reference)
        for reference in map(
            validation.mapping, validation.items(metadata.get("content_references"))
        )
    }

    def shown(mark: re.Match[str]) -> str:
        words = meanings.get(mark[1]) or _words_of(mark[2])
        return mark[0].removesuffix(mark[1]) + words if words else ""

    return _MARK.sub(shown, text).strip()


def _source(reference: dict[str, Any]) -> str:
    """Return links to the pages that a reference names, or ""."""
    pages = [*map(validation.mapping, validation.items(reference.get("items"))), reference]
    links = [
        _link(validation.text(page.get("title")), validation.text(page.get("url")))
        for page in pages
        if page.get("url")
    ]
    return f"({', '.join(links)})" if links else ""


def _link(words: str, address: str) -> str:
    if re.fullmatch(r"https?://[^\s()<>]+", address):
        return f"[{(words or address).translate({91: None, 93: None})}]({address})"
    return words


def _words_of(mark: str) -> str:
    """Return the words in a mark, a name or a link's text, or ""."""
    kind, *fields = mark.split("\ue202")
    if kind in _WORDED and fields:
        try:
            values = validation.items(json.loads(fields[0]))
        except (ValueError, RecursionError):
            return ""
        return validation.text(values[1]) if len(values) > 1 else ""
    if kind == "url" and fields:
        return _link(fields[0], fields[1] if len(fields) > 1 else "")
    return ""
