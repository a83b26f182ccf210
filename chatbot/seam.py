"""Joining an answer that was cut off with its continuation, to the character.

A model that is asked to go on repeats some of what it had written: the last
words, as it is told to, or a line, a paragraph, everything. What it repeats is
left out; from its first new character on, all passes at once.
"""

import re
import string
from collections.abc import Iterator
from itertools import islice

from chatbot.store.words import words

MEANT_CHARACTERS = 3
"""One word or line in common is no accident if it is as long as this."""

TELLING_CHARACTERS = 1000
"""By so much of a repetition it is clear what it consists of."""

MOST_LENGTHS = 50
"""How many are tried. There are more only where one thing is repeated over and over."""

_LEAD_IN = re.compile(r"[\s.…]*")
_FENCE = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)(?:\n|\Z)")
_SMALL_LETTERS = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class Seam:
    """Takes the continuation of `partial` piece by piece and gives back what to append to it."""

    def __init__(self, partial: str) -> None:
        self._text = partial.rstrip()
        self._blanks = partial[len(self._text) :]
        """What the partial text ends in; a continuation may begin with the same once more."""
        self._fence = _open_fence(partial)
        self._repetitions: dict[int, _Repetition] = {}
        """By the place in the continuation where each may begin."""
        self._held = ""
        self._is_joined = False

    def feed(self, piece: str) -> str:
        """What to append now: nothing as long as all so far may be a repetition."""
        if self._is_joined:
            return self._without_blanks(piece)
        self._held += piece
        return "" if self._may_be_repeating() else self.rest()

    def rest(self) -> str:
        """What is left to append when the continuation has come to an end of its own.

        When it broke off instead, what is still held is a repetition: not to be asked for.
        """
        if self._is_joined:
            return ""
        self._is_joined = True
        held, fence = self._held, self._fence_again()
        for repetition in self._repetitions.values():
            if end := repetition.end(held):
                return self._without_blanks(held[end:])
        if fence and fence["info"].strip():
            held = held[fence.end() :]  # it opens the code block that is open already
        if self._blanks.strip(" "):
            self._blanks = ""  # further line breaks may be meant
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
        going_on = [one.goes_on(self._held) for one in self._repetitions.values()]
        return any(going_on)

    def _fence_again(self) -> re.Match[str] | None:
        """The line with which the continuation opens a code block that is open already."""
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
    """How far a continuation, from `begin` on, repeats a text's end.

    Blanks of any kind and number are alike, and so are small and capital letters.
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
        """Whether all of a continuation, which only grows, is somewhere in the text."""
        is_after_blank = self._read[-1:] in ("", " ")
        self._read += _normal(continuation[self._read_to :], is_after_blank)
        self._read_to = len(continuation)
        # The first place moves only forward, so a long repetition is not searched for again.
        if self._place >= 0 and not self._text.startswith(self._read, self._place):
            self._place = self._text.find(self._read, self._place)
        return self._place >= 0

    def end(self, continuation: str) -> int:
        """Where in the continuation its new part begins; 0 if it repeats nothing."""
        for length in islice(self._in_common(), MOST_LENGTHS):
            if self._is_meant(length):
                whole = self._whole_words(length)
                return self._original(continuation, whole) if whole else 0
        return 0

    def _whole_words(self, length: int) -> int:
        """How much of so much in common is repeated: of “the ”, then “theatre”, nothing is."""
        pair = self._read[length - 1 : length + 1]
        goes_on = len(words(pair)) == 2 or (pair[:1].isalnum() and pair[1:] in ("_", "'", "’"))
        if self._is_before_blank and goes_on:
            return self._read.rfind(" ", 0, length) + 1
        return length

    def _in_common(self) -> Iterator[int]:
        """How many characters the text ends in with which the continuation begins, most first.

        By the prefix function of Knuth, Morris and Pratt: where one letter is repeated 80,000
        times, so many lengths fit, and looking for each by itself took 37 s.
        """
        begin, end = self._read, self._text[-len(self._read) :]
        fits = [0] * len(begin)  # how much of the beginning each place ends in, but for itself
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
        """Whether so much in common is a repetition rather than an accident."""
        repeated = self._read[:length]
        word = words(repeated[:TELLING_CHARACTERS])
        if " " in word or length == len(self._text):
            return True
        around_begin = self._text[-length - 1 : len(self._text) - length + 1]
        if len(words(around_begin)) == 2:
            return False  # it begins inside a word
        is_long = bool(word) and length >= MEANT_CHARACTERS
        if self._is_after_fence or (is_long and repeated == self._last_line):
            return bool(word)
        if self._begin:
            return False  # what comes after a blank is rather the next word
        # Hardly any word begins with the same letters twice; numbers and Chinese words do.
        is_fence = bool(self._fence) and self._fence in repeated
        return is_fence or is_long or (word.isascii() and word.isalpha())

    def _original(self, continuation: str, length: int) -> int:
        """The place in the continuation up to which it has `length` characters as read."""
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
    """The mark of the code block that a text breaks off in, or ""."""
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
