"""Signing in with OpenID Connect: the person who has signed in, and the allowed addresses.

Streamlit handles the sign-in (docs.streamlit.io, "st.login"); this module reads the claims that
Streamlit received from the provider.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHORTEST_COOKIE_SECRET = 16


@dataclass(frozen=True)
class Person:
    """A person who has signed in."""

    owner: str
    """The person's id in the store."""
    email: str
    """Verified e-mail address in lower case; "" if the provider has not verified an address."""
    name: str
    """Name to show on the person's own page."""


def person_in(claims: Mapping[str, Any]) -> Person | None:
    """Return the person described by a provider's claims; None if no person has signed in.

    Only issuer and subject together are unique and never change (openid.net, "OpenID
    Connect Core 1.0", section 5.7); an e-mail address may pass to another person.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if claims.get("is_logged_in") is not True or not issuer or not subject:
        return None
    email = str(claims.get("email") or "").strip()
    verified = claims.get("email_verified")
    is_verified = verified is True or verified == "true"  # some providers send a string
    return Person(
        owner=hashlib.sha256(f"person\n{issuer}\n{subject}".encode()).hexdigest(),
        email=email.lower() if is_verified and email.count("@") == 1 else "",
        name=email or str(claims.get("name") or claims.get("preferred_username") or ""),
    )


def is_among(email: str, addresses: Sequence[str]) -> bool:
    """Return True if an address, or exactly its domain ("@example.org"), is in the list."""
    name, at, domain = email.partition("@")
    return bool(name and at) and (email in addresses or f"@{domain}" in addresses)
