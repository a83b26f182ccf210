"""Splitting of Markdown into finished blocks and an open tail: only the tail is drawn again.

Pure functions. A top-level block is finished when the next block begins, because
CommonMark reads line by line and never goes back (spec.commonmark.org, appendix
"A parsing strategy"). Most blocks are already finished by the empty line after them.
Cutting there at once keeps the next words out of the segment of the finished block.
Otherwise they would move to another segment later, and disappear for a moment.
"""

import re
from itertools import pairwise

from markdown_it.token import Token

from chatbot.markdown.syntax.parser import block_parser

_OF_TEXT = {"paragraph_open", "heading_open", "blockquote_open", "bullet_list_open"}
_OF_TEXT |= {"ordered_list_open", "table_open"}

_ENDED_BY_AN_EMPTY_LINE = {"paragraph_open", "table_open", "blockquote_open", "fence"}

_ENDED_BY_THEIR_LINE = {"heading_open", "hr"}

LINE_END = re.compile(r"\r\n?|\n")
"""CommonMark's line ends; `str.splitlines` knows more."""

_EMPTY_LINE = re.compile(r"[ \t]*(?:\r\n?|\n)")

_BEGINS_A_BLOCK = re.compile(r"[^\W\d_]|[#`~|>]")
"""Start of a line that, after an empty line, continues no earlier block, not even a list."""

_OPEN_FORMULA = re.compile(
    r"(?:^|(?<=\r))[ \t>*+-]*(?:\d+[.)][ \t]+)?(?:\$\$(?!.*\$\$)|\\\[(?!.*\\\]))", re.M
)
"""A line that begins a displayed formula without ending it."""


def split_blocks(markdown: str) -> tuple[list[str], str]:
    """Return the finished blocks of a text that is still growing, and its open tail.

    Joined together, blocks and tail are exactly the text. The last, incomplete line
    is always open, because one more character can turn it into any kind of block.
    An unfinished displayed formula and all text after it are open too, because only
    the formula's end shows whether it really is a formula.
    """
    complete = markdown[: markdown.rfind("\n") + 1]
    offsets = line_offsets(complete)
    tokens = [
        token
        for token in block_parser().parse(complete, {"open_fences": True})
        if token.level == 0 and token.nesting >= 0 and token.map
    ]
    is_after_empty = not complete[:-1].rpartition("\n")[2].strip(" \t\r")
    next_begins = is_after_empty and _BEGINS_A_BLOCK.match(markdown, len(complete))
    cuts = [0]
    for token, following in zip(tokens, [*tokens[1:], None], strict=False):
        end = _end(token, complete, offsets)
        if end is None and following and following.map:
            end = offsets[following.map[0]]
        elif end is None and next_begins and token.type != "fence":  # an open fence continues
            end = len(complete)
        if end is None:
            break
        if token.type in _OF_TEXT and _OPEN_FORMULA.search(markdown, cuts[-1], end):
            break
        if token.type != "html_block" or (following and following.type != "html_block"):
            cuts.append(end)  # neighbouring HTML blocks are drawn as text in a single line
    blocks = [markdown[begin:end] for begin, end in pairwise(cuts)]
    return blocks, markdown[cuts[-1] :]


def _end(token: Token, complete: str, offsets: list[int]) -> int | None:
    """Return where a block ends, or None if that depends on the text that follows."""
    end = offsets[token.map[1]] if token.map else 0
    if token.type in _ENDED_BY_THEIR_LINE:
        return end
    empty_line = _EMPTY_LINE.match(complete, end)
    return empty_line.end() if empty_line and token.type in _ENDED_BY_AN_EMPTY_LINE else None


def line_offsets(text: str) -> list[int]:
    """Return where each line begins."""
    return [0, *(ending.end() for ending in LINE_END.finditer(text))]
