r"""GitHub's tables, with cells whose code and formulas may contain a `|`.

By GitHub's rule every `|` without a backslash ends a cell, even in `` `a | b` `` or `$P(A|B)$`,
which models write. Here a `|` in code or a formula does not end a cell, if the row then has as
many cells as its table has columns.
"""

import re
from itertools import pairwise

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from chatbot.markdown.syntax import inline_spans
from chatbot.markdown.syntax.line_breaks import BREAK, IN_ONE_LINE

_HIDDEN = "\ue07c"
"""Replaces a `|` while blocks are searched for; one character, so that positions do not change."""

_RULE = re.compile(
    r"\n[ \t>]*+\|?[ \t]*+:?-+:?[ \t]*+(?:\|[ \t]*+:?-+:?[ \t]*+)*+\|?[ \t]*+(?=\n|\Z)"
)
"""The `|---|` line below a table's head."""

LINE_PREFIX = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?")
"""The marks of a quotation or list before a line's text."""

_BAR = re.compile(r"(?<!\\)\|")
_MAY_HIDE = re.compile(r"[`$]|\\[(\[]")


def hide_bars(state: StateCore) -> None:
    """Rule of markdown-it: hide the bars in code and formulas of tables' heads from the parser."""
    if "|" not in state.src or not _MAY_HIDE.search(state.src):
        return
    parts, place = [], 0
    for rule in _RULE.finditer(state.src):
        begin = state.src.rfind("\n", place, rule.start()) + 1
        head = state.src[begin : rule.start()]
        columns = len(cells(rule[0][1:]))
        if "|" not in head or begin < place or not _MAY_HIDE.search(head):
            continue
        if len(_outer(_BAR.split(head))) != columns and len(cells(head)) == columns:
            shown = "|".join(_BAR.sub(_HIDDEN, cell) for cell in _split(head))
            parts += [state.src[place:begin], shown]
            place = rule.start()
    state.src = "".join([*parts, state.src[place:]])


def show_bars(state: StateCore) -> None:
    """Rule of markdown-it: undo `hide_bars`, and store the number of columns in rows' tokens."""
    columns, row = 0, None
    for token in state.tokens:
        if _HIDDEN in token.content:
            token.content = token.content.replace(_HIDDEN, "|")
        if token.type == "thead_open":
            columns = 0
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open":
            row = token
        elif token.type == "tr_close" and row:
            row.meta["columns"] = columns


def row_parts(row: Token, source: str) -> list[str]:
    """Return the text between the bars of a row, with the bars in code and formulas rewritten."""
    parts = _split(source) if _MAY_HIDE.search(source) else _BAR.split(source)
    plain = _BAR.split(source)
    columns = row.meta.get("columns")
    if len(_outer(parts)) != columns and len(_outer(plain)) == columns:
        parts = plain
    return [_without_bars(part) for part in parts]


def cells(source: str) -> list[str]:
    """Return the cells of a row."""
    return _outer(_split(source))


def _outer(parts: list[str]) -> list[str]:
    """Return the parts without an empty part before the first bar or after the last bar."""
    begin = 1 if len(parts) > 1 and LINE_PREFIX.fullmatch(parts[0]) else 0
    end = len(parts) - 1 if len(parts) > 1 and not parts[-1].strip() else len(parts)
    return parts[begin:end]


def _split(source: str) -> list[str]:
    places = [
        begin for begin, end, kind in _spans(source) if kind == "" and source[begin:end] == "|"
    ]
    ends = [-1, *places, len(source)]
    return [source[begin + 1 : end] for begin, end in pairwise(ends)]


def _without_bars(part: str) -> str:
    if "|" not in part and "<" not in part:
        return part
    written = []
    for begin, end, kind in _spans(part):
        piece = part[begin:end]
        if kind == "code_inline":
            piece = _BAR.sub(r"\|", piece)
        elif kind == "math_inline":
            # A norm has two `\|`; an odd number means bars escaped for GitHub's rule.
            piece = piece.replace(r"\|", "|") if piece.count(r"\|") % 2 else piece
            # `_vert` adds no space before `$`, because the parser would then see no formula.
            piece = _BAR.sub(_vert, piece)
        elif kind == "html_inline" and BREAK.fullmatch(piece):
            piece = IN_ONE_LINE
        written.append(piece)
    return "".join(written)


def _vert(bar: re.Match[str]) -> str:
    following = bar.string[bar.end() : bar.end() + 1]
    return r"\vert" if following in ("$", "\\") else r"\vert "


def _spans(source: str) -> list[tuple[int, int, str]]:
    """Return begin, end and kind of a line's spans: code, formulas, tags; "" for other text."""
    state = inline_spans.at_the_beginning(source)
    spans = []
    while state.pos < state.posMax:
        begin, kind = state.pos, ""
        inert = _INERT.match(source, begin)
        if inert:
            state.pos = inert.end()
        elif inline_spans.reads(state):
            token = inline_spans.last_token(state)
            kind = token.type if token else ""
        else:
            state.pos = begin + 1
        if "|" in source[begin : state.pos] and kind not in ("code_inline", "math_inline"):
            state.pos = begin + (2 if source.startswith("\\|", begin) else 1)
            kind = ""
        spans.append((begin, state.pos, kind))
    return spans


_INERT = re.compile(r"[^\\`<$|]+")
