"""Where the parts of the chat are on the screen, and what that spares a person."""

import re
import threading
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import RunningApp, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DESK = {"width": 1280, "height": 800}
TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
WORDS = "A sentence that is long enough to take more than one line on any of these screens. " * 3
CODE = "```python\nprint('a')\n```\n\n```\nno language\n```\n\n"


def box(part: Locator) -> dict[str, float]:
    """The position and size of a part, in pixels, and its right and bottom edge."""
    found: Any = None

    def is_there() -> bool:  # not while it is drawn anew, as code is when its words get colours
        nonlocal found
        found = part.bounding_box()
        return found is not None

    wait_until(is_there)
    right, bottom = found["x"] + found["width"], found["y"] + found["height"]
    return {**found, "right": right, "bottom": bottom}


def stop(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("Stop|停止"))


@pytest.mark.parametrize("options", [{"viewport": DESK}, TOUCH], ids=["desk", "phone"])
def test_the_words_get_the_room(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, options: dict[str, Any]
) -> None:
    is_phone = options is TOUCH
    endpoint.default_reply = Reply([f"{WORDS}\n\n{CODE}The end."])
    page = open_page(app.url, **options)
    ask(page, WORDS)
    expect_answer(page, "The end.")
    question, answer = messages(page).first, messages(page).last
    words, bubble = box(answer.locator("p").first), box(question.get_by_test_id("stText"))
    assert words["width"] >= 350 if is_phone else words["width"] == 760
    assert abs(bubble["right"] - words["right"]) < 1  # at the right, without an avatar
    assert bubble["width"] <= 0.8 * words["width"] + 1
    expect(question.get_by_test_id("stChatMessageAvatarUser")).to_be_hidden()
    expect(answer.get_by_test_id("stChatMessageAvatarAssistant")).to_be_hidden()

    pencil = question.get_by_role("button", name="Edit")
    holder = question.locator("[class*=st-key-icon-edit-]")
    assert bubble["y"] < box(pencil)["y"] and box(pencil)["bottom"] < bubble["bottom"]
    if is_phone:
        expect(holder).to_have_css("opacity", "1")
        assert min(box(pencil)["width"], box(pencil)["height"]) >= 44
    else:
        answer.hover()
        expect(holder).to_have_css("opacity", "0")
        question.hover()
        expect(holder).to_have_css("opacity", "1")
        answer.hover()
        pencil.focus()
        expect(holder).to_have_css("opacity", "1")

    for number, language in enumerate(("language-python", "text")):
        block = answer.locator(".stCode").nth(number)
        wait_until(partial(is_named, block.locator("code"), language))
        # The button that copies is beside the language, above the first line of code.
        button = block.get_by_role("button")
        expect(button).to_be_visible()
        begin = block.locator("code span").first
        assert box(button)["bottom"] <= box(begin)["y"] + 4
        assert box(begin)["y"] - box(block)["y"] < 52


def is_named(code: Locator, language: str) -> bool:
    """Tell if a language stands above code, which is drawn again when its words are coloured."""
    label = "code => getComputedStyle(code, '::before').content"
    return f'"{language}"' in str(code.evaluate(label))


@pytest.mark.parametrize(
    ("locale", "options"), [("en-US", {"viewport": DESK}), ("zh-CN", TOUCH)], ids=["desk", "phone"]
)
def test_under_an_answer_is_one_row_of_icons_of_the_same_size(
    app: RunningApp, open_page: OpenPage, locale: str, options: dict[str, Any]
) -> None:
    page = open_page(app.url, locale=locale, **options)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    page.get_by_role("button", name=re.compile("Regenerate|重新生成")).click()
    expect(page.get_by_text("2/2")).to_be_visible()
    expect_answer(page, "Hello there!")
    row = messages(page).last.locator("[class*=st-key-actions-]")
    buttons = row.locator("button")
    expect(buttons).to_have_count(7)  # copy, good, bad, again, more, and two for the versions
    boxes = [box(button) for button in buttons.all()]
    assert len({(round(one["y"]), one["width"], one["height"]) for one in boxes}) == 1
    assert boxes[0]["height"] == (44 if options is TOUCH else 32)
    icons = row.locator("button :is(svg, [data-testid=stIconMaterial]) >> visible=true")
    assert {box(icon)["width"] for icon in icons.all()} == {18}
    expect(row).not_to_contain_text("test-model")
    page.get_by_role("button", name=re.compile("More|更多")).last.click()
    expect(page.get_by_role("menuitem").last).to_contain_text("· test-model · 7 + 3 token")


@pytest.mark.parametrize("options", [{"viewport": DESK}, TOUCH], ids=["desk", "phone"])
def test_stop_is_where_send_was_and_enter_keeps_the_text(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, options: dict[str, Any]
) -> None:
    holds = [threading.Event(), threading.Event()]
    endpoint.replies = [Reply(["Half", " and half"], hold=one) for one in holds]
    page = open_page(app.url, **options)
    composer, send = page.locator(COMPOSER), page.get_by_test_id("stChatInputSubmitButton")
    place = box(send)
    ask(page, "Hi")
    for number, hold in enumerate(holds):
        expect(page.get_by_text("Half", exact=True)).to_be_visible()
        assert box(stop(page)) == place
        expect(send).to_be_hidden()
        page.reload()
        expect(page.get_by_text("Half", exact=True)).to_be_visible()
        assert box(stop(page)) == place
        composer.fill("For later")
        composer.press("Control+Enter")
        if options is not TOUCH:
            composer.press("Enter")
        hold.set()
        expect_answer(page, "Half and half")
        expect(stop(page)).to_have_count(0)
        expect(send).to_be_visible()
        assert box(send) == place
        expect(composer).to_have_value("For later")
        assert len(endpoint.requests) == number + 1
        if number == 0:
            page.get_by_role("button", name="Regenerate").click()
    composer.press("Control+Enter")
    wait_until(lambda: len(endpoint.requests) == 3)
    assert endpoint.requests[-1]["messages"][-1]["content"] == "For later"
    expect(composer).to_have_value("")


@pytest.mark.parametrize(
    ("locale", "options", "name"),
    [
        ("en-US", {"viewport": DESK}, "To the newest message"),
        ("zh-CN", TOUCH, "回到最新消息"),
    ],
    ids=["desk", "phone"],
)
def test_a_button_leads_back_to_the_newest_message(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    options: dict[str, Any],
    name: str,
) -> None:
    endpoint.default_reply = Reply(["Line.\n\n" * 60 + "The end."])
    page = open_page(app.url, locale=locale, **options)
    button = page.get_by_role("button", name=name)
    expect(button).to_be_hidden()
    ask(page, "Hi")
    expect_answer(page, "The end.")
    expect(page.get_by_text("The end.")).to_be_in_viewport()
    expect(button).to_be_hidden()
    page.get_by_test_id("stMain").evaluate("pane => { pane.scrollTop = 0 }")
    expect(button).to_be_visible()
    assert box(button)["height"] == (44 if options is TOUCH else 36)
    button.click()
    expect(page.get_by_text("The end.")).to_be_in_viewport()
    expect(button).to_be_hidden()
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("options", [{"viewport": DESK}, TOUCH], ids=["desk", "phone"])
def test_an_empty_page_has_its_greeting_in_the_middle_and_the_composer_in_reach(
    app: RunningApp, open_page: OpenPage, options: dict[str, Any]
) -> None:
    page = open_page(app.url, **options)
    cards = page.locator(".st-key-suggestions button")
    expect(cards).to_have_count(4)
    columns = {box(card)["x"] for card in cards.all()}
    assert len(columns) == (1 if options is TOUCH else 2)
    switch = page.get_by_role("switch", name="Temporary conversation")
    heading = page.get_by_role("heading", name="How can I help?")
    height = page.viewport_size["height"] if page.viewport_size else 0
    assert box(switch)["bottom"] < 0.2 * height < box(heading)["y"]
    assert box(cards.last)["bottom"] < box(page.locator(COMPOSER))["y"]
    expect(page.locator(COMPOSER)).to_be_in_viewport()
    pane = page.get_by_test_id("stMain")
    assert pane.evaluate("pane => pane.scrollHeight - pane.clientHeight") <= 0


def test_a_phones_head_names_the_conversation_and_begins_a_new_one(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page(app.url, **TOUCH)
    ask(page, "How is the weather?")
    expect_answer(page, "Hello there!")
    head = page.locator(".st-key-head")
    expect(head).to_contain_text("How is the weather?")
    new = head.get_by_role("button", name="New chat")
    assert box(new)["height"] >= 44 and box(new)["bottom"] <= 60
    new.click()
    expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()
    expect(messages(page)).to_have_count(0)
    expect(head.get_by_role("button")).to_have_count(0)
    desk = open_page(app.url, visitor=page)
    desk.set_viewport_size({"width": 1280, "height": 800})
    expect(desk.locator(".st-key-head")).to_be_hidden()
