"""Loopback server with the OpenAI protocol, whose replies a test sets."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.servers.loopback import stop_accepting


@dataclass
class Reply:
    """A reply to the next question. Texts are sent unchanged, one chunk each."""

    pieces: list[str] = field(default_factory=lambda: ["Hello", " there", "!"])
    seconds_before_first: float = 0
    seconds_between: float = 0
    finish_reason: str | None = "stop"
    usage: dict[str, Any] | None = field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    )
    status: int = 200
    error: dict[str, Any] | None = None
    raw_events: list[str] | None = None
    """Sent instead of all of the above, as they are."""
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    """Pieces after the first wait until this is set."""
    thoughts: list[str] = field(default_factory=list)
    """Reasoning before the answer, in a field of its own."""
    hold_answer: threading.Event | None = None
    """The answer itself waits until this is set; the thoughts do not."""


class FakeEndpoint:
    """Runs on a thread of its own. `requests` holds the bodies asked, `hung_up` who left early."""

    def __init__(self) -> None:
        self.models = ["test-model", "other-model"]
        self.windows: dict[str, int] = {}
        """Context windows that the list of models tells."""
        self.models_status = 200
        self.hold_models: threading.Event | None = None
        """The list of models waits until this is set."""
        self.replies: list[Reply] = []
        self.default_reply = Reply()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.hung_up = threading.Event()
        self.asked = threading.Event()
        self.respond: Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]] | None
        self.respond = None
        self.respond_elsewhere: Callable[[web.Request], Awaitable[web.Response]] | None = None
        """To what is asked at any path that is none of the protocol's; 404 without it."""
        self.base_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def start(self) -> "FakeEndpoint":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=10 << 20)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_route("*", "/{path:.*}", self._answer_elsewhere)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        port = listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._ready.set()
        await self._stopping.wait()
        await stop_accepting([listener])
        await runner.cleanup()
        if accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(accepting, timeout=1)  # or their sockets are left open
        # A connection that still has something to send closes only when that is read.
        for transport in list(self._loop._transports.values()):  # type: ignore[attr-defined]
            transport.abort()
        for _ in range(5):
            await asyncio.sleep(0)  # connections are closed in the loop's next turns

    async def _list_models(self, _request: web.Request) -> web.Response:
        if self.hold_models:
            await _wait_for(self.hold_models)
        if self.models_status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.models_status)
        models: list[dict[str, Any]]
        models = [{"id": name, "object": "model", "created": 0} for name in self.models]
        for model in models:
            if tokens := self.windows.get(model["id"]):
                model["max_model_len"] = tokens
        return web.json_response({"object": "list", "data": models})

    async def _answer_elsewhere(self, request: web.Request) -> web.Response:
        if self.respond_elsewhere:
            return await self.respond_elsewhere(request)
        raise web.HTTPNotFound

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.asked.set()
        try:
            if self.respond:
                return await self.respond(request, body)
            return await self._stream(request, self.replies.pop(0) if self.replies else None)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up.set()
            raise

    async def _stream(self, request: web.Request, reply: Reply | None) -> web.StreamResponse:
        reply = reply or self.default_reply
        await asyncio.sleep(reply.seconds_before_first)
        if reply.status != 200:
            body = {"error": reply.error or {}}
            return web.json_response(body, status=reply.status, headers=reply.headers)
        response = web.StreamResponse(headers={"Content-Type": reply.content_type})
        await response.prepare(request)
        for event in reply.raw_events if reply.raw_events is not None else _events(reply):
            if reply.hold_answer and "reasoning_content" not in event:
                await _wait_for(reply.hold_answer)
            await response.write(event.encode("utf-8", "surrogatepass"))
            if reply.hold:
                await _wait_for(reply.hold)
            await asyncio.sleep(reply.seconds_between)
        await response.write_eof()
        return response


async def _wait_for(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.01)


def _events(reply: Reply) -> list[str]:
    events = [chunk(thought, name="reasoning_content") for thought in reply.thoughts]
    events += [chunk(piece) for piece in reply.pieces]
    if reply.finish_reason:
        events.append(chunk(None, finish_reason=reply.finish_reason))
    if reply.usage:
        events.append(_event({"choices": [], "usage": reply.usage}))
    # Without a reason for the end the answer breaks off; "[DONE]" would be an end too.
    return [*events, "data: [DONE]\n\n"] if reply.finish_reason else events


def chunk(text: str | None, finish_reason: str | None = None, name: str = "content") -> str:
    """One server-sent event of a streamed completion."""
    delta = {name: text} if text is not None else {}
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps({'object': 'chat.completion.chunk', **data})}\n\n"
