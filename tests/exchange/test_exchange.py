"""Export and import of conversations, without the page."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import ChatbotError
from chatbot.exchange import (
    Summary,
    branch_on_screen,
    file_name,
    import_file,
    json_stream,
    json_window,
    keeping,
    shown_time,
    to_json,
    to_markdown,
    write_zip,
)
from chatbot.store import Conversation, Message, State, Store, new_conversation, new_id, storable
from tests.conftest import examples
from tests.exchange import chatgpt_export

ME = "me"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One kind of database is enough: what these tests are about happens before it."""
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


def bring_in(store: Store, data: bytes | str | list[Any], language: str = "en") -> Summary:
    if isinstance(data, list):
        data = chatgpt_export.as_json(data)
    data = data.encode() if isinstance(data, str) else data
    parts: list[float] = []
    summary = import_file(store, ME, io.BytesIO(data), language, parts.append)
    assert parts == sorted(parts) and parts[-1] <= 1
    return summary


def only_conversation(store: Store) -> tuple[Conversation, list[Message]]:
    [conversation] = store.conversations.page(ME, 10)
    return conversation, store.messages.all(ME, conversation.id)


def shown(store: Store, title: str | None = None) -> list[tuple[str, str]]:
    """The branch on screen of the conversation of this title, or of the only one."""
    found = [one for one in store.conversations.page(ME, 1000) if title in (None, one.title)]
    [conversation] = found
    branch = store.messages.branch(ME, conversation.id, 1000)
    return [(message.role, message.content) for message in branch]


# Our own format


def versions(messages: list[Message]) -> list[tuple[Any, ...]]:
    """A tree without its ids: each message with the place of the one it follows."""
    places = {message.id: place for place, message in enumerate(messages)}
    return [
        (
            places.get(message.parent_id or ""),
            message.role,
            message.content,
            message.state,
            message.error,
            message.model,
            message.finish_reason,
            message.prompt_tokens,
            message.completion_tokens,
            message.cached_tokens,
            message.reasoning_tokens,
            message.reasoning,
            message.reasoning_seconds,
            message.cost,
            message.is_pinned,
            message.rating,
            round(message.created_at, 5),
            message.sequence,
        )
        for message in messages
    ]


texts = st.text(max_size=40).map(storable)
counts = st.none() | st.integers(0, 2**31 - 1)
moments = st.integers(1, 2_000_000_000_000_000).map(lambda microseconds: microseconds / 1e6)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Conversation, list[Message]]:
    title = draw(st.text(min_size=1).map(storable).filter(str.strip))
    controls = {"temperature": draw(st.floats(0, 2)), "system_prompt": draw(texts)}
    if effort := draw(st.sampled_from([None, "none", "high"])):
        controls["reasoning_effort"] = effort
    conversation = new_conversation(title, controls)
    messages: list[Message] = []
    for _ in range(draw(st.integers(1, 8))):
        is_question = draw(st.booleans())
        reasoning = "" if is_question else draw(texts)
        states = [state for state in State if state is not State.ANSWERING]
        messages.append(
            Message(
                id=new_id(),
                conversation_id=conversation.id,
                parent_id=draw(st.sampled_from([None, *(message.id for message in messages)])),
                role="user" if is_question else "assistant",
                content=draw(texts),
                state=State.COMPLETE if is_question else draw(st.sampled_from(states)),
                error=draw(st.none() | st.just(ChatbotError("busy", host="{x}").to_json())),
                model=draw(st.none() | texts.filter(bool)),
                finish_reason=draw(st.sampled_from([None, "stop", "length"])),
                prompt_tokens=draw(counts),
                completion_tokens=draw(counts),
                cached_tokens=draw(counts),
                reasoning_tokens=draw(counts),
                reasoning=reasoning,
                cost=draw(st.none() | st.floats(0, 1e6)),
                is_pinned=draw(st.booleans()),
                reasoning_seconds=draw(st.floats(0, 1e6)) if reasoning else None,
                rating=None if is_question else draw(st.sampled_from([None, 0, 1])),
                created_at=draw(moments),
            )
        )
    leaf_id = draw(st.sampled_from([message.id for message in messages]))
    is_pinned, updated_at = draw(st.booleans()), draw(moments)
    return (
        replace(conversation, leaf_id=leaf_id, is_pinned=is_pinned, updated_at=updated_at),
        messages,
    )


@given(conversations())
@settings(max_examples=examples(60))
def test_what_was_exported_comes_in_as_it_was(example: tuple[Conversation, list[Message]]) -> None:
    conversation, messages = example
    with closing(Store("sqlite://")) as first, closing(Store("sqlite://")) as second:
        first.conversations.add(ME, conversation, messages)
        kept, all_messages = only_conversation(first)
        exported = to_json(kept, all_messages)
        assert bring_in(second, exported) == Summary(added=1)
        again, came_in = only_conversation(second)
        assert versions(came_in) == versions(all_messages)
        assert (again.title, again.controls) == (kept.title, kept.controls)
        assert again.is_pinned == kept.is_pinned
        assert again.updated_at == pytest.approx(kept.updated_at, abs=1e-5)
        assert again.origin == kept.id
        assert again.id != kept.id
        assert shown(second) == shown(first)


def keep(store: Store, title: str = "Hello", answer: str = "**Fine.**") -> Conversation:
    """A conversation with one question and its answer."""
    conversation = new_conversation(title, {"model": "m", "temperature": 1.5, "max_tokens": 9})
    asked = Message(new_id(), conversation.id, None, "user", "How are you?", created_at=60)
    answered = Message(
        new_id(), conversation.id, asked.id, "assistant", answer, model="test-model", host="h.test"
    )
    store.conversations.add(ME, conversation, [asked, answered])
    kept = store.conversations.get(ME, conversation.id)
    assert kept
    return kept


def test_a_conversation_reads_well_as_markdown_on_the_persons_own_clock(store: Store) -> None:
    conversation = keep(store)
    asked, answered = store.messages.all(ME, conversation.id)
    answered = replace(
        answered, created_at=3600, error=ChatbotError("busy", host="h.test").to_json()
    )
    markdown = to_markdown(conversation, [asked, answered], "zh", "Asia/Shanghai")
    assert markdown == (
        "# Hello\n\n## 您 · 1970-01-01 08:01\n\nHow are you?\n\n"
        "## 助手 (test-model) · 1970-01-01 09:00\n\n**Fine.**\n\n*h.test 正忙，请稍候再试。*\n"
    )


@pytest.mark.parametrize("timezone", [None, "", "Nowhere/At_all", "../etc/passwd", "\0"])
def test_a_time_zone_that_there_is_not_is_utc(timezone: str | None) -> None:
    assert shown_time(0, timezone) == "1970-01-01 00:00"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ('a/b\\c: "d"? <e>|*', "1970-01-01 a b c d e"),
        ("../../etc", "1970-01-01 etc"),
        ("\u202egnp.exe", "1970-01-01 gnp exe"),
        ("彩虹 🌈", "1970-01-01 彩虹 🌈"),
    ],
)
def test_a_files_name_is_one_that_every_system_takes(title: str, name: str) -> None:
    assert file_name(Conversation("0", title, {}, 0), None) == name


def test_the_zip_holds_each_conversation_to_read_and_to_bring_in_again(
    store: Store, tmp_path: Path
) -> None:
    for _ in range(3):
        keep(store, "The same / title")
    parts: list[float] = []
    with (tmp_path / "all.zip").open("w+b") as file:
        assert write_zip([store], ME, file, "en", None, parts.append) == 3
        assert parts == [1 / 3, 2 / 3, 1]
        names = zipfile.ZipFile(file).namelist()
        assert len(set(names)) == 6
        assert all(name.startswith(("markdown/", "json/")) for name in names)
        data = (tmp_path / "all.zip").read_bytes()
    other = Store(f"sqlite:///{tmp_path}/other.db")
    assert bring_in(other, data) == Summary(added=3)
    assert bring_in(other, data) == Summary(already_there=3)
    assert bring_in(store, data) == Summary(already_there=3)
    other.close()


@pytest.mark.parametrize(("language", "line"), [("en", "Thought for 2 s"), ("zh", "思考了 2 秒")])
def test_what_was_thought_is_taken_along_to_be_read(store: Store, language: str, line: str) -> None:
    conversation = keep(store)
    question, answer = store.messages.all(ME, conversation.id)
    answer = replace(answer, reasoning="Hm.\n\n- hm", reasoning_seconds=1.7)
    markdown = to_markdown(conversation, [question, answer], language, None)
    folded = f"<details><summary>{line}</summary>\n\nHm.\n\n- hm\n\n</details>\n\n**Fine.**\n"
    assert markdown.endswith(folded)


def test_nothing_secret_is_taken_along(store: Store) -> None:
    conversation = keep(store)
    messages = store.messages.all(ME, conversation.id)
    exported = to_json(conversation, messages) + to_markdown(conversation, messages, "en", None)
    assert "h.test" not in exported
    assert "owner" not in exported


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"messages": [{"role": "user"}]},
        {"messages": [{"id": "1", "role": "root"}]},
        {"messages": [{"id": "1", "role": ["user"]}]},
        {"messages": [{"id": "1", "role": "user"}, {"id": "1", "role": "user"}]},
    ],
)
def test_a_conversation_that_is_not_as_it_should_be_is_counted_and_the_others_come_in(
    store: Store, change: dict[str, Any]
) -> None:
    raw = ours()
    assert bring_in(store, [raw | change, raw]) == Summary(added=1, unreadable=1)


def ours(**fields: Any) -> dict[str, Any]:
    """A conversation in our own format, as somebody might have written it by hand."""
    message = {"id": "1", "role": "user", "content": "Hi"}
    basis = {"format": "chatbot-conversation", "version": 1, "id": "x", "messages": [message]}
    return {**basis, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"title": 7, "controls": [], "updated_at": "soon", "current_message": ["1"]},
        {"title": "\ud800\0", "controls": {"temperature": "hot", "max_tokens": 10**30}},
        {"controls": {"temperature": 10**400, "max_tokens": -1, "model": {}, "system_prompt": 3}},
        {"updated_at": "0001-01-01T00:00:00+14:00", "origin": {}, "id": []},
        {"updated_at": 1e300},
        {"messages": [{"id": "1", "role": "assistant", "state": [], "error": {"code": []}}]},
        {"messages": [{"id": "1", "role": "assistant", "reasoning": [], "reasoning_seconds": 1}]},
        {"messages": [{"id": "1", "role": "assistant", "reasoning": "a", "reasoning_seconds": -1}]},
        {"controls": {"reasoning_effort": ["high"]}},
        {"messages": [{"id": "1", "role": "assistant", "cost": -1, "pinned": "yes"}]},
        {"messages": [{"id": "1", "role": "user", "parent": "1", "rating": 1, "error": "no"}]},
        {"messages": [{"id": "1", "role": "user", "prompt_tokens": 2**40, "created_at": -5}]},
        {"messages": [{"id": "1", "role": "assistant", "error": {"code": "busy", "details": 3}}]},
        {
            "messages": [
                {
                    "id": "1",
                    "role": "assistant",
                    "error": {"code": "busy", "details": {"code": "x", "self": "y"}},
                }
            ]
        },
    ],
)
def test_strange_values_are_replaced_by_none(store: Store, fields: dict[str, Any]) -> None:
    assert bring_in(store, [ours(**fields)]) == Summary(added=1)
    conversation, [message] = only_conversation(store)
    assert set(conversation.controls) <= {"system_prompt"}
    assert message.parent_id is None and message.rating is None and message.created_at > 0
    assert message.prompt_tokens is None
    assert to_json(conversation, [message])


def test_controls_are_brought_into_their_ranges(store: Store) -> None:
    bring_in(store, [ours(controls={"temperature": 99, "max_tokens": 2**31 - 1, "other": 1})])
    conversation, _ = only_conversation(store)
    assert conversation.controls == {"temperature": 2.0, "max_tokens": 1_000_000}


def test_an_answer_that_was_being_written_is_cut_short_where_it_comes_in(store: Store) -> None:
    half = {"id": "2", "role": "assistant", "parent": "1", "content": "Ha", "state": "answering"}
    bring_in(store, [ours(messages=[{"id": "1", "role": "user", "content": "Hi"}, half])])
    assert only_conversation(store)[1][1].state is State.CUT_SHORT


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.none() | st.sampled_from("abcdefghxyz"), min_size=1
    )
)
@settings(max_examples=examples(200))
def test_any_tree_comes_in_whole_and_leads_to_its_beginning(
    parents: dict[str, str | None],
) -> None:
    written = [
        {"id": name, "role": "user", "content": name, "parent": parent}
        for name, parent in parents.items()
    ]
    with closing(Store("sqlite://")) as store:
        assert bring_in(store, [ours(messages=written)]).added == 1
        conversation, messages = only_conversation(store)
        assert sorted(message.content for message in messages) == sorted(parents)
        before: set[str | None] = {None}
        for message in messages:
            assert message.parent_id in before
            before.add(message.id)
        assert branch_on_screen(conversation, messages)


# ChatGPT's


def test_several_hundred_conversations_come_in_once_and_the_newest_stand_first(
    store: Store,
) -> None:
    mine = keep(store, "Mine")  # of today, so before all that came in
    export = chatgpt_export.export(300)
    first = bring_in(store, chatgpt_export.as_zip(export))
    assert (first.added, first.empty, first.already_there, first.unreadable) == (307, 1, 0, 0)
    again = bring_in(store, export)
    assert again == Summary(already_there=307, empty=1)
    listed = store.conversations.page(ME, 1000)
    assert len(listed) == 308
    assert [one.title for one in listed[:2]] == ["When?\ufffd", "Mine"]  # one has no time at all
    assert listed[1].id == mine.id
    numbered = [one.title for one in listed if one.title.startswith("Conversation ")]
    assert numbered == [f"Conversation {number}" for number in reversed(range(300))]
    assert listed[-1].origin and listed[-1].origin.startswith("chatgpt:")
    branch = store.messages.branch(ME, listed[2].id, 2)
    assert branch[0].content.endswith(" of 299")
    assert branch[1].model == "gpt-4o"
    assert branch[1].created_at == branch[0].created_at + 5.25


def test_an_export_in_many_files_is_read_whole(store: Store) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(3):
            data = chatgpt_export.as_json([chatgpt_export.plain(number)])
            archive.writestr(f"export/conversations-00{number}.json", data)
        archive.writestr("shared_conversations.json", '[{"id": "x"}]')
    assert bring_in(store, file.getvalue()) == Summary(added=3)


def test_the_steps_of_an_answer_are_one_answer(store: Store) -> None:
    summary = bring_in(store, [chatgpt_export.with_tools()])
    assert shown(store) == [
        ("user", "[File: notes.pdf]\n\n[Image]\n\nWhat is on it?"),
        (
            "assistant",
            "````python\nprint('```')\n````\n\n````\n```\n````\n\n[Image]\n\nIn light\n\n"
            "A cat, in Paris.",
        ),
    ]
    conversation, [_, answer] = only_conversation(store)
    assert conversation.title == "[File: notes.pdf] [Image] What is on it?"
    assert answer.model == "o3"
    assert answer.finish_reason == "stop"
    assert summary.left_out == {
        "user_editable_context": 1,
        "image_asset_pointer": 2,
        "thoughts": 1,
        "reasoning_recap": 1,
        "tether_browsing_display": 1,
        "text (dalle.text2im)": 1,
        "multimodal_text (dalle.text2im)": 1,
        "hologram": 1,
    }


def test_what_was_on_screen_there_is_on_screen_here_and_the_other_versions_are_kept(
    store: Store,
) -> None:
    bring_in(store, [chatgpt_export.with_versions()])
    assert [content for _, content in shown(store)] == ["One", "1", "Three", "3"]
    conversation, messages = only_conversation(store)
    branch = store.messages.branch(ME, conversation.id, 10)
    versions = store.messages.versions(ME, branch)
    by_id = {message.id: message.content for message in messages}
    assert [[by_id[one] for one in ids] for ids in versions.values()] == [
        ["One", "One, edited"],
        ["1", "1 again"],
    ]
    other = versions[branch[1].id][1]
    store.messages.show_version(ME, other)
    assert [content for _, content in shown(store)] == ["One", "1 again", "Two"]


def test_odd_conversations_are_mended(store: Store) -> None:
    summary = bring_in(store, chatgpt_export.odd())
    assert (summary.added, summary.empty, summary.unreadable) == (5, 1, 0)
    assert shown(store, "When?\ufffd") == [("user", "When?\ufffd"), ("assistant", "Never.")]
    titles = [one.title for one in store.conversations.page(ME, 10)]
    contents = [
        message.content
        for one in store.conversations.page(ME, 10)
        for message in store.messages.branch(ME, one.id, 10)
    ]
    assert len(titles) == 5
    assert {"After what was deleted", "Round", "and round", "Hi", "One, two"} <= set(contents)
    stopped = [
        message.state
        for one in store.conversations.page(ME, 10)
        for message in store.messages.all(ME, one.id)
        if message.content == "One, two"
    ]
    assert stopped == [State.STOPPED]


@pytest.mark.parametrize(
    "mapping",
    [
        {"a": None},
        {"a": {"message": 7, "parent": [], "children": {}}},
        {"a": {"message": {"author": [], "content": 3, "metadata": "x"}}},
        {"a": {"message": {"author": {"role": "user"}, "content": {"parts": 5}}}},
        {"a": {"message": {"author": {"role": {}}, "content": {"content_type": []}}}},
    ],
)
def test_nodes_of_no_known_form_say_nothing(store: Store, mapping: dict[str, Any]) -> None:
    good = chatgpt_export.plain(1)
    summary = bring_in(store, [{"mapping": mapping, "current_node": {}, "title": []}, good])
    assert (summary.added, summary.empty + summary.unreadable) == (1, 1)


def test_a_chain_of_ten_thousand_steps_does_not_grow(store: Store) -> None:
    tree = chatgpt_export.Tree("long")
    last = tree.root
    for number in range(5000):
        last = tree.add(last, chatgpt_export.text_message("assistant", "x" * 50, number))
        tree.add(last, chatgpt_export.text_message("user", "Why?", number))
    assert bring_in(store, [tree.conversation(last)]).added == 1
    _, messages = only_conversation(store)
    assert sum(len(message.content) for message in messages) == 5000 * (50 + 4)


# Files that are no good


def zip_of(name: str, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, data)
    return file.getvalue()


GOOD = chatgpt_export.as_json([chatgpt_export.plain(1)])
DAMAGED_ZIP = bytearray(zip_of("conversations.json", GOOD))
DAMAGED_ZIP[120] ^= 0xFF


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\0\1\2", "import_damaged"),
        (GOOD[:-1], "import_damaged"),
        (GOOD[:-1] + b",]", "import_damaged"),
        (GOOD + b"x", "import_damaged"),
        (GOOD[:-1] + b' "next"]', "import_damaged"),
        (GOOD[:-1] + b', "\xff"]', "import_damaged"),
        (b"[" * 1_000_000, "import_damaged"),
        (b'{"a":' * 1_000_000, "import_damaged"),
        (b"[" + b"9" * 10_000 + b"]", "import_damaged"),
        (b"PK\x03\x04 not a zip", "import_damaged"),
        (bytes(DAMAGED_ZIP), "import_damaged"),
        (zip_of("conversations.json", GOOD)[:-30], "import_damaged"),
        (zip_of("conversations.json", GOOD, zipfile.ZIP_LZMA), "import_damaged"),
        (b"[]", "import_nothing"),
        (b"{}", "import_nothing"),
        (b"null", "import_nothing"),
        (b"[1, null, {}, []]", "import_nothing"),
    ],
)
def test_a_file_that_is_no_good_ends_in_a_sentence_and_changes_nothing(
    store: Store, data: bytes, code: str
) -> None:
    with pytest.raises(ChatbotError) as caught:
        bring_in(store, data)
    assert caught.value.code == code
    assert store.conversations.ids(ME) == []


def test_a_bom_and_white_space_are_no_fault(store: Store) -> None:
    assert bring_in(store, b"\xef\xbb\xbf \n" + GOOD + b"\n\n").added == 1


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_window, "MAX_BYTES", len(GOOD) - 1)
    refused(store, zip_of("conversations.json", GOOD))
    refused(store, GOOD)
    monkeypatch.setattr(json_window, "MAX_BYTES", len(GOOD))
    assert bring_in(store, zip_of("conversations.json", GOOD)).added == 1


def test_a_zip_that_lies_about_its_size_is_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zip_of("conversations.json", GOOD + b" " * 1000)
    true_size, false_size = (size.to_bytes(4, "little") for size in (len(GOOD) + 1000, len(GOOD)))
    assert data.count(true_size) == 2
    with pytest.raises(ChatbotError) as caught:
        bring_in(store, data.replace(true_size, false_size))
    assert caught.value.code == "import_damaged"


@pytest.mark.parametrize(
    ("limit", "most"),
    [("MAX_CONVERSATION_BYTES", 1000), ("MAX_CONVERSATION_COMMAS", 10)],
)
def test_one_conversation_that_is_too_large_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(json_window, limit, most)
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 500)
    refused(store, GOOD)


def test_a_file_of_too_many_conversations_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "MAX_CONVERSATIONS", 2)
    refused(store, chatgpt_export.as_json(chatgpt_export.odd()))
    monkeypatch.setattr(json_stream, "MAX_ZIP_ENTRIES", 4)
    refused(store, chatgpt_export.as_zip([chatgpt_export.plain(0), chatgpt_export.plain(1)]) * 2)


def test_a_long_file_is_read_piece_by_piece(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "_CHUNK_BYTES", 7)
    monkeypatch.setattr(json_window, "_MOST_CHUNK_BYTES", 1000)
    export = [{**chatgpt_export.plain(number), "title": "彩虹🌈"} for number in range(20)]
    data = json.dumps(export, ensure_ascii=False, indent=1)
    assert bring_in(store, data).added == 20
    assert {one.title for one in store.conversations.page(ME, 30)} == {"彩虹🌈"}


def test_when_the_database_fails_the_same_file_brings_in_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = [chatgpt_export.plain(number) for number in range(5)]
    add_all = store.conversations.add_all

    def fail_at_the_second_batch(owner: str, new: list[tuple[Conversation, list[Message]]]) -> None:
        if new[0][0].title == "Conversation 3":
            raise ChatbotError("store_full")
        add_all(owner, new)

    with monkeypatch.context() as failing:
        failing.setattr(keeping, "BATCH_CONVERSATIONS", 3)
        failing.setattr(store.conversations, "add_all", fail_at_the_second_batch)
        with pytest.raises(ChatbotError):
            bring_in(store, export)
    assert bring_in(store, export) == Summary(added=2, already_there=3)


def refused(store: Store, data: bytes) -> None:
    with pytest.raises(ChatbotError) as caught:
        bring_in(store, data)
    assert caught.value.code == "import_too_large"
    assert store.conversations.ids(ME) == []
