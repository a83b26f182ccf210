"""The open end of a growing text, written as it will look once it goes on. Pure functions.

Otherwise the asterisks of a bold phrase, the address of a link and the bars of a table's head
stand on the page until the phrase, the link or the head is whole. Only what is drawn meanwhile
is written so; what is kept, and what is drawn at the end, is the text itself.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chatbot.commonmark import block_parser, inline_parser
from chatbot.dialect import MARK, with_bold_marked

LONGEST_BLOCK = 5000
"""Characters. A longer block is no prose, and looking for what it has begun could take long."""

LONGEST_PHRASE, LONGEST_ITALIC = 200, 60
"""Characters, without an end: what is longer was no beginning, as in “use *args and …”."""

_IS_OPEN = re.compile(r"[*~`]|\]\(")
_MARKER = re.compile(r"[ \t>]*(?:[-=+*#]+|\|)[ \t]*")
"""A line that is only the beginning of an item or heading, or makes a heading of the one above."""

_LINK = re.compile(
    r"""(?<!!)\[(?P<label>[^\[\]]+)\]\(
    (?:[!-'*-_a-~]|\([!-'*-_a-~]*+\)?+)*+(?:[ ]+"[^"]*"?)?$  # no backtick: code is no address""",
    re.VERBOSE,
)
"""A link with a part of its address. An image waits until it is whole (see images.py).
It never goes back: eight brackets that are not closed took 11 s."""

_TABLE_HEAD = re.compile(r"(?:\A|\n\n)(?P<head>\|[ \t][^\n]*)(?P<rule>\n[|:\- ]*)?\Z")
"""The first line of what can hardly be but a table, and a part of the one that makes it one."""


def closed(markdown: str) -> str:
    """A text that goes on, with all ended that its last block has begun: bold, code, a link.

    Marks at the very end are left out unless they end something, for nobody knows yet what they
    will be; so is a line that is nothing else.
    """
    head = _TABLE_HEAD.search(markdown)
    text = (markdown[: head.end("head")] if head else markdown).rstrip(" \t")
    begin = text.rfind("\n") + 1
    if not (head or _IS_OPEN.search(text) or _MARKER.fullmatch(text, begin)):
        return markdown
    # Of a table's row, the parser adds empty cells to what there is.
    tokens = reversed(block_parser().parse(text))
    block = next((one for one in tokens if one.content or one.type == "hr"), None)
    if block and block.type not in ("inline", "hr"):
        return markdown  # code, a formula or tags
    content = block.content if block else ""
    if len(content) <= LONGEST_BLOCK and text.endswith(content[content.rfind("\n") + 1 :]):
        left_out, added = _ended(content)
        if left_out <= len(text) - begin:
            text = text[: len(text) - left_out] + added
    if _MARKER.fullmatch(text, begin):
        return text[:begin]
    return text + _rule(text[begin:]) if head else text


def _ended(content: str) -> tuple[int, str]:
    """How many characters to leave out at the end of a block's text, and what to add then."""
    if link := _LINK.search(content):
        begun = content[: link.start()] + link["label"]
        code, ends = _open_ends(begun)
        if not code:
            return len(content) - link.start(), link["label"] + ends
    begun = content.rstrip("*~`")
    if begun.endswith("\\"):
        begun = content[: len(begun) + 1]
    last = content[len(begun) :]
    ends = "".join(_open_ends(begun))
    if last and ends.startswith(last) and not begun[-1:].isspace():
        return 0, ends.removeprefix(last)
    shown = begun.rstrip(" \t") if ends else begun  # after a blank, marks end nothing
    return len(content) - len(shown), ends


def _open_ends(content: str) -> tuple[str, str]:
    """What ends the code that a block's text has begun, and what ends all else; each may be ""."""
    found: dict[str, str] = {}
    _parser().inline.parse(with_bold_marked(content), _parser(), found, [])
    return found.get("code", ""), found.get("marks", "")


@cache
def _parser() -> MarkdownIt:
    parser = inline_parser()
    parser.inline.ruler.before("backticks", "open_code", _open_code)
    parser.inline.ruler2.after("balance_pairs", "open_marks", _note_open_marks)
    return parser


def _open_code(state: StateInline, silent: bool) -> bool:
    """Code without an end: to the parser in the browser its backticks would be text."""
    ticks = re.compile("`+").match(state.src, state.pos)
    if not ticks or re.compile(rf"(?<!`){ticks[0]}(?!`)").search(state.src, ticks.end()):
        return False
    if len(state.src) - ticks.end() > LONGEST_PHRASE:
        return False
    if not silent:
        state.push("code_inline", "code", 0).content = state.src[ticks.end() :]
        state.env["code"] = ticks[0]
    state.pos = state.posMax
    return True


def _note_open_marks(state: StateInline) -> None:
    """Find what ends all that is bold, italic or struck out without an end."""
    tokens = state.tokens
    open_at = [one.token for one in state.delimiters if one.open and one.end < 0]
    places = [place for place in open_at if tokens[place].content[0] in "*~"]
    neighbours = groupby(enumerate(places), key=lambda one: one[1] - one[0])
    runs = [[place for _, place in run] for _, run in neighbours]
    ends = ""
    for first, last in reversed([(run[0], run[-1]) for run in runs]):
        phrase = _plain(tokens[last + 1 :]).lstrip("*~")
        if len(phrase) > LONGEST_PHRASE:
            break
        marks = _plain(tokens[first : last + 1])
        before = _plain(tokens[max(0, first - 9) : first])[-1:]  # the end of a link has no text
        if marks == "*" and len(phrase) > LONGEST_ITALIC:
            continue
        if phrase and _is_meant(before, marks, phrase[0]):
            ends += marks
    state.env["marks"] = ends


def _plain(tokens: Sequence[Token]) -> str:
    marks = {"code_inline": "`", "math_inline": "$"}
    parts = (f"{marks.get(token.type, '')}{token.content}" for token in tokens)
    return "".join(parts).replace(MARK, "")


def _is_meant(before: str, marks: str, after: str) -> bool:
    """Whether marks between two characters begin something, as models write.

    Not in a power, a product, a formula, a path or a pattern of file names.
    """
    is_begin = after.isalnum() or after in "_`" or unicodedata.category(after) in ("Ps", "Pi", "So")
    if not before or before.isspace():
        return len(marks) > 1 or is_begin
    if re.match(r"[\w)\]]", before, re.ASCII):
        return len(marks) > 1 and after.isalpha() and not after.isascii()
    return before not in "^{\\/" and is_begin


def _rule(head: str) -> str:
    """The line below a table's first one that makes its head of that."""
    cells = re.sub(r"\\.", "", head).strip().removeprefix("|").removesuffix("|")
    return "\n|" + "---|" * (cells.count("|") + 1)
