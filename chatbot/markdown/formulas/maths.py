r"""Detection of formulas: rules for markdown-it.

`$…$` and `\(…\)` are formulas within a line; `$$…$$`, `\[…\]` and environments such as `align` are
displayed formulas. Models also write `\boxed{…}` and `\ce{…}` without any dollar sign. A dollar
sign may also mean money, a shell variable or a stock symbol: `_is_formula` decides.
"""

import re

from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from chatbot.markdown.formulas.tex import ENVIRONMENTS, OTHER_ENVIRONMENTS

INTERRUPTS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
"""Blocks that end when a displayed formula begins, even without an empty line between."""

_TO_NEXT_DOLLAR = re.compile(r"(?:[^\\$]|\\.)*+\$", re.DOTALL)
_OPENER = re.compile(r"\$\$(?!\$)|\\\[|\\begin\{([A-Za-z]+\*?)\}")
_BARE = re.compile(r"\\(?:boxed|ce|pu|(SI|qty))(?=\{)")
"""Commands outside of a formula. `\\SI` and `\\qty` have a second pair of braces, for the unit."""
LONGEST_OPEN_LINES = 60
"""Lines. A longer text without an end is probably not a formula."""

_SINGLE = re.compile(r"[A-Za-z]'*|[-+=<>*/]")
_TEX = re.compile(r"\\[A-Za-z{]|\^|(?<![A-Za-z0-9])[A-Za-z]_[A-Za-z0-9{\\]")
"""Text that is rare outside of formulas."""

_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]")
_PUNCTUATION = ".,;:!?。，；：、！？"


def dollars(state: StateInline, silent: bool) -> bool:
    """Rule of markdown-it: read a formula between single or double dollar signs within a line."""
    source, begin = state.src, state.pos
    if source[begin] != "$" or source.startswith("$$$", begin) or source[begin - 1 : begin] == "$":
        return False
    if source.startswith("$$", begin):
        return _between(state, "$$", "$$", silent)
    if state.env.get("no dollar") is source:
        return False
    match = _TO_NEXT_DOLLAR.match(source, begin + 1)
    if not match:
        state.env["no dollar"] = source  # later dollar signs need no search
        return False
    content, after = match[0][:-1], source[match.end() : match.end() + 1]
    if re.fullmatch(r"`[^`]+`", content):  # GitHub's form: $`…`$
        content = content[1:-1]
    elif not _is_formula(
        source[begin - 1 : begin], content, after, source[max(0, begin - 2) : begin]
    ):
        return False
    return _push(state, content, match.end(), silent)


def brackets(state: StateInline, silent: bool) -> bool:
    r"""Rule of markdown-it: read a formula between `\(` and `\)` or `\[` and `\]` within a line."""
    opener = state.src[state.pos : state.pos + 2]
    closer = {"\\(": "\\)", "\\[": "\\]"}.get(opener)
    return closer is not None and _between(state, opener, closer, silent)


def bare(state: StateInline, silent: bool) -> bool:
    r"""Rule of markdown-it: read an environment within a line, or `\boxed{…}` without dollars."""
    if state.src[state.pos] != "\\":
        return False
    opener = _OPENER.match(state.src, state.pos)
    if opener and _is_environment(opener[1]):
        return _between(state, opener[0], f"\\end{{{opener[1]}}}", silent, keep=True)
    command = _BARE.match(state.src, state.pos)
    end = _braces(state).get(command.end()) if command else None
    if command and command[1] and end is not None:
        end = _braces(state).get(end)
    return end is not None and _push(state, state.src[state.pos : end], end, silent)


def displayed(state: StateBlock, begin_line: int, end_line: int, silent: bool) -> bool:
    """Rule of markdown-it: read a formula that fills whole lines."""
    begin = state.bMarks[begin_line] + state.tShift[begin_line]
    if not state.src.startswith(("$$", "\\"), begin):
        return False  # most lines
    opener = _OPENER.match(state.src, begin, state.eMarks[begin_line])
    if not opener or state.is_code_block(begin_line):
        return False
    if opener[1] and not _is_environment(opener[1]):
        return False
    closer = {"$$": "$$", "\\[": "\\]"}.get(opener[0], f"\\end{{{opener[1]}}}")
    line = _last_line(state, closer, begin_line, end_line, opener.end())
    if line is None:
        return _open(state, begin_line, end_line, opener, silent)
    if not silent:
        body = [
            state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()
            for number in range(begin_line, line + 1)
        ]
        content = "\n".join(body)[len(opener[0]) :]
        content, _, rest = content.rpartition(closer)
        if opener[1]:
            content = f"{opener[0]}{content}{closer}"
        token = state.push("math_block", "math", 0)
        token.content, token.markup = content.rstrip() + rest.strip(), opener[0]
        token.map = [begin_line, line + 1]
        state.line = line + 1
    return True


def _open(
    state: StateBlock, begin_line: int, end_line: int, opener: re.Match[str], silent: bool
) -> bool:
    """Read a displayed formula without an end, if `env["open_formulas"]` says the text may grow."""
    if not state.env.get("open_formulas") or end_line - begin_line > LONGEST_OPEN_LINES:
        return False
    content = state.src[opener.end() : state.eMarks[end_line - 1]]
    closer = {"$$": "$$", "\\[": "\\]"}.get(opener[0], "\\end{")
    is_left = any(
        state.isEmpty(line) or state.sCount[line] < state.blkIndent
        for line in range(begin_line + 1, end_line - 1)
    )
    if is_left or closer in content or _is_prose(content or " "):
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.content, token.markup = opener[0] + content, opener[0]
        token.map, token.meta = [begin_line, end_line], {"is_open": True}
        state.line = end_line
    return True


def is_formula(fence: Token, source: str) -> bool:
    """Return True for a complete ```math fence, GitHub's form of a displayed formula.

    `source` is the fence with its opening and closing lines.
    """
    last = source.rpartition("\n")[2].strip(" \t>")
    return (
        fence.info.strip().lower() == "math"
        and last.startswith(fence.markup[:3])
        and "\n" in source
    )


def _last_line(
    state: StateBlock, closer: str, begin_line: int, end_line: int, begin: int
) -> int | None:
    """Return the first line with `closer`, or None if no line has it or other text follows it.

    A range of lines without `closer` is remembered, because searching it again for each opener
    took 10 s for 64 kB of openers.
    """
    missed = state.env.setdefault("no displayed formula", {})
    since, until = missed.get((closer, state.blkIndent), (0, 0))
    if since <= begin_line < until:
        return None
    line = begin_line
    while line < end_line:
        if line > begin_line:
            begin = state.bMarks[line] + state.tShift[line]
            if begin < state.eMarks[line] and state.sCount[line] < state.blkIndent:
                break
        place = state.src.find(closer, begin, state.eMarks[line])
        if place >= 0:
            rest = state.src[place + len(closer) : state.eMarks[line]].rstrip()
            return line if len(rest) < 2 and rest.strip(_PUNCTUATION) == "" else None
        line += 1
    missed[closer, state.blkIndent] = (begin_line, line)
    return None


def _between(
    state: StateInline, opener: str, closer: str, silent: bool, keep: bool = False
) -> bool:
    if state.env.get(closer) is state.src:
        return False
    begin = state.pos + len(opener)
    end = state.src.find(closer, begin)
    if end < 0:
        state.env[closer] = state.src  # later openers have no end either
        return False
    content = state.src[begin:end]
    if not content.strip():
        return False
    if opener == "$$" and (
        _is_prose(content) or (content[0].isspace() and not _is_spaced_formula(content))
    ):
        return False
    content = f"{opener}{content}{closer}" if keep else content
    return _push(state, content, end + len(closer), silent)


def _push(state: StateInline, content: str, end: int, silent: bool) -> bool:
    if not silent:
        state.push("math_inline", "math", 0).content = content
    state.pos = end
    return True


def _braces(state: StateInline) -> dict[int, int]:
    """Return the end of each pair of braces by its beginning, computed once for each text."""
    ends: dict[int, int]
    source, ends = state.env.get("braces", ("", {}))
    if source is not state.src:
        ends = {}
        open_ones: list[int] = []
        for match in re.finditer(r"\\.|[{}]", state.src, re.DOTALL):
            if match[0] == "{":
                open_ones.append(match.start())
            elif match[0] == "}" and open_ones:
                ends[open_ones.pop()] = match.end()
        state.env["braces"] = (state.src, ends)
    return ends


def _is_environment(name: str | None) -> bool:
    return name in ENVIRONMENTS or name in OTHER_ENVIRONMENTS


def _is_formula(before: str, content: str, after: str, before_space: str) -> bool:
    """Return True if the text between two dollar signs is a formula."""
    if "`" in content or after == "$" or before.isdigit() or after.isdigit():
        return False
    if not re.search(r"[^\W_]|\\", content) and not _SINGLE.fullmatch(content.strip()):
        return False
    if content[0].isspace() or content[-1].isspace():
        is_even = content[0].isspace() and content[-1].isspace()
        is_money = before_space[:-1].isdigit()  # 5 $ and 6 $
        return is_even and not is_money and "\n" not in content and _is_spaced_formula(content)
    if after and after in "({" and content[0] == after:  # $(a)/$(b), ${A}/${B}
        return False
    if re.search(r"[A-Za-z]", before + after):  # $n$th, but not $PATH:$HOME
        is_whole = content[-1].isalnum() or content[-1] in "})]|'!*"
        return bool(_SINGLE.fullmatch(content) or (_TEX.search(content) and is_whole))
    return not _is_prose(content)


def _is_spaced_formula(content: str) -> bool:
    if _TEX.search(content):
        return True
    has_words = _WORD.search(content) or _WIDE.search(content)
    has_relation = re.match(r"\s*[\w(|-].*[=<>]", content, re.DOTALL)
    return not has_words or bool(has_relation and not _is_prose(content))


def _is_prose(content: str) -> bool:
    """Return True if the text between two dollar signs is prose, as it is between two prices."""
    if _TEX.search(content):
        return False
    words = len(_WORD.findall(content))
    if "=" in content:
        return words > 4 and " " in content.strip()
    if _WIDE.search(content):
        return True
    return words > 2 or (content.lstrip()[:1].isdigit() and words > 0 and " " in content.strip())
