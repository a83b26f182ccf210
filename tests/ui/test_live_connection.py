"""Bytes and messages on the live connection: exact for a given answer on any machine."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests import browser
from tests.conftest import RunningApp, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

COMPOSER = "[data-testid=stChatInputTextArea]"


class Connection:
    """A page and all that its server has sent it since it was last cleared."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.received: list[ForwardMsg] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._note))
        for _ in ("a new visitor", "one who has been here before"):
            page.goto(url)
            expect(page.locator(COMPOSER)).to_be_focused(timeout=20_000)
            self._wait_for_quiet()

    def _note(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes)
        self.received.append(ForwardMsg.FromString(frame))

    def _wait_for_quiet(self) -> None:
        seen = -1
        while seen < len(self.received):
            seen = len(self.received)
            self.page.wait_for_timeout(500)

    def ask(self, question: str) -> None:
        """Ask, and wait until the answer's run of the page is over."""
        self.received.clear()
        self.page.fill(COMPOSER, question)
        self.page.keyboard.press("Enter")
        expect(browser.messages(self.page).get_by_text(question, exact=True)).to_be_visible()
        wait_until(self._is_over)
        expect(self.page.get_by_role("button", name="Stop")).to_be_hidden(timeout=20_000)
        expect(self.page.get_by_role("button", name="Regenerate")).to_be_visible()

    def _is_over(self) -> bool:
        self.page.wait_for_timeout(50)  # or no message is noted
        return self.count("script_finished") > 0

    def count(self, kind: str) -> int:
        return sum(message.WhichOneof("type") == kind for message in self.received)


@pytest.fixture
def connection(
    chromium: Browser, run_app: Callable[..., RunningApp], endpoint: FakeEndpoint
) -> Iterator[Connection]:
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_MODELS="test-model")
    context = chromium.new_context(locale="en-US", color_scheme="dark")
    yield Connection(context.new_page(), app.url)
    context.close()


def test_a_question_is_one_run_of_the_page(connection: Connection, endpoint: FakeEndpoint) -> None:
    endpoint.default_reply = Reply(seconds_between=0.3)  # time enough for a run too many
    for question in ("The first", "The second"):
        connection.ask(question)
        assert connection.count("new_session") == 1


def test_what_is_on_the_page_is_not_sent_again(
    connection: Connection, endpoint: FakeEndpoint
) -> None:
    long_answer = "Words of the first answer. " * 100
    endpoint.replies = [Reply([long_answer])]
    connection.ask("The first")
    assert any(long_answer.strip() in str(message) for message in connection.received)
    connection.ask("The second")
    sent_bytes = sum(map(ForwardMsg.ByteSize, connection.received))
    assert not any("Words of the first answer." in str(one) for one in connection.received)
    assert not any("stSidebarHeader" in str(one) for one in connection.received)
    assert sent_bytes < 12_000
    expect(connection.page.get_by_text(long_answer.strip())).to_be_visible()
