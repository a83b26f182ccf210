"""The part of a conversation that is sent to the model."""

from dataclasses import replace

import pytest

from chatbot.answers.prompt import MESSAGE_OVERHEAD, Plan, pins_without_room, plan
from chatbot.models.tokens import UNKNOWN, Scale, Window, count
from chatbot.store import Message


def conversation(*contents: str) -> list[Message]:
    """Questions start with `q`, answers with anything else."""
    return [
        Message(str(number), "c", None, "user" if content.startswith("q") else "assistant", content)
        for number, content in enumerate(contents)
    ]


def planned(
    *contents: str, system_prompt: str = "", budget_tokens: int | None = None, pinned: str = ""
) -> Plan:
    messages = [
        replace(message, is_pinned=message.content in pinned.split())
        for message in conversation(*contents)
    ]
    return plan(messages, system_prompt, 2048, Window(), limit_tokens=budget_tokens)


def sent(*contents: str, **options: object) -> list[str]:
    messages = planned(*contents, **options).messages  # type: ignore[arg-type]
    roles = [message["role"] for message in messages]
    assert "system" not in roles[1:]
    assert all(set(message) == {"role", "content"} for message in messages)
    return [message["content"] for message in messages]


def cost(*contents: str) -> int:
    """Of turns: a question with its answer, or the last question alone."""
    turns = [contents[place : place + 2] for place in range(0, len(contents), 2)]
    counts = [[count(content) + MESSAGE_OVERHEAD for content in turn] for turn in turns]
    return sum(UNKNOWN.tokens(sum(turn[1:], turn[0])) for turn in counts)


def test_everything_is_sent_in_order_when_nothing_limits_it() -> None:
    assert sent("q1", "a1", "q2", "a2", "q3") == ["q1", "a1", "q2", "a2", "q3"]
    [first, second] = planned("q1", system_prompt="Be brief.").messages
    assert first == {"role": "system", "content": "Be brief."}
    assert second == {"role": "user", "content": "q1"}


def test_an_empty_conversation_sends_at_most_the_system_prompt() -> None:
    assert sent() == []
    assert sent(system_prompt="Be brief.") == ["Be brief."]


def test_a_question_without_an_answer_is_left_out_unless_it_is_the_last() -> None:
    assert sent("q1", "", "q2", "a2", "q3", "q4") == ["q2", "a2", "q4"]


def test_an_answer_whose_question_is_out_of_reach_is_left_out() -> None:
    assert sent("a0", "q1", "a1", "q2") == ["q1", "a1", "q2"]


def test_a_last_answer_stays_with_its_question() -> None:
    assert sent("q1", "a1", "q2", "a2") == ["q1", "a1", "q2", "a2"]


@pytest.mark.parametrize(
    ("spare_tokens", "kept"), [(0, ["q2", "a2", "q3"]), (-1, ["q3"])], ids=["fits", "one too many"]
)
def test_the_newest_whole_turns_that_fit_are_sent(spare_tokens: int, kept: list[str]) -> None:
    budget = cost("q2", "a2", "q3") + spare_tokens
    assert sent("q1", "a1", "q2", "a2", "q3", budget_tokens=budget) == kept


def test_a_turn_that_does_not_fit_ends_the_memory() -> None:
    long = "a" * 4000
    budget = cost("q1", "a1", "q3") + 20
    assert sent("q1", "a1", "q2", long, "q3", budget_tokens=budget) == ["q3"]


def test_the_system_prompt_counts() -> None:
    budget = cost("q1", "a1", "q2")
    assert sent("q1", "a1", "q2", budget_tokens=budget) == ["q1", "a1", "q2"]
    assert sent("q1", "a1", "q2", system_prompt="S", budget_tokens=budget) == ["S", "q2"]


@pytest.mark.parametrize("budget_tokens", [0, -500])
def test_the_last_question_is_sent_whatever_it_costs(budget_tokens: int) -> None:
    question = "q" * 4000
    kept = sent("q1", "a1", question, system_prompt="S", budget_tokens=budget_tokens)
    assert kept == ["S", question]


def test_pinned_turns_are_sent_however_old_they_are() -> None:
    contents = ("q1", "a1", "q2", "a2", "q3", "a3", "q4")
    budget = cost("q1", "a1", "q3", "a3", "q4")
    assert sent(*contents, budget_tokens=budget) == ["q2", "a2", "q3", "a3", "q4"]
    assert sent(*contents, budget_tokens=budget, pinned="a1") == ["q1", "a1", "q3", "a3", "q4"]
    assert sent(*contents, budget_tokens=cost("q4"), pinned="a1") == ["q4"]


@pytest.mark.parametrize(
    ("window_tokens", "in_vain"),
    [(None, set()), (20_000, set()), (8000, {"0", "1"}), (600, {"0", "1", "4", "5"})],
)
def test_pinned_turns_for_which_there_is_no_room_are_told(
    window_tokens: int | None, in_vain: set[str]
) -> None:
    branch = [
        replace(message, is_pinned=message.id not in ("2", "3"))
        for message in conversation("q1", "a" * 18_000, "q2", "b" * 99_000, "q3", "c" * 18_000)
    ]
    window = Window(window_tokens)
    assert pins_without_room(branch, "Be brief.", 2048, window) == in_vain


@pytest.mark.parametrize(
    ("turns", "pinned", "first"),
    [(4, "", None), (3, "", "2"), (2, "", "4"), (2, "a1", "6"), (1, "", "6"), (3, "a1", "4")],
)
def test_from_which_message_on_nothing_is_missing_is_told(
    turns: int, pinned: str, first: str | None
) -> None:
    contents = ("q1", "a1", "q2", "a2", "q3", "a3", "q4")
    budget = cost(*contents[-2 * turns + 1 :])
    assert planned(*contents, budget_tokens=budget, pinned=pinned).first_sent_id == first


def test_what_was_never_read_is_missing_too() -> None:
    [first, *others] = conversation("q8", "a8", "q9")
    assert plan([first, *others], "", 2048, Window()).first_sent_id is None
    cut = [replace(first, parent_id="a7"), *others]
    assert plan(cut, "", 2048, Window()).first_sent_id == first.id


def test_pinned_turns_of_what_was_not_read_are_sent_and_the_rest_of_it_is_missing() -> None:
    pinned = [
        replace(message, is_pinned=True, parent_id=None if place == 0 else "p")
        for place, message in enumerate(conversation("q1", "a1"))
    ]
    pinned = [replace(pinned[0], id="p"), replace(pinned[1], id="a")]
    cut = [replace(message, id=f"{message.id}n") for message in conversation("q8", "a8", "q9")]
    for place, parent_id in enumerate(("lost", "0n", "1n")):
        cut[place] = replace(cut[place], parent_id=parent_id)
    found = plan([*pinned, *cut], "", 2048, Window())
    assert [one["content"] for one in found.messages] == ["q1", "a1", "q8", "a8", "q9"]
    assert found.first_sent_id == "0n"
    cut[0] = replace(cut[0], parent_id="a")  # it follows what is pinned: nothing is missing
    assert plan([*pinned, *cut], "", 2048, Window()).first_sent_id is None


def test_a_window_has_room_for_question_and_answer() -> None:
    window = Window(1000)
    assert plan(conversation("q1"), "", 100_000, window).max_tokens == 500
    assert plan(conversation("q1"), "", 200, window).max_tokens == 200
    long = plan(conversation("q1", "a" * 3000, "q2", "b" * 1000, "q3"), "", 500, window)
    assert [message["content"] for message in long.messages] == ["q2", "b" * 1000, "q3"]
    assert long.tokens + long.max_tokens <= 1000
    too_long = plan(conversation("q" * 4000), "", 500, window)
    assert too_long.max_tokens == 1000 - too_long.tokens


def test_a_model_that_cuts_text_finer_is_sent_less() -> None:
    contents = ("q1", "a" * 900, "q2", "b" * 900, "q3")
    for factor, first in ((1, None), (2, "2"), (9, "4")):
        window = Window(1000, Scale(latin=factor))
        assert plan(conversation(*contents), "", 300, window).first_sent_id == first


def test_an_answer_to_be_continued_is_sent_and_counted_apart() -> None:
    plain = plan(conversation("q1"), "S", 100, Window(1000))
    going_on = plan(conversation("q1"), "S", 100, Window(1000), begun="One two")
    assert going_on.messages == [*plain.messages, {"role": "assistant", "content": "One two"}]
    assert plain.sent_tokens == plain.tokens
    assert plain.tokens <= going_on.sent_tokens <= plain.tokens + 1 < going_on.tokens
    told = plan(conversation("q1"), "S", 100, Window(), begun="One two", is_told_to_go_on=True)
    assert "“One two”" in told.messages[-1]["content"]
