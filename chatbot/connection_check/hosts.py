"""Host names and IP addresses with a single meaning for all programs.

`0177.0.0.1`, `2130706433`, `127.1` and full-width digits are addresses for some programs and names
for others, so a check by one program says nothing about where another program connects. Only
unambiguous forms are accepted (whatwg.org URL standard, "host parsing"; RFC 5891 for
international names).
"""

import ipaddress
import re
import unicodedata

import idna

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
"""A label between two dots of a name (RFC 1123); `_` is common in names of containers."""

_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
"""The last label of an IPv4 address in any notation; host names never end like this."""

LONGEST_NAME = 253


def is_host(text: str) -> bool:
    """Return True for a host name, an IPv4 address, or an IPv6 address in brackets."""
    if text.startswith("["):
        return text.endswith("]") and _is_ip(text[1:-1], ipaddress.IPv6Address)
    name = text.lower()
    if _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]):
        return _is_ip(text, ipaddress.IPv4Address)
    if not text.isascii():
        if unicodedata.normalize("NFKC", text) != text or any(map(_is_invisible, text)):
            return False
        try:  # label by label, because the library also treats other characters as dots
            name = ".".join(idna.alabel(label).decode() for label in name.split("."))
        except idna.IDNAError:
            return False
    return len(name) <= LONGEST_NAME and all(map(_LABEL.fullmatch, name.split(".")))


def _is_ip(text: str, kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _is_invisible(character: str) -> bool:
    """Return True for invisible characters, also joiners, which make names that look alike."""
    return unicodedata.category(character) in ("Cf", "Cc")
