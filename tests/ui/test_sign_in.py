"""The sign-in page: a shared password, and admins. See also `in_browser/test_sign_in.py`."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.testing.v1 import AppTest

from chatbot.access import password
from chatbot.access.password import line_for, password_of
from chatbot.access.throttle import LoginThrottle
from chatbot.access.visitor import new_token, owner_of
from chatbot.settings import sources
from chatbot.ui import access, services
from tests.access.test_throttle import Clock
from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer
from tests.conftest import ROOT, RunningApp, go_to, page_state
from tests.protocol import rerun, run, visit
from tests.servers.endpoint import FakeEndpoint
from tests.ui.test_page import ask as ask_on
from tests.ui.test_page import texts

SERVER = ROOT / "deploy" / "server.py"
SECRET = "correct horse"
FIELD = "input[type=password]"


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(password, "SCRYPT_COST", 2)
    sources._load.cache_clear()
    password_of.cache_clear()
    yield
    sources._load.cache_clear()
    password_of.cache_clear()


@pytest.fixture
def locked(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page behind a password, once the browser has told what it has kept: nothing."""
    monkeypatch.setenv("CHATBOT_PASSWORD", SECRET)
    page_state(page).visitor_token = new_token()
    page_state(page).visitor_is_known = page_state(page).proofs_are_known = True
    return page


def give(page: AppTest, typed: str) -> AppTest:
    page.text_input(key="password_given").set_value(typed)
    [button] = [one for one in page.button if one.label in ("Enter", "进入")]
    button.click().run()
    assert not page.exception
    return page


def test_nothing_of_the_page_is_there_before_the_password(locked: AppTest) -> None:
    locked.run()
    assert not locked.chat_input and not locked.sidebar.children
    assert [one.label for one in locked.text_input] == ["Password"]
    assert [one.label for one in locked.button] == ["Enter"]


def test_a_wrong_one_is_said_and_not_kept(locked: AppTest) -> None:
    give(locked.run(), "wrong horse")
    assert [one.value for one in locked.warning] == ["That is not the password\\. Try again\\."]
    assert not locked.chat_input
    assert locked.text_input(key="password_given").value == ""
    assert "wrong horse" not in str(locked.session_state._state.filtered_state)


def test_the_right_one_opens_the_page_and_is_not_kept(locked: AppTest) -> None:
    ask_on(give(locked.run(), SECRET), "Hi")
    assert "Hello there!" in texts(locked)
    assert SECRET not in str(locked.session_state._state.filtered_state)


@pytest.mark.parametrize(("language", "sentence"), [("en", "Try again in 1 s"), ("zh", "1 秒后")])
def test_after_many_wrong_ones_it_says_how_long_to_wait(
    locked: AppTest, monkeypatch: pytest.MonkeyPatch, language: str, sentence: str
) -> None:
    monkeypatch.setenv("CHATBOT_LANGUAGE", language)
    clock = Clock()
    limit = LoginThrottle("visitor", services.store, services.store, clock, clock.pause)
    monkeypatch.setattr(access, "_guesses", {"visitor": limit})
    locked.run()
    for _ in range(5):
        give(locked, "wrong horse")
    give(locked, SECRET)
    assert sentence in locked.warning[0].value.replace("\\", "")
    assert not locked.chat_input


def test_who_is_in_is_not_disturbed_by_who_guesses(
    locked: AppTest, page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(locked.run(), SECRET)
    for _ in range(5):
        with pytest.raises(Exception, match="not the password"):
            access._guesses["visitor"].check(password_of(SECRET), "wrong horse", "x")
    ask_on(locked, "Hi")
    assert "Hello there!" in texts(locked)


def test_another_password_asks_everybody_once_more_and_keeps_what_was_typed(
    locked: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(locked.run(), SECRET)
    monkeypatch.setenv("CHATBOT_PASSWORD", "battery staple")
    services.settings.clear()
    locked.chat_input[0].set_value("Am I still in?").run()
    assert "What you typed is kept" in locked.warning[0].value.replace("\\", "")
    assert not locked.chat_input
    assert endpoint.requests == []
    give(locked, "battery staple")
    assert locked.chat_input[0].value == "Am I still in?"


@pytest.mark.parametrize(
    "fragment", ["controls._show_dials()", "model_box._show_until_listed(lambda: None)"]
)
def test_what_is_run_without_the_rest_of_the_page_asks_who_may_be_there(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, fragment: str
) -> None:
    def drawn() -> list[object]:
        lone = f"from chatbot.ui.sidebar import controls, model_box\n{fragment}"
        page = AppTest.from_string(lone, default_timeout=30).run()
        return [*page.selectbox, *page.slider, *page.text_area]

    assert drawn()
    whole_runs = []

    def run_whole_page() -> None:
        whole_runs.append(fragment)
        st.stop()

    monkeypatch.setattr(access, "obstacle", lambda: access.Obstacle.PASSWORD)
    monkeypatch.setattr(st, "rerun", run_whole_page)
    assert not drawn()
    assert whole_runs == [fragment]


def test_a_proof_of_another_browser_opens_nothing(locked: AppTest) -> None:
    stolen = password_of(SECRET).proof("visitor", new_token())
    page_state(locked).proofs = {"visitor": stolen, "admin": stolen}
    locked.run()
    assert not locked.chat_input


def test_a_shared_copy_is_read_without_the_password(locked: AppTest) -> None:
    ask_on(give(locked.run(), SECRET), "Hi")
    locked.button(key="data_view").click().run()
    locked.button(key="share").click().run()
    owner = owner_of(page_state(locked).visitor_token)
    [share] = services.store().shares.list(owner)
    reader = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    go_to(reader, share=share.id)
    assert "Hello there!" in texts(reader)
    assert not reader.chat_input and not reader.text_input


@pytest.mark.parametrize("how", ["nothing set", "visitor's password", "admin's password"])
def test_admins_are_who_gave_the_admin_password(
    locked: AppTest, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("chatbot.ui.client.local_admin.is_at_the_machine", lambda: False)
    if how != "nothing set":
        monkeypatch.setenv("CHATBOT_ADMIN_PASSWORD", "for the owner")
    give(locked.run(), SECRET)
    seen = AppTest.from_function(_say_who_is_admin, default_timeout=30)
    page_state(seen).visitor_token = page_state(locked).visitor_token
    page_state(seen).visitor_is_known = True
    page_state(seen).proofs_are_known = True
    page_state(seen).proofs = page_state(locked).proofs
    seen.run()
    assert not seen.exception
    if how == "nothing set":
        assert not seen.text_input and "whoever runs this app" in seen.caption[0].value
        return
    give(seen, SECRET if how.startswith("visitor") else "for the owner")
    assert bool(seen.code) is how.startswith("admin")


@pytest.mark.parametrize("is_for_usage", [True, False])
def test_before_the_usage_page_it_is_said_that_two_passwords_are_asked_for(
    locked: AppTest, is_for_usage: bool
) -> None:
    if is_for_usage:
        go_to(locked, view="usage")
    else:
        locked.run()
    says_so = any("Then the admin password is asked for" in one.value for one in locked.caption)
    assert says_so is is_for_usage


def _say_who_is_admin() -> None:
    import streamlit as st

    from chatbot.ui.pages import sign_in

    if sign_in.let_admin_in():
        st.code("admin")


def test_a_client_that_is_no_browser_gets_nothing_of_the_page(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint
) -> None:
    """Whatever it claims: it answers for every component, and fills in every field it knows of."""
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_PASSWORD=SECRET)
    forged = ["proofs", "was_in", "proofs_component", "visitor_component", "question", "person"]

    async def knock() -> dict[str, str]:
        async with visit(app.url) as page:
            message = BackMsg.FromString(rerun(page.script_hash))
            for name in forged:
                state = message.rerun_script.widget_states.widgets.add()
                state.id = name
                state.json_value = json.dumps({"visitor": "x", "told": {"kept": {}}})
            await page.socket.send_bytes(message.SerializeToString())
            await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")
            return page.widgets

    assert "chat_input" not in run(knock())
    assert endpoint.requests == []
    assert not (app.folder / "chatbot.db").exists()  # nobody has been let in to open it


@pytest.mark.browser
@pytest.mark.parametrize("script", [None, SERVER], ids=["plain", "deploy"])
def test_a_password_is_given_once_for_a_browser(
    script: Any, run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    app = run_app(OPENAI_BASE_URL=endpoint.base_url, CHATBOT_PASSWORD=line_for_app())
    if script:
        app.stop()
        app.script = script
        app.start()
    page = open_page(app.url, wait_for=FIELD)
    field = page.locator(FIELD)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("autocomplete", "current-password")
    page.keyboard.type("wrong horse")
    page.keyboard.press("Enter")
    expect(page.get_by_text("That is not the password")).to_be_visible()
    expect(field).to_have_value("")
    field.fill(SECRET)
    page.keyboard.press("Enter")
    page.wait_for_selector(COMPOSER)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    page.reload()
    expect_answer(page, "Hello there!")
    kept = str(page.evaluate("JSON.stringify(localStorage)")) + app.log
    assert SECRET not in kept and "wrong horse" not in kept

    stranger = open_page(app.url, wait_for=FIELD)
    proofs = page.evaluate("localStorage.getItem('chatbot-proofs')")
    stranger.evaluate("proofs => localStorage.setItem('chatbot-proofs', proofs)", proofs)
    stranger.reload()
    expect(stranger.locator(FIELD)).to_be_visible()
    assert stranger.locator(COMPOSER).count() == 0


def line_for_app() -> str:
    """The line that an app in a process of its own can tell the password by."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(password, "SCRYPT_COST", 2**14)
        return line_for(SECRET)


@pytest.mark.browser
def test_on_a_phone_the_field_is_large_enough_and_nothing_scrolls_sideways(
    run_app: Callable[..., RunningApp], open_page: OpenPage
) -> None:
    app = run_app(CHATBOT_PASSWORD=SECRET)
    page = open_page(app.url, wait_for=FIELD, viewport=PHONE, locale="zh-CN", has_touch=True)
    expect(page.get_by_role("heading", name="欢迎")).to_be_visible()
    field = page.get_by_test_id("stTextInputRootElement")
    for control in (field, page.get_by_role("button", name="进入")):
        box = control.bounding_box()
        assert box and box["height"] >= 44 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
