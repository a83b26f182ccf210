"""A thin OpenAI client: stream a reply, list models.

`_translated` turns every exception of the library and of its transports into a ChatbotError, with
the original chained for the log.
"""

import asyncio
import contextlib
import gc
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from chatbot.bounded_dict import BoundedDict
from chatbot.llm import error_mapping, response_guard
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.model_list import context_window, first_to_chat, listed
from chatbot.llm.request import ReplyRequest, parameters, refused_parameter
from chatbot.llm.retries import with_retries
from chatbot.llm.stream.completion import Completion, CompletionReader
from chatbot.llm.stream.sse import EndpointFault, NotAnAnswer
from chatbot.llm.transport import hands_over_all_at_once, opened
from chatbot.llm.wordings import is_failure

if TYPE_CHECKING:
    import openai  # takes 0.2 s and 22 MB, so only once there is a server to talk to


SECONDS_AFTER_THE_END = 2
"""Longest wait for token counts after the end of an answer; some servers never send them."""

PAUSE_SECONDS_PER_STREAM, MAX_PAUSE_SECONDS = 0.002, 0.1
"""A pause between reads, so that several chunks are read at a time while many answers stream.
The page draws less often than this, and a single stream never pauses. SOCKS proxies deliver
each chunk separately, where a pause would halve the speed."""

Refused = dict[tuple[str, str], dict[str, str]]
"""Refused parameters and their replacements by endpoint and model; "" without a replacement."""


async def _forget(fingerprint: str, model: str, parameter: str, replacement: str) -> None:
    pass


class Client:
    """Client for any number of endpoints. Belongs to one event loop.

    `refused` are the refusals known from earlier runs. `on_refused` is called for each newly
    refused parameter, to store it.
    """

    def __init__(
        self,
        refused: Refused | None = None,
        on_refused: Callable[[str, str, str, str], Awaitable[None]] = _forget,
    ) -> None:
        self._connections: dict[Endpoint, openai.AsyncOpenAI] = {}
        self._refused = BoundedDict(refused or {})
        self._on_refused = on_refused
        self._streams = 0
        self._is_closed = False
        self.listed_windows: dict[tuple[str, str], int] = BoundedDict()
        """Context windows in tokens that the model list reported, by endpoint and model."""
        self.first_listed: dict[str, str] = BoundedDict()
        """First chat model of each endpoint's list, used if no model is chosen."""

    async def stream_reply(
        self,
        endpoint: Endpoint,
        request: ReplyRequest,
        on_text: Callable[[str], None],
        on_reasoning: Callable[[str], None] = lambda _: None,
        on_reading: Callable[[float], None] = lambda _: None,
        on_late_reasoning: Callable[[str], None] = lambda _: None,
    ) -> Completion:
        """Ask for a reply and call `on_text` with each piece of the reply as it arrives.

        `on_reasoning` gets each piece of the reasoning, if the model shows it. `on_reading` gets
        the part of a long prompt that the model has read, from 0 to 1, if the server reports it.
        `on_late_reasoning` gets the whole reasoning if all text so far turns out to be reasoning.
        Raises ChatbotError when the endpoint fails, before or during the reply, or stays silent
        for `endpoint.silence_timeout_seconds`. A stream that breaks off without an error
        returns a Completion without a finish reason.
        """
        await self.load()
        import openai

        while True:
            body = parameters(request, self.refused(endpoint, request.model))
            if endpoint.tells_progress:
                body["return_progress"] = True
            reader = CompletionReader(on_text, on_reasoning, on_reading, on_late_reasoning)
            with _translated(endpoint, request.model, reader):
                try:
                    return await self._stream(endpoint, body, reader)
                except (openai.APIStatusError, EndpointFault) as error:
                    is_refusal = isinstance(error, EndpointFault) or error.status_code in (400, 422)
                    refused = None
                    if is_refusal and not reader.has_text:
                        refused = refused_parameter(error.body, body)
                    if refused is None:
                        raise
            name, replacement = refused
            key = endpoint.fingerprint, request.model
            self._refused[key] = {**self._refused.get(key, {}), name: replacement}
            if not endpoint.is_byok:
                await self._on_refused(*key, name, replacement)

    def refused(self, endpoint: Endpoint, model: str) -> Mapping[str, str]:
        """Return the parameters that an endpoint's model is known to refuse."""
        return self._refused.get((endpoint.fingerprint, model), {})

    async def list_models(self, endpoint: Endpoint) -> list[str]:
        """Return the distinct ids of the models that the endpoint offers, in its own order.

        Raises ChatbotError when the endpoint has no model list or cannot be reached.
        """
        await self.load()
        with _translated(endpoint):
            async with (
                asyncio.timeout(endpoint.silence_timeout_seconds),
                self._connected(endpoint) as connection,
                contextlib.AsyncExitStack() as opened_response,
            ):
                response = await with_retries(
                    lambda: opened_response.enter_async_context(
                        connection.models.with_streaming_response.list()
                    ),
                    endpoint,
                )
                content = await response_guard.body_of(response.http_response)
                body = await asyncio.to_thread(response_guard.parsed, content)
            models = listed(body)
            if not models and isinstance(body, dict) and (body.get("error") or is_failure(body)):
                raise EndpointFault(body)
            if models is None:
                raise NotAnAnswer
        names = [model["id"] for model in models]
        if names:
            self.first_listed[endpoint.fingerprint] = first_to_chat(names)
        for model in models:
            if tokens := context_window(model):
                self.listed_windows[endpoint.fingerprint, model["id"]] = tokens
        return names

    async def load(self) -> None:
        """Load the library before its first use, without blocking the loop."""
        await asyncio.to_thread(_load_openai)

    async def close(self) -> None:
        """Close every connection. A request that begins later leaves no connection open."""
        self._is_closed = True
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    @contextlib.asynccontextmanager
    async def _connected(self, endpoint: Endpoint) -> "AsyncIterator[openai.AsyncOpenAI]":
        """Yield the client for an endpoint; its connections are kept for the next request."""
        # Visitors may name any number of endpoints, so connections to those are not kept.
        if endpoint.is_byok or self._is_closed:
            async with opened(endpoint) as connection:
                yield connection
            return
        if endpoint not in self._connections:
            self._connections[endpoint] = opened(endpoint)
        yield self._connections[endpoint]

    async def _stream(
        self, endpoint: Endpoint, body: dict[str, Any], reader: CompletionReader
    ) -> Completion:
        """Read one reply. Failures after the end of the reply are ignored."""
        loop = asyncio.get_running_loop()
        silence_seconds = endpoint.silence_timeout_seconds
        may_pause = hands_over_all_at_once(endpoint)
        self._streams += 1
        try:
            async with (
                asyncio.timeout(2 * silence_seconds) as deadline,
                self._connected(endpoint) as connection,
                contextlib.AsyncExitStack() as opened_response,
            ):
                # Raw bytes, because the library's typed chunks cost three times the CPU. An extra
                # body is sent unchanged; as `messages`, the library would validate each one.
                response = await with_retries(
                    lambda: opened_response.enter_async_context(
                        connection.chat.completions.with_streaming_response.create(
                            model=body["model"], messages=[], stream=True, extra_body=body
                        )
                    ),
                    endpoint,
                )
                deadline.reschedule(loop.time() + silence_seconds)
                async for piece in response.iter_bytes():
                    was_waiting = reader.is_waiting_for_little
                    is_at_work = reader.feed(piece)
                    if reader.is_over:
                        break
                    # Comments and empty deltas count as silence.
                    if is_at_work or (reader.is_waiting_for_little and not was_waiting):
                        is_waiting = reader.is_waiting_for_little
                        seconds = SECONDS_AFTER_THE_END if is_waiting else silence_seconds
                        deadline.reschedule(loop.time() + min(seconds, silence_seconds))
                    if may_pause and reader.has_text and self._streams > 1:
                        pause_seconds = PAUSE_SECONDS_PER_STREAM * self._streams
                        await asyncio.sleep(min(pause_seconds, MAX_PAUSE_SECONDS))
                reader.close()
        except Exception as error:
            # The transport has the same patience as the deadline, so either may run out first.
            is_silence = error_mapping.broken_connection(error, endpoint).code == "timeout"
            if not (reader.may_have_ended if is_silence else reader.has_ended):
                raise
        finally:
            reader.hand_over()
            self._streams -= 1
        return reader.completion


@contextlib.contextmanager
def _translated(
    endpoint: Endpoint, model: str = "", reader: CompletionReader | None = None
) -> Iterator[None]:
    """Translate every exception raised inside into a ChatbotError."""
    try:
        yield
    except Exception as error:
        failure = error_mapping.failure(error, endpoint, model)
        if reader and reader.has_text:
            failure = error_mapping.in_mid_answer(failure, endpoint)
        failure.details.update(endpoint.setting_names)
        if failure is error:
            raise
        raise failure from error


@cache
def _load_openai() -> None:
    """Load the library, the largest, and exclude all that is loaded from garbage collections.

    All threads wait for a collection. A full one then takes 0.02 s instead of 0.13 s (measured
    with `benchmarks.loop`).
    """
    importlib.import_module("openai.resources.chat")
    gc.collect()
    gc.freeze()
