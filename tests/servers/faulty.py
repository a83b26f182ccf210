"""Loopback server with deliberate faults, written on raw sockets, because no library allows them.

`FAULTS` lists all faults, each with the outcome that the tests expect. Every error message
contains the caller's key, because careless servers repeat the key.
"""

import asyncio
import contextlib
import gzip
import json
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import trustme

from chatbot.store import State
from tests.servers.endpoint import chunk
from tests.servers.loopback import stop_accepting

HALF = "The first half"
REST = " and the second."
WHOLE = HALF + REST
PACES = {"fast": 0, "slow": 7, "byte by byte": 1}
"""How many bytes are sent at a time; 0 is all at once."""

SSE = "text/event-stream; charset=utf-8"


class Exchange:
    """One request that is being answered, or not."""

    def __init__(
        self,
        server: "FaultyServer",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: str,
        body: Any,
    ) -> None:
        self.server = server
        self.head = head
        self.body = body
        self._reader = reader
        self._writer = writer

    @property
    def key(self) -> str:
        """The key that the caller sent."""
        lines = [line for line in self.head.splitlines() if "bearer" in line.lower()]
        return lines[0].split()[-1] if lines else ""

    async def send(self, data: bytes | str) -> None:
        """Send at the server's pace."""
        data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        size = PACES[self.server.pace] or len(data) or 1
        for start in range(0, len(data), size):
            self._writer.write(data[start : start + size])
            await self._writer.drain()
            if size != len(data):
                await asyncio.sleep(0)

    async def begin(
        self, status: int = 200, content_type: str = SSE, body: str = "", **headers: str
    ) -> None:
        """Send a status line and headers, and what the body begins with; it ends when we close."""
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "Connection: close", "", body]))

    async def refuse(self, status: int, message: str, **headers: str) -> None:
        """Send an error as OpenAI words it, with the key in it."""
        error = {"message": f"{message} (key {self.key})", "type": "x", "param": None, "code": None}
        # In one piece: a client waits for an error's words for a moment only.
        await self.begin(status, "application/json", json.dumps({"error": error}), **headers)

    async def half(self) -> None:
        """Begin a good answer."""
        await self.begin()
        await self.send(chunk(HALF))

    async def hang(self) -> None:
        """Say nothing more until the caller has had enough."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(1 << 16):
                pass
        self.server.hung_up.set()

    def reset(self) -> None:
        """Break the connection."""
        self._writer.transport.abort()


Answer = Callable[[Exchange], Awaitable[None]]


@dataclass
class Fault:
    """One way to break, and what a person is left with."""

    number: int
    name: str
    answer: Answer
    code: str | None
    text: str = ""
    state: State = State.FAILED
    buttons: tuple[str, ...] = ("Retry",)
    requests: int = 1
    """How often the server is asked: faults that may pass are tried three times."""
    is_silence: bool = False
    """Known by waiting; all others come of what is sent, however slow the machine is."""
    paces: tuple[str, ...] = ("fast",)


class FaultyServer:
    """Runs on a thread of its own and answers every question with one fault."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.list_models: Answer = list_two_models
        self.pace = "fast"
        self.requests: list[Any] = []
        """The bodies of all questions."""
        self.heads: list[str] = []
        """The head of every request, those for models included."""
        self.hung_up = threading.Event()
        self.state: dict[str, Any] = {}
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> "FaultyServer":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    @property
    def base_url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/v1"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)  # callers that leave are no news here
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        await stop_accepting(server.sockets)
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # connections are closed in the loop's next turns

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._reply(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        lengths = [line for line in head.lower().splitlines() if line.startswith("content-length")]
        body = await reader.readexactly(int(lengths[0].split(":")[1])) if lengths else b"null"
        exchange = Exchange(self, reader, writer, head, json.loads(body))
        if "/models" in head.splitlines()[0]:
            await self.list_models(exchange)
        else:
            self.requests.append(exchange.body)
            await self.answer(exchange)


async def list_two_models(exchange: Exchange) -> None:
    await exchange.begin(200, "application/json")
    await exchange.send(json.dumps({"data": [{"id": "test-model"}, {"id": "other-model"}]}))


async def list_without_end(exchange: Exchange) -> None:
    await exchange.begin(200, "application/json")
    await exchange.send('{"data": [')
    while True:
        await exchange.send('{"id": "model"},' * 10_000)


async def list_compressed(exchange: Exchange) -> None:
    await exchange.begin(200, "application/json", Content_Encoding="gzip")
    await exchange.send(gzip.compress(b'{"data": []}' + b" " * 20_000_000))


async def list_halfway(exchange: Exchange) -> None:
    await exchange.begin(200, "application/json", Content_Length="900")
    await exchange.send('{"data": [{"id": "te')
    await exchange.hang()


def refusal(status: int, message: str, **headers: str) -> Answer:
    async def answer(exchange: Exchange) -> None:
        await exchange.refuse(status, message, **headers)

    return answer


def events(*parts: str | bytes, end: str = "close") -> Answer:
    """A stream of these events, ended so."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin()
        for part in parts:
            if isinstance(part, str):
                part = part.replace("<key>", exchange.key)
            await exchange.send(part)
        if end == "hang":
            await exchange.hang()

    return answer


async def reset_at_once(exchange: Exchange) -> None:
    exchange.reset()


async def say_no_header(exchange: Exchange) -> None:
    await exchange.hang()


async def speak_another_protocol(exchange: Exchange) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.9\r\n" + b"\x00\xff" * 50 + b"\r\n\r\n")


async def refuse_max_tokens_once(exchange: Exchange) -> None:
    if "max_tokens" in exchange.body:
        await exchange.refuse(400, "Unsupported parameter: 'max_tokens'. Use another.")
    else:
        await events(chunk(WHOLE, "stop"), "data: [DONE]\n\n")(exchange)


async def hang_in_an_error(exchange: Exchange) -> None:
    await exchange.begin(500, "application/json", Content_Length="5000")
    await exchange.send(b'{"error": {"message": "Half of a')
    await exchange.hang()


async def answer_with_a_page(exchange: Exchange) -> None:
    await exchange.begin(200, "text/html")
    await exchange.send(f"<html><title>Welcome</title>{exchange.key}</html>")


async def answer_with_other_json(exchange: Exchange) -> None:
    await exchange.begin(200, "application/json")
    await exchange.send(json.dumps({"status": "ok", "key": exchange.key}))


async def stall(exchange: Exchange) -> None:
    await exchange.half()
    await exchange.hang()


async def comment_for_ever(exchange: Exchange) -> None:
    await exchange.half()
    while True:
        await exchange.send(": ping\n\n")
        await asyncio.sleep(0.05)


async def comment_in_a_flood(exchange: Exchange) -> None:
    await exchange.half()
    while True:
        await exchange.send(b": ping\n\n" * 10_000)


async def cut(exchange: Exchange) -> None:
    await exchange.begin(Transfer_Encoding="chunked")
    piece = chunk(HALF).encode()
    await exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    await asyncio.sleep(0.1)
    exchange.reset()


async def flood(exchange: Exchange) -> None:
    await exchange.begin()
    piece = chunk("All work and no play makes a dull answer. " * 200).encode()
    while True:
        await exchange.send(piece)


async def send_a_giant_event(exchange: Exchange) -> None:
    await exchange.half()
    await exchange.send(b'data: {"x": "' + b"x" * 5_000_000)
    await exchange.send(b'"}\n\n' + chunk("never read", "stop").encode())


async def send_a_gzip_bomb(exchange: Exchange) -> None:
    bomb = gzip.compress(chunk(HALF).encode() + b"\0" * 20_000_000)
    await exchange.begin(Content_Encoding="gzip")
    await exchange.send(bomb * 3)


def redirect_to(target: "FaultyServer") -> Answer:
    return refusal(307, "over there", Location=f"{target.base_url}/chat/completions")


async def count_down(exchange: Exchange) -> None:
    """Busy at first, then not."""
    if exchange.server.state.setdefault("is_busy", True):
        await exchange.refuse(429, "Slow down", Retry_After="60")
    else:
        await events(chunk(WHOLE, "stop"), "data: [DONE]\n\n")(exchange)


QUOTA = "You exceeded your current quota, please check your plan and billing details."
REGION = "Country, region, or territory not supported"
CONTEXT = "This model's maximum context length is 8192 tokens."
FILTER = "The prompt triggered our content management policy."
NO_RIGHT = "该令牌无权访问模型 relay-large"
NO_MODEL = "The model `x` does not exist"
BUSY_HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
FILTERED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}


async def bad_gateway(exchange: Exchange) -> None:
    await exchange.begin(502, "text/html")
    await exchange.send(BUSY_HTML)


def event(data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"


BROKEN_OFF = ("Continue", "Regenerate")


def half_then(number: int, name: str, *parts: str | bytes, code: str = "interrupted") -> Fault:
    """A good beginning, then these events."""
    return Fault(
        number,
        name,
        events(chunk(HALF), *parts),
        code,
        HALF,
        State.CUT_SHORT,
        BROKEN_OFF,
        paces=tuple(PACES),
    )


CUT: dict[str, Any] = {"text": HALF, "state": State.CUT_SHORT, "buttons": BROKEN_OFF}
KEPT: dict[str, Any] = {"text": WHOLE, "state": State.COMPLETE, "buttons": ("Regenerate",)}
SILENT: dict[str, Any] = {"is_silence": True, "paces": tuple(PACES)}
PAUSED: dict[str, Any] = {"state": State.ANSWERING, "buttons": ("Retry now", "Cancel")}
SETTINGS, MODEL = ("Open settings", "Retry"), ("Choose a model", "Retry")
SHORTER = ("Edit question", "New chat", "Retry")

NO_CHAT = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
NO_PICTURES = "No endpoints found that support image input"
NO_MEMORY = "model requires more system memory (9.1 GiB) than is available (6.2 GiB)"
ONLY_END = chunk(None, "stop")
TOOL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "web_search"}}
TOOL_CALL = event({"choices": [{"index": 0, "delta": {"content": None, "tool_calls": [TOOL]}}]})
BALANCE = event(
    {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}
)

FAULTS = [
    Fault(4, "reset", reset_at_once, "dropped", requests=3),
    Fault(5, "no headers", say_no_header, "timeout", requests=2, is_silence=True),
    Fault(6, "no HTTP", speak_another_protocol, "not_an_api"),
    Fault(8, "parameter", refuse_max_tokens_once, None, **KEPT, requests=2, paces=tuple(PACES)),
    Fault(9, "context", refusal(400, CONTEXT), "too_long", buttons=SHORTER),
    Fault(10, "key", refusal(401, "Bad key"), "key_refused"),
    Fault(11, "forbidden", refusal(403, "No"), "forbidden"),
    Fault(11, "no right", refusal(403, NO_RIGHT), "model_forbidden", buttons=MODEL),
    Fault(11, "region", refusal(403, REGION), "region"),
    Fault(12, "no model", refusal(404, NO_MODEL), "model_not_found", buttons=MODEL),
    Fault(12, "no path", refusal(404, "Not found"), "wrong_address"),
    Fault(13, "conflict", refusal(409, "Conflict"), "waiting", **PAUSED, requests=3),
    Fault(14, "too large", refusal(413, "Too large"), "too_long", buttons=SHORTER),
    Fault(15, "unprocessable", refusal(422, "Bad"), "refused", buttons=SETTINGS),
    Fault(
        15, "temperature", refusal(422, "Bad temperature"), "temperature_refused", buttons=SETTINGS
    ),
    Fault(16, "busy", refusal(429, "Slow down", Retry_After="60"), "waiting", **PAUSED),
    Fault(17, "quota", refusal(429, QUOTA), "quota"),
    Fault(17, "long wait", refusal(429, "Slow down", Retry_After="10800"), "busy_until"),
    Fault(17, "long quota", refusal(429, QUOTA, Retry_After="10800"), "quota_until"),
    Fault(18, "500", refusal(500, "Oops"), "server_error", requests=3),
    Fault(18, "502", bad_gateway, "server_error", requests=3),
    Fault(18, "503", refusal(503, "Unavailable"), "server_error", requests=3),
    Fault(18, "overloaded", refusal(503, "Overloaded"), "waiting", **PAUSED, requests=3),
    Fault(19, "hanging error", hang_in_an_error, "server_error", requests=3, is_silence=True),
    Fault(20, "HTML", answer_with_a_page, "not_an_api", paces=tuple(PACES)),
    Fault(20, "JSON", answer_with_other_json, "not_an_api", paces=tuple(PACES)),
    Fault(21, "nothing", events(), "empty"),
    Fault(21, "only [DONE]", events("data: [DONE]\n\n"), "empty", paces=tuple(PACES)),
    Fault(22, "stall", stall, "stalled", **CUT, **SILENT),
    Fault(23, "comments", comment_for_ever, "stalled", **CUT, **SILENT),
    Fault(23, "many comments", comment_in_a_flood, "too_much", **CUT),
    Fault(24, "cut", cut, "interrupted", **CUT, paces=tuple(PACES)),
    half_then(25, "no reason"),
    Fault(26, "left open", events(chunk(HALF), chunk(REST, "stop"), end="hang"), None, **KEPT),
    Fault(
        26,
        "left open at once",  # as if each chunk gave a reason for the end
        events(chunk(HALF, "stop"), chunk(REST, "stop"), end="hang"),
        None,
        **KEPT,
        is_silence=True,
    ),
    half_then(27, "error", event({"error": {"message": "Overloaded <key>"}})),
    half_then(27, "error event", 'event: error\ndata: {"message": "Overloaded <key>"}\n\n'),
    half_then(27, "error object", event({"object": "error", "message": "Overloaded <key>"})),
    half_then(27, "error text", event({"error": "Overloaded <key>"})),
    half_then(27, "error field", 'error: {"message": "Overloaded <key>"}\n\n'),
    half_then(27, "error quota", event({"error": {"message": QUOTA}}), code="quota"),
    half_then(28, "bad JSON", 'data: {"choices": [{"delta"\n\n'),
    half_then(28, "bad UTF-8", b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n'),
    half_then(28, "numbers", *map(event, (None, 7, [], [1], "text", {}, {"choices": None}))),
    half_then(27, "error name first", 'event: error\n\ndata: {"message": "Overloaded <key>"}\n\n'),
    half_then(27, "error code", event({"code": 1302, "msg": "Overloaded <key>"})),
    half_then(27, "error line", '{"error": "Overloaded <key>"}\n'),
    half_then(28, "odd choices", event({"choices": [7]})),
    half_then(28, "odd delta", event({"choices": [{"delta": 7}]})),
    Fault(12, "no chat", refusal(404, NO_CHAT), "no_chat", buttons=MODEL),
    Fault(12, "no pictures", refusal(404, NO_PICTURES), "no_pictures", buttons=MODEL),
    Fault(18, "no memory", refusal(500, NO_MEMORY), "no_memory", buttons=MODEL),
    Fault(21, "only thoughts", events(chunk("Hm", name="reasoning"), ONLY_END), "only_thought"),
    Fault(21, "only a tool", events(TOOL_CALL, ONLY_END), "tool_call", buttons=MODEL),
    Fault(27, "error line first", events('{"error": "Oops <key>"}\n'), "server_error"),
    Fault(27, "detail", events('{"detail": "Oops <key>"}'), "server_error"),
    Fault(27, "plain text", events("Insufficient balance <key>\n"), "quota", paces=tuple(PACES)),
    Fault(27, "empty balance", events(BALANCE), "quota"),
    Fault(29, "filtered question", refusal(400, FILTER), "question_filtered", buttons=SHORTER[:1]),
    half_then(29, "filter", event(FILTERED), code="filtered"),
    Fault(29, "length", events(chunk(WHOLE, "length")), None, **KEPT),
    Fault(30, "flood", flood, "too_much", state=State.CUT_SHORT, buttons=BROKEN_OFF),
    Fault(30, "giant event", send_a_giant_event, "too_much", **CUT),
    Fault(30, "gzip bomb", send_a_gzip_bomb, "too_much", **CUT),
]
"""All but those for which nobody listens as usual: refused, DNS, TLS, and a redirect."""


def untrusted_tls() -> ssl.SSLContext:
    """A server's side of TLS, with a certificate from an authority that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context
