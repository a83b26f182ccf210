"""Model servers: address, key, name, timeouts, prices, and how a model is chosen by name."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from chatbot.llm.networks import is_loopback

EVERY_MODEL = "*"


@dataclass(frozen=True)
class Price:
    """Price of a model as the owner states it, in US dollars per million tokens."""

    model: str
    """Name of the model; "*" for all other models."""
    input: float
    output: float
    cached_input: float | None = None
    """Price of input tokens read from a cache; None if it equals the input price."""


OPENAI_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks the OpenAI protocol, and how long to wait for it."""

    base_url: str
    api_key: str | None = field(repr=False)
    connect_timeout_seconds: float = 10
    silence_timeout_seconds: float = 60
    """Longest time without text, before the first word and between words."""
    context_window_tokens: int | None = None
    """Most tokens of question and answer together; None if not set."""
    name: str = ""
    """Name to show instead of the host."""
    supports_prefill: bool = False
    """The model continues an answer that ends the request, instead of starting a new one."""
    tells_progress: bool = False
    """The server can report how much of the prompt the model has read."""
    models: tuple[str, ...] = ()
    """The models to offer; empty for all models that the server lists."""
    provider: str = ""
    """Name of the provider's table in the settings; empty for the first server."""
    label: str = ""
    """Name of the provider in lists."""
    prices: tuple[Price, ...] = ()
    """Prices of the server's models as the owner states them."""
    is_byok: bool = False
    """A visitor named this server and brought the key; only public addresses are connected to."""

    @property
    def host(self) -> str:
        """Host name of the server, such as `api.openai.com`, or the name set for it."""
        return self.name or urlsplit(self.base_url).netloc

    @property
    def display_name(self) -> str:
        """Name that tells this server from the other servers in the settings."""
        return self.label or self.provider or self.host

    @property
    def setting_names(self) -> dict[str, str]:
        """Settings with this server's key and address, as failure details; {} for the first."""
        if self.is_byok:
            return {"set_by": "visitor"}
        if not self.provider:
            return {}
        table = f"providers.{self.provider}"
        return {"key_setting": f"{table}.api_key", "address_setting": f"{table}.base_url"}

    @property
    def fingerprint(self) -> str:
        """Hash of the address, for the store: the address itself may contain private names."""
        return hashlib.sha256(self.base_url.encode()).hexdigest()

    @property
    def is_on_this_machine(self) -> bool:
        """Return True for a loopback address, which no proxy can reach."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


BETWEEN = " · "
"""Separator between provider and model; it appears in no model's name."""


def choice(endpoint: Endpoint, model: str) -> str:
    """Return the name of an endpoint's model in a list of several endpoints' models."""
    return f"{endpoint.provider}{BETWEEN}{model}" if endpoint.provider else model


def choice_label(endpoints: Sequence[Endpoint], choice: str) -> str:
    """Return a choice with the label of its provider, for display."""
    endpoint_and_model = find_choice(endpoints, choice)
    if endpoint_and_model is None or not endpoint_and_model[0].label:
        return choice
    return f"{endpoint_and_model[0].label}{BETWEEN}{endpoint_and_model[1]}"


def find_choice(endpoints: Sequence[Endpoint], text: str) -> tuple[Endpoint, str] | None:
    """Find the endpoint and model for a choice, a choice's label or a bare model name.

    A bare model name means the first endpoint. Returns None for an unknown provider.
    """
    provider, between, model = text.partition(BETWEEN)
    if between:
        for endpoint in endpoints:
            if provider.casefold() in (endpoint.provider.casefold(), endpoint.label.casefold()):
                return endpoint, model.strip()
        return None
    return (endpoints[0], text) if endpoints else None


def without_last_dot(netloc: str) -> str:
    """Return a host and port without the dot that may end a name, as in `example.com.:8000`.

    A certificate and a list of hosts have the name without it.
    """
    return re.sub(r"(?<=[^.])\.(?=(:\d*)?$)", "", netloc)


def web_address(text: str) -> str:
    """Return a web address without its last slash and without the last dot of its host.

    Raises ValueError if it is not valid.
    """
    text = text.strip()
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise ValueError
    if "@" in parts.netloc:  # a user name or password would be shown with the address
        raise ValueError
    _ = parts.port  # raises ValueError if the port is not a number
    return parts._replace(netloc=without_last_dot(parts.netloc)).geturl().rstrip("/")


def is_key(text: str) -> bool:
    """Return True if a text can be a key: visible ASCII, because it is sent as an HTTP header."""
    return re.fullmatch(r"[!#-&(-~]+", text) is not None  # and no quotes


def origin(address: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address; a key is sent to its own origin only."""
    parts = urlsplit(address)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


OPENAI_MODEL = "gpt-4.1-mini"
"""Default model at OpenAI: cheap, fast, and accepts every control on the page."""
