"""Spans within a line that must not be changed: code, formulas, tags, addresses and escapes.

The modules that read a paragraph or a table's row from left to right find the spans with these
rules.
"""

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, autolink, backtick, escape, html_inline
from markdown_it.token import Token

from chatbot.markdown.formulas import maths

_RULES = {
    "\\": (maths.brackets, maths.bare, escape),
    "$": (maths.dollars,),
    "`": (backtick,),
    "<": (autolink, html_inline),
}
"""Rules by the first character of their spans. Trying all rules everywhere took twice as long."""


def at_the_beginning(text: str) -> StateInline:
    """Return a state at the beginning of a text, for `reads`."""
    return StateInline(text, _parser(), {}, [])


def reads(state: StateInline) -> bool:
    """Move to the end of the span that begins at the state's position; return False without a span.

    `last_token` then returns the span's token. Backticks that begin no code have no token.
    """
    state.tokens.clear()
    return any(rule(state, False) for rule in _RULES.get(state.src[state.pos], ()))


def last_token(state: StateInline) -> Token | None:
    """Return the token of the span that `reads` read last, if it has a token."""
    return state.tokens[-1] if state.tokens else None


def set_rules(parser: MarkdownIt) -> None:
    """Restrict a parser's `inline` to these rules and entities."""
    parser.inline.ruler.enableOnly(["escape", "backticks", "autolink", "html_inline", "entity"])
    for rule in (maths.dollars, maths.brackets, maths.bare):
        parser.inline.ruler.before("escape", f"math_{rule.__name__}", rule)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")
