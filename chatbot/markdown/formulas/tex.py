r"""Rewriting of formulas for KaTeX. Pure functions.

Commands that KaTeX (katex.org/docs/support_table) lacks are replaced where that is easy: chemistry,
units, and `\tag` or `align` within a line. KaTeX would show a formula with other unknown commands
as red text, so the formula is shown as code.
"""

import re
from functools import cache, lru_cache
from pathlib import Path

from chatbot.markdown.formulas.chemistry import chemical_formula
from chatbot.markdown.formulas.units import quantity

ENVIRONMENTS = frozenset(
    name + star
    for star in ("", "*")
    for name in (
        *("align", "alignat", "aligned", "alignedat", "array", "cases", "CD", "darray", "dcases"),
        *(
            "drcases",
            "equation",
            "gather",
            "gathered",
            "rcases",
            "smallmatrix",
            "split",
            "subarray",
        ),
        *("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix"),
    )
    if not star or name.endswith("matrix") or name in ("align", "alignat", "equation", "gather")
) - {"smallmatrix*"}
"""Environments that KaTeX knows."""

OTHER_ENVIRONMENTS = {
    "eqnarray": "align",
    "eqnarray*": "align*",
    "flalign": "align",
    "flalign*": "align*",
    "multline": "gather",
    "multline*": "gather*",
    "displaymath": "equation*",
}
"""Environments that KaTeX lacks, and the most similar environments of KaTeX."""

_WITHIN_A_LINE = {"align": "aligned", "alignat": "alignedat", "gather": "gathered"}

_COMMANDS = Path(__file__).with_name("katex_commands.txt")
"""All commands of the KaTeX version in Streamlit."""

_MARKS = frozenset(",;:!> {}|&%#$_\\/'\"^~=.`\n")
"""Characters other than letters that may follow a backslash."""

_COMMAND = re.compile(r"\\([A-Za-z]+|.)\*?", re.DOTALL)
_DEFINED = re.compile(r"\\(?:(?:re|provide)?newcommand|[gex]?def)\s*\{?\s*\\([A-Za-z]+)")

_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+)\}"
_CHEMISTRY = re.compile(rf"\\ce\s*{_GROUP}")
_UNITS = re.compile(
    rf"\\(SIrange|qtyrange|SI|si|qty|unit|num|ang|pu)(?![A-Za-z])\s*(?:\[[^\]]*\])?\s*{_GROUP}"
    rf"(?:\s*{_GROUP})?(?:\s*{_GROUP})?"
)
_ARGUMENTS = {"SI": 2, "qty": 2, "SIrange": 3, "qtyrange": 3}
_TEXT = re.compile(r"(\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox)\s*\{)((?:[^{}$\\]|\\.)*+)\}")
_BARE = re.compile(r"(?<!\\)([_&#])")
"""A mark with a special meaning even in text."""

_NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather)\}")
"""Numbered environments. KaTeX would number the formulas of all messages on the page together."""

_TAG = re.compile(r"\\tag(\*?)\s*\{([^{}]*)\}")
_SCRIPT = r"(?:[A-Za-z0-9]|\\[A-Za-z]+|\{[^{}]*\})"
_TWO_SCRIPTS = re.compile(rf"_\s*{_SCRIPT}\s*_|\^\s*{_SCRIPT}\s*\^")

_PLAIN = (
    (re.compile(r"(?<=\d)%"), r"\%"),
    (re.compile(r"(?<!\\)((?:\\\\)*)#(?!\d)"), r"\1\#"),
    (re.compile(r"\\label\s*\{[^{}]*\}"), ""),
    (re.compile(r"\\require\s*\{[^{}]*\}"), ""),
    (re.compile(r"\\(?:eqref|ref)\s*\{([^{}]*)\}"), r"\\text{(\1)}"),
    (re.compile(r"\\mbox(?![A-Za-z])"), r"\\text"),
    (re.compile(r"\\(?:celsius|textcelsius|degreeCelsius)(?![A-Za-z])"), r"{}^{\\circ}\\mathrm{C}"),
    (re.compile(r"\\displaylimits(?![A-Za-z])"), r"\\limits"),
    (re.compile(r"\\mathds(?![A-Za-z])"), r"\\mathbb"),
    (re.compile(r"\\-"), ""),
)


@lru_cache(maxsize=256)
def for_katex(tex: str, is_displayed: bool) -> str | None:
    """Rewrite a formula for KaTeX; return None if KaTeX would show an error.

    `is_displayed` means that the formula is on separate lines. The latest results are cached,
    because a growing text is drawn again and again.
    """
    tex = tex.strip()
    if not tex or not _is_balanced(tex):
        return None
    try:
        tex = _UNITS.sub(_quantity, _CHEMISTRY.sub(_chemistry, tex))
    except _UnknownError:
        return None
    for pattern, replacement in _PLAIN:
        tex = pattern.sub(replacement, tex)
    tex = _TEXT.sub(lambda text: text[1] + _BARE.sub(r"\\\1", text[2]) + "}", tex)
    for other, known in OTHER_ENVIRONMENTS.items():
        if other in tex:
            tex = tex.replace(f"{{{other}}}", f"{{{known}}}")
    tex = _NUMBERED.sub(r"\\\1{\2*}", tex) if is_displayed else _within_a_line(tex)
    if "&" in tex and "\\begin" not in tex and re.search(r"(?<!\\)&", tex):
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    return None if _TWO_SCRIPTS.search(tex) or not _is_known(tex) else tex


def as_code(tex: str) -> str:
    """Write the formula as code within a line."""
    longest = max((len(ticks) for ticks in re.findall("`+", tex)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if tex.startswith("`") or tex.endswith("`") else ""
    return f"{ticks}{pad}{' '.join(tex.split())}{pad}{ticks}"


class _UnknownError(Exception):
    """A formula contains a part that this package cannot translate."""


def _chemistry(match: re.Match[str]) -> str:
    tex = chemical_formula(match[1])
    if tex is None:
        raise _UnknownError
    return f"{{{tex}}}"


def _quantity(match: re.Match[str]) -> str:
    command, count = match[1], _ARGUMENTS.get(match[1], 1)
    arguments = [argument for argument in match.groups()[1 : 1 + count] if argument is not None]
    tex = quantity(command, arguments) if len(arguments) == count else None
    if tex is None:
        raise _UnknownError
    # The pattern matches up to three groups; the surplus groups are not arguments of the command.
    rest = [argument for argument in match.groups()[1 + count :] if argument is not None]
    return f"{{{tex}}}" + "".join(f"{{{argument}}}" for argument in rest)


def _within_a_line(tex: str) -> str:
    tex = _TAG.sub(lambda tag: rf"\qquad\text{{{tag[2] if tag[1] else f'({tag[2]})'}}}", tex)
    if "\\begin" not in tex:
        return tex
    tex = re.sub(r"\\(?:begin|end)\{equation\*?\}", "", tex)
    return re.sub(
        r"\\(begin|end)\{(align|alignat|gather)\*?\}",
        lambda match: rf"\{match[1]}{{{_WITHIN_A_LINE[match[2]]}}}",
        tex,
    ).strip()


def _is_balanced(tex: str) -> bool:
    """Return True if each brace, environment and `\\left` has its end."""
    open_ones: list[str] = []
    for match in re.finditer(
        r"\\(begin|end)\s*\{([^{}]*)\}|\\(left|right)(?![A-Za-z])|\\.|[{}]", tex
    ):
        mark = match[0]
        if mark == "{" or match[1] == "begin" or match[3] == "left":
            open_ones.append(match[2] or mark)
        elif mark == "}" or match[1] == "end" or match[3] == "right":
            begun = {"}": "{", r"\right": r"\left"}.get(mark, match[2])
            if not open_ones or open_ones.pop() != begun:
                return False
    return not open_ones and not re.search(r"(?<!\\)(?:\\\\)*\\\Z", tex)


def _is_known(tex: str) -> bool:
    known = _known_commands()
    environments = set(re.findall(r"\\begin\s*\{([^{}]*)\}", tex))
    defined = set(_DEFINED.findall(tex))
    return environments <= ENVIRONMENTS and all(
        name in known or name in _MARKS or name in defined for name in _COMMAND.findall(tex)
    )


@cache
def _known_commands() -> frozenset[str]:
    return frozenset(_COMMANDS.read_text("ascii").split())
