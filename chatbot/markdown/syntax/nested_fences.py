"""Markdown documents in a ```markdown fence that contain code fences themselves.

CommonMark ends the outer fence at the end of the first inner fence, and so takes the text after
the document for code. In models' answers, each closing fence belongs to the last opened fence.
"""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

_FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_DOCUMENT = re.compile(r"(?:markdown|md|mdx|rmd|rmarkdown|qmd)\b", re.IGNORECASE)


def nested_fence(state: StateBlock, begin_line: int, end_line: int, silent: bool) -> bool:
    """Rule of markdown-it: read a document's fence as one block, with the fences inside it.

    In a complete text, each fence needs its end. With `env["open_fences"]` the text may still
    grow, and a fence without an end continues to the end of the text.
    """
    opener = _fence(state, begin_line)
    if not opener or not _DOCUMENT.match(opener["info"]) or state.is_code_block(begin_line):
        return False
    if silent:
        return True
    is_growing = bool(state.env.get("open_fences"))
    missed = state.env.setdefault("fences without an end", set())
    if (end_line, state.blkIndent) in missed and not is_growing:
        return False  # otherwise each fence would search for an end again
    marks: list[str] = [opener["marks"]]
    longest = 0
    line = begin_line + 1
    while line < end_line and marks:
        if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            break
        fence = _fence(state, line)
        if fence and fence["marks"][0] == opener["marks"][0]:
            is_outer = len(marks) == 1
            if fence["info"].strip():
                if is_outer:
                    marks.append(fence["marks"])
            elif len(fence["marks"]) >= len(marks[-1]) and not (
                is_outer and state.is_code_block(line)
            ):
                marks.pop()
            if marks:
                longest = max(longest, len(fence["marks"]))
        line += 1
    if not longest:
        return False  # no inner fence, so an ordinary code block
    if marks and not is_growing:
        missed.add((end_line, state.blkIndent))
        return False
    token = state.push("fence", "code", 0)
    token.info, token.markup = opener["info"], opener["marks"]
    token.content = state.getLines(
        begin_line + 1, line - (not marks), state.sCount[begin_line], True
    )
    token.map = [begin_line, line]
    token.meta = {"longest": longest, "open": marks}
    state.line = line
    return True


def with_longer_marks(fence: Token, source: str) -> str:
    """Make the marks of a fence longer than the marks of all fences inside it."""
    longest = fence.meta.get("longest", 0)
    if longest < len(fence.markup):
        return source
    marks = fence.markup[0] * (longest + 1)
    first, _, rest = source.partition("\n")
    body, _, last = rest.rpartition("\n")
    lines = [first.replace(fence.markup, marks, 1), *([body] if "\n" in rest else [])]
    end = last if fence.meta["open"] else last.replace(last.strip(" \t>"), marks)
    return "\n".join([*lines, end])


def ends(fence: Token) -> str:
    """Return the lines that end an open fence and the open fences inside it."""
    return "".join(f"\n{marks}" for marks in reversed(fence.meta.get("open", [])))


def _fence(state: StateBlock, line: int) -> re.Match[str] | None:
    begin = state.bMarks[line] + state.tShift[line]
    if not state.src.startswith(("```", "~~~"), begin):
        return None
    return _FENCE.match(state.src[begin : state.eMarks[line]])
