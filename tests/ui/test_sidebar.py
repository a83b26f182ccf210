"""The list of conversations and search, without a browser."""

import re
import time

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Caption

from chatbot.access.visitor import owner_of
from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Message, Store, new_conversation, new_id
from chatbot.store.conversations import Conversations
from chatbot.ui import services
from chatbot.ui.session import widgets
from tests.conftest import go_to, page_state
from tests.servers.endpoint import FakeEndpoint
from tests.ui.conversation_list import choice, choose_in_list, list_data, listed_ids, send, walk
from tests.ui.test_page import ask, said, texts

TOKEN = "x" * 43
ME = owner_of(TOKEN)
DAY_SECONDS = 24 * 3600


@pytest.fixture
def visited(page: AppTest) -> AppTest:
    """The page of a visitor who is known."""
    page_state(page).visitor_token = TOKEN
    page_state(page).visitor_is_known = True
    page.run()
    return page


def keep(title: str, *turns: str) -> Conversation:
    """A conversation in the store that the page uses, of questions and answers."""
    conversation = new_conversation(title, {})
    kept: list[Message] = []
    for number, text in enumerate(turns or ("Hi", "Hello")):
        parent = kept[-1].id if kept else None
        role = "assistant" if number % 2 else "user"
        kept.append(Message(new_id(), conversation.id, parent, role, text))
    store().conversations.add(ME, conversation, kept)
    return conversation


def title_of(conversation: Conversation) -> str:
    stored = store().conversations.get(ME, conversation.id)
    assert stored
    return stored.title


def store() -> Store:
    return services.store()


def written(conversation: Conversation, days_ago: float) -> None:
    """As if a conversation had last been written to at another time."""
    with store().conversations._database.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE conversations SET updated_at = :then WHERE id = :id"),
            {"then": time.time() - days_ago * DAY_SECONDS, "id": conversation.id},
        )


def listed(page: AppTest) -> list[str]:
    """Return the list's headings, titles and search results, in order."""
    rows: list[str] = []
    for heading, conversations in list_data(page)["groups"]:
        rows += [heading, *(title for _, title, _ in conversations)]
    captions = [one.value for one in walk(page.sidebar) if isinstance(one, Caption)]
    rows += captions[:-1]  # the last is the footer
    rows += [one.label for one in page.sidebar.button if str(one.key).startswith("found-")]
    return [said(row) for row in rows if row]


def open_(page: AppTest, conversation: Conversation) -> AppTest:
    return choose_in_list(page, "open", conversation.id)


def search(page: AppTest, query: str) -> AppTest:
    return page.text_input(key="search").set_value(query).run()


def test_conversations_stand_under_the_days_of_their_writing(visited: AppTest) -> None:
    for title, days_ago in (("Old", 30.0), ("Last week", 5.0), ("Second", 0), ("First", 0)):
        written(keep(title), days_ago)
    pinned = keep("Pinned one")
    written(pinned, 40)
    store().conversations.pin(ME, pinned.id, True)
    visited.run()
    assert listed(visited) == [
        *("Pinned", "Pinned one", "Today", "First", "Second"),
        *("Last 7 days", "Last week", "Older", "Old"),
    ]


def test_headings_are_in_the_persons_language_and_an_unknown_time_zone_is_utc(
    page: AppTest,
) -> None:
    page_state(page).visitor_token = TOKEN
    page_state(page).visitor_is_known = True
    page.context = {"locale": "zh-CN", "timezone": "../../etc/passwd"}
    page.run()
    keep("一")
    page.run()
    assert not page.exception
    assert listed(page) == ["今天", "一"]


def test_a_long_list_comes_page_by_page(visited: AppTest) -> None:
    for number in range(65):
        keep(f"Number {number}")
    visited.run()
    assert listed(visited)[1:] == [f"Number {number}" for number in range(64, 34, -1)]
    visited.button(key="more_conversations").click().run()
    assert len(listed(visited)) == 61
    visited.button(key="more_conversations").click().run()
    assert listed(visited)[-1] == "Number 0"
    assert "more_conversations" not in [button.key for button in visited.button]


def test_the_open_conversation_is_listed_wherever_it_is(visited: AppTest) -> None:
    old = keep("The oldest")
    for number in range(40):
        keep(f"Number {number}")
    go_to(visited, c=old.id)
    assert listed(visited)[:2] == ["The oldest", "Today"]
    assert list_data(visited)["open"] == listed_ids(visited)[0] == old.id


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\u202eevil", "evil"),
        ("a\u2066b\u2069\u200fc", "abc"),
        ("\u200b\u200d\ufeff", "Untitled"),
        ("\u0301\u0302", "Untitled"),
        ("**bold** :red[no] ![x](http://x.y)", "**bold** :red[no] ![x](http://x.y)"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
    ],
)
def test_an_odd_title_is_one_plain_row_and_is_kept_as_it_is(
    visited: AppTest, title: str, shown: str
) -> None:
    kept = keep(title)
    visited.run()
    assert listed(visited) == ["Today", shown]
    found = store().conversations.get(ME, kept.id)
    assert found and found.title == title


def test_a_conversation_is_renamed(visited: AppTest) -> None:
    kept = keep("Before")
    visited.run()
    choose_in_list(visited, "rename", kept.id, " After\u202e it ")
    assert listed(visited) == ["Today", "After it"]
    found = store().conversations.get(ME, kept.id)
    assert found and found.title == "After\u202e it"
    choose_in_list(visited, "rename", kept.id, " ")  # a blank title changes nothing
    assert listed(visited) == ["Today", "After it"]


def test_a_conversation_is_pinned_and_no_longer(visited: AppTest) -> None:
    first = keep("First")
    keep("Second")
    visited.run()
    choose_in_list(visited, "pin", first.id)
    assert listed(visited) == ["Pinned", "First", "Today", "Second"]
    choose_in_list(visited, "unpin", first.id)
    assert listed(visited) == ["Today", "Second", "First"]


def test_a_deleted_conversation_can_be_brought_back(visited: AppTest) -> None:
    kept = keep("Deleted", "Where?", "Here.")
    visited.run()
    open_(visited, kept)
    choose_in_list(visited, "delete", kept.id)
    assert listed(visited) == ["Your conversations will be listed here."]
    assert "c" not in visited.query_params
    assert texts(visited) == []
    assert store().conversations.get(ME, kept.id) is None
    visited.button(key="undo_delete").click().run()
    assert texts(visited) == ["Where?", "Here."]
    assert listed(visited) == ["Today", "Deleted"]
    assert "undo_delete" not in [button.key for button in visited.button]


def test_clear_begins_a_new_conversation_and_can_be_undone_even_after_its_first_question(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    page.run()
    page.slider[0].set_value(1.5)
    page.text_area[0].set_value("Be brief.")
    ask(page, "The first one")
    page.button(key="icon-clear").click().run()
    assert texts(page) == []
    assert (page.slider[0].value, page.text_area[0].value) == (0.8, "")  # those of a new chat
    assert "undo_delete" in [button.key for button in page.button]
    ask(page, "The second one")
    assert endpoint.requests[-1]["messages"] == [{"role": "user", "content": "The second one"}]
    assert listed(page) == ["Today", "The second one"]
    page.button(key="undo_delete").click().run()
    assert texts(page) == ["The first one", "Hello there!"]
    assert (page.slider[0].value, page.text_area[0].value) == (1.5, "Be brief.")
    assert listed(page) == ["Today", "The second one", "The first one"]
    assert not page.exception


def test_clear_keeps_a_temporary_conversation_temporary(page: AppTest) -> None:
    page.run()
    page.toggle(key="next_is_temporary").set_value(True).run()
    ask(page, "A secret")
    page.button(key="icon-clear").click().run()
    assert page.toggle(key="next_is_temporary").value is True
    ask(page, "Another secret")
    assert listed(page) == ["Your conversations will be listed here."]


def test_a_search_for_more_than_the_field_takes_uses_its_beginning(visited: AppTest) -> None:
    """A modified client can send it, and the database would refuse thousands of words."""
    keep("A walk")
    search(visited, "walk" + " " * 96 + "x " * 5000)
    [label] = listed(visited)
    assert label.startswith("**A walk** ")


def test_search_replaces_the_list_until_it_ends(visited: AppTest) -> None:
    keep("Travel", "How is the weather in Oslo?", "Cold.")
    keep("天气预报", "今天天气怎么样？", "很好，适合爬山。")
    search(visited, "weather")
    [label] = listed(visited)
    today = r"\*\d\d:\d\d\*"
    assert re.fullmatch(rf"\*\*Travel\*\* How is the \*\*weather\*\* in Oslo\? {today}", label)
    search(visited, "天气")
    texts_found = [label.rsplit(" ", 1)[0] for label in listed(visited)]
    assert texts_found == ["**天气预报** 今天**天气**怎么样？"]  # and not its title alone
    search(visited, "penguin *x*")
    assert listed(visited) == ["Nothing found for “penguin *x*”."]
    visited.button(key="end_search").click().run()
    assert listed(visited) == ["Today", "天气预报", "Travel"]
    assert visited.text_input(key="search").value == ""


def test_what_is_found_reads_as_words_and_once_for_each_conversation(visited: AppTest) -> None:
    kept = keep("Notes", "Hi", "## The **bold** plan\n\n- `walk` to the sea")
    [asked, _] = store().messages.branch(ME, kept.id, 2)
    again = Message(new_id(), kept.id, asked.id, "assistant", "The bold plan\n\nwalk to the sea")
    leaf = store().messages.branch(ME, kept.id, 1)[0]
    store().messages.add(ME, [again], after_leaf_id=leaf.id)
    search(visited, "plan walk")
    [label] = listed(visited)
    assert label.startswith("**Notes** The bold **plan** **walk** to the sea *")


def test_a_found_message_opens_on_its_branch(visited: AppTest) -> None:
    kept = keep("Versions", "First wording", "First answer")
    [asked, _] = store().messages.branch(ME, kept.id, 2)
    other = Message(new_id(), kept.id, None, "user", "Second wording")
    store().messages.add(ME, [other], after_leaf_id=store().messages.branch(ME, kept.id, 1)[0].id)
    search(visited, "first wording")
    visited.button(key=f"found-{asked.id}").click().run()
    assert texts(visited) == ["First wording", "First answer"]
    assert visited.query_params["c"] == kept.id
    target = page_state(visited).target
    assert target and target["message"] == asked.id


def test_a_message_found_far_back_is_mounted_with_what_is_around_it(visited: AppTest) -> None:
    keep("Long", *(f"Message {number} end" for number in range(200)))
    search(visited, "message 100 end")
    [found] = [one for one in visited.button if str(one.key).startswith("found-")]
    found.click().run()
    assert texts(visited) == [f"Message {number} end" for number in range(86, 116)]
    visited.button(key="later").click().run()
    assert texts(visited)[-1] == "Message 145 end"
    for _ in range(2):
        visited.button(key="later").click().run()
    assert texts(visited)[-1] == "Message 199 end"
    assert "later" not in [button.key for button in visited.button]
    search(visited, "message 100 end")
    visited.button(key=str(found.key)).click().run()
    ask(visited, "And now?")
    assert texts(visited)[-2:] == ["And now?", "Hello there!"]
    assert store().messages.count_after(ME, str(found.key).removeprefix("found-")) == 101


def test_what_was_found_and_then_deleted_elsewhere_is_not_found(visited: AppTest) -> None:
    kept = keep("Gone soon", "penguin", "Yes.")
    search(visited, "penguin")
    store().trash.delete(ME, kept.id)
    [found] = [one for one in visited.button if str(one.key).startswith("found-")]
    found.click().run()
    assert not visited.exception
    assert visited.info[0].value.startswith("There is no such conversation here.")
    visited.button(key="end_search").click().run()
    assert listed(visited) == ["Your conversations will be listed here."]


def test_a_conversation_that_is_not_open_is_deleted_and_brought_back_in_the_list(
    visited: AppTest,
) -> None:
    kept, other = keep("Open", "Where?", "Here."), keep("Other")
    visited.run()
    open_(visited, kept)
    choose_in_list(visited, "delete", other.id)
    assert listed(visited) == ["Today", "Open", "The conversation was deleted."]
    assert texts(visited) == ["Where?", "Here."]
    assert store().conversations.get(ME, other.id) is None
    visited.button(key="undo_delete_in_list").click().run()
    assert listed(visited) == ["Today", "Other", "Open"]
    assert texts(visited) == ["Where?", "Here."]
    assert "undo_delete_in_list" not in [button.key for button in visited.button]


def test_share_opens_the_conversation_and_the_view_that_shares_it(visited: AppTest) -> None:
    kept = keep("To share")
    visited.run()
    choose_in_list(visited, "share", kept.id)
    assert visited.title[0].value == "Share this conversation"
    assert (visited.query_params["c"], visited.query_params["view"]) == (kept.id, "share")
    visited.button(key="share").click().run()
    assert any("?share=" in str(text.value) for text in visited.text)


def test_clear_is_also_an_entry_of_the_open_conversations_menu(visited: AppTest) -> None:
    kept = keep("Open", "Where?", "Here.")
    visited.run()
    open_(visited, kept)
    choose_in_list(visited, "clear", kept.id)
    assert texts(visited) == listed_ids(visited) == []
    visited.button(key="undo_delete").click().run()
    assert texts(visited) == ["Where?", "Here."]


@pytest.mark.parametrize(
    "chosen",
    [
        *(None, 7, "open", [], {}, {"action": "delete"}, {"action": ["open"], "id": {}}),
        {"number": "1", "action": "delete"},
        {"action": "delete", "id": "0" * 32},
        {"action": "rename", "id": "\ud800\0", "title": {"a": 1}},
        {"action": "pin", "id": "../x"},
        {"action": "unknown", "id": "x" * 10_000},
    ],
)
def test_the_list_does_nothing_with_what_no_browser_sends(visited: AppTest, chosen: object) -> None:
    kept = keep("Mine")
    visited.run()
    open_(visited, kept)
    send(visited, chosen)
    send(visited, [{"number": 1, **chosen} if isinstance(chosen, dict) else chosen])
    assert not visited.exception
    assert listed_ids(visited) == [kept.id]
    assert texts(visited) == ["Hi", "Hello"]


def test_a_choice_is_carried_out_once_though_the_browser_sends_it_again(visited: AppTest) -> None:
    first, second = keep("First"), keep("Second")
    visited.run()
    renamed = choice(visited, "rename", first.id, "Another")
    opened = {**choice(visited, "open", second.id), "number": renamed["number"] + 1}
    send(visited, [renamed, opened])  # the first message, with `renamed` alone, was dropped
    assert list_data(visited)["open"] == second.id
    assert title_of(first) == "Another"
    store().conversations.rename(ME, first.id, "A third")
    send(visited, [renamed, opened, {**opened, "number": opened["number"] + 1, "id": first.id}])
    assert list_data(visited)["open"] == first.id
    assert title_of(first) == "A third"


def test_a_new_title_that_could_not_be_saved_leaves_the_list(
    visited: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep("Mine")
    before = list_data(visited.run())

    def fail(*_: object) -> None:
        raise ChatbotError("store_locked")

    monkeypatch.setattr(Conversations, "rename", fail)
    choose_in_list(visited, "rename", kept.id, "Yours")
    after = list_data(visited)
    assert after["groups"] == before["groups"]
    assert after != before  # else the browser would not draw the list again
    assert [warning.value for warning in visited.warning]


def test_a_new_title_that_is_missing_changes_nothing(visited: AppTest) -> None:
    kept = keep("Mine")
    choose_in_list(visited.run(), "rename", kept.id)
    assert list_data(visited)["groups"][0][1] == [[kept.id, "Mine", False]]


def test_nobody_acts_on_a_conversation_of_somebody_else(visited: AppTest) -> None:
    theirs = new_conversation("Theirs", {})
    store().conversations.add("somebody-else", theirs)
    keep("Mine")
    visited.run()
    for action in ("rename", "pin", "clear", "delete", "open"):
        choose_in_list(visited, action, theirs.id, "Mine now")
    assert visited.info[0].value.startswith("There is no such conversation here.")
    found = store().conversations.get("somebody-else", theirs.id)
    assert found and (found.title, found.is_pinned) == ("Theirs", False)


def test_closed_settings_are_not_drawn_but_sent_and_kept(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    page.run()
    page.slider[0].set_value(1.5)
    page.number_input[0].set_value(99)
    page.text_area[0].set_value("Be brief.").run()
    page.session_state[widgets.SETTINGS_FOLD] = False
    page.run()
    assert not page.slider and not page.number_input and not page.text_area
    page.button(key="data_view").click().run()
    assert not page.selectbox and page.title[0].value == "Your data"
    page.main.button[0].click().run()
    ask(page, "The first one")
    assert endpoint.requests[-1]["temperature"] == 1.5
    assert endpoint.requests[-1]["messages"][0] == {"role": "system", "content": "Be brief."}
    first_id = listed_ids(page)[0]
    page.button(key="new").click().run()
    ask(page, "The second one")
    assert endpoint.requests[-1]["temperature"] == 0.8
    assert endpoint.requests[-1]["messages"] == [{"role": "user", "content": "The second one"}]
    choose_in_list(page, "open", first_id)
    ask(page, "The third one")  # as saved, in a fold that has never been open here
    assert endpoint.requests[-1]["temperature"] == 1.5
    assert endpoint.requests[-1]["messages"][0] == {"role": "system", "content": "Be brief."}
    page.session_state[widgets.SETTINGS_FOLD] = True
    page.run()
    assert (page.slider[0].value, page.number_input[0].value) == (1.5, 99)
    assert page.text_area[0].value == "Be brief."


@pytest.mark.parametrize("choice", ["rename", "pin", "delete"])
def test_every_choice_about_a_conversation_deleted_elsewhere_ends_well(
    visited: AppTest, choice: str
) -> None:
    kept = keep("Gone")
    visited.run()
    open_(visited, kept)
    store().trash.delete(ME, kept.id)
    choose_in_list(visited, choice, kept.id, "Another title")
    assert not visited.exception
    if choice != "delete":
        assert said(visited.warning[0].value) == "This conversation was deleted in another window."
        assert texts(visited) == ["Hi", "Hello"]
        visited.button(key="leave_gone").click().run()
    assert visited.title[0].value == "How can I help?"
    assert store().conversations.get(ME, kept.id) is None


@pytest.mark.parametrize("address", ["0" * 32, "../x", "a\0b", "\u202e", "x" * 10_000])
def test_the_page_for_what_is_not_there_has_the_list_and_a_way_back(
    visited: AppTest, address: str
) -> None:
    keep("Mine")
    go_to(visited, c=address)
    assert not visited.exception
    assert visited.info[0].value.startswith("There is no such conversation here.")
    assert listed(visited) == ["Today", "Mine"]
    [back] = [one for one in visited.main.button if said(one.label) == "New chat"]
    back.click().run()
    assert visited.title[0].value == "How can I help?"
