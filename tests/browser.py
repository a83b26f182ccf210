"""Actions of a person in a browser, and checks of the page."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

COMPOSER = "[data-testid=stChatInputTextArea]"
PHONE = {"width": 390, "height": 844}
LONG_REPLY = [f"Line {number} of the answer.\n\n" for number in range(40)]

OpenPage = Callable[..., Page]


def ask(page: Page, question: str) -> None:
    page.fill(COMPOSER, question)
    if page.evaluate("matchMedia('(any-pointer: fine)').matches"):
        page.keyboard.press("Enter")
    else:  # on a phone that makes a new line
        page.get_by_test_id("stChatInputSubmitButton").click()
    expect(messages(page).nth(0)).to_be_visible()


def open_sidebar(page: Page) -> None:
    if page.viewport_size == PHONE:
        page.get_by_test_id("stExpandSidebarButton").click()
    new_chat(page).click(trial=True)  # waits until it has slid in


def new_chat(page: Page) -> Locator:
    """The sidebar's button that begins a conversation."""
    return page.locator(".st-key-new button")


def row(page: Page, title: str) -> Locator:
    """The row of a conversation in the list."""
    return page.locator(".list-row").filter(has_text=title)


def open_row(page: Page, title: str) -> None:
    """Open a conversation from the list."""
    row(page, title).get_by_role("link").click()


def choose_in_menu(page: Page, title: str, entry: str) -> None:
    """Choose an entry of a conversation's menu, named by a regular expression."""
    row(page, title).hover()
    row(page, title).get_by_role("button").click()
    page.get_by_role("menuitem", name=re.compile(entry)).click()


def open_settings(page: Page) -> None:
    """Open the fold of the answer settings."""
    page.get_by_text(re.compile("^(Answer settings|回答设置)$")).click()


def messages(page: Page) -> Any:
    return page.get_by_test_id("stChatMessage")


def expect_answer(page: Page, text: str) -> None:
    expect(messages(page).last).to_contain_text(text)
    expect(page.get_by_role("button", name=re.compile("Regenerate|重新生成"))).to_be_visible()
