"""The thin OpenAI client: stream a reply, list models.

The only module that imports `openai`. Every exception of the library, of its
transport and of the parser is turned into a ChatbotError at one seam,
`_translated`, with the original chained for the log.
"""

import asyncio
import importlib
import json
import logging
import re
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatbot.errors import ChatbotError
from chatbot.settings import Endpoint

if TYPE_CHECKING:
    import httpx2
    import openai  # a third of a second and 20 MB: only once there is a server to talk to

log = logging.getLogger(__name__)

LONGEST_SILENT_RETRY_SECONDS = 5
"""A server that wants a longer pause is called busy, rather than waited for without a word."""

_PARAMETER_REFUSED = re.compile(
    r"unsupported|unrecognized|unknown|unexpected|not support|not permitted|extra"
)
"""How servers say that they do not know a parameter, as opposed to disliking its value's size."""


@dataclass(frozen=True)
class ReplyRequest:
    """What the model is asked: messages as `{"role": …, "content": …}`, and how to answer."""

    model: str
    messages: list[dict[str, str]]
    temperature: float
    max_tokens: int


@dataclass(frozen=True)
class Completion:
    """How a stream ended. Token counts are the endpoint's own; None where it gave none."""

    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Client:
    """Talks to any number of endpoints. Belongs to one event loop."""

    def __init__(self) -> None:
        self._connections: dict[Endpoint, openai.AsyncOpenAI] = {}
        self._refused: dict[tuple[str, str], dict[str, str | None]] = {}
        """By base URL and model: parameters it refuses, each with its replacement, if any."""

    async def stream_reply(
        self, endpoint: Endpoint, request: ReplyRequest, on_text: Callable[[str], None]
    ) -> Completion:
        """Ask for a reply and call `on_text` with each piece of it as it comes.

        Raises ChatbotError when the endpoint fails, before or during the reply,
        or stays silent for `endpoint.silence_timeout_seconds`. A stream that
        just ends returns a Completion without a finish reason.
        """
        with _translated(endpoint, request.model):
            return await self._stream(endpoint, request, on_text)

    async def list_models(self, endpoint: Endpoint) -> list[str]:
        """The ids of the models that the endpoint offers, in its own order.

        Raises ChatbotError when it has no such list or cannot be reached.
        """
        with _translated(endpoint, otherwise="not_an_api"):
            async with asyncio.timeout(endpoint.silence_timeout_seconds):
                page = await self._connect(endpoint).models.list()
                return [model.id for model in page.data if isinstance(model.id, str)]

    async def load(self) -> None:
        """Load the library ahead of its first use, without holding up the loop."""
        await asyncio.to_thread(importlib.import_module, "openai")

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    def _connect(self, endpoint: Endpoint) -> "openai.AsyncOpenAI":
        if endpoint not in self._connections:
            import openai

            self._connections[endpoint] = openai.AsyncOpenAI(
                base_url=endpoint.base_url,
                # Servers of one's own often take no key, but the client insists on one.
                api_key=endpoint.api_key or "none",
                max_retries=2,
                timeout=openai.Timeout(
                    endpoint.silence_timeout_seconds, connect=endpoint.connect_timeout_seconds
                ),
                http_client=_transport(endpoint)(
                    # A redirect would carry the conversation, and perhaps the key, elsewhere.
                    follow_redirects=False,
                    # Proxy variables would send even loopback traffic to the proxy.
                    trust_env=not endpoint.is_on_this_machine,
                    # Without TLS there is nothing to verify, so no authorities are loaded.
                    verify=not endpoint.base_url.startswith("http://"),
                    event_hooks={"response": [_retry_soon_or_not_at_all]},
                ),
            )
        return self._connections[endpoint]

    async def _stream(
        self, endpoint: Endpoint, request: ReplyRequest, on_text: Callable[[str], None]
    ) -> Completion:
        import openai

        loop = asyncio.get_running_loop()
        while True:
            refused = self._refused.get((endpoint.base_url, request.model), {})
            parameters = _parameters(request, refused)
            completions = self._connect(endpoint).chat.completions
            try:
                async with asyncio.timeout(2 * endpoint.silence_timeout_seconds) as deadline:
                    # Raw lines: building the library's typed chunks costs three times the CPU.
                    async with completions.with_streaming_response.create(**parameters) as response:
                        if "text/event-stream" not in response.headers.get("content-type", ""):
                            raise ChatbotError("not_an_api", host=endpoint.host)

                        def on_progress() -> None:
                            # Comments and empty deltas are silence too.
                            deadline.reschedule(loop.time() + endpoint.silence_timeout_seconds)

                        on_progress()
                        return await _read(response.iter_lines(), on_text, on_progress)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                name = _refused_parameter(error, parameters)
                if name is None:
                    raise
                replacement = "max_completion_tokens" if name == "max_tokens" else None
                known = self._refused.setdefault((endpoint.base_url, request.model), {})
                known[name] = replacement


def _transport(endpoint: Endpoint) -> "type[httpx2.AsyncClient]":
    """The quicker transport, except where it cannot go: through a SOCKS proxy."""
    import openai

    proxies = {} if endpoint.is_on_this_machine else urllib.request.getproxies()
    if any(proxy.startswith("socks") for proxy in proxies.values()):
        return openai.DefaultAsyncHttpxClient
    return openai.DefaultAioHttpClient


async def _retry_soon_or_not_at_all(response: "httpx2.Response") -> None:
    """Keep the library from waiting for minutes; it obeys this header above all."""
    pause = response.headers.get("retry-after", "0")
    if not pause.isdigit() or int(pause) > LONGEST_SILENT_RETRY_SECONDS:
        response.headers["x-should-retry"] = "false"


def _parameters(request: ReplyRequest, refused: dict[str, str | None]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "model": request.model,
        "messages": request.messages,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for name, replacement in refused.items():
        value = parameters.pop(name, None)
        if replacement:
            parameters[replacement] = value
    return parameters


def _refused_parameter(error: "openai.APIStatusError", parameters: dict[str, Any]) -> str | None:
    """Which optional parameter a 400 or 422 does not know, learned from its own words."""
    words = " ".join(_complaints(error.body)).lower()
    if not _PARAMETER_REFUSED.search(words):
        return None
    for name in ("stream_options", "max_tokens", "temperature"):
        if name in parameters and re.search(rf"\b{name}\b", words):
            return name
    return None


def _complaints(body: object) -> Iterator[str]:
    """What an error says, without what it echoes of the request, in OpenAI's and others' forms."""
    if isinstance(body, list):
        for item in body:
            yield from _complaints(item)
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in ("message", "msg", "param", "code", "type", "loc"):
                yield from map(str, value if isinstance(value, list) else [value])
            elif name in ("error", "detail", "details"):
                yield from [value] if isinstance(value, str) else _complaints(value)
    elif isinstance(body, str):
        yield body


async def _read(
    lines: AsyncIterator[str], on_text: Callable[[str], None], on_progress: Callable[[], None]
) -> Completion:
    """Read server-sent events up to the end; see html.spec.whatwg.org, "server-sent events".

    Calls `on_progress` for whatever shows that the model is at work, such as its reasoning.
    """
    finish_reason = prompt_tokens = completion_tokens = None
    pending = ""  # the first half of a character that was split over two chunks
    async for line in lines:
        if not line.startswith("data:"):
            continue  # a comment, a blank line, or a field that chat completions do not use
        data = line[5:].strip()
        if data == "[DONE]":
            break
        if not data:
            continue
        chunk = json.loads(data)
        if not isinstance(chunk, dict):
            continue
        if chunk.get("error") or chunk.get("object") == "error":
            raise ChatbotError("interrupted")
        if isinstance(usage := chunk.get("usage"), dict):
            prompt_tokens = _count(usage.get("prompt_tokens"))
            completion_tokens = _count(usage.get("completion_tokens"))
        choices = chunk.get("choices")
        if not choices:
            continue
        choice = choices[0]
        if isinstance(reason := choice.get("finish_reason"), str) and reason.isascii():
            finish_reason = reason
        delta = choice.get("delta") or {}
        if any(value for name, value in delta.items() if name != "role"):
            on_progress()
        text = delta.get("content")
        if text:
            text, pending = _whole_characters(pending + text)
            if text:
                on_text(text)
    return Completion(finish_reason, prompt_tokens, completion_tokens)


def _count(value: object) -> int | None:
    """A number of tokens, if that is what the endpoint sent; 32 bits, as the store keeps it."""
    return value if type(value) is int and 0 <= value < 2**31 else None


def _whole_characters(text: str) -> tuple[str, str]:
    """Join the halves of split characters; the second part is a half still waiting."""
    if text.isascii() and "\0" not in text:
        return text, ""
    waiting = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text[: len(text) - len(waiting)].replace("\0", "")
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), waiting


@contextmanager
def _translated(
    endpoint: Endpoint, model: str = "", otherwise: str = "interrupted"
) -> Iterator[None]:
    """The one seam: whatever goes wrong inside leaves as a ChatbotError.

    `otherwise` is the code for what only a response of another form can cause.
    """
    import openai

    try:
        yield
    except ChatbotError:
        raise
    except openai.APIStatusError as error:
        raise _from_status(error, endpoint, model) from error
    except (openai.APIConnectionError, TimeoutError) as error:
        raise _from_connection(error, endpoint) from error
    except Exception as error:
        # Bad JSON, bad UTF-8, other shapes than expected, exceptions of the transport itself.
        log.info("A response could not be read", exc_info=True)
        raise ChatbotError(otherwise, host=endpoint.host) from error


def _from_status(error: "openai.APIStatusError", endpoint: Endpoint, model: str) -> ChatbotError:
    words = f"{error.body} {error.message}".lower()
    host = endpoint.host
    match error.status_code:
        case 400 if re.search(r"context|too long|too many tokens|maximum.*tokens", words):
            return ChatbotError("too_long")
        case 413:
            return ChatbotError("too_long")
        case 401:
            return ChatbotError("key_refused" if endpoint.api_key else "key_missing", host=host)
        case 403 if re.search(r"country|region|territory|location", words):
            return ChatbotError("region", host=host)
        case 403:
            return ChatbotError("forbidden", host=host)
        case 404 if "model" in words:
            return ChatbotError("model_not_found", model=model, host=host)
        case 404 | 405:
            return ChatbotError("wrong_address", host=host)
        case 429 if re.search(r"quota|billing|balance|credit", words):
            return ChatbotError("quota", host=host)
        case 409 | 429:
            return ChatbotError("busy", host=host)
        case status if 300 <= status < 400:
            return ChatbotError("redirect", host=host)
        case status if status >= 500:
            return ChatbotError("server_error", host=host)
    return ChatbotError("refused", host=host)


def _from_connection(error: Exception, endpoint: Endpoint) -> ChatbotError:
    # The transport reports every failed connection as a time-out; its causes tell them apart.
    code_of = {
        socket.gaierror: "unknown_host",
        ssl.SSLError: "certificate",
        TimeoutError: "timeout",
    }
    causes = list(_causes(error))
    for kind, code in code_of.items():
        if any(isinstance(cause, kind) for cause in causes):
            return ChatbotError(code, host=endpoint.host)
    return ChatbotError("unreachable", host=endpoint.host)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
