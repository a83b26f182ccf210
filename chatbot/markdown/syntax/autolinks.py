"""Web addresses without Markdown around them: finds the end of each. Pure functions.

GitHub's Markdown, which Streamlit draws, lets an address end only at the next space. Chinese or
Korean words after an address would become part of it, as in `https://example.com/docs（说明）`.
"""

import re

from chatbot.markdown.syntax.emphasis import LETTER, MARK, STOP

_OWN_ENDINGS = "中国|中國|公司|网络|한국"
"""Last parts of hosts' names, such as `com`, in these scripts."""

_HOST_NAME = (
    rf"(?:www\.)?+(?:[A-Za-z0-9-]++(?![{LETTER}])"
    rf"|[A-Za-z0-9{LETTER}-]++(?=\.(?:[A-Za-z0-9]|{_OWN_ENDINGS})))"
    rf"(?:\.(?:[A-Za-z0-9-]++(?![{LETTER}])|[{LETTER}][A-Za-z0-9{LETTER}-]*+(?=\.[A-Za-z])"
    rf"|{_OWN_ENDINGS}|[a-z]{{2,24}}(?=[{LETTER}])))++"
)
"""A host, perhaps with letters of these scripts, as in `https://中文.com/`.

Letters directly after a part such as `com` are the next words: `https://example.com你好`.
"""

_ADDRESS = re.compile(
    rf"(?:https?://|www\.)(?:{_HOST_NAME})?(?:(?!!\[)[^\s<$`{LETTER}{STOP}])*", re.IGNORECASE
)
"""An address."""

_GOES_ON = re.compile(rf"[{LETTER}{STOP}]")
"""A character after the address that a Markdown parser would read as part of the address."""

_HOST = re.compile(r"(?:https?://|www\.)[^\s/?#.]+(?:[.:][^\s/?#.]+)*+(?:[/?#]\S*)?", re.IGNORECASE)

_TRAIL = "?!.,:*_~'\""
"""Marks that do not belong to an address at whose end they stand.

Source: github.github.com/gfm, "Autolinks (extension)".
"""

_LABEL = re.compile(
    r"\\."  # skipped, because searching for the end of each escaped bracket takes quadratic time
    r"|(?P<label>\[(?:[^\[\]\\]|\\.)*+\][\[(]"
    r"|^ {0,3}\[(?!\^)(?:[^\[\]\\\n]|\\.)++\]:[ \t]*\S)",
    re.MULTILINE,
)


def labels(text: str) -> list[tuple[int, int]]:
    """Find the spans of link labels and definitions, inside which an address is no second link."""
    if "]" not in text:
        return []
    return [match.span() for match in _LABEL.finditer(text) if match["label"]]


def address_at(text: str, begin: int, is_in_label: bool = False) -> tuple[str, int] | None:
    """Return the Markdown for the address at `begin` and the address's end, or None without one.

    An address that every parser reads in the same way is returned unchanged.
    """
    match = _ADDRESS.match(text, begin)
    if not match:
        return None
    before = text[begin - 1] if begin else ""
    is_named = match[0][0] in "wW"  # without a scheme
    if is_named and re.match(r"[A-Za-z0-9/.@-]", before):
        return None
    is_known = not (is_named and _GOES_ON.match(before)) and not _GOES_ON.match(text, match.end())
    address = match[0] if is_known or is_in_label else _without_trail(match[0])
    if is_known or is_in_label or ">" in address or not _HOST.fullmatch(address):
        return match[0], match.end()
    end = begin + len(address)
    link = f"[{_escaped(address)}](<http://{address}>)" if is_named else f"<{address}>"
    apart = [MARK if mark and mark in "*_~" else "" for mark in (before, text[end : end + 1])]
    return f"{apart[0]}{link}{apart[1]}", end


def _escaped(address: str) -> str:
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", address)


def _without_trail(address: str) -> str:
    surplus = address.count(")") - address.count("(")
    end = len(address)
    while end and (address[end - 1] in _TRAIL or (address[end - 1] == ")" and surplus > 0)):
        surplus -= address[end - 1] == ")"
        end -= 1
    return address[:end]
