"""The servers that answer: where each one is, what it is called, and how long to wait for it."""

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chatbot.prices import Price

OPENAI_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks the OpenAI protocol, and how long to wait for it."""

    base_url: str
    api_key: str | None = field(repr=False)
    connect_timeout_seconds: float = 10
    silence_timeout_seconds: float = 60
    """How long a stream may bring no text, and how long its first word may take."""
    context_window_tokens: int | None = None
    """How many tokens question and answer may have together; None where nobody said."""
    name: str = ""
    """What to call it instead of its host."""
    goes_on_by_itself: bool = False
    """Whether it takes an answer at the end of what it is sent as the beginning of its own."""
    tells_progress: bool = False
    """Whether it can be asked to tell how far it has read what it is sent."""
    models: tuple[str, ...] = ()
    """The models to offer; empty for all that it lists."""
    provider: str = ""
    """What tells it from the others where there are several; the first one needs no name."""
    label: str = ""
    """What to call the provider in lists."""
    prices: tuple[Price, ...] = ()
    """What the owner says its models cost."""
    is_visitors: bool = False
    """Whether a visitor has named it: then it is reached only where the whole internet can."""

    @property
    def host(self) -> str:
        """The name a person knows it by, such as `api.openai.com`."""
        return self.name or urlsplit(self.base_url).netloc

    @property
    def known_as(self) -> str:
        """The name that tells it from the other servers that are set up."""
        return self.label or self.provider or self.host

    @property
    def setting_names(self) -> dict[str, str]:
        """Where its key and address are set, for a failure's details; empty for the first one."""
        if self.is_visitors:
            return {"set_by": "visitor"}
        if not self.provider:
            return {}
        table = f"providers.{self.provider}"
        return {"key_setting": f"{table}.api_key", "address_setting": f"{table}.base_url"}

    @property
    def fingerprint(self) -> str:
        """What it is kept as: an address may hold what nobody else should read."""
        return hashlib.sha256(self.base_url.encode()).hexdigest()

    @property
    def is_on_this_machine(self) -> bool:
        """Whether it listens on the loopback interface, where no proxy can reach it."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


BETWEEN = " · "
"""Stands between provider and model; no model's name has it."""


def choice(endpoint: Endpoint, model: str) -> str:
    """One of an endpoint's models, as it stands in a list of several endpoints' models."""
    return f"{endpoint.provider}{BETWEEN}{model}" if endpoint.provider else model


def choice_label(endpoints: Sequence[Endpoint], choice: str) -> str:
    """A choice as a person reads it."""
    found = find_choice(endpoints, choice)
    if found is None or not found[0].label:
        return choice
    return f"{found[0].label}{BETWEEN}{found[1]}"


def find_choice(endpoints: Sequence[Endpoint], text: str) -> tuple[Endpoint, str] | None:
    """The endpoint and model that a choice, its label or a model's name alone stands for.

    A name alone means the first endpoint. None if there is no such provider.
    """
    provider, between, model = text.partition(BETWEEN)
    if between:
        for endpoint in endpoints:
            if provider.casefold() in (endpoint.provider.casefold(), endpoint.label.casefold()):
                return endpoint, model.strip()
        return None
    return (endpoints[0], text) if endpoints else None


def web_address(text: str) -> str:
    """An address as a setting may have it. Raises ValueError for what is none."""
    text = text.strip()
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise ValueError
    if "@" in parts.netloc:  # a user name or password would be shown with the address
        raise ValueError
    _ = parts.port  # raises ValueError when it is no number
    return text.rstrip("/")


def is_key(text: str) -> bool:
    """Whether a text can be a key: it travels in an HTTP header, so it is visible ASCII."""
    return re.fullmatch(r"[!#-&(-~]+", text) is not None  # and no key has quotes


def origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address: a key belongs to one of these, and to no other."""
    parts = urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


def is_loopback(hostname: str) -> bool:
    """Whether a host is the machine itself."""
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost" or hostname.endswith(".localhost")


def is_nearby(hostname: str) -> bool:
    """Whether a host is in a network of one's own, where servers seldom have certificates."""
    try:
        return ipaddress.ip_address(hostname).is_private
    except ValueError:
        return is_loopback(hostname) or "." not in hostname or hostname.endswith(".local")
