"""One answer in a real browser: bytes on the live connection, main-thread time, and delays.

    .venv/bin/python -m benchmarks.stream

Prints one row for an answer that comes at 100 chunks a second, as from a quick model, and one for
an answer that comes all at once. Everything runs on this machine; compare figures of one run only.
"""

import asyncio
import json
import re
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from aiohttp import web
from playwright.sync_api import Page, sync_playwright

from benchmarks import answer
from tests.conftest import CHROMIUM_ARGUMENTS, RunningApp, find_chromium
from tests.endpoint import FakeEndpoint, chunk

COMPOSER = "[data-testid=stChatInputTextArea]"

WATCH = """(() => {
    window.seen = {};
    const look = () => {
        // Not innerText, which would have the page laid out at every change.
        const messages = document.querySelectorAll("[data-testid=stChatMessage]");
        const text = [...messages].at(-1)?.textContent ?? "";
        for (const mark of ["%s", "%s"])
            if (!(mark in seen) && text.includes(mark)) seen[mark] = Date.now() / 1000;
    };
    addEventListener("keydown", (event) => {
        if (event.key === "Enter") seen.enter = Date.now() / 1000;
    }, true);
    const all = {subtree: true, childList: true, characterData: true};
    new MutationObserver(look).observe(document, all);
})()""" % (answer.START, answer.END)  # noqa: UP031 - the script is full of braces


@dataclass
class Figures:
    """What one answer cost. Bytes come down the live connection; delays are in seconds."""

    payload_bytes: int
    wire_bytes: int
    main_thread_seconds: float
    enter_to_request: float
    chunk_to_first_text: float
    chunk_to_last_text: float
    frames: int

    def row(self) -> str:
        """For people."""
        return (
            f"{self.payload_bytes / 1000:7.1f} kB in {self.frames} frames, "
            f"{self.wire_bytes / 1000:6.1f} kB on the wire, "
            f"main thread {self.main_thread_seconds:5.2f} s, "
            f"Enter to request {self.enter_to_request * 1000:4.0f} ms, "
            f"first text +{self.chunk_to_first_text * 1000:4.0f} ms, "
            f"last text +{self.chunk_to_last_text * 1000:4.0f} ms"
        )


class PacedEndpoint(FakeEndpoint):
    """Streams the answer at a steady pace and notes when it was asked and sent."""

    def __init__(self, chunks_per_second: float | None) -> None:
        super().__init__()
        self.chunks_per_second = chunks_per_second
        self.times: dict[str, float] = {}
        self.respond = self._paced

    async def _paced(self, request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
        self.times = {"request": time.time()}
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        events = [chunk(piece) for piece in answer.chunks()]
        started = time.monotonic()
        self.times["first"] = time.time()
        for number, event in enumerate(events):
            if self.chunks_per_second:
                due = started + number / self.chunks_per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await response.write(event.encode())
        self.times["last"] = time.time()
        await response.write((chunk(None, "stop") + "data: [DONE]\n\n").encode())
        await response.write_eof()
        return response


class Relay:
    """A TCP relay in front of the app that counts what comes back: the bytes on the wire."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.received = 0
        self.port = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        app_reader, app_writer = await asyncio.open_connection("127.0.0.1", self._target)

        async def pump(
            source: asyncio.StreamReader, target: asyncio.StreamWriter, counts: bool
        ) -> None:
            try:
                while data := await source.read(1 << 16):
                    self.received += len(data) if counts else 0
                    target.write(data)
                    await target.drain()
            except ConnectionError:
                pass
            finally:
                target.close()

        await asyncio.gather(pump(reader, app_writer, False), pump(app_reader, writer, True))


def measure(page: Page, relay: Relay, endpoint: PacedEndpoint) -> Figures:
    """Ask once on a page that is open and idle, and wait for the whole answer."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Performance.enable")
    payloads: list[int] = []
    session.on(
        "Network.webSocketFrameReceived",
        lambda event: payloads.append(_decoded_size(event["response"])),
    )
    page.evaluate("seen = {}")
    page.fill(COMPOSER, "Go")
    before = _task_seconds(session)
    wire_before = relay.received
    page.keyboard.press("Enter")
    # Not at every animation frame, which would have the page draw 60 a second.
    page.wait_for_function(f"'{answer.END}' in seen", timeout=120_000, polling=100)
    page.get_by_role("button", name=re.compile("Regenerate")).wait_for()
    main_thread_seconds = _task_seconds(session) - before
    seen = page.evaluate("seen")
    session.detach()
    return Figures(
        payload_bytes=sum(payloads),
        wire_bytes=relay.received - wire_before,
        main_thread_seconds=main_thread_seconds,
        enter_to_request=endpoint.times["request"] - seen["enter"],
        chunk_to_first_text=seen[answer.START] - endpoint.times["first"],
        chunk_to_last_text=seen[answer.END] - endpoint.times["last"],
        frames=len(payloads),
    )


def _decoded_size(frame: dict[str, Any]) -> int:
    # Binary payloads are in Base64: four characters for three bytes.
    data = frame["payloadData"]
    return len(data) * 3 // 4 if frame["opcode"] == 2 else len(data)


def _task_seconds(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def main() -> None:
    """Measure the paced and the instant answer, each on the second question of a conversation."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for name, pace in (("100 chunks/s", 100.0), ("all at once", None)):
            endpoint = PacedEndpoint(None)
            endpoint.start()
            with tempfile.TemporaryDirectory() as folder:
                started = time.monotonic()
                settings = {"OPENAI_BASE_URL": endpoint.base_url, "CHATBOT_MODEL": "test-model"}
                app = RunningApp(Path(folder), settings)
                print(f"{name}: server ready after {time.monotonic() - started:.2f} s")
                relay = Relay(app.port)
                page = browser.new_page(viewport={"width": 390, "height": 844})
                page.add_init_script(WATCH)
                opened = time.monotonic()
                page.goto(f"http://127.0.0.1:{relay.port}")
                page.wait_for_selector(COMPOSER)
                print(f"  page usable after {time.monotonic() - opened:.2f} s")
                measure(page, relay, endpoint)  # loads the code highlighter
                page.goto(f"http://127.0.0.1:{relay.port}")
                page.wait_for_selector(COMPOSER)
                page.wait_for_timeout(4000)  # until the model list is there
                endpoint.chunks_per_second = pace
                figures = measure(page, relay, endpoint)
                print(f"  {figures.row()}")
                print(f"  {json.dumps(vars(figures))}")
                memory = psutil.Process(app.process.pid).memory_info().rss
                print(f"  resident memory {memory / 1e6:.0f} MB")
                page.close()
                app.stop()
            endpoint.stop()
        browser.close()


if __name__ == "__main__":
    main()
