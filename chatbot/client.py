"""The thin OpenAI client: stream a reply, list models.

The only module that imports `openai`. Every exception of the library, of its
transport and of the parser is turned into a ChatbotError at one seam,
`_translated`, with the original chained for the log.
"""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatbot.errors import ChatbotError
from chatbot.settings import Endpoint

if TYPE_CHECKING:
    import openai  # a third of a second and 20 MB: only once a question is asked


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
        loop = asyncio.get_running_loop()
        with _translated(endpoint, request.model):
            async with asyncio.timeout(endpoint.silence_timeout_seconds) as silence:

                def on_content(text: str) -> None:
                    # Comments and empty deltas are silence too: only text counts.
                    silence.reschedule(loop.time() + endpoint.silence_timeout_seconds)
                    on_text(text)

                return await self._stream(endpoint, request, on_content)

    async def list_models(self, endpoint: Endpoint) -> list[str]:
        """The ids of the models that the endpoint offers, in its own order.

        Raises ChatbotError when it has no such list or cannot be reached.
        """
        with _translated(endpoint, model=""):
            async with asyncio.timeout(endpoint.silence_timeout_seconds):
                page = await self._connect(endpoint).models.list()
                return [str(model.id) for model in page.data or []]

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
                api_key=endpoint.api_key,
                max_retries=2,
                timeout=openai.Timeout(
                    endpoint.silence_timeout_seconds, connect=endpoint.connect_timeout_seconds
                ),
                http_client=openai.DefaultAioHttpClient(
                    # A redirect would carry the conversation, and perhaps the key, elsewhere.
                    follow_redirects=False,
                    # Proxy variables would send even loopback traffic to the proxy.
                    trust_env=not endpoint.is_on_this_machine,
                ),
            )
        return self._connections[endpoint]

    async def _stream(
        self, endpoint: Endpoint, request: ReplyRequest, on_text: Callable[[str], None]
    ) -> Completion:
        import openai

        while True:
            refused = self._refused.setdefault((endpoint.base_url, request.model), {})
            parameters = _parameters(request, refused)
            try:
                # The raw lines: building the library's typed chunks costs three times the CPU.
                async with self._connect(endpoint).chat.completions.with_streaming_response.create(
                    **parameters
                ) as response:
                    if "text/event-stream" not in response.headers.get("content-type", ""):
                        raise ChatbotError("not_an_api", host=endpoint.host)
                    return await _read(response.iter_lines(), on_text)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                name = _refused_parameter(error, parameters)
                if name is None:
                    raise
                refused[name] = "max_completion_tokens" if name == "max_tokens" else None


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
    """Which optional parameter a 400 or 422 complains about, learned from its own words."""
    words = json.dumps(error.body) if error.body is not None else str(error)
    for name in ("stream_options", "max_completion_tokens", "max_tokens", "temperature"):
        if name in parameters and re.search(rf"\b{name}\b", words):
            return name
    return None


async def _read(lines: AsyncIterator[str], on_text: Callable[[str], None]) -> Completion:
    """Read server-sent events up to the end; see html.spec.whatwg.org, "server-sent events"."""
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
        if usage := chunk.get("usage"):
            prompt_tokens = usage.get("prompt_tokens")
            completion_tokens = usage.get("completion_tokens")
        choices = chunk.get("choices")
        if not choices:
            continue
        choice = choices[0]
        finish_reason = choice.get("finish_reason") or finish_reason
        text = (choice.get("delta") or {}).get("content")
        if text:
            text, pending = _whole_characters(pending + text)
            if text:
                on_text(text)
    return Completion(finish_reason, prompt_tokens, completion_tokens)


def _whole_characters(text: str) -> tuple[str, str]:
    """Join the halves of split characters; the second part is a half still waiting."""
    if text.isascii() and "\0" not in text:
        return text, ""
    waiting = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text[: len(text) - len(waiting)].replace("\0", "")
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), waiting


@contextmanager
def _translated(endpoint: Endpoint, model: str) -> Iterator[None]:
    """The one seam: whatever goes wrong inside leaves as a ChatbotError."""
    import openai

    try:
        yield
    except ChatbotError:
        raise
    except openai.APIStatusError as error:
        raise _from_status(error, endpoint, model) from error
    except (openai.APIConnectionError, TimeoutError) as error:
        raise _from_connection(error, endpoint) from error
    except openai.APIError as error:
        raise ChatbotError("interrupted") from error
    except Exception as error:
        # Among them bad JSON, bad UTF-8 and exceptions of the transport itself.
        raise ChatbotError("interrupted") from error


def _from_status(error: "openai.APIStatusError", endpoint: Endpoint, model: str) -> ChatbotError:
    words = f"{error.body} {error.message}".lower()
    host = endpoint.host
    match error.status_code:
        case 400 if re.search(r"context|too long|too many tokens|maximum.*tokens", words):
            return ChatbotError("too_long")
        case 413:
            return ChatbotError("too_long")
        case 401:
            missing = endpoint.api_key == "none"
            return ChatbotError("key_missing" if missing else "key_refused", host=host)
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
