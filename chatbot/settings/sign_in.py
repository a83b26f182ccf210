"""Settings for signing in with an OpenID provider."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from chatbot.access.person import SHORTEST_COOKIE_SECRET
from chatbot.settings.values import names_in

CALLBACK = "/oauth2callback"
"""Streamlit's path to which providers send people back."""

_ADDRESS = re.compile(r"[^@\s,]*@[\w-]+(\.[\w-]+)*")


@dataclass(frozen=True)
class SignIn:
    """Settings of the sign-in. Secrets are never printed."""

    providers: tuple[str, ...]
    """Names of the `[auth.NAME]` tables; DEFAULT_PROVIDER for `[auth]` itself."""
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"SignIn({self.providers})"


DEFAULT_PROVIDER = "default"
"""Streamlit's name for the provider in `[auth]` itself."""


def sign_in_from(table: object) -> SignIn:
    """Read the `[auth]` table. Raises ValueError if signing in cannot work with it."""
    if not isinstance(table, Mapping):
        raise ValueError
    callback = urlsplit(str(table.get("redirect_uri")))
    if callback.scheme not in ("http", "https") or not callback.path.endswith(CALLBACK):
        raise ValueError
    cookie_secret = str(table.get("cookie_secret", ""))
    if len(cookie_secret) < SHORTEST_COOKIE_SECRET:
        raise ValueError
    tables = {name: provider for name, provider in table.items() if isinstance(provider, Mapping)}
    tables.pop("client_kwargs", None)
    if "client_id" in table:
        tables = {DEFAULT_PROVIDER: table, **tables}
    required = ("client_id", "client_secret", "server_metadata_url")
    for name, provider in tables.items():
        # Streamlit does not accept underscores in names.
        if "_" in name or not all(
            isinstance(provider.get(key), str) and provider[key] for key in required
        ):
            raise ValueError
    if not tables:
        raise ValueError
    secrets = [cookie_secret, *(table["client_secret"] for table in tables.values())]
    return SignIn(tuple(tables), tuple(secrets))


def addresses_in(value: object) -> tuple[str, ...]:
    """Read addresses and domains, separated by commas or in a list. Raises ValueError."""
    addresses = tuple(name.lower() for name in names_in(value))
    # An empty list would let everyone in.
    if not addresses or not all(map(_ADDRESS.fullmatch, addresses)):
        raise ValueError
    return addresses
