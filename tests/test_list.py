"""The list of conversations and search, without a browser."""

import re
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Button, Caption, Node

from chatbot.store import Conversation, Message, Store, new_conversation, new_id
from chatbot.ui import resources
from chatbot.ui.look import short
from chatbot.visitors import owner_of
from tests.conftest import go_to
from tests.test_page import ask, said, texts

TOKEN = "x" * 43
ME = owner_of(TOKEN)
DAY_SECONDS = 24 * 3600


@pytest.fixture
def visited(page: AppTest) -> AppTest:
    """The page of a visitor who is known."""
    page.session_state["visitor_token"] = TOKEN
    page.session_state["visitor_is_known"] = True
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


def store() -> Store:
    return resources.store()


def written(conversation: Conversation, days_ago: float) -> None:
    """As if a conversation had last been written to at another time."""
    with store().conversations._database.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE conversations SET updated_at = :then WHERE id = :id"),
            {"then": time.time() - days_ago * DAY_SECONDS, "id": conversation.id},
        )


def listed(page: AppTest) -> list[str]:
    """What stands in the list: headings, titles and what was found, in order."""
    rows = [
        node.value if isinstance(node, Caption) else node.label
        for node in walk(page.sidebar)
        if isinstance(node, Caption)
        or (isinstance(node, Button) and str(node.key).startswith(("open-", "found-")))
    ]
    return [said(row) for row in rows[:-1]]  # the last is the footer


def walk(block: Block) -> Iterator[Node]:
    for child in block.children.values():
        yield child
        if isinstance(child, Block):
            yield from walk(child)


def open_(page: AppTest, conversation: Conversation) -> AppTest:
    return page.button(key=f"open-{conversation.id}").click().run()


def choose(page: AppTest, choice: str) -> AppTest:
    [menu] = page.sidebar.menu_button
    [index] = [number for number, one in enumerate(menu.options) if one.endswith(choice)]
    return menu.click_index(index).run()


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
    page.session_state["visitor_token"] = TOKEN
    page.session_state["visitor_is_known"] = True
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
    assert [menu.key for menu in visited.sidebar.menu_button] == [f"icon-more-{short(old.id)}"]


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
    label = visited.button(key=f"open-{kept.id}").label
    assert "![" not in label and ":red[" not in label and "**" not in label
    found = store().conversations.get(ME, kept.id)
    assert found and found.title == title


def test_a_conversation_is_renamed(visited: AppTest) -> None:
    kept = keep("Before")
    visited.run()
    open_(visited, kept)
    choose(visited, "Rename")
    assert visited.text_input(key=f"title-{kept.id}").value == "Before"
    visited.text_input(key=f"title-{kept.id}").set_value(" After\u202e it ")
    visited.button(key="save_title").click().run()
    assert listed(visited) == ["Today", "After it"]
    found = store().conversations.get(ME, kept.id)
    assert found and found.title == "After\u202e it"
    choose(visited, "Rename")
    visited.text_input(key=f"title-{kept.id}").set_value("Not this")
    visited.button(key="cancel_title").click().run()
    assert listed(visited) == ["Today", "After it"]


def test_a_conversation_is_pinned_and_no_longer(visited: AppTest) -> None:
    first = keep("First")
    keep("Second")
    visited.run()
    open_(visited, first)
    choose(visited, "Pin")
    assert listed(visited) == ["Pinned", "First", "Today", "Second"]
    choose(visited, "Unpin")
    assert listed(visited) == ["Today", "Second", "First"]


def test_a_deleted_conversation_can_be_brought_back(visited: AppTest) -> None:
    kept = keep("Deleted", "Where?", "Here.")
    visited.run()
    open_(visited, kept)
    choose(visited, "Delete")
    assert listed(visited) == ["Your conversations will be listed here."]
    assert "c" not in visited.query_params
    assert texts(visited) == []
    assert store().conversations.get(ME, kept.id) is None
    visited.button(key="undo_delete").click().run()
    assert texts(visited) == ["Where?", "Here."]
    assert listed(visited) == ["Today", "Deleted"]
    assert "undo_delete" not in [button.key for button in visited.button]


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
    assert visited.session_state["target"]["message"] == asked.id


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


@pytest.mark.parametrize("choice", ["Rename", "Pin", "Delete"])
def test_every_choice_about_a_conversation_deleted_elsewhere_ends_well(
    visited: AppTest, choice: str
) -> None:
    kept = keep("Gone")
    visited.run()
    open_(visited, kept)
    store().trash.delete(ME, kept.id)
    choose(visited, choice)
    assert not visited.exception
    if choice != "Delete":
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
    [back] = [one for one in visited.main.button if said(one.label) == "New conversation"]
    back.click().run()
    assert visited.title[0].value == "How can I help?"
