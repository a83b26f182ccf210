"""Splitting of a growing answer into pieces that look the same separately as in the whole text.

Pure. Almost every block (see `blocks.py`) can be drawn separately, with two
exceptions. A link whose address is defined in another piece gets a copy of the definition. From
the first footnote on, all text is a single piece, because footnotes are numbered together and
drawn at the end of their piece.
"""

import re

from markdown_it.common.utils import normalizeReference

from chatbot.markdown.splitting.blocks import split_blocks
from chatbot.markdown.splitting.parts import next_part
from chatbot.markdown.syntax.footnotes import FOOTNOTE
from chatbot.markdown.syntax.parser import definitions

PIECE_CHARACTERS = 250
"""A piece is finished when its finished blocks are this long. An answer of 8 kB then takes 157
messages and 26 elements. With a piece for each block it took 226 messages and 95 elements; with
pieces of twice this length, a third more bytes."""

_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")


class Pieces:
    """The pieces of one answer. Only the last piece still grows."""

    def __init__(self) -> None:
        self._finished: list[str] = []
        self._start = 0
        """Position in the text where the open piece begins."""
        self._opening = ""
        """Text added before the open piece so that it continues a block that was cut."""
        self._begun: list[tuple[int, str]] = []
        """Position and opening of each finished piece."""
        self._defined_in: dict[str, tuple[int, str]] = {}
        """For each link label: the number of the first piece with a definition, and that text."""
        self._drawn: list[str] = []
        self._has_footnotes = False

    def changes(self, text: str, is_whole: bool) -> list[tuple[int, str]]:
        """Return the number and Markdown of each piece to draw now; "" for a removed piece.

        `text` is the whole answer so far; `is_whole` means that no more text will follow.
        A link definition counts only when its piece is finished, because it may still change.
        """
        if not self._has_footnotes and FOOTNOTE.search(text, self._start):
            self._has_footnotes = True
            self._join_from_first_footnote()
        self._finish(text)
        defined_in = self._defined_in
        if is_whole:
            defined_in = with_definitions(defined_in, len(self._finished), text[self._start :])
        pieces = [*self._finished, self._opening + text[self._start :]]
        shown = [
            standing_alone(piece, number, defined_in).rstrip()
            for number, piece in enumerate(pieces)
        ]
        shown += [""] * (len(self._drawn) - len(shown))
        drawn = [*self._drawn, *[""] * (len(shown) - len(self._drawn))]
        self._drawn = shown
        return [(number, new) for number, new in enumerate(shown) if new != drawn[number]]

    def _finish(self, text: str) -> None:
        while True:
            end, opening = next_part(text, self._start, self._opening)
            if end == len(text):
                break
            self._add(text, end, opening)
        if self._has_footnotes:
            return
        blocks, _ = split_blocks(self._opening + text[self._start :])
        size = sum(map(len, blocks)) - len(self._opening)
        if size >= PIECE_CHARACTERS:
            self._add(text, self._start + size, "")

    def _add(self, text: str, end: int, opening: str) -> None:
        piece = self._opening + text[self._start : end]
        self._defined_in = with_definitions(self._defined_in, len(self._finished), piece)
        self._finished.append(piece)
        self._begun.append((self._start, self._opening))
        self._start, self._opening = end, opening

    def _join_from_first_footnote(self) -> None:
        while any("[^" in piece for piece in self._finished):
            self._finished.pop()
            self._start, self._opening = self._begun.pop()
        last = len(self._finished)
        self._defined_in = {
            label: found for label, found in self._defined_in.items() if found[0] < last
        }


def all_standing_alone(parts: list[str]) -> list[str]:
    """Add to each part of a text the link definitions that it uses from other parts."""
    if len(parts) == 1:
        return parts
    defined_in: dict[str, tuple[int, str]] = {}
    for number, part in enumerate(parts):
        defined_in = with_definitions(defined_in, number, part)
    return [standing_alone(part, number, defined_in) for number, part in enumerate(parts)]


def with_definitions(
    known: dict[str, tuple[int, str]], number: int, piece: str
) -> dict[str, tuple[int, str]]:
    """Add a piece's link definitions to the known definitions. The first of a label counts."""
    new = {label: (number, definition) for label, definition in definitions(piece).items()}
    return {**new, **known}


def standing_alone(piece: str, number: int, defined_in: dict[str, tuple[int, str]]) -> str:
    """Return a piece with the link definitions that it uses from other pieces above it."""
    if not defined_in or "[" not in piece:
        return piece
    labels = {normalizeReference(match[1]) for match in _LABEL.finditer(piece)}
    used = [
        definition
        for label, (owner, definition) in defined_in.items()
        if owner != number and label in labels
    ]
    return "\n".join([*used, "", piece]) if used else piece
