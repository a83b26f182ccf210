"""Catalogues with all texts of the app, one per language.

Each language has a TOML file in this folder, all with the same keys and `{placeholders}`; a test
compares them.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "zh": "简体中文"}
"""Languages with a catalogue: code to the language's own name."""

_CATALOGUES = Path(__file__).parent


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return all sentences of one language by dotted key (`sidebar.new`)."""
    with (_CATALOGUES / f"{language}.toml").open("rb") as file:
        return dict(_flatten(tomllib.load(file)))


def translate(language: str, key: str, **details: object) -> str:
    """Return the sentence for `key` with its placeholders filled."""
    return catalogue(language)[key].format(**details)


@cache
def streamlits_words(language: str) -> dict[str, str]:
    """Return Streamlit's own English words with their translations; none for English."""
    keys = [key for key in catalogue("en") if key.startswith("streamlit.")]
    return (
        {} if language == "en" else {catalogue("en")[key]: catalogue(language)[key] for key in keys}
    )


def closest_language(*tags: str | None) -> str:
    """Return the first language of some tags (`zh-Hans-CN`, `en_US`) with a catalogue, or "en"."""
    for tag in tags:
        code = (tag or "").replace("_", "-").split("-")[0].lower()
        if code in LANGUAGES:
            return code
    return "en"


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            rows += _flatten(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, value))
    return rows
