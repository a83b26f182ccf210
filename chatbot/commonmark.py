r"""The Markdown that models write: CommonMark, GitHub's tables, and maths in four notations.

`$…$` and `\(…\)` are formulas in a line, `$$…$$` and `\[…\]` displayed ones. A dollar sign
beside a blank or a digit is money, as in Pandoc's `tex_math_dollars`.
"""

import re
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.dollarmath.index import math_block_dollar, math_inline_dollar
from mdit_py_plugins.utils import is_code_block

_CLOSERS = {"\\(": "\\)", "\\[": "\\]"}
_INTERRUPTED_BY_MATHS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}


def definitions(markdown: str) -> dict[str, str]:
    """The addresses that a text defines for its links: a definition for each label."""
    if "]:" not in markdown:
        return {}
    found: dict[str, Any] = {}
    _definition_parser().parse(markdown, found)
    return {
        label: _definition(label, **reference)
        for label, reference in found.get("references", {}).items()
        if not label.startswith("^")  # a footnote, for the parser in the browser
    }


def _definition(label: str, href: str, title: str, **_: Any) -> str:
    """A definition on a line of its own. The parser has percent-encoded the address."""
    address = href.replace("&", "&amp;")
    escaped = re.sub(r"([\\\"&])", r"\\\1", title)
    return f"[{label}]: <{address}>" + (f' "{escaped}"' if title else "")


class _AnyAddress(MarkdownIt):
    """Where links may lead is decided where they are drawn."""

    def validateLink(self, url: str) -> bool:
        return True


@cache
def _definition_parser() -> MarkdownIt:
    return _configured(_AnyAddress("commonmark")).enable("reference")


@cache
def block_parser() -> MarkdownIt:
    """Finds the blocks of a text, each with its lines, and leaves what is inside them alone.

    Its inline rules find only what has a meaning of its own to the letter: maths,
    code, addresses, tags, escapes and entities.
    """
    return _configured(MarkdownIt("commonmark")).disable("reference")


def inline_parser() -> MarkdownIt:
    """A new parser whose `inline` finds bold, links and the like as well, in a block's text."""
    parser = _configured(MarkdownIt("commonmark"))
    parser.inline.ruler.enable(["text", "emphasis", "strikethrough", "link"])
    parser.inline.ruler2.enable("strikethrough")
    return parser


def _configured(parser: MarkdownIt) -> MarkdownIt:
    parser.enable("table").disable(["inline", "text_join"])
    parser.inline.ruler.enableOnly(["escape", "backticks", "autolink", "html_inline", "entity"])
    dollars = math_inline_dollar(allow_space=False, allow_digits=False, allow_double=True)
    parser.inline.ruler.before("escape", "math_dollars", dollars)
    parser.inline.ruler.before("escape", "math_brackets", _bracketed_inline)
    parser.block.ruler.before("fence", "math_dollars", _dollars_block, _INTERRUPTED_BY_MATHS)
    parser.block.ruler.before("fence", "math_brackets", _bracketed_block, _INTERRUPTED_BY_MATHS)
    return parser


_dollars = math_block_dollar(allow_labels=False, allow_blank_lines=True)


def _dollars_block(state: StateBlock, begin_line: int, end_line: int, silent: bool) -> bool:
    """A formula between `$$` and `$$`. The plugin adds its token even when only asked."""
    tokens, line = len(state.tokens), state.line
    found = _dollars(state, begin_line, end_line, silent)
    if silent:
        del state.tokens[tokens:]
        state.line = line
    return found


def _bracketed_inline(state: StateInline, silent: bool) -> bool:
    closer = _CLOSERS.get(state.src[state.pos : state.pos + 2])
    # 64 kB of openers took 10 s when each looked for the end of its own.
    if closer is None or state.env.get(closer) is state.src:
        return False
    begin = state.pos + 2
    end = state.src.find(closer, begin + 1)
    if end < 0:
        state.env[closer] = state.src  # nor is there one for any later opener
        return False
    if not silent:
        state.push("math_inline", "math", 0).content = state.src[begin:end]
    state.pos = end + 2
    return True


def _bracketed_block(state: StateBlock, begin_line: int, end_line: int, silent: bool) -> bool:
    r"""A formula between a line that begins with `\[` and one that ends with `\]`."""
    if is_code_block(state, begin_line):
        return False
    body: list[str] = []
    for line in range(begin_line, end_line):
        if line > begin_line and state.sCount[line] < state.blkIndent:
            return False
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
        if line == begin_line:
            if not text.startswith("\\["):
                return False
            text = text[2:]
        if text.endswith("\\]"):
            if silent:
                return True
            token = state.push("math_block", "math", 0)
            token.content = "\n".join([*body, text[:-2]])
            token.map = [begin_line, line + 1]
            state.line = line + 1
            return True
        if "\\]" in text:
            return False
        body.append(text)
    return False
