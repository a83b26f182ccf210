"""Conversations that cannot or must not be stored: the page continues in memory."""

import gc
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from chatbot import exchange
from chatbot.access import visitor
from chatbot.answers.place import Kind, Place
from chatbot.errors import ChatbotError
from chatbot.store import Store
from chatbot.store.conversations import Conversations
from chatbot.ui import services
from tests.conftest import ROOT, page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.conversation_list import listed_ids
from tests.ui.test_page import ask, said, texts

NOBODY = "x" * 43


def another_tab(page: AppTest, address: Any) -> AppTest:
    """The same visitor, on a page of its own."""
    tab = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    tab.query_params["c"] = address
    page_state(tab).visitor_token = page_state(page).visitor_token
    page_state(tab).visitor_is_known = True
    return tab.run()


def break_writing(pragma: str) -> Callable[[], None]:
    """Make SQLite refuse to write, as on a full or read-only disk; return the repair."""
    engine = services.store()._database.engine

    def refuse(connection: sa.Connection) -> None:
        connection.exec_driver_sql(pragma)

    sa.event.listen(engine, "begin", refuse)

    def repair() -> None:
        sa.event.remove(engine, "begin", refuse)
        engine.dispose()

    return repair


def kept_texts(database: Path) -> list[str]:
    """Return the messages that another process would find."""
    store = Store(f"sqlite:///{database}")
    with store._database.reader.connect() as connection:
        rows = connection.exec_driver_sql("SELECT content FROM messages ORDER BY sequence")
        found = [row[0] for row in rows]
    store.close()
    return found


def in_zip(page: AppTest) -> list[str]:
    """Return the only conversation as the zip of everything contains it."""
    stores = [services.fallback().store, services.store()]
    owner = visitor.owner_of(page_state(page).visitor_token)
    file = io.BytesIO()
    assert exchange.write_zip(stores, owner, file, "en", None, lambda _: None) == 1
    with zipfile.ZipFile(file) as archive:
        [name] = [name for name in archive.namelist() if name.startswith("json/")]
        return [message["content"] for message in json.loads(archive.read(name))["messages"]]


@pytest.mark.parametrize(
    ("pragma", "sentence"),
    [
        ("PRAGMA max_page_count = 1", "The disk of this app's server is full"),
        ("PRAGMA query_only = 1", "This app may not write to its database"),
    ],
)
def test_when_the_disk_takes_nothing_more_the_chat_goes_on_in_memory(
    page: AppTest, endpoint: FakeEndpoint, tmp_path: Path, pragma: str, sentence: str
) -> None:
    database = tmp_path / "chatbot.db"
    long = ("A long question. " * 1000).strip()  # more than the free space in the file's last page
    ask(page.run(), "First")
    wait_until(lambda: kept_texts(database) == ["First", "Hello there!"])
    repair = break_writing(pragma)
    ask(page, long)
    assert texts(page) == ["First", "Hello there!", long, "Hello there!"]
    assert sentence in said(page.warning[0].value)
    assert kept_texts(database) == ["First", "Hello there!"]
    assert len(page.get("download_button")) == 2
    wait_until(lambda: in_zip(page) == ["First", "Hello there!", long, "Hello there!"])

    # A reload finds it, and goes on.
    again = another_tab(page, page.query_params["c"])
    assert texts(again) == ["First", "Hello there!", long, "Hello there!"]
    ask(again, "Third")
    assert len(texts(again)) == 6
    assert sent(endpoint, -1)[0] == "First"

    repair()
    again.button(key="save_again").click().run()
    assert not again.warning
    assert len(texts(again)) == 6
    assert kept_texts(database)[::2] == ["First", long, "Third"]


def test_what_could_not_be_kept_is_kept_with_the_next_question(
    page: AppTest, tmp_path: Path
) -> None:
    page.run()
    repair = break_writing("PRAGMA query_only = 1")
    ask(page, "First")
    assert page.warning
    repair()
    ask(page, "Second")
    assert texts(page)[::2] == ["First", "Second"]
    assert not page.warning
    wait_until(lambda: kept_texts(tmp_path / "chatbot.db")[::2] == ["First", "Second"])


def test_a_database_that_cannot_be_opened_leaves_a_page_that_answers(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_DATABASE_URL", f"sqlite:///{tmp_path}")
    page.run()
    assert "database cannot be opened" in said(page.warning[0].value)
    ask(page, "Hi!")
    assert texts(page) == ["Hi!", "Hello there!"]
    again = another_tab(page, page.query_params["c"])
    assert texts(again) == ["Hi!", "Hello there!"]
    assert len(listed_ids(again)) == 1
    stranger = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    stranger.query_params["c"] = page.query_params["c"]
    page_state(stranger).visitor_token = NOBODY
    page_state(stranger).visitor_is_known = True
    assert texts(stranger.run()) == []


def test_a_locked_database_keeps_the_question_and_offers_to_save_again(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("chatbot.store.engine.SQLITE_BUSY_SECONDS", 0.1)
    page.run()
    other = sa.create_engine(f"sqlite:///{tmp_path}/chatbot.db")
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        ask(page, "Mind the lock")
        assert "Not saved yet" in said(page.warning[0].value)
        assert page.chat_input[0].value == "Mind the lock"
        assert endpoint.requests == []
        connection.exec_driver_sql("ROLLBACK")
    other.dispose()
    page.button(key="ask_again").click().run()
    assert texts(page) == ["Mind the lock", "Hello there!"]
    assert not page.chat_input[0].value
    assert len(endpoint.requests) == 1


def test_an_answer_that_cannot_be_saved_stays_and_says_so(
    page: AppTest, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    endpoint.default_reply = Reply(["x" * 20_000, " end."], seconds_between=1)
    page.run()
    repair: list[Callable[[], None]] = []

    async def break_then_answer(request: object, _body: object) -> object:
        repair.append(break_writing("PRAGMA query_only = 1"))
        return await endpoint._stream(request, None)  # type: ignore[arg-type]

    endpoint.respond = break_then_answer  # type: ignore[assignment]
    ask(page, "Hi!")
    wait_until(lambda: "Not saved yet. The app keeps trying." in captions(page.run()))
    assert texts(page)[1].endswith(" end.")
    repair[0]()
    page.button(key="save_again").click().run()
    wait_until(lambda: "Not saved yet. The app keeps trying." not in captions(page.run()))
    assert kept_texts(tmp_path / "chatbot.db")[1].endswith(" end.")


def test_what_happened_to_the_database_is_said_once(page: AppTest, tmp_path: Path) -> None:
    (tmp_path / "chatbot.db").write_bytes(b"not a database, but long enough to be one" * 100)
    page.run()
    assert "It was kept as chatbot.db.damaged-" in said(page.warning[0].value)
    page.run()
    assert not page.warning


def test_a_temporary_conversation_is_in_no_database_and_gone_with_its_tab(
    page: AppTest, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    page.run()
    page.toggle(key="next_is_temporary").set_value(True).run()
    assert any(caption.startswith("Temporary:") for caption in captions(page))
    ask(page, "Between us")
    ask(page, "And this")
    assert texts(page)[::2] == ["Between us", "And this"]
    assert sent(endpoint, -1) == ["Between us", "Hello there!", "And this"]
    assert any(caption.startswith("Temporary:") for caption in captions(page))
    assert kept_texts(tmp_path / "chatbot.db") == []
    assert b"Between us" not in b"".join(file.read_bytes() for file in tmp_path.glob("chatbot.db*"))
    assert listed_ids(page) == []

    other_tab = another_tab(page, page.query_params["c"])
    assert texts(other_tab) == []
    assert "There is no such conversation here" in other_tab.info[0].value

    page.button(key="new").click().run()
    ask(page, "To be kept")
    assert kept_texts(tmp_path / "chatbot.db")[0] == "To be kept"


def test_the_place_of_a_temporary_conversation_is_closed_when_its_session_ends(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.run()
    tab = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()
    closed: list[Kind] = []
    monkeypatch.setattr(Place, "close", lambda place: closed.append(place.kind))
    tab.toggle(key="next_is_temporary").set_value(True).run()
    ask(tab, "Between us")
    assert closed == []
    del tab  # and with it the whole state, as when a session has ended
    page.run()  # Streamlit keeps the names of the last run, whosever that was

    def is_closed() -> bool:
        gc.collect()
        return closed == [Kind.TEMPORARY]

    wait_until(is_closed)


def sent(endpoint: FakeEndpoint, number: int) -> list[str]:
    return [message["content"] for message in endpoint.requests[number]["messages"]]


def captions(page: AppTest) -> list[str]:
    return [str(caption.value) for caption in page.caption]


def test_after_a_question_of_which_nobody_knows_whether_it_was_kept_the_next_one_is_kept(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.run()
    add = Conversations.add

    def add_and_lose_the_connection(*args: Any, **kwargs: Any) -> None:
        add(*args, **kwargs)
        raise ChatbotError("store")

    with monkeypatch.context() as patch:
        patch.setattr(Conversations, "add", add_and_lose_the_connection)
        ask(page, "First")
    assert page.warning
    ask(page, "Second")
    assert texts(page) == ["Second", "Hello there!"]
    owner = visitor.owner_of(page_state(page).visitor_token)
    newest, _ = services.store().conversations.page(owner, 9)
    branch = services.store().messages.branch(owner, newest.id, 9)
    assert branch[0].content == "Second"
