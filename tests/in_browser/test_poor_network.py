"""Poor networks, locked phones, closed tabs: the answer is complete when the person returns."""

import re
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, messages, open_row
from tests.conftest import CANARY_KEY, RunningApp, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.servers.relay import Relay

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SESSION_SECONDS = 2
"""How long the server waits for a browser to come back, instead of two minutes."""

REPLY = Reply([f"Line {number} of the answer.\n\n" for number in range(60)], seconds_between=0.1)
LAST_LINE = "Line 59 of the answer."


@pytest.fixture
def app(run_app: Callable[..., RunningApp], endpoint: FakeEndpoint) -> RunningApp:
    endpoint.default_reply = REPLY
    return run_app(
        OPENAI_BASE_URL=endpoint.base_url,
        OPENAI_API_KEY=CANARY_KEY,
        STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(SESSION_SECONDS),
    )


@pytest.fixture
def network(app: RunningApp) -> Iterator[Relay]:
    relay = Relay(app.port)
    yield relay
    relay.stop()


@pytest.mark.parametrize("seconds_away", [1, 2 * SESSION_SECONDS])
def test_a_lost_connection_misses_nothing(
    network: Relay, endpoint: FakeEndpoint, open_page: OpenPage, seconds_away: float
) -> None:
    page = open_page(f"http://127.0.0.1:{network.port}", viewport=PHONE)
    ask(page, "Hi")
    expect(page.get_by_text("Line 5 of the answer.")).to_be_visible()
    network.cut()
    expect(page.get_by_text("Connection lost.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Streamlit")).to_be_hidden()
    page.wait_for_timeout(seconds_away * 1000)
    network.mend()
    expect(page.get_by_text(LAST_LINE)).to_be_visible(timeout=30_000)
    expect_whole_answer_once(page, endpoint)


def test_a_phone_that_was_locked_shows_the_whole_answer_when_it_is_unlocked(
    network: Relay, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(f"http://127.0.0.1:{network.port}", viewport=PHONE)
    ask(page, "Hi")
    expect(page.get_by_text("Line 5 of the answer.")).to_be_visible()
    phone = page.context.new_cdp_session(page)
    phone.send("Page.enable")
    phone.send("Page.setWebLifecycleState", {"state": "frozen"})
    network.cut()  # the system takes a sleeping page's connections away
    page.wait_for_timeout(2000 * SESSION_SECONDS)
    network.mend()
    phone.send("Page.setWebLifecycleState", {"state": "active"})
    expect(page.get_by_text(LAST_LINE)).to_be_visible(timeout=30_000)
    expect_whole_answer_once(page, endpoint)


def test_a_temporary_conversation_outlives_a_lost_connection_and_is_written_nowhere(
    app: RunningApp, network: Relay, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(f"http://127.0.0.1:{network.port}")
    page.get_by_text("Temporary conversation").click()
    expect(page.get_by_text("Temporary: this conversation")).to_be_visible()
    ask(page, "Between us")
    expect(page.get_by_text("Line 5 of the answer.")).to_be_visible()
    network.cut()
    expect(page.get_by_text("Connection lost.")).to_be_visible(timeout=30_000)
    network.mend()
    expect_whole_answer_once(page, endpoint)
    assert b"Between us" not in b"".join(
        file.read_bytes() for file in app.folder.glob("chatbot.db*")
    )


def test_an_answer_is_kept_whole_when_its_tab_was_closed(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    first = open_page(app.url)
    ask(first, "Hi")
    expect(first.get_by_text("Line 5 of the answer.")).to_be_visible()
    context = first.context
    first.close()
    wait_until(lambda: "Line 59" in kept_answer(app), seconds=20)
    page = context.new_page()
    page.goto(app.url)
    expect(page.locator(COMPOSER)).to_be_focused()  # all has settled
    open_row(page, "Hi")
    expect_whole_answer_once(page, endpoint)


def test_a_restart_keeps_the_text_and_what_was_being_typed(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    ask(page, "Hi")
    expect(page.get_by_text("Line 15 of the answer.")).to_be_visible()
    page.fill(COMPOSER, "Not yet sent")
    app.stop()
    app.start()
    # The open page finds the new server by itself.
    expect(page.get_by_text("Cut short")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Line 5 of the answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
    expect(page.locator(COMPOSER)).to_have_value("Not yet sent")
    assert len(endpoint.requests) == 1


def test_a_message_that_cannot_be_read_brings_a_new_page_with_all_in_it(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    connections: list[WebSocketRoute] = []

    def pass_on(connection: WebSocketRoute) -> None:
        connection.connect_to_server()
        connections.append(connection)

    page.route_web_socket(re.compile("/_stcore/stream"), pass_on)
    page.reload()
    ask(page, "Hi")
    expect(page.get_by_text("Line 5 of the answer.")).to_be_visible()
    page.fill(COMPOSER, "Not yet sent")
    page.evaluate("window.isOld = true")
    connections[-1].send("no message of Streamlit's")
    page.wait_for_function("!window.isOld", timeout=30_000)  # a new page
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect_whole_answer_once(page, endpoint)
    expect(page.locator(COMPOSER)).to_have_value("Not yet sent")


def expect_whole_answer_once(page: Page, endpoint: FakeEndpoint) -> None:
    expect(page.get_by_text("Connection lost.")).to_be_hidden()
    expect_answer(page, LAST_LINE)
    expect(messages(page)).to_have_count(2)
    lines = [line for line in messages(page).last.inner_text().splitlines() if "of the" in line]
    assert lines == [f"Line {number} of the answer." for number in range(60)]
    assert len(endpoint.requests) == 1


def kept_answer(app: RunningApp) -> str:
    """Return the newest answer's text in the database file."""
    file = sqlite3.connect(app.folder / "chatbot.db")
    try:
        query = "SELECT content FROM messages WHERE role = 'assistant' AND state = 'complete'"
        row = file.execute(query).fetchone()
    finally:
        file.close()
    return str(row[0]) if row else ""


COUNT_RUNS = """() => {
    const app = document.querySelector("[data-testid=stApp]");
    window.runs = 0;
    new MutationObserver(() => {
        if (app.dataset.testScriptState === "notRunning") window.runs += 1;
    }).observe(app, { attributeFilter: ["data-test-script-state"] });
}"""


@pytest.mark.parametrize("does", ["asks", "clicks"])
def test_what_is_done_first_after_the_server_forgot_the_page_is_heard(
    does: str, run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    # Streamlit has a page that was being drawn, or waits for a list, drawn again by itself.
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_MODELS="test-model")
    page = open_page(app.url)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    wait_until(lambda: kept_answer(app) == "Hello there!")
    app.kill()
    expect(page.get_by_text("Connection lost.")).to_be_visible(timeout=30_000)
    page.evaluate(COUNT_RUNS)
    app.start()
    page.wait_for_function("window.runs > 0", timeout=30_000)
    if does == "asks":
        ask(page, "And then?")
        expect(messages(page)).to_have_count(4)
    else:
        page.get_by_role("button", name="Regenerate").click()
    wait_until(lambda: len(endpoint.requests) == 2)
    expect_answer(page, "Hello there!")
    expect(page.locator(COMPOSER)).to_have_value("")


@pytest.mark.parametrize("how", ["Enter", "Send"])
def test_a_question_that_is_lost_on_its_way_comes_back_to_the_composer(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage, how: str
) -> None:
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_MODELS="test-model")
    page = open_page(app.url)
    lost: list[bytes] = []

    def pass_on(connection: WebSocketRoute) -> None:
        server = connection.connect_to_server()

        def send(message: str | bytes) -> None:
            text = message.encode() if isinstance(message, str) else message
            if b"Lost once" in text and not lost:
                lost.append(text)
                connection.close()  # as a network does that breaks down just then
            else:
                server.send(message)

        connection.on_message(send)

    page.route_web_socket(re.compile("/_stcore/stream"), pass_on)
    page.reload()
    expect(page.locator(COMPOSER)).to_be_focused()
    for question in ("First", "Lost once"):
        page.fill(COMPOSER, question)
        if how == "Enter":
            page.keyboard.press("Enter")
        else:
            page.get_by_role("button", name="Send message").click()
        if question == "First":
            expect_answer(page, "Hello there!")
    expect(page.locator(COMPOSER)).to_have_value("Lost once", timeout=20_000)
    page.locator(COMPOSER).press("Enter")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "Hello there!")
    expect(page.locator(COMPOSER)).to_have_value("")
    assert [one["messages"][-1]["content"] for one in endpoint.requests] == ["First", "Lost once"]
