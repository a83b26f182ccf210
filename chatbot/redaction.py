"""Masking of secrets in logs: every record is masked when it is created, by any library.

Masked are the secrets from the settings, and all text that looks like a secret: keys, bearer
tokens, passwords in addresses, visitors' tokens, shared links. Ids of conversations and
messages stay readable, because they give access to nobody but the visitor who owns them.
"""

import logging
import re
import traceback
from typing import Any

MASK = "***"

LONGEST_RECORD = 20_000
"""Most characters of one log record; a client can send 16 MB that a library then logs."""

_LONGEST_CUT_SECRET = 500
"""Characters dropped at each cut of a shortened record, which may be a part of a secret."""

SHORTEST_SECRET = 8
"""Shorter keys, such as `EMPTY` for a server that needs no key, would mask ordinary words."""

_PATTERNS = (
    re.compile(r"\b(?:sk|gsk|xai|hf|rk|pk|nvapi|pplx|csk|ghp|github_pat)[-_][A-Za-z0-9_-]{8,}"),
    re.compile(r"\b(?:AIza|AQ\.)[A-Za-z0-9_-]{30,}"),  # Gemini
    re.compile(r"\b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b"),  # Zhipu: id.secret
    re.compile(
        r"\b[A-Za-z0-9]{40,}(?:JQQJ|AAAB)[A-Za-z0-9]{8,}"
    ),  # Azure marks its keys with this signature
    # A token of another service (RFC 7519). Not all three parts are asked for: a pattern that can
    # fail after a long match takes quadratic time.
    re.compile(r"\beyJ[\w-]{8,}[\w.-]*"),
    re.compile(r"(?i)(?<=\bbearer\s)[^\s\"',;]+"),
    re.compile(r"(?i)(?<=api[-_]key[=:])\s*[^\s&\"',;]+"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?<=chatbot-visitor=)[^\s;\"',]+"),
    re.compile(r"(?<=share=)[0-9A-Za-z]+"),
)

_secrets: set[str] = set()


def hide(*secrets: str | None) -> None:
    """Mask these secrets, and all text that looks like a secret, in all logs from now on."""
    _secrets.update(secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET)
    logging.setLogRecordFactory(_MaskedRecord)


def masked(text: str) -> str:
    """Return a text with every secret masked."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return text


class _MaskedRecord(logging.LogRecord):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:
            # If `exc_text` is set, formatters use it instead of the exception itself.
            self.exc_text = _logged("".join(traceback.format_exception(*self.exc_info)).rstrip())

    def getMessage(self) -> str:
        return _logged(super().getMessage())


def _logged(text: str) -> str:
    """Return a text with every secret masked, without the middle of a very long text."""
    if len(text) <= LONGEST_RECORD:
        return masked(text)
    half = LONGEST_RECORD // 2
    begin, end = masked(text[:half]), masked(text[-half:])
    left_out = len(text) - 2 * half
    return f"{begin[:-_LONGEST_CUT_SECRET]} … ({left_out} characters) … {end[_LONGEST_CUT_SECRET:]}"
