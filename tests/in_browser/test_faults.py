"""Faults of an endpoint in a browser: the message that is shown, and the button that helps."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from chatbot.errors import ChatbotError
from chatbot.i18n import catalogue, translate
from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import CANARY_KEY, RunningApp, wait_until
from tests.servers.endpoint import chunk
from tests.servers.faulty import FAULTS, WHOLE, Exchange, FaultyServer, count_down, events

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def servers() -> Iterator[list[FaultyServer]]:
    servers: list[FaultyServer] = []
    yield servers
    for server in servers:
        server.stop()


async def wait_for_seven_seconds(exchange: Exchange) -> None:
    """Busy once."""
    if exchange.server.state.setdefault("times", 0):
        await events(chunk(WHOLE, "stop"), "data: [DONE]\n\n")(exchange)
    else:
        exchange.server.state["times"] = 1
        await exchange.refuse(429, "Slow down", Retry_After="7")


async def know_one_model(exchange: Exchange) -> None:
    if exchange.body["model"] == "other-model":
        await events(chunk(WHOLE, "stop"), "data: [DONE]\n\n")(exchange)
    else:
        await exchange.refuse(404, "The model does not exist")


class Broken:
    """The real app, set up for a server that breaks; notes every frame of the live connection."""

    def __init__(self, run_app: Callable[..., RunningApp], open_page: OpenPage) -> None:
        self._run_app = run_app
        self._open_page = open_page
        self.frames: list[str] = []

    def open(
        self, server: FaultyServer, locale: str, viewport: dict[str, int], **settings: str
    ) -> Page:
        self.app = self._run_app(
            **{
                "OPENAI_BASE_URL": server.base_url,
                "OPENAI_API_KEY": CANARY_KEY,
                "CHATBOT_MODELS": "test-model, other-model",
                "CHATBOT_CONNECT_TIMEOUT": "1",
                "CHATBOT_SILENCE_TIMEOUT": "1",
                **settings,
            }
        )
        page = self._open_page(self.app.url, locale=locale, viewport=viewport)
        page.on("websocket", self._listen)
        page.reload()
        page.wait_for_selector(COMPOSER)
        return page

    def _listen(self, socket: object) -> None:
        socket.on("framereceived", self._note)  # type: ignore[attr-defined]

    def _note(self, frame: str | bytes) -> None:
        self.frames.append(frame if isinstance(frame, str) else frame.decode("latin-1"))


@pytest.fixture
def broken(run_app: Callable[..., RunningApp], open_page: OpenPage) -> Broken:
    return Broken(run_app, open_page)


def expect_calm(page: Page, width: int) -> None:
    """Nothing scrolls sideways, no traceback, and no exception of the library."""
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text(re.compile("Traceback|Error code|openai|httpx"))).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "locale", "viewport"),
    [
        ("key", "en-US", WIDE),
        ("key", "zh-CN", PHONE),
        ("no model", "zh-CN", WIDE),
        ("quota", "en-US", PHONE),
        ("context", "en-US", PHONE),
        ("HTML", "en-US", WIDE),
        ("stall", "zh-CN", PHONE),
        ("error", "en-US", WIDE),
    ],
)
def test_a_fault_is_one_sentence_with_a_button_and_keeps_its_secrets(
    name: str,
    locale: str,
    viewport: dict[str, int],
    broken: Broken,
    servers: list[FaultyServer],
) -> None:
    [fault] = [fault for fault in FAULTS if fault.name == name]
    server = FaultyServer(fault.answer).start()
    servers.append(server)
    page = broken.open(server, locale, viewport)
    ask(page, "What is the capital of France?")
    language = locale[:2]
    button = {label: key for key, label in catalogue("en").items() if key.startswith("answer.")}
    name_of_button = translate(language, button[fault.buttons[0]])
    expect(page.get_by_role("button", name=name_of_button).last).to_be_visible()
    assert fault.code
    error = ChatbotError(fault.code, host=server.host, model="test-model")
    expect(page.get_by_role("alert")).to_contain_text(error.sentence(language))
    expect(messages(page).last).to_contain_text(fault.text)
    expect_calm(page, viewport["width"])
    assert broken.frames
    assert CANARY_KEY not in "".join([page.content(), broken.app.log, *broken.frames])
    stored = b"".join(path.read_bytes() for path in broken.app.folder.glob("chatbot.db*"))
    assert CANARY_KEY.encode() not in stored


def test_a_failure_stands_at_once_where_it_will_stay(
    broken: Broken, servers: list[FaultyServer]
) -> None:
    release = threading.Event()

    async def refuse_late(exchange: Exchange) -> None:
        while not release.is_set():
            await asyncio.sleep(0.01)
        await exchange.refuse(401, "Bad key")

    server = FaultyServer(refuse_late).start()
    servers.append(server)
    page = broken.open(server, "en-US", WIDE, CHATBOT_SILENCE_TIMEOUT="60")
    ask(page, "Hi")
    expect(messages(page).last).to_contain_text("Thinking…")
    release.set()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    alert = page.get_by_role("alert").bounding_box()
    page.reload()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert alert
    wait_until(lambda: page.get_by_role("alert").bounding_box() == alert)


@pytest.mark.parametrize(
    ("locale", "viewport", "counting", "retry_now"),
    [
        ("en-US", WIDE, r"Trying again in \d+ s", "Retry now"),
        ("zh-CN", PHONE, r"\d+ 秒后重试", "立即重试"),
    ],
)
def test_a_busy_endpoint_is_waited_for_with_a_countdown(
    locale: str,
    viewport: dict[str, int],
    counting: str,
    retry_now: str,
    broken: Broken,
    servers: list[FaultyServer],
) -> None:
    server = FaultyServer(count_down).start()
    servers.append(server)
    page = broken.open(server, locale, viewport)
    ask(page, "Hi")
    timer = page.get_by_role("timer")
    expect(timer).to_have_text(re.compile(counting))
    expect(timer).not_to_have_text(timer.inner_text())
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    frames_before = len(broken.frames)
    for _ in range(2):
        expect(timer).not_to_have_text(timer.inner_text())
    assert len(broken.frames) == frames_before  # it is the browser alone that counts
    page.reload()  # and the wait goes on
    expect(timer).to_have_text(re.compile(counting))
    expect_calm(page, viewport["width"])
    server.state["is_busy"] = False
    page.get_by_role("button", name=retry_now).click()
    expect_answer(page, WHOLE)
    expect(timer).to_have_count(0)
    assert len(server.requests) == 2


def test_a_wait_ends_by_itself_even_while_the_phone_is_locked(
    broken: Broken, servers: list[FaultyServer]
) -> None:
    server = FaultyServer(wait_for_seven_seconds).start()
    servers.append(server)
    page = broken.open(server, "en-US", PHONE)
    ask(page, "Hi")
    expect(page.get_by_role("timer")).to_be_visible()
    page.clock.pause_at(time.time() + 1)  # as in a locked phone, no timer runs
    wait_until(lambda: len(server.requests) == 2, seconds=20)  # the server does not mind
    page.clock.resume()
    page.clock.fast_forward(10_000)
    expect_answer(page, WHOLE)


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
def test_choose_a_model_opens_the_sidebar_there(
    viewport: dict[str, int], broken: Broken, servers: list[FaultyServer]
) -> None:
    server = FaultyServer(know_one_model).start()
    servers.append(server)
    page = broken.open(server, "en-US", viewport)
    ask(page, "Hi")
    page.get_by_role("button", name="Choose a model").click()
    field = page.get_by_role("combobox", name="Model")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    field.fill("other-model")
    page.get_by_role("option", name="other-model").first.click()
    if viewport == PHONE:
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    page.get_by_role("button", name="Retry").click()
    expect_answer(page, WHOLE)
    assert [request["model"] for request in server.requests] == ["test-model", "other-model"]
