"""Addresses and keys as they are meant: what people paste is often almost right."""

import re
from urllib.parse import urlsplit

from chatbot.endpoints import is_key, is_loopback, is_nearby
from chatbot.errors import ChatbotError
from chatbot.masking import masked
from chatbot.services import service_at

_ENDINGS = re.compile(r"(/chat/completions|/completions|/responses|/embeddings|/models)/*$")


def base_urls(typed: str) -> list[str]:
    """The forms of an address that are worth a try, the likeliest first.

    Raises ChatbotError("bad_address") for what cannot be one.
    """
    text = typed.strip().strip("\"'<>").strip()
    has_scheme = re.match(r"[a-zA-Z][\w+.-]*://", text)
    if not has_scheme:
        text = f"//{text.lstrip('/')}"
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError when it is no number
    except ValueError:
        raise ChatbotError("bad_address") from None
    if parts.scheme not in ("", "http", "https") or not parts.hostname:
        raise ChatbotError("bad_address")
    if re.search(r"[@\\]|:$", parts.netloc) or re.search(r"\s", text):
        raise ChatbotError("bad_address")
    if "." not in parts.hostname and masked(parts.netloc) != parts.netloc:
        raise ChatbotError("bad_address")  # a key in the wrong field, which must not be looked up
    return [
        f"{scheme}://{parts.netloc}{path}"
        for scheme in _schemes(parts.scheme, parts.hostname)
        for path in _paths(f"{scheme}://{parts.netloc}", parts.path)
    ]


def pasted_key(typed: str) -> str | None:
    """A key, whatever was pasted around it. Raises ChatbotError("bad_key")."""
    key = typed.strip().removeprefix("Bearer ").strip().strip("\"'")
    if key and not is_key(key):
        raise ChatbotError("bad_key")
    return key or None


def _schemes(typed: str, hostname: str) -> list[str]:
    """Over a network a key is sent unencrypted only where nobody asked for encryption."""
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
