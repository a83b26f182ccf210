"""An answer in a real browser: bytes on the live connection, main-thread time, and delays.

    .venv/bin/python -m benchmarks.stream                       # this app
    .venv/bin/python -m benchmarks.stream --peers               # beside four others
    .venv/bin/python -m benchmarks.stream --peers --picture docs/benchmark.svg

An answer of 8 kB comes at 100 chunks a second, as from a quick model, then once more all at once.
Everything runs on this machine; compare figures of one run only. The others are installed at their
first measurement, which for Open WebUI takes some minutes and gigabytes.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from aiohttp import web
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks import answer
from benchmarks.chats import OTHERS, OURS, Chat, Running, running
from tests.conftest import CHROMIUM_ARGUMENTS, find_chromium
from tests.servers.endpoint import FakeEndpoint, chunk
from tests.servers.relay import Relay

DESK: ViewportSize = {"width": 1280, "height": 800}
"""Desktop size, because in a phone-sized window Enter makes a new line in Open WebUI."""

SETTLE_SECONDS = 4.0
"""Pause before measuring an open page, until the model lists have arrived."""

SAMPLE_SECONDS = 0.5

# Detects when text is on the screen, inside the browser. Does not use innerText, which would force
# a layout at every change.
WATCH = """(() => {
    window.seen = {};
    const look = () => {
        const messages = document.querySelectorAll("%s");
        const text = [...messages].at(-1)?.textContent ?? "";
        for (const mark of ["%s", "%s"])
            if (!(mark in seen) && text.includes(mark)) seen[mark] = Date.now() / 1000;
    };
    addEventListener("keydown", (event) => {
        if (event.key === "Enter") seen.enter = Date.now() / 1000;
    }, true);
    const all = {subtree: true, childList: true, characterData: true};
    new MutationObserver(look).observe(document, all);
})()"""


@dataclass
class Figures:
    """Costs of an answer. Bytes are those of the live connection; times are in seconds."""

    chat: str
    start: float = 0
    memory_bytes: int = 0
    frames: int = 0
    payload_bytes: int = 0
    wire_bytes: int = 0
    main_thread: float = 0
    enter_to_request: float = 0
    first_text: float = 0
    enter_to_first_text: float = 0
    last_text: float = 0
    last_text_at_once: float = 0
    curve: list[tuple[float, int, float]] = field(default_factory=list)
    """Samples during the answer: seconds since Enter, uncompressed bytes, main-thread seconds."""


ROWS = (
    (
        "down the live connection, before compression",
        lambda figures: f"{figures.payload_bytes / 1e3:,.0f} kB",
    ),
    ("the same on the wire", lambda figures: f"{figures.wire_bytes / 1e3:,.1f} kB"),
    ("messages or pieces", lambda figures: f"{figures.frames:,}"),
    ("the browser's main thread", lambda figures: f"{figures.main_thread:.2f} s"),
    ("Enter to the request", lambda figures: f"{figures.enter_to_request * 1e3:.0f} ms"),
    ("first text after the first chunk", lambda figures: f"{figures.first_text * 1e3:.0f} ms"),
    ("last text after the last chunk", lambda figures: f"{figures.last_text * 1e3:.0f} ms"),
    ("last text, all chunks at once", lambda figures: f"{figures.last_text_at_once * 1e3:.0f} ms"),
    ("start to first response", lambda figures: f"{figures.start:.1f} s"),
    ("resident memory after that", lambda figures: f"{figures.memory_bytes / 1e6:.0f} MB"),
)


class PacedEndpoint(FakeEndpoint):
    """Streams the answer at a steady pace and records the times of asking and sending."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks_per_second: float | None = None
        """None sends the whole answer at once."""
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


class OpenPage:
    """A chat page in a browser, with a count of the received bytes."""

    def __init__(self, page: Page, chat: Chat, relay: Relay) -> None:
        self._page = page
        self._chat = chat
        self._relay = relay
        self._session: Any = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self._session.send("Performance.enable")
        self.payloads: list[int] = []
        self._session.on("Network.webSocketFrameReceived", self._note_frame)
        self._session.on("Network.responseReceived", self._note_response)
        self._session.on("Network.dataReceived", self._note_data)
        self._downloads: set[str] = set()

    def _note_frame(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        # Binary payloads are in Base64, with four characters for three bytes.
        data = frame["payloadData"]
        self.payloads.append(len(data) * 3 // 4 if frame["opcode"] == 2 else len(data.encode()))

    def _note_response(self, event: dict[str, Any]) -> None:
        if event["type"] in ("EventSource", "Fetch", "XHR"):  # but not the page's own scripts
            self._downloads.add(event["requestId"])

    def _note_data(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._downloads:
            self.payloads.append(event["dataLength"])

    def open(self, query: str = "") -> None:
        """Open the page again and wait until it is idle."""
        self._page.goto(f"http://127.0.0.1:{self._relay.port}/{query}")
        self._page.wait_for_selector(self._chat.composer)
        self._page.wait_for_timeout(SETTLE_SECONDS * 1000)
        self._page.keyboard.press("Escape")  # closes dialogs such as release notes

    def ask(self, endpoint: PacedEndpoint) -> Figures:
        """Ask on an idle page, and wait for the whole answer."""
        page = self._page
        composer = page.locator(self._chat.composer).first
        composer.click()
        page.keyboard.type("Go")
        page.evaluate("seen = {}")
        self.payloads.clear()
        busy_before, wire_before = self._busy_seconds(), self._relay.received
        begun = time.monotonic()
        curve = []
        composer.press("Enter")
        deadline = begun + 180
        while not page.evaluate(f"'{answer.END}' in seen"):
            assert time.monotonic() < deadline, f"no whole answer from {self._chat.name}"
            page.wait_for_timeout(SAMPLE_SECONDS * 1000)
            busy = self._busy_seconds() - busy_before
            curve.append((time.monotonic() - begun, sum(self.payloads), busy))
        page.wait_for_timeout(1000)  # until the elements below the ended answer are drawn
        seen = page.evaluate("seen")
        return Figures(
            self._chat.name,
            frames=len(self.payloads),
            payload_bytes=sum(self.payloads),
            wire_bytes=self._relay.received - wire_before,
            main_thread=self._busy_seconds() - busy_before,
            enter_to_request=endpoint.times["request"] - seen["enter"],
            first_text=seen[answer.START] - endpoint.times["first"],
            enter_to_first_text=seen[answer.START] - seen["enter"],
            last_text=seen[answer.END] - endpoint.times["last"],
            curve=curve,
        )

    def _busy_seconds(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(
            float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration"
        )


def measure(browser: Browser, chat: Chat, environments: Path) -> Figures:
    """Measure the paced answer, then the instant answer, each as the first on an idle page."""
    endpoint = PacedEndpoint()
    endpoint.start()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running(chat, endpoint.base_url, Path(folder), environments) as app,
        _relay(app) as relay,
    ):
        page = browser.new_page(viewport=DESK)
        page.add_init_script(WATCH % (chat.message, answer.START, answer.END))
        watched = OpenPage(page, chat, relay)
        watched.open()
        watched.ask(endpoint)  # loads the code highlighter
        watched.open()
        endpoint.chunks_per_second = 100
        figures = watched.ask(endpoint)
        watched.open()
        endpoint.chunks_per_second = None
        figures.last_text_at_once = watched.ask(endpoint).last_text
        figures.start = app.start_seconds
        figures.memory_bytes = _resident_bytes(app)
        page.close()
    endpoint.stop()
    return figures


@contextmanager
def _relay(app: Running) -> Iterator[Relay]:
    relay = Relay(app.port)
    yield relay
    relay.stop()


def _resident_bytes(app: Running) -> int:
    process = psutil.Process(app.process.pid)
    return sum(
        running.memory_info().rss for running in [process, *process.children(recursive=True)]
    )


def table(figures: list[Figures]) -> str:
    """Format a Markdown table with a column for each chat page."""
    lines = ["| | " + " | ".join(figure.chat for figure in figures) + " |"]
    lines.append("|---" * (len(figures) + 1) + "|")
    lines += [f"| {name} | " + " | ".join(map(form, figures)) + " |" for name, form in ROWS]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--peers", action="store_true", help="measure the others as well")
    parser.add_argument("--only", metavar="NAME", help="measure only the one of this name")
    parser.add_argument(
        "--picture", type=Path, help="draw bytes and main-thread time into this SVG"
    )
    parser.add_argument(
        "--environments",
        type=Path,
        default=Path(".peers"),
        help="where the others are installed (%(default)s)",
    )
    options = parser.parse_args()
    if options.picture:
        from benchmarks import picture
    chats = [chat for chat in (OURS, *OTHERS) if options.peers or options.only or chat is OURS]
    figures = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for chat in chats:
            if not options.only or options.only.lower() in chat.name.lower():
                print(f"{chat.name} …", flush=True)
                figures.append(measure(browser, chat, options.environments.absolute()))
        browser.close()
    print(table(figures))
    if options.picture:
        picture.save({figure.chat: figure.curve for figure in figures}, options.picture)


if __name__ == "__main__":
    main()
