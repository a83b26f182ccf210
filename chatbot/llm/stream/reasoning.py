"""Separation of a model's reasoning from its answer, in all common forms.

Some have a field for it: DeepSeek, Qwen, Moonshot and vLLM `reasoning_content`, OpenRouter,
Ollama, Groq and newer vLLM `reasoning`, relays of Ollama's own form `thinking`, Mistral typed
parts of the content. Others leave the model's own tags in the text, or only the closing one. Pure;
knows no network.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatbot.llm.stream import harmony
from chatbot.llm.stream.harmony import BARE_FINAL, LATE_OPENINGS, BareHarmony, Harmony
from chatbot.llm.stream.open_code import OpenCode

_TAGS = {f"<{name}>": f"</{name}>" for name in ("think", "thinking", "thought", "reasoning")} | {
    "<seed:think>": "</seed:think>",
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
}
"""Opening and closing tags: `think` of DeepSeek, Qwen and many others, `thinking` of models trained
on their output, `thought` of Gemini, `reasoning` asked for in prompts, and the tags of Seed-OSS,
Mistral and Kimi. A model may write a tag in capital letters, or with blanks inside."""

_BLANKS = r"[ \t]{0,2}"
_PATTERNS = {
    tag: rf"{_BLANKS}".join(re.escape(part) for part in re.findall(r"\w[\w:]*|\W", tag))
    for pair in _TAGS.items()
    for tag in pair
}
_TAG = re.compile("|".join(_PATTERNS.values()), re.IGNORECASE)
_LATE = re.compile("|".join([_TAG.pattern, *map(re.escape, LATE_OPENINGS)]), re.IGNORECASE)
_LATE_OR_BARE = re.compile(f"{_LATE.pattern}|(?-i:{BARE_FINAL})", re.IGNORECASE)
_TAG_OF_NAME = {tag: re.compile(pattern, re.IGNORECASE) for tag, pattern in _PATTERNS.items()}
_OPENING_OF = {close: opening for opening, close in _TAGS.items()}
_LONGEST_TAG = max(map(len, LATE_OPENINGS))
_BEGINNINGS = {
    tag[:length]
    for tag in (*_TAGS, *_OPENING_OF, *LATE_OPENINGS)
    for length in range(1, len(tag) + 1)
}
_FIRST_OF_TAG = re.compile(r"[<\[◁]")


def _plain(tag: str) -> str:
    """Return a tag as it is in `_TAGS`."""
    return re.sub(r"[ \t]", "", tag).lower()


MAX_BLANKS = 1000
"""Most white space before the first tag. Without a limit, the cost of each further piece would
grow with all the white space before it and block the loop."""

_FIELDS = ("reasoning_content", "reasoning", "thinking")


class ThinkTags:
    """Splits a text, piece by piece, into the reasoning at its beginning and the answer.

    Tags may be cut anywhere. After the answer has begun, tags are ordinary text, with one
    exception: a closing tag outside code without an opening tag, because the prompt's template
    may contain the opening tag. Then `on_late_reasoning` is called with all the text before the
    tag, most of it already delivered as answer.
    """

    def __init__(self, on_late_reasoning: Callable[[str], None] = lambda _: None) -> None:
        self._on_late_reasoning = on_late_reasoning
        self._held = ""
        """Text that may become a tag, or white space before a tag."""
        self._close = ""
        """The closing tag of the reasoning in progress, as in `_TAGS`."""
        self._was_closed = False
        self._is_answering = False
        self._says_something = False
        """The reasoning in progress has more than white space so far."""
        self._harmony: Harmony | BareHarmony | None = None
        self._late: _LateTag | None = None

    @property
    def tools(self) -> Sequence[str]:
        """Names of the tools that the model asked for in harmony format."""
        return self._harmony.tools if self._harmony else ()

    @property
    def tells_answer(self) -> bool:
        """True if a tag or channel has told where the answer begins."""
        return self._was_closed or self._harmony is not None

    def feed(self, piece: str) -> tuple[str, str]:
        """Return the text to add to the reasoning, and the text to add to the answer."""
        if self._late:
            return self._feed_answer(piece)
        if self._is_answering:
            return "", piece
        if self._harmony:
            return self._harmony.feed(piece)
        self._held += piece
        reasoning = ""
        while self._close or self._opens():
            if self._harmony:
                text, self._held = self._held, ""
                thought, text = self._harmony.feed(text)
                return reasoning + thought, text
            thought, is_closed = self._take_thought()
            reasoning += thought
            if not is_closed:
                return reasoning, ""
        if self._may_open():
            return reasoning, ""
        more, text = self._begin_answer()
        return reasoning + more, text

    def rest(self) -> tuple[str, str]:
        """Return the reasoning and answer still held back at the end of the text."""
        if self._harmony:
            return self._harmony.rest()
        if self._late:
            return "", self._late.rest()
        if self._is_answering:
            return "", ""
        if self._close:
            thought, self._held = self._held, ""
            return thought, ""
        if self._was_closed and not self._held.strip():
            return "", ""
        reasoning, text = self._begin_answer()
        more, last = self.rest()
        return reasoning + more, text + last

    def _feed_answer(self, piece: str) -> tuple[str, str]:
        assert self._late
        text = self._late.feed(piece)
        if self._late.after is None:
            return "", text
        self._on_late_reasoning(self._late.before.strip())
        after, self._late = self._late.after, None
        self._is_answering, self._was_closed = False, True
        return self.feed(after)

    def _opens(self) -> bool:
        begun = self._begun()
        if opened := harmony.opened(begun):
            self._harmony, self._held = opened
            return True
        tag = _TAG.match(begun)
        if tag and _plain(tag[0]) in _TAGS:
            self._close = _TAGS[_plain(tag[0])]
            self._held = begun[tag.end() :]
            self._says_something = False
            return True
        return False

    def _may_open(self) -> bool:
        begun = self._begun()
        if not begun or harmony.may_open(begun):
            return True
        beginning = _plain(begun)
        return len(begun) <= _LONGEST_TAG and any(tag.startswith(beginning) for tag in _TAGS)

    def _begun(self) -> str:
        """Return the held text that may be a tag or the beginning of a tag."""
        begun = self._held.lstrip()
        if self._was_closed:  # white space between tags is dropped
            self._held = begun
        return begun if len(self._held) - len(begun) <= MAX_BLANKS else self._held

    def _take_thought(self) -> tuple[str, bool]:
        """Return the next part of the reasoning, and True if the reasoning has ended."""
        if not self._says_something:
            self._held = self._held.lstrip()
        if tag := _TAG_OF_NAME[self._close].search(self._held):
            thought = self._held[: tag.start()]
            self._held, self._close, self._was_closed = self._held[tag.end() :], "", True
            return thought, True
        end = _begin_of_tag(self._held, 0)
        thought, self._held = self._held[:end], self._held[end:]
        self._says_something = self._says_something or bool(thought)
        return thought, False

    def _begin_answer(self) -> tuple[str, str]:
        self._is_answering = True
        text, self._held = self._held, ""
        if self._was_closed:
            return "", text.lstrip()  # white space after the closing tag is dropped
        self._late = _LateTag(harmony.may_be_bare(text))
        return self._feed_answer(text)


class FieldTags:
    """Removes tags that a server leaves in a field for reasoning: the model's text beside them.

    The text after a closing tag is part of the answer.
    """

    def __init__(self) -> None:
        self._tags = ThinkTags(self._take_late)
        self._late = ""
        """Text before a closing tag without an opening tag."""
        self._characters = 0
        """Number of characters delivered before such a tag, after white space."""

    @property
    def is_answering(self) -> bool:
        """True after a closing tag."""
        return self._tags.tells_answer

    def feed(self, piece: str) -> tuple[str, str]:
        """Return the text to add to the reasoning, and the text to add to the answer."""
        return self._sorted(*self._tags.feed(piece))

    def rest(self) -> tuple[str, str]:
        """Return the reasoning and answer still held back at the end of the field."""
        return self._sorted(*self._tags.rest())

    def _sorted(self, reasoning: str, text: str) -> tuple[str, str]:
        if self._tags.tells_answer:
            late, self._late = self._late[self._characters :], ""
            return late + reasoning, text
        self._characters += len(text if self._characters else text.lstrip())
        return reasoning + text, ""

    def _take_late(self, reasoning: str) -> None:
        self._late = reasoning


class _LateTag:
    """Search in an answer for a closing tag without an opening tag.

    `is_bare`: the answer may be harmony text without its special tokens.
    """

    def __init__(self, is_bare: bool = False) -> None:
        self._is_bare = is_bare
        self.before = ""
        """All the text before the tag, once the tag is found."""
        self.after: str | None = None
        """The text after the tag in the same piece; None until the tag is found."""
        self._pieces: list[str] = []
        self._looked_through = 0
        """Number of pieces that `_code` has seen."""
        self._code = OpenCode()
        self._opened: dict[str, int] = {}
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return the text to add to the answer; "" if this piece contains the tag."""
        has_mark = self._is_bare or "<" in piece or "[" in piece or "◁" in piece
        if not self._held and not has_mark:
            self._pieces.append(piece)
            return piece
        text, self._held = self._held + piece, ""
        place = looked_to = 0
        for tag in (_LATE_OR_BARE if self._is_bare else _LATE).finditer(text):
            self._pieces.append(text[place : tag.start()])
            place, looked_to = tag.start(), tag.end()
            if not self._is_in_code() and self._closes_nothing(_plain(tag[0])):
                after = tag.start() if tag[0] in LATE_OPENINGS else tag.end()
                self.before = "".join(self._pieces).removesuffix("<|end|>")
                if tag[0] == BARE_FINAL:
                    self.before = harmony.reasoning_before(self.before)
                self.after = text[after:]
                return ""
        end = _begin_of_tag(text, looked_to)
        if self._is_bare:
            end = min(end, max(looked_to, harmony.begin_of_bare_token(text)))
        self._held = text[end:]
        self._pieces.append(text[place:end])
        return text[:end]

    def rest(self) -> str:
        """Return the text still held back at the end of the text."""
        text, self._held = self._held, ""
        return text

    def _is_in_code(self) -> bool:
        self._code.feed("".join(self._pieces[self._looked_through :]))
        self._looked_through = len(self._pieces)
        return self._code.is_inside

    def _closes_nothing(self, tag: str) -> bool:
        """Count an opening tag, or return True for a closing tag without an opening tag."""
        if tag in _TAGS:
            self._opened[tag] = self._opened.get(tag, 0) + 1
            return False
        opening = _OPENING_OF.get(tag, "")
        if not self._opened.get(opening):
            return True
        self._opened[opening] -= 1
        return False


def _begin_of_tag(text: str, place: int) -> int:
    """Return where a tag may begin at the text's end; the text's length if nowhere."""
    for mark in _FIRST_OF_TAG.finditer(text, max(place, len(text) - _LONGEST_TAG)):
        if _plain(text[mark.start() :]) in _BEGINNINGS:
            return mark.start()
    return len(text)


def reasoning_of(delta: Mapping[str, Any]) -> str:
    """Return the reasoning in a delta's own fields or typed parts, or ""."""
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
