"""Joining an answer that was cut off with its continuation, without repeated text.

A model that is asked to continue repeats some of its text: the last words, as instructed, or a
line, a paragraph, or everything. The repetition is left out. From the first new character on,
all text passes immediately.

The longest common end and beginning on whole words, alone, fails 17 of the 57 cases in
`tests/answers/test_continuation.py`: it opens a code block twice, and takes a coincidence for a
repetition. It then loses text, such as the second digit of "22" or the first bar of a table's row.
"""

import re
import string
from collections.abc import Iterator
from itertools import islice

from chatbot.store.search_text import words

MEANT_CHARACTERS = 3
"""Shortest single word or line in common that counts as a repetition, not as a coincidence."""

TELLING_CHARACTERS = 1000
"""Characters of a repetition that are examined for words."""

MOST_LENGTHS = 50
"""Most candidate lengths tried. There are more only if a text repeats itself over and over."""

_LEAD_IN = re.compile(r"[\s.…]*")
_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)(?:\n|\Z)")
_SMALL_LETTERS = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Continuation:
    """Receives the continuation of `partial` in pieces and returns the text to append."""

    def __init__(self, partial: str) -> None:
        self._text = partial.rstrip()
        self._blanks = partial[len(self._text) :]
        """White space at the end of the partial text, which a continuation may repeat."""
        self._fence = _open_fence(partial)
        self._repetitions: dict[int, _Repetition] = {}
        """Possible repetitions, by the position in the continuation where the repetition begins."""
        self._held = ""
        self._is_joined = False

    def feed(self, piece: str) -> str:
        """Return the text to append now: "" while all text so far may be a repetition."""
        if self._is_joined:
            return self._without_blanks(piece)
        self._held += piece
        return "" if self._may_be_repeating() else self.rest()

    def rest(self) -> str:
        """Return the rest of the text to append, after the continuation has ended by itself.

        If the continuation broke off, the held text is a repetition; do not call this method.
        """
        if self._is_joined:
            return ""
        self._is_joined = True
        held, fence = self._held, self._fence_again()
        for repetition in self._repetitions.values():
            if end := repetition.end(held):
                return self._without_blanks(held[end:])
        if fence and fence["info"].strip():
            held = held[fence.end() :]  # repeats the opening of the code block
        if self._blanks.strip(" "):
            self._blanks = ""  # further line breaks may be intended
        return self._without_blanks(held)

    def _may_be_repeating(self) -> bool:
        begins = {_end_of_lead_in(self._held): False}
        if fence := self._fence_again():
            begins[fence.end()] = True
        for begin, is_after_fence in begins.items():
            if begin >= len(self._held):
                return True  # too early to tell
            if begin not in self._repetitions:
                repetition = _Repetition(
                    self._text, self._fence, begin, is_after_fence, bool(self._blanks)
                )
                self._repetitions[begin] = repetition
        going_on = [repetition.goes_on(self._held) for repetition in self._repetitions.values()]
        return any(going_on)

    def _fence_again(self) -> re.Match[str] | None:
        """Return the line of the continuation that opens the already open code block again."""
        fence = _FENCE.match(self._held, _end_of_lead_in(self._held))
        return fence if fence and self._fence and fence["mark"].startswith(self._fence) else None

    def _without_blanks(self, text: str) -> str:
        while self._blanks and text:
            if text[0] != self._blanks[0]:
                self._blanks = ""
                break
            text, self._blanks = text[1:], self._blanks[1:]
        return text


class _Repetition:
    """A possible repetition of a text's end by a continuation, from `begin` on.

    White space of any kind and length compares equal, and so do upper and lower case.
    """

    def __init__(
        self, text: str, fence: str, begin: int, is_after_fence: bool, is_before_blank: bool
    ) -> None:
        self._text = _normal(text)
        self._fence = fence
        self._last_line = _normal(text.rpartition("\n")[2])
        self._begin = begin
        self._is_after_fence = is_after_fence
        self._is_before_blank = is_before_blank
        self._read = ""
        self._read_to = begin
        self._place = 0

    def goes_on(self, continuation: str) -> bool:
        """Return True if the whole continuation so far, which only grows, occurs in the text."""
        is_after_blank = self._read[-1:] in ("", " ")
        self._read += _normal(continuation[self._read_to :], is_after_blank)
        self._read_to = len(continuation)
        # The position only moves forward, so a long repetition is not searched for again.
        if self._place >= 0 and not self._text.startswith(self._read, self._place):
            self._place = self._text.find(self._read, self._place)
        return self._place >= 0

    def end(self, continuation: str) -> int:
        """Return where the new part of the continuation begins; 0 if it repeats nothing."""
        for length in islice(self._in_common(), MOST_LENGTHS):
            if self._is_meant(length):
                whole = self._whole_words(length)
                return self._original(continuation, whole) if whole else 0
        return 0

    def _whole_words(self, length: int) -> int:
        """Shorten a common length to whole words: “the ” and “theatre” have no word in common."""
        pair = self._read[length - 1 : length + 1]
        goes_on = len(words(pair)) == 2 or (pair[:1].isalnum() and pair[1:] in ("_", "'", "’"))
        if self._is_before_blank and goes_on:
            return self._read.rfind(" ", 0, length) + 1
        return length

    def _in_common(self) -> Iterator[int]:
        """Yield the lengths of all common ends and beginnings, longest first.

        Uses the prefix function of Knuth, Morris and Pratt, because comparing each length by
        itself takes quadratic time on a text that repeats one letter.
        """
        begin, end = self._read, self._text[-len(self._read) :]
        fits = [0] * len(begin)  # for each place, the longest proper prefix that ends there
        length = 0
        for place in range(1, len(begin)):
            while length and begin[place] != begin[length]:
                length = fits[length - 1]
            length += begin[place] == begin[length]
            fits[place] = length
        length = 0
        for character in end if begin else "":
            while length and (length == len(begin) or character != begin[length]):
                length = fits[length - 1]
            length += character == begin[length]
        while length:
            yield length
            length = fits[length - 1]

    def _is_meant(self, length: int) -> bool:
        """Return True if a common length is a repetition rather than a coincidence."""
        repeated = self._read[:length]
        word = words(repeated[:TELLING_CHARACTERS])
        if " " in word or length == len(self._text):
            return True
        around_begin = self._text[-length - 1 : len(self._text) - length + 1]
        if len(words(around_begin)) == 2:
            return False  # the repetition would begin inside a word
        is_long = bool(word) and length >= MEANT_CHARACTERS
        if self._is_after_fence or (is_long and repeated == self._last_line):
            return bool(word)
        if self._begin:
            return False  # after white space, the next word is more likely
        # Hardly any word repeats its first letters; numbers and Chinese words do.
        is_fence = bool(self._fence) and self._fence in repeated
        return is_fence or is_long or (word.isascii() and word.isalpha())

    def _original(self, continuation: str, length: int) -> int:
        """Convert a length in normalized text to a position in the continuation."""
        place, is_after_blank = self._begin, True
        while length:
            is_blank = continuation[place].isspace()
            length -= not (is_blank and is_after_blank)
            is_after_blank = is_blank
            place += 1
        return place


def _normal(text: str, is_after_blank: bool = True) -> str:
    text = re.sub(r"\s+", " ", text).translate(_SMALL_LETTERS)
    return text.removeprefix(" ") if is_after_blank else text


def _end_of_lead_in(text: str) -> int:
    lead_in = _LEAD_IN.match(text)
    return lead_in.end() if lead_in else 0


def _open_fence(text: str) -> str:
    """Return the fence of the code block that is still open at the end of a text, or ""."""
    mark = ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if not fence:
            continue
        if not mark:
            mark = fence["mark"]
        elif fence["mark"].startswith(mark) and not fence["info"].strip():
            mark = ""
    return mark
