"""The part of a conversation that is drawn."""

from typing import Any
from unittest.mock import Mock

from chatbot.answers.place import Place
from chatbot.store import Message, State
from chatbot.ui.chat.history import History, Status

QUESTION = Message("1", "c", None, "user", "Hi!")
ANSWER = Message("2", "c", "1", "assistant", "Hello there!")
NEXT = Message("3", "c", "2", "user", "And now?")
COMING = Message("4", "c", "3", "assistant", "Now", State.ANSWERING)
BRANCH = (QUESTION, ANSWER, NEXT, COMING)


def history(**changed: Any) -> History:
    return History("me", Mock(Place), Status.OPEN, "c", branch=BRANCH, **changed)


def test_the_answer_in_progress_is_drawn_apart() -> None:
    open_one = history(running=Mock(message=COMING), mounted=3)
    assert open_one.finished == (ANSWER, NEXT)
    assert open_one.live is open_one.running
    assert open_one.last_question_id == NEXT.id
    assert open_one.is_last(COMING) and not open_one.is_last(NEXT)


def test_further_up_the_answer_in_progress_is_not_drawn() -> None:
    open_one = history(running=Mock(message=COMING), mounted=2, left_out=1)
    assert open_one.finished == (ANSWER, NEXT)
    assert open_one.live is None
    assert open_one.running


def test_an_answer_that_has_ended_is_one_of_the_messages() -> None:
    whole = Message("4", "c", "3", "assistant", "Now it is done.")
    ended = history(running=Mock(message=COMING)).with_ended(whole)
    assert ended.finished == (QUESTION, ANSWER, NEXT, whole)
    assert ended.running is None


def test_only_what_has_other_versions_lists_them() -> None:
    open_one = history(versions={"2": ["0", "2"]})
    assert open_one.versions_of(ANSWER) == ["0", "2"]
    assert open_one.versions_of(NEXT) == []
