"""Who is asking: a random token kept in the visitor's own browser.

The token is the only proof of ownership, so the store keeps just its hash.
"""

import hashlib
import re
import secrets


def new_token() -> str:
    """A token for a visitor not seen before: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(value: object) -> bool:
    """Whether a value a browser sent can be a token of ours."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{43}", value) is not None


def owner_of(token: str) -> str:
    """The owner's id in the store for a token."""
    return hashlib.sha256(token.encode()).hexdigest()
