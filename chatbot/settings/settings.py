"""All settings, typed and validated.

Sources in order of priority: `.streamlit/secrets.toml`, the environment, `.env`, the defaults
below. The page's own controls override the settings, but belong to one conversation and are not
settings.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, TypeVar

import platformdirs
from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chatbot import SOURCE_URL
from chatbot.access.password import Password, password_of
from chatbot.errors import ChatbotError
from chatbot.i18n import closest_language
from chatbot.limits.policy import PUBLIC, AnswerLimits, Limits, Policy, answer_limits_in, policy_in
from chatbot.llm.endpoint import (
    BETWEEN,
    OPENAI_BASE_URL,
    OPENAI_MODEL,
    Endpoint,
    Price,
    is_key,
    web_address,
)
from chatbot.llm.request import MAX_TEMPERATURE, MAX_TOKENS
from chatbot.settings.providers import Provider
from chatbot.settings.sign_in import SignIn, addresses_in, sign_in_from
from chatbot.settings.values import ForAnswers, names_in, prices_in

_APP_NAME = "chatbot"

T = TypeVar("T")


def default_database_url() -> str:
    """Return the URL of a SQLite file in the user's data folder."""
    folder = Path(platformdirs.user_data_dir(_APP_NAME, appauthor=False))
    return f"sqlite:///{folder / 'chatbot.db'}"


def _parsed_with(meaning: Callable[[str], T]) -> Callable[[object], T | None]:
    """Make a validator that parses a text, or a list of its parts, and keeps None."""

    def read(value: object) -> T | None:
        parts = value if isinstance(value, list | tuple) else [value]
        return None if value is None else meaning(",".join(map(str, parts)))

    return read


class Settings(BaseSettings):
    """All settings, typed and validated. Keys are never printed."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        case_sensitive=True,
        extra="ignore",
        frozen=True,
    )

    api_key: ForAnswers[SecretStr | None] = Field(None, alias="OPENAI_API_KEY")
    base_url: ForAnswers[str | None] = Field(None, alias="OPENAI_BASE_URL")
    model: ForAnswers[str | None] = Field(None, alias="CHATBOT_MODEL")
    models: ForAnswers[Annotated[tuple[str, ...], NoDecode]] = Field((), alias="CHATBOT_MODELS")
    providers: ForAnswers[Annotated[dict[str, Provider], NoDecode]] = Field({}, alias="providers")
    temperature: ForAnswers[float] = Field(
        0.8, ge=0, le=MAX_TEMPERATURE, alias="CHATBOT_TEMPERATURE"
    )
    max_tokens: ForAnswers[int] = Field(2048, ge=1, le=MAX_TOKENS, alias="CHATBOT_MAX_TOKENS")
    system_prompt: ForAnswers[str] = Field("", alias="CHATBOT_SYSTEM_PROMPT")
    context_window: ForAnswers[int | None] = Field(None, ge=256, alias="CHATBOT_CONTEXT_WINDOW")
    prices: ForAnswers[Annotated[tuple[Price, ...], NoDecode, BeforeValidator(prices_in)]] = Field(
        (), alias="CHATBOT_PRICES"
    )
    language: str | None = Field(None, alias="CHATBOT_LANGUAGE")
    database_url: SecretStr = Field(
        default_factory=lambda: SecretStr(default_database_url()), alias="CHATBOT_DATABASE_URL"
    )
    local_model: ForAnswers[Path | None] = Field(None, alias="CHATBOT_LOCAL_MODEL")
    connect_timeout_seconds: ForAnswers[float] = Field(
        10, gt=0, le=120, alias="CHATBOT_CONNECT_TIMEOUT"
    )
    silence_timeout_seconds: ForAnswers[float] = Field(
        60, gt=0, le=3600, alias="CHATBOT_SILENCE_TIMEOUT"
    )
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
    visitor_limits: Annotated[Policy | None, NoDecode, BeforeValidator(_parsed_with(policy_in))] = (
        Field(None, alias="CHATBOT_VISITOR_LIMITS")
    )
    site_limits: Annotated[Policy | None, NoDecode, BeforeValidator(_parsed_with(policy_in))] = (
        Field(None, alias="CHATBOT_SITE_LIMITS")
    )
    answer_limits: Annotated[
        AnswerLimits | None, NoDecode, BeforeValidator(_parsed_with(answer_limits_in))
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
        # Tables arrive as pairs of names and values, which are hashable for a cache.
        if isinstance(value, dict):
            return value
        if not isinstance(value, tuple) or not all(isinstance(item, tuple) for item in value):
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
        # Tables arrive as pairs here as well.
        table = _table(value)
        if isinstance(table, dict):
            table = {name: _table(values) for name, values in table.items()}
        return sign_in_from(table)

    @field_validator("allowed_emails", "admins")
    @classmethod
    def _come_by_signing_in(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        # Without sign-in, such a list would have no effect and let everyone in.
        if value and not info.data.get("sign_in"):
            raise ValueError
        return value

    @field_validator("admins")
    @classmethod
    def _are_persons(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(address.startswith("@") for address in value):
            raise ValueError
        return value

    _fault: ChatbotError | None = PrivateAttr(None)

    @property
    def fault(self) -> ChatbotError | None:
        """The invalid setting about answers, if any; nothing can then be asked."""
        return self._fault

    def with_fault(self, fault: ChatbotError) -> "Settings":
        """Return a copy of the settings with a fault."""
        faulty = self.model_copy()
        faulty._fault = fault
        return faulty

    def password_for(self, purpose: str) -> Password | None:
        """Return the password for using the app ("visitor") or for its usage page ("admin")."""
        setting = self.admin_password if purpose == "admin" else self.password
        return password_of(setting.get_secret_value()) if setting else None

    @property
    def endpoint(self) -> Endpoint | None:
        """The server set by OPENAI_API_KEY or OPENAI_BASE_URL, if any."""
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

    @cached_property  # used about thirty times in each run of the page
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All servers whose models can be chosen; empty for the built-in model."""
        timeouts = self.connect_timeout_seconds, self.silence_timeout_seconds
        named = [provider.endpoint(name, *timeouts) for name, provider in self.providers.items()]
        return (self.endpoint, *named) if self.endpoint else tuple(named)

    def limits(self, is_public: bool) -> Limits:
        """Return the limits as set, with defaults if the app is public."""
        otherwise = PUBLIC if is_public else Limits()
        answer = otherwise.answer if self.answer_limits is None else self.answer_limits
        if self.answer_limits is None and answer.tokens is not None:
            # A default limit must not be lower than the owner's own default length.
            answer = replace(answer, tokens=max(answer.tokens, self.max_tokens))
        return Limits(
            otherwise.visitor if self.visitor_limits is None else self.visitor_limits,
            otherwise.site if self.site_limits is None else self.site_limits,
            answer,
        )

    @property
    def default_model(self) -> str | None:
        """The model used until a visitor chooses; None for the first model of the list."""
        if self.model or self.models:
            return self.model or self.models[0]
        if self.api_key and (self.base_url or OPENAI_BASE_URL) == OPENAI_BASE_URL:
            return OPENAI_MODEL
        return None


def _table(value: object) -> object:
    if isinstance(value, tuple) and all(
        isinstance(item, tuple) and len(item) == 2 for item in value
    ):
        return dict(value)
    return value
