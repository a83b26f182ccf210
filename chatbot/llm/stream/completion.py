"""Reader of a streamed completion, chunk by chunk: text, reasoning, end, and limits of size.

Knows the protocol but not the network; `sse.py` parses the bytes. Anything that a server sends
results in a Completion, a ChatbotError, an EndpointFault or a NotAnAnswer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.llm.stream.delta_parts import text_of, tool_names
from chatbot.llm.stream.reasoning import FieldTags, ThinkTags, reasoning_of
from chatbot.llm.stream.sse import EndpointFault, EventReader
from chatbot.llm.stream.token_counts import TokenCounts, counts_of, part_read
from chatbot.llm.stream.whole_characters import WholeCharacters
from chatbot.llm.stream.whole_message import WholeMessage
from chatbot.llm.wordings import is_failure

MAX_REPLY_CHARACTERS = 2_100_000
"""Longest reply: room for images of 1.5 MB, and more words than any model writes at once."""

MAX_BYTES_WITHOUT_TEXT = 3_000_000
"""Most bytes in a row without text, such as comments or one huge event."""

FINISH_REASON = r"[\w .:-]{1,40}"
"""Finish reasons that are stored; longer or unprintable reasons become ""."""

_REASONS = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "safety": "content_filter",
    "sensitive": "content_filter",
}
"""Other names for OpenAI's finish reasons, from Gemini, from relays of Claude, and from Zhipu."""

_NO_REASONS = frozenset({"null", "none", "finish_reason_unspecified"})
"""Words that some servers send in place of null, in each chunk before the end."""

_USUAL_FIELDS = frozenset({"content", "reasoning_content", "reasoning", "thinking"})

_ENVELOPES = ("data", "result", "response", "output", "body")
"""Fields in which relays wrap whole chunks."""

MOST_TOOLS = 3
"""Most tool calls of a model that the page names."""


@dataclass(frozen=True)
class Completion:
    """End of a stream. Token counts come from the endpoint; None if the endpoint sent none."""

    finish_reason: str | None = None
    """"" if the stream ended without a reason; None if the stream broke off."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """The part of the prompt's tokens that the endpoint read from its cache, at a lower price."""
    reasoning_tokens: int | None = None
    """The part of the completion's tokens that were reasoning, visible or not."""
    tools: tuple[str, ...] = ()
    """Names of the tools that the model asked to call."""


def _ignore(_: object) -> None:
    pass


class CompletionReader:
    """Reader of one streamed completion.

    Calls `on_text` with each piece of the answer, `on_reasoning` with each piece of the reasoning,
    and `on_reading` with the part of a long prompt that the model has read, from 0 to 1, which
    llama.cpp reports. Calls `on_late_reasoning` with the whole reasoning if all text so far turns
    out to be reasoning.
    """

    def __init__(
        self,
        on_text: Callable[[str], None],
        on_reasoning: Callable[[str], None] = _ignore,
        on_reading: Callable[[float], None] = _ignore,
        on_late_reasoning: Callable[[str], None] = _ignore,
    ) -> None:
        self._on_text = on_text
        self._on_reading = on_reading
        self._on_reasoning = on_reasoning
        self._on_late_reasoning = on_late_reasoning
        self._events = EventReader(self.take)
        self.has_text = False
        """Some text of the answer has arrived."""
        self._finish_reason: str | None = None
        self._was_last_an_end = False
        """The last chunk with content had a finish reason."""
        self._was_last_text = False
        """The last chunk with content had a part of the answer."""
        self._has_gone_on = False
        """A part of the answer arrived after a finish reason."""
        self._gives_reasons_always = True
        """Every chunk so far had a finish reason, so that finish reasons mean nothing."""
        self._is_whole = False
        """The answer arrived as a single whole message, which needs no finish reason."""
        self._counts: TokenCounts = (None, None, None, None)
        self._tools: list[str] = []
        self._text = WholeCharacters()
        self._reasoning = WholeCharacters()
        self._whole_text = WholeMessage()
        self._whole_reasoning = WholeMessage()
        self._think_tags = ThinkTags(self._take_late_reasoning)
        self._field_tags = FieldTags()
        self._characters = 0  # of any field: they show that the model is at work
        self._handed_over = 0
        self._bytes_without_text = 0

    @property
    def is_over(self) -> bool:
        """True once the server has sent the end of the stream."""
        return self._events.is_over

    @property
    def completion(self) -> Completion:
        """The completion as far as it has been read."""
        reason = self._finish_reason
        if reason is None and (self.is_over or self._is_whole):
            reason = ""
        tools = dict.fromkeys([*self._tools, *self._think_tags.tools])
        return Completion(reason, *self._counts, tools=tuple(tools)[:MOST_TOOLS])

    @property
    def may_have_ended(self) -> bool:
        """True once a finish reason has arrived: if nothing follows, the answer is complete."""
        return self._finish_reason is not None or self.is_over

    @property
    def has_ended(self) -> bool:
        """True once the answer is complete; token counts and the like may still follow.

        Some relays send a finish reason in every chunk. After such a relay has sent more text,
        a finish reason beside text no longer counts.
        """
        return self.is_over or (self._was_last_an_end and not self._is_end_doubtful)

    @property
    def is_waiting_for_little(self) -> bool:
        """True if the answer has certainly ended, so that only its token counts may follow."""
        is_sure = not (self._gives_reasons_always or self._is_end_doubtful)
        return self._was_last_an_end and self._characters > 0 and is_sure

    @property
    def _is_end_doubtful(self) -> bool:
        return self._has_gone_on and self._was_last_text

    def feed(self, piece: bytes) -> bool:
        """Read the next bytes, cut anywhere.

        Returns True if the bytes show the model at work, by text or reasoning. Comments do not.

        Raises ChatbotError("interrupted") for unreadable data, ChatbotError("too_much"),
        NotAnAnswer for a web page, and EndpointFault for an error that the server sent.
        """
        self._bytes_without_text += len(piece)
        progress_before = self._characters
        self._events.feed(piece)
        if self._bytes_without_text > MAX_BYTES_WITHOUT_TEXT:
            raise ChatbotError("too_much")
        return self._characters > progress_before

    def close(self) -> None:
        """Read an unfinished last event after the connection has closed. Raises as `feed` does."""
        self._events.close()

    def hand_over(self) -> None:
        """Deliver text held back as a possible beginning of a tag, because nothing will follow."""
        self._take_parts(*self._field_tags.rest())
        for message, name in ((self._whole_reasoning, "reasoning"), (self._whole_text, "content")):
            if rest := message.rest():
                self._take_delta({name: rest}, is_noted=True)
        self._take_parts(*self._think_tags.rest())

    def take(self, chunk: object) -> bool:
        """Read one chunk; returns True if it belongs to a completion.

        A chunk of an unknown shape is skipped.
        """
        if isinstance(chunk, list):  # Gemini's errors, or a stream as one list
            taken = [self.take(part) for part in chunk if isinstance(part, dict)]
            return any(taken)
        if not isinstance(chunk, dict):
            return False
        chunk = _unwrapped(chunk)
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        error = chunk.get("error")
        if isinstance(error, dict) and isinstance(choice, dict) and not any(error.values()):
            error = None  # a relay in Go that has none
        if error or (choice is None and is_failure(chunk)):
            raise EndpointFault(chunk)
        if isinstance(usage := chunk.get("usage"), dict):
            self._counts = counts_of(usage)
        if (read_part := part_read(chunk.get("prompt_progress"))) is not None:
            self._on_reading(read_part)
        if isinstance(choice, dict):
            self._take_choice(choice, chunk)
        elif choice is not None:
            raise ChatbotError("interrupted")
        return "choices" in chunk or "usage" in chunk

    def _take_choice(self, choice: dict[str, Any], chunk: dict[str, Any]) -> None:
        delta = choice.get("delta")
        if not isinstance(delta, dict | None):
            raise ChatbotError("interrupted")
        if delta is None and isinstance(choice.get("text"), str):  # of the older protocol
            delta = {"content": choice["text"]}
        reason = _reason_of(choice)
        has_part = self._take_delta(delta) if delta else False
        self._is_whole = self._is_whole and not has_part
        if not has_part and "message" in choice:
            message = choice["message"]
            if not isinstance(message, dict | None):
                raise ChatbotError("interrupted")
            is_first = self._characters == 0 and chunk.get("object") != "chat.completion.chunk"
            is_last = reason is not None and self._finish_reason is None
            has_part = self._take_message(message or {}, is_last)
            self._is_whole = is_first and has_part
        if has_part:
            self._has_gone_on = self._has_gone_on or self._finish_reason is not None
            self._was_last_text, self._was_last_an_end = True, False
            if reason is None:
                self._gives_reasons_always = False
        if reason is not None:
            self._take_reason(reason, chunk, has_part)
        if "base_resp" in chunk and is_failure(chunk):
            raise EndpointFault(chunk)

    def _take_reason(self, reason: object, chunk: dict[str, Any], has_part: bool) -> None:
        if not isinstance(reason, str):
            return
        reason = _REASONS.get(reason.lower(), reason)
        if reason == "error":
            raise EndpointFault(chunk)
        self._was_last_an_end, self._was_last_text = True, has_part
        if reason and not re.fullmatch(FINISH_REASON, reason, re.ASCII):
            reason = ""
        self._finish_reason = reason or self._finish_reason or ""

    def _take_message(self, message: dict[str, Any], is_last: bool) -> bool:
        """Take the new part of a whole message; returns True if there is a new part.

        `is_last`: the message is the only one with a finish reason.
        """
        content = text_of(message.get("content")) + text_of(message.get("images"))
        reasoning = reasoning_of(message)
        new = {
            "content": self._whole_text.new_in(content, is_last) if content else "",
            "reasoning_content": (
                self._whole_reasoning.new_in(reasoning, is_last) if reasoning else ""
            ),
            "refusal": None if self.has_text else message.get("refusal"),
            "tool_calls": message.get("tool_calls"),
            "function_call": message.get("function_call"),
        }
        return self._take_delta(new, is_noted=True)

    def _take_delta(self, delta: dict[str, Any], is_noted: bool = False) -> bool:
        """Take a part of the answer; returns True if the part is not empty.

        `is_noted`: the part comes from a whole message and is already recorded there.
        """
        before = self._characters
        has_other_fields = False
        for name, value in delta.items():
            if value and name != "role":
                self._characters += len(value) if isinstance(value, str) else 1
                if name not in _USUAL_FIELDS:
                    has_other_fields = True
        if self._characters == before:
            return False
        self._bytes_without_text = 0
        if reasoning := reasoning_of(delta):
            if not is_noted:
                self._whole_reasoning.note_delta(reasoning)
            self._take_parts(*self._field_tags.feed(self._reasoning.of(reasoning)))
        text = text_of(delta.get("content"))
        if has_other_fields:
            text += self._other_text(delta)
        if text:
            if not is_noted:
                self._whole_text.note_delta(text)
            if self._field_tags.is_answering:  # more reasoning may follow, between two parts
                self._take_parts(*self._field_tags.rest())
                self._field_tags = FieldTags()
            if whole := self._text.of(text):
                self._take_parts(*self._think_tags.feed(whole))
        if max(self._characters, self._handed_over) > MAX_REPLY_CHARACTERS:
            raise ChatbotError("too_much")
        return True

    def _other_text(self, delta: dict[str, Any]) -> str:
        """Return the text of rare fields of a delta, and record its tool calls."""
        self._tools += tool_names(delta)
        refusal = delta.get("refusal")
        return text_of(delta.get("images")) + (refusal if isinstance(refusal, str) else "")

    def _take_parts(self, reasoning: str, text: str) -> None:
        self._handed_over += len(reasoning) + len(text)
        if reasoning:
            self._on_reasoning(reasoning)
        if text:
            self.has_text = True
            self._on_text(text)

    def _take_late_reasoning(self, reasoning: str) -> None:
        self.has_text = False
        self._on_late_reasoning(reasoning)


def _unwrapped(chunk: dict[str, Any]) -> dict[str, Any]:
    """Return the chunk inside a relay's envelope, if there is an envelope."""
    if chunk.get("choices") is None and not chunk.get("error"):
        for name in _ENVELOPES:
            inner = chunk.get(name)
            if isinstance(inner, dict) and (
                isinstance(inner.get("choices"), list) or inner.get("error")
            ):
                return {**chunk, **inner}
    return chunk


def _reason_of(choice: dict[str, Any]) -> object:
    """Return the finish reason of a choice, or None while there is no end."""
    reason = choice.get("finish_reason")
    if reason is None:
        reason = choice.get("finishReason")
    return None if isinstance(reason, str) and reason.lower() in _NO_REASONS else reason
