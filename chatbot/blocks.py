"""Markdown cut into finished blocks and an open tail, so that only the tail is drawn again.

Pure functions. A top-level block is finished once another one begins after it:
CommonMark reads line by line and never goes back (spec.commonmark.org, appendix
"A parsing strategy").
"""

import re
from itertools import pairwise

from chatbot.commonmark import block_parser

_OF_TEXT = {"paragraph_open", "heading_open", "blockquote_open", "bullet_list_open"}
_OF_TEXT |= {"ordered_list_open", "table_open"}

_OPEN_FORMULA = re.compile(r"^[ \t>*+-]*(?:\d+[.)][ \t]+)?(?:\$\$(?!.*\$\$)|\\\[(?!.*\\\]))", re.M)
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
    cuts = [0]
    for token, following in pairwise(tokens):
        end = offsets[following.map[0] if following.map else 0]
        if token.type in _OF_TEXT and _OPEN_FORMULA.search(markdown, cuts[-1], end):
            break
        if token.type != "html_block" or following.type != "html_block":
            cuts.append(end)  # tags are drawn as text, and such texts in one line
    blocks = [markdown[begin:end] for begin, end in pairwise(cuts)]
    return blocks, markdown[cuts[-1] :]


def _line_offsets(text: str) -> list[int]:
    # CommonMark's three line endings; Python's own splitlines knows more.
    return [0, *(ending.end() for ending in re.finditer(r"\r\n?|\n", text))]
