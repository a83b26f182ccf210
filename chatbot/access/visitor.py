"""Visitors' tokens: a random token in the visitor's own browser identifies the visitor.

The token is the only proof of ownership, so the store keeps only its hash. The server in
`deploy/` sets it as a cookie that scripts cannot read. Without that server the page's own
script keeps the token, because a cookie may get lost.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping

COOKIE = "chatbot-visitor"

SECURE_COOKIE = "__Host-chatbot-visitor"
"""Cookie name under HTTPS: with this prefix no other host of the same domain can set the cookie
(developer.mozilla.org, "Set-Cookie", cookie prefixes)."""


def new_token() -> str:
    """Create a token for a new visitor: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(value: object) -> bool:
    """Return True if a value that a browser sent has the form of a token."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{43}", value) is not None


def token_in(cookies: Mapping[str, str]) -> str | None:
    """Return the token in a browser's cookies, if any."""
    for name in (SECURE_COOKIE, COOKIE):
        if is_token(token := cookies.get(name)):
            return token
    return None


def owner_of(token: str) -> str:
    """Return the owner id in the store for a token."""
    return hashlib.sha256(token.encode()).hexdigest()
