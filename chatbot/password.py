"""A password that many share: is it the right one, and who has given it.

It is set as itself, or as the line that `python -m chatbot.password` prints, from
which nobody can tell it. Whoever has given it gets a proof of that, which holds
for their own browser alone and ends when the password is changed.
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
"""What one guess costs: 16 MiB and some tenths of a second (cheatsheetseries.owasp.org,
"Password Storage", scrypt)."""

_LINE = re.compile(r"scrypt:([\w-]{22}):([\w-]{43})")


@dataclass(frozen=True)
class Password:
    """What is known of a password: enough to recognise it."""

    salt: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Password(***)"

    def is_right(self, typed: str) -> bool:
        """Whether this is the password. Takes some tenths of a second, right or wrong."""
        is_too_long = len(typed) > LONGEST_PASSWORD
        return hmac.compare_digest(_key("" if is_too_long else typed, self.salt), self.key)

    def proof(self, purpose: str, token: str) -> str:
        """What shows that the browser with this visitor's token was given the password."""
        message = f"{purpose} {token}".encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()

    def is_proof(self, proof: object, purpose: str, token: str) -> bool:
        """Whether something a browser sent is that."""
        sent = proof if isinstance(proof, str) else ""
        return hmac.compare_digest(
            sent.encode(errors="replace"), self.proof(purpose, token).encode()
        )


@lru_cache(maxsize=8)
def password_of(setting: str) -> Password:
    """The password that a setting stands for. Raises ValueError if it can stand for none."""
    if line := _LINE.fullmatch(setting):
        return Password(_decoded(line[1]), _decoded(line[2]))
    if setting.startswith("scrypt:") or not SHORTEST_PASSWORD <= len(setting) <= LONGEST_PASSWORD:
        raise ValueError
    # The same in every process, or else a proof would hold in one of them only.
    salt = b"chatbot password"
    return Password(salt, _key(setting, salt))


def line_for(password: str) -> str:
    """What to set instead of the password itself."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{_encoded(salt)}:{_encoded(_key(password, salt))}"


def _key(password: str, salt: bytes) -> bytes:
    # However a keyboard puts its letters together (unicode.org/reports/tr15).
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    cost = {"n": SCRYPT_COST, "r": SCRYPT_BLOCK, "p": SCRYPT_PASSES}
    return hashlib.scrypt(typed, salt=salt, dklen=32, **cost)


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    from chatbot import password_command

    password_command.main()
