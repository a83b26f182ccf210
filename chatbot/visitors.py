"""Who is asking: a random token kept in the visitor's own browser.

The token is the only proof of ownership, so the store keeps just its hash. The
server in `deploy/` keeps it in a cookie that no script can read; elsewhere a
cookie may get lost, and the page's own script keeps it.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping

COOKIE = "chatbot-visitor"

SECURE_COOKIE = "__Host-chatbot-visitor"
"""Its name under https: by this prefix no other host of the same domain can set it
(developer.mozilla.org, "Set-Cookie", cookie prefixes)."""


def new_token() -> str:
    """A token for a visitor not seen before: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(value: object) -> bool:
    """Whether a value a browser sent can be a token of ours."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{43}", value) is not None


def token_in(cookies: Mapping[str, str]) -> str | None:
    """The token that a browser's cookies hold, if any."""
    for name in (SECURE_COOKIE, COOKIE):
        if is_token(token := cookies.get(name)):
            return token
    return None


def owner_of(token: str) -> str:
    """The owner's id in the store for a token."""
    return hashlib.sha256(token.encode()).hexdigest()
