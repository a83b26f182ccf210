"""Parts of imported messages: code, documents, and other apps' tags."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ATTRIBUTE = re.compile(r'([a-zA-Z_-]{1,40})="([^"]*)"')

_FENCE_NAMES = {
    "application/vnd.ant.react": "jsx",
    "application/vnd.ant.mermaid": "mermaid",
    "text/html": "html",
    "image/svg+xml": "xml",
}
"""Document types that are code, with the name of the language."""


@dataclass
class Block:
    """A part of a text: plain, or the content between a tag such as `<details …>` and its end."""

    text: str
    attributes: dict[str, str] | None = None
    """The tag's attributes; None for plain text."""


def fenced(code: str, name: str = "") -> str:
    """Return code in a fence longer than any fence inside it; "" for no code."""
    if not code.strip():
        return ""
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{re.sub('[^a-zA-Z0-9+#-]', '', name)}\n{code}\n{fence}"


def document(kind: str, language: str, content: str) -> str:
    """Return a document beside an answer: text unchanged, code in a fence."""
    if kind.startswith("code/"):  # ChatGPT's
        return fenced(content, kind.removeprefix("code/"))
    if kind == "application/vnd.ant.code":
        return fenced(content, language)
    if kind in _FENCE_NAMES:
        return fenced(content, _FENCE_NAMES[kind])
    return content.strip()


def joined(pieces: list[str]) -> str:
    """Join pieces of a message as paragraphs, without empty pieces."""
    return "\n\n".join(piece for piece in pieces if piece.strip())


def blocks(text: str, tag: str) -> Iterator[Block]:
    """Split a text at each `<tag …>` at the start of a line and its `</tag>`, in linear time.

    A tag without an end is plain text. Tags inside fenced code are ignored.
    """
    opening = re.compile(rf"^[ \t]*(?:(```|~~~)|<{tag}\b([^>\n]*)>)", re.MULTILINE)
    closing = f"</{tag}>"
    plain_from = place = 0
    fence = ""
    while tag_or_fence := opening.search(text, place):
        place = tag_or_fence.end()
        if tag_or_fence[1]:
            fence = "" if fence == tag_or_fence[1] else fence or tag_or_fence[1]
            continue
        if fence:
            continue
        end = text.find(closing, place)
        if end < 0:
            break
        yield Block(text[plain_from : tag_or_fence.start()])
        yield Block(text[place:end], dict(_ATTRIBUTE.findall(tag_or_fence[2])))
        plain_from = place = end + len(closing)
    yield Block(text[plain_from:])
