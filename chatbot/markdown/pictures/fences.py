r"""Opening lines of code blocks that Streamlit would draw as diagrams. Pure functions.

Streamlit searches for `/language-(\w+)/` anywhere in the name of the block's class, so `mermaid`
can be spelled with entities, or follow a second `-language-`. `without_diagrams` works on lines
instead of blocks, because parsers may disagree on where code begins. Whatever a parser takes for
code, the language always follows three or more backticks or tildes on one line.
"""

import html
import re

from markdown_it.token import Token

from chatbot.markdown.pictures.diagrams import may_be_drawn

_OPENING = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<info>[^\n]+)")
_WORD = re.compile("(mer)(maid)", re.IGNORECASE)


def draws_diagram(fence: Token, line_count: int) -> bool:
    """Return True for a closed block named exactly `mermaid` that has only allowed statements.

    `line_count` is the number of the block's lines, including its opening and closing fence.
    """
    language = fence.info.strip(" \t").split(" ")[0].split("\t")[0]
    return (
        language.lower() == "mermaid"
        and is_closed(fence, line_count)
        and may_be_drawn(fence.content)
    )


def is_closed(fence: Token, line_count: int) -> bool:
    """Return True if a code block ends with a fence. `line_count` includes both fences."""
    content = fence.content.removesuffix("\n")
    return (content.count("\n") + 1 if fence.content else 0) + 2 == line_count


def named_text(block: str) -> str:
    """Rename the language of a code block to `text` if the block would be drawn as a diagram."""
    first, newline, rest = block.partition("\n")
    opening = _OPENING.search(first)
    if opening and _names_diagram(opening["info"]):
        first = f"{first[: opening.end('fence')]}text"
    return first + newline + rest


def without_diagrams(text: str, mark: str) -> str:
    """Break the names of diagrams with an invisible `mark`, so that no parser draws a diagram."""

    def broken(opening: re.Match[str]) -> str:
        info = opening["info"]
        if not _names_diagram(info):
            return opening[0]
        info = _WORD.sub(rf"\1{mark}\2", info)
        return opening["fence"] + (info.replace("&", f"&{mark}") if _names_diagram(info) else info)

    return _OPENING.sub(broken, text) if "```" in text or "~~~" in text else text


def _names_diagram(info: str) -> bool:
    return "mermaid" in html.unescape(info).replace("\\", "").lower()
