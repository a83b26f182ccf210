"""Import of files of every kind: each is imported or refused with a plain sentence."""

import contextlib
import io
import json
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot.errors import ChatbotError
from chatbot.exchange import (
    Summary,
    apps,
    deep_json,
    export,
    import_file,
    json_window,
    kinds,
    to_json,
    write_zips,
)
from chatbot.exchange import written as exchange_written
from chatbot.exchange.json_stream import conversations_in
from chatbot.exchange.validation import Unreadable
from chatbot.store import Message, State, Store, new_conversation, new_id
from tests.exchange import chatgpt_export
from tests.exchange.other_exports import (
    claude,
    deepseek,
    librechat,
    nextchat,
    one_of_each,
    openwebui,
)

ME = "me"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


def bring_in(store: Store, data: bytes) -> Summary:
    return import_file(store, ME, io.BytesIO(data), "en", lambda part: None)


def zip_of(**files: bytes | str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return file.getvalue()


LOCKED = bytearray(zip_of(conversations__json="[]"))
LOCKED[6] |= 1  # the flag in the file's own head, and in the list at the end
LOCKED[LOCKED.index(b"PK\x01\x02") + 8] |= 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This is an empty file"),
        (b"# My notes", "This is a text file"),
        (b"a,b\n1,2\n", "This is a text file"),
        ("Notes".encode("utf-16"), "This is a text file"),
        (b"<!DOCTYPE html>\n<html><script>var jsonData = []", "This is a web page"),
        ("\ufeff\n <html lang='zh'>".encode(), "This is a web page"),
        (b"<?xml version='1.0'?>\n<svg xmlns=''>", "This is a picture"),
        (b"\x89PNG\r\n\x1a\n\0\0", "This is a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "This is a picture"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "This is a picture"),
        (b"\0\0\0\x18ftypheic", "This is a picture"),
        (b"\0\0\0\x18ftypmp42", "This is a sound or a video"),
        (b"%PDF-1.7\n", "This is a PDF"),
        (b"SQLite format 3\0\x10", "This is a database"),
        (b"\x1f\x8b\x08\0", "This is an archive of another kind than zip"),
        (zip_of(), "This is an empty zip"),
        (zip_of(a__jpg=b"1", b__PNG=b"2", notes__txt=b"x"), "This is a zip of pictures"),
        (zip_of(chat__html="<html>"), "This is a zip of web pages"),
        (zip_of(a__md="# A", b__md="# B"), "This is a zip of text files"),
        (zip_of(a__py="x"), "This is a zip without JSON files"),
        (zip_of(**{"[Content_Types]__xml": "<x>", "word/document__xml": "x"}), "office document"),
        (zip_of(user__json='{"email": "me@example.org"}'), "a file about an account"),
        (b'{"access-control": {"openaiApiKey": ""}, "app-config": {}}', "a file of settings"),
        (b'[{"command": "/x", "title": "X", "content": "y"}]', "a file of settings"),
        (b'{"name": "x", "dependencies": {}}', "JSON of another kind"),
        (b'{"format": "chatbot-conversation", "version": 9}', "a newer version of this app"),
        (bytes(LOCKED), "locked with a password"),
        (b'{"chat-next-web-store": {"sessions": []}}', "There is no conversation in this file"),
        (b"[]", "There is no conversation in this file"),
        (b"[null, 1, {}]", "There is no conversation in this file"),
        (b'[{"mapping": {', "This file is damaged"),
    ],
)
def test_what_cannot_be_read_is_named_for_what_it_is(
    store: Store, data: bytes, sentence: str
) -> None:
    with pytest.raises(ChatbotError) as caught:
        bring_in(store, data)
    assert sentence in str(caught.value)
    for language in ("en", "zh"):
        assert "{" not in caught.value.sentence(language)
    assert store.conversations.ids(ME) == []


def test_a_zip_of_files_of_several_apps_is_read_whole(store: Store) -> None:
    data = zip_of(
        **{f"{place}__json": json.dumps(raw) for place, raw in enumerate(one_of_each())},
        settings__json='{"app-config": {}}',
        picture__png=b"\x89PNG",
    )
    assert bring_in(store, data) == Summary(added=5, unreadable=1)


@pytest.mark.parametrize("name", ["conversations", "chats"])
def test_a_list_inside_of_an_object_is_read(store: Store, name: str) -> None:
    data = json.dumps({name: [claude(), openwebui(), {}]}).encode()
    assert bring_in(store, data) == Summary(added=2, unreadable=1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_is_read_in_any_encoding_that_programs_write(store: Store, encoding: str) -> None:
    raw = claude()
    raw["name"] = "Zürich 世界 🌍"
    data = json.dumps([raw], ensure_ascii=False).encode(encoding)
    assert bring_in(store, data) == Summary(added=1)
    assert [one.title for one in store.conversations.page(ME, 9)] == ["Zürich 世界 🌍"]


def test_a_conversation_in_each_line_is_read(store: Store) -> None:
    lines = "\n".join(json.dumps(raw) for raw in (claude(), openwebui(), {}, deepseek()))
    assert bring_in(store, f"{lines}\n\n".encode()) == Summary(added=3, unreadable=1)
    with pytest.raises(ChatbotError) as caught:
        bring_in(store, f"{lines}\nthe end".encode())
    assert caught.value.code == "import_damaged"


# Hostile ones

ODD: list[Any] = [
    None,
    True,
    -1,
    10**400,
    1e308,
    "",
    "\ud800\0",
    "1" * 50,
    [],
    [[]],
    [None, 7, "x", {}],
    {},
    {"": {"": []}},
    {"messages": {"a": {"parentId": "a"}}},
]


def places_in(raw: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside of another."""
    yield path
    inside: Any = raw.items() if isinstance(raw, dict) else ()
    for name, value in enumerate(raw) if isinstance(raw, list) else inside:
        yield from places_in(value, (*path, name))


def replaced(raw: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The same with one value in another's place."""
    if not path:
        return value
    copy = dict(raw) if isinstance(raw, dict) else list(raw)
    copy[path[0]] = replaced(raw[path[0]], path[1:], value)
    return copy


@contextlib.contextmanager
def suppress_refusals() -> Iterator[None]:
    """Let pass what a person is told in a sentence about the file, and nothing else."""
    try:
        yield
    except ChatbotError as error:
        if not error.code.startswith("import_"):
            raise


RICH: list[Any] = [
    [claude()],
    [deepseek()],
    [openwebui()],
    librechat(),
    nextchat(),
    [chatgpt_export.with_tools()],
]


@pytest.mark.parametrize("raw", RICH, ids=["claude", "deepseek", "owui", "lc", "next", "chatgpt"])
def test_wrong_types_in_every_field_do_no_harm(raw: Any) -> None:
    """One value after the other is replaced: what comes in is written out and in again."""
    with contextlib.closing(Store("sqlite://")) as store:
        for number, path in enumerate(places_in(raw)):
            odd = ODD[number % len(ODD)]
            data = json.dumps(replaced(raw, path, odd)).encode()
            with suppress_refusals():
                bring_in(store, data)
        for conversation in store.conversations.page(ME, 10_000):
            assert to_json(conversation, store.messages.all(ME, conversation.id))


NAMES = st.sampled_from(
    [
        *("mapping", "message", "fragments", "chat", "history", "messages", "messagesTree"),
        *("chat_messages", "content", "parts", "conversationId", "children", "sender", "role"),
        *("parent", "parentId", "text", "type", "id", "uuid", "a", "b", "user", "assistant"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=40,
)


@given(JSON)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_json_is_a_whole_conversation_or_none(raw: Any) -> None:
    for value in apps.conversations_in(raw):
        with contextlib.suppress(Unreadable):
            found = apps.read(value, "en")
            before: set[str | None] = {None}
            for message in found.messages:
                assert message.parent_id in before and message.id not in before
                before.add(message.id)
            assert found.conversation.leaf_id in before
        assert isinstance(kinds.of_value(value), str)


@pytest.mark.parametrize("make", [openwebui, deepseek])
def test_circles_of_another_apps_messages_are_cut(store: Store, make: Callable[..., Any]) -> None:
    raw = make()
    where = raw["mapping"] if "mapping" in raw else raw["chat"]["history"]["messages"]
    first, last = [*where][-2:]
    for name in ("parent", "parentId"):
        where[first][name] = last
    assert bring_in(store, json.dumps(raw).encode()).added == 1
    [conversation] = store.conversations.page(ME, 10)
    assert len(store.messages.branch(ME, conversation.id, 10)) >= 1


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists, max_leaves=9))
def test_deep_json_is_read_as_pythons_own_reader_does(raw: Any) -> None:
    text = json.dumps({"a": raw, "b": [{"c": raw}, 1.5e3]}, indent=1)
    assert deep_json.decoded(text + " ]", 0, 1000) == (json.loads(text), len(text))
    for cut in range(0, len(text), 3):
        with pytest.raises(ValueError, match=r"\w"):
            deep_json.decoded(text[:cut], 0, 1000)


def test_what_costs_much_to_read_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "MAX_CONVERSATION_COMMAS", 1000)
    deep = "[" * 3000 + "]" * 3000
    for data in (f"[{deep}, [{'[],' * 2000}{deep}]]", '["' + '\\",' * 100_000 + "\\"):
        with pytest.raises(ChatbotError):
            bring_in(store, data.encode())


def test_marks_that_are_never_closed_cost_no_more_than_their_length() -> None:
    """Quadratic, each of these would take minutes."""
    for text in ("<details\n" * 100_000, "<details>\n" * 100_000, "```\n<details>\n" * 50_000):
        assert "".join(block.text for block in exchange_written.blocks(text, "details")) == text


# Our own, of any size


def a_long_one(count: int, text: str) -> tuple[Any, list[Message]]:
    conversation = new_conversation("Long", {"model": "m"})
    messages: list[Message] = []
    for place in range(count):
        role = "assistant" if place % 2 else "user"
        parent = messages[-1].id if messages else None
        messages.append(
            Message(new_id(), conversation.id, parent, role, f"{place} {text}", created_at=1.0)
        )
    return conversation, messages


@pytest.mark.parametrize(("limit", "most"), [("BYTES", 30_000), ("COMMAS", 1000)])
def test_our_own_conversation_of_any_size_comes_in(
    store: Store, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(json_window, f"MAX_CONVERSATION_{limit}", most)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 500)
    monkeypatch.setattr("chatbot.exchange.keeping.LONG_BATCH_MESSAGES", 7)
    conversation, messages = a_long_one(100, "x" * 100)
    store.conversations.add("other", conversation, messages)
    written = to_json(store.conversations.get("other", conversation.id) or conversation, messages)
    data = f"[{written}, {json.dumps(claude())}]".encode()
    assert bring_in(store, data) == Summary(added=2)
    found = next(one for one in store.conversations.page(ME, 10) if one.title == "Long")
    branch = store.messages.branch(ME, found.id, 1000)
    assert [one.content for one in branch] == [one.content for one in messages]
    assert [one.sequence for one in branch] == [*range(1, 101)]
    assert found.controls == {"model": "m"} and found.origin == conversation.id
    assert store.search.find(ME, "99", 10)
    assert bring_in(store, data) == Summary(already_there=2)


def test_a_long_conversation_that_is_damaged_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_window, "MAX_CONVERSATION_BYTES", 30_000)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 500)
    conversation, messages = a_long_one(100, "x" * 100)
    written = to_json(conversation, messages)
    for broken in (written[:-20], written.replace(messages[50].id, messages[49].id)):
        with pytest.raises(ChatbotError):
            bring_in(store, broken.encode())
    assert store.conversations.ids(ME) == []

    def fail_later(owner: str, conversation: Any, batch: list[Message]) -> None:
        put(owner, conversation, batch)
        if batch[0].sequence > 1:
            raise ChatbotError("store_full")

    put = store.conversations.put
    with monkeypatch.context() as failing:
        failing.setattr("chatbot.exchange.keeping.LONG_BATCH_MESSAGES", 7)
        failing.setattr(store.conversations, "put", fail_later)
        with pytest.raises(ChatbotError, match=r"full"):
            bring_in(store, written.encode())
    assert store.conversations.ids(ME) == []
    assert bring_in(store, written.encode()).added == 1


def test_commas_in_texts_are_no_values(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "MAX_CONVERSATION_COMMAS", 200)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 500)
    conversation, messages = a_long_one(2, '1,2,\\",' * 1000)
    raw = json.loads(to_json(conversation, messages))
    assert bring_in(store, json.dumps(raw | {"format": "chatbot-conversation"}).encode()).added == 1


def test_a_large_file_is_read_with_little_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_window, "MAX_CONVERSATION_BYTES", 2**19)
    monkeypatch.setattr("chatbot.exchange.keeping.LONG_BATCH_BYTES", 2**18)
    conversation, messages = a_long_one(60, "x" * 100_000)
    with io.BytesIO(to_json(conversation, messages).encode()) as file:
        del messages
        tracemalloc.start()
        summary = import_file(store, ME, file, "en", lambda part: None)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert summary.added == 1
    assert peak_bytes < 4 * 2**20  # of a file of 6 MB


def test_sessions_of_a_large_backup_come_in_one_by_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = nextchat()
    [session] = backup["chat-next-web-store"]["sessions"]
    sessions = [session | {"id": str(place)} for place in range(50)]
    backup = {"chat-next-web-store": {"sessions": sessions, "x": [1]}, "app-config": {"y": 1}}
    monkeypatch.setattr(json_window, "MAX_CONVERSATION_BYTES", 2000)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 500)
    assert bring_in(store, json.dumps(backup).encode()).added == 50


def test_all_that_was_exported_comes_in_from_as_many_zips_as_it_takes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most, zips in (("ZIP_CONVERSATIONS", 2, 3), ("ZIP_BYTES", 1, 5), ("ZIP_JSON", 1, 5)):
        owner = f"owner of {name}"
        for _ in range(5):
            store.conversations.add(owner, *a_long_one(3, "x"))
        with monkeypatch.context() as smaller:
            smaller.setattr(export, name.replace("JSON", "JSON_BYTES"), most)
            parts: list[float] = []
            files = write_zips([store], owner, io.BytesIO, "en", None, parts.append)
        assert len(files) == zips and parts[-1] == 1
        added = [import_file(store, ME, file, "en", lambda part: None).added for file in files]
        assert sum(added) == 5
    assert len(write_zips([store], "nobody", io.BytesIO, "en", None, print)) == 1


def test_stopped_states_stay(store: Store) -> None:
    raw = librechat()
    raw["messages"][0]["children"][0]["unfinished"] = True
    bring_in(store, json.dumps(raw).encode())
    [conversation] = store.conversations.page(ME, 10)
    assert store.messages.all(ME, conversation.id)[1].state is State.STOPPED


def test_blanks_are_passed_over_in_few_steps() -> None:
    """Zipped, a thousand times as many take no room."""
    steps = 0

    def count(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        found = list(conversations_in(io.BytesIO(b"[" + b" " * 1_000_000 + b"]"), lambda _: None))
    finally:
        sys.settrace(before)
    assert found == [] and steps < 2000


def test_long_names_and_absurd_costs_are_not_kept(store: Store) -> None:
    conversation = new_conversation("T", {"model": "m" * 5000})
    message = Message(
        *(new_id(), conversation.id, None, "assistant", "Hi"),
        model="m" * 5000,
        finish_reason="f" * 5000,
        cost=1e308,
        created_at=1,
    )
    assert bring_in(store, to_json(conversation, [message]).encode()).added == 1
    bring_in(store, json.dumps([chatgpt_export.plain(1)]).replace("gpt-", "g" * 5000).encode())
    bring_in(store, json.dumps([openwebui()]).replace('"m"', f'"{"m" * 5000}"').encode())
    for kept in store.conversations.page(ME, 99):
        assert len(kept.controls.get("model") or "") <= 300
        for one in store.messages.all(ME, kept.id):
            assert len(one.model or "") <= 300 and len(one.finish_reason or "") <= 300
            assert one.cost is None
    assert len(store.conversations.page(ME, 99)) == 3
