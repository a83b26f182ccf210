"""Stored data: conversations, the tree of messages, and their owners."""

import dataclasses
import os
import sqlite3
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from chatbot.store import UNDO_SECONDS, Conversation, Message, State, Store, new_id, storable
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS, TITLE_CHARACTERS
from tests.conftest import start_conversation

ME, SOMEBODY_ELSE = "me", "somebody else"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The store's own clock, which stands still."""
    clock = Clock()
    monkeypatch.setattr("time.time", lambda: clock.now)
    return clock


@pytest.fixture
def conversation(store: Store) -> Conversation:
    return start_conversation(store, ME, "Hello", {"temperature": 0.5})


def question(conversation: Conversation, content: str = "q", parent: str | None = None) -> Message:
    return Message(new_id(), conversation.id, parent, "user", content)


def blank_answer(asked: Message) -> Message:
    return Message(
        new_id(), asked.conversation_id, asked.id, "assistant", "", State.ANSWERING, host="h"
    )


def ask(store: Store, conversation: Conversation, after: str | None = None) -> list[Message]:
    """A question, and its answer that is just starting."""
    asked = question(conversation, parent=after)
    return store.messages.add(ME, [asked, blank_answer(asked)], after_leaf_id=after)


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


def leaf_id(store: Store, conversation: Conversation) -> str | None:
    kept = store.conversations.get(ME, conversation.id)
    assert kept
    return kept.leaf_id


# Conversations


def test_a_conversation_is_kept_as_it_was_started(store: Store, conversation: Conversation) -> None:
    assert store.conversations.get(ME, conversation.id) == conversation
    assert store.conversations.page(ME, 10) == [conversation]
    assert conversation.leaf_id is None
    assert store.messages.branch(ME, conversation.id, 10) == []


def test_conversations_are_listed_newest_first_by_their_last_message(
    store: Store, clock: Clock
) -> None:
    conversations = []
    for title in "abc":
        conversations.append(start_conversation(store, ME, title, {}))
        clock.pass_seconds(1)
    first, second, third = conversations
    store.messages.add(ME, [question(first)], None)
    store.conversations.set_controls(ME, second.id, {"model": "x"})  # looking at it is no news
    assert [kept.id for kept in store.conversations.page(ME, 10)] == [first.id, third.id, second.id]
    assert [kept.id for kept in store.conversations.page(ME, 2)] == [first.id, third.id]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("  two\n\nlines\tand\u2028tabs ", "two lines and tabs"),
        ("x" * TITLE_CHARACTERS, "x" * TITLE_CHARACTERS),
        ("x" * 500, "x" * (TITLE_CHARACTERS - 1) + "…"),
        ("长" * 500, "长" * (TITLE_CHARACTERS - 1) + "…"),
        ("word " * 11 + "everything", "word " * 10 + "word…"),
        ("word " * 12 + "end", "word " * 10 + "word…"),
        ("", ""),
    ],
)
def test_a_title_is_one_short_line(store: Store, text: str, title: str) -> None:
    conversation = start_conversation(store, ME, text, {})
    kept = store.conversations.get(ME, conversation.id)
    assert kept and kept.title == conversation.title == title


def test_controls_are_remembered(store: Store, conversation: Conversation) -> None:
    controls = {"model": None, "temperature": 1.5, "max_tokens": 9, "system_prompt": "讲中文\n😀"}
    store.conversations.set_controls(ME, conversation.id, controls)
    kept = store.conversations.get(ME, conversation.id)
    assert kept and kept.controls == controls


def test_all_conversations_go_to_the_person_recognised(
    store: Store, conversation: Conversation
) -> None:
    theirs = start_conversation(store, SOMEBODY_ELSE, "Theirs", {})
    asked = ask(store, conversation)
    store.conversations.merge_owner(ME, "recognised")
    store.conversations.merge_owner("nobody", "recognised")
    assert store.conversations.page(ME, 10) == []
    assert [kept.id for kept in store.conversations.page("recognised", 10)] == [conversation.id]
    assert store.messages.branch("recognised", conversation.id, 10) == asked
    assert store.messages.branch(ME, conversation.id, 10) == []
    assert store.conversations.page(SOMEBODY_ELSE, 10) == [theirs]


# Whose it is


def test_what_is_somebody_elses_does_not_exist(store: Store, conversation: Conversation) -> None:
    asked, _ = ask(store, conversation)
    assert store.conversations.get(SOMEBODY_ELSE, conversation.id) is None
    assert store.conversations.page(SOMEBODY_ELSE, 10) == []
    assert store.messages.branch(SOMEBODY_ELSE, conversation.id, 10) == []
    assert store.messages.get(SOMEBODY_ELSE, asked.id) is None
    assert store.conversations.get(ME, new_id()) is None
    assert store.messages.get(ME, new_id()) is None


@pytest.mark.parametrize(
    "meddle",
    [
        lambda store, conversation: store.conversations.set_controls(
            SOMEBODY_ELSE, conversation.id, {"x": 1}
        ),
        lambda store, conversation: store.trash.delete(SOMEBODY_ELSE, conversation.id),
        lambda store, conversation: store.trash.undo_delete(SOMEBODY_ELSE, conversation.id),
        lambda store, conversation: store.conversations.merge_owner(SOMEBODY_ELSE, "third"),
    ],
    ids=["set_controls", "delete", "undo_delete", "merge_owner"],
)
def test_nobody_changes_what_is_somebody_elses(
    store: Store, conversation: Conversation, meddle: Callable[[Store, Conversation], None]
) -> None:
    messages = ask(store, conversation)
    before = store.conversations.get(ME, conversation.id)
    meddle(store, conversation)
    assert store.conversations.get(ME, conversation.id) == before
    assert store.messages.branch(ME, conversation.id, 10) == messages
    store.trash.delete(ME, conversation.id)
    with suppress(ChatbotError):  # a deleted conversation is gone
        meddle(store, conversation)
    assert store.conversations.get(ME, conversation.id) is None


def test_nobody_writes_into_what_is_somebody_elses(
    store: Store, conversation: Conversation
) -> None:
    messages = ask(store, conversation)
    intruder = question(conversation, parent=messages[-1].id)
    for leaf in (messages[-1].id, None):
        with pytest.raises(ChatbotError) as caught:
            store.messages.add(SOMEBODY_ELSE, [intruder], after_leaf_id=leaf)
        assert caught.value.code == "gone"
    assert store.messages.get(ME, intruder.id) is None
    assert store.messages.branch(ME, conversation.id, 10) == messages


# Messages


def test_a_branch_is_read_from_its_end_in_order(store: Store, conversation: Conversation) -> None:
    messages: list[Message] = []
    for number in range(1000):  # ids are random and times are equal: only the tree tells the order
        parent = messages[-1].id if messages else None
        messages.append(question(conversation, str(number), parent))
    store.messages.add(ME, messages, None)
    assert ids(store.messages.branch(ME, conversation.id, 2000)) == ids(messages)
    assert ids(store.messages.branch(ME, conversation.id, 30)) == ids(messages[-30:])
    assert ids(store.messages.branch(ME, conversation.id, 1)) == ids(messages[-1:])


def test_a_message_is_kept_to_the_letter(
    store: Store, conversation: Conversation, clock: Clock
) -> None:
    message = Message(
        id=new_id(),
        conversation_id=conversation.id,
        parent_id=None,
        role="assistant",
        content="text",
        state=State.FAILED,
        error=ChatbotError("busy", host="h").to_json(),
        model="m",
        host="h",
        finish_reason="length",
        prompt_tokens=3,
        completion_tokens=4,
        cached_tokens=2,
        reasoning_tokens=1,
        sent_tokens=2,
        first_sent_id="x",
        is_pinned=True,
        cost=0.25,
        reasoning="thought",
        reasoning_seconds=1.5,
        rating=1,
    )
    [added] = store.messages.add(ME, [message], None)
    now = clock.now
    assert added == dataclasses.replace(message, sequence=1, created_at=now, saved_at=now)
    assert store.messages.get(ME, message.id) == added
    without_reasoning = dataclasses.replace(added, reasoning="")
    assert store.messages.branch(ME, conversation.id, 10) == [without_reasoning]
    assert isinstance(added.state, State)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "😀👩‍👩‍👧‍👦 e\u0301",
        "\u202eright to left",
        "a\r\nb\rc\x0bd\u2028e",
        "'; DROP TABLE messages; --",
        ":name %s %(x)s ? {y}",
        "长" * 100_000,
    ],
)
def test_odd_text_is_kept_to_the_letter(
    store: Store, conversation: Conversation, text: str
) -> None:
    asked, answer = ask(store, conversation)
    follow_up = question(conversation, text, answer.id)
    store.checkpoints.save([dataclasses.replace(answer, content=text, state=State.COMPLETE)])
    store.messages.add(ME, [follow_up], answer.id)
    store.conversations.set_controls(ME, conversation.id, {"system_prompt": text})
    branch = store.messages.branch(ME, conversation.id, 10)
    assert [message.content for message in branch] == [asked.content, text, text]
    kept = store.conversations.get(ME, conversation.id)
    assert kept and kept.controls == {"system_prompt": text}


@pytest.mark.parametrize(
    ("text", "kept"),
    [("nul\0inside", "nulinside"), ("half \ud83d", "half \ufffd"), ("\ud83d\ude00", "😀")],
)
def test_what_no_database_takes_is_repaired(
    store: Store, conversation: Conversation, text: str, kept: str
) -> None:
    [asked] = store.messages.add(ME, [question(conversation, storable(text))], None)
    found = store.messages.get(ME, asked.id)
    assert found and found.content == kept


def test_another_answer_is_a_sibling_and_the_first_is_not_lost(
    store: Store, conversation: Conversation
) -> None:
    asked, first = ask(store, conversation)
    second = blank_answer(asked)
    store.messages.add(ME, [second], after_leaf_id=first.id)
    assert ids(store.messages.branch(ME, conversation.id, 10)) == [asked.id, second.id]
    kept = store.messages.get(ME, first.id)
    assert kept and kept.parent_id == asked.id == second.parent_id


def test_of_two_questions_to_the_same_end_one_is_refused_whole(
    store: Store, conversation: Conversation, clock: Clock
) -> None:
    _, answer = ask(store, conversation)
    winner = ask(store, conversation, after=answer.id)
    before = store.conversations.get(ME, conversation.id)
    clock.pass_seconds(1)
    late = question(conversation, parent=answer.id)
    with pytest.raises(ChatbotError) as caught:
        store.messages.add(ME, [late, blank_answer(late)], after_leaf_id=answer.id)
    assert caught.value.code == "conflict"
    assert store.messages.get(ME, late.id) is None
    assert store.conversations.get(ME, conversation.id) == before
    assert ids(store.messages.branch(ME, conversation.id, 2)) == ids(winner)


def test_nothing_is_moved_when_the_messages_cannot_be_written(
    store: Store, conversation: Conversation
) -> None:
    asked, answer = ask(store, conversation)
    with pytest.raises(ChatbotError) as caught:
        store.messages.add(ME, [asked], after_leaf_id=answer.id)  # its id is taken
    assert caught.value.code == "store"
    assert leaf_id(store, conversation) == answer.id


def test_checkpoints_keep_the_text_and_say_the_process_lives(
    store: Store, conversation: Conversation, clock: Clock
) -> None:
    asked, answer = ask(store, conversation)
    clock.pass_seconds(HEARTBEAT_TIMEOUT_SECONDS)
    progress = dataclasses.replace(answer, content="Hel", model="m")
    store.checkpoints.save([progress])
    kept = store.messages.get(ME, answer.id)
    assert kept == dataclasses.replace(progress, saved_at=clock.now)
    assert store.messages.get(ME, asked.id) == asked
    store.checkpoints.save([])
    assert store.messages.get(ME, answer.id) == kept


@pytest.mark.parametrize("end", [state for state in State if state is not State.ANSWERING])
def test_a_late_checkpoint_does_not_undo_an_end(
    store: Store, conversation: Conversation, end: State
) -> None:
    asked, answer = ask(store, conversation)
    other = ask(store, conversation, after=answer.id)[1]
    ended = dataclasses.replace(answer, content="Hello.", state=end, finish_reason="stop")
    store.checkpoints.save([ended])
    late = dataclasses.replace(answer, content="Hel")
    store.checkpoints.save([late, dataclasses.replace(other, content="goes on")])
    store.checkpoints.save([dataclasses.replace(asked, content="another question")])
    kept, kept_other = store.messages.get(ME, answer.id), store.messages.get(ME, other.id)
    assert kept and dataclasses.replace(kept, saved_at=0) == dataclasses.replace(ended, saved_at=0)
    assert kept_other and kept_other.content == "goes on"
    assert store.messages.get(ME, asked.id) == asked


def test_an_answer_is_abandoned_when_its_process_falls_silent(
    store: Store, conversation: Conversation, clock: Clock
) -> None:
    asked, answer = ask(store, conversation)
    clock.pass_seconds(HEARTBEAT_TIMEOUT_SECONDS)
    assert not answer.is_abandoned
    clock.pass_seconds(0.1)
    assert answer.is_abandoned
    assert not asked.is_abandoned
    assert not dataclasses.replace(answer, state=State.COMPLETE).is_abandoned
    store.checkpoints.save([answer])
    kept = store.messages.get(ME, answer.id)
    assert kept and not kept.is_abandoned


# The trash


def ended(messages: list[Message]) -> list[Message]:
    """As they are when the process that was answering has gone."""
    return [
        dataclasses.replace(message, state=State.CUT_SHORT) if message.is_running else message
        for message in messages
    ]


def test_a_deleted_conversation_is_erased_when_its_time_is_up(
    store: Store, conversation: Conversation, clock: Clock, database_url: str
) -> None:
    old = ask(store, conversation)
    untouched = start_conversation(store, ME, "Untouched", {})
    kept_messages = ask(store, untouched)
    store.trash.delete(ME, conversation.id)
    clock.pass_seconds(UNDO_SECONDS)
    Store(database_url).close()
    store.trash.undo_delete(ME, conversation.id)
    assert store.messages.branch(ME, conversation.id, 10) == ended(old)

    store.trash.delete(ME, conversation.id)
    clock.pass_seconds(UNDO_SECONDS + 1)
    Store(database_url).close()
    store.trash.undo_delete(ME, conversation.id)
    assert store.messages.branch(ME, conversation.id, 10) == []
    assert store.messages.branch(ME, untouched.id, 10) == ended(kept_messages)


def test_a_conversation_that_was_brought_back_is_not_erased(
    store: Store, conversation: Conversation, clock: Clock, database_url: str
) -> None:
    messages = ask(store, conversation)
    store.trash.delete(ME, conversation.id)
    store.trash.undo_delete(ME, conversation.id)
    clock.pass_seconds(UNDO_SECONDS + 1)
    Store(database_url).close()
    assert store.messages.branch(ME, conversation.id, 10) == ended(messages)


def test_an_app_that_never_restarts_erases_too(
    store: Store, conversation: Conversation, clock: Clock
) -> None:
    old, _ = ask(store, conversation)
    store.trash.delete(ME, conversation.id)
    clock.pass_seconds(UNDO_SECONDS + 1)
    other = start_conversation(store, ME, "Other", {})
    store.trash.delete(ME, other.id)
    store.trash.undo_delete(ME, conversation.id)
    assert store.messages.get(ME, old.id) is None


# The database


def test_two_stores_on_one_database_write_at_once(
    store: Store, conversation: Conversation, database_url: str
) -> None:
    other_store = Store(database_url)
    answers: list[Message] = []
    failures: list[BaseException] = []
    together = threading.Barrier(6)

    def write(own: Store) -> None:
        try:
            mine = start_conversation(own, ME, "Mine", {})
            _, answer = ask(own, mine)
            together.wait(10)
            for count in range(20):
                answer = dataclasses.replace(answer, content=str(count))
                own.checkpoints.save([answer])
                assert [message.content for message in own.messages.branch(ME, mine.id, 9)][
                    -1
                ] == str(count)
            answers.append(answer)
        except BaseException as error:  # noqa: BLE001 - it is asserted on below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(s,)) for s in [store, other_store] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert len(answers) == 6
    for answer in answers:
        kept = other_store.messages.get(ME, answer.id)
        assert kept and kept.content == "19"
    other_store.close()


def test_of_many_who_write_to_one_end_at_once_exactly_one_succeeds(
    store: Store, conversation: Conversation, database_url: str
) -> None:
    other_store = Store(database_url)
    outcomes: list[str] = []
    together = threading.Barrier(6)

    def write(own: Store) -> None:
        together.wait(10)
        try:
            outcomes.append(ask(own, conversation)[-1].id)
        except ChatbotError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=write, args=(s,)) for s in [store, other_store] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert outcomes.count("conflict") == 5
    [winner] = set(outcomes) - {"conflict"}
    assert leaf_id(store, conversation) == winner
    assert len(store.messages.branch(ME, conversation.id, 10)) == 2
    other_store.close()


def test_a_new_file_that_another_process_is_writing_to_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE other (x)")
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, other.execute, ["COMMIT"])
    done.start()
    try:
        store = Store(f"sqlite:///{path}")
        assert store.conversations.page(ME, 1) == []
        store.close()
    finally:
        done.join()
        other.close()


def test_everything_is_there_after_a_restart(
    store: Store, conversation: Conversation, database_url: str
) -> None:
    messages = ask(store, conversation)
    store.close()
    again = Store(database_url)
    assert again.messages.branch(ME, conversation.id, 10) == messages
    again.close()


def test_folders_for_the_database_are_made_and_closed_to_others(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/new/er/chat.db").close()
    assert (tmp_path / "new/er/chat.db").is_file()
    if os.name == "posix":  # elsewhere the user folder's own rights have to do
        assert (tmp_path / "new/er").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "unusable_url",
    [
        "sqlite:///a-folder",
        "sqlite:///a-file/chat.db",
        "sqlite+no_such_driver:///chat.db",
        "sqlite:///chat.db?timeout=soon",
        "postgresql+no_such_driver://localhost/chat",
        "postgresql://localhost:port/chat",
        "postgresql://127.0.0.1:9/chat?connect_timeout=1",
    ],
)
def test_a_database_that_cannot_be_opened_is_a_failure_with_a_sentence(
    tmp_path: Path, unusable_url: str
) -> None:
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "a-file").touch()
    with pytest.raises(ChatbotError) as caught:
        Store(unusable_url)
    assert caught.value.code == "store_open"
    assert caught.value.__cause__ is not None


def test_what_people_wrote_does_not_reach_the_log_when_writing_fails(
    store: Store, conversation: Conversation
) -> None:
    asked = question(conversation, "between you and me")
    store.messages.add(ME, [asked], None)
    with pytest.raises(ChatbotError) as caught:
        store.messages.add(ME, [asked], after_leaf_id=asked.id)  # its id is taken
    assert caught.value.code == "store"
    assert "between you and me" not in "".join(traceback.format_exception(caught.value))


def test_a_message_is_pinned_by_its_owner_alone(store: Store, conversation: Conversation) -> None:
    message = Message(new_id(), conversation.id, None, "assistant", "text")
    store.messages.add(ME, [message], None)
    store.pins.pin("somebody else", message.id, True)
    assert [one.is_pinned for one in store.messages.branch(ME, conversation.id, 10)] == [False]
    store.pins.pin(ME, message.id, True)
    assert [one.is_pinned for one in store.messages.branch(ME, conversation.id, 10)] == [True]
    store.pins.pin(ME, message.id, False)
    assert [one.is_pinned for one in store.messages.branch(ME, conversation.id, 10)] == [False]


def test_the_pinned_turns_of_a_branch_are_found_whole_and_those_of_others_are_not(
    store: Store, conversation: Conversation
) -> None:
    turns = []
    parent_id = None
    for number in range(4):
        asked = Message(f"q{number}", conversation.id, parent_id, "user", "q")
        answered = Message(f"a{number}", conversation.id, asked.id, "assistant", "a")
        store.messages.add(ME, [asked, answered], parent_id)
        turns.append((asked, answered))
        parent_id = answered.id
    other = Message("b0", conversation.id, "q0", "assistant", "another version")
    store.messages.add(ME, [other], "a3")
    store.messages.show_version(ME, "a3")
    [*_, last] = store.messages.branch(ME, conversation.id, 1)

    def found() -> list[str]:
        return [one.id for one in store.pins.above(ME, conversation.id, last.parent_id)]

    assert found() == []
    for message_id in ("a0", "q2", "a3"):
        store.pins.pin(ME, message_id, True)
    pinned = {one.id for one in store.messages.all(ME, conversation.id) if one.is_pinned}
    assert pinned == {"q0", "a0", "b0", "q2", "a2", "q3", "a3"}
    assert found() == ["q0", "a0", "q2", "a2", "q3"]
    assert store.pins.above("somebody else", conversation.id, last.parent_id) == []


def test_what_was_measured_is_known_until_it_is_old(store: Store, clock: Clock) -> None:
    store.calibration.put("e", "m", {"latin": 1.5, "context_window": 8192})
    store.calibration.put("e", "m", {"latin": 1.25})
    store.calibration.put("e", "n", {"latin": 2})
    known = {("e", "m"): {"latin": 1.25, "context_window": 8192}, ("e", "n"): {"latin": 2}}
    assert store.calibration.all() == known
    clock.now += 31 * 24 * 3600
    assert store.calibration.all() == {}


def test_what_a_conversation_cost_is_added_up_with_all_its_versions(
    store: Store, conversation: Conversation
) -> None:
    costs = [0.25, None, 0.5, 0.0]
    question = Message(new_id(), conversation.id, None, "user", "Hi")
    answers = [
        Message(new_id(), conversation.id, question.id, "assistant", "Hello", cost=cost)
        for cost in costs
    ]
    latest = answers[-1]
    assert store.messages.cost(ME, conversation.id, latest) == (0, 0)
    store.messages.add(ME, [question, *answers], None)
    assert store.messages.cost(ME, conversation.id, latest) == (0.75, 1)
    assert store.messages.cost("somebody else", conversation.id, latest) == (0, 0)


def test_the_cost_of_the_latest_answer_counts_before_its_end_is_saved(
    store: Store, conversation: Conversation
) -> None:
    question = Message(new_id(), conversation.id, None, "user", "Hi")
    first = Message(new_id(), conversation.id, question.id, "assistant", "Hello", cost=0.25)
    running = Message(
        new_id(), conversation.id, question.id, "assistant", "Hel", state=State.ANSWERING
    )
    store.messages.add(ME, [question, first, running], None)
    assert store.messages.cost(ME, conversation.id, running) == (0.25, 0)
    ended = dataclasses.replace(running, state=State.COMPLETE, cost=0.5)
    assert store.messages.cost(ME, conversation.id, ended) == (0.75, 0)
    unpriced = dataclasses.replace(running, state=State.COMPLETE)
    assert store.messages.cost(ME, conversation.id, unpriced) == (0.25, 1)


def test_who_waits_for_the_one_writer_in_vain_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'chatbot.db'}")
    monkeypatch.setattr("chatbot.store.engine.SQLITE_BUSY_SECONDS", 0.01)
    with store._database.turn(), pytest.raises(ChatbotError) as refused:
        store.check()
    assert refused.value.code == "store_locked"
    store.check()
