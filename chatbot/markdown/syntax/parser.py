"""Parsers for models' Markdown: CommonMark, GitHub's tables, and maths (`formulas/`)."""

import re
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType

from chatbot.markdown.formulas import maths
from chatbot.markdown.syntax import inline_spans, line_breaks, tables
from chatbot.markdown.syntax.nested_fences import nested_fence


def definitions(markdown: str) -> dict[str, str]:
    """Return the link definitions of a text by label, each as a line of Markdown."""
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
    """Write a definition as a line of Markdown. The parser has percent-encoded the address."""
    address = href.replace("&", "&amp;")
    escaped = re.sub(r"([\\\"&])", r"\\\1", title)
    return f"[{label}]: <{address}>" + (f' "{escaped}"' if title else "")


class _AnyAddress(MarkdownIt):
    """Parser that accepts every address: the code that draws links decides which are allowed."""

    def validateLink(self, url: str) -> bool:
        return True


@cache
def _definition_parser() -> MarkdownIt:
    return _configured(_AnyAddress("commonmark")).enable("reference")


@cache
def block_parser() -> MarkdownIt:
    """Return the parser that finds a text's blocks and their lines, but not the markup inside."""
    return _configured(MarkdownIt("commonmark")).disable("reference")


def inline_parser() -> MarkdownIt:
    """Create a parser whose `inline` also finds bold, italic and struck-out text, and links."""
    parser = _configured(MarkdownIt("commonmark"))
    parser.inline.ruler.enable(["text", "emphasis", "strikethrough", "link"])
    parser.inline.ruler2.enable("strikethrough")
    return parser


def _configured(parser: MarkdownIt) -> MarkdownIt:
    parser.enable("table").disable(["inline", "text_join"])
    inline_spans.set_rules(parser)
    parser.block.ruler.before("fence", "math_displayed", maths.displayed, maths.INTERRUPTS)
    parser.block.ruler.before("fence", "nested_fence", nested_fence, maths.INTERRUPTS)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    parser.block.ruler.at("html_block", line_breaks.html_but_breaks, interrupts)
    parser.core.ruler.after("normalize", "hide_bars", tables.hide_bars)
    parser.core.ruler.after("block", "show_bars", tables.show_bars)
    return parser
