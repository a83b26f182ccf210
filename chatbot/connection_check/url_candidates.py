"""Candidates for the base URL and key that a person meant: pasted text is often almost right."""

import re
from urllib.parse import urlsplit

from chatbot.connection_check.hosts import is_host
from chatbot.connection_check.presets import service_at
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import is_key, without_last_dot
from chatbot.llm.networks import is_loopback, is_nearby
from chatbot.redaction import masked

_ENDINGS = re.compile(r"(/chat/completions|/completions|/responses|/embeddings|/models)/*$")


def base_urls(typed: str) -> list[str]:
    """Return the possible forms of an address, the likeliest first.

    Raises ChatbotError("bad_address") for an impossible address.
    """
    text = typed.strip().strip("\"'<>").strip()
    has_scheme = re.match(r"[a-zA-Z][\w+.-]*://", text)
    if not has_scheme:
        text = f"//{text.lstrip('/')}"
    try:
        parts = urlsplit(text)
        parts = parts._replace(netloc=without_last_dot(parts.netloc))
        _ = parts.port  # raises ValueError if the port is not a number
    except ValueError:
        raise ChatbotError("bad_address") from None
    if parts.scheme not in ("", "http", "https") or not parts.hostname:
        raise ChatbotError("bad_address")
    host = re.sub(r":\d+$", "", parts.netloc)
    if not is_host(host) or re.search(r"\s", text):
        raise ChatbotError("bad_address")
    if "." not in parts.hostname and masked(parts.netloc) != parts.netloc:
        raise ChatbotError("bad_address")  # a key in the wrong field; do not send it to DNS
    return [
        f"{scheme}://{parts.netloc}{path}"
        for scheme in _schemes(parts.scheme, parts.hostname)
        for path in _paths(f"{scheme}://{parts.netloc}", parts.path)
    ]


def pasted_key(typed: str) -> str | None:
    """Return a key without quotes and `Bearer`. Raises ChatbotError("bad_key")."""
    key = typed.strip().removeprefix("Bearer ").strip().strip("\"'")
    if key and not is_key(key):
        raise ChatbotError("bad_key")
    return key or None


def _schemes(typed: str, hostname: str) -> list[str]:
    """Return the schemes to try; a typed `https` is never replaced by `http` over a network."""
    if is_loopback(hostname):
        return ["https", "http"] if typed == "https" else ["http", "https"]
    if typed == "http" or (not typed and is_nearby(hostname)):
        return ["http", "https"]
    return ["https"]


def _paths(address: str, typed: str) -> list[str]:
    path = typed.rstrip("/")
    while _ENDINGS.search(path):
        path = _ENDINGS.sub("", path)
    path = re.sub(r"//+", "/", path)
    service = service_at(address)
    known = [service.path] if service else []
    if path.endswith("/v1"):
        paths = [path, *known, path.removesuffix("/v1")]
    elif path:
        paths = [path, *known, f"{path}/v1", "/v1"]
    else:
        paths = [*known, "/v1", ""]
    return list(dict.fromkeys(paths))
