"""Sources of the settings: secrets.toml, the environment and .env, read again when they change."""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import (
    ValidationError,
)

from chatbot import redaction
from chatbot.errors import ChatbotError, Phrase
from chatbot.settings.providers import Provider
from chatbot.settings.settings import Settings

ENV_FILE = Path(".env")

SECRETS_FILE = ".streamlit/secrets.toml"


_FIELD_OF = {field.alias: name for name, field in Settings.model_fields.items() if field.alias}
"""External name (`CHATBOT_MODEL`) to field name in `Settings`."""


def load_settings(secrets: Mapping[str, Any], left_out: Sequence[str] = ()) -> Settings:
    """Return the current settings; unchanged sources are not read again.

    `secrets` is the content of `.streamlit/secrets.toml`, empty without the file. The settings
    `left_out` get their defaults; their values in the sources are ignored. Raises
    ChatbotError("setting") for the first invalid value, with the setting's name, its source and
    the expected form.
    """
    from_secrets = tuple(
        (name, _hashable(secrets[name])) for name in _FIELD_OF if secrets.get(name, "") != ""
    )
    from_environment = tuple(os.environ.get(name) for name in _FIELD_OF)
    return _load(from_secrets, from_environment, _stamp(ENV_FILE), tuple(left_out))


@lru_cache(maxsize=2)
def _load(
    from_secrets: tuple[tuple[str, Any], ...],
    from_environment: tuple[str | None, ...],
    env_file_stamp: tuple[int, int] | None,
    left_out: tuple[str, ...],
) -> Settings:
    """Read all sources; environment and stamp are only keys of the cache."""
    fields = {name: Settings.model_fields[_FIELD_OF[name]] for name in left_out}
    defaults = {name: field.get_default() for name, field in fields.items()}
    try:
        settings = Settings(_env_file=ENV_FILE, **{**dict(from_secrets), **defaults})
    except ValidationError as error:
        path = [str(part) for part in error.errors()[0]["loc"]]
        raise _setting_error(path, dict(from_secrets)) from None  # the cause contains the value
    except UnicodeDecodeError:
        expected = Phrase("setting.env_file")
        raise ChatbotError("file", name=str(ENV_FILE), expected=expected) from None
    redaction.hide(
        *(endpoint.api_key for endpoint in settings.endpoints),
        urlsplit(settings.database_url.get_secret_value()).password,
        *(
            password.get_secret_value()
            for password in (settings.password, settings.admin_password)
            if password
        ),
        *(settings.sign_in.secrets if settings.sign_in else ()),
    )
    return settings


def place_of(name: str, secrets: Mapping[str, Any]) -> str:
    """Return the source of a setting, or the place to set it: a file name or a Phrase."""
    if secrets.get(name, "") != "":
        return SECRETS_FILE
    if os.environ.get(name):
        return Phrase("setting.environment")
    return str(ENV_FILE)


def _setting_error(path: list[str], from_secrets: dict[str, Any]) -> ChatbotError:
    """Make the error for an invalid value; `path` is the way to it through its tables."""
    name, field = path[0], _FIELD_OF[path[0]]
    place = place_of(name, from_secrets)
    if name == "providers" and len(path) > 2 and path[2] in Provider.model_fields:
        name, field = ".".join(path[:3]), path[2]
    return ChatbotError("setting", name=name, place=place, expected=Phrase(f"setting.{field}"))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = list(value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
