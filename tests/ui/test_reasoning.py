"""A model's work before its answer, shown on the page: reading the prompt, and reasoning."""

import json
import re
import threading
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from tests.browser import PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply, chunk
from tests.ui.test_page import ask as ask_page
from tests.ui.test_page import said, texts

SECRETLY = "Secretly thought"


def test_a_closed_line_says_how_long_it_thought_and_sends_nothing_of_it(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(thoughts=[SECRETLY])]
    ask_page(page.run(), "Hi!")
    [line] = page.main.expander
    assert re.fullmatch(r"Thought for \d+ s", line.label)
    assert texts(page) == ["Hi!", "Hello there!"]
    page.run()  # as a part of the history
    assert [line.label for line in page.main.expander] == [line.label]
    assert SECRETLY not in str(page.main)


def test_an_answer_without_reasoning_has_no_such_line(page: AppTest) -> None:
    ask_page(page.run(), "Hi!")
    assert list(page.main.expander) == []


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en-US", "still thinking when the length limit"), ("zh-CN", "模型还在思考")],
)
def test_reasoning_that_used_up_the_limit_is_said(
    locale: str, sentence: str, page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply([], thoughts=["Hm"], finish_reason="length")]
    page.context = {"locale": locale}
    ask_page(page.run(), "Hi!")
    assert sentence in said(str(page.warning[0].value))
    assert any(str(button.key).startswith("open-control-") for button in page.button)


def line(page: Page) -> Any:
    return messages(page).last.locator("summary")


@pytest.mark.browser
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("locale", "viewport", "thinking", "thought"),
    [
        ("en-US", {"width": 1280, "height": 800}, "Thinking…", "Thought for"),
        ("zh-CN", PHONE, "正在思考…", "思考了"),
    ],
)
def test_reasoning_is_opened_while_it_runs_and_survives_a_reload(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
    thinking: str,
    thought: str,
) -> None:
    release = threading.Event()
    endpoint.replies = [
        Reply(["The answer"], thoughts=["First **this**", "."], hold_answer=release)
    ]
    page = open_page(app.url, locale=locale, viewport=viewport)
    ask(page, "Hi!")
    expect(line(page)).to_contain_text(thinking)
    expect(page.get_by_text("First this.")).to_have_count(0)
    page.reload()
    expect(line(page)).to_contain_text(thinking)
    line(page).click()
    expect(messages(page).last).to_contain_text("First this.")
    release.set()
    expect_answer(page, "The answer")
    expect(line(page)).to_contain_text(thought)
    expect(messages(page).last).to_contain_text("First this.")  # it stays open
    line(page).click()
    expect(page.get_by_text("First this.")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.reload()
    expect(line(page)).to_contain_text(thought)
    line(page).click()
    expect(messages(page).last).to_contain_text("First this.")
    expect(messages(page)).to_have_count(2)


@pytest.mark.browser
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("locale", "viewport", "reading"),
    [
        ("en-US", {"width": 1280, "height": 800}, "Reading the conversation: 25 %"),
        ("zh-CN", PHONE, "正在阅读对话：25%"),
    ],
)
def test_while_a_long_conversation_is_read_it_is_said_how_far(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
    reading: str,
) -> None:
    release = threading.Event()
    progress = {"total": 5000, "cache": 1000, "processed": 2000, "time_ms": 900}
    reads = f"data: {json.dumps({'choices': [], 'prompt_progress': progress})}\n\n"
    endpoint.replies = [Reply(raw_events=[reads, chunk("The answer", "stop")], hold=release)]
    page = open_page(app.url, locale=locale, viewport=viewport)
    ask(page, "Hi!")
    expect(messages(page).last).to_contain_text(reading)
    release.set()
    expect_answer(page, "The answer")
    expect(page.get_by_text(reading)).to_have_count(0)


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_text_that_turns_out_to_be_reasoning_moves_into_its_line(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    hold = threading.Event()
    events = [chunk("The user greets."), chunk("\n</think>\n\n"), chunk("Good day!", "stop")]
    endpoint.replies = [Reply(raw_events=events, hold=hold)]
    page = open_page(app.url)
    ask(page, "Hi")
    expect(messages(page).last).to_contain_text("The user greets.")
    hold.set()
    expect_answer(page, "Good day!")
    for _ in range(2):
        expect(messages(page).last).not_to_contain_text("The user greets.")
        line(page).click()
        expect(messages(page).last).to_contain_text("The user greets.")
        expect(messages(page).last).not_to_contain_text("think>")
        page.reload()
        expect(messages(page).last).to_contain_text("Good day!")
