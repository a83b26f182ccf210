"""What the app says, in each of its languages.

One TOML catalogue a language in `locales/`, with the same keys and the same
`{placeholders}` in each; a test keeps them equal.
"""

import math
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "zh": "简体中文"}
"""The languages there is a catalogue for: code to the language's own name."""

_LOCALES = Path(__file__).parent / "locales"


@cache
def catalogue(language: str) -> dict[str, str]:
    """All sentences of one language, by dotted key (`sidebar.new`)."""
    with (_LOCALES / f"{language}.toml").open("rb") as file:
        return dict(_flatten(tomllib.load(file)))


def translate(language: str, key: str, **details: object) -> str:
    """The sentence for `key` with its placeholders filled."""
    return catalogue(language)[key].format(**details)


def time_from_now(language: str, seconds: float) -> str:
    """A moment that is so far off, as a person would say it: "in 3 hours", or "now"."""
    if seconds <= 0:
        return translate(language, "when.now")
    name, unit_seconds = "minute", 60
    if seconds > 90 * 60:
        name, unit_seconds = "hour", 3600
    if seconds > 36 * 3600:
        name, unit_seconds = "day", 86400
    # Up, for whoever comes earlier comes in vain; but not for a second more.
    count = max(1, math.ceil((seconds - 1) / unit_seconds))
    return translate(language, f"when.{name}" if count == 1 else f"when.{name}s", count=count)


def thought_for(language: str, seconds: float) -> str:
    """For how long a model has thought, as a sentence."""
    minutes, left = divmod(max(1, round(seconds)), 60)
    name = "done_minutes" if minutes else "done"
    return translate(language, f"thoughts.{name}", minutes=minutes, seconds=left)


def closest_language(*tags: str | None) -> str:
    """The first of some tags (`zh-Hans-CN`, `en_US`) there is a catalogue for, else English."""
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
