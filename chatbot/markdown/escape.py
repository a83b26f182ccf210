"""Escaping of text from people and models for titles, labels and captions."""

import re
import unicodedata


def plain(text: str) -> str:
    """Escape every punctuation mark, so that Streamlit's Markdown shows the text unchanged."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


_ADDRESS = re.compile(
    r"((?:https?://|www\.)[^\s`。，；：！？、（）“”]*[^\s`。，；：！？、（）“”.,;:!?)])",
    re.IGNORECASE,
)


def plain_sentence(text: str) -> str:
    """Escape a sentence and make web addresses code, because even escaped they would be links."""
    parts = _ADDRESS.split(text)
    return "".join(f"`{part}`" if _ADDRESS.match(part) else plain(part) for part in parts)


_TURNS_AROUND = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(title: str) -> str:
    """Return a title or passage for a row of a list, without marks that reverse text direction.

    Returns "" if the text has no visible character. The stored text is not changed.
    """
    line = " ".join(_TURNS_AROUND.sub("", title).split())
    can_be_seen = any(unicodedata.category(mark)[0] not in "CZM" for mark in line)
    return line if can_be_seen else ""
