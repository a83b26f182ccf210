"""References to footnotes whose text is missing, or has not arrived yet. Pure functions."""

import re
from collections.abc import Mapping
from typing import NamedTuple

FOOTNOTE = re.compile(r"^[ \t>]*\[\^([^\]\s]+)\]:", re.MULTILINE)
"""The beginning of a footnote's text."""

_REFERENCE = re.compile(r"\[\^(?:(\d{1,3})|((?![A-Za-z]-[A-Za-z])[^\W\d_][\w-]{0,30}))\](?![:(\[])")
"""A reference with a number, or with a name; `[^a-z]` is a pattern of characters."""

_ENDS_A_WORD = re.compile(r"[^\s\[({^\\/=|:]")
_REPEATS = re.compile(r"[*+{$]")

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Notes(NamedTuple):
    """The footnotes that a text defines, and the numbers of all named references."""

    defined: frozenset[str]
    numbers: Mapping[str, int]
    """Number by name."""


def add_numbers(text: str, numbers: dict[str, int]) -> None:
    """Number the references of a growing text in their order, as its footnotes will be."""
    if "[^" not in text:
        return
    for reference in _REFERENCE.finditer(text):
        if not _is_pattern(reference):
            numbers.setdefault(reference[1] or reference[2], len(numbers) + 1)


def numbered(text: str) -> dict[str, int]:
    """Return the numbers of the references of a whole text, by name."""
    numbers: dict[str, int] = {}
    add_numbers(text, numbers)
    return numbers


def raised_at(text: str, begin: int, notes: Notes) -> tuple[str, int] | None:
    """Return the raised number for the reference at `begin`, and its end.

    Returns None for other text, and for a footnote that the text defines.
    """
    reference = _REFERENCE.match(text, begin)
    if not reference or (reference[1] or reference[2]) in notes.defined or _is_pattern(reference):
        return None
    number = reference[1] or notes.numbers.get(reference[2])
    return (str(number).translate(_RAISED), reference.end()) if number else None


def _is_pattern(reference: re.Match[str]) -> bool:
    """Return True for a pattern such as `[^abc]`: sorted letters that do not follow a word."""
    name, text = reference[2] or "", reference.string
    if not name.isascii() or not name.isalpha() or list(name) != sorted(set(name)):
        return False
    follows_word = _ENDS_A_WORD.match(text, reference.start() - 1) if reference.start() else None
    return not follows_word or _REPEATS.match(text, reference.end()) is not None
