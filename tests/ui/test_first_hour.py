"""A newcomer's first hour with the page: no warning appears in the terminal."""

import logging

import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest

from chatbot.ui.client import local_admin
from chatbot.ui.session import widgets
from tests.conftest import ROOT, go_to
from tests.exchange import chatgpt_export
from tests.servers.endpoint import FakeEndpoint
from tests.ui.test_actions import choose, press
from tests.ui.test_data import bring_in
from tests.ui.test_page import ask, click, texts

OF_THE_TEST = ("missing ScriptRunContext", "without `streamlit run`")
"""Said by Streamlit because nobody has started it."""


def test_no_warning_on_a_walk_through_all_that_works(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)  # it is shown once
    monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: True)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.run()
    # Connect a server, and use it from now on.
    page.button(key="connect").click().run()
    menu = page.main.menu_button[0]
    menu.click_index(menu.options.index("DeepSeek")).run()
    page.text_input(key="check_base_url").set_value(endpoint.base_url)
    click(page, "Check now")
    page.button(key="check_apply").click().run()
    page.button(key="check_chat").click().run()
    # Ask, ask again, edit, rate.
    ask(page, "Hi!")
    assert texts(page) == ["Hi!", "Hello there!"]
    press(page, "again-")
    page.feedback[0].set_value(1).run()
    press(page, "icon-edit-")
    page.main.text_area[0].set_value("Hello!")
    press(page, "send-")
    choose(page, "Keep in the model's view")
    # The controls.
    page.session_state[widgets.SETTINGS_FOLD] = True
    page.run()
    page.number_input[0].set_value(9_000_000).run()
    assert page.number_input[0].value == 1_000_000
    page.slider[0].set_value(0.2).run()
    page.text_area[0].set_value("Be brief.").run()
    page.selectbox[0].set_value("other-model").run()
    ask(page, "And now?")
    # Clear, undo, search, rename.
    page.button(key="icon-clear").click().run()
    page.button(key="undo_delete").click().run()
    page.text_input(key="search").set_value("hello").run()
    page.button(key="end_search").click().run()
    # One's data.
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    page.button(key="prepare").click().run()
    bring_in(page, "export.zip", chatgpt_export.as_zip(chatgpt_export.export(20)))
    click(page, "Back to the chat")
    page.button(key="new").click().run()
    page.toggle(key="next_is_temporary").set_value(True).run()
    ask(page, "A secret")
    page.button(key="usage_view").click().run()
    page.context = {"locale": "zh-CN"}
    page.run()
    # A check of what is set, and everything deleted.
    go_to(page, view="check")
    click(page, "开始检查")
    go_to(page, view="data")
    page.text_input(key="delete_word").set_value("删除")
    click(page, "全部删除")
    assert not page.exception
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    said = [record.getMessage() for record in warned]
    assert [one for one in said if not any(words in one for words in OF_THE_TEST)] == []
