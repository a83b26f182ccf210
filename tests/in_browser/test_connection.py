"""The connection check in a browser, for the person at the machine and for a stranger."""

import stat
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chatbot.i18n import catalogue
from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, open_settings
from tests.conftest import CANARY_KEY, RunningApp
from tests.servers.endpoint import FakeEndpoint

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WIDE = {"width": 1280, "height": 800}

AT_A_DESK = {"STREAMLIT_SERVER_HEADLESS": "false", "BROWSER": "true"}


def listen(page: Page) -> list[str]:
    """Return a list that grows by each message sent to the page after its next reload."""
    frames: list[str] = []

    def note(frame: str | bytes) -> None:
        frames.append(frame if isinstance(frame, str) else frame.decode("latin-1"))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return frames


@pytest.mark.parametrize(("locale", "viewport"), [("en-US", WIDE), ("zh-CN", PHONE)])
def test_a_wrong_path_is_found_mended_and_used_at_once(
    run_app: Callable[..., RunningApp],
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
) -> None:
    said = catalogue(locale[:2])
    app = run_app(**AT_A_DESK)
    root = endpoint.base_url.removesuffix("/v1")
    env_file = app.folder / ".env"
    env_file.write_text(
        f"OPENAI_BASE_URL={root}/chat/completions\nOPENAI_API_KEY={CANARY_KEY}\n", "utf-8"
    )
    page = open_page(app.url, locale=locale, viewport=viewport)
    frames = listen(page)
    page.reload()
    page.wait_for_selector(COMPOSER)
    ask(page, "Hi")
    remedy = page.get_by_test_id("stMain").get_by_role("button", name=said["answer.check"])
    remedy.click()
    page.get_by_role("button", name=said["check.start"]).click()
    works = said["check.works_at"].format(
        host=endpoint.base_url.split("/")[2], base_url=endpoint.base_url
    )
    expect(page.get_by_test_id("stAlert")).to_contain_text(works)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert "chat/completions" in env_file.read_text("utf-8")  # nothing is written unasked
    page.get_by_role("button", name=said["check.apply"]).click()
    expect(page.get_by_text(said["check.applied"])).to_be_visible()
    assert f"OPENAI_BASE_URL='{endpoint.base_url}'" in env_file.read_text("utf-8")
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    page.get_by_role("button", name=said["data.back"]).click()
    page.wait_for_selector(COMPOSER)
    page.fill(COMPOSER, "Hello again")
    page.keyboard.press("Enter")
    expect_answer(page, "Hello there!")
    assert frames
    assert CANARY_KEY not in "".join([page.content(), app.log, *frames])


def test_a_stranger_is_told_what_works_and_can_change_nothing(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    root = endpoint.base_url.removesuffix("/v1")
    app = run_app(OPENAI_BASE_URL=f"{root}/my-token", OPENAI_API_KEY=CANARY_KEY)
    page = open_page(app.url)
    frames = listen(page)
    page.reload()
    open_settings(page)
    page.get_by_role("button", name="Check the connection").click()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("works, with the base URL")).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_role("textbox")).to_have_count(0)
    expect(page.get_by_role("button", name="Use these settings")).to_have_count(0)
    shown = "".join([page.content(), *frames])
    assert f"{root}/v1" in shown
    assert "my-token" not in shown and CANARY_KEY not in shown + app.log
    assert not (app.folder / ".env").exists()
