"""Where every value comes from.

First found wins: `.streamlit/secrets.toml`, the environment, `.env`, the
defaults below. The page's own controls come before all of these, but belong to
one conversation, not here.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chatbot import SOURCE_URL, masking
from chatbot.caps import PUBLIC, AnswerLimits, Caps, Limits, answer_limits_in, caps_in
from chatbot.endpoints import BETWEEN, OPENAI_BASE_URL, Endpoint, is_key, web_address
from chatbot.errors import ChatbotError, Phrase
from chatbot.i18n import closest_language
from chatbot.password import Password, password_of
from chatbot.prices import Price
from chatbot.providers import Provider, names_in, prices_in
from chatbot.signing_in import SignIn, addresses_in, sign_in_from

ENV_FILE = Path(".env")

SECRETS_FILE = ".streamlit/secrets.toml"

OPENAI_MODEL = "gpt-4.1-mini"
"""What to ask OpenAI for when nobody chose: cheap, quick, and takes every control on the page."""

MAX_TEMPERATURE = 2.0
"""The protocol's own limit; platform.openai.com/docs/api-reference/chat/create."""

MAX_TOKENS = 1_000_000

_APP_NAME = "chatbot"

T = TypeVar("T")


def default_database_url() -> str:
    """A SQLite file in the user's data folder."""
    folder = Path(platformdirs.user_data_dir(_APP_NAME, appauthor=False))
    return f"sqlite:///{folder / 'chatbot.db'}"


def _said(meaning: Callable[[str], T]) -> Callable[[object], T | None]:
    """What a text, or a list of its parts, means; None if nothing was said."""

    def read(value: object) -> T | None:
        parts = value if isinstance(value, list | tuple) else [value]
        return None if value is None else meaning(",".join(map(str, parts)))

    return read


class Settings(BaseSettings):
    """Everything that can be set from outside, typed and checked. Keys never print."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        case_sensitive=True,
        extra="ignore",
        frozen=True,
    )

    api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    base_url: str | None = Field(None, alias="OPENAI_BASE_URL")
    model: str | None = Field(None, alias="CHATBOT_MODEL")
    models: Annotated[tuple[str, ...], NoDecode] = Field((), alias="CHATBOT_MODELS")
    providers: Annotated[dict[str, Provider], NoDecode] = Field({}, alias="providers")
    temperature: float = Field(0.8, ge=0, le=MAX_TEMPERATURE, alias="CHATBOT_TEMPERATURE")
    max_tokens: int = Field(2048, ge=1, le=MAX_TOKENS, alias="CHATBOT_MAX_TOKENS")
    system_prompt: str = Field("", alias="CHATBOT_SYSTEM_PROMPT")
    context_window: int | None = Field(None, ge=256, alias="CHATBOT_CONTEXT_WINDOW")
    prices: Annotated[tuple[Price, ...], NoDecode, BeforeValidator(prices_in)] = Field(
        (), alias="CHATBOT_PRICES"
    )
    language: str | None = Field(None, alias="CHATBOT_LANGUAGE")
    database_url: SecretStr = Field(
        default_factory=lambda: SecretStr(default_database_url()), alias="CHATBOT_DATABASE_URL"
    )
    local_model: Path | None = Field(None, alias="CHATBOT_LOCAL_MODEL")
    connect_timeout_seconds: float = Field(10, gt=0, le=120, alias="CHATBOT_CONNECT_TIMEOUT")
    silence_timeout_seconds: float = Field(60, gt=0, le=3600, alias="CHATBOT_SILENCE_TIMEOUT")
    visitor_endpoints: bool = Field(False, alias="CHATBOT_VISITOR_ENDPOINTS")
    password: SecretStr | None = Field(None, alias="CHATBOT_PASSWORD")
    admin_password: SecretStr | None = Field(None, alias="CHATBOT_ADMIN_PASSWORD")
    sign_in: Annotated[SignIn | None, NoDecode] = Field(None, alias="auth")
    allowed_emails: Annotated[tuple[str, ...], NoDecode, BeforeValidator(addresses_in)] = Field(
        (), alias="CHATBOT_ALLOWED_EMAILS", validate_default=False
    )
    admins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(addresses_in)] = Field(
        (), alias="CHATBOT_ADMINS", validate_default=False
    )
    visitor_limits: Annotated[Caps | None, NoDecode, BeforeValidator(_said(caps_in))] = Field(
        None, alias="CHATBOT_VISITOR_LIMITS"
    )
    site_limits: Annotated[Caps | None, NoDecode, BeforeValidator(_said(caps_in))] = Field(
        None, alias="CHATBOT_SITE_LIMITS"
    )
    answer_limits: Annotated[
        AnswerLimits | None, NoDecode, BeforeValidator(_said(answer_limits_in))
    ] = Field(None, alias="CHATBOT_ANSWER_LIMITS")
    source_url: str = Field(SOURCE_URL, alias="CHATBOT_SOURCE_URL")
    metrics_address: str | None = Field(
        None, pattern=r"^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$", alias="CHATBOT_METRICS_ADDRESS"
    )

    @field_validator("api_key")
    @classmethod
    def _is_a_bare_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_key(value.get_secret_value()):
            raise ValueError
        return value

    @field_validator("base_url", "source_url")
    @classmethod
    def _is_a_web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return web_address(value)

    @field_validator("model")
    @classmethod
    def _has_a_name(cls, value: str | None) -> str | None:
        return (value or "").strip() or None

    @field_validator("models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return names_in(value)

    @field_validator("providers", mode="before")
    @classmethod
    def _as_tables(cls, value: object) -> object:
        # Tables come as pairs of names and values, which can be looked up in a cache.
        if isinstance(value, dict):
            return value
        if not isinstance(value, tuple) or not all(isinstance(one, tuple) for one in value):
            raise ValueError
        return {name: _table(table) for name, table in value}

    @field_validator("providers")
    @classmethod
    def _have_names(cls, value: dict[str, Provider]) -> dict[str, Provider]:
        if any(not name.strip() or BETWEEN.strip() in name for name in value):
            raise ValueError
        return value

    @field_validator("language")
    @classmethod
    def _is_spoken_here(cls, value: str | None) -> str | None:
        if value is None:
            return None
        language = closest_language(value)
        if not re.match(rf"{language}\b|{language}_", value.lower()):
            raise ValueError
        return language

    @field_validator("database_url")
    @classmethod
    def _is_a_database_url(cls, value: SecretStr) -> SecretStr:
        if not re.match(r"(sqlite|postgresql)(\+\w+)?://", value.get_secret_value()):
            raise ValueError
        return value

    @field_validator("local_model")
    @classmethod
    def _is_a_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError
        return value

    @field_validator("password", "admin_password")
    @classmethod
    def _is_a_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            password_of(value.get_secret_value())
        return value

    @field_validator("sign_in", mode="before")
    @classmethod
    def _can_sign_in(cls, value: object) -> object:
        if value is None:
            return None
        # As with providers, tables are pairs here.
        table = _table(value)
        if isinstance(table, dict):
            table = {name: _table(one) for name, one in table.items()}
        return sign_in_from(table)

    @field_validator("allowed_emails", "admins")
    @classmethod
    def _come_by_signing_in(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        # Else everybody would be let in who was to be kept out.
        if value and not info.data.get("sign_in"):
            raise ValueError
        return value

    @field_validator("admins")
    @classmethod
    def _are_persons(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(address.startswith("@") for address in value):
            raise ValueError
        return value

    def password_for(self, purpose: str) -> Password | None:
        """What must be given to come in ("visitor") or to see the app's figures ("admin")."""
        setting = self.admin_password if purpose == "admin" else self.password
        return password_of(setting.get_secret_value()) if setting else None

    @property
    def endpoint(self) -> Endpoint | None:
        """The server that a key or a base URL names."""
        if self.api_key is None and self.base_url is None:
            return None
        return Endpoint(
            base_url=self.base_url or OPENAI_BASE_URL,
            api_key=self.api_key.get_secret_value() if self.api_key else None,
            connect_timeout_seconds=self.connect_timeout_seconds,
            silence_timeout_seconds=self.silence_timeout_seconds,
            models=self.models,
            context_window_tokens=self.context_window,
            prices=self.prices,
        )

    @cached_property  # asked for some thirty times in each run of the page
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All servers whose models can be chosen; none means the built-in model."""
        timeouts = self.connect_timeout_seconds, self.silence_timeout_seconds
        named = [one.endpoint(name, *timeouts) for name, one in self.providers.items()]
        return (self.endpoint, *named) if self.endpoint else tuple(named)

    def limits(self, is_public: bool) -> Limits:
        """What may be taken: as it is set, or else what is sensible where others can ask."""
        otherwise = PUBLIC if is_public else Limits()
        answer = otherwise.answer if self.answer_limits is None else self.answer_limits
        if self.answer_limits is None and answer.tokens is not None:
            # The owner's own default is not taken away by one of ours.
            answer = replace(answer, tokens=max(answer.tokens, self.max_tokens))
        return Limits(
            otherwise.visitor if self.visitor_limits is None else self.visitor_limits,
            otherwise.site if self.site_limits is None else self.site_limits,
            answer,
        )

    @property
    def default_model(self) -> str | None:
        """The model to ask for when nobody chose; None leaves it to the first server's list."""
        if self.model or self.models:
            return self.model or self.models[0]
        if self.api_key and (self.base_url or OPENAI_BASE_URL) == OPENAI_BASE_URL:
            return OPENAI_MODEL
        return None


_FIELD_OF = {field.alias: name for name, field in Settings.model_fields.items() if field.alias}
"""Each setting's name outside (`CHATBOT_MODEL`) to its name in `Settings`."""


def load_settings(secrets: Mapping[str, Any]) -> Settings:
    """The settings as they stand now; unchanged sources are not read again.

    `secrets` is the content of `.streamlit/secrets.toml`, empty without one.
    Raises ChatbotError("setting"), with the setting's name, where it was found
    and what is expected, for the first value that does not fit.
    """
    from_secrets = tuple(
        (name, _hashable(secrets[name])) for name in _FIELD_OF if secrets.get(name, "") != ""
    )
    from_environment = tuple(os.environ.get(name) for name in _FIELD_OF)
    return _load(from_secrets, from_environment, _stamp(ENV_FILE))


@lru_cache(maxsize=1)
def _load(
    from_secrets: tuple[tuple[str, Any], ...],
    from_environment: tuple[str | None, ...],
    env_file_stamp: tuple[int, int] | None,
) -> Settings:
    """Read all sources; the last two arguments only tell whether they changed."""
    try:
        settings = Settings(_env_file=ENV_FILE, **dict(from_secrets))
    except ValidationError as error:
        path = [str(part) for part in error.errors()[0]["loc"]]
        raise _setting_error(path, dict(from_secrets)) from None  # its text would show the value
    except UnicodeDecodeError:
        expected = Phrase("setting.env_file")
        raise ChatbotError("file", name=str(ENV_FILE), expected=expected) from None
    masking.hide(
        *(endpoint.api_key for endpoint in settings.endpoints),
        urlsplit(settings.database_url.get_secret_value()).password,
        *(one.get_secret_value() for one in (settings.password, settings.admin_password) if one),
        *(settings.sign_in.secrets if settings.sign_in else ()),
    )
    return settings


def place_of(name: str, secrets: Mapping[str, Any]) -> str:
    """Where a setting comes from, or else where it could be set: a file's name or a Phrase."""
    if secrets.get(name, "") != "":
        return SECRETS_FILE
    if os.environ.get(name):
        return Phrase("setting.environment")
    return str(ENV_FILE)


def _setting_error(path: list[str], from_secrets: dict[str, Any]) -> ChatbotError:
    """`path` leads to the value, through a table if it is in one."""
    name, field = path[0], _FIELD_OF[path[0]]
    place = place_of(name, from_secrets)
    if name == "providers" and len(path) > 2 and path[2] in Provider.model_fields:
        name, field = ".".join(path[:3]), path[2]
    return ChatbotError("setting", name=name, place=place, expected=Phrase(f"setting.{field}"))


def _table(value: object) -> object:
    if isinstance(value, tuple) and all(isinstance(one, tuple) and len(one) == 2 for one in value):
        return dict(value)
    return value


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
