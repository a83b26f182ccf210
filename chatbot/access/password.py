"""A shared password: verification, and proof in the browser that it was entered.

The owner sets the password itself, or the hash line that `python -m chatbot hash-password`
prints. A browser that has sent the right password gets a proof, which is valid only for this
browser and becomes invalid when the password changes.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache

SHORTEST_PASSWORD = 8

LONGEST_PASSWORD = 200

SCRYPT_COST, SCRYPT_BLOCK, SCRYPT_PASSES = 2**14, 8, 5
"""Cost of each verification: 16 MiB and some tenths of a second (cheatsheetseries.owasp.org,
"Password Storage", scrypt)."""

_LINE = re.compile(r"scrypt:([\w-]{22}):([\w-]{43})")


@dataclass(frozen=True)
class Password:
    """A hashed password: enough to verify it."""

    salt: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Password(***)"

    def is_right(self, typed: str) -> bool:
        """Return True if this is the password. Takes some tenths of a second in both cases."""
        is_too_long = len(typed) > LONGEST_PASSWORD
        return hmac.compare_digest(_key("" if is_too_long else typed, self.salt), self.key)

    def proof(self, purpose: str, token: str) -> str:
        """Return the proof that the browser with this visitor's token sent the password."""
        message = f"{purpose} {token}".encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()

    def is_proof(self, proof: object, purpose: str, token: str) -> bool:
        """Return True if the value that a browser sent is the proof for its token."""
        sent = proof if isinstance(proof, str) else ""
        return hmac.compare_digest(
            sent.encode(errors="replace"), self.proof(purpose, token).encode()
        )


@lru_cache(maxsize=8)
def password_of(setting: str) -> Password:
    """Return the password for a setting. Raises ValueError if the setting is not valid."""
    if line := _LINE.fullmatch(setting):
        return Password(_decoded(line[1]), _decoded(line[2]))
    if setting.startswith("scrypt:") or not SHORTEST_PASSWORD <= len(setting) <= LONGEST_PASSWORD:
        raise ValueError
    # The same salt in every process, or else a proof would be valid in one process only.
    salt = b"chatbot password"
    return Password(salt, _key(setting, salt))


def line_for(password: str) -> str:
    """Return the hash line to set instead of the password itself."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{_encoded(salt)}:{_encoded(_key(password, salt))}"


def _key(password: str, salt: bytes) -> bytes:
    # Keyboards compose the same letters in different ways (unicode.org/reports/tr15).
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    cost = {"n": SCRYPT_COST, "r": SCRYPT_BLOCK, "p": SCRYPT_PASSES}
    return hashlib.scrypt(typed, salt=salt, dklen=32, **cost)


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
