"""Writing of a connection check's result into `.env`.

A key stays with its own server: a new address is written together with the key that was typed for
it, or with no key.
"""

from collections.abc import Mapping
from typing import Any

from chatbot.connection_check.report import Report
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import OPENAI_BASE_URL, origin
from chatbot.settings.settings import Settings
from chatbot.settings.sources import ENV_FILE, place_of

Changes = dict[str, str | None]
"""Names of settings with their new values; None removes a setting, as an empty value does."""


def changes(settings: Settings, report: Report) -> Changes:
    """Return the changes of settings that make the app use a report's endpoint."""
    endpoint = report.endpoint
    now = settings.base_url or (OPENAI_BASE_URL if settings.api_key else "")
    key = settings.api_key.get_secret_value() if settings.api_key else None
    changes: Changes = {}
    if endpoint.base_url != now:
        changes["OPENAI_BASE_URL"] = endpoint.base_url
    if settings.fault and not endpoint.api_key:
        # The key in the faulty settings may be for another address.
        changes["OPENAI_API_KEY"] = None
    if endpoint.api_key != key and (endpoint.api_key or origin(endpoint.base_url) != origin(now)):
        changes["OPENAI_API_KEY"] = endpoint.api_key
    offered = (*report.models, report.model)
    if settings.models and not set(settings.models) & set(offered):
        changes["CHATBOT_MODELS"] = None
    if (settings.model or not report.models) and settings.model not in offered:
        changes["CHATBOT_MODEL"] = report.model
    return changes


def places_that_win(changes: Changes, secrets: Mapping[str, Any]) -> dict[str, str]:
    """Return the wanted settings that a source above `.env` overrides, with that source."""
    places = {name: place_of(name, secrets) for name in changes}
    return {name: place for name, place in places.items() if place != str(ENV_FILE)}


def write(changes: Changes) -> None:
    """Write changes into `.env`, readable only for its owner. Other lines stay.

    Raises ChatbotError("env_file").
    """
    from dotenv import set_key

    file = ENV_FILE.resolve()  # a symbolic link stays a link
    copy = file.with_name(f"{file.name}.new")
    try:
        text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
        copy.unlink(missing_ok=True)
        copy.touch(0o600)
        copy.write_text(text, "utf-8")
        for name, value in changes.items():
            set_key(copy, name, value or "")
        # In one step, so that an address is never read together with another server's key.
        copy.replace(file)
    except (OSError, ValueError) as error:
        copy.unlink(missing_ok=True)
        raise ChatbotError("env_file", name=str(ENV_FILE)) from error


def lines(changes: Changes) -> list[str]:
    """Return changes as lines of the file, without the key; removed settings are empty."""
    shown = {**changes, "OPENAI_API_KEY": "…" if changes.get("OPENAI_API_KEY") else ""}
    return [f"{name}='{shown[name] or ''}'" for name in changes]
