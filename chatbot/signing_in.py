"""Signing in with OpenID Connect: `[auth]` in secrets.toml, who has signed in, and who may.

Streamlit does the signing in (docs.streamlit.io, "st.login"); this reads what it is
set up with, and what it has learned of a person.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chatbot.providers import names_in

CALLBACK = "/oauth2callback"
"""Where providers send people back to: Streamlit's own path."""

SHORTEST_COOKIE_SECRET = 16

_ADDRESS = re.compile(r"[^@\s,]*@[\w-]+(\.[\w-]+)*")


@dataclass(frozen=True)
class SignIn:
    """How people sign in. What is secret of it never prints."""

    providers: tuple[str, ...]
    """Their names in `[auth.NAME]`; DEFAULT_PROVIDER for the one in `[auth]` itself."""
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"SignIn({self.providers})"


DEFAULT_PROVIDER = "default"
"""Streamlit's name for the provider that stands in `[auth]` itself."""


@dataclass(frozen=True)
class Person:
    """Who has signed in."""

    owner: str
    """Their id in the store."""
    email: str
    """Theirs for certain, in small letters; "" if the provider does not vouch for it."""
    name: str
    """What to call them, on their own page."""


def sign_in_from(table: object) -> SignIn:
    """What `[auth]` says. Raises ValueError if nobody could sign in with that."""
    if not isinstance(table, Mapping):
        raise ValueError
    callback = urlsplit(str(table.get("redirect_uri")))
    if callback.scheme not in ("http", "https") or not callback.path.endswith(CALLBACK):
        raise ValueError
    cookie_secret = str(table.get("cookie_secret", ""))
    if len(cookie_secret) < SHORTEST_COOKIE_SECRET:
        raise ValueError
    tables = {name: one for name, one in table.items() if isinstance(one, Mapping)}
    tables.pop("client_kwargs", None)
    if "client_id" in table:
        tables = {DEFAULT_PROVIDER: table, **tables}
    wanted = ("client_id", "client_secret", "server_metadata_url")
    for name, one in tables.items():
        # Streamlit takes no underscore in a name.
        if "_" in name or not all(isinstance(one.get(key), str) and one[key] for key in wanted):
            raise ValueError
    if not tables:
        raise ValueError
    secrets = [cookie_secret, *(one["client_secret"] for one in tables.values())]
    return SignIn(tuple(tables), tuple(secrets))


def person_in(claims: Mapping[str, Any]) -> Person | None:
    """Who has signed in, by what their provider says of them; None if nobody has.

    Issuer and subject are what never changes and is nobody else's (openid.net, "OpenID
    Connect Core 1.0", section 5.7); an e-mail address may be given to another person.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if claims.get("is_logged_in") is not True or not issuer or not subject:
        return None
    email = str(claims.get("email") or "").strip()
    verified = claims.get("email_verified")
    is_verified = verified is True or verified == "true"  # some send a word
    return Person(
        owner=hashlib.sha256(f"person\n{issuer}\n{subject}".encode()).hexdigest(),
        email=email.lower() if is_verified and email.count("@") == 1 else "",
        name=email or str(claims.get("name") or claims.get("preferred_username") or ""),
    )


def is_among(email: str, addresses: Sequence[str]) -> bool:
    """Whether an address is one of these, or at one of these domains ("@example.org") exactly."""
    name, at, domain = email.partition("@")
    return bool(name and at) and (email in addresses or f"@{domain}" in addresses)


def addresses_in(value: object) -> tuple[str, ...]:
    """Addresses and domains, separated by commas or in a list. Raises ValueError."""
    addresses = tuple(name.lower() for name in names_in(value))
    # A list of nobody would let everybody in.
    if not addresses or not all(map(_ADDRESS.fullmatch, addresses)):
        raise ValueError
    return addresses
