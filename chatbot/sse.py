"""A streamed completion read event by event: its text and reasoning, its end, and its limits.

Knows bytes and the protocol, no network. Whatever a server sends ends in a
Completion or a ChatbotError.
"""

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.images import in_part
from chatbot.thinking import ThinkTags, reasoning_of

MAX_REPLY_CHARACTERS = 2_100_000
"""Images of 1.5 MB; more words than any model writes at once: what goes on is no answer."""

MAX_BYTES_WITHOUT_TEXT = 3_000_000
"""An event, or comments in a row, of this size add nothing: neither is kept in memory."""

FINISH_REASON = r"[\w .:-]{1,40}"
"""Whatever a server calls it; what is longer, or no words at all, the store need not keep."""

LONG_PROMPT_TOKENS = 500
"""What is shorter is read before anybody could look how far that is."""


@dataclass(frozen=True)
class Completion:
    """How a stream ended. Token counts are the endpoint's own; None where it gave none."""

    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt's, those that the endpoint had read before, and charges less for."""
    reasoning_tokens: int | None = None
    """Of the completion's, those that were reasoning, shown or not."""


class EndpointFault(Exception):
    """What a server reports in place of an answer, as it came; it may echo anything."""

    def __init__(self, body: object) -> None:
        super().__init__()
        self.body = body


class CompletionReader:
    """Reads one stream of server-sent events (html.spec.whatwg.org, "server-sent events").

    Calls `on_text` with each piece of the answer, `on_reasoning` with each of its reasoning, and
    `on_reading` with how much of a long prompt has been read, from 0 to 1, as llama.cpp tells it.
    """

    def __init__(
        self,
        on_text: Callable[[str], None],
        on_reasoning: Callable[[str], None] = lambda _: None,
        on_reading: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._on_text = on_text
        self._on_reading = on_reading
        self._on_reasoning = on_reasoning
        self.is_over = False
        """Whether the server has said that nothing will follow."""
        self.has_text = False
        """Whether any of the answer has come."""
        self._finish_reason: str | None = None
        self._counts: tuple[int | None, ...] = ()
        self._unread: list[bytes] = []  # the beginning of a line
        self._text = _WholeCharacters()
        self._reasoning = _WholeCharacters()
        self._think_tags = ThinkTags()
        self._says_error = False
        self._characters = 0  # of any field: a sign of work
        self._handed_over = 0
        self._bytes_without_text = 0

    @property
    def completion(self) -> Completion:
        """How it ended, as far as it has come."""
        return Completion(self._finish_reason, *self._counts)

    @property
    def has_ended(self) -> bool:
        """Whether the answer is complete, though more may follow, such as its token counts."""
        return self._finish_reason is not None

    def feed(self, piece: bytes) -> bool:
        """Read what came next, cut anywhere.

        Returns whether it shows the model at work, be it by its reasoning. Comments do not.

        Raises ChatbotError("interrupted") for what cannot be read,
        ChatbotError("too_much"), and EndpointFault for what the server reports.
        """
        self._bytes_without_text += len(piece)
        progress_before = self._characters
        if b"\n" in piece:
            *lines, rest = b"".join([*self._unread, piece]).split(b"\n")
            self._unread = [rest]
            for line in lines:
                self._read_line(line)
                if self.is_over:
                    break
        else:
            self._unread.append(piece)
        if self._bytes_without_text > MAX_BYTES_WITHOUT_TEXT:
            raise ChatbotError("too_much")
        return self._characters > progress_before

    def close(self) -> None:
        """Read a last line that was not ended; the connection is closed."""
        if not self.is_over:
            self._read_line(b"".join(self._unread))

    def hand_over(self) -> None:
        """Hand over what was held back as the possible beginning of a tag: nothing will follow."""
        self._take_parts(*self._think_tags.rest())

    def take(self, chunk: object) -> None:
        """Read one chunk of a completion. A shape that nobody knows is passed over."""
        if not isinstance(chunk, dict):
            return
        if chunk.get("error") or chunk.get("object") == "error":
            raise EndpointFault(chunk)
        if isinstance(usage := chunk.get("usage"), dict):
            self._counts = _counts(usage)
        if (read_part := _read_part(chunk.get("prompt_progress"))) is not None:
            self._on_reading(read_part)
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            if choice is not None:
                raise ChatbotError("interrupted")
            return
        # Whoever does not stream sends the whole message at once.
        delta = choice["delta"] if "delta" in choice else choice.get("message")
        if not isinstance(delta, dict | None):
            raise ChatbotError("interrupted")
        self._take_delta(delta or {})
        reason = choice.get("finish_reason")
        if reason == "error":
            raise EndpointFault(chunk)
        if isinstance(reason, str) and re.fullmatch(FINISH_REASON, reason, re.ASCII):
            self._finish_reason = reason

    def _read_line(self, line: bytes) -> None:
        name, _, value = line.removeprefix(codecs.BOM_UTF8).partition(b":")
        value = value.strip()
        if name == b"data":
            self._read_data(value)
        elif name == b"event":
            self._says_error = value == b"error"
        elif name == b"error":  # llama.cpp's own way
            self._says_error = True
            self._read_data(value)
        elif not line.strip():
            self._says_error = False

    def _read_data(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.is_over = True
        elif data:
            try:
                # From bytes it would take three times as long: it guesses their encoding.
                chunk = json.loads(data.decode("utf-8", "surrogatepass"))
            except (ValueError, RecursionError) as error:
                raise ChatbotError("interrupted") from error
            if self._says_error:
                raise EndpointFault(chunk)
            self.take(chunk)

    def _take_delta(self, delta: dict[str, Any]) -> None:
        before = self._characters
        for name, value in delta.items():
            if value and name != "role":
                self._characters += len(value) if isinstance(value, str) else 1
        if self._characters == before:
            return
        self._bytes_without_text = 0
        self._take_parts(self._reasoning.of(reasoning_of(delta)), "")
        if text := self._text.of(_text(delta.get("content")) + _text(delta.get("images"))):
            self._take_parts(*self._think_tags.feed(text))
        if max(self._characters, self._handed_over) > MAX_REPLY_CHARACTERS:
            raise ChatbotError("too_much")

    def _take_parts(self, reasoning: str, text: str) -> None:
        self._handed_over += len(reasoning) + len(text)
        if reasoning:
            self._on_reasoning(reasoning)
        if text:
            self.has_text = True
            self._on_text(text)


class _WholeCharacters:
    """Joins the halves of characters that were split over two chunks."""

    def __init__(self) -> None:
        self._half = ""

    def of(self, text: str) -> str:
        """What has become whole with a text; a half at its end waits for the next one."""
        text = self._half + text
        if not text or (text.isascii() and "\0" not in text):
            return text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        whole = text[: len(text) - len(self._half)].replace("\0", "")
        return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(content: object) -> str:
    """The text of a delta, which some servers send in parts with types; images as Markdown."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [in_part(part) or part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _counts(usage: dict[str, Any]) -> tuple[int | None, ...]:
    """The four counts of a Completion, in OpenAI's form or DeepSeek's.

    xAI and Gemini count reasoning in the total alone, and take as much for it as for the answer
    (docs.x.ai, "Consumption and Rate Limits"; Gemini, "thoughts_token_count").
    """
    prompt, completion = (
        details if isinstance(details := usage.get(f"{name}_tokens_details"), dict) else {}
        for name in ("prompt", "completion")
    )
    read, written, total = (
        _count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    cached = _count(prompt.get("cached_tokens", usage.get("prompt_cache_hit_tokens")))
    reasoning = _count(completion.get("reasoning_tokens"))
    if read is not None and written is not None and total is not None:
        hidden = total - read - written
        # What relays of Claude's read from a cache may be in the total alone as well.
        if hidden > 0 and (hidden == reasoning or (reasoning is None and not cached)):
            written, reasoning = written + hidden, hidden
    return read, written, cached, reasoning


def _read_part(progress: object) -> float | None:
    """How much of a long prompt was read, without what the server still knew of it."""
    if not isinstance(progress, dict):
        return None
    known, read, total = (_count(progress.get(name)) for name in ("cache", "processed", "total"))
    if known is None or read is None or total is None or total - known < LONG_PROMPT_TOKENS:
        return None
    return min(max(0, read - known) / (total - known), 1)


def _count(value: object) -> int | None:
    """A number of tokens, if that is what the endpoint sent; 32 bits, as the store keeps it."""
    return value if type(value) is int and 0 <= value < 2**31 else None
