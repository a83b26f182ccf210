"""Splitting of a long text into parts that can be drawn separately. Pure functions.

A part ends where a block ends. A block that is too long for a part is cut between two lines and
continues in the next part: a code block is opened again, a table's head is repeated.
"""

import re
from itertools import islice

from markdown_it.token import Token

from chatbot.markdown.pictures.fences import is_closed
from chatbot.markdown.pictures.images import IMAGE, has_images, without_images
from chatbot.markdown.splitting.blocks import LINE_END, line_offsets
from chatbot.markdown.syntax.parser import block_parser

PART_CHARACTERS, PART_LINES = 20_000, 1_000
"""Size of the largest part. Parsing it takes at most 0.1 s, even with many short lines."""

SHOWN_CHARACTERS, SHOWN_LINES = 60_000, 3_000
"""Length of a message that is shown at first, and added at each click: 15,000 tokens, more than
most models write in one answer. A phone's browser took seconds to lay out twice as much."""


_IMAGE_CHARACTERS = 40
"""Length that an image counts as, because its long address takes no time to parse."""


def shown_parts(text: str, times: int = 1, is_plain: bool = False) -> tuple[list[str], int]:
    """Return the parts of a message that are shown, and the number of its characters they cover.

    `times` multiplies the length that is shown at first. `is_plain` means that the text is not
    Markdown.
    """
    characters, lines = times * SHOWN_CHARACTERS, times * SHOWN_LINES
    is_within = is_short(text, times)
    parts: list[str] = []
    begin, opening, line_count = 0, "", 0
    while begin < len(text):
        end, next_opening = next_part(text, begin, opening, is_plain)
        line_count += text.count("\n", begin, end)
        is_full = len(without_images(text[:end])) > characters or line_count > lines
        if is_full and parts and not is_within:
            break
        parts.append(opening + text[begin:end])
        begin, opening = end, next_opening
    return parts, begin


def is_short(text: str, times: int = 1) -> bool:
    """Return True if the message is short enough to be shown completely."""
    is_small = len(text) <= times * SHOWN_CHARACTERS or (
        has_images(text) and len(without_images(text)) <= times * SHOWN_CHARACTERS
    )
    return is_small and text.count("\n") <= times * SHOWN_LINES


def next_part(text: str, begin: int, opening: str, is_plain: bool = False) -> tuple[int, str]:
    """Return the end of the part that starts at `begin`, and the opening of the next part.

    An opening is the text added before a part so that it continues a cut block. `opening` is the
    opening of this part.
    """
    window = text[begin : _window_end(text, begin, PART_CHARACTERS - len(opening))]
    if ending := next(islice(LINE_END.finditer(window), PART_LINES - 1, None), None):
        window = window[: ending.end()]
    if begin + len(window) >= len(text):
        return len(text), ""
    whole_lines = window[: window.rfind("\n") + 1] or _words(window)
    if is_plain:
        return begin + len(whole_lines), ""
    source = opening + whole_lines
    tokens = block_parser().parse(source, {"open_fences": True})
    offsets = line_offsets(source)
    last = next((t for t in reversed(tokens) if not t.level and t.nesting >= 0 and t.map), None)
    if last is None or last.map is None:
        return begin + len(whole_lines), ""
    block_begin = offsets[last.map[0]] - len(opening)
    if block_begin > len(whole_lines) / 2:
        return begin + block_begin, ""
    return begin + len(whole_lines), _opening_again(source, tokens, last)


def _window_end(text: str, begin: int, size: int) -> int:
    if has_images(text):
        for image in IMAGE.finditer(text, begin):
            if image.start() >= begin + size:
                break
            size += max(0, len(image[0]) - _IMAGE_CHARACTERS)
    return begin + size


def _words(line: str) -> str:
    """Return the beginning of a line that is too long for a part, cut after a word if possible."""
    if has_images(line):
        return line
    end = line.rfind(" ") + 1
    return line[:end] if end > len(line) / 2 else line


def _opening_again(source: str, tokens: list[Token], last: Token) -> str:
    """Return the opening that lets the next part continue a cut block."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", source)
    begin, end = last.map or [0, 0]
    if last.type == "table_open" and end >= source.count("\n"):
        head = "".join(lines[begin : begin + 2])
        return head if len(head) <= PART_CHARACTERS / 4 else ""
    fence = next((token for token in reversed(tokens) if token.type == "fence"), None)
    if fence is None or not fence.map or fence.map[1] != end:
        return ""
    if is_closed(fence, fence.map[1] - fence.map[0]):
        return ""
    first = lines[begin]
    if len(fence.markup) > PART_CHARACTERS / 20:
        return ""
    is_plain = fence is last and len(first) <= PART_CHARACTERS / 20 and "mermaid" not in first
    within = "".join(f"{marks}text\n" for marks in fence.meta.get("open", [])[1:])
    return first + within if is_plain else f"{fence.markup}\n"
