"""Markdown cut into finished blocks and an open tail, so that only the tail is drawn again.

Pure functions. A top-level block is finished once another one begins after it:
CommonMark reads line by line and never goes back (spec.commonmark.org, appendix
"A parsing strategy"). Most are finished with the empty line after them, whatever
follows: to know that at once keeps the words that follow out of their piece, from
which they would have to move, and vanished for a moment.
"""

import re
from itertools import pairwise

from markdown_it.token import Token

from chatbot.commonmark import block_parser

_OF_TEXT = {"paragraph_open", "heading_open", "blockquote_open", "bullet_list_open"}
_OF_TEXT |= {"ordered_list_open", "table_open"}

_ENDED_BY_AN_EMPTY_LINE = {"paragraph_open", "table_open", "blockquote_open", "fence"}

_ENDED_BY_THEIR_LINE = {"heading_open", "hr"}

_EMPTY_LINE = re.compile(r"[ \t]*(?:\r\n?|\n)")

_BEGINS_A_BLOCK = re.compile(r"[^\W\d_]|[#`~|>]")
"""How a line begins after an empty one that goes on with nothing, not even with a list."""

_OPEN_FORMULA = re.compile(
    r"(?:^|(?<=\r))[ \t>*+-]*(?:\d+[.)][ \t]+)?(?:\$\$(?!.*\$\$)|\\\[(?!.*\\\]))", re.M
)
"""A line that begins a displayed formula and does not end it."""


def split_blocks(markdown: str) -> tuple[list[str], str]:
    """The finished blocks of a text that is still growing, and what is still open.

    Joined together they are the text again, to the letter. The last, incomplete
    line is always open: one more character can make it anything. So is all
    from a formula on that has begun: only its end will tell what it was.
    """
    complete = markdown[: markdown.rfind("\n") + 1]
    offsets = _line_offsets(complete)
    tokens = [
        token
        for token in block_parser().parse(complete)
        if token.level == 0 and token.nesting >= 0 and token.map
    ]
    is_after_empty = not complete[:-1].rpartition("\n")[2].strip(" \t\r")
    next_begins = is_after_empty and _BEGINS_A_BLOCK.match(markdown, len(complete))
    cuts = [0]
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        end = _end(token, complete, offsets)
        if end is None and following and following.map:
            end = offsets[following.map[0]]
        elif end is None and next_begins and token.type != "fence":  # an open one goes on
            end = len(complete)
        if end is None:
            break
        if token.type in _OF_TEXT and _OPEN_FORMULA.search(markdown, cuts[-1], end):
            break
        if token.type != "html_block" or (following and following.type != "html_block"):
            cuts.append(end)  # tags are drawn as text, and such texts in one line
    blocks = [markdown[begin:end] for begin, end in pairwise(cuts)]
    return blocks, markdown[cuts[-1] :]


def _end(token: Token, complete: str, offsets: list[int]) -> int | None:
    """Where a block ends whatever follows it; None where only that will tell."""
    end = offsets[token.map[1]] if token.map else 0
    if token.type in _ENDED_BY_THEIR_LINE:
        return end
    empty_line = _EMPTY_LINE.match(complete, end)
    return empty_line.end() if empty_line and token.type in _ENDED_BY_AN_EMPTY_LINE else None


def _line_offsets(text: str) -> list[int]:
    # CommonMark's three line endings; Python's own splitlines knows more.
    return [0, *(ending.end() for ending in re.finditer(r"\r\n?|\n", text))]
