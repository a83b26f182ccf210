"""Detection of code at the end of a growing Markdown text. Pure; reads each character once."""

import re

_MARK = re.compile(r"`+|\n")
_FENCE = re.compile(r" {0,3}(?:[-*+>] +|\d{1,3}[.)] +)*(`{3,}|~{3,})")
_CLOSING = re.compile(r"\s*(`{3,}|~{3,})\s*")
_INDENTED = re.compile(r" {4}|\t")

HEAD_CHARACTERS = 200
"""Length of a line's beginning that is searched for a fence or an indented block."""


class OpenCode:
    """Follows fences, indented blocks and, within a line, code between backticks."""

    def __init__(self) -> None:
        self._fence = ""
        self._head = ""
        """The beginning of the current line."""
        self._ticks = 0
        """Number of backticks that opened code within this line; 0 without open code."""
        self._is_after_blank = True
        self._is_indented = False
        """True if the last line belonged to an indented block."""

    def feed(self, text: str) -> None:
        """Read the next part of the text. A row of backticks must not be cut between two parts."""
        place = 0
        for mark in _MARK.finditer(text):
            self._add(text[place : mark.end()].removesuffix("\n"))
            if mark[0] == "\n":
                self._end_line()
            elif not self._ticks:
                is_escaped = text[mark.start() - 1 : mark.start()] == "\\"
                self._ticks = 0 if is_escaped else len(mark[0])
            elif self._ticks == len(mark[0]):
                self._ticks = 0
            place = mark.end()
        self._add(text[place:])

    @property
    def is_inside(self) -> bool:
        """True if the next character is inside code."""
        if self._fence:
            return not self._closes_fence()
        return bool(self._ticks or _FENCE.match(self._head)) or self._is_in_block()

    def _add(self, text: str) -> None:
        self._head += text[: HEAD_CHARACTERS - len(self._head)]

    def _end_line(self) -> None:
        is_blank = not self._head.strip()
        if self._fence:
            if self._closes_fence():
                self._fence = ""
        elif fence := _FENCE.match(self._head):
            # A fence's language contains no backticks, so this is code within the line.
            is_fence = "`" not in self._head[fence.end() :] or fence[1][0] == "~"
            self._fence = fence[1] if is_fence else ""
        elif not is_blank:
            self._is_indented = self._is_in_block()
        self._is_after_blank = is_blank
        self._head, self._ticks = "", 0

    def _closes_fence(self) -> bool:
        closing = _CLOSING.fullmatch(self._head)
        return closing is not None and closing[1].startswith(self._fence)

    def _is_in_block(self) -> bool:
        may_begin = self._is_after_blank or self._is_indented
        return may_begin and _INDENTED.match(self._head) is not None
