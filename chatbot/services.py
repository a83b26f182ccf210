"""Services that are known to speak the OpenAI protocol: a small file of facts about them."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_FILE = Path(__file__).with_name("services.toml")


@dataclass(frozen=True)
class Service:
    """One of them. `hosts` are patterns of its hosts, with a port where only that tells it."""

    name: str
    base_url: str
    hosts: list[str]
    en: str
    zh: str
    key_from: str | None = None
    """The page on which keys are made; None where none is needed."""

    def note(self, language: str) -> str:
        """What is peculiar to it, in `en` or `zh`."""
        return self.zh if language == "zh" else self.en

    @property
    def path(self) -> str:
        """Where on its hosts the protocol is spoken."""
        return urlsplit(self.base_url).path


@cache
def services() -> list[Service]:
    """All of them, in the order in which the README lists them."""
    with _FILE.open("rb") as file:
        return [Service(**service) for service in tomllib.load(file)["service"]]


def service_at(address: str) -> Service | None:
    """The service that an address belongs to, judged by its host and port alone."""
    netloc = urlsplit(address).netloc.lower()
    return next(
        (one for one in services() if any(fnmatch(netloc, host) for host in one.hosts)), None
    )
