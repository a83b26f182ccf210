"""The open end of a growing text, written as it will look once it goes on.

Pure. Otherwise the asterisks of a bold phrase and the address of a link stand on the page
until the phrase or the link is whole.
"""

import re

from chatbot.commonmark import block_parser

_IS_OPEN = re.compile(r"[*~`]|\]\(")
_CODE_OR_ESCAPE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|\\.")
_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\([^()\s]*$")
"""A link with a part of its address. An image waits until it is whole (see images.py)."""

_MARKS = re.compile(r"\*{1,3}|~~")
_LAST_MARKS = re.compile(r"[*~`]+$")
_MARKER = re.compile(r"[ \t>]*(?:[-=+*#]+|\|)[ \t]*")
"""A line that is only the beginning of an item or heading, or makes a heading of the one above."""

_TABLE_HEAD = re.compile(r"(?:\A|\n\n)\|(?P<cells>[^\n]+)(?P<rule>\n[|:\- ]*)?\Z")
"""The first line of what can only become a table, and a part of the one that makes it one."""

_NO_PROSE = {"fence", "code_block", "html_block", "math_block"}


def closed(markdown: str) -> str:
    """A text that goes on, with all ended that it has begun: bold, code, a link, a table's head.

    Marks at the very end are left out unless they end something, for nobody knows yet what they
    will be; so is a line that is nothing else. Bold and the like are looked for in the last line.
    """
    head = _TABLE_HEAD.search(markdown)
    text = markdown[: head.end("cells")] if head else markdown
    begin = text.rfind("\n") + 1
    line = text[begin:]
    if not (head or _IS_OPEN.search(line) or _MARKER.fullmatch(line)) or _ends_in_code(markdown):
        return markdown
    line = _closed_line(line)
    if _MARKER.fullmatch(line):
        line = ""
    elif head:
        line += _rule(line)
    return text[:begin] + line


def _closed_line(line: str) -> str:
    # What a place in it is, is at the same place in the line.
    plain = _CODE_OR_ESCAPE.sub(lambda found: "x" * len(found[0]), line)
    if (link := _LINK.search(plain)) and "`" not in plain[: link.start()]:
        line = line[: link.start()] + line[slice(*link.span(1))]
        plain = plain[: link.start()] + link[1]
    last = _LAST_MARKS.search(plain)
    before = plain[: last.start()] if last else plain
    ends = _ends(before)
    if last and ends.startswith(last[0]) and not before.endswith((" ", "\t")):
        ends = ends.removeprefix(last[0])
    elif last:
        line = line[: last.start()]
    return line.rstrip(" \t") + ends if ends else line


def _ends(plain: str) -> str:
    """What ends all that a line has begun. Its whole code spans and its escapes are masked.

    An opener is told as models mean it: after a word, a number or a bracket of ASCII it is a
    power, a product or a pointer.
    """
    prose, code, _ = re.split(r"(`+)", plain, maxsplit=1) if "`" in plain else (plain, "", "")
    ends = ""
    for marks in _MARKS.finditer(prose):
        before, after = prose[: marks.start()][-1:], prose[marks.end() :][:1]
        if ends.startswith(marks[0]) and before.strip():
            ends = ends.removeprefix(marks[0])
        elif after.strip() and not re.match(r"[\w)\]]", before, re.ASCII):
            ends = marks[0] + ends
    return code + ends


def _rule(head: str) -> str:
    """The line below a table's first one that makes its head of that."""
    cells = re.sub(r"\\.", "", head).rstrip(" |")
    return "\n|" + "---|" * cells.count("|")


def _ends_in_code(markdown: str) -> bool:
    leaves = (token.type for token in reversed(block_parser().parse(markdown)) if not token.nesting)
    return next(leaves, "") in _NO_PROSE
