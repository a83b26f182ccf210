"""The page in a real browser, where AppTest is not enough."""

import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import (
    COMPOSER,
    LONG_REPLY,
    PHONE,
    OpenPage,
    ask,
    expect_answer,
    messages,
    new_chat,
    open_row,
    open_settings,
    row,
)
from tests.conftest import CANARY_KEY, WEIGHTS_FOLDER, RunningApp, wait_until
from tests.markdown.splitting.test_segments import BLOCKS
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.servers.relay import Relay

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("locale", "viewport", "greeting"),
    [
        ("en-US", {"width": 1280, "height": 800}, "How can I help?"),
        ("zh-CN", PHONE, "有什么可以帮您？"),
    ],
)
def test_a_person_asks_and_is_answered(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
    greeting: str,
) -> None:
    wide = "| " + " | ".join(f"column {number}" for number in range(12)) + " |\n"
    table = "\n" + wide + "|---" * 12 + "|\n" + wide
    formula = "\n$" + "a + " * 80 + "b$\n\n" + "x" * 300 + "\n"
    endpoint.default_reply = Reply(
        ["**Paris**", " is\n\n- a city\n", "- in France\n", table, formula]
    )
    page = open_page(app.url, locale=locale, viewport=viewport)
    expect(page.get_by_text(greeting)).to_be_visible()
    ask(page, "What is\nthe capital?")
    expect_answer(page, "in France")
    expect(messages(page).last.locator("strong")).to_have_text("Paris")
    for scroller in ("html", "[data-testid=stMain]"):
        width = page.evaluate("selector => document.querySelector(selector).scrollWidth", scroller)
        assert width <= viewport["width"]
    assert re.search(r"c=[0-9a-f]{32}", page.url)
    assert [request["messages"][-1]["content"] for request in endpoint.requests] == [
        "What is\nthe capital?"
    ]


def test_a_sign_shows_that_the_answer_is_on_its_way(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(seconds_before_first=1)
    page = open_page(app.url)
    ask(page, "Hi")
    expect(page.get_by_text("Thinking…")).to_be_visible()
    expect(page.get_by_text("How can I help?")).to_be_hidden()
    expect_answer(page, "Hello there!")
    expect(page.get_by_text("Thinking…")).to_be_hidden()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


@pytest.mark.parametrize("when", ["before the first token", "after the first token"])
@pytest.mark.parametrize("after_reload", [False, True])
def test_stop_ends_the_request_at_once(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, when: str, after_reload: bool
) -> None:
    is_early = when == "before the first token"
    endpoint.default_reply = (
        Reply(seconds_before_first=60) if is_early else Reply(LONG_REPLY * 9, seconds_between=0.2)
    )
    page = open_page(app.url)
    ask(page, "Hi")
    expect(page.get_by_text("Thinking…" if is_early else "Line 1 of")).to_be_visible()
    if after_reload:
        page.reload()
        expect(page.get_by_text("Thinking…" if is_early else "Line 1 of")).to_be_visible()
    assert endpoint.asked.wait(20)
    page.get_by_role("button", name="Stop").click()
    assert endpoint.hung_up.wait(20)
    sentence = "Stopped." if is_early else "Stopped. What came before is kept."
    expect(messages(page).last.get_by_text(sentence, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.get_by_role("button", name="Retry" if is_early else "Regenerate")).to_be_visible()


def test_a_reload_and_a_second_tab_find_the_running_answer_whole(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    release = threading.Event()
    endpoint.default_reply = Reply(["The first half", ", and the second."], hold=release)
    page = open_page(app.url)
    ask(page, "Hi")
    expect(page.get_by_text("The first half")).to_be_visible()
    page.reload()
    expect(page.get_by_text("The first half")).to_be_visible()
    second = open_page(page.url, visitor=page)
    expect(second.get_by_text("The first half")).to_be_visible()
    release.set()
    expect_answer(page, "The first half, and the second.")
    expect_answer(second, "The first half, and the second.")
    assert len(endpoint.requests) == 1


def test_another_click_leaves_the_answer_running(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    release = threading.Event()
    endpoint.default_reply = Reply(["Still here", " at the end."], hold=release)
    page = open_page(app.url)
    ask(page, "A question to come back to")
    expect(page.get_by_text("Still here")).to_be_visible()
    new_chat(page).click()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    expect(page.get_by_text("Still here")).to_be_hidden()
    release.set()
    open_row(page, "A question to come back to")
    expect_answer(page, "Still here at the end.")


def test_regenerate_asks_once_more_and_clear_can_be_undone(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.replies = [Reply(["First answer"]), Reply(["Second answer"])]
    page = open_page(app.url)
    ask(page, "Hi")
    expect_answer(page, "First answer")
    page.get_by_role("button", name="Regenerate").click()
    expect_answer(page, "Second answer")
    expect(page.get_by_text("First answer")).to_be_hidden()
    assert endpoint.requests[0]["messages"] == endpoint.requests[1]["messages"]
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    expect(messages(page)).to_have_count(0)
    ask(page, "Something else")
    expect_answer(page, "Hello there!")
    rows = page.locator(".list-row")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Something else")
    page.get_by_role("button", name="Undo").click()
    expect_answer(page, "Second answer")
    expect(rows).to_have_count(2)


def test_the_look_follows_the_system_until_another_is_chosen(
    app: RunningApp, open_page: OpenPage
) -> None:
    light, dark = "rgb(255, 255, 255)", "rgb(22, 25, 24)"
    page = open_page(app.url, color_scheme="light")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", dark)
    expect(page.locator(COMPOSER)).to_be_focused()  # all has settled
    page.get_by_test_id("stMainMenu").click()
    page.get_by_text("light_mode").click()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", light)
    page.reload()
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", light)


def test_the_language_can_be_switched(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    page.get_by_text("简体中文").click()
    expect(page.get_by_text("有什么可以帮您？")).to_be_visible()
    page.reload()
    expect(page.get_by_text("有什么可以帮您？")).to_be_visible()


def test_a_phone_shows_the_conversation_that_was_chosen(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page(app.url, viewport=PHONE, locale="zh-CN", has_touch=True)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    ask(page, "第一个问题")
    expect_answer(page, "Hello there!")
    for place in (new_chat(page), row(page, "第一个问题").get_by_role("link")):
        page.get_by_test_id("stExpandSidebarButton").click()
        place.click()
        expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    expect_answer(page, "Hello there!")


def test_the_cursor_waits_in_the_composer(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url)
    expect(page.locator(COMPOSER)).to_be_focused()
    page.get_by_role("button", name="Explain how rainbows form").click()
    expect_answer(page, "Hello there!")
    expect(page.locator(COMPOSER)).to_be_focused()
    new_chat(page).click()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    expect(page.locator(COMPOSER)).to_be_focused()


def test_controls_are_kept_with_their_conversation(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    release = threading.Event()
    endpoint.replies = [Reply(["Hello", " there!"], hold=release)]
    ask(page, "First")
    expect(page.get_by_text("Hello", exact=True)).to_be_visible()
    open_settings(page)  # while the answer runs
    expect(page.get_by_label("System prompt", exact=True)).to_have_count(1)  # and no old ones
    release.set()
    expect_answer(page, "Hello there!")
    expect(page.locator(".st-key-line")).to_have_text("test-model")  # the list has arrived
    page.get_by_label("System prompt", exact=True).fill("Be brief.")
    page.get_by_label("Max tokens", exact=True).fill("-5")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Max tokens", exact=True)).to_have_value("1")
    page.reload()
    expect(page.locator(".st-key-line")).to_have_text("test-model")
    open_settings(page)
    expect(page.get_by_label("System prompt", exact=True)).to_have_value("Be brief.")
    page.get_by_role("button", name="Regenerate").click()
    wait_until(lambda: len(endpoint.requests) == 2)
    assert endpoint.requests[-1]["max_tokens"] == 1
    assert endpoint.requests[-1]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_question_asked_from_further_up_comes_into_view(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(LONG_REPLY)
    page = open_page(app.url)
    ask(page, "First")
    expect_answer(page, "Line 39")
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -5000)
    expect(page.get_by_text("Line 0 of the answer.")).to_be_in_viewport()
    endpoint.default_reply = Reply(["Short"])
    ask(page, "Second")
    expect(page.get_by_text("Short")).to_be_in_viewport()


def test_copy_puts_the_models_own_text_on_the_clipboard(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["# Title\n\n```py\nprint('*')\n```\n"])
    page = open_page(app.url, permissions=["clipboard-read", "clipboard-write"])
    ask(page, "Hi")
    expect_answer(page, "Title")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    clipboard = page.evaluate("navigator.clipboard.readText()")
    assert clipboard == "# Title\n\n```py\nprint('*')\n```\n"


def test_code_is_copied_byte_for_byte(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    code = "icon = ':material/check:'\n    \n  ![x](y)"
    endpoint.default_reply = Reply([f"So:\n\n```py\n{code}\n```\n"])
    page = open_page(app.url, permissions=["clipboard-read", "clipboard-write"])
    ask(page, "Hi")
    expect_answer(page, "So:")
    block = messages(page).last.get_by_test_id("stCode")
    expect(block).to_contain_text("icon")
    block.hover()
    block.get_by_role("button").click()
    page.wait_for_function("navigator.clipboard.readText()")
    assert page.evaluate("navigator.clipboard.readText()") == code
    page.evaluate("navigator.clipboard.writeText('')")
    block.locator("code").select_text()
    page.keyboard.press("Control+C")
    assert page.evaluate("navigator.clipboard.readText()").strip() == code


def test_visitors_see_nothing_of_each_other(app: RunningApp, open_page: OpenPage) -> None:
    one = open_page(app.url)
    ask(one, "My secret question")
    expect_answer(one, "Hello there!")
    other = open_page(app.url)
    expect(other.get_by_text("Your conversations will be listed here.")).to_be_visible()
    other.goto(one.url)
    expect(other.get_by_text("There is no such conversation here.")).to_be_visible()
    expect(other.get_by_text("My secret question")).to_be_hidden()
    other.get_by_test_id("stMain").get_by_role("button", name="New chat").click()
    expect(other.get_by_text("How can I help?")).to_be_visible()
    one.goto(app.url)
    expect(row(one, "My secret question")).to_be_visible()


def test_after_a_crash_the_answer_is_marked_and_its_text_kept(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["".join(LONG_REPLY[:21]), *LONG_REPLY * 2], seconds_between=1)
    page = open_page(app.url)
    ask(page, "Hi")
    expect(page.get_by_text("Line 20 of the answer.")).to_be_visible()
    page.wait_for_timeout(2000)  # what is older than a second is kept
    app.kill()
    app.start()
    page.goto(page.url)
    expect(page.get_by_text("Line 5 of the answer.")).to_be_visible()
    expect(page.get_by_text("Cut short")).to_be_visible()
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()


def test_who_ends_the_app_in_the_middle_of_an_answer_sees_no_traceback(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["Some ", "text ", *["more "] * 4000], seconds_between=0.02)
    page = open_page(app.url)
    for later in range(4):  # at any moment between two times that it is saved
        ask(page, f"Hi {later}")
        expect(page.get_by_text("Some text more more")).to_have_count(later + 1)
        page.wait_for_timeout(1000 + later * 175)
        assert app.end_by(signal.SIGINT) == 0
        assert "Traceback" not in app.log
        app.start()
        expect(page.get_by_text("Cut short")).to_have_count(later + 1, timeout=30_000)
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)  # so that Enter sends
    expect(page.get_by_text("Some text more more")).to_have_count(4)


@pytest.mark.parametrize(
    "device",
    [
        {"viewport": PHONE},
        {"viewport": {"width": 844, "height": 390}, "has_touch": True, "is_mobile": True},
        {"viewport": {"width": 768, "height": 1024}, "has_touch": True, "is_mobile": True},
    ],
    ids=["phone", "phone on its side", "tablet"],
)
def test_controls_are_a_fingers_width_on_a_touch_screen(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, device: dict[str, Any]
) -> None:
    endpoint.default_reply = Reply(["Hello\n\n```python\nx = 1\n```\n"])
    page = open_page(app.url, **device)
    ask(page, "Hi")
    expect_answer(page, "Hello")
    if "has_touch" in device:
        expect(page.get_by_role("button", name="Copy to clipboard")).to_be_visible()
    if device["viewport"]["width"] <= 768:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("button", name="Clear").click(trial=True)  # waits until it has slid in
    # Where a touch lands is what counts: it may reach beyond what is drawn.
    misses = page.evaluate("""() => [...document.querySelectorAll("button")].flatMap((button) => {
        button.scrollIntoView({ block: "center", behavior: "instant" });
        const box = button.getBoundingClientRect();
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        if (button.closest(".stTooltipIcon")) return [];  // only an explanation, and no room
        if (button.closest(".st-key-head")) return [];  // half below the sidebar, if that is open
        const isOnScreen = document.elementFromPoint(x, y)?.closest("button") === button;
        const around = [[x - 20, y], [x + 20, y], [x, y - 20], [x, y + 20]];
        const isHit = ([x, y]) => document.elementFromPoint(x, y)?.closest("button") === button;
        const name = button.ariaLabel || button.innerText;
        return !isOnScreen || around.every(isHit) ? [] : [name + around.map(isHit)];
    })""")
    assert misses == []


def test_the_key_shows_nowhere(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    frames: list[str | bytes] = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame))
    )
    endpoint.replies = [
        Reply(status=401, error={"message": f"Incorrect API key provided: {CANARY_KEY}"})
    ]
    page.reload()
    ask(page, "Hi")
    expect(page.get_by_text("does not accept the key")).to_be_visible()
    seen = b"".join(frame.encode() if isinstance(frame, str) else frame for frame in frames)
    assert len(seen) > 1000
    assert CANARY_KEY.encode() not in seen
    assert CANARY_KEY not in page.content()
    assert CANARY_KEY not in app.log
    assert CANARY_KEY.encode() not in b"".join(
        path.read_bytes() for path in app.folder.glob("chatbot.db*")
    )


def test_double_enter_asks_once(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(seconds_before_first=0.5)
    page = open_page(app.url)
    page.fill(COMPOSER, "Only once")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect_answer(page, "Hello there!")
    assert len(endpoint.requests) == 1


def test_a_question_during_an_answer_goes_back_to_the_composer(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    release = threading.Event()
    endpoint.default_reply = Reply(["Working", " done."], hold=release)
    endpoint.replies = [Reply()]
    first = open_page(app.url)
    ask(first, "Zero")
    expect_answer(first, "Hello there!")
    page = open_page(first.url, visitor=first)
    expect_answer(page, "Hello there!")
    ask(first, "First")
    expect(first.get_by_text("Working")).to_be_visible()
    page.fill(COMPOSER, "Second, too early")  # in a window that does not know of the answer yet
    page.keyboard.press("Enter")
    expect(page.get_by_text("An answer is still on its way.")).to_be_visible()
    expect(page.locator(COMPOSER)).to_have_value("Second, too early")
    release.set()
    expect_answer(page, "Working done.")
    assert len(endpoint.requests) == 2
    page.reload()
    expect(page.locator(COMPOSER)).to_have_value("Second, too early")


def test_a_model_can_be_typed_where_the_endpoint_has_no_list(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.models_status = 404
    page = open_page(app.url)
    ask(page, "Hi")
    expect(page.get_by_text("has no list of models")).to_be_visible()
    expect(page.get_by_text("no model chosen yet")).to_be_visible()
    page.get_by_role("combobox", name="Model").fill("my-own-model")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-line")).to_have_text("my-own-model")
    page.get_by_role("button", name="Retry").click()
    expect_answer(page, "Hello there!")
    assert [request["model"] for request in endpoint.requests] == ["my-own-model"]


def test_what_is_too_long_to_send_goes_back_to_the_composer(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    page.fill(COMPOSER, "x" * 100_001)
    page.keyboard.press("Enter")
    expect(page.get_by_text("That is too long to send")).to_be_visible()
    expect(page.locator(COMPOSER)).to_have_value("x" * 100_001)
    assert endpoint.requests == []


def test_what_is_being_typed_stays_with_its_conversation_and_survives_a_reload(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    composer = page.locator(COMPOSER)
    expect(composer).to_be_focused()  # by the page's script, which keeps what is typed from then on
    composer.fill("Not yet sent")
    page.reload()
    expect(composer).to_have_value("Not yet sent")
    page.keyboard.press("Enter")
    expect_answer(page, "Hello there!")
    expect(composer).to_have_value("")
    composer.fill("A second thought")
    new_chat(page).click()
    expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()
    expect(composer).to_have_value("")
    composer.fill("Something else")
    # By an input method's Enter, which chooses a word, nothing is sent.
    composer.evaluate(
        """field => field.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true }))"""
    )
    open_row(page, "Not yet sent")
    expect(composer).to_have_value("A second thought")
    page.reload()
    expect(composer).to_have_value("A second thought")
    composer.press("Enter")
    expect(messages(page)).to_have_count(4)
    expect_answer(page, "Hello there!")
    page.reload()
    expect_answer(page, "Hello there!")
    expect(composer).to_have_value("")
    new_chat(page).click()
    expect(composer).to_have_value("Something else")
    assert [request["messages"][-1]["content"] for request in endpoint.requests] == [
        "Not yet sent",
        "A second thought",
    ]


KEPT_EDITS = "() => Object.keys(sessionStorage).filter((name) => name.includes('draft-edit'))"


def test_a_question_that_is_being_edited_stays_until_it_is_sent_or_given_up(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    ask(page, "As it was")
    expect_answer(page, "Hello there!")
    editor = page.locator("[class*=st-key-edited-] textarea")
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(editor).to_be_focused()  # by the page's script, which keeps what is typed from then on
    editor.fill("As it will be")
    page.reload()
    expect(editor).to_have_value("As it will be")
    expect(page.locator(COMPOSER)).to_be_focused()  # whoever types on does not do it in the editor
    editor.evaluate("field => { field.dataset.isOld = 'yes' }")
    app.kill()  # … and with a new session
    app.start()
    expect(page.locator("[class*=st-key-edited-] textarea:not([data-is-old])")).to_have_value(
        "As it will be"
    )
    new_chat(page).click()
    expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()
    ask(page, "Elsewhere")
    expect_answer(page, "Hello there!")
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(editor).to_have_value("Elsewhere")
    open_row(page, "As it was")
    expect(editor).to_have_value("As it will be")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(editor).to_have_count(0)
    expect(messages(page).first).to_contain_text("As it will be")
    expect_answer(page, "Hello there!")
    page.wait_for_function(f"({KEPT_EDITS})().length === 0")
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(editor).to_have_value("As it will be")
    expect(editor).to_be_focused()
    editor.fill("Never mind")
    page.wait_for_function(f"({KEPT_EDITS})().length === 1")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(editor).to_have_count(0)
    page.wait_for_function(f"({KEPT_EDITS})().length === 0")
    asked = [request["messages"][-1]["content"] for request in endpoint.requests]
    assert asked == ["As it was", "Elsewhere", "As it will be"]


DAMAGED = ["{", "null", '{"id": 5}', '{"id": ".x", "text": ""}']


def test_a_damaged_draft_does_no_harm(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(app.url, viewport=PHONE)
    failures: list[object] = []
    page.on("pageerror", lambda error: failures.append(error))
    ask(page, "Hello")
    expect_answer(page, "Hello there!")
    name = f"chatbot-draft-edit-{page.url.partition('c=')[2]}"
    for number, damaged in enumerate(DAMAGED):
        page.evaluate("([name, text]) => sessionStorage.setItem(name, text)", [name, damaged])
        page.reload()
        expect_answer(page, "Hello there!")
        as_before = f"As before {number}"
        page.locator(COMPOSER).fill(as_before)
        page.wait_for_function(
            "text => Object.values(sessionStorage).includes(text)", arg=as_before
        )
        assert failures == []


def test_what_was_sent_by_touch_does_not_come_back_as_a_draft(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page(app.url, viewport=PHONE)
    composer = page.locator(COMPOSER)
    composer.fill("Sent by touch")
    page.get_by_test_id("stChatInputSubmitButton").click()
    expect_answer(page, "Hello there!")
    page.goto(app.url)
    expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()
    expect(composer).to_be_focused()  # all has settled
    expect(composer).to_have_value("")


HOSTILE = [
    "![a](http://outside.example/1) ![](http://outside.example/2)\n\n",
    "![a][r]\n\n[r]: http://outside.example/3\n\n",
    "<img src='http://outside.example/4'> <script>window.hacked = 1</script>\n\n",
    '<a href="`">![a](http://outside.example/5)`\n\n',
    "$$\n```\n$$\n![a](http://outside.example/6)\n```\n\n",
    "| a |\n|---|\n| `|` ![a](http://outside.example/7) |\n\n",
    ":::x\n```\n:::\n![a](http://outside.example/8)\n```\n\n",
    "[a](javascript:window.hacked=1) [b](data:text/html,x)\n\n",
    ":red[![a](http://outside.example/9)] `x` ![a](//outside.example/10)\n\n",
    "[^1]\n\n[^1]: x\n    ```\n![a](http://outside.example/11)\n    ```\n\n",
    "$`$ ![a](http://outside.example/12) ` $\n~~~\n$ ![a](http://outside.example/13)\n\n~~~",
]


def test_nothing_a_model_writes_fetches_from_outside_or_runs(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.replies = [
        Reply([text, f"\n\nEnd of {number}."]) for number, text in enumerate(HOSTILE)
    ]
    page = open_page(app.url)
    outside: list[str] = []
    page.on(
        "request", lambda request: outside.append(request.url) if "outside" in request.url else None
    )
    ask(page, "![a](http://outside.example/q) <img src=http://outside.example/q>")
    expect_answer(page, "End of 0.")
    for number in range(1, len(HOSTILE)):
        ask(page, f"Number {number}")
        expect(messages(page).last).to_contain_text(f"End of {number}.")
        expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
    page.reload()
    expect_answer(page, f"End of {len(HOSTILE) - 1}.")
    page.get_by_role("button", name="Earlier messages").click()
    expect(messages(page)).to_have_count(2 * len(HOSTILE))
    assert outside == []
    assert page.evaluate("window.hacked") is None
    assert messages(page).locator("img[src*=outside]").count() == 0


def test_an_answer_is_drawn_as_it_was_meant(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(
        [r"From $5 to $10, :red[not red] :smile: :material/check: a -> b, \(x^2\).", "\n\nEnd."]
    )
    page = open_page(app.url)
    ask(page, "Hi")
    for _ in ("live", "as history"):
        expect_answer(page, "End.")
        shown = messages(page).last.inner_text()
        assert "From $5 to $10, :red[not red] :smile: :material/check: a -> b, " in shown
        expect(messages(page).last.locator(".katex")).to_have_count(1)
        page.reload()


def test_what_is_bold_looks_so_from_its_first_word_on(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    goes_on = threading.Event()
    endpoint.default_reply = Reply(["- **Key", " point** of it."], hold=goes_on)
    page = open_page(app.url)
    ask(page, "Hi")
    expect(messages(page).last.locator("li strong")).to_have_text("Key")
    goes_on.set()
    expect_answer(page, "Key point of it.")
    expect(messages(page).last.locator("li strong")).to_have_text("Key point")


PLACES_AT_REST = """async () => {
    const places = () => {
        const message = [...document.querySelectorAll("[data-testid=stChatMessage]")].at(-1);
        const blocks = message.querySelectorAll("p, h1, h2, li, pre, table, blockquote, hr");
        return [...blocks].map((block) => {
            const box = block.getBoundingClientRect();
            const top = box.top - message.getBoundingClientRect().top;
            return [block.tagName, Math.round(top), Math.round(box.height)].join(" ");
        });
    };
    let before;
    let now = places();
    do { // the colours of code and the fonts of formulas come when they like
        before = now;
        await new Promise((resolve) => setTimeout(resolve, 500));
        await document.fonts.ready;
        now = places();
    } while (String(now) !== String(before));
    return now;
}"""


class OneAtATime(threading.Event):
    """Lets a single piece of an answer through each time it is set."""

    def is_set(self) -> bool:
        was_set = super().is_set()
        self.clear()
        return was_set


def test_nothing_moves_when_a_live_answer_becomes_history(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    # Footnotes move to the end by nature, as soon as there is one.
    blocks = [block for block in BLOCKS if "[^" not in block]
    blocks += 5 * ["> quote\n\n$$\nx\n$$\n\n| a |\n|---|\n| 1 |"]
    filler = "Words to fill a piece. " * 11
    pieces = [f"Part {number}. {filler}\n\n{block}\n\n" for number, block in enumerate(blocks)]
    one_more = OneAtATime()
    endpoint.default_reply = Reply([*pieces, "The end."], hold=one_more)
    # A list of models that arrives would have the page drawn again.
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_MODELS="test-model")
    page = open_page(app.url, viewport=PHONE)
    ask(page, "Hi")
    for number in range(len(pieces)):
        expect(messages(page).last).to_contain_text(f"Part {number}.")
        if number == len(pieces) - 1:
            endpoint.default_reply.hold = None  # the rest comes at once
        one_more.set()
    expect_answer(page, "The end.")
    expect(messages(page).last.locator("pre code span").first).to_be_attached()
    assert page.locator(".st-key-live .stMarkdown").count() > 15
    live = page.evaluate(PLACES_AT_REST)
    page.reload()
    expect_answer(page, "The end.")
    expect(page.locator(".st-key-live")).to_have_count(0)
    expect(messages(page).last.locator("pre code span").first).to_be_attached()
    assert page.evaluate(PLACES_AT_REST) == live


def test_the_page_scrolls_along_until_the_reader_scrolls_up(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    lines = [f"Line {number} of the answer.\n\n" for number in range(150)]
    goes_on = threading.Event()
    endpoint.default_reply = Reply(
        ["".join(lines[:61]), *lines[61:]], seconds_between=0.03, hold=goes_on
    )
    # A list of models that arrives would have the page drawn again.
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_MODELS="test-model")
    page = open_page(app.url, viewport=PHONE)
    ask(page, "Hi")
    expect(page.get_by_text("Line 60 of the answer.")).to_be_in_viewport()
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -700)
    expect(page.get_by_text("Line 60 of the answer.")).not_to_be_in_viewport()
    place = at_rest(page, SCROLLED_TO)
    goes_on.set()
    expect(page.get_by_text("Line 120 of the answer.")).to_be_attached()
    assert abs(page.evaluate(SCROLLED_TO) - place) < 2
    goes_on.clear()  # or the end may move away from the wheel
    at_rest(page, SCROLLED_END)
    page.mouse.wheel(0, 100_000)
    page.wait_for_function(f"{SCROLLED_TO} + 2 > {SCROLLED_END}")
    goes_on.set()
    expect_answer(page, "Line 149 of the answer.")
    expect(page.get_by_role("button", name="Regenerate")).to_be_in_viewport()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    at_rest(page, SCROLLED_END)
    page.mouse.wheel(0, -20)  # a little is enough
    page.wait_for_function(f"{SCROLLED_TO} + 10 < {SCROLLED_END}")
    messages(page).last.evaluate("message => { message.style.paddingBottom = '40rem' }")
    page.wait_for_function(f"{SCROLLED_TO} + 400 < {SCROLLED_END}")
    page.wait_for_timeout(200)  # for what would follow the end
    assert page.evaluate(f"{SCROLLED_TO} + 400 < {SCROLLED_END}")
    page.reload()
    expect(page.get_by_text("Line 149 of the answer.")).to_be_in_viewport()


SCROLLED_TO = "document.querySelector('[data-testid=stMain]').scrollTop"
SCROLLED_END = (
    "document.querySelector('[data-testid=stMain]').scrollHeight"
    " - document.querySelector('[data-testid=stMain]').clientHeight"
)


def at_rest(page: Page, expression: str) -> float:
    """A number on the page, once it stays the same."""
    number = -1.0
    while number != (number := page.evaluate(expression)):
        page.wait_for_timeout(200)
    return number


@pytest.mark.built_in
def test_without_any_setting_the_built_in_model_answers(
    run_app: Callable[..., RunningApp], open_page: OpenPage
) -> None:
    cache = str(WEIGHTS_FOLDER.parent)  # where this platform has no such variable, it is fetched
    page = open_page(run_app(XDG_CACHE_HOME=cache).url)
    expect(page.get_by_text("SmolLM2, a small English-only demo model")).to_be_visible()
    ask(page, "What is the capital of France? Answer in one word.")
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible(timeout=120_000)
    assert len(messages(page).last.inner_text()) > len("CopyRegenerate")
    expect(page.get_by_text("SmolLM2-135M-Instruct · built in")).to_be_visible()
    page.get_by_role("button", name="Regenerate").click()
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible(timeout=60_000)


def test_the_way_back_in_the_browser_leads_to_what_was_open_before(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.replies = [Reply(["First answer"]), Reply(["Second answer"])]
    page = open_page(app.url)
    ask(page, "One")
    expect_answer(page, "First answer")
    new_chat(page).click()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    expect(page.locator(COMPOSER)).to_be_focused()
    ask(page, "Two")
    expect_answer(page, "Second answer")
    page.go_back()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    page.get_by_text("Answer settings").click()
    temperature = page.get_by_role("slider", name="Temperature")
    temperature.press("ArrowRight")
    expect(temperature).to_have_value("0.9")
    page.go_back()
    expect_answer(page, "First answer")
    expect(temperature).to_have_value("0.8")
    page.go_forward()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    expect(temperature).to_have_value("0.8")  # left as by a click
    page.go_forward()
    expect_answer(page, "Second answer")
    expect(messages(page)).to_have_count(2)


def test_what_is_typed_before_the_pages_own_script_comes_stays(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page("about:blank", wait_for="html")
    held: list[Any] = []
    page.route("**/BidiComponent*.js", lambda route: held.append(route))
    with page.expect_request("**/BidiComponent*.js"):
        page.goto(app.url)
    page.fill(COMPOSER, "Typed early")
    held[0].continue_()
    page.wait_for_function("() => sessionStorage.getItem('chatbot-draft-new') === 'Typed early'")
    expect(page.locator(COMPOSER)).to_have_value("Typed early")


def test_what_is_typed_between_a_click_and_its_page_goes_along(
    app: RunningApp, open_page: OpenPage
) -> None:
    relay = Relay(app.port)
    page = open_page(f"http://127.0.0.1:{relay.port}")
    composer = page.locator(COMPOSER)
    ask(page, "One")
    expect_answer(page, "Hello there!")
    composer.fill("For later. ")
    relay.hold()
    new_chat(page).click()
    page.keyboard.press("End")
    page.keyboard.type("For the new one")
    relay.let_go()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    expect(composer).to_have_value("For the new one")
    open_row(page, "One")
    expect_answer(page, "Hello there!")
    expect(composer).to_have_value("For later. ")
    relay.stop()
