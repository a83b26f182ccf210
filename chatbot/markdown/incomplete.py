"""Completion of the unfinished Markdown at the end of a growing text. Pure functions.

Otherwise the asterisks of a bold phrase, the address of a link and the bars of a table's head
would show on the page until the phrase, the link or the head is complete. Only the text drawn
meanwhile is completed in this way; the stored text and the last drawing are the text itself.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chatbot.markdown.formulas.unfinished import (
    is_open_formula,
    with_open_formula,
    without_open_formula,
)
from chatbot.markdown.pictures.images import without_images
from chatbot.markdown.splitting.parts import PART_CHARACTERS
from chatbot.markdown.syntax.emphasis import MARK, with_emphasis
from chatbot.markdown.syntax.nested_fences import ends
from chatbot.markdown.syntax.parser import block_parser, inline_parser
from chatbot.markdown.syntax.tables import cells

LONGEST_BLOCK = 5000
"""Characters. A longer block is not prose, and searching it for open markers could take long."""

LONGEST_PHRASE, LONGEST_ITALIC = 200, 60
"""Characters. A marker without an end in a longer text begins nothing: “use *args and …”."""

_IS_OPEN = re.compile(r"[*~`]|__|\]\(|\$[$\\]|\\[\[(b]")
_MARKER = re.compile(r"[ \t>]*(?:[-=+*#]+|\|)[ \t]*")
"""A line with only the mark of a list item or heading, or that could underline a heading."""

_LINK = re.compile(
    r"""(?<!!)\[(?P<label>[^\[\]]+)\]\(
    (?:[!-'*-_a-~]|\([!-'*-_a-~]*+\)?+)*+(?:[ ]+"[^"]*"?)?$  # no backtick: code is no address""",
    re.VERBOSE,
)
"""A link with a part of its address. An incomplete image is not drawn at all (see images.py).
The repetitions never backtrack, because eight unclosed brackets would take 11 s."""

_TABLE_HEAD = re.compile(r"(?:\A|\n\n)(?P<head>\|[ \t][^\n]*)(?P<rule>\n[|:\- ]*)?\Z")
"""The first line of a likely table, and the beginning of the `|---|` line below it, if any."""


def close_open_markers(markdown: str) -> str:
    """End the bold text, code, link or other markup that the last block of a text leaves open.

    Markers at the very end are left out unless they end something, because their meaning depends
    on the next characters. A last line that has only such markers is left out too.
    """
    if len(markdown) > PART_CHARACTERS and len(without_images(markdown)) > PART_CHARACTERS:
        return markdown  # only a text shorter than this is drawn again (see segments.py)
    head = _TABLE_HEAD.search(markdown)
    text = (markdown[: head.end("head")] if head else markdown).rstrip(" \t")
    begin = text.rfind("\n") + 1
    if not (head or _IS_OPEN.search(text) or _MARKER.fullmatch(text, begin)):
        return markdown
    # The parser adds empty cells to an incomplete row of a table, so the last content is searched.
    tokens = reversed(block_parser().parse(text, {"open_fences": True, "open_formulas": True}))
    block = next((token for token in tokens if token.content or token.type == "hr"), None)
    if block and is_open_formula(block, text):
        return with_open_formula(text, block)
    if block and block.type not in ("inline", "hr"):
        # Code, formulas and tags stay; only a document that contains fences needs closing fences.
        return markdown.rstrip("\n") + ends(block) if ends(block) and not block.level else markdown
    content = block.content if block else ""
    if len(content) <= LONGEST_BLOCK and text.endswith(content[content.rfind("\n") + 1 :]):
        left_out, added = _ended(content)
        if left_out <= len(text) - begin or text.endswith(content):
            text = text[: len(text) - left_out] + added
    if _MARKER.fullmatch(text, begin):
        return text[:begin]
    return text + _rule(text[begin:]) if head else text


def _ended(content: str) -> tuple[int, str]:
    """Return how many characters to remove from the end of a block's text, and the text to add."""
    begun = without_open_formula(content)
    if begun != content and not _open_ends(begun)[0]:
        left_out, ends = _phrase_ended(begun)
        return left_out + len(content) - len(begun), ends
    return _phrase_ended(content)


def _phrase_ended(content: str) -> tuple[int, str]:
    """Return how many characters to remove from a text without an open formula, and what to add."""
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
    shown = begun.rstrip(" \t") if ends else begun  # markers after a space end nothing
    return len(content) - len(shown), ends


def _open_ends(content: str) -> tuple[str, str]:
    """Return the markers that end open code, and those that end other open text; each may be ""."""
    found: dict[str, str] = {}
    _parser().inline.parse(with_emphasis(content), _parser(), found, [])
    return found.get("code", ""), found.get("marks", "")


@cache
def _parser() -> MarkdownIt:
    parser = inline_parser()
    parser.inline.ruler.before("backticks", "open_code", _open_code)
    parser.inline.ruler2.after("balance_pairs", "open_marks", _note_open_marks)
    return parser


def _open_code(state: StateInline, silent: bool) -> bool:
    """Rule of markdown-it: read code without an end, whose backticks a parser takes for text."""
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
    """Rule of markdown-it: note the markers that end unfinished bold, italic or struck-out text."""
    tokens = state.tokens
    open_at = [
        delimiter.token for delimiter in state.delimiters if delimiter.open and delimiter.end < 0
    ]
    places = [place for place in open_at if tokens[place].content[0] in "*~_"]
    neighbours = groupby(enumerate(places), key=lambda numbered: numbered[1] - numbered[0])
    runs = [[place for _, place in run] for _, run in neighbours]
    ends = ""
    for first, last in reversed([(run[0], run[-1]) for run in runs]):
        phrase = _plain(tokens[last + 1 :]).lstrip("*~")
        if len(phrase) > LONGEST_PHRASE:
            break
        marks = _plain(tokens[first : last + 1])
        before = _plain(tokens[max(0, first - 9) : first])[-1:]  # tokens that end links are empty
        if marks == "_" or (marks == "*" and len(phrase) > LONGEST_ITALIC):
            continue
        if phrase and _is_meant(before, marks, phrase[0]):
            ends += marks
    state.env["marks"] = ends


def _plain(tokens: Sequence[Token]) -> str:
    marks = {"code_inline": "`", "math_inline": "$"}
    parts = (f"{marks.get(token.type, '')}{token.content}" for token in tokens)
    return "".join(parts).replace(MARK, "")


def _is_meant(before: str, marks: str, after: str) -> bool:
    """Return True if markers between two characters probably begin bold, italic or struck-out text.

    They do not in a power, a product, a formula, a path or a pattern of file names.
    """
    is_begin = after.isalnum() or after in "_`" or unicodedata.category(after) in ("Ps", "Pi", "So")
    if not before or before.isspace():
        return len(marks) > 1 or is_begin
    if re.match(r"[\w)\]]", before, re.ASCII):
        return len(marks) > 1 and after.isalpha() and not after.isascii()
    return before not in "^{\\/" and is_begin


def _rule(head: str) -> str:
    """Return the `|---|` line that turns the line above into the head of a table."""
    return "\n|" + "---|" * len(cells(head))
