"""Operations on stored data: versions, the list, search, shared copies."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Message, State, Store, new_conversation, new_id
from tests.conftest import empty_postgresql_database, start_conversation

ME, SOMEBODY_ELSE = "me", "somebody else"


@pytest.fixture
def conversation(store: Store) -> Conversation:
    return start_conversation(store, ME, "Hello", {})


def turn(
    store: Store,
    conversation: Conversation,
    question: str,
    answer: str = "Fine.",
    parent: str | None = None,
    leaf: str | None = None,
) -> list[Message]:
    """A question with its complete answer, after `parent`; the branch on screen ends in `leaf`."""
    asked = Message(new_id(), conversation.id, parent, "user", question)
    answered = Message(new_id(), conversation.id, asked.id, "assistant", answer)
    return store.messages.add(ME, [asked, answered], after_leaf_id=leaf or parent)


def shown(store: Store, conversation: Conversation) -> list[str]:
    return [message.content for message in store.messages.branch(ME, conversation.id, 100)]


# Versions


def test_an_edited_question_is_another_version_and_each_keeps_what_followed_it(
    store: Store, conversation: Conversation
) -> None:
    q1, a1 = turn(store, conversation, "One", "1")
    _, a2 = turn(store, conversation, "Two", "2", parent=a1.id)
    edited, a3 = turn(store, conversation, "One, edited", "3", parent=None, leaf=a2.id)
    assert shown(store, conversation) == ["One, edited", "3"]
    branch = store.messages.branch(ME, conversation.id, 10)
    assert store.messages.versions(ME, branch) == {edited.id: [q1.id, edited.id]}

    store.messages.show_version(ME, q1.id)
    assert shown(store, conversation) == ["One", "1", "Two", "2"]
    branch = store.messages.branch(ME, conversation.id, 10)
    assert store.messages.versions(ME, branch) == {q1.id: [q1.id, edited.id]}
    store.messages.show_version(ME, edited.id)
    assert shown(store, conversation) == ["One, edited", "3"]
    assert a3.sequence == 6


def test_stepping_back_shows_what_was_last_written_there(
    store: Store, conversation: Conversation
) -> None:
    q1, a1 = turn(store, conversation, "One", "1")
    again = Message(new_id(), conversation.id, q1.id, "assistant", "1 again")
    [again] = store.messages.add(ME, [again], after_leaf_id=a1.id)
    turn(store, conversation, "Two", "2", parent=again.id)
    store.messages.show_version(ME, a1.id)
    assert shown(store, conversation) == ["One", "1"]
    store.messages.show_version(ME, again.id)
    assert shown(store, conversation) == ["One", "1 again", "Two", "2"]


@pytest.mark.parametrize("state", [State.FAILED, State.STOPPED, State.CUT_SHORT])
def test_an_answer_without_a_word_is_no_version_beside_a_good_one(
    store: Store, conversation: Conversation, state: State
) -> None:
    q1, good = turn(store, conversation, "One", "1")
    empty = Message(new_id(), conversation.id, q1.id, "assistant", "", state)
    thought = replace(empty, id=new_id(), reasoning="Hm.")
    [empty] = store.messages.add(ME, [empty], after_leaf_id=good.id)
    shown_now = store.messages.branch(ME, conversation.id, 10)
    # From the failed one there is a way back to the good one.
    assert store.messages.versions(ME, shown_now) == {empty.id: [good.id, empty.id]}
    store.messages.show_version(ME, good.id)
    shown_now = store.messages.branch(ME, conversation.id, 10)
    assert store.messages.versions(ME, shown_now) == {}
    [thought] = store.messages.add(ME, [thought], after_leaf_id=good.id)
    store.messages.show_version(ME, good.id)
    assert store.messages.versions(ME, shown_now) == {good.id: [good.id, thought.id]}


def test_a_deleted_turn_takes_its_answers_along_and_what_follows_moves_up(
    store: Store, conversation: Conversation
) -> None:
    _, a1 = turn(store, conversation, "One", "1")
    q2, a2 = turn(store, conversation, "Two", "2", parent=a1.id)
    turn(store, conversation, "Three", "3", parent=a2.id)
    store.messages.delete_turn(ME, q2.id)
    assert shown(store, conversation) == ["One", "1", "Three", "3"]
    assert store.messages.get(ME, a2.id) is None
    q3 = store.messages.branch(ME, conversation.id, 2)[0]
    store.messages.delete_turn(ME, q3.id)
    assert shown(store, conversation) == ["One", "1"]
    assert store.search.find(ME, "three", 10) == []


def test_who_deletes_the_last_turn_sees_what_was_last_written_in_its_place(
    store: Store, conversation: Conversation
) -> None:
    q1, a1 = turn(store, conversation, "One", "1")
    q2, a2 = turn(store, conversation, "Two", "2", parent=a1.id)
    too, _ = turn(store, conversation, "Too", "22", parent=a1.id, leaf=a2.id)
    store.messages.delete_turn(ME, too.id)
    assert shown(store, conversation) == ["One", "1", "Two", "2"]
    store.messages.delete_turn(ME, q2.id)
    store.messages.delete_turn(ME, q1.id)
    assert shown(store, conversation) == []


def test_a_deleted_question_without_an_answer_leaves_the_next_one(
    store: Store, conversation: Conversation
) -> None:
    asked = Message(new_id(), conversation.id, None, "user", "One")
    store.messages.add(ME, [asked], None)
    turn(store, conversation, "Two", "2", parent=asked.id)
    store.messages.delete_turn(ME, asked.id)
    assert shown(store, conversation) == ["Two", "2"]


def test_a_turn_that_is_being_answered_is_not_deleted(
    store: Store, conversation: Conversation
) -> None:
    asked = Message(new_id(), conversation.id, None, "user", "One")
    running = Message(new_id(), conversation.id, asked.id, "assistant", "", State.ANSWERING)
    store.messages.add(ME, [asked, running], None)
    with pytest.raises(ChatbotError) as caught:
        store.messages.delete_turn(ME, asked.id)
    assert caught.value.code == "still_answering"
    assert len(shown(store, conversation)) == 2


def test_a_cut_answer_is_marked_as_answering_again(
    store: Store, conversation: Conversation
) -> None:
    asked = Message(new_id(), conversation.id, None, "user", "One")
    cut = Message(
        new_id(),
        conversation.id,
        asked.id,
        "assistant",
        "Half",
        State.CUT_SHORT,
        error=ChatbotError("interrupted").to_json(),
    )
    store.messages.add(ME, [asked, cut], None)
    resumed = store.checkpoints.resume(ME, cut.id, "second")
    assert (resumed.state, resumed.content, resumed.error) == (State.ANSWERING, "Half", None)
    with pytest.raises(ChatbotError) as caught:
        store.checkpoints.resume(ME, cut.id, "third")
    assert caught.value.code == "conflict"


# The list


def titles(conversations: list[Conversation]) -> list[str]:
    return [conversation.title for conversation in conversations]


def test_the_list_begins_with_the_pinned_ones_and_grows(store: Store) -> None:
    for number in range(5):
        start_conversation(store, ME, f"Number {number}", {})
    second = store.conversations.page(ME, 5)[3]
    store.conversations.pin(ME, second.id, True)
    first_page = store.conversations.page(ME, 2)
    assert titles(first_page) == ["Number 1", "Number 4", "Number 3"]
    assert titles(store.conversations.page(ME, 9))[3:] == ["Number 2", "Number 0"]
    store.conversations.pin(ME, second.id, False)
    assert titles(store.conversations.page(ME, 9))[3] == "Number 1"


def test_the_order_is_that_of_writing_even_when_the_clock_is_set_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 2_000_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    older = start_conversation(store, ME, "Older", {})
    newer = start_conversation(store, ME, "Newer", {})
    now -= 1_000_000
    turn(store, older, "Hi")
    assert titles(store.conversations.page(ME, 9)) == ["Older", "Newer"]
    turn(store, newer, "Hi")
    assert titles(store.conversations.page(ME, 9)) == ["Newer", "Older"]


def test_the_list_can_be_put_in_the_order_of_time(store: Store) -> None:
    for title, updated_at in (("Second", 2.0), ("Third", 3.0), ("First", 1.0)):
        earlier = dataclasses.replace(new_conversation(title, {}), updated_at=updated_at)
        store.conversations.add(ME, earlier)
    theirs = start_conversation(store, SOMEBODY_ELSE, "Theirs", {})
    store.conversations.order_by_time(ME)
    assert titles(store.conversations.page(ME, 9)) == ["Third", "Second", "First"]
    assert store.conversations.get(SOMEBODY_ELSE, theirs.id) == theirs
    start_conversation(store, ME, "New", {})
    assert titles(store.conversations.page(ME, 9))[0] == "New"


def test_a_title_can_be_changed_and_is_found_under_the_new_one(
    store: Store, conversation: Conversation
) -> None:
    store.conversations.rename(ME, conversation.id, "  Weekend\nplans ")
    store.conversations.rename(ME, conversation.id, " \n ")
    store.conversations.rename(SOMEBODY_ELSE, conversation.id, "Mine now")
    kept = store.conversations.get(ME, conversation.id)
    assert kept and kept.title == "Weekend plans"
    [found] = store.search.find(ME, "weekend", 10)
    assert (found.conversation_id, found.message_id) == (conversation.id, None)
    assert store.search.find(ME, "hello", 10) == []


def test_what_was_deleted_is_nowhere_until_that_is_undone(
    store: Store, conversation: Conversation
) -> None:
    question, _ = turn(store, conversation, "Where is it?")
    share_id = store.shares.add(ME, conversation.id, [])
    store.trash.delete(SOMEBODY_ELSE, conversation.id)
    assert store.conversations.get(ME, conversation.id)
    store.trash.delete(ME, conversation.id)
    assert store.conversations.get(ME, conversation.id) is None
    assert store.conversations.page(ME, 10) == []
    assert store.conversations.ids(ME) == []
    assert store.messages.get(ME, question.id) is None
    assert shown(store, conversation) == []
    assert store.search.find(ME, "where", 10) == []
    assert store.shares.get(share_id) is None
    with pytest.raises(ChatbotError) as caught:
        turn(store, conversation, "Hello?")
    assert caught.value.code == "gone"

    store.trash.undo_delete(SOMEBODY_ELSE, conversation.id)
    assert store.conversations.get(ME, conversation.id) is None
    store.trash.undo_delete(ME, conversation.id)
    assert shown(store, conversation) == ["Where is it?", "Fine."]
    assert store.shares.get(share_id)


def test_deleting_everything_takes_only_what_is_ones_own(
    store: Store, conversation: Conversation
) -> None:
    turn(store, conversation, "Mine")
    store.shares.add(ME, conversation.id, [])
    theirs = start_conversation(store, SOMEBODY_ELSE, "Theirs", {})
    assert store.trash.delete_all(ME) == 1
    assert store.conversations.page(ME, 9) == []
    assert store.shares.list(ME) == []
    assert store.conversations.page(SOMEBODY_ELSE, 9) == [theirs]


def test_an_imported_conversation_keeps_its_tree_and_where_it_came_from(store: Store) -> None:
    conversation = new_conversation("Imported", {})
    root = Message(new_id(), conversation.id, None, "user", "Hi", created_at=1_500_000_000)
    one = Message(new_id(), conversation.id, root.id, "assistant", "One")
    two = Message(new_id(), conversation.id, root.id, "assistant", "Two")
    imported = dataclasses.replace(conversation, leaf_id=one.id, origin="chatgpt:1")
    store.conversations.add(ME, imported, [root, one, two])
    assert shown(store, conversation) == ["Hi", "One"]
    branch = store.messages.branch(ME, conversation.id, 9)
    assert branch[0].created_at == 1_500_000_000
    assert store.messages.versions(ME, branch) == {one.id: [one.id, two.id]}
    assert store.conversations.origins(ME) == {conversation.id, "chatgpt:1"}


# Search


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("天气", True),
        ("气", True),
        ("今天天气", True),
        ("气天", False),
        ("天气 北京", True),
        ("天气 上海", False),
        ("weather", True),
        ("WEATH", True),
        ("eather", False),
        ("good weather", True),
        ("weather bad", False),
        ('"', False),
        ("", False),
        ("' OR 1=1 --", False),
        ("NOT weather*", False),
        ("weather)", True),
        ("c++", True),
        ("的 today", False),
        ("in 東", True),
        ("東京", True),
    ],
)
@pytest.mark.parametrize("read_through", [0, 200])
def test_search_finds_words_and_any_part_of_a_chinese_sentence(
    store: Store,
    conversation: Conversation,
    query: str,
    is_found: bool,
    read_through: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.store.search.NEWEST_CONVERSATIONS", read_through)
    text = "北京今天天气怎么样？ It's good weather for C++ in 東京."
    turn(store, conversation, text, "…")
    found = store.search.find(ME, query, 10)
    assert [hit.text for hit in found] == ([text] if is_found else [])
    assert store.search.find(SOMEBODY_ELSE, query, 10) == []


@pytest.mark.parametrize("read_through", [0, 200])
def test_the_newest_are_found_first_and_an_answer_once_it_has_ended(
    store: Store, conversation: Conversation, read_through: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.store.search.NEWEST_CONVERSATIONS", read_through)
    asked = Message(new_id(), conversation.id, None, "user", "apple")
    running = Message(new_id(), conversation.id, asked.id, "assistant", "", State.ANSWERING)
    store.messages.add(ME, [asked, running], None)
    half = dataclasses.replace(running, content="apple pie")
    store.checkpoints.save([half])
    assert [hit.message_id for hit in store.search.find(ME, "apple", 10)] == [asked.id]
    store.checkpoints.save([dataclasses.replace(half, state=State.COMPLETE)])
    found = store.search.find(ME, "apple", 10)
    assert [hit.message_id for hit in found] == [running.id, asked.id]
    assert [hit.title for hit in found] == ["Hello", "Hello"]
    assert len(store.search.find(ME, "apple", 1)) == 1


# Shared copies and ratings


def test_a_shared_copy_is_for_anybody_and_stays_as_it_was(
    store: Store, conversation: Conversation
) -> None:
    turn(store, conversation, "One", "1")
    copied = [{"role": "user", "content": "One", "model": None}]
    share_id = store.shares.add(ME, conversation.id, copied)
    store.conversations.rename(ME, conversation.id, "Secret plans")
    share = store.shares.get(share_id)
    assert share and (share.title, share.messages) == ("Hello", copied)
    [listed] = store.shares.list(ME)
    assert listed.id == share_id and listed.messages == []
    assert store.shares.list(SOMEBODY_ELSE) == []


def test_a_shared_copy_is_revoked_by_its_owner_alone(
    store: Store, conversation: Conversation
) -> None:
    share_id = store.shares.add(ME, conversation.id, [])
    store.shares.revoke(SOMEBODY_ELSE, share_id)
    assert store.shares.get(share_id)
    store.shares.revoke(ME, share_id)
    assert store.shares.get(share_id) is None
    with pytest.raises(ChatbotError) as caught:
        store.shares.add(SOMEBODY_ELSE, conversation.id, [])
    assert caught.value.code == "gone"


def test_ratings_are_for_ones_own_answers(store: Store, conversation: Conversation) -> None:
    question, answer = turn(store, conversation, "One", "1")
    for message, owner, rating in ((answer, ME, 0), (question, ME, 1), (answer, "x", 1)):
        store.messages.rate(owner, message.id, rating)
    assert [message.rating for message in store.messages.branch(ME, conversation.id, 9)] == [
        None,
        0,
    ]
    store.messages.rate(ME, answer.id, None)
    assert (kept := store.messages.get(ME, answer.id)) and kept.rating is None


def test_an_answer_that_was_given_up_and_goes_on_is_kept_whole(
    store: Store, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Message(new_id(), conversation.id, None, "user", "One")
    running = Message(new_id(), conversation.id, asked.id, "assistant", "Half", State.ANSWERING)
    store.messages.add(ME, [asked, running], None)
    monkeypatch.setattr("chatbot.store.checkpoints.HEARTBEAT_TIMEOUT_SECONDS", -1)
    store.checkpoints.end_abandoned()  # as another process does at its start
    whole = dataclasses.replace(running, content="Half and half", state=State.COMPLETE)
    store.checkpoints.save([whole])
    kept = store.messages.get(ME, running.id)
    assert kept and (kept.content, kept.state) == ("Half and half", State.COMPLETE)
    store.checkpoints.save([dataclasses.replace(running, content="Other")])
    assert (kept := store.messages.get(ME, running.id)) and kept.content == "Half and half"


def test_a_very_long_text_is_kept_and_its_beginning_found(
    store: Store, conversation: Conversation
) -> None:
    text = " ".join(f"word{number}" for number in range(100_000))
    turn(store, conversation, "Long", text)
    assert [hit.text for hit in store.search.find(ME, "word77", 1)] == [text]


def test_a_conversation_put_here_again_keeps_what_others_wrote_meanwhile(
    store: Store, conversation: Conversation
) -> None:
    _, answer = turn(store, conversation, "One", "1")
    taken = store.messages.all(ME, conversation.id)
    turn(store, conversation, "Elsewhere", "2", parent=answer.id)
    renamed = dataclasses.replace(conversation, title="Renamed", leaf_id=answer.id, is_pinned=True)
    store.conversations.put(ME, renamed, taken)
    assert shown(store, conversation) == ["One", "1"]
    assert [message.content for message in store.messages.all(ME, conversation.id)] == [
        *("One", "1", "Elsewhere", "2"),
    ]
    assert [hit.message_id for hit in store.search.find(ME, "renamed", 9)] == [None]
    assert store.search.find(ME, "hello", 9) == []
    assert [kept.is_pinned for kept in store.conversations.page(ME, 9)] == [True]


def before(store: Store, statement: str, act: Callable[[], object]) -> None:
    """Run a function just before a store's first statement with this beginning."""
    is_done = threading.Event()

    def look(_connection: object, _cursor: object, next_statement: str, *_: object) -> None:
        if next_statement.startswith(statement) and not is_done.is_set():
            is_done.set()
            act()

    sa.event.listen(store._database.engine, "before_cursor_execute", look)


def test_an_answer_that_ends_after_all_is_not_given_up(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process writes between two statements of another, as only PostgreSQL allows."""
    url = empty_postgresql_database(postgresql)
    store, other = Store(url), Store(url)
    conversation = start_conversation(store, ME, "Hello", {})
    asked = Message(new_id(), conversation.id, None, "user", "One")
    running = Message(new_id(), conversation.id, asked.id, "assistant", "Half", State.ANSWERING)
    store.messages.add(ME, [asked, running], None)
    whole = dataclasses.replace(running, content="Half and half", state=State.COMPLETE)
    before(store, "UPDATE messages", lambda: other.checkpoints.save([whole]))
    monkeypatch.setattr("chatbot.store.checkpoints.HEARTBEAT_TIMEOUT_SECONDS", -1)
    store.checkpoints.end_abandoned()
    kept = store.messages.get(ME, running.id)
    assert kept and (kept.content, kept.state) == ("Half and half", State.COMPLETE)
    store.close()
    other.close()


def test_a_turn_that_is_deleted_while_another_is_asked_takes_nothing_else_along(
    store: Store, conversation: Conversation
) -> None:
    first = Message(new_id(), conversation.id, None, "user", "One")
    last = Message(new_id(), conversation.id, first.id, "assistant", "1")
    turn = Message(new_id(), conversation.id, last.id, "user", "Two")
    end = Message(new_id(), conversation.id, turn.id, "assistant", "2")
    store.messages.add(ME, [first, last, turn, end], None)
    new = Message(new_id(), conversation.id, end.id, "user", "Three")

    def ask() -> None:
        with contextlib.suppress(ChatbotError):  # what it was asked after is gone
            store.messages.add(ME, [new], end.id)

    asking = threading.Thread(target=ask)

    def ask_meanwhile() -> None:
        asking.start()
        asking.join(0.5)  # it waits for its turn

    before(store, "DELETE FROM messages", ask_meanwhile)
    store.messages.delete_turn(ME, turn.id)
    asking.join()
    branch = store.messages.branch(ME, conversation.id, 9)
    assert [message.content for message in branch][:2] == ["One", "1"]
