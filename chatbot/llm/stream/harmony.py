"""OpenAI's harmony format: the channels of gpt-oss, if a server leaves them in the text. Pure.

An answer is a sequence of messages, `<|channel|>analysis<|message|>…<|end|>`. Only messages in
the channel `final` are meant for the visitor (cookbook.openai.com, "harmony response format").
Some servers leave the special tokens out: `analysis…assistantfinal…`.
"""

import re

_OPENINGS = ("<|channel|>", "<|start|>", "assistant<|channel|>")
"""Possible beginnings of a text in harmony format."""

LATE_OPENINGS = ("<|start|>assistant<|channel|>", "<|channel|>final<|message|>")
"""Beginnings of the next message, if the prompt contains the beginning of the first message."""

MAX_HEADER_CHARACTERS = 300

_TOKEN = re.compile(r"<\|(start|channel|message|end|return|call|constrain)\|>")
_TOKENS = tuple(f"<|{name}|>" for name in _TOKEN.pattern[4:-4].split("|"))
_LONGEST = max(map(len, _TOKENS))
_TOOL = re.compile(r"\bto=(?:functions\.)?([\w.:/-]{1,64})")


def opened(begun: str) -> "tuple[Harmony | BareHarmony, str] | None":
    """Return a parser for a text that begins in harmony format, and the text for the parser."""
    if begun.startswith(_OPENINGS):
        return Harmony(), begun.removeprefix("assistant")
    return (BareHarmony(), begun) if _BARE_OPENING.match(begun) else None


def may_open(begun: str) -> bool:
    """Return True if more text may make this the beginning of a text in harmony format."""
    return any(opening.startswith(begun) for opening in (*_OPENINGS, "analysis", *_BARE_TOKENS))


class Harmony:
    """Parser of harmony text, piece by piece; tokens may be cut anywhere."""

    def __init__(self) -> None:
        self.tools: list[str] = []
        """Names of the tools that the model asked for."""
        self._held = ""
        self._header: str | None = None
        """The header read so far; None once the message has begun."""
        self._is_final = True
        self._says_something = False
        """The message in progress has more than white space so far."""

    def feed(self, piece: str) -> tuple[str, str]:
        """Return the text to add to the reasoning, and the text to add to the answer."""
        text, self._held = self._held + piece, ""
        reasoning = answer = ""
        place = 0
        for token in _TOKEN.finditer(text):
            thought, said = self._take(text[place : token.start()])
            reasoning, answer = reasoning + thought, answer + said
            self._read_token(token[1])
            place = token.end()
        end = self._begin_of_token(text, place)
        self._held = text[end:]
        thought, said = self._take(text[place:end])
        return reasoning + thought, answer + said

    def rest(self) -> tuple[str, str]:
        """Return the reasoning and answer still held back at the end of the text."""
        text, self._held = self._held, ""
        return ("", "") if self._header is not None else self._take(text)

    def _take(self, text: str) -> tuple[str, str]:
        if self._header is not None:
            self._header += text
            if len(self._header) <= MAX_HEADER_CHARACTERS:
                return "", ""
            text, self._header = self._header, None  # too long for a header, so it is text
        if not self._says_something:
            text = text.lstrip()
            self._says_something = bool(text)
        return ("", text) if self._is_final else (text, "")

    def _read_token(self, name: str) -> None:
        if name in ("start", "channel"):
            self._header = ""
        elif name == "message":
            header, self._header = self._header or "", None
            self._says_something = False
            channel = header.split(maxsplit=1)[0] if header.strip() else ""
            self._is_final = not channel.startswith(("analysis", "commentary"))
            if tool := _TOOL.search(header):
                self._is_final = False
                self.tools.append(tool[1])
        elif (
            name != "constrain"
        ):  # the message has ended; text without a header is part of the answer
            self._header, self._is_final, self._says_something = None, True, False

    @staticmethod
    def _begin_of_token(text: str, place: int) -> int:
        """Return where a token may begin at the text's end; the text's length if nowhere."""
        begin = text.rfind("<", max(place, len(text) - _LONGEST + 1))
        is_begun = begin >= 0 and any(token.startswith(text[begin:]) for token in _TOKENS)
        return begin if is_begun else len(text)


_BARE_TOKENS = tuple(f"assistant{name}" for name in ("analysis", "commentary", "final"))
_BARE_TOKEN = re.compile("|".join(_BARE_TOKENS))
_BARE_OPENING = re.compile(rf"{_BARE_TOKEN.pattern}|analysis(?=[A-Za-z\"'*#\n])")
"""Beginning of a text without special tokens. In English text, a blank follows `analysis`."""

BARE_FINAL = "assistantfinal"
"""Beginning of the answer in a text without special tokens."""

_LONGEST_BARE = max(map(len, _BARE_TOKENS))
_BARE_TOOL = re.compile(r" ?to=(?:functions\.)?([\w.:/-]{1,64}?) ?(?:json|code)?(?=[^\s\w.:/-])")
_MAX_BARE_HEADER = 100


class BareHarmony:
    """Parser of harmony text without its special tokens, piece by piece."""

    def __init__(self) -> None:
        self.tools: list[str] = []
        """Names of the tools that the model asked for."""
        self._held = ""
        self._has_begun = self._is_final = self._says_something = False
        self._between = ""
        """Text before the next message, if that is not empty."""

    def feed(self, piece: str) -> tuple[str, str]:
        """Return the text to add to the reasoning, and the text to add to the answer."""
        if self._is_final:
            return "", self._said(piece)
        text, self._held = self._held + piece, ""
        if not self._has_begun:
            text = text.removeprefix("analysis")
            self._has_begun = True
        reasoning = ""
        while token := _BARE_TOKEN.search(text):
            reasoning += self._said(text[: token.start()])
            after = text[token.end() :]
            if token[0].endswith("final"):
                self._is_final, self._says_something, self._between = True, False, ""
                return reasoning, self._said(after)
            if token[0].endswith("commentary"):
                tool = _BARE_TOOL.match(after)
                if not tool and self._may_name_tool(after):
                    self._held = text[token.start() :]
                    return reasoning, ""
                if tool:
                    self.tools.append(tool[1])
                    after = after[tool.end() :]
            text = after
            self._between = "\n\n" if self._says_something else self._between
            self._says_something = False
        end = begin_of_bare_token(text)
        self._held = text[end:]
        return reasoning + self._said(text[:end]), ""

    def rest(self) -> tuple[str, str]:
        """Return the reasoning and answer still held back at the end of the text."""
        text, self._held = self._held, ""
        return text, ""

    def _said(self, text: str) -> str:
        """Return a part of a message; at its beginning, white space is left out."""
        if self._says_something:
            return text
        text = text.lstrip()
        self._says_something = bool(text)
        return self._between + text if text else ""

    @staticmethod
    def _may_name_tool(after: str) -> bool:
        is_begun = after[:4].lstrip().startswith("to=") or " to=".startswith(after)
        return (is_begun or "to=".startswith(after)) and len(after) < _MAX_BARE_HEADER


def may_be_bare(text: str) -> bool:
    """Return True for `analysis` followed by a letter of another script.

    Only the beginning of an answer further on shows that the text is reasoning, and not a sentence
    about the word.
    """
    return re.match(r"\s*analysis[^\x00-\x7f]", text) is not None


def reasoning_before(text: str) -> str:
    """Return the reasoning in a text without special tokens that an answer follows."""
    reasoning, _ = BareHarmony().feed(text.lstrip() + BARE_FINAL)
    return reasoning


def begin_of_bare_token(text: str) -> int:
    """Return where a token may begin at the text's end; the text's length if nowhere."""
    for begin in range(max(0, len(text) - _LONGEST_BARE + 1), len(text)):
        if any(token.startswith(text[begin:]) for token in _BARE_TOKENS):
            return begin
    return len(text)
