"""The list of conversations and search, in a real browser, on a desktop and on a phone."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from chatbot.access.visitor import owner_of
from chatbot.store import Message, Store, new_conversation, new_id
from tests.browser import (
    COMPOSER,
    LONG_REPLY,
    PHONE,
    OpenPage,
    ask,
    choose_in_menu,
    expect_answer,
    messages,
    new_chat,
    open_row,
    open_settings,
    open_sidebar,
    row,
)
from tests.conftest import ROOT, RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DESK = {"width": 1280, "height": 800}
BOTH = pytest.mark.parametrize(
    ("locale", "viewport"), [("en-US", DESK), ("zh-CN", PHONE)], ids=["desk", "phone"]
)

Keep = Callable[..., str]


@pytest.fixture
def app(run_app: Callable[..., RunningApp], endpoint: FakeEndpoint) -> RunningApp:
    # A list of models that arrives would have the page drawn again.
    return run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_MODELS="test-model")


@pytest.fixture
def keep(app: RunningApp) -> Keep:
    """Put a conversation of a page's visitor into the app's database; returns its id."""

    def keep_(page: Page, title: str, *turns: str) -> str:
        token = page.wait_for_function("localStorage.getItem('chatbot-visitor')").json_value()
        owner = owner_of(token)
        store = Store(f"sqlite:///{app.folder}/chatbot.db")
        conversation = new_conversation(title, {})
        kept: list[Message] = []
        for number, text in enumerate(turns or ("Hi", "Hello")):
            parent = kept[-1].id if kept else None
            role = "assistant" if number % 2 else "user"
            kept.append(Message(new_id(), conversation.id, parent, role, text))
        store.conversations.add(owner, conversation, kept)
        store.close()
        return conversation.id

    return keep_


def search(page: Page, query: str) -> None:
    """Type it, without Enter."""
    page.get_by_role("textbox", name=re.compile("Search conversations|搜索对话")).fill(query)


def found(page: Page) -> Locator:
    return page.locator("[class*=st-key-found-] button")


def expect_no_sideways_scroll(page: Page) -> None:
    for scroller in ("html", "[data-testid=stMain]", "[data-testid=stSidebarContent]"):
        sizes = "selector => (({scrollWidth, clientWidth}) => [scrollWidth, clientWidth])"
        width, room = page.evaluate(f"{sizes}(document.querySelector(selector))", scroller)
        assert width <= room


@BOTH
def test_hundreds_of_odd_conversations_are_an_even_list(
    app: RunningApp, open_page: OpenPage, keep: Keep, locale: str, viewport: dict[str, int]
) -> None:
    page = open_page(app.url, locale=locale, viewport=viewport)
    odd = [
        "\u202eevil",
        "x" * 60,
        "\u200b",
        "👨‍👩‍👧 " * 9,
        "**b** :red[x]",
        "مرحبا",
        "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯a",
        "周末计划" * 9,
    ]
    for number in range(200):
        keep(page, odd[number % len(odd)])
    page.reload()
    page.wait_for_selector(COMPOSER)
    open_sidebar(page)
    expect(page.get_by_role("heading", name=re.compile("^(Today|今天)$"))).to_be_visible()
    rows = page.locator(".list-row")
    expect(rows).to_have_count(30)
    page.get_by_role("button", name=re.compile("More|更多")).click()
    expect(rows).to_have_count(60)
    boxes = [rows.nth(index).bounding_box() for index in range(16)]
    assert len({(box["x"], box["width"], box["height"]) for box in boxes if box}) == 1
    expect_no_sideways_scroll(page)


@BOTH
def test_a_conversation_is_renamed_pinned_deleted_and_brought_back(
    app: RunningApp, open_page: OpenPage, keep: Keep, locale: str, viewport: dict[str, int]
) -> None:
    page = open_page(app.url, locale=locale, viewport=viewport)
    chosen = keep(page, "Lisbon", "Where to?", "To Lisbon.")
    keep(page, "Another")
    page.goto(f"{app.url}/?c={chosen}")
    expect(page).to_have_title("Lisbon · Chatbot")
    open_sidebar(page)
    choose_in_menu(page, "Lisbon", "Rename|重命名")
    field = page.get_by_role("textbox", name=re.compile("Title|标题"))
    expect(field).to_be_focused()
    page.keyboard.type("Not this")
    page.keyboard.press("Escape")
    expect(row(page, "Lisbon").get_by_role("link")).to_be_focused()
    choose_in_menu(page, "Lisbon", "Rename|重命名")
    expect(field).to_be_focused()
    page.keyboard.type("去里斯本")
    field.evaluate(
        """field => field.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true }))"""
    )
    expect(field).to_have_value("去里斯本")  # an input method's Enter only took a word
    page.keyboard.press("Enter")
    expect(row(page, "去里斯本")).to_be_visible()
    expect(page).to_have_title("去里斯本 · Chatbot")
    choose_in_menu(page, "去里斯本", "Pin|置顶")
    expect(page.locator(".list-title").first).to_have_text("去里斯本")
    expect(page.get_by_text(re.compile("^(Pinned|已置顶)$"))).to_be_visible()
    choose_in_menu(page, "去里斯本", "Delete|删除")
    expect(
        page.get_by_role("paragraph").filter(has_text=re.compile("was deleted|已删除"))
    ).to_be_in_viewport()
    expect(row(page, "去里斯本")).to_have_count(0)
    expect(page).to_have_title("Chatbot")
    page.get_by_role("button", name=re.compile("Undo|撤销")).click()
    expect(messages(page).last).to_contain_text("To Lisbon.")
    expect(page).to_have_url(re.compile(chosen))


def test_a_new_title_is_saved_though_a_click_on_another_row_ends_its_editing(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url)
    keep(page, "Weather", "Where is it fine?", "Here.")
    keep(page, "Lisbon", "Where to?", "To Lisbon.")
    page.reload()
    endpoint.default_reply = Reply(["It goes", " on"], hold=threading.Event())
    ask(page, "Hi")  # while an answer runs, the server takes clicks only between two draws
    expect(messages(page).last).to_contain_text("It goes")
    choose_in_menu(page, "Weather", "Rename")
    page.keyboard.type("Sun")
    open_row(page, "Lisbon")
    expect(messages(page).last).to_contain_text("To Lisbon.")
    expect(row(page, "Sun")).to_be_visible()
    page.reload()
    expect(row(page, "Sun")).to_be_visible()
    expect(messages(page).last).to_contain_text("To Lisbon.")


@BOTH
def test_what_was_found_opens_at_that_message(
    app: RunningApp, open_page: OpenPage, keep: Keep, locale: str, viewport: dict[str, int]
) -> None:
    page = open_page(app.url, locale=locale, viewport=viewport)
    turns = [f"第{number}句：今天的天气真好。" * 20 for number in range(120)]
    turns[40] = "我们在杭州看到了鼹鼠。"
    keep(page, "杭州旅行", *turns)
    keep(page, "Other", "鼹鼠 is a mole", "Yes.")
    page.reload()
    page.wait_for_selector(COMPOSER)
    open_sidebar(page)
    search(page, "看到了鼹鼠")
    expect(found(page)).to_have_count(1)
    expect(found(page).locator("strong").nth(1)).to_have_text("看到了鼹鼠")
    expect_no_sideways_scroll(page)
    found(page).click()
    expect(messages(page).filter(has_text="鼹鼠")).to_be_in_viewport()
    expect(messages(page)).to_have_count(30)
    if viewport == PHONE:
        expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
        expect(messages(page).filter(has_text="鼹鼠")).to_be_in_viewport()
    page.get_by_role("button", name=re.compile("Later messages|之后的消息")).click()
    expect(messages(page)).to_have_count(60)

    open_sidebar(page)
    search(page, "penguin")
    expect(page.get_by_text(re.compile("Nothing found|没有找到"))).to_be_visible()
    page.get_by_role("button", name=re.compile("All conversations|全部对话")).click()
    expect(row(page, "Other")).to_be_visible()


def test_search_is_used_with_the_keyboard_alone(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url)
    keep(page, "Older", "A needle here", "Yes.")
    keep(page, "Newer", "Another needle", "No.")
    page.reload()
    field = page.get_by_role("textbox", name="Search conversations")
    field.press_sequentially("needle")
    page.keyboard.press("Enter")  # however early: it waits for the results
    expect(messages(page).first).to_contain_text("Another needle")
    field.click()
    expect(found(page)).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(found(page).first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(messages(page).first).to_contain_text("A needle here")
    field.click()
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    expect(row(page, "Older")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(COMPOSER)).to_be_focused()


def test_a_conversation_is_deleted_brought_back_and_shared_with_the_keyboard_alone(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    def choose(entry: str) -> None:
        row(page, "Weather").get_by_role("link").press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("menuitem", name=entry).press("Enter")

    page = open_page(app.url)
    keep(page, "Weather")
    page.reload()
    choose("Delete")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    choose("Share")
    expect(page.get_by_role("heading", name="Share this conversation")).to_be_visible()
    page.get_by_role("button", name="Share a link", exact=True).press("Enter")
    expect(page.get_by_text("?share=")).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, {"width": 667, "height": 375}])
def test_a_sidebar_left_open_on_a_phone_does_not_cover_the_page_after_a_reload(
    app: RunningApp, open_page: OpenPage, size: dict[str, int]
) -> None:
    page = open_page(app.url, viewport=size, has_touch=True)
    page.get_by_test_id("stExpandSidebarButton").click()
    new_chat(page).click(trial=True)
    page.reload()
    page.locator(COMPOSER).click()  # would fail if anything were above it


SLOW_SIDEBAR = f"""
import runpy, time
from chatbot.ui.sidebar import sidebar

if not hasattr(sidebar, "at_once"):
    sidebar.at_once = sidebar.show_conversation_buttons

def show_later(*arguments):
    time.sleep(1)
    sidebar.at_once(*arguments)

sidebar.show_conversation_buttons = show_later
runpy.run_path({str(ROOT / "streamlit_app.py")!r})
"""
"""The page, with a sidebar that takes a second: its first part is what is replaced."""


def test_nor_does_one_that_comes_later_than_the_page(
    endpoint: FakeEndpoint, open_page: OpenPage, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW_SIDEBAR)
    environment = {"OPENAI_BASE_URL": endpoint.base_url, "PYTHONPATH": str(ROOT)}
    app = RunningApp(tmp_path, environment, tmp_path / "slow.py")
    try:
        page = open_page(app.url, viewport=PHONE, has_touch=True)
        page.get_by_test_id("stExpandSidebarButton").click()
        new_chat(page).click(trial=True)
        page.reload()
        page.wait_for_selector(COMPOSER)
        sidebar = page.get_by_test_id("stSidebar")
        expect(sidebar).to_have_attribute("data-collapsed", "true")
        page.locator(COMPOSER).click()
    finally:
        app.stop()


def test_the_same_result_is_shown_again_by_another_click(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url)
    keep(page, "Long", "The needle", *["A long text. " * 100 for _ in range(11)])
    page.reload()
    page.wait_for_selector(COMPOSER)
    search(page, "needle")
    for _ in range(2):
        found(page).click()
        expect(messages(page).first).to_be_in_viewport()
        page.mouse.move(700, 300)
        page.mouse.wheel(0, 100_000)
        expect(messages(page).first).not_to_be_in_viewport()


def test_deleting_ends_the_answer_that_is_on_its_way(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(LONG_REPLY * 9, seconds_between=0.3)
    page = open_page(app.url)
    ask(page, "A question to delete")
    expect(page.get_by_text("Line 1 of")).to_be_visible()
    choose_in_menu(page, "A question to delete", "Delete")
    assert endpoint.hung_up.wait(20)
    expect(
        page.get_by_role("paragraph").filter(has_text="The conversation was deleted.")
    ).to_be_visible()
    expect(page.get_by_text("Line 1 of")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect_answer(page, "Line 1 of")
    expect(page.get_by_text("Stopped. What came before is kept.")).to_be_visible()


def test_what_was_deleted_in_another_tab_is_gone_here_and_the_list_stays(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url)
    conversation_id = keep(page, "In two tabs", "Is it here?", "It is.")
    keep(page, "Another")
    page.goto(f"{app.url}/?c={conversation_id}")
    expect(messages(page).last).to_contain_text("It is.")
    second = open_page(page.url, visitor=page)
    choose_in_menu(second, "In two tabs", "Delete")
    expect(
        second.get_by_role("paragraph").filter(has_text="The conversation was deleted.")
    ).to_be_visible()
    page.bring_to_front()  # or the browser draws it only now and then
    choose_in_menu(page, "In two tabs", "Pin")
    expect(page.get_by_text("This conversation was deleted in another window.")).to_be_visible()
    expect(messages(page).last).to_contain_text("It is.")  # its text stays
    open_row(page, "Another")
    expect(messages(page).last).to_contain_text("Hello")
    page.goto(f"{app.url}/?c={conversation_id}")
    expect(page.get_by_text("There is no such conversation here.")).to_be_visible()
    expect(row(page, "Another")).to_be_visible()


def test_the_list_and_search_are_a_fingers_width_on_a_phone(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url, viewport=PHONE, has_touch=True)
    page.goto(f"{app.url}/?c={keep(page, 'Weather', 'The weather?', 'Fine weather.')}")
    expect(messages(page).last).to_be_visible()
    open_sidebar(page)

    def too_small() -> list[str]:
        controls = '[data-testid="stSidebarUserContent"] :is(a, button, input)'
        small: list[str] = page.evaluate(
            """selector => [...document.querySelectorAll(selector)].filter((one) => {
                const shown = one.closest("[data-testid=stTextInputRootElement]") ?? one;
                const {width, height} = shown.getBoundingClientRect();
                const isPart = shown.closest(".st-key-conversations, .st-key-search, .st-key-new");
                return isPart && (width < 44 || height < 44);
            }).map((one) => one.outerHTML)""",
            controls,
        )
        return small

    assert too_small() == []
    page.get_by_role("button", name="Conversation menu: Weather").tap()
    expect(page.get_by_role("menuitem")).to_have_count(5)
    assert too_small() == []
    page.get_by_role("menuitem", name="Rename").tap()
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    assert too_small() == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Title")).to_have_count(0)
    search(page, "weather")
    expect(found(page)).to_have_count(2)
    assert too_small() == []


def test_the_menu_of_a_row_is_used_with_the_keyboard_alone(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url)
    keep(page, "Second")
    keep(page, "First")
    page.reload()
    row(page, "First").get_by_role("link").focus()
    page.keyboard.press("Tab")
    more = row(page, "First").get_by_role("button", name="Conversation menu: First")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    entries = page.get_by_role("menuitem")
    expect(entries.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(entries.last).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(row(page, "First")).to_have_count(0)
    expect(
        page.get_by_role("paragraph").filter(has_text="The conversation was deleted.")
    ).to_be_visible()
    page.get_by_role("button", name="Undo").press("Enter")
    row(page, "First").get_by_role("link").press("Enter")
    expect(messages(page).last).to_contain_text("Hello")


def test_a_row_opens_in_a_tab_of_its_own_too(
    app: RunningApp, open_page: OpenPage, keep: Keep
) -> None:
    page = open_page(app.url)
    keep(page, "Elsewhere", "Where?", "Here.")
    page.reload()
    with page.context.expect_page() as opened:
        row(page, "Elsewhere").get_by_role("link").click(modifiers=["ControlOrMeta"])
    expect(messages(opened.value).last).to_contain_text("Here.")
    expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()


@BOTH
def test_all_but_the_list_stays_in_reach_with_many_conversations_and_open_settings(
    app: RunningApp, open_page: OpenPage, keep: Keep, locale: str, viewport: dict[str, int]
) -> None:
    page = open_page(app.url, locale=locale, viewport=viewport)
    for number in range(40):
        keep(page, f"Number {number} with a title as long as a title can get")
    page.reload()
    page.wait_for_selector(COMPOSER)
    open_sidebar(page)
    model = page.get_by_role("combobox", name=re.compile("Model|模型"))
    data = page.get_by_role("button", name=re.compile("Your data|您的数据"))
    source = page.get_by_role("link", name=re.compile("Source code|源代码"))
    expect(page.locator(".list-row")).to_have_count(30)
    for part in (new_chat(page), model, data, source):
        expect(part).to_be_in_viewport(ratio=1)
    open_settings(page)
    page.get_by_label(re.compile("^(System prompt|系统提示词)$")).wait_for()
    for part in (new_chat(page), model, data, source, page.locator(".list-row").first):
        expect(part).to_be_in_viewport(ratio=1)
    expect_no_sideways_scroll(page)


def test_shortcuts_search_and_begin_a_conversation_and_a_closed_sidebar_is_out_of_the_way(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    sidebar, field = page.get_by_test_id("stSidebar"), page.get_by_role("textbox", name="Search")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Collapse sidebar").click()
    expect(sidebar).to_have_attribute("data-collapsed", "true")
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_focused()
    expect(page.get_by_role("link", name="Source code")).to_have_count(0)
    for _ in range(8):
        page.keyboard.press("Tab")
        assert not page.evaluate("() => !!document.activeElement.closest('.stSidebar')")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport(ratio=1)
    page.keyboard.press("Control+Shift+O")
    expect(page.get_by_role("heading", name="How can I help?")).to_be_visible()
    expect(page.locator(COMPOSER)).to_be_focused()
    # Not while an input method composes.
    page.evaluate(
        """() => document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
            { key: "k", ctrlKey: true, isComposing: true, bubbles: true, cancelable: true }))"""
    )
    expect(page.locator(COMPOSER)).to_be_focused()
    page.locator(".st-key-footer .stTooltipIcon").hover()
    expect(page.get_by_text("Ctrl+Shift+O")).to_be_visible()


def test_a_button_that_points_at_a_setting_opens_the_fold_there(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.replies = [Reply([], finish_reason="length")]
    page = open_page(app.url)
    ask(page, "Hi")
    page.get_by_role("button", name="Open settings").click()
    field = page.get_by_label("Max tokens", exact=True)
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport(ratio=1)
