"""Mapping of an endpoint's failures to ChatbotErrors, by status, headers, words and exception.

The patterns match messages of OpenAI, of common servers and of common relays. The messages
themselves are never shown, because they may repeat the conversation or the key.
"""

import re
import socket
import ssl
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from chatbot.errors import ChatbotError
from chatbot.llm import wordings
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.public_addresses import NotPublicError
from chatbot.llm.request import complaints
from chatbot.llm.stream.completion import Completion
from chatbot.llm.stream.sse import EndpointFault

LONGEST_COUNTDOWN_SECONDS = 120
"""Longest countdown on the page; for a longer wait the page shows the time of day instead."""

LONGEST_WAIT_SECONDS = 366 * 24 * 3600
"""Longest believable wait; servers also send infinity."""

_LIMITS = (
    r"(?:context (?:size|length|window)|token limit)\D{0,24}?(\d{3,8})",  # most servers
    r"maximum number of tokens allowed \((\d{3,8})\)",  # Gemini
    r"[>≤] ?(\d{3,8}) (?:tokens )?maximum",  # Anthropic
    r"(\d{3,8})(?: token)?s? maximum context",  # Mistral
    r"input length should be \[\d+, ?(\d{3,8})\]",  # DashScope
)
"""Patterns for the context window in a server's refusal of a request that is too long."""

MIN_WINDOW_TOKENS = 256
"""Smallest believable context window; a smaller number in a refusal has another meaning."""

_TELLING = {401, 402, 404, 413, 429, 451}
"""Error codes that are more reliable than the message beside them."""

_CLOSED = {
    "ClientOSError",
    "ClientPayloadError",
    "ReadError",
    "RemoteProtocolError",
    "ServerDisconnectedError",
    "WriteError",
}
"""Exceptions of both transports for a connection closed too early; by name, to import neither."""


@dataclass(frozen=True)
class Rule:
    """A failure's code for responses with one of `statuses` and words that match `pattern`."""

    statuses: Container[int]
    pattern: str
    code: str
    is_about_model: bool = False
    """The rule applies only to a request that named a model."""

    def fits(self, status: int, words: str, model: str) -> bool:
        """Return True if the rule applies to a response; `words` are its own, in lower case."""
        is_possible = status in self.statuses and (model or not self.is_about_model)
        return bool(is_possible and re.search(self.pattern, words))


_ANYTHING = ""
_REDIRECTS, _ERRORS, _SERVER_ERRORS = range(300, 400), range(400, 1000), range(500, 1000)

RULES = (
    Rule({402}, _ANYTHING, "quota"),
    Rule({400, 403, 429}, wordings.QUOTA, "quota"),
    Rule({409, 429}, _ANYTHING, "busy"),
    Rule({401}, _ANYTHING, "key_refused"),
    Rule({400}, wordings.BAD_KEY, "key_refused"),
    Rule({400, 404, 405, 415, 422, 500, 501}, wordings.NO_CHAT, "no_chat"),
    Rule({400, 404, 415, 422, 500, 501}, wordings.NO_PICTURES, "no_pictures"),
    Rule({451}, _ANYTHING, "region"),
    Rule({400, 403}, wordings.REGION, "region"),
    Rule({403}, wordings.MODEL, "model_forbidden", is_about_model=True),
    Rule({403}, _ANYTHING, "forbidden"),
    Rule({413}, _ANYTHING, "too_long"),
    Rule({400, 422}, wordings.CONTEXT, "too_long"),
    Rule({400, 422}, wordings.FILTER, "question_filtered"),
    Rule({400, 422}, wordings.LENGTH, "length_refused"),
    Rule({400, 422}, wordings.TEMPERATURE, "temperature_refused"),
    Rule({404}, "model", "model_not_found", is_about_model=True),
    Rule({400, 422}, wordings.NO_MODEL, "model_not_found", is_about_model=True),
    Rule({400}, wordings.NO_CHANNEL, "model_not_found"),
    Rule(_ERRORS, wordings.NO_MEMORY, "no_memory"),
    Rule({404, 405}, _ANYTHING, "wrong_address"),
    Rule({408}, _ANYTHING, "timeout"),
    Rule(_REDIRECTS, _ANYTHING, "redirect"),
    Rule(_SERVER_ERRORS, wordings.NO_CHANNEL, "model_not_found"),
    Rule(_SERVER_ERRORS, wordings.OVERLOADED, "busy"),
    Rule(_SERVER_ERRORS, _ANYTHING, "server_error"),
    Rule(range(1000), _ANYTHING, "refused"),
)
"""The first rule that fits decides, so narrower rules come first."""


def failure(error: Exception, endpoint: Endpoint, model: str = "") -> ChatbotError:
    """Map any exception of a request, or of reading its response, to a failure."""
    import openai

    match error:
        case ChatbotError():
            return error
        case openai.APIStatusError():
            return refusal(error.status_code, error.body, error.response.headers, endpoint, model)
        case EndpointFault():
            return reported(error.body, endpoint, model)
        case _:
            return broken_connection(error, endpoint)


def refusal(
    status: int, body: object, headers: Mapping[str, str], endpoint: Endpoint, model: str
) -> ChatbotError:
    """Map a response with an error status to a failure.

    A `busy` failure has the seconds until the next try if the server named a short wait. For a
    longer wait the failure has the time at which it ends.
    """
    words = complaints(body)
    seconds = wait_seconds(headers, words)
    host = endpoint.host
    code = next(rule.code for rule in RULES if rule.fits(status, words, model))
    is_short = seconds is not None and seconds <= LONGEST_COUNTDOWN_SECONDS
    if is_short and (code == "busy" or status in (409, 429)):
        return ChatbotError("busy", host=host, seconds=f"{seconds:.3f}")
    match code:
        case "quota" | "busy":
            return _later(code, seconds, host=host)
        case "key_refused" if not endpoint.api_key:
            return ChatbotError("key_missing", host=host)
        case "too_long" if limit := context_limit(body, words):
            return ChatbotError("too_long", host=host, limit=str(limit))
        case "server_error":
            return ChatbotError("server_error", host=host, status=str(status))
    return ChatbotError(code, host=host, model=model)


def reported(body: object, endpoint: Endpoint, model: str) -> ChatbotError:
    """Map an error that a server sent instead of an answer, with a status of success."""
    words = complaints(body)
    status = _status_of_code(body)
    if status in _TELLING:
        return refusal(status, body, {}, endpoint, model)
    by_words = (code for code, sign in wordings.STATUS_OF_WORDS if re.search(sign, words))
    failure = refusal(next(by_words, status or 500), body, {}, endpoint, model)
    if status is None:
        failure.details.pop("status", None)  # the server did not send this status
    return failure


def _status_of_code(body: object) -> int | None:
    """Return the HTTP status that the error's body contains as its code, if any."""
    body = body[0] if isinstance(body, list) and len(body) == 1 else body
    if not isinstance(body, dict):
        return None
    base = body.get("base_resp")
    if isinstance(base, dict):
        return wordings.STATUS_OF_MINIMAX.get(str(base.get("status_code")))
    parts = [part for part in (body.get("error"), body) if isinstance(part, dict)]
    codes = (str(part.get(name)) for part in parts for name in ("code", "status"))
    return next((int(code) for code in codes if re.fullmatch(r"[45]\d\d", code, re.ASCII)), None)


def broken_connection(error: Exception, endpoint: Endpoint) -> ChatbotError:
    """Map an exception of a transport, or of reading a response, to a failure."""
    causes = list(_causes(error))
    kinds = {type(cause).__name__ for cause in causes}
    code = "not_an_api"  # not HTTP, or a response of another form
    if any(isinstance(cause, NotPublicError) for cause in causes):
        code = "not_public"
    elif kinds & {"ProxyError", "ClientProxyConnectionError", "ClientHttpProxyError"}:
        code = "proxy"
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        code = "unknown_host"
    elif any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        code = "certificate"
    elif any(isinstance(cause, TimeoutError) for cause in causes):
        # Without a connection nothing was sent, so nothing is billed.
        code = "unreachable" if "ConnectTimeout" in kinds else "timeout"
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        code = "no_tls"
    elif any(str(cause).startswith("illegal") for cause in causes):
        pass  # h11's message for bytes that are not HTTP; it uses the closed connection's exception
    elif kinds & _CLOSED:
        code = "dropped"
    elif kinds & {"APIConnectionError", "APITimeoutError", "ConnectError"}:
        code = "unreachable"
    return ChatbotError(code, host=endpoint.host)


def in_mid_answer(failure: ChatbotError, endpoint: Endpoint) -> ChatbotError:
    """Return the failure to show if a part of the answer has already arrived."""
    code = failure.kind.after_text
    return ChatbotError(code, host=endpoint.host) if code else failure


def wait_seconds(headers: Mapping[str, str], words: str) -> float | None:
    """Return the seconds to wait before the next try, from headers (RFC 9110, 10.2.3) or words."""
    for name, unit_seconds in (("retry-after-ms", 0.001), ("retry-after", 1)):
        if re.fullmatch(r"\d{1,12}(\.\d+)?", value := headers.get(name, "")):
            return float(value) * unit_seconds
    if when := headers.get("retry-after"):
        try:
            return max(0.0, parsedate_to_datetime(when).timestamp() - time.time())
        except (ValueError, OverflowError):
            pass
    # "Please try again in 1h2m3.5s", "Please retry in 20 seconds", "retryDelay": "35s"
    match = re.search(r"(?:again|retry|wait)\D{0,20}?((?:[\d.]+ ?(?:h|m|s|d)[a-z]*,? ?)+)", words)
    match = match or re.search(r"(?:^| )((?:\d+(?:\.\d+)?(?:ms|s)))(?: |$)", words)
    if not match:
        return None
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    seconds = 0.0
    for number, unit in re.findall(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)", match[1]):
        seconds += float(number) * units[unit]
    return seconds


def context_limit(body: object, words: str) -> int | None:
    """Return the context window in tokens that a refusal names, if any."""
    error = body.get("error") if isinstance(body, dict) else None
    named = error.get("n_ctx") if isinstance(error, dict) else None  # llama.cpp
    if type(named) is int and named >= MIN_WINDOW_TOKENS:
        return named
    words = re.sub(r"(?<=\d),(?=\d{3})", "", words)
    for pattern in _LIMITS:
        if (match := re.search(pattern, words)) and int(match[1]) >= MIN_WINDOW_TOKENS:
            return int(match[1])
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _later(code: str, seconds: float | None, **details: str) -> ChatbotError:
    if seconds is None or seconds > LONGEST_WAIT_SECONDS:
        return ChatbotError(code, **details)
    return ChatbotError(f"{code}_until", **details, until=f"{time.time() + seconds:.0f}")


def no_text(host: str, completion: Completion, has_thought: bool) -> ChatbotError:
    """Return the failure for a stream without text that ended by itself, not by its length."""
    if completion.tools:
        return ChatbotError("tool_call", tool=", ".join(completion.tools))
    if has_thought and completion.finish_reason is not None:
        return ChatbotError("only_thought")
    return ChatbotError("empty", host=host)
