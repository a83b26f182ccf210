"""What is wrong with an endpoint, judged by its status, headers and words, or by how it broke off.

The words are those of OpenAI, of the usual servers and of the usual relays.
Nothing of them is shown to anybody: they may echo the conversation or the key.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.parameters import complaints
from chatbot.public_network import NotPublicError

LONGEST_COUNTDOWN_SECONDS = 120
"""Who must wait for longer is told when to come back."""

LONGEST_WAIT_SECONDS = 366 * 24 * 3600
"""Nobody means more than this, which may even be infinite."""

_CONTEXT = r"context|too long|too many tokens|maximum.{0,80}tokens|input length|上下文|过长"
_LIMITS = (
    r"(?:context (?:size|length|window)|token limit)\D{0,24}?(\d{3,8})",  # most servers
    r"maximum number of tokens allowed \((\d{3,8})\)",  # Gemini
    r"[>≤] ?(\d{3,8}) (?:tokens )?maximum",  # Anthropic
    r"(\d{3,8})(?: token)?s? maximum context",  # Mistral
    r"input length should be \[\d+, ?(\d{3,8})\]",  # DashScope
)
"""How servers name their context window when a request does not fit into it."""

MIN_WINDOW_TOKENS = 256
"""A smaller number in such a sentence is something else."""

_QUOTA = r"quota|billing|\bbalance\b|\bcredits?\b|额度|余额|欠费"
_REGION = r"(country|region|territory|location).{0,60}(not|un)|地区"
_FILTER = r"content.?(filter|polic|management)|moderation|inspection|safety|敏感"
_NO_MODEL = r"model.{0,60}(not (exist|found)|unknown|不存在)|(no such|unknown|invalid) model"
_NO_CHANNEL = r"no available channel|无可用渠道"
_BAD_KEY = r"api.?key.{0,40}(valid|incorrect|missing|not)|(valid|incorrect|missing).{0,20}api.?key"

_CLOSED = {
    "ClientOSError",
    "ClientPayloadError",
    "ReadError",
    "RemoteProtocolError",
    "ServerDisconnectedError",
    "WriteError",
}
"""What both transports call a connection closed too early; by name, so as to load neither."""


def refusal(
    status: int, body: object, headers: Mapping[str, str], endpoint: Endpoint, model: str
) -> ChatbotError:
    """The failure that a status other than success stands for.

    `busy` has the seconds until it may be asked again, if the server named them
    and they are few; otherwise the failure names the moment.
    """
    words = complaints(body)
    seconds = wait_seconds(headers, words)
    is_long = seconds is not None and seconds > LONGEST_COUNTDOWN_SECONDS
    host = {"host": endpoint.host}

    def says(pattern: str) -> bool:
        return re.search(pattern, words) is not None

    match status:
        case 409 | 429 if seconds is not None and not is_long:
            return ChatbotError("busy", **host, seconds=f"{seconds:.3f}")
        case 402 | 403 | 429 if status == 402 or says(_QUOTA):
            return _later("quota", seconds, **host)
        case 409 | 429:
            return _later("busy", seconds, **host)
        case 400 | 401 if status == 401 or says(_BAD_KEY):
            return ChatbotError("key_refused" if endpoint.api_key else "key_missing", **host)
        case 400 | 403 | 451 if status == 451 or says(_REGION):
            return ChatbotError("region", **host)
        case 403 if model and says(r"\bmodels?\b|模型"):
            return ChatbotError("model_forbidden", model=model, **host)
        case 403:
            return ChatbotError("forbidden", **host)
        case 400 | 413 | 422 if status == 413 or says(_CONTEXT):
            limit = context_limit(body, words)
            return ChatbotError("too_long", **host, **({"limit": str(limit)} if limit else {}))
        case 400 | 422 if says(_FILTER):
            return ChatbotError("question_filtered", **host)
        case 400 | 422 if says(r"\bmax_(completion_)?tokens\b"):
            return ChatbotError("length_refused", **host)
        case 400 | 422 if says(r"\btemperature\b"):
            return ChatbotError("temperature_refused", **host)
        case 400 | 404 | 422 if model and says("model" if status == 404 else _NO_MODEL):
            return ChatbotError("model_not_found", model=model, **host)
        case 404 | 405:
            return ChatbotError("wrong_address", **host)
        case 408:
            return ChatbotError("timeout", **host)
        case _ if 300 <= status < 400:
            return ChatbotError("redirect", **host)
        case _ if status >= 500 and says(_NO_CHANNEL):
            return ChatbotError("model_not_found", model=model, **host)
        case _ if status >= 500:
            return ChatbotError("server_error", **host)
    return ChatbotError("refused", **host)


def reported(body: object, endpoint: Endpoint, model: str) -> ChatbotError:
    """The failure that a server reports in place of an answer, with a status of success."""
    inner = body.get("error") if isinstance(body, dict) else None
    codes = [part.get("code") for part in (inner, body) if isinstance(part, dict)]
    status = next((code for code in codes if type(code) is int and 400 <= code < 600), None)
    if status is None:
        words = complaints(body)
        signs = {429: rf"rate.?limit|too many requests|{_QUOTA}", 400: _CONTEXT, 401: _BAD_KEY}
        status = next((code for code, sign in signs.items() if re.search(sign, words)), 500)
    return refusal(status, body, {}, endpoint, model)


def broken_connection(error: Exception, endpoint: Endpoint) -> ChatbotError:
    """The failure that an exception of a transport, or of reading a response, stands for."""
    causes = list(_causes(error))
    kinds = {type(cause).__name__ for cause in causes}
    code = "not_an_api"  # no HTTP, or a response of another form
    if any(isinstance(cause, NotPublicError) for cause in causes):
        code = "not_public"
    elif kinds & {"ProxyError", "ClientProxyConnectionError", "ClientHttpProxyError"}:
        code = "proxy"
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        code = "unknown_host"
    elif any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        code = "certificate"
    elif any(isinstance(cause, TimeoutError) for cause in causes):
        code = "timeout"
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        code = "no_tls"
    elif any(str(cause).startswith("illegal") for cause in causes):
        pass  # h11's word for what is no HTTP; its exception is that of a closed connection
    elif kinds & _CLOSED:
        code = "dropped"
    elif kinds & {"APIConnectionError", "APITimeoutError", "ConnectError"}:
        code = "unreachable"
    return ChatbotError(code, host=endpoint.host)


def in_mid_answer(failure: ChatbotError, endpoint: Endpoint) -> ChatbotError:
    """The same failure, once a part of the answer has come."""
    if failure.code == "timeout":
        return ChatbotError("stalled", host=endpoint.host)
    if failure.code in ("dropped", "unreachable", "server_error", "not_an_api", "no_tls"):
        return ChatbotError("interrupted")
    return failure


def wait_seconds(headers: Mapping[str, str], words: str) -> float | None:
    """How long to wait before asking again: by the headers (RFC 9110, 10.2.3), else the words."""
    for name, unit_seconds in (("retry-after-ms", 0.001), ("retry-after", 1)):
        if re.fullmatch(r"\d{1,12}(\.\d+)?", value := headers.get(name, "")):
            return float(value) * unit_seconds
    if when := headers.get("retry-after"):
        try:
            return max(0.0, parsedate_to_datetime(when).timestamp() - time.time())
        except (ValueError, OverflowError):
            pass
    # "Please try again in 1h2m3.5s", "Please retry in 20 seconds", "retryDelay": "35s"
    told = re.search(r"(?:again|retry|wait)\D{0,20}?((?:[\d.]+ ?(?:h|m|s|d)[a-z]*,? ?)+)", words)
    told = told or re.search(r"(?:^| )((?:\d+(?:\.\d+)?(?:ms|s)))(?: |$)", words)
    if not told:
        return None
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    seconds = 0.0
    for number, unit in re.findall(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)", told[1]):
        seconds += float(number) * units[unit]
    return seconds


def context_limit(body: object, words: str) -> int | None:
    """The context window that a refusal names, in tokens."""
    error = body.get("error") if isinstance(body, dict) else None
    named = error.get("n_ctx") if isinstance(error, dict) else None  # llama.cpp
    if type(named) is int and named >= MIN_WINDOW_TOKENS:
        return named
    words = re.sub(r"(?<=\d),(?=\d{3})", "", words)
    for pattern in _LIMITS:
        if (found := re.search(pattern, words)) and int(found[1]) >= MIN_WINDOW_TOKENS:
            return int(found[1])
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _later(code: str, seconds: float | None, **details: str) -> ChatbotError:
    if seconds is None or seconds > LONGEST_WAIT_SECONDS:
        return ChatbotError(code, **details)
    return ChatbotError(f"{code}_until", **details, until=f"{time.time() + seconds:.0f}")
