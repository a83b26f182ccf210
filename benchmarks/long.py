"""A turn in a long and in a short conversation: bytes, and the time to first text.

    .venv/bin/python -m benchmarks.long

Each figure is the median of some turns, and its ratio to that of the shortest conversation.
"""

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import answer
from benchmarks.chats import OURS, running
from benchmarks.stream import DESK, WATCH, Figures, OpenPage, PacedEndpoint
from chatbot.access.visitor import owner_of
from chatbot.store import Message, Store, new_conversation, new_id
from tests.conftest import CHROMIUM_ARGUMENTS, find_chromium
from tests.servers.relay import Relay

MESSAGES = (10, 1_000, 10_000)
TURNS = 5

PARAGRAPH = "It depends on what you want to do with it, and on how much time there is. " * 4


def keep(store: Store, owner: str, count: int) -> str:
    """Store a conversation of `count` messages and return its id."""
    conversation = new_conversation(f"{count} messages", {})
    kept: list[Message] = []
    for number in range(count):
        role = "assistant" if number % 2 else "user"
        text = f"Number {number}. " + (f"{PARAGRAPH}\n\n" * 3 if number % 2 else "And then?")
        parent_id = kept[-1].id if kept else None
        kept.append(Message(new_id(), conversation.id, parent_id, role, text, model="test-model"))
    store.conversations.add(owner, conversation, kept)
    return conversation.id


def main() -> None:
    """Measure, and print a line for each length."""
    endpoint = PacedEndpoint()
    endpoint.start()
    endpoint.chunks_per_second = 1000
    turns: dict[int, list[Figures]] = {}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running(OURS, endpoint.base_url, Path(folder), Path()) as app,
        sync_playwright() as playwright,
    ):
        relay = Relay(app.port)
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        page = browser.new_page(viewport=DESK)
        page.add_init_script(WATCH % (OURS.message, answer.START, answer.END))
        watched = OpenPage(page, OURS, relay)
        watched.open()
        watched.ask(endpoint)  # loads the code highlighter
        owner = owner_of(page.evaluate("localStorage.getItem('chatbot-visitor')"))
        store = Store(f"sqlite:///{folder}/chatbot.db")
        for _ in range(TURNS):  # alternately, so that all lengths see the same load of the machine
            for count in MESSAGES:
                watched.open(f"?c={keep(store, owner, count)}")
                turns.setdefault(count, []).append(watched.ask(endpoint))
        store.close()
        browser.close()
        relay.stop()
    endpoint.stop()
    shortest = None
    for count, figures in turns.items():
        size = statistics.median(figure.payload_bytes for figure in figures)
        seconds = statistics.median(figure.enter_to_first_text for figure in figures)
        shortest = shortest or (size, seconds)
        print(
            f"{count:6,} messages: {size / 1000:6.1f} kB ({size / shortest[0]:.2f}),"
            f" first text {seconds * 1000:4.0f} ms after Enter ({seconds / shortest[1]:.2f})"
        )


if __name__ == "__main__":
    main()
