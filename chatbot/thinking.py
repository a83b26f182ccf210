"""A model's reasoning told from its answer, in whichever of the usual forms a server sends it.

Some have a field for it: DeepSeek, Qwen, Moonshot and vLLM `reasoning_content`, OpenRouter,
Ollama, Groq and newer vLLM `reasoning`, Mistral typed parts of the content. Others leave the
model's own tags in the text. Pure; knows no network.
"""

from collections.abc import Mapping
from typing import Any

_TAGS = {f"<{name}>": f"</{name}>" for name in ("think", "thinking", "thought")}
"""DeepSeek's, Qwen's and many others'; those of models trained after them; Gemini's."""

MAX_BLANKS = 1000
"""White space in front of the first tag is less. Held for ever, each further piece of it would
cost more: 40,000 took 0.6 s of the loop."""

_FIELDS = ("reasoning_content", "reasoning")


class ThinkTags:
    """Takes a text piece by piece and tells the reasoning at its beginning from the rest.

    Tags may be cut anywhere. Once the answer has begun, a tag is text like any other.
    """

    def __init__(self) -> None:
        self._held = ""
        """What may yet become a tag, or is white space before one."""
        self._close = ""
        """The tag that ends the reasoning in progress."""
        self._was_closed = False
        self._is_answering = False
        self._says_something = False
        """Whether the reasoning in progress is more than white space so far."""

    def feed(self, piece: str) -> tuple[str, str]:
        """What to add to the reasoning now, and what to the answer."""
        if self._is_answering:
            return "", piece
        self._held += piece
        reasoning = ""
        while self._close or self._opens():
            thought, is_closed = self._take_thought()
            reasoning += thought
            if not is_closed:
                return reasoning, ""
        return reasoning, "" if self._may_open() else self._begin_answer()

    def rest(self) -> tuple[str, str]:
        """What is still held when the text has ended, told apart in the same way."""
        if self._close:
            thought, self._held = self._held, ""
            return thought, ""
        return "", "" if self._was_closed and not self._held.strip() else self._begin_answer()

    def _opens(self) -> bool:
        begun = self._begun()
        opened = next((tag for tag in _TAGS if begun.startswith(tag)), None)
        if opened:
            self._close = _TAGS[opened]
            self._held = begun[len(opened) :]
            self._says_something = False
        return opened is not None

    def _may_open(self) -> bool:
        begun = self._begun()
        return any(tag.startswith(begun) for tag in _TAGS)

    def _begun(self) -> str:
        """What may be a tag, or become one."""
        begun = self._held.lstrip()
        if self._was_closed:  # between tags, white space is theirs
            self._held = begun
        return begun if len(self._held) - len(begun) <= MAX_BLANKS else self._held

    def _take_thought(self) -> tuple[str, bool]:
        """What has come of the reasoning, and whether that was the last of it."""
        if not self._says_something:
            self._held = self._held.lstrip()
        thought, tag, after = self._held.partition(self._close)
        if tag:
            self._held, self._close, self._was_closed = after, "", True
            return thought, True
        held = next(
            length
            for length in range(min(len(self._close) - 1, len(thought)), -1, -1)
            if self._close.startswith(thought[len(thought) - length :])
        )
        thought, self._held = thought[: len(thought) - held], thought[len(thought) - held :]
        self._says_something = self._says_something or bool(thought)
        return thought, False

    def _begin_answer(self) -> str:
        self._is_answering = True
        text, self._held = self._held, ""
        # White space in front belongs to the tags that stood there, if any did.
        return text.lstrip() if self._was_closed else text


def reasoning_of(delta: Mapping[str, Any]) -> str:
    """The reasoning that a delta brings in fields or parts of its own, or ""."""
    for name in _FIELDS:  # some servers send the same in both
        if isinstance(value := delta.get(name), str) and value:
            return value
    parts = delta.get("reasoning_details") or delta.get("content")
    return _text_of(parts) if isinstance(parts, list) else ""


def _text_of(parts: list[Any]) -> str:
    texts: list[Any] = []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "thinking":  # Mistral's, with parts of text within
            inner = part.get("thinking")
            inner = inner if isinstance(inner, list) else [{"text": inner}]
            texts += [one.get("text") for one in inner if isinstance(one, dict)]
        elif isinstance(kind, str) and kind.startswith("reasoning."):  # OpenRouter's
            texts.append(part.get("text") or part.get("summary"))
    return "".join(text for text in texts if isinstance(text, str))
