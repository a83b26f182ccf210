"""Markdown cut into finished blocks and an open tail, so that only the tail is drawn again.

Pure functions. A top-level block is finished once another one begins after it:
CommonMark reads line by line and never goes back (spec.commonmark.org, appendix
"A parsing strategy").
"""

import re
from itertools import pairwise

from chatbot.commonmark import block_parser


def split_blocks(markdown: str) -> tuple[list[str], str]:
    """The finished blocks of a text that is still growing, and what is still open.

    Joined together they are the text again, to the letter. The last, incomplete
    line is always open: one more character can make it anything.
    """
    complete = markdown[: markdown.rfind("\n") + 1]
    starts = _block_starts(complete)
    if len(starts) < 2:
        return [], markdown
    offsets = _line_offsets(complete)
    cuts = [0, *(offsets[line] for line in starts[1:])]
    blocks = [markdown[begin:end] for begin, end in pairwise(cuts)]
    return blocks, markdown[cuts[-1] :]


def _block_starts(markdown: str) -> list[int]:
    """The first line of each top-level block."""
    return [
        token.map[0]
        for token in block_parser().parse(markdown)
        if token.level == 0 and token.nesting >= 0 and token.map
    ]


def _line_offsets(text: str) -> list[int]:
    # CommonMark's three line endings; Python's own splitlines knows more.
    return [0, *(ending.end() for ending in re.finditer(r"\r\n?|\n", text))]
