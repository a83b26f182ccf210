"""What a person does and sees in a browser."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

COMPOSER = "[data-testid=stChatInputTextArea]"
PHONE = {"width": 390, "height": 844}
LONG_REPLY = [f"Line {number} of the answer.\n\n" for number in range(40)]

OpenPage = Callable[..., Page]


def ask(page: Page, question: str) -> None:
    page.fill(COMPOSER, question)
    page.keyboard.press("Enter")
    expect(messages(page).nth(0)).to_be_visible()


def open_sidebar(page: Page) -> None:
    if page.viewport_size == PHONE:
        page.get_by_test_id("stExpandSidebarButton").click()
    new = page.get_by_role("button", name=re.compile("^(edit_square )?(New|新对话)$")).first
    new.click(trial=True)  # waits until it has slid in


def messages(page: Page) -> Any:
    return page.get_by_test_id("stChatMessage")


def expect_answer(page: Page, text: str) -> None:
    expect(messages(page).last).to_contain_text(text)
    expect(page.get_by_role("button", name=re.compile("Regenerate|重新生成"))).to_be_visible()
