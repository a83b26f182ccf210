r"""A model's Markdown, written so that Streamlit draws it as it was meant. Pure functions.

Models write CommonMark with GitHub's tables and with maths in `$…$`, `$$…$$`, `\(…\)` or
`\[…\]`. Streamlit's Markdown also reads `:red[…]`, `:material/…:`, `:smile:`, `->` and any two
dollar signs in its own way, and fetches images from anywhere, which would let a model send a
conversation to whomever it likes. So everything of Streamlit's own is escaped, maths is put
into the one form it knows, and images become links, but for those that need no fetching. Code
stays as it is.

markdown-it finds code, maths, links and tags by the same rules as the parser in the browser;
nothing here guesses where code ends, for an image could hide behind a wrong guess.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from markdown_it.helpers import parseLinkDestination
from markdown_it.rules_inline import StateInline

from chatbot.commonmark import block_parser
from chatbot.images import IMAGE, drawn

MARK = "\u2060\u2060"
"""Shows as nothing; `chatbot/ui/page/copying.js` leaves it out of what is copied."""

_UNINDENTED = "[\u2060]: #\n\n"
"""Shows as nothing, and has Streamlit keep the indentation of what comes after it."""

_INDENTED = re.compile(r"(?:[ \t]*\n)*[ \t]+\S")
_BLANK = re.compile(r"^[ \t]+$", re.MULTILINE)

_INERT = re.compile(r"[^\\`<&$!:>~=\-\]hw]+")
"""Text that means nothing to anybody; most of an answer."""

_URL = re.compile(r"(?:https?://|www\.)(?:(?!!\[)[^\s<$])*")
_ARROW = re.compile(r"(?<!\w)(?:<->|->|<-|--|>=|<=|~=)(?!\w)")
_NAME = re.compile(r":(?:[A-Za-z0-9_+-]+:|material[/_]|streamlit:)")
FOOTNOTE = re.compile(r"^[ \t>]*\[\^[^\]\s]+\]:", re.MULTILINE)
"""Where a footnote's text begins."""

_DEFINITION = re.compile(
    r""" {0,3}\[(?:[^\[\]\\]|\\.)+\]:(?=\S+([ \t]+("[^"]*"|'[^']*'|\([^()]*\)))?[ \t]*$)""",
    re.MULTILINE,
)
"""What begins a link's definition whose address follows its colon at once."""

_LETTER = "[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
"""Of a script without blanks between its words: Chinese and Japanese."""

_STOP = "[\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\u2018-\u201d\u2014\u2026]"
"""A punctuation mark of theirs."""

_ENDS_BOLD = re.compile(rf"(?:(?<={_STOP})(?=\*\*\w)|(?<=[^\w\s*])(?=\*\*{_LETTER}))")
_BEGINS_BOLD = re.compile(rf"(?:(?<=\w\*\*)(?={_STOP})|(?<={_LETTER}\*\*)(?=[^\w\s*]))")
"""Where CommonMark would see no bold, for it expects a blank between a punctuation mark and the
next word: `**粗体。**后面`. Models write so all the time."""

_CELL = re.compile(r"(?:\\.|[^\\|])+|\|")


def to_streamlit(markdown: str) -> str:
    """The same text for `st.markdown`."""
    source = re.sub(r"\r\n?", "\n", markdown)
    lines: list[str | None] = list(source.split("\n"))
    has_footnotes = FOOTNOTE.search(source) is not None
    in_table = False
    for token in block_parser().parse(source):
        if token.type in ("table_open", "table_close"):
            in_table = token.type == "table_open"
        if token.map is None:
            continue
        begin, end = token.map
        before = "\n".join(line or "" for line in lines[begin:end])
        if token.type.startswith("math_block"):
            _replace(lines, begin, end, _display(before, token.content))
        elif token.type == "code_block":
            # Only the browser's parser knows footnotes: their text is indented, but no code.
            code = _without_image(before) if has_footnotes else before
            _replace(lines, begin, end, _code(code, 4 if token.level == 0 else None))
        elif token.type == "fence":
            opening = before[: before.index(token.markup)]
            _replace(lines, begin, end, _code(before, len(opening.expandtabs(4))))
        elif token.type == "tr_open":
            cells = _CELL.findall(before)
            _replace(lines, begin, end, "".join(map(_escape, cells)))
        elif token.type == "inline" and not in_table:
            _replace(lines, begin, end, _escape(before))
    drawn = "\n".join(line for line in lines if line is not None)
    return _UNINDENTED + drawn if _INDENTED.match(drawn) else drawn


def _replace(lines: list[str | None], begin: int, end: int, text: str) -> None:
    lines[begin:end] = [text, *[None] * (end - begin - 1)]


def _display(source: str, formula: str) -> str:
    """A formula with its dollar signs on lines of their own, which makes it a displayed one."""
    prefix = re.match(r"[^$\\]*", source)[0]  # type: ignore[index]  # it matches anything
    inner = re.sub(r"[^>\s]", " ", prefix)  # a list's mark stands before the first line only
    body = [inner + _formula(line.strip(" >")) for line in formula.splitlines() if line.strip()]
    return "\n".join([f"{prefix}$$", *body, f"{inner}$$"])


def _escape(text: str) -> str:
    """Escape what only Streamlit reads, and leave code, tags and addresses as they are."""
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    state = StateInline(text, block_parser(), {}, [])
    rules = block_parser().inline.ruler.getRules("")
    marked = _marked(text)
    if match := _DEFINITION.match(text):
        state.pos = match.end()
        yield match[0]
    while state.pos < state.posMax:
        begin = state.pos
        if match := _INERT.match(text, begin):
            state.pos = match.end()
            cuts = [begin, *(place for place in marked if begin <= place <= state.pos), state.pos]
            yield MARK.join(text[cut:following] for cut, following in pairwise(cuts))
            continue
        tokens_before = len(state.tokens)
        # An escaped colon can still begin a `:smile:`, so it is read as a bare one.
        if text.startswith("\\:", begin):
            state.pos = begin = begin + 1
        elif any(rule(state, False) for rule in rules):
            source = text[begin : state.pos]
            added = state.tokens[-1] if len(state.tokens) > tokens_before else None
            if added and added.type.startswith("math_inline"):
                yield f"${_formula(' '.join(added.content.split()))}$"
            else:
                yield _code(_without_image(source), None) if source.startswith("`") else source
            continue
        piece, state.pos = _plain(text, begin)
        yield piece


def _marked(text: str) -> list[int]:
    """Where something has to stand that is no punctuation mark, for what is bold to be so."""
    if "**" not in text or text.isascii():
        return []
    places = (match.start() for find in (_ENDS_BOLD, _BEGINS_BOLD) for match in find.finditer(text))
    return sorted(set(places))


def with_bold_marked(text: str) -> str:
    """A text that CommonMark reads as it was meant: see `_ENDS_BOLD`."""
    cuts = [0, *_marked(text), len(text)]
    return MARK.join(text[begin:end] for begin, end in pairwise(cuts))


def _plain(text: str, begin: int) -> tuple[str, int]:
    """What stands for the next bit of plain text, and where it ends."""
    if image := IMAGE.match(text, begin):
        return drawn(image), image.end()
    if text.startswith("![", begin):
        # Nor may a mark before it make an image of what is left: `!![a](b)`.
        apart = MARK if text[:begin].endswith("!") else ""
        return apart + ("[🖼" if text.startswith("![]", begin) else "["), begin + 2
    if text.startswith("](", begin):
        destination = parseLinkDestination(text, begin + 2, len(text))
        if destination.ok and "![" not in text[begin : destination.pos]:
            return text[begin : destination.pos], destination.pos
    if match := _URL.match(text, begin):
        return match[0], match.end()
    if match := _ARROW.match(text, begin):
        return _apart(match[0]), match.end()
    if _NAME.match(text, begin):
        return _apart(":"), begin + 1
    if text[begin] == "$" or (text[begin] == ":" and re.match("[A-Za-z:]", text[begin + 1 :][:1])):
        return f"\\{text[begin]}", begin + 1
    return text[begin], begin + 1


def _apart(marks: str) -> str:
    """Marks that are drawn as they are, because each stands in an element of its own."""
    return "".join(f":color[{mark}]{{}}" for mark in marks)


def _formula(tex: str) -> str:
    """A formula in which nothing looks like code: Streamlit would overlook its dollar signs."""
    return _without_image(tex).replace("`", r"\lq ").replace("~~~", "~~ ~")


def _code(source: str, indent: int | None) -> str:
    """Code that Streamlit leaves as it is: what it would change even there is marked.

    `indent` is the width of what comes before the code in its lines, if that is known.
    """
    source = source.replace(":material/", f":{MARK}material/")
    if indent is None:
        return source
    return _BLANK.sub(
        lambda line: line[0] + (MARK if len(line[0].expandtabs(4)) > indent else ""), source
    )


def _without_image(source: str) -> str:
    """Code or maths in which no parser can see an image."""
    return source.replace("![", f"!{MARK}[")
