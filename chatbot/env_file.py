"""Putting what a connection check has found into `.env`, beside what is there.

A key stays with the server it belongs to: with another address goes the key
that was typed with it, or none.
"""

from collections.abc import Mapping
from typing import Any

from chatbot.endpoints import OPENAI_BASE_URL, origin
from chatbot.errors import ChatbotError
from chatbot.findings import Finding
from chatbot.settings import ENV_FILE, Settings, place_of

Changes = dict[str, str | None]
"""Names of settings with their new values; None takes one away, as an empty one does."""


def changes(settings: Settings, finding: Finding) -> Changes:
    """What must be set differently for what was found to be used; empty if nothing."""
    found = finding.endpoint
    now = settings.base_url or (OPENAI_BASE_URL if settings.api_key else "")
    key = settings.api_key.get_secret_value() if settings.api_key else None
    wanted: Changes = {}
    if found.base_url != now:
        wanted["OPENAI_BASE_URL"] = found.base_url
    if found.api_key != key and (found.api_key or origin(found.base_url) != origin(now)):
        wanted["OPENAI_API_KEY"] = found.api_key
    offered = (*finding.models, finding.model)
    if settings.models and not set(settings.models) & set(offered):
        wanted["CHATBOT_MODELS"] = None
    if (settings.model or not finding.models) and settings.model not in offered:
        wanted["CHATBOT_MODEL"] = finding.model
    return wanted


def places_that_win(wanted: Changes, secrets: Mapping[str, Any]) -> dict[str, str]:
    """The settings among `wanted` that come from where `.env` does not reach, with that place."""
    places = {name: place_of(name, secrets) for name in wanted}
    return {name: place for name, place in places.items() if place != str(ENV_FILE)}


def write(wanted: Changes) -> None:
    """Write changes into `.env`, which then only its owner can read. Other lines stay.

    Raises ChatbotError("env_file").
    """
    from dotenv import set_key

    file = ENV_FILE.resolve()  # a link stays one
    copy = file.with_name(f"{file.name}.new")
    try:
        text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
        copy.unlink(missing_ok=True)
        copy.touch(0o600)
        copy.write_text(text, "utf-8")
        for name, value in wanted.items():
            set_key(copy, name, value or "")
        # In one step: an address must never be read together with another one's key.
        copy.replace(file)
    except (OSError, ValueError) as error:
        copy.unlink(missing_ok=True)
        raise ChatbotError("env_file", name=str(ENV_FILE)) from error


def lines(wanted: Changes) -> list[str]:
    """Changes as lines of the file. A key is not shown, and what is taken away is empty."""
    shown = {**wanted, "OPENAI_API_KEY": "…" if wanted.get("OPENAI_API_KEY") else ""}
    return [f"{name}='{shown[name] or ''}'" for name in wanted]
