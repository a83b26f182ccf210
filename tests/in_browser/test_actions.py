"""Actions on questions and answers, in a real browser."""

import re
import sqlite3
import threading
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import LONG_REPLY, PHONE, OpenPage, ask, expect_answer, messages, new_chat
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WIDE = {"width": 1280, "height": 800}
LANGUAGES_AND_SIZES = [("en-US", WIDE), ("zh-CN", PHONE)]


def press(page: Page, english: str, chinese: str, number: int = -1) -> None:
    name = re.compile(f"^({english}|{chinese})$")
    page.get_by_role("button", name=name).nth(number).click()


def rewrite_first(page: Page, before: str, after: str) -> Locator:
    """Edit the first question in its place, and return the field."""
    press(page, "Edit", "编辑", 0)
    field: Locator = messages(page).first.get_by_role("textbox")
    expect(field).to_have_value(before)  # which comes some time after the field
    field.fill(after)
    return field


def expect_calm(page: Page) -> None:
    """Nothing scrolls sideways, and on a phone all is as wide and high as a finger."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    for scroller in ("html", "[data-testid=stMain]"):
        seen = page.evaluate("selector => document.querySelector(selector).scrollWidth", scroller)
        assert seen <= width
    if width > 640:
        return
    # Waited for: one that has just been drawn anew has no size for a moment.
    page.wait_for_function("""() => {
        const inMessage = "[data-testid=stChatMessage] :is(button, [role=radio])";
        const buttons = [...document.querySelectorAll(inMessage)].filter(
            (button) => button.checkVisibility({ visibilityProperty: true, opacityProperty: true })
        );
        return buttons.length > 0 && buttons.every((button) => {
            const box = button.getBoundingClientRect();
            return Math.min(box.width, box.height) >= 44;
        });
    }""")


@pytest.mark.parametrize(("locale", "viewport"), LANGUAGES_AND_SIZES)
def test_a_question_is_edited_in_its_place_and_its_versions_stepped_through(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
) -> None:
    release = threading.Event()
    page = open_page(app.url, locale=locale, viewport=viewport)
    for question in ("One", "Two"):
        ask(page, question)
        expect(messages(page)).to_have_count(2 if question == "One" else 4)
        expect_answer(page, "Hello there!")
    press(page, "Edit", "编辑", 0)
    field = messages(page).first.get_by_role("textbox")
    expect(field).to_have_value("One")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport(ratio=1)
    expect_calm(page)
    box = field.bounding_box()
    assert box and box["width"] > viewport["width"] * (0.6 if viewport == PHONE else 0.4)
    field.fill("Won")
    endpoint.replies = [Reply(["The new", " answer"], hold=release)]
    press(page, "Send", "发送")
    expect(messages(page).last).to_contain_text("The new")
    expect(messages(page)).to_have_count(2)  # what followed the old one is gone at once
    expect(page.get_by_text("Hello there!")).to_have_count(0)
    release.set()
    expect_answer(page, "The new answer")
    press(page, "Previous version", "上一个版本")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "Hello there!")
    expect_calm(page)
    press(page, "Next version", "下一个版本")
    expect(messages(page)).to_have_count(2)
    expect_answer(page, "The new answer")
    assert endpoint.requests[-1]["messages"] == [{"role": "user", "content": "Won"}]


def test_who_edits_while_an_answer_runs_keeps_what_was_typed(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    release = threading.Event()
    page = open_page(app.url)
    ask(page, "One")
    expect_answer(page, "Hello there!")
    endpoint.replies = [Reply(["Working", " done."], hold=release)]
    ask(page, "Two")
    expect(page.get_by_text("Working")).to_be_visible()
    field = rewrite_first(page, "One", "Won")
    press(page, "Send", "")
    expect(page.get_by_text("An answer is still on its way.")).to_be_visible()
    expect(field).to_have_value("Won")
    release.set()
    expect_answer(page, "Working done.")
    press(page, "Send", "")
    expect(messages(page)).to_have_count(2)
    expect_answer(page, "Hello there!")
    assert endpoint.requests[-1]["messages"] == [{"role": "user", "content": "Won"}]


@pytest.mark.parametrize("after_reload", [False, True])
def test_an_answer_that_is_given_again_takes_the_place_of_the_old_one_at_once(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, after_reload: bool
) -> None:
    release = threading.Event()
    endpoint.replies = [
        Reply([f"Old paragraph {number} is of some length, as paragraphs are. " * 5 + "\n\n"])
        if number == 0
        else Reply(["New", " answer"], hold=release)
        for number in range(2)
    ]
    endpoint.replies[0].pieces = [f"Old paragraph {n}. " + "Words " * 50 + "\n\n" for n in range(5)]
    page = open_page(app.url)
    ask(page, "Hi")
    expect_answer(page, "Old paragraph 4")
    if after_reload:
        page.reload()
        expect_answer(page, "Old paragraph 4")
    press(page, "Regenerate", "")
    expect(messages(page).last).to_contain_text("New")
    expect(page.get_by_text("Old paragraph")).to_have_count(0)
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    release.set()
    expect_answer(page, "New answer")
    expect(page.get_by_text("2/2")).to_be_visible()


def test_who_steps_away_from_a_running_answer_and_back_follows_it_again(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    release = threading.Event()
    page = open_page(app.url)
    ask(page, "One")
    expect_answer(page, "Hello there!")
    rewrite_first(page, "One", "Won")
    endpoint.replies = [Reply(["Still", " here"], hold=release)]
    press(page, "Send", "")
    expect(page.get_by_text("Still")).to_be_visible()
    press(page, "Previous version", "")
    expect_answer(page, "Hello there!")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    press(page, "Next version", "")
    expect(page.get_by_text("Still")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    press(page, "Previous version", "")
    expect_answer(page, "Hello there!")
    release.set()
    press(page, "Next version", "")
    expect_answer(page, "Still here")
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(("locale", "viewport"), LANGUAGES_AND_SIZES)
def test_a_cut_answer_goes_on_where_it_was_cut(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
) -> None:
    release = threading.Event()
    endpoint.replies = [
        Reply(["The quick", " bro"], finish_reason="length"),
        Reply(["quick brown", " fox."], hold=release),
    ]
    page = open_page(app.url, locale=locale, viewport=viewport)
    ask(page, "Hi")
    expect_answer(page, "The quick bro")
    expect_calm(page)
    press(page, "Continue", "继续")
    expect(page.get_by_text("The quick brown", exact=True)).to_be_visible()
    release.set()
    expect_answer(page, "The quick brown fox.")
    expect(page.get_by_role("button", name=re.compile("^(Continue|继续)$"))).to_be_hidden()
    page.reload()
    expect_answer(page, "The quick brown fox.")


def test_a_rating_during_an_answer_disturbs_nothing_and_is_kept(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    release = threading.Event()
    page = open_page(app.url)
    ask(page, "One")
    expect_answer(page, "Hello there!")
    endpoint.replies = [Reply(["Working", " done."], hold=release)]
    ask(page, "Two")
    expect(page.get_by_text("Working")).to_be_visible()
    page.get_by_role("radio", name="Thumbs up").first.click()
    expect(page.get_by_text("Working")).to_be_visible()
    release.set()
    expect_answer(page, "Working done.")
    page.reload()
    expect_answer(page, "Working done.")
    thumbs = page.get_by_role("radio", name="Thumbs up")
    expect(thumbs.first).to_have_attribute("aria-checked", "true")
    expect(thumbs.last).to_have_attribute("aria-checked", "false")
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(("locale", "viewport"), LANGUAGES_AND_SIZES)
def test_the_menu_asks_another_model_and_deletes_after_a_second_question(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
) -> None:
    page = open_page(app.url, locale=locale, viewport=viewport)
    for number, question in enumerate(("One", "Two"), 1):
        ask(page, question)
        expect(messages(page)).to_have_count(2 * number)
        expect_answer(page, "Hello there!")
    expect(page.locator(".st-key-line")).to_have_text("test-model")  # the list has arrived
    page.reload()
    expect_answer(page, "Hello there!")
    press(page, "More", "更多")
    page.get_by_role("menuitem", name="other-model").click()
    expect(page.get_by_text("2/2")).to_be_visible()  # until then the first answer's row is there
    expect_calm(page)
    press(page, "More", "更多")
    expect(page.get_by_role("menuitem").last).to_contain_text("other-model")
    page.keyboard.press("Escape")
    assert endpoint.requests[-1]["model"] == "other-model"
    press(page, "More", "更多", 0)
    page.get_by_role("menuitem", name=re.compile("Delete|删除")).click()
    expect(messages(page)).to_have_count(4)
    expect_calm(page)
    press(page, "Delete", "删除")
    expect(messages(page)).to_have_count(2)
    expect(messages(page).first).to_contain_text("Two")


@pytest.mark.parametrize("while_answering", [False, True])
def test_a_conversation_deleted_in_another_window_stays_and_can_be_saved(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, while_answering: bool
) -> None:
    release = threading.Event()
    page = open_page(app.url)
    ask(page, "First")
    expect_answer(page, "Hello there!")
    if while_answering:
        endpoint.replies = [Reply(["Half", " and half"], hold=release)]
        ask(page, "Second")
        expect(page.get_by_text("Half")).to_be_visible()
    with sqlite3.connect(app.folder / "chatbot.db") as database:
        database.execute("UPDATE conversations SET deleted_at = ?", (time.time(),))
    database.close()
    deleted = page.get_by_text("This conversation was deleted in another window.")
    composer = page.get_by_role("textbox", name="Ask anything")
    if while_answering:
        page.get_by_test_id("stFeedbackButton").first.click()
        expect(page.get_by_text("Hello there!")).to_be_visible()
        release.set()
        expect(messages(page).last).to_contain_text("Half and half")
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)  # so that Enter sends
    ask(page, "Third")
    expect(page.get_by_text("Hello there!")).to_be_visible()
    expect(deleted).to_be_visible()
    expect(composer).to_have_value("Third")
    page.get_by_role("button", name="Save as new chat").click()
    expect(messages(page)).to_have_count(4 if while_answering else 2)
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
    expect(composer).to_have_value("Third")
    page.reload()
    expect(messages(page)).to_have_count(4 if while_answering else 2)


def test_who_comes_back_goes_on_with_the_model_that_was_last_asked(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    choice = page.get_by_role("combobox", name=re.compile("^Model"))
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    expect(choice).to_have_value("test-model")  # its list has come, which fills it in
    choice.fill("other-model")
    choice.press("Enter")
    expect(choice).to_have_value("other-model")
    ask(page, "And you?")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "Hello there!")
    for is_new_visit in (False, True):
        if is_new_visit:
            page.goto(app.url)
        else:
            new_chat(page).click()
        expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()
        expect(choice).to_have_value("other-model")
    ask(page, "Once more")
    expect_answer(page, "Hello there!")
    assert [one["model"] for one in endpoint.requests] == ["test-model", *2 * ["other-model"]]


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}])
def test_who_steps_through_the_versions_of_an_early_question_stays_there(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page(app.url, viewport=viewport)
    endpoint.default_reply = Reply(LONG_REPLY)
    ask(page, "One")
    expect_answer(page, "Line 39")
    rewrite_first(page, "One", "Won")
    press(page, "Send", "发送")
    expect(page.get_by_text("2/2")).to_be_visible()
    expect_answer(page, "Line 39")
    ask(page, "Two")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "Line 39")
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -100_000)
    for button, step, count in (("Previous version", "1/2", 2), ("Next version", "2/2", 4)):
        messages(page).first.get_by_role("button", name=button).click()
        expect(page.get_by_text(step)).to_be_in_viewport()
        expect(messages(page)).to_have_count(count)
        expect_calm(page)
        expect(page.get_by_text(step)).to_be_in_viewport()
