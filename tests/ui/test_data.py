"""The view “Your data” and shared copies, without a browser."""

import sqlite3
import threading
from contextlib import closing

import pytest
from streamlit.testing.v1 import AppTest

from chatbot import exchange
from chatbot.access import visitor
from chatbot.ui import services
from chatbot.ui.client import uploads
from tests.conftest import ROOT, page_state, save_slowly, wait_until
from tests.exchange import chatgpt_export
from tests.ui.conversation_list import choose_in_list, listed_ids
from tests.ui.test_page import ask, click, said, texts

TOKEN = "x" * 43
ME = visitor.owner_of(TOKEN)


def opened(page: AppTest, **query: str) -> AppTest:
    """A page as a known visitor opens it."""
    page_state(page).visitor_token = TOKEN
    page_state(page).visitor_is_known = True
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def another_visitor(**query: str) -> AppTest:
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page_state(page).visitor_token = "y" * 43
    page_state(page).visitor_is_known = True
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def headers(page: AppTest) -> list[str]:
    return [str(one.value) for one in page.header]


def titles() -> list[str]:
    return [one.title for one in services.store().conversations.page(ME, 1000)]


def bring_in(page: AppTest, name: str, data: bytes) -> AppTest:
    page.file_uploader[0].set_value((name, data, "application/octet-stream")).run()
    return page.button(key="import").click().run()


def test_the_sidebar_leads_to_ones_data_and_back(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    conversation_id = page.query_params["c"]
    page.button(key="data_view").click().run()
    assert headers(page) == [
        "This conversation",
        "Shared links",
        "All conversations",
        "Import",
        "Delete everything and forget me",
    ]
    assert not page.chat_input and not page.chat_message
    assert page.query_params["c"] == conversation_id
    click(page, "Back to the chat")
    assert texts(page) == ["Hi!", "Hello there!"]
    page.button(key="data_view").click().run()
    choose_in_list(page, "open", listed_ids(page)[0])
    assert texts(page) == ["Hi!", "Hello there!"]


def test_without_an_open_conversation_there_is_all_but_its_part(page: AppTest) -> None:
    opened(page, view="data")
    assert not page.exception
    assert headers(page)[0] == "Shared links"
    assert page.button(key="prepare").disabled


def test_another_view_than_there_is_shows_the_chat(page: AppTest) -> None:
    opened(page, view="../data")
    assert page.title[0].value == "How can I help?"


def test_somebody_elses_conversation_has_no_data_view(page: AppTest) -> None:
    ask(opened(page), "My secret")
    other = another_visitor(c=page.query_params["c"], view="data")
    assert "There is no such conversation here." in other.info[0].value
    assert "My secret" not in str(other)


def test_all_is_written_into_a_zip_when_it_is_asked_for(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    page.button(key="data_view").click().run()
    assert len(page.download_button) == 2
    page.button(key="prepare").click().run()
    assert not page.exception
    [button] = [one for one in page.download_button if "zip" in one.label]
    assert button.label == "Download the zip (0.1 MB)"


def test_an_import_says_what_came_in_and_what_did_not(page: AppTest) -> None:
    opened(page, view="data")
    data = chatgpt_export.as_zip(chatgpt_export.export(20))
    bring_in(page, "export.zip", data)
    assert page.success[0].value == "Conversations imported: 27. Empty: 1."
    assert len(titles()) == 27
    assert page.file_uploader[0].value is None
    bring_in(page, "export.zip", data)
    assert not page.success  # no green tick where nothing came in
    assert page.info[-1].value == "Conversations imported: 0. Already here: 27. Empty: 1."
    assert len(titles()) == 27


def test_a_session_imports_one_file_after_the_other_and_each_counts_as_held(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def import_slowly(*_: object) -> exchange.Summary:
        begun.append(uploads.held_bytes())
        assert go_on.wait(30)
        return exchange.Summary()

    monkeypatch.setattr("chatbot.exchange.import_file", import_slowly)
    monkeypatch.setattr("chatbot.ui.pages.data.follow", lambda *_: exchange.Summary())
    opened(page, view="data")
    for _ in range(2):
        bring_in(page, "x.json", b"[" + b" " * 998 + b"]")
        wait_until(lambda: bool(begun))
    assert begun == [1000]
    go_on.set()
    wait_until(lambda: uploads.held_bytes() == 0)
    page.button(key="import").click().run()
    wait_until(lambda: len(begun) == 2)


def test_what_was_left_out_of_an_import_is_named(page: AppTest) -> None:
    opened(page, view="data")
    bring_in(page, "one.json", chatgpt_export.as_json([chatgpt_export.with_tools()]))
    captions = [said(caption.value) for caption in page.caption]
    [named] = [caption for caption in captions if caption.startswith("Left out")]
    assert "hologram × 1" in named and "image_asset_pointer × 2" in named


def test_a_file_that_is_no_good_is_one_sentence(page: AppTest) -> None:
    opened(page, view="data")
    bring_in(page, "export.json", b"[{")
    assert said(page.warning[0].value) == (
        "This file is damaged, or it is neither a zip nor JSON. Nothing was imported."
    )
    assert titles() == []
    assert not page.exception


def test_what_goes_wrong_unexpectedly_is_one_sentence_and_a_traceback_in_the_log(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened(page, view="data")
    monkeypatch.setattr("chatbot.exchange.import_file", lambda *_: 1 / 0)
    bring_in(page, "export.json", b"[]")
    assert "That did not work." in said(page.warning[0].value)
    assert "ZeroDivisionError" in caplog.text
    assert not page.exception


@pytest.mark.parametrize(("locale", "word"), [("en-US", "Delete "), ("zh-CN", "删除")])
def test_everything_is_deleted_once_the_word_was_typed(
    page: AppTest, locale: str, word: str
) -> None:
    page.context = {"locale": locale}
    ask(opened(page), "Hi!")
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    [share] = services.store().shares.list(ME)
    [delete] = [one for one in page.button if one.proto.is_form_submitter]
    delete.click().run()
    assert titles() == ["Hi!"]
    assert word.strip().lower() in said(page.warning[0].value)
    page.text_input(key="delete_word").set_value(word)
    [delete] = [one for one in page.button if one.proto.is_form_submitter]
    delete.click().run()
    assert titles() == []
    assert "1" in page.success[0].value
    assert services.store().shares.get(share.id) is None
    assert "c" not in page.query_params
    with closing(sqlite3.connect("chatbot.db")) as database:
        for table in ("spendings", "visitor_days"):
            assert list(database.execute(f"SELECT * FROM {table} WHERE owner = ?", (ME,))) == []


# Shared copies


def test_a_shared_copy_is_read_by_anybody_and_stays_as_it_was(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    [share] = services.store().shares.list(ME)
    assert any(f"?share={share.id}" in str(text.value) for text in page.text)
    click(page, "Back to the chat")
    ask(page, "A later secret")

    reader = another_visitor(share=share.id)
    assert not reader.exception
    assert reader.title[0].value == "Hi\\!"
    assert texts(reader) == ["Hi!", "Hello there!"]
    assert "A later secret" not in str(reader)
    assert ME not in str(reader)
    assert not reader.chat_input and not reader.slider and not reader.selectbox
    assert [str(button.key) for button in reader.button] == ["start-above", "start"]
    reader.button(key="start").click().run()
    assert reader.title[0].value == "How can I help?"
    assert "share" not in reader.query_params


@pytest.mark.parametrize(
    ("url", "locale", "sentence"),
    [
        ("http://localhost:8501", "en-US", "Only this machine can open this address."),
        ("http://[::1]:8501/chat", "zh-CN", "这个地址只有本机能打开。"),
        ("http://192.168.1.5:8501", "en-US", ""),
        ("https://chat.example.org", "zh-CN", ""),
    ],
)
def test_a_link_that_only_this_machine_can_open_says_so(
    page: AppTest, url: str, locale: str, sentence: str
) -> None:
    page.context = {"url": url, "locale": locale}
    ask(opened(page), "Hi!")
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    assert any(str(text.value).startswith(f"{url}/?share=") for text in page.text)
    told = [
        said(one.value)
        for one in page.caption
        if "this machine" in one.value or "本机" in one.value
    ]
    assert bool(told) is bool(sentence) and all(one.startswith(sentence) for one in told)


def test_a_revoked_copy_is_not_found(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    [share] = services.store().shares.list(ME)
    page.button(key=f"revoke-{share.id}").click().run()
    assert services.store().shares.list(ME) == []
    assert not any("?share=" in str(text.value) for text in page.text)
    reader = another_visitor(share=share.id)
    assert "There is no such conversation here." in reader.info[0].value
    assert "Hi" not in str([reader.title, reader.markdown, reader.text])
    click(reader, "New chat")
    assert reader.title[0].value == "How can I help?"


@pytest.mark.parametrize("address", ["0" * 32, "../../etc/passwd", "'; DROP TABLE--", "é\0"])
def test_a_malformed_address_of_a_copy_is_not_found(page: AppTest, address: str) -> None:
    opened(page, share=address)
    assert not page.exception
    assert page.info[0].value.startswith("There is no such conversation")


def test_a_long_copy_is_read_from_its_beginning_piece_by_piece(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    copied = [{"role": "user", "content": f"Line {n}", "model": None} for n in range(40)]
    share_id = services.store().shares.add(ME, page.query_params["c"], copied)
    reader = another_visitor(share=share_id)
    assert len(reader.chat_message) == 30
    assert texts(reader)[0] == "Line 0"
    reader.button(key="later").click().run()
    assert texts(reader)[-1] == "Line 39"
    assert "later" not in [button.key for button in reader.button]


def test_a_copy_fetches_nothing_from_elsewhere(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    content = "![x](https://example.org/leak.png) :red[no]"
    copied = [{"role": "assistant", "content": content, "model": "![x](https://example.org)"}]
    share_id = services.store().shares.add(ME, page.query_params["c"], copied)
    reader = another_visitor(share=share_id)
    drawn = [str(one.value) for one in (*reader.markdown, *reader.caption)]
    assert not any("![x]" in one for one in drawn)


def test_a_copy_that_is_made_at_the_end_of_an_answer_has_it(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(page)
    save_slowly(services.store(), monkeypatch)
    ask(page, "Hi!")
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    [share] = services.store().shares.list(ME)
    shared = services.store().shares.get(share.id)
    assert shared and [message["content"] for message in shared.messages] == ["Hi!", "Hello there!"]


def test_the_title_of_a_copy_turns_nothing_around(page: AppTest) -> None:
    ask(opened(page), "Hi!")
    page.button(key="data_view").click().run()
    page.button(key="share").click().run()
    conversation_id = page.query_params["c"]
    conversation_id = conversation_id[0] if isinstance(conversation_id, list) else conversation_id
    services.store().conversations.rename(ME, conversation_id, "Fine\u202etxt.exe")
    page.button(key="share").click().run()
    share = services.store().shares.list(ME)[0]
    assert share.title == "Fine\u202etxt.exe"
    assert any("Finetxt" in str(one.value) for one in page.markdown)
    reader = another_visitor(share=share.id)
    assert reader.title[0].value == "Finetxt\\.exe"


def test_a_temporary_conversation_cannot_be_shared(page: AppTest) -> None:
    opened(page).toggle[0].set_value(True)
    ask(page, "Hi!")
    page.button(key="data_view").click().run()
    assert headers(page)[0] == "This conversation"
    assert "share" not in [button.key for button in page.button]
