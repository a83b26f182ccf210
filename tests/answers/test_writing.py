"""Adding received text and reasoning to an answer, also to a continued answer."""

from dataclasses import replace

import pytest

from chatbot.answers.answer import Answer
from chatbot.answers.writing import Writing
from chatbot.store import Message, State

BEGUN = "Once upon a time there was a king who"


def answer(content: str = "", reasoning: str = "") -> Answer:
    message = Message("id", "conversation", None, "assistant", content, State.ANSWERING)
    seconds = 2.0 if reasoning else None
    return Answer(replace(message, reasoning=reasoning, reasoning_seconds=seconds), "owner")


def write(answer: Answer, supports_prefill: bool = False) -> tuple[str, str]:
    """Write thoughts whose end alone is marked, then an answer; its text and reasoning then."""
    writing = Writing(answer, answer.text, supports_prefill)
    for piece in ("Where was I? ", "The king."):
        writing.add(piece)
    writing.turn_into_reasoning("Where was I? The king.")
    for piece in ("a king who ", "had three sons."):
        writing.add(piece)
    writing.end()
    return answer.text, answer.reasoning


def test_late_reasoning_leaves_the_answer_alone() -> None:
    new = answer()
    assert write(new) == ("a king who had three sons.", "Where was I? The king.")
    assert new.times_taken_back == 1
    assert new.reasoning_seconds is not None
    assert new.first_text is not None  # of the answer


def test_late_reasoning_of_a_continuation_leaves_what_was_there() -> None:
    whole = f"{BEGUN} had three sons."
    assert write(answer(BEGUN)) == (whole, "Where was I? The king.")
    assert write(answer(BEGUN, "Hm.")) == (whole, "Hm.\n\nWhere was I? The king.")


@pytest.mark.parametrize("reasoning", ["", "Hm."])
def test_a_model_that_goes_on_by_itself_may_go_on_in_its_thoughts(reasoning: str) -> None:
    text, thought = write(answer("Let me see. ", reasoning), supports_prefill=True)
    if reasoning:  # then what there was is its answer
        assert text == "Let me see. a king who had three sons."
        assert thought == "Hm.\n\nWhere was I? The king."
    else:
        assert text == "a king who had three sons."
        assert thought == "Let me see. Where was I? The king."
