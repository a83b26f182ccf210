"""The page for people who use a keyboard or a screen reader, in a real browser."""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, messages, open_sidebar
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WORDS = {
    "en-US": {
        "begins": "Answering…",
        "ends": "Answer complete",
        "stopped": "Stopped.",
        "cleared": "The conversation was cleared.",
        "undo": "Undo",
        "undone": "The conversation is back.",
    },
    "zh-CN": {
        "begins": "正在回答…",
        "ends": "回答完毕",
        "stopped": "已停止。",
        "cleared": "对话已清空。",
        "undo": "撤销",
        "undone": "对话已恢复。",
    },
}


def listen(page: Page) -> None:
    """Note from now on what a screen reader is told politely."""
    page.evaluate(
        """() => {
            window.said = [];
            const region = document.getElementById("chatbot-announcements");
            new MutationObserver(() => window.said.push(region.textContent))
                .observe(region, { childList: true, characterData: true, subtree: true });
        }"""
    )


def expect_said(page: Page, *sentences: str) -> None:
    """Wait for the last sentence, and take all since the last call."""
    page.wait_for_function("last => window.said.at(-1) === last", arg=sentences[-1])
    assert page.evaluate("window.said.splice(0)") == list(sentences)


def expect_focus(page: Page, selector: str) -> None:
    page.wait_for_function("selector => document.activeElement.matches(selector)", arg=selector)


@pytest.mark.parametrize("locale", WORDS)
def test_a_screen_reader_hears_once_of_each_beginning_and_end(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, locale: str
) -> None:
    words = WORDS[locale]
    page = open_page(app.url, locale=locale)
    expect(page.locator("#chatbot-announcements")).to_have_attribute("role", "status")
    listen(page)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    expect_said(page, words["begins"], words["ends"])

    endpoint.default_reply = Reply(status=500, error={"message": "broken"})
    ask(page, "And now?")
    # The alert is announced by itself; said in the region, too, it would be heard twice.
    expect(messages(page).last.get_by_role("alert")).to_be_visible()
    expect_said(page, words["begins"], "")

    endpoint.default_reply = Reply(["It goes", " on"], hold=threading.Event())
    ask(page, "And then?")
    expect(messages(page).last).to_contain_text("It goes")
    # With an input method, Escape closes its list of words, and nothing else.
    page.locator(COMPOSER).dispatch_event("keydown", {"key": "Escape", "isComposing": True})
    page.locator(COMPOSER).dispatch_event("keydown", {"key": "Escape", "keyCode": 229})
    expect(page.locator(".st-key-stop")).to_be_visible()
    assert not endpoint.hung_up.is_set()
    page.keyboard.press("Escape")
    assert endpoint.hung_up.wait(20)
    expect_said(page, words["begins"], words["stopped"])
    expect_focus(page, COMPOSER)

    page.get_by_role("button", name=re.compile("Clear|清空")).first.click()
    expect(messages(page)).to_have_count(0)
    expect_said(page, words["cleared"])
    page.get_by_role("button", name=words["undo"]).click()
    expect(messages(page)).to_have_count(6)
    expect_said(page, words["undone"])


def test_the_keyboard_is_never_sent_back_to_the_beginning_of_the_page(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    code = "print('Hello')\n"
    endpoint.default_reply = Reply([f"Look:\n\n```python\n{code}```\n"])
    page = open_page(app.url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Hi")
    expect_answer(page, "Look:")

    page.locator(".stCode").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "async text => (await navigator.clipboard.readText()) === text", arg=code.strip()
    )

    pencil = page.locator("[class*=st-key-icon-edit-] button")
    pencil.focus()
    page.keyboard.press("Enter")
    expect_focus(page, "[class*=st-key-edited-] textarea")
    page.keyboard.press("Escape")
    expect_focus(page, "[class*=st-key-icon-edit-] button")
    expect(page.locator("[class*=st-key-edited-]")).to_have_count(0)

    menu = messages(page).last.locator("[class*=st-key-icon-more-] button")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect_focus(page, "[class*=st-key-icon-more-] button")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Delete this question and answer").press("Enter")
    expect_focus(page, "[class*=st-key-sure-] button")
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect_focus(page, "[class*=st-key-icon-more-] button")

    endpoint.default_reply = Reply(["It goes", " on"], hold=threading.Event())
    page.locator("[class*=st-key-again-] button").focus()
    page.keyboard.press("Enter")
    expect(messages(page).last).to_contain_text("It goes")
    expect_focus(page, COMPOSER)
    page.locator(".st-key-stop button").focus()
    page.keyboard.press("Enter")
    expect_answer(page, "It goes")
    expect_focus(page, COMPOSER)


def test_on_a_phone_escape_closes_the_sidebar_before_it_stops_an_answer(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["It goes", " on"], hold=threading.Event())
    page = open_page(app.url, viewport=PHONE)
    ask(page, "Hi")
    expect(messages(page).last).to_contain_text("It goes")
    open_sidebar(page)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stSidebar")).not_to_be_in_viewport()
    assert not endpoint.hung_up.is_set()
    page.keyboard.press("Escape")
    assert endpoint.hung_up.wait(20)


def test_streamlits_own_words_are_in_the_language_of_the_page(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["```python\nx = 1\n```\n\nWell.[^1]\n\n[^1]: So.\n"])
    page = open_page(app.url, locale="zh-CN")
    ask(page, "你好")
    expect_answer(page, "Well.")
    for name in ("用户的消息", "助手的消息"):
        expect(page.get_by_role("group", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="发送消息")).to_be_attached()
    expect_no_english(page)
    page.get_by_test_id("stMainMenu").get_by_role("button").click()
    expect(page.get_by_text("打印")).to_be_visible()
    expect_no_english(page)
    page.goto(f"{app.url}/?view=data")
    expect(page.get_by_role("button", name="选择文件").last).to_be_visible()
    expect_no_english(page)
    page.get_by_text("English").click()  # and back: the page is not loaded anew
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Main menu")).to_be_visible()


def expect_no_english(page: Page) -> None:
    """Wait until no name that Streamlit gives a part of the page is in English."""
    page.wait_for_function(
        """() => [...document.querySelectorAll("[aria-label], [title]")].every((element) =>
            [element.ariaLabel, element.title].every((name) => !/^[ -~]*[a-z]{3}/.test(name ?? ""))
            || element.closest('[data-testid="stSkillsNudge"], svg'))"""
    )
