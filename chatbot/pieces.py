"""A growing answer in pieces, each drawn alone and yet as it looks within the whole.

Pure. Almost every block can stand alone; `chatbot/blocks.py` finds them. Two kinds cannot:
a link whose address is defined elsewhere takes that definition along, and from the first
footnote on all is one piece, for the notes are numbered together and stand at its end.
"""

import re

from markdown_it.common.utils import normalizeReference

from chatbot.blocks import split_blocks
from chatbot.commonmark import definitions
from chatbot.dialect import FOOTNOTE

PIECE_CHARACTERS = 250
"""A piece is finished once its finished blocks are this long. With each block alone 8 kB took 226
messages and 95 elements instead of 157 and 26; with twice the length, a third more bytes."""

_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]")


class Pieces:
    """The pieces of one answer, of which only the last one still grows."""

    def __init__(self) -> None:
        self._finished: list[str] = []
        self._start = 0
        """Where in the text the open piece begins."""
        self._defined_in: dict[str, tuple[int, str]] = {}
        """Labels, the piece that defines each first, and the definition."""
        self._drawn: list[str] = []
        self._has_footnotes = False

    def changes(self, text: str, is_whole: bool) -> list[tuple[int, str]]:
        """The pieces to draw now, by number, with their Markdown; "" for one that is gone.

        `text` is all of the answer so far; `is_whole` says that nothing will be added to it.
        Definitions count as soon as they are finished: until then they can become anything.
        """
        if not self._has_footnotes and FOOTNOTE.search(text, self._start):
            self._has_footnotes = True
            self._join_from_first_footnote()
        if not self._has_footnotes:
            self._finish(text)
        defined_in = self._defined_in
        if is_whole:
            defined_in = _with_definitions(defined_in, len(self._finished), text[self._start :])
        pieces = [*self._finished, text[self._start :]]
        shown = [
            _standing_alone(piece, number, defined_in).rstrip()
            for number, piece in enumerate(pieces)
        ]
        shown += [""] * (len(self._drawn) - len(shown))
        drawn = [*self._drawn, *[""] * (len(shown) - len(self._drawn))]
        self._drawn = shown
        return [(number, new) for number, new in enumerate(shown) if new != drawn[number]]

    def _finish(self, text: str) -> None:
        blocks, _ = split_blocks(text[self._start :])
        size = sum(map(len, blocks))
        if size < PIECE_CHARACTERS:
            return
        piece = text[self._start : self._start + size]
        self._defined_in = _with_definitions(self._defined_in, len(self._finished), piece)
        self._finished.append(piece)
        self._start += size

    def _join_from_first_footnote(self) -> None:
        while any("[^" in piece for piece in self._finished):
            self._start -= len(self._finished.pop())
        last = len(self._finished)
        self._defined_in = {
            label: found for label, found in self._defined_in.items() if found[0] < last
        }


def _with_definitions(
    known: dict[str, tuple[int, str]], number: int, piece: str
) -> dict[str, tuple[int, str]]:
    """What is known, and what a piece defines: of two definitions, the first counts."""
    new = {label: (number, definition) for label, definition in definitions(piece).items()}
    return {**new, **known}


def _standing_alone(piece: str, number: int, defined_in: dict[str, tuple[int, str]]) -> str:
    """A piece below the definitions that it uses and other pieces hold."""
    if not defined_in or "[" not in piece:
        return piece
    labels = {normalizeReference(match[1]) for match in _LABEL.finditer(piece)}
    used = [
        definition
        for label, (owner, definition) in defined_in.items()
        if owner != number and label in labels
    ]
    return "\n".join([*used, "", piece]) if used else piece
