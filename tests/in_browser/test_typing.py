"""Typing with an input method, by keyboard and by touch, in a real browser."""

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.browser import COMPOSER, PHONE, OpenPage, expect_answer, messages
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "nativeVirtualKeyCode": 13}
DRAFTS = "() => Object.entries(sessionStorage).filter(([name]) => name.startsWith('chatbot-draft'))"


def asked(endpoint: FakeEndpoint) -> list[str]:
    return [request["messages"][-1]["content"] for request in endpoint.requests]


def take_word(page: Page, cdp: CDPSession, field: Locator, word: str) -> None:
    """Compose a word and take it with Enter, as Chrome and then as Safari tell of it."""
    field.focus()
    cdp.send("Input.imeSetComposition", {"text": word, "selectionStart": 2, "selectionEnd": 2})
    field.evaluate(
        """field => field.dispatchEvent(new KeyboardEvent("keydown",
            { key: "Enter", keyCode: 229, isComposing: true, bubbles: true, cancelable: true }))"""
    )
    cdp.send("Input.insertText", {"text": word})
    # Safari: the composition is over, and a key of code 229 follows.
    cdp.send(
        "Input.dispatchKeyEvent", {"type": "rawKeyDown", **ENTER, "windowsVirtualKeyCode": 229}
    )
    cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", **ENTER})


def test_an_input_methods_enter_takes_a_word_and_sends_nothing(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url, locale="zh-CN")
    composer = page.locator(COMPOSER)
    expect(composer).to_be_focused()  # the page's script has come
    expect(composer).to_have_attribute("enterkeyhint", "send")
    cdp = page.context.new_cdp_session(page)
    seen = page.evaluate_handle(
        """() => { const seen = []; document.querySelector("#root").addEventListener("keydown",
            (event) => event.key === "Enter" && seen.push(event.keyCode)); return seen; }"""
    )
    take_word(page, cdp, composer, "你好")
    expect(composer).to_have_value("你好")
    assert seen.json_value() == []  # nothing that Streamlit could take for a question
    page.keyboard.press("Shift+Enter")
    page.keyboard.insert_text("世界")
    expect(composer).to_have_value("你好\n世界")
    page.keyboard.press("Enter")
    expect_answer(page, "Hello there!")
    expect(composer).to_have_value("")

    page.get_by_role("button", name="编辑", exact=True).click()
    editor = page.locator("[class*=st-key-edited-] textarea")
    expect(editor).to_be_focused()
    editor.fill("")
    take_word(page, cdp, editor, "再来")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("一次")
    expect(editor).to_have_value("再来\n一次")
    page.keyboard.press("Control+Enter")
    expect(editor).to_have_count(0)
    expect(messages(page).first).to_contain_text("一次")
    expect_answer(page, "Hello there!")
    page.wait_for_function(f"({DRAFTS})().length === 0")

    composer.fill("用键盘")
    page.keyboard.press("Meta+Enter")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "Hello there!")
    expect(composer).to_have_value("")
    assert asked(endpoint) == ["你好\n世界", "再来\n一次", "用键盘"]

    keys = seen.json_value()
    assert 229 not in keys
    page.get_by_role("button", name="对话菜单").click()
    page.get_by_role("menuitem", name="重命名").click()
    title = page.get_by_role("textbox", name="对话标题")
    expect(title).to_be_focused()
    title.fill("")
    take_word(page, cdp, title, "世界")
    expect(title).to_have_value("世界")  # still open
    take_word(page, cdp, page.locator(".st-key-search input"), "世界")
    expect(page.locator(".st-key-search input")).to_have_value("世界")
    assert seen.json_value() == keys


def test_on_a_phone_enter_makes_a_line_and_the_button_sends(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url, viewport=PHONE, has_touch=True, is_mobile=True)
    composer = page.locator(COMPOSER)
    expect(composer).to_have_attribute("enterkeyhint", "enter")
    assert page.evaluate("matchMedia('(any-pointer: fine)').matches") is False
    composer.tap()
    page.keyboard.insert_text("One")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("two")
    expect(composer).to_have_value("One\ntwo")
    page.reload()  # it is a draft, and no question that was lost
    expect(composer).to_have_value("One\ntwo")
    assert asked(endpoint) == []
    page.get_by_test_id("stChatInputSubmitButton").tap()
    expect_answer(page, "Hello there!")
    expect(composer).to_have_value("")
    page.wait_for_function(f"({DRAFTS})().length === 0")
    composer.tap()
    page.keyboard.insert_text("With a keyboard")
    page.keyboard.press("Control+Enter")
    expect(messages(page)).to_have_count(4)
    expect(composer).to_have_value("")
    assert asked(endpoint) == ["One\ntwo", "With a keyboard"]


def test_with_a_mouse_enter_sends_at_the_first_instant_on_a_page_of_any_size(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url, viewport=PHONE)  # waits for the composer alone
    page.fill(COMPOSER, "Hi")
    page.keyboard.press("Enter")
    expect_answer(page, "Hello there!")
    expect(page.locator(COMPOSER)).to_have_value("")
    assert asked(endpoint) == ["Hi"]
