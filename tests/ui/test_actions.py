"""Actions on questions and answers on the page, without a browser."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.access import visitor
from chatbot.errors import ChatbotError
from chatbot.store import Message, State, Store
from tests.conftest import page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.conversation_list import choose_in_list, listed_ids
from tests.ui.test_page import ask, said, texts


@pytest.fixture
def kept(page: AppTest) -> Iterator[Store]:
    """The page's own database, as a program beside it sees it."""
    page.run()
    store = Store(os.environ["CHATBOT_DATABASE_URL"])
    yield store
    store.close()


def owner(page: AppTest) -> str:
    return visitor.owner_of(page_state(page).visitor_token)


def address(page: AppTest) -> str:
    named = page.query_params["c"]
    return str(named if isinstance(named, str) else named[0])


def branch(page: AppTest, store: Store) -> list[Message]:
    """The messages on screen as they are kept, once the last of them is."""

    def seen() -> list[Message]:
        return store.messages.branch(owner(page), address(page), 100)

    wait_until(lambda: not any(message.is_running for message in seen()))
    return seen()


def composer(page: AppTest) -> str:
    """Return the text that was put back into the composer."""
    return str(page.chat_input[0].proto.value)


def keys(page: AppTest, start: str) -> list[str]:
    return [str(one.key) for one in page.button if str(one.key).startswith(start)]


def press(page: AppTest, start: str, number: int = -1) -> AppTest:
    """Press the newest button of its kind, or another one."""
    return page.button(key=keys(page, start)[number]).click().run()


def choose(page: AppTest, choice: str, number: int = -1) -> AppTest:
    """Choose from the menu of the newest answer, or another one's, by words of the entry."""
    menu = page.main.menu_button[number]
    [index] = [index for index, entry in enumerate(menu.options) if choice in entry]
    return menu.click_index(index).run()


def details(page: AppTest, number: int = -1) -> str:
    """The time, model and cost at the end of the menu of the newest answer, or another one's."""
    written = said(page.main.menu_button[number].options[-1])
    return written.removeprefix(":gray[").removesuffix("]")


def captions(page: AppTest) -> str:
    return said(" ".join(str(caption.value) for caption in page.main.caption))


def test_an_edited_question_is_asked_in_its_place_and_the_old_one_stays(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    ask(page, "One")
    ask(page, "Two")
    endpoint.replies = [Reply(["Another answer"])]
    press(page, "icon-edit-", 0)
    field = page.main.text_area[0]
    assert field.value == "One"
    field.set_value("Won")
    press(page, "send-")
    assert texts(page)[0::2] == ["Won"]
    assert "Another answer" in texts(page)[1]
    assert [message["content"] for message in endpoint.requests[-1]["messages"]] == ["Won"]
    assert "2/2" in captions(page)
    press(page, "icon-previous-")
    assert texts(page)[0::2] == ["One", "Two"]
    press(page, "icon-next-")
    assert texts(page)[0::2] == ["Won"]
    assert [message.content for message in branch(page, kept)] == ["Won", "Another answer"]


def test_cancel_leaves_a_question_as_it_was(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    ask(page, "One")
    press(page, "icon-edit-")
    page.main.text_area[0].set_value("Won")
    press(page, "cancel-")
    assert texts(page)[0] == "One"
    assert not page.main.text_area
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("failure", "stays"), [("store_locked", True), ("conflict", False), ("gone", False)]
)
def test_an_edited_question_that_cannot_be_sent_is_not_lost(
    page: AppTest, kept: Store, monkeypatch: pytest.MonkeyPatch, failure: str, stays: bool
) -> None:
    ask(page, "One")
    press(page, "icon-edit-")
    page.main.text_area[0].set_value("Won")

    def fail(*_: object, **__: object) -> None:
        raise ChatbotError(failure)

    monkeypatch.setattr("chatbot.answers.answers.Answers.ask_instead", fail)
    press(page, "send-")
    assert said(page.warning[0].value) == ChatbotError(failure).sentence("en")
    assert [field.value for field in page.main.text_area] == (["Won"] if stays else [])
    assert composer(page) == ("" if stays else "Won")


def test_an_edited_question_that_is_too_long_stays_in_its_field(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    ask(page, "One")
    press(page, "icon-edit-")
    page.main.text_area[0].set_value("x" * 100_001)
    press(page, "send-")
    assert "100,000" in said(page.warning[0].value)
    assert len(page.main.text_area[0].value or "") == 100_001
    assert len(endpoint.requests) == 1


def test_regenerate_with_another_model_is_for_this_answer_alone(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    wait_until(lambda: "other-model" in page.run().selectbox[0].options)
    ask(page, "Hi")
    assert page.main.menu_button[0].options[:-1] == [
        r"Regenerate with other\-model",
        "Keep in the model's view",
        ":red[Delete this question and answer]",
    ]
    choose(page, r"Regenerate with other\-model")
    assert [request["model"] for request in endpoint.requests] == ["test-model", "other-model"]
    assert page.selectbox[0].value == "test-model"
    assert details(page).endswith("· other-model · 7 + 3 tokens")
    assert [message.model for message in branch(page, kept)] == [None, "other-model"]


def test_the_menu_offers_a_modest_number_of_the_most_alike_models(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.models = ["gpt-4.1-mini", *(f"embedding-{n}" for n in range(50)), "gpt-4.1", "gpt-4o"]
    page.run()
    wait_until(lambda: "gpt-4.1" in page.run().selectbox[0].options)
    ask(page, "Hi")
    options = [said(option) for option in page.main.menu_button[0].options]
    assert options[:2] == ["Regenerate with gpt-4.1", "Regenerate with gpt-4o"]
    assert len(options) == 11  # to keep and to delete the turn, and the details, among them


def test_a_turn_is_deleted_after_a_second_question(page: AppTest, kept: Store) -> None:
    for question in ("One", "Two", "Three"):
        ask(page, question)
    choose(page, "Delete this question and answer", 1)
    assert texts(page)[0::2] == ["One", "Two", "Three"]
    press(page, "keep-")
    assert not keys(page, "delete-")
    choose(page, "Delete this question and answer", 1)
    press(page, "delete-")
    assert texts(page)[0::2] == ["One", "Three"]
    assert [message.content for message in branch(page, kept)][0::2] == ["One", "Three"]


def test_a_cut_answer_can_be_continued_and_a_whole_one_cannot(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [
        Reply(["The quick bro"], finish_reason="length"),
        Reply(["quick brown", " fox"], finish_reason=None),
        Reply(["brown fox jumps."]),
    ]
    ask(page, "Hi")
    press(page, "go-on-")
    assert branch(page, kept)[-1].content == "The quick brown fox"
    press(page, "go-on-")
    assert keys(page, "go-on-") == []
    assert len(keys(page, "again-")) == 1
    answer = branch(page, kept)[-1]
    assert (answer.content, answer.state) == ("The quick brown fox jumps.", State.COMPLETE)


def test_a_failed_answer_without_text_offers_retry_alone(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(status=401)]
    ask(page.run(), "Hi")
    assert keys(page, "go-on-") == []
    assert not page.feedback
    assert [said(button.label) for button in page.button if "again-" in str(button.key)] == [
        "Retry"
    ]
    press(page, "again-")
    assert texts(page) == ["Hi", "Hello there!"]
    assert "/2" not in captions(page)  # the failure is no version of the answer


def test_a_rating_is_kept_shown_and_taken_back(page: AppTest, kept: Store) -> None:
    ask(page, "Hi")
    page.feedback[0].set_value(1).run()
    assert branch(page, kept)[-1].rating == 1
    page.feedback[0].set_value(0).run()
    assert branch(page, kept)[-1].rating == 0
    page.button(key="new").click().run()
    choose_in_list(page, "open", listed_ids(page)[0])
    assert page.feedback[0].value == 0
    page.feedback[0].set_value(None).run()
    assert branch(page, kept)[-1].rating is None


def test_an_answer_says_when_it_was_given_and_by_which_model(
    page: AppTest, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.context = {"timezone": "Asia/Shanghai"}
    noon = datetime(2026, 3, 4, 17, 30, tzinfo=UTC).timestamp()
    monkeypatch.setattr("time.time", lambda: noon)
    ask(page, "Hi")
    assert details(page).startswith("01:30 · test-model")
    monkeypatch.setattr("time.time", lambda: noon + 86400)
    page.run()
    assert details(page).startswith("2026-03-05 01:30 · test-model")
    page.context = {"timezone": "Not/A_Zone"}
    page.run()
    assert "· test-model" in details(page)


def test_what_was_deleted_elsewhere_stays_and_can_be_saved(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    ask(page, "Hi")
    deleted = address(page)
    kept.trash.delete(owner(page), deleted)
    ask(page, "And now?")
    assert [text.split(" ·")[0] for text in texts(page)] == ["Hi", "Hello there!"]
    assert said(page.warning[0].value) == "This conversation was deleted in another window."
    assert composer(page) == "And now?"
    assert len(endpoint.requests) == 1
    page.button(key="save_as_new").click().run()
    assert address(page) != deleted
    assert [message.content for message in branch(page, kept)] == ["Hi", "Hello there!"]
    assert composer(page) == "And now?"
    ask(page, "And now?")
    assert [message["content"] for message in endpoint.requests[-1]["messages"]] == [
        "Hi",
        "Hello there!",
        "And now?",
    ]


def test_all_deleted_for_good_while_an_answer_runs_leaves_its_text(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    ask(page, "First")
    conversation = address(page)
    endpoint.replies = [Reply(["Written", " to nowhere"])]
    ask(page, "Second")
    kept.trash.delete_all(owner(page))
    page.run()
    assert address(page) == conversation
    assert "Written to nowhere" in texts(page)[-1]
    page.button(key="save_as_new").click().run()
    assert [message.content for message in branch(page, kept)][-1] == "Written to nowhere"


@pytest.mark.parametrize("foreign", ["0" * 32, "'; DROP TABLE--", "é"])
def test_a_click_on_what_is_not_ones_own_changes_nothing(
    page: AppTest, kept: Store, foreign: str
) -> None:
    ask(page, "Hi")
    answer = branch(page, kept)[-1]
    other = "somebody else"
    kept.messages.rate(other, answer.id, 1)
    for click_on in (
        lambda: kept.messages.show_version(other, answer.id),
        lambda: kept.messages.show_version(owner(page), foreign),
        lambda: kept.messages.delete_turn(other, answer.parent_id or ""),
        lambda: kept.messages.delete_turn(owner(page), foreign),
        lambda: kept.checkpoints.resume(other, answer.id, "lease"),
        lambda: kept.checkpoints.resume(owner(page), foreign, "lease"),
    ):
        with pytest.raises(ChatbotError):
            click_on()
    assert branch(page, kept)[-1] == answer


def test_a_question_that_is_too_long_for_the_model_can_be_edited(
    page: AppTest, kept: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(status=400, error={"message": "maximum context length exceeded"})]
    ask(page, "Long")
    press(page, "edit-question-")
    page.main.text_area[0].set_value("Short")
    press(page, "send-")
    assert [message.content for message in branch(page, kept)] == ["Short", "Hello there!"]
