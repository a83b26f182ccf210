"""Known services with the OpenAI protocol, from a small file of facts."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from chatbot.llm.networks import is_loopback

_FILE = Path(__file__).with_name("presets.toml")


@dataclass(frozen=True)
class Service:
    """A known service. `hosts` are patterns of its hosts, with a port if needed to identify it."""

    name: str
    base_url: str
    hosts: list[str]
    en: str
    zh: str
    key_from: str | None = None
    """Address of the page that creates keys; None if the service needs no key."""

    def note(self, language: str) -> str:
        """Return the service's note for the owner, in `en` or `zh`."""
        return self.zh if language == "zh" else self.en

    @property
    def is_on_this_machine(self) -> bool:
        """True for a program that runs on the owner's machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def path(self) -> str:
        """Path of the API on the service's hosts."""
        return urlsplit(self.base_url).path


@cache
def services() -> list[Service]:
    """Return all known services, in the order of docs/settings.md."""
    with _FILE.open("rb") as file:
        return [Service(**service) for service in tomllib.load(file)["service"]]


def service_at(address: str) -> Service | None:
    """Return the service that an address belongs to, by its host and port."""
    netloc = urlsplit(address).netloc.lower()
    return next(
        (service for service in services() if any(fnmatch(netloc, host) for host in service.hosts)),
        None,
    )
