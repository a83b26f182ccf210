r"""Mermaid diagrams that are safe to draw: a list of the allowed statements. Pure functions.

Streamlit draws a fenced block whose language is `mermaid`, and Mermaid can fetch images, follow
addresses in styles and read settings from the text. So a diagram is drawn only when each of its
lines is a statement listed here (https://mermaid.js.org/intro/syntax-reference.html); any other
diagram is shown as code. A list of forbidden statements would miss statements that a later version
of Mermaid adds.

Every repetition below is possessive (`*+`), and alternatives begin with different characters, so
that matching takes time in proportion to the line.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARACTERS = 20_000
MAX_STATEMENTS = 300
"""Lines. The page does not react while the browser lays out a diagram."""

_FORBIDDEN = re.compile(r"@\{|%%\{|//|&|`|\\|\$\$|~~~|href|javascript:|(?<=\S)[ \t]*%%", re.I)
"""Text that is forbidden in all statements, even if a pattern below would allow it."""

_NOT_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of control characters, and of separators that end a line for some parsers."""

_BREAK = r"<br ?/?>"
_WORDS = rf"""(?:[^"<>{{}}\[\]()|;]|{_BREAK})++"""
_QUOTED = rf'"(?:[^"<;]|{_BREAK})*+"'
_REST = rf"(?:[^<;]|{_BREAK})*+"
"""The rest of a line: the text of a message, a note or a title. It contains no tag but `<br>`."""

_LABEL = rf"(?:{_QUOTED}|{_WORDS})"
_ID = r"\w++(?:[-.]\w++)*+"
_DIRECTION = r"direction[ \t]+(?:TB|TD|BT|RL|LR)"
_STYLE = r"[a-z-]++:[ \t]*+[#\w. %-]++(?:,[ \t]*+[a-z-]++:[ \t]*+[#\w. %-]++)*+"
"""A style. Without brackets it cannot contain an address such as `url(…)`."""

_STYLES = [
    rf"style[ \t]+{_ID}(?:,{_ID})*+[ \t]+{_STYLE}",
    rf"linkStyle[ \t]+(?:default|\d++(?:,\d++)*+)[ \t]+{_STYLE}",
    rf"classDef[ \t]+{_ID}(?:,{_ID})*+[ \t]+{_STYLE}",
    rf"class[ \t]+{_ID}(?:,[ \t]*+{_ID})*+[ \t]+{_ID}",
]
_TITLES = [rf"acc(?:Title|Descr)[ \t]*+:{_REST}"]

_SHAPES = "|".join(
    [
        rf"\[\[{_LABEL}\]\]",
        rf"\[\({_LABEL}\)\]",
        rf"\[/{_QUOTED}/\]",
        rf"\[{_LABEL}\]",
        rf"\(\(\({_LABEL}\)\)\)",
        rf"\(\({_LABEL}\)\)",
        rf"\(\[{_LABEL}\]\)",
        rf"\({_LABEL}\)",
        rf"\{{\{{{_LABEL}\}}\}}",
        rf"\{{{_LABEL}\}}",
        rf">{_LABEL}\]",
    ]
)
_NODE = rf"{_ID}(?:{_SHAPES})?(?::::{_ID})?"
_INSIDE = r"""[^"<>{}\[\]()|;"""
_HEAD = r"(?:>|[ox](?=[ \t]))?"
_EDGE = "|".join(
    [
        rf"(?:--++|==++|-\.++-)(?:>|[ox](?=[ \t|]))?(?:[ \t]*+\|{_LABEL}\|)?",
        rf"--[ \t]*+(?:{_QUOTED}|(?:{_INSIDE}-]|-(?!-)|{_BREAK})++)[ \t]*+--++{_HEAD}",
        rf"==[ \t]*+(?:{_QUOTED}|(?:{_INSIDE}=]|=(?!=)|{_BREAK})++)[ \t]*+==++{_HEAD}",
        rf"-\.[ \t]*+(?:{_QUOTED}|(?:{_INSIDE}.]|\.(?!-)|{_BREAK})++)[ \t]*+\.++-{_HEAD}",
    ]
)
_FLOW = rf"[ \t]*+(?:<|[ox](?=[-=]))?(?:{_EDGE})[ \t]*+{_NODE}"
_FLOWCHART = [
    rf"{_NODE}(?:{_FLOW})*+",
    rf"subgraph(?:[ \t]+(?:{_ID}[ \t]*+\[{_LABEL}\]|{_LABEL}))?",
    "end",
    _DIRECTION,
    *_STYLES,
    *_TITLES,
]

_ACTOR = r"\w++(?:[ .]\w++|-(?!x)\w++)*+"
_SEQUENCE = [
    rf"(?:create[ \t]+)?(?:participant|actor)[ \t]+{_ACTOR}(?:[ \t]+as[ \t]+{_REST})?",
    rf"{_ACTOR}[ \t]*+(?:<<)?--?+(?:>>?|[x)])[ \t]*+[+-]?[ \t]*+{_ACTOR}[ \t]*+:{_REST}",
    rf"(?:activate|deactivate|destroy)[ \t]+{_ACTOR}",
    r"autonumber(?:[ \t]+(?:off|\d++))*+",
    rf"(?:loop|alt|else|opt|par|and|critical|option|break)(?:[ \t]+{_REST})?",
    r"rect[ \t]+rgba?\([\d., \t]++\)",
    r"box(?:[ \t]+\w++)*+",
    "end",
    rf"[Nn]ote[ \t]+(?:left[ \t]+of|right[ \t]+of|over)[ \t]+{_ACTOR}"
    rf"(?:,[ \t]*+{_ACTOR})?[ \t]*+:{_REST}",
    rf"title(?:[ \t]*+:|[ \t]+){_REST}",
    *_TITLES,
]

_CLASS_ID = rf"{_ID}(?:~[\w, ]++~)?"
_RELATION = r"(?:<\||<|\*|o(?=[-.])|\(\))?(?:--|\.\.)(?:\|>|>|\*|o(?=\s)|\(\))?"
_ANNOTATION = r"<<[\w -]++>>"
_MEMBER = r"(?!(?:click|links?|callback|call|style|note)\b)[^<>;{}\"]++(?:\{abstract\})?"
_CLASS = [
    rf"class[ \t]+{_CLASS_ID}(?:\[{_QUOTED}\])?(?:[ \t]*+{_ANNOTATION})?(?:[ \t]*+\{{[ \t]*+\}})?",
    rf"{_CLASS_ID}[ \t]*+(?:{_QUOTED}[ \t]*+)?{_RELATION}[ \t]*+(?:{_QUOTED}[ \t]*+)?{_CLASS_ID}"
    rf"(?:[ \t]*+:{_REST})?",
    rf"{_CLASS_ID}[ \t]*+:[ \t]*+(?:{_ANNOTATION}|{_MEMBER})",
    rf"{_ANNOTATION}[ \t]*+{_CLASS_ID}",
    rf"note[ \t]+(?:for[ \t]+{_CLASS_ID}[ \t]+)?{_QUOTED}",
    _DIRECTION,
    *_STYLES,
    *_TITLES,
]

_STATE_ID = rf"(?:\[\*\]|{_ID})"
_STATE = [
    rf"{_STATE_ID}[ \t]*+-->[ \t]*+{_STATE_ID}(?:[ \t]*+:{_REST})?",
    rf"{_ID}(?:[ \t]*+:{_REST})?",
    rf"state[ \t]+(?:{_QUOTED}[ \t]+as[ \t]+)?{_ID}",
    rf"state[ \t]+{_ID}[ \t]+<<(?:fork|join|choice)>>",
    rf"note[ \t]+(?:left|right)[ \t]+of[ \t]+{_ID}[ \t]*+:{_REST}",
    "--",
    _DIRECTION,
    *_STYLES,
    *_TITLES,
]

_DATE = r"(?:19|20|21)\d\d-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?"
"""A date from 1900 to 2199. Mermaid counts each working day, so a longer span takes seconds."""

_TASK_ID = r"[^\W\d]\w*+(?:[-.]\w++)*+"
_TASK_ITEM = (
    rf"(?:{_DATE}|\d\d:\d\d|\d{{1,4}}(?:\.\d)?(?:ms|[smhdwMy])"
    rf"|(?:after|until)(?: {_TASK_ID})++|{_TASK_ID})"
)
_GANTT = [
    rf"title[ \t]+{_REST}",
    r"dateFormat[ \t]+(?:YYYY-MM-DD(?:[ T]HH:mm(?::ss)?)?|HH:mm(?::ss)?)",
    r"axisFormat[ \t]+[%\w ./:-]++",
    r"tickInterval[ \t]+\d{1,3}(?:day|week|month)",
    rf"(?:excludes|includes)[ \t]+(?:weekends|[a-z]++day|{_DATE})"
    rf"(?:,?[ \t]*+(?:weekends|[a-z]++day|{_DATE}))*+",
    r"weekday[ \t]+[a-z]++day",
    "todayMarker[ \t]+off",
    rf"section[ \t]+{_REST}",
    r"(?!(?:click|call)\b)[^<>:;\"#{}]++"
    rf":[ \t]*+{_TASK_ITEM}(?:[ \t]*+,[ \t]*+{_TASK_ITEM})*+",
    *_TITLES,
]

_PIE = [
    rf"title[ \t]+{_REST}",
    "showData",
    rf"{_QUOTED}[ \t]*+:[ \t]*+\d++(?:\.\d++)?",
    *_TITLES,
]


def _any_of(statements: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{statement})" for statement in statements))


@dataclass(frozen=True)
class _Kind:
    """A kind of diagram: its first line, its statements, and the blocks that enclose statements."""

    head: re.Pattern[str]
    statements: re.Pattern[str]
    blocks: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = ()
    """For each block: its first line, the statements allowed inside, and its last line."""


_CLASS_STATEMENTS, _STATE_STATEMENTS = _any_of(_CLASS), _any_of(_STATE)
_KINDS = [
    _Kind(re.compile(r"(?:flowchart|graph)(?:[ \t]+(?:TB|TD|BT|RL|LR))?"), _any_of(_FLOWCHART)),
    _Kind(re.compile("sequenceDiagram"), _any_of(_SEQUENCE)),
    _Kind(
        re.compile("classDiagram(?:-v2)?"),
        _CLASS_STATEMENTS,
        (
            (
                re.compile(rf"class[ \t]+{_CLASS_ID}(?:\[{_QUOTED}\])?[ \t]*+\{{"),
                _any_of([_ANNOTATION, _MEMBER]),
                "}",
            ),
            (re.compile(rf"namespace[ \t]+{_ID}[ \t]*+\{{"), _CLASS_STATEMENTS, "}"),
        ),
    ),
    _Kind(
        re.compile("stateDiagram(?:-v2)?"),
        _STATE_STATEMENTS,
        (
            (
                re.compile(rf"state[ \t]+(?:{_QUOTED}[ \t]+as[ \t]+)?{_ID}[ \t]*+\{{"),
                _STATE_STATEMENTS,
                "}",
            ),
            (
                re.compile(rf"note[ \t]+(?:left|right)[ \t]+of[ \t]+{_ID}"),
                re.compile(rf"(?!(?:click|style|classDef)\b){_REST}"),
                "end note",
            ),
        ),
    ),
    _Kind(re.compile("gantt"), _any_of(_GANTT)),
    _Kind(re.compile(rf"pie(?:[ \t]+showData)?(?:[ \t]+title[ \t]+{_REST})?"), _any_of(_PIE)),
]


def may_be_drawn(text: str) -> bool:
    """Return True if each line is an allowed statement, which fetches nothing and has no links."""
    if len(text) > MAX_CHARACTERS or _FORBIDDEN.search(text):
        return False
    if any(unicodedata.category(mark) in _NOT_TEXT for mark in set(text) - {"\n", "\t"}):
        return False
    lines = [line.strip() for line in text.split("\n")]
    statements = [line for line in lines if line and not line.startswith("%%")]
    if not statements or len(statements) > MAX_STATEMENTS:
        return False
    head = statements[0].removesuffix(";")
    kind = next((kind for kind in _KINDS if kind.head.fullmatch(head)), None)
    return kind is not None and _are_allowed(statements[1:], kind)


def _are_allowed(statements: list[str], kind: _Kind) -> bool:
    inside: list[tuple[re.Pattern[str], str]] = [(kind.statements, "")]
    for statement in statements:
        allowed, end = inside[-1]
        block = next((block for block in kind.blocks if block[0].fullmatch(statement)), None)
        if statement == end:
            inside.pop()
        elif block and allowed is kind.statements:
            inside.append((block[1], block[2]))
        elif not allowed.fullmatch(statement.removesuffix(";")):
            return False
    return len(inside) == 1
