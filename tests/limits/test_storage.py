"""Limits of stored bytes: counted data, refusals, and answers that are stored in any case."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.errors import ChatbotError
from chatbot.exchange import import_file, to_json
from chatbot.limits.policy import PUBLIC, Limits, policy_in, shown_bytes
from chatbot.limits.storage import Room, expect_room
from chatbot.llm.endpoint import Endpoint
from chatbot.store import Message, State, Store, message_size, new_conversation, new_id
from chatbot.ui import services
from tests.conftest import CANARY_KEY, go_to
from tests.limits.test_budget import Site, follow
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.test_data import ME as PAGE_OWNER
from tests.ui.test_data import bring_in, opened
from tests.ui.test_page import ask, click, said, texts

ME = "me"


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    """One kind of database, where that does not matter."""
    store = Store(f"sqlite:///{tmp_path}/room.db")
    yield store
    store.close()


def keep(store: Store, text: str = "x" * 1000, owner: str = ME) -> str:
    conversation = new_conversation("T", {"system_prompt": "Be brief."})
    question = Message(new_id(), conversation.id, None, "user", text)
    answer = Message(new_id(), conversation.id, question.id, "assistant", text)
    store.conversations.add(owner, conversation, [question, answer])
    return conversation.id


def test_everything_that_is_kept_counts_until_it_is_erased(store: Store) -> None:
    assert store.sizes.used(ME) == (0, 0)
    first, second = keep(store), keep(store)
    keep(store, owner="other")
    used = store.sizes.of_owner(ME)
    assert 4 * 3 * 1000 < used < 4 * 3 * 1000 + 7000
    assert store.sizes.of_site() == store.sizes.of_owner("other") + used
    store.trash.delete(ME, first)
    assert store.sizes.used(ME) == (used, used // 2)
    store.trash.empty(ME)
    assert store.sizes.used(ME) == (used // 2, 0)
    assert store.conversations.ids(ME) == [second]
    store.trash.undo_delete(ME, first)
    assert store.messages.all(ME, first) == []
    assert store.sizes.of_owner("other") > 6000


def test_a_shared_copy_counts_as_well(file_store: Store) -> None:
    conversation_id = keep(file_store)
    before = file_store.sizes.of_owner(ME)
    share_id = file_store.shares.add(ME, conversation_id, [{"role": "user", "content": "x" * 9000}])
    assert file_store.sizes.of_owner(ME) > before + 9000
    file_store.shares.revoke(ME, share_id)
    assert file_store.sizes.of_owner(ME) == before


def test_an_answer_counts_as_it_grows_and_controls_as_they_are_set(file_store: Store) -> None:
    conversation = new_conversation("T", {})
    answer = Message(new_id(), conversation.id, None, "assistant", "", State.ANSWERING, lease="l")
    file_store.conversations.add(ME, conversation, [answer])
    before = file_store.sizes.of_owner(ME)
    grown = replace(answer, content="é" * 500, reasoning="y" * 100, state=State.COMPLETE)
    file_store.checkpoints.save([grown])
    assert file_store.sizes.of_owner(ME) == before + 3 * 1000 + 100
    file_store.conversations.set_controls(ME, conversation.id, {"system_prompt": "z" * 5000})
    assert file_store.sizes.of_owner(ME) > before + 8000


def test_what_is_on_by_default_and_how_it_is_said() -> None:
    assert PUBLIC.visitor.stored_bytes == 500_000_000
    assert PUBLIC.site.stored_bytes == 5_000_000_000
    assert policy_in("1.5GB stored") == policy_in("1500 MB stored")
    assert not Limits(policy_in("1 MB stored")).are_counted
    sizes = (0, 5, 2_340_000, 512_400_000, 5_000_000_000)
    assert [shown_bytes(size) for size in sizes] == [
        *("0.0 MB", "0.1 MB", "2.3 MB", "512 MB", "5.0 GB"),
    ]


def test_a_visitor_without_room_asks_nothing_and_the_others_go_on(
    file_store: Store, endpoint: FakeEndpoint
) -> None:
    site = Site(file_store)
    source = Endpoint(endpoint.base_url, CANARY_KEY, 10, 10)
    try:
        site.limit("20 kB stored")
        # What was paid for is kept, though it passes the limit.
        endpoint.replies = [Reply(["word " * 4000])]
        answer = follow(site.ask(source))
        site.answers.save_again()
        site.counted(1)
        kept = file_store.messages.get(ME, answer.id)
        assert kept and kept.content == "word " * 4000 and kept.state is State.COMPLETE
        with pytest.raises(ChatbotError) as caught:
            site.ask(source)
        assert caught.value.code == "storage_visitor"
        assert len(endpoint.requests) == 1
        assert len(file_store.conversations.page(ME, 9)) == 1
        follow(site.ask(source, "somebody else"))
    finally:
        site.answers.close()
        site.fallback.close()


def test_a_full_site_takes_nothing_of_anybody(file_store: Store) -> None:
    keep(file_store, "x" * 10_000)
    with pytest.raises(ChatbotError) as caught:
        expect_room(file_store, "new", Limits(site=policy_in("30 kB stored")))
    assert caught.value.code == "storage_site"


def conversations(count: int, text: str) -> list[Any]:
    files = []
    for number in range(count):
        conversation = new_conversation(f"T{number}", {})
        message = Message(new_id(), conversation.id, None, "user", text, sequence=1, created_at=1)
        files.append(json.loads(to_json(conversation, [message])))
    return files


def test_an_import_stops_where_there_is_no_more_room_and_says_what_came_in(
    file_store: Store,
) -> None:
    data = json.dumps(conversations(9, "x" * 5000)).encode()
    allowed = Limits(visitor=policy_in("50 kB stored"))

    def bring(allowed: Limits) -> tuple[int, int, int]:
        summary = import_file(file_store, ME, io.BytesIO(data), "en", lambda _: None, allowed)
        return summary.added, summary.already_there, summary.no_room

    assert bring(allowed) == (3, 0, 6)
    assert file_store.sizes.of_owner(ME) <= 50_000
    assert bring(allowed) == (0, 3, 6)
    assert bring(Limits()) == (6, 3, 0)


def test_a_bomb_of_texts_ends_at_the_limit(file_store: Store) -> None:
    data = json.dumps(conversations(40, "a" * 200_000)).encode()
    allowed = Limits(visitor=policy_in("2 MB stored"))
    summary = import_file(file_store, ME, io.BytesIO(data), "en", lambda _: None, allowed)
    assert summary.added == 3 and summary.refusal
    message = Message("1" * 32, "c", None, "user", "a" * 200_000)
    assert file_store.sizes.of_owner(ME) < 2_000_000 < 4 * message_size(message)


TWO_MEGABYTES = policy_in("2 MB stored")


@pytest.mark.parametrize("allowed", [Limits(visitor=TWO_MEGABYTES), Limits(site=TWO_MEGABYTES)])
def test_imports_at_the_same_time_share_the_room(
    file_store: Store, monkeypatch: pytest.MonkeyPatch, allowed: Limits
) -> None:
    monkeypatch.setattr("chatbot.limits.storage.LOOK_AGAIN_BYTES", 100_000)
    monkeypatch.setattr("chatbot.store.sizes.SITE_SECONDS", 0)
    rooms = [Room(file_store, owner, allowed) for owner in (ME, ME, ME)]

    def import_at_the_same_time() -> None:
        for _ in range(200):
            for room in rooms:
                room.take(20_000)
                keep(file_store, "x" * 3_000)  # with its question and its rows, as much

    with pytest.raises(ChatbotError) as caught:
        import_at_the_same_time()
    assert caught.value.code.startswith("storage_")
    assert file_store.sizes.of_owner(ME) < 2_000_000 + len(rooms) * 120_000


# On the page


@pytest.mark.parametrize(
    ("locale", "sentence", "used", "erase"),
    [
        ("en-US", "Your conversations take", "of the 0.0", "Erase it now"),
        ("zh-CN", "您的对话已占用", "上限为", "立即彻底删除"),
    ],
)
def test_the_page_says_how_much_is_used_and_where_to_make_room(
    page: AppTest,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    locale: str,
    sentence: str,
    used: str,
    erase: str,
) -> None:
    monkeypatch.setenv("CHATBOT_VISITOR_LIMITS", "5 MB stored")
    page.context = {"locale": locale, "timezone": "Asia/Shanghai"}
    ask(opened(page), "Hi!")
    monkeypatch.setenv("CHATBOT_VISITOR_LIMITS", "1 kB stored")
    services.settings.clear()
    ask(page, "And now?")
    assert said(page.warning[0].value).startswith(sentence)
    assert page.chat_input[0].value == "And now?"
    assert texts(page) == ["Hi!", "Hello there!"]
    assert len(endpoint.requests) == 1
    page.button(key="make_room").click().run()
    assert not page.exception
    assert any(used[:2] in str(one.value) for one in page.caption)
    services.store().trash.delete(PAGE_OWNER, page.query_params["c"])
    go_to(page, view="data")
    button = page.button(key="empty_trash")
    assert button.label == erase
    button.click().run()
    assert page.success and services.store().sizes.of_owner(PAGE_OWNER) == 0
    go_to(page)
    ask(page, "Again")
    assert texts(page)[-1] == "Hello there!"


def test_the_page_says_what_did_not_come_in(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_VISITOR_LIMITS", "50 kB stored")
    opened(page, view="data")
    bring_in(page, "x.json", json.dumps(conversations(9, "x" * 5000)).encode())
    assert "imported: 3. No room left: 6." in said(page.success[0].value)
    assert said(page.warning[0].value).startswith("Your conversations take")
    click(page, "Back to the chat")
    assert not page.exception


def test_instructions_take_room_as_well(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_VISITOR_LIMITS", "20 kB stored")
    ask(opened(page), "Hi!")
    conversation_id = page.query_params["c"]
    page.text_area[0].set_value("Be brief. " * 500).run()
    assert not page.warning
    page.text_area[0].set_value("Be brief. " * 5000).run()
    assert said(page.warning[0].value).startswith("Your conversations take")
    kept = services.store().conversations.get(PAGE_OWNER, conversation_id)
    assert kept and kept.controls["system_prompt"] == "Be brief. " * 500
