r"""`<br>` outside of tables and code: models write it where a line shall end. Pure functions.

In a heading, which is one line, it becomes the character that look.css makes a line break.
Elsewhere it becomes Markdown's own `\` at the end of a line. The next line must then not begin a
list or another block.
"""

import re

from markdown_it.rules_block import StateBlock, html_block

from chatbot.markdown.syntax.emphasis import MARK

BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)

IN_ONE_LINE = "&#10;"
"""A line break in a cell or heading."""

_BEGINS_NO_BLOCK = re.compile(r"[^\W\d_]|[*_]{1,3}[^\s*_]|`[^`]|\$[^$]")
_AFTER = re.compile(r"[ \t]*")
_LINE = re.compile(r"[ \t]*(?:</?br[ \t]*/?>[ \t]*)+", re.IGNORECASE)


def html_but_breaks(state: StateBlock, line: int, end_line: int, silent: bool) -> bool:
    """Rule of markdown-it: read HTML blocks, but not lines of `<br>`, which are text."""
    begin = state.bMarks[line] + state.tShift[line]
    if state.src.startswith("<", begin) and _LINE.fullmatch(state.src, begin, state.eMarks[line]):
        return False
    return html_block(state, line, end_line, silent)


def line_break(text: str, end: int, is_in_one_line: bool) -> tuple[str, int]:
    """Return the line break for a `<br>` that ends at `end`, and the end of the blanks after it."""
    end = _AFTER.match(text, end).end()  # type: ignore[union-attr]  # it matches anything
    if is_in_one_line:
        return IN_ONE_LINE, end
    if text.startswith("\n", end) or end == len(text):
        return "\\", end
    return ("\\\n" if _BEGINS_NO_BLOCK.match(text, end) else f"\\\n{MARK}"), end
