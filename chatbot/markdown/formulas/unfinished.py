"""Formulas that the model is still writing: the part that can be drawn is shown, never TeX."""

import re

from markdown_it.token import Token

from chatbot.markdown.formulas.maths import is_formula
from chatbot.markdown.formulas.tex import for_katex

LONGEST = 300
"""Characters. Within a line, a longer text without an end is not a formula."""

_PREFIX = re.compile(r"[^$\\`~]*")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([^{}]*)\}")
_SINGLE = re.compile(r"(?<![\\$])\$(?=\\[A-Za-z])[^$]*\Z")


def is_open_formula(block: Token, text: str) -> bool:
    """Return True if the last block of a text is a displayed formula without its end."""
    if block.type == "fence" and block.info.strip().lower() == "math" and block.map:
        return not is_formula(block, "\n".join(text.split("\n")[block.map[0] :]))
    return bool(block.meta.get("is_open"))


def with_open_formula(text: str, block: Token) -> str:
    """End the formula after its last line that can be drawn, or remove it if nothing can be."""
    lines = text.split("\n")
    first = block.map[0] if block.map else 0
    before = "".join(f"{line}\n" for line in lines[:first])
    complete = lines[first:-1]
    prefix = _PREFIX.match(lines[first])[0]  # type: ignore[index]  # it matches anything
    inner = re.sub(r"[^>\s]", " ", prefix)
    closer = {"$$": "$$", "\\[": "\\]"}.get(block.markup, "")
    closer = block.markup if block.type == "fence" else closer
    for count in range(len(complete), max(0, len(complete) - 3), -1):
        body = complete[:count]
        tex = "\n".join(line.strip(" >") for line in body).removeprefix(prefix.strip(" >"))
        if closer:
            tex = tex.partition("\n")[2] if block.type == "fence" else tex
            tex = tex.strip().removeprefix(block.markup)
        ends = _environment_ends(tex)
        if for_katex("\n".join([tex, *ends]), is_displayed=True):
            return before + "\n".join([*body, *(inner + end for end in [*ends, closer] if end)])
    return before


def without_open_formula(content: str) -> str:
    """Remove an unfinished formula within a line from the end of a block's text."""
    since = max(0, len(content) - LONGEST)
    begins = [
        content.find(opener, max(since, content.rfind(closer)))
        for opener, closer in (("\\[", "\\]"), ("\\(", "\\)"))
    ]
    if content.count("$$") % 2:
        begins.append(content.rfind("$$"))
    if single := _SINGLE.search(content):
        begins.append(single.start())
    begin = min((place for place in begins if place >= 0), default=len(content))
    if len(content) - begin > LONGEST or content[:begin].endswith("\\"):
        return content
    return content[:begin].rstrip() if begin < len(content) else content


def _environment_ends(tex: str) -> list[str]:
    open_ones: list[str] = []
    for match in _ENVIRONMENT.finditer(tex):
        if match[1] == "begin":
            open_ones.append(match[2])
        elif open_ones:
            open_ones.pop()
    return [f"\\end{{{name}}}" for name in reversed(open_ones)]
