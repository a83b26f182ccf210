"""The thin OpenAI client: stream a reply, list models.

With `connection.py` the only module that uses `openai`. Every exception of the library and
of its transports is turned into a ChatbotError at one seam, `_translated`, with the original
chained for the log.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chatbot import bodies, faults
from chatbot.connection import hands_over_all_at_once, opened
from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.lean import load_openai
from chatbot.listing import context_window, is_name
from chatbot.newest import Newest
from chatbot.parameters import ReplyRequest, parameters, refused_parameter
from chatbot.sse import Completion, CompletionReader, EndpointFault

if TYPE_CHECKING:
    import openai  # a tenth of a second and 12 MB: only once there is a server to talk to

SECONDS_AFTER_THE_END = 2
"""How long token counts may take once an answer has ended; some servers then say nothing more."""

PAUSE_SECONDS_PER_STREAM, MAX_PAUSE_SECONDS = 0.002, 0.1
"""Of many streams, several chunks are read at a time: with 40, a chunk costs 37 instead of 51 µs.
They are drawn less often than this in any case, and a lone one is read as it comes. Not through
SOCKS, where each chunk comes by itself: ten answers came at half their pace."""

Refused = dict[tuple[str, str], dict[str, str]]
"""By endpoint and model: the parameters refused, each with what is sent instead, if anything."""


async def _forget(fingerprint: str, model: str, parameter: str, replacement: str) -> None:
    pass


class Client:
    """Talks to any number of endpoints. Belongs to one event loop.

    `refused` is what is known about them already. `on_refused` is told of every
    parameter that is found out to be refused, to keep it.
    """

    def __init__(
        self,
        refused: Refused | None = None,
        on_refused: Callable[[str, str, str, str], Awaitable[None]] = _forget,
    ) -> None:
        self._connections: dict[Endpoint, openai.AsyncOpenAI] = {}
        self._refused = Newest(refused or {})
        self._on_refused = on_refused
        self._streams = 0
        self._is_closed = False
        self.listed_windows: dict[tuple[str, str], int] = Newest()
        """By endpoint and model: its context window in tokens, where a list has told it."""
        self.first_listed: dict[str, str] = Newest()
        """By endpoint: the first model of its list, which answers where nobody chose one."""

    async def stream_reply(
        self,
        endpoint: Endpoint,
        request: ReplyRequest,
        on_text: Callable[[str], None],
        on_reasoning: Callable[[str], None] = lambda _: None,
        on_reading: Callable[[float], None] = lambda _: None,
    ) -> Completion:
        """Ask for a reply and call `on_text` with each piece of it as it comes.

        `on_reasoning` is called with what the model thinks before, where it shows that, and
        `on_reading` with how much of a long prompt it has read, from 0 to 1, where it tells that.
        Raises ChatbotError when the endpoint fails, before or during the reply,
        or stays silent for `endpoint.silence_timeout_seconds`. A stream that
        just ends returns a Completion without a finish reason.
        """
        await self.load()
        import openai

        while True:
            body = parameters(request, self.refused(endpoint, request.model))
            if endpoint.tells_progress:
                body["return_progress"] = True
            reader = CompletionReader(on_text, on_reasoning, on_reading)
            with _translated(endpoint, request.model, reader):
                try:
                    return await self._stream(endpoint, body, reader)
                except (
                    openai.BadRequestError,
                    openai.UnprocessableEntityError,
                    EndpointFault,
                ) as error:
                    refused = None if reader.has_text else refused_parameter(error.body, body)
                    if refused is None:
                        raise
            name, replacement = refused
            key = endpoint.fingerprint, request.model
            self._refused[key] = {**self._refused.get(key, {}), name: replacement}
            if not endpoint.is_visitors:
                await self._on_refused(*key, name, replacement)

    def refused(self, endpoint: Endpoint, model: str) -> Mapping[str, str]:
        """The parameters that an endpoint's model is known to refuse."""
        return self._refused.get((endpoint.fingerprint, model), {})

    async def list_models(self, endpoint: Endpoint) -> list[str]:
        """The ids of the models that the endpoint offers, in its own order.

        Raises ChatbotError when it has no such list or cannot be reached.
        """
        await self.load()
        with _translated(endpoint):
            async with (
                asyncio.timeout(endpoint.silence_timeout_seconds),
                self._connected(endpoint) as connection,
            ):
                page = await connection.models.list()
                models = [model for model in page.data if is_name(model.id)]
        if models:
            self.first_listed[endpoint.fingerprint] = models[0].id
        for model in models:
            if tokens := context_window(model.to_dict()):
                self.listed_windows[endpoint.fingerprint, model.id] = tokens
        return [model.id for model in models]

    async def load(self) -> None:
        """Load the library ahead of its first use, without holding up the loop."""
        await asyncio.to_thread(load_openai)

    async def close(self) -> None:
        """Close every connection. A request that is still about to begin keeps none open."""
        self._is_closed = True
        for connection in self._connections.values():
            await connection.close()
        self._connections.clear()

    @contextlib.asynccontextmanager
    async def _connected(self, endpoint: Endpoint) -> "AsyncIterator[openai.AsyncOpenAI]":
        """The connections to an endpoint, kept for its next request."""
        # Of visitors' endpoints there may be any number, so no connection to them is kept.
        if endpoint.is_visitors or self._is_closed:
            async with opened(endpoint) as connection:
                yield connection
            return
        if endpoint not in self._connections:
            self._connections[endpoint] = opened(endpoint)
        yield self._connections[endpoint]

    async def _stream(
        self, endpoint: Endpoint, body: dict[str, Any], reader: CompletionReader
    ) -> Completion:
        """Read one reply. What goes wrong after its end does not matter any more."""
        loop = asyncio.get_running_loop()
        silence_seconds = endpoint.silence_timeout_seconds
        may_pause = hands_over_all_at_once(endpoint)
        self._streams += 1
        try:
            async with (
                asyncio.timeout(2 * silence_seconds) as deadline,
                self._connected(endpoint) as connection,
            ):
                completions = connection.chat.completions
                # Raw bytes: building the library's typed chunks costs three times the CPU. And an
                # extra body, which it sends as it is: looking through 400 messages took it 60 ms.
                async with completions.with_streaming_response.create(
                    model=body["model"], messages=[], stream=True, extra_body=body
                ) as response:
                    if "text/event-stream" not in response.headers.get("content-type", ""):
                        reader.take(_whole(await response.read(), endpoint))
                        return reader.completion
                    deadline.reschedule(loop.time() + silence_seconds)
                    async for piece in response.iter_bytes():
                        had_ended = reader.has_ended
                        is_at_work = reader.feed(piece)
                        if reader.is_over:
                            break
                        if reader.has_ended and not had_ended:
                            deadline.reschedule(loop.time() + SECONDS_AFTER_THE_END)
                        elif is_at_work and not had_ended:
                            # Comments and empty deltas are silence too.
                            deadline.reschedule(loop.time() + silence_seconds)
                        if may_pause and reader.has_text and self._streams > 1:
                            pause_seconds = PAUSE_SECONDS_PER_STREAM * self._streams
                            await asyncio.sleep(min(pause_seconds, MAX_PAUSE_SECONDS))
                    reader.close()
        except Exception:
            if not reader.has_ended:
                raise
        finally:
            reader.hand_over()
            self._streams -= 1
        return reader.completion


def _whole(body: bytes, endpoint: Endpoint) -> object:
    """A completion that came in one piece, from a server that does not stream."""
    completion = bodies.parsed(body)
    if isinstance(completion, dict) and (completion.get("choices") or completion.get("error")):
        return completion
    raise ChatbotError("not_an_api", host=endpoint.host)


@contextlib.contextmanager
def _translated(
    endpoint: Endpoint, model: str = "", reader: CompletionReader | None = None
) -> Iterator[None]:
    """The one seam: whatever goes wrong inside leaves as a ChatbotError."""
    import openai

    try:
        yield
    except Exception as error:
        match error:
            case ChatbotError():
                failure = error
            case openai.APIStatusError():
                headers = error.response.headers
                failure = faults.refusal(error.status_code, error.body, headers, endpoint, model)
            case EndpointFault():
                failure = faults.reported(error.body, endpoint, model)
            case _:
                failure = faults.broken_connection(error, endpoint)
        if reader and reader.has_text:
            failure = faults.in_mid_answer(failure, endpoint)
        failure.details.update(endpoint.setting_names)
        if failure is error:
            raise
        raise failure from error
