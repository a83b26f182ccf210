r"""Conversion of a model's Markdown into text that Streamlit draws as intended. Pure functions.

Models write CommonMark with GitHub's tables and with maths in `$…$`, `$$…$$`, `\(…\)` or
`\[…\]`. Streamlit's Markdown also reads `:red[…]`, `:material/…:`, `:smile:`, `->` and any two
dollar signs in its own way, and fetches images from anywhere, which would let a model send a
conversation to any server. So Streamlit's own marks are escaped, maths is put into the form that
Streamlit knows, and images become links, except images that contain their own data. Code is not
changed.

markdown-it finds code, maths, links and tags by the same rules as the parser in the browser.
This module never guesses where code ends, because an image could hide behind a wrong guess.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping

from markdown_it.helpers import parseLinkDestination

from chatbot.markdown.formulas.maths import is_formula
from chatbot.markdown.formulas.tex import as_code, for_katex
from chatbot.markdown.pictures.fences import draws_diagram, named_text, without_diagrams
from chatbot.markdown.pictures.images import IMAGE, drawn
from chatbot.markdown.syntax import inline_spans
from chatbot.markdown.syntax.autolinks import address_at, labels
from chatbot.markdown.syntax.emphasis import MARK, Run, resolved_markers, run_at
from chatbot.markdown.syntax.footnotes import FOOTNOTE, Notes, numbered, raised_at
from chatbot.markdown.syntax.line_breaks import BREAK, line_break
from chatbot.markdown.syntax.nested_fences import with_longer_marks
from chatbot.markdown.syntax.parser import block_parser
from chatbot.markdown.syntax.tables import LINE_PREFIX, row_parts

_UNINDENTED = "[\u2060]: #\n\n"
"""Invisible text that makes Streamlit keep the indentation of the lines after it."""

_INDENTED = re.compile(r"(?:[ \t]*\n)*[ \t]+\S")
_BLANK = re.compile(r"^[ \t]+$", re.MULTILINE)

_INERT = re.compile(r"(?:[^\\`<&$!:>~=\-\[\]hHwW*_]++|[hH](?![tT]{2}[pP])|[wW](?![wW]{2}\.))+")
"""Text without any special meaning: most of an answer."""

_RUN = re.compile(r"\*+|_+|~~+")
"""Markers of bold, italic and struck-out text."""

_ARROW = re.compile(r"(?<!\w)(?:<->|->|<-|--|>=|<=|~=)(?!\w)")
_NAME = re.compile(r":(?:[A-Za-z0-9_+-]+:|material[/_]|streamlit:)")
_COLONS = re.compile(":+(?=:)")
_DEFINITION = re.compile(
    r""" {0,3}\[(?:[^\[\]\\]|\\.)+\]:(?=\S+([ \t]+("[^"]*"|'[^']*'|\([^()]*\)))?[ \t]*$)""",
    re.MULTILINE,
)
"""The beginning of a link definition whose address follows the colon without a space."""


_REWRITTEN = {"math_block", "code_block", "fence", "tr_open", "inline"}


def to_streamlit(markdown: str, numbers: Mapping[str, int] | None = None) -> str:
    """Convert a model's Markdown for `st.markdown`.

    `numbers` are those of the references to named footnotes, by name; by default, their order.
    """
    source = re.sub(r"\r\n?", "\n", markdown)
    lines: list[str | None] = list(source.split("\n"))
    notes = Notes(
        frozenset(FOOTNOTE.findall(source)), numbered(source) if numbers is None else numbers
    )
    has_footnotes = bool(notes.defined)
    in_table = in_heading = False
    diagrams: dict[int, str] = {}
    """The diagrams that are drawn, by the number of their first line."""
    for token in block_parser().parse(source):
        if token.type in ("table_open", "table_close"):
            in_table = token.type == "table_open"
        if token.type in ("heading_open", "heading_close"):
            in_heading = token.type == "heading_open" and token.markup[0] == "#"
        if token.map is None or token.type not in _REWRITTEN or (in_table and not token.nesting):
            continue
        begin, end = token.map
        before = "\n".join(line or "" for line in lines[begin:end])
        if token.type == "math_block":
            _replace(lines, begin, end, _display(before, token.markup, token.content))
        elif token.type == "code_block":
            # Only the browser's parser knows footnotes, whose indented text is not code.
            code = _without_image(before) if has_footnotes else before
            _replace(lines, begin, end, _code(code, 4 if token.level == 0 else None))
        elif token.type == "fence" and is_formula(token, before):
            _replace(lines, begin, end, _display(before, token.markup, token.content))
        elif token.type == "fence":
            before = with_longer_marks(token, before)
            opening = before[: before.index(token.markup)]
            # Only the browser's parser knows where a footnote ends.
            if draws_diagram(token, end - begin) and not (has_footnotes and token.level):
                diagrams[begin] = _BLANK.sub("", before)
            code = _code(named_text(before), len(opening.expandtabs(4)))
            _replace(lines, begin, end, code)
        elif token.type == "tr_open":
            parts = row_parts(token, before)
            _replace(lines, begin, end, "|".join(_escape(part, notes) for part in parts))
        elif token.type == "inline":
            _replace(lines, begin, end, _escape(before, notes, in_heading))
    drawn = "\n".join(
        diagrams.get(number) or without_diagrams(line, MARK)
        for number, line in enumerate(lines)
        if line is not None
    )
    return _UNINDENTED + drawn if _INDENTED.match(drawn) else drawn


def _replace(lines: list[str | None], begin: int, end: int, text: str) -> None:
    lines[begin:end] = [text, *[None] * (end - begin - 1)]


def _display(source: str, opener: str, formula: str) -> str:
    """Write a displayed formula: its dollar signs are on separate lines. As code, if invalid."""
    prefix = source[: source.index(opener)]
    inner = re.sub(r"[^>\s]", " ", prefix)  # a list's mark is only before the first line
    tex = for_katex(formula, is_displayed=True)
    if tex:
        opening, ending = "$$", "$$"
        body = [_formula(line.strip()) for line in tex.splitlines()]
    else:
        longest = max((len(ticks) for ticks in re.findall("`+", formula)), default=0)
        ending = "`" * max(3, longest + 1)
        opening = f"{ending}latex"
        body = _without_image(formula).splitlines()
    body = [inner + line for line in body if line.strip()]
    return "\n".join([prefix + opening, *body, inner + ending])


def _in_line(formula: str) -> str:
    """Write a formula within a line; as code, if KaTeX would show an error."""
    tex = for_katex(" ".join(formula.split()), is_displayed=False)
    if tex is None:
        return as_code(_without_image(formula))
    tex = _formula(" ".join(tex.split()))
    return f"$$ {tex} $$" if "$" in tex else f"${tex}$"


def _escape(text: str, notes: Notes, is_heading: bool = False) -> str:
    """Escape the marks that only Streamlit knows; code, tags and addresses are not changed."""
    return "".join(_pieces(text, notes, is_heading))


def _pieces(text: str, notes: Notes, is_heading: bool) -> list[str]:
    """Return the pieces of a block's text, each written so that Streamlit draws it as intended."""
    pieces: list[str] = []
    breaks: list[int] = []
    """Numbers of the line breaks after the last text."""
    text_begin = LINE_PREFIX.match(text).end()  # type: ignore[union-attr]  # it matches anything
    has_text = False
    runs: dict[int, Run] = {}
    """Markers of bold, italic and struck-out text, by the number of their piece."""
    for begin, piece in _read(text, notes, is_heading):
        if BREAK.match(text, begin) and piece[0] in "\\&":
            breaks.append(len(pieces))
        elif max(begin, begin + len(piece) - 1) >= text_begin and piece.strip():
            if breaks and not has_text:
                _drop(pieces, breaks)
            has_text, breaks = True, []
        if not text.isascii() and _RUN.fullmatch(piece):
            runs[len(pieces)] = run_at(text, begin, begin + len(piece))
        if piece[0] == "$" and pieces and pieces[-1][-1:] == "$" and pieces[-1] != "\\$":
            piece = MARK + piece
        pieces.append(piece)
    _drop(pieces, breaks)
    for number, marker in zip(runs, resolved_markers(runs.values()), strict=True):
        pieces[number] = marker
    return pieces


def _drop(pieces: list[str], numbers: list[int]) -> None:
    for number in numbers:
        pieces[number] = ""


def _read(text: str, notes: Notes, is_heading: bool) -> Iterator[tuple[int, str]]:
    """Yield the beginning and text of each piece, with unchanged emphasis markers."""
    state = inline_spans.at_the_beginning(text)
    if match := _DEFINITION.match(text):
        state.pos = match.end()
        yield 0, match[0]
    within = deque(labels(text))
    while state.pos < state.posMax:
        begin = state.pos
        if match := _INERT.match(text, begin) or _RUN.match(text, begin):
            state.pos = match.end()
            yield begin, match[0]
            continue
        # An escaped colon can still begin a `:smile:`, so the backslash is dropped.
        if text.startswith("\\:", begin):
            state.pos = begin = begin + 1
        elif inline_spans.reads(state):
            source = text[begin : state.pos]
            added = inline_spans.last_token(state)
            if added and added.type.startswith("math_inline"):
                formula = _in_line(added.content)
                # Streamlit takes a dollar sign before a digit for money.
                yield begin, formula + (MARK if text[state.pos : state.pos + 1].isdigit() else "")
            elif added and added.type == "html_inline" and BREAK.fullmatch(source):
                piece, state.pos = line_break(text, state.pos, is_heading)
                yield begin, piece
            else:
                is_code = source.startswith("`")
                yield begin, _code(_without_image(source), None) if is_code else source
            continue
        while within and within[0][1] <= begin:
            within.popleft()
        is_in_label = bool(within) and within[0][0] < begin
        piece, state.pos = _plain(text, begin, is_in_label, notes)
        yield begin, piece


def _plain(text: str, begin: int, is_in_label: bool, notes: Notes) -> tuple[str, int]:
    """Return the replacement for the plain text at `begin`, and the end of that text."""
    mark = text[begin]
    if mark == ":":
        return _colon(text, begin)
    if mark in "hHwW" and (address := address_at(text, begin, is_in_label)):
        return address
    if mark in "[]":
        return _bracket(text, begin, notes)
    if image := IMAGE.match(text, begin):
        return drawn(image), image.end()
    if text.startswith("![", begin):
        # In `!![a](b)`, the first `!` must not turn the remaining text into an image.
        apart = MARK if text[max(0, begin - 1) : begin] == "!" else ""
        return apart + ("[🖼" if text.startswith("![]", begin) else "["), begin + 2
    if mark in "<>=~-" and (match := _ARROW.match(text, begin)):
        return _apart(match[0]), match.end()
    # Streamlit also strikes out text between two single tildes.
    return (f"\\{mark}" if mark in "$~" else mark), begin + 1


def _bracket(text: str, begin: int, notes: Notes) -> tuple[str, int]:
    """Return the replacement for a bracket, with its footnote number or address, and its end."""
    if raised := raised_at(text, begin, notes):
        return raised
    if text.startswith("](](", begin):  # not an address; searching each would be quadratic
        return "](", begin + 2
    if text.startswith("](", begin):
        destination = parseLinkDestination(text, begin + 2, len(text))
        if destination.ok and "![" not in text[begin : destination.pos]:
            return text[begin : destination.pos], destination.pos
    return text[begin], begin + 1


def _colon(text: str, begin: int) -> tuple[str, int]:
    """Return the replacement for colons, which could begin a Streamlit name, and their end."""
    if match := _COLONS.match(text, begin):
        return "\\:" * len(match[0]), match.end()
    if _NAME.match(text, begin):
        return _apart(":"), begin + 1
    is_begin = re.match("[A-Za-z]", text[begin + 1 : begin + 2])
    return ("\\:" if is_begin else ":"), begin + 1


def _apart(marks: str) -> str:
    """Put each mark into a separate element, so that Streamlit does not combine them."""
    return "".join(f":color[{mark}]{{}}" for mark in marks)


def _formula(tex: str) -> str:
    """Rewrite marks of code in a formula, because Streamlit would overlook its dollar signs."""
    return _without_image(tex).replace("`", r"\lq ").replace("~~~", "~~ ~")


def _code(source: str, indent: int | None) -> str:
    """Add invisible marks to code where Streamlit would change even code.

    `indent` is the width of the text before the code in its lines, or None if unknown.
    """
    source = source.replace(":material/", f":{MARK}material/")
    if indent is None:
        return source
    return _BLANK.sub(
        lambda line: line[0] + (MARK if len(line[0].expandtabs(4)) > indent else ""), source
    )


def _without_image(source: str) -> str:
    """Break `![` in code or maths, so that no parser can see an image."""
    return source.replace("![", f"!{MARK}[")
