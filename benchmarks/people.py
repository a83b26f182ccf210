"""Many people at once on one server: delays, bytes, and the server's CPU and memory.

    .venv/bin/python -m benchmarks.people [PEOPLE] [CHUNKS_A_SECOND]

Each person is a client that speaks Streamlit's own protocol, opens the page, waits
and asks one question; the endpoint streams everybody the same answer at a steady pace.
All of it shares this machine, so the clients read no more of a message than they must.
"""

import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import answer
from tests.conftest import RunningApp
from tests.servers.endpoint import chunk

PEOPLE = 100
CHUNKS_A_SECOND = 50
ASKING_SECONDS = 5.0
"""Time within which all people ask."""

PATIENCE_SECONDS = 120.0

START, END = answer.START.encode(), answer.END.encode()


@dataclass
class Person:
    """An open page. Times are seconds since 1970."""

    number: int
    received_bytes: int = 0
    composer_id: str = ""
    script_hash: str = ""
    kept: set[str] = field(default_factory=set)
    """Messages in the browser's cache by hash; the server sends each message only once."""
    opening_seconds: float = 0
    asked: float = 0
    first_text: float = 0
    last_text: float = 0
    failure: str = ""
    is_idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def visit(
        self,
        http: aiohttp.ClientSession,
        url: str,
        all_are_there: asyncio.Barrier,
        asks_after: float,
    ) -> None:
        """Open the page, ask some seconds after all pages are open, and read the whole answer."""
        try:
            async with (
                asyncio.timeout(PATIENCE_SECONDS),
                http.ws_connect(f"{url}/_stcore/stream", protocols=("streamlit",)) as socket,
            ):
                opened = time.time()
                await socket.send_bytes(_rerun())
                reading = asyncio.create_task(self._read(socket))
                await self.is_idle.wait()
                self.opening_seconds = time.time() - opened
                await all_are_there.wait()
                await asyncio.sleep(asks_after)
                self.received_bytes = 0
                self.asked = time.time()
                await socket.send_bytes(
                    _rerun(self.script_hash, self.composer_id, f"Question {self.number}", self.kept)
                )
                await reading
        except (TimeoutError, aiohttp.ClientError) as error:
            self.failure = type(error).__name__

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            data: bytes = frame.data
            self.received_bytes += len(data)
            if self.asked:
                # Without parsing, because the marks are in no other message.
                if not self.first_text and START in data:
                    self.first_text = time.time()
                if END in data:
                    self.last_text = time.time()
                if self.last_text and b"again-" in data:
                    return
            else:
                self._learn(ForwardMsg.FromString(data))

    def _learn(self, message: ForwardMsg) -> None:
        """Read the ids of the page's elements from its first run."""
        if message.metadata.cacheable:
            self.kept.add(message.hash)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.script_hash = message.new_session.page_script_hash
        elif kind == "delta" and message.delta.new_element.HasField("chat_input"):
            self.composer_id = message.delta.new_element.chat_input.id
        elif kind == "script_finished" and self.composer_id:
            self.is_idle.set()


def _rerun(
    script_hash: str = "", composer_id: str = "", question: str = "", kept: Iterable[str] = ()
) -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.page_script_hash = script_hash
    message.rerun_script.cached_message_hashes.extend(kept)
    if composer_id:
        state = message.rerun_script.widget_states.widgets.add()
        state.id = composer_id
        state.chat_input_value.data = question
    serialized: bytes = message.SerializeToString()
    return serialized


def serve_endpoint(chunks_a_second: float, port_pipe: Any, times_pipe: Any) -> None:
    """Run the endpoint in a separate process: stream the answer, and record the times."""
    times: dict[str, dict[str, float]] = {}
    events = [chunk(piece).encode() for piece in answer.chunks()]
    end = (chunk(None, "stop") + "data: [DONE]\n\n").encode()

    async def complete(request: web.Request) -> web.StreamResponse:
        question = (await request.json())["messages"][-1]["content"]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        started = asyncio.get_running_loop().time()
        noted = times[question] = {"first": time.time()}
        for number, event in enumerate(events):
            due = started + number / chunks_a_second
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await response.write(event)
        noted["last"] = time.time()
        await response.write(end)
        await response.write_eof()
        return response

    async def list_models(_request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "test-model"}]})

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", complete)
        app.router.add_get("/v1/models", list_models)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port_pipe.send(runner.addresses[0][1])
        while not times_pipe.poll():
            await asyncio.sleep(0.1)
        times_pipe.send(times)

    asyncio.run(serve())


async def ask_all(url: str, people: list[Person]) -> None:
    """Let all people open the page at once, then ask at times spread over ASKING_SECONDS."""
    connector = aiohttp.TCPConnector(limit=0)
    all_are_there = asyncio.Barrier(len(people))
    async with aiohttp.ClientSession(connector=connector) as http:
        await asyncio.gather(
            *(
                person.visit(http, url, all_are_there, ASKING_SECONDS * number / len(people))
                for number, person in enumerate(people)
            )
        )


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


@dataclass
class Load:
    """Resources of the server during the measurement."""

    seconds: float
    cpu_seconds: float
    idle_bytes: int
    busy_bytes: int


def measure(
    people: list[Person], chunks_a_second: float
) -> tuple[Load, dict[str, dict[str, float]]]:
    """Let all people ask; return the load, and the times of each answer's chunks by question."""
    port_pipe, ports = multiprocessing.Pipe()
    times_pipe, their_times = multiprocessing.Pipe()
    endpoint = multiprocessing.get_context("spawn").Process(
        target=serve_endpoint, args=(chunks_a_second, ports, their_times)
    )
    endpoint.start()
    settings = {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port_pipe.recv()}/v1",
        "CHATBOT_MODELS": "test-model",
        # Accounting is measured too, so the limits are set, but too high to refuse a question.
        "CHATBOT_SITE_LIMITS": "100k questions per minute",
    }
    with tempfile.TemporaryDirectory() as folder:
        app = RunningApp(Path(folder), settings)
        server = psutil.Process(app.process.pid)
        # Late imports should not be part of the measurement.
        asyncio.run(ask_all(app.url, [Person(-1)]))
        idle_bytes, before, began = server.memory_info().rss, server.cpu_times(), time.time()
        asyncio.run(ask_all(app.url, people))
        spent = server.cpu_times()
        cpu_seconds = spent.user + spent.system - before.user - before.system
        load = Load(time.time() - began, cpu_seconds, idle_bytes, server.memory_info().rss)
        app.stop()
    times_pipe.send("done")
    times: dict[str, dict[str, float]] = times_pipe.recv()
    endpoint.join()
    return load, times


def main(count: int = PEOPLE, chunks_a_second: float = CHUNKS_A_SECOND) -> None:
    """Measure once and print."""
    people = [Person(number) for number in range(count)]
    load, times = measure(people, chunks_a_second)
    done = [person for person in people if person.last_text and not person.failure]
    print(f"{count} people at {chunks_a_second:g} chunks/s: {len(done)} whole answers")
    for person in people:
        if person not in done:
            print(f"  failed: {person.number} {person.failure or 'no end'}")
    if not done:
        return
    firsts = [person.first_text - person.asked for person in done]
    lates = [person.last_text - times[f"Question {person.number}"]["last"] for person in done]
    sizes = [person.received_bytes / 1000 for person in done]
    opening = [person.opening_seconds for person in done]
    requests = [times[f"Question {person.number}"]["first"] - person.asked for person in done]
    rows = (
        ("the page, opened by all at once", opening, "s"),
        ("request at the endpoint after Enter", requests, "s"),
        ("first text after Enter", firsts, "s"),
        ("last text after the model's last chunk", lates, "s"),
        ("down the connection for an answer, before compression", sizes, "kB"),
    )
    for what, values, unit in rows:
        median, most = statistics.median(values), max(values)
        print(f"  {what}: median {median:.2f}, p95 {p95(values):.2f}, most {most:.2f} {unit}")
    each_ms = load.cpu_seconds / len(done) * 1000
    print(f"  CPU {load.cpu_seconds:.1f} s in {load.seconds:.0f} s, {each_ms:.0f} ms per answer")
    idle, busy = load.idle_bytes / 1e6, load.busy_bytes / 1e6
    each_kb = (busy - idle) / len(done) * 1000
    print(f"  memory {idle:.0f} -> {busy:.0f} MB, {each_kb:.0f} kB a person")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
