"""References to footnotes whose text is missing, or has not arrived yet. Pure functions."""

import re
from collections.abc import Mapping
from typing import NamedTuple

FOOTNOTE = re.compile(r"^[ \t>]*\[\^([^\]\s]+)\]:", re.MULTILINE)
"""The beginning of a footnote's text."""

_REFERENCE = re.compile(r"\[\^(?:(\d{1,3})|((?![A-Za-z]-[A-Za-z])[^\W\d_][\w-]{0,30}))\](?![:(\[])")
"""A reference with a number, or with a name; `[^a-z]` is a pattern of characters."""

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Notes(NamedTuple):
    """The footnotes that a text defines, and the numbers of those that may still come."""

    defined: frozenset[str]
    numbers: Mapping[str, int]
    """Number by name. A complete text has none: a name without a footnote stays as written."""


def add_numbers(text: str, numbers: dict[str, int]) -> None:
    """Number the references of a growing text in their order, as its footnotes will be."""
    if "[^" not in text:
        return
    for reference in _REFERENCE.finditer(text):
        numbers.setdefault(reference[1] or reference[2], len(numbers) + 1)


def raised_at(text: str, begin: int, notes: Notes) -> tuple[str, int] | None:
    """Return the raised number for the reference at `begin`, and its end.

    Returns None for other text, and for a footnote that the text defines.
    """
    reference = _REFERENCE.match(text, begin)
    if not reference or (reference[1] or reference[2]) in notes.defined:
        return None
    number = reference[1] or notes.numbers.get(reference[2])
    return (str(number).translate(_RAISED), reference.end()) if number else None
