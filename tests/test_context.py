"""What the model is sent of a conversation."""

import pytest

from chatbot.context import MESSAGE_OVERHEAD_TOKENS, estimate_tokens, messages_to_send
from chatbot.store import Message


def conversation(*contents: str) -> list[Message]:
    """Questions start with `q`, answers with anything else."""
    return [
        Message(str(number), "c", None, "user" if content.startswith("q") else "assistant", content)
        for number, content in enumerate(contents)
    ]


def sent(*contents: str, system_prompt: str = "", budget_tokens: int | None = None) -> list[str]:
    messages = messages_to_send(conversation(*contents), system_prompt, budget_tokens)
    roles = [message["role"] for message in messages]
    assert "system" not in roles[1:]
    assert all(set(message) == {"role", "content"} for message in messages)
    return [message["content"] for message in messages]


def cost(*contents: str) -> int:
    return sum(estimate_tokens(content) + MESSAGE_OVERHEAD_TOKENS for content in contents)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 1), ("abcd", 2), ("a" * 400, 101), ("你好世界", 5), ("hi 你好", 3), ("😀", 2)],
)
def test_tokens_are_guessed_from_the_alphabet(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_everything_is_sent_in_order_when_nothing_limits_it() -> None:
    assert sent("q1", "a1", "q2", "a2", "q3") == ["q1", "a1", "q2", "a2", "q3"]
    [first, second] = messages_to_send(conversation("q1"), "Be brief.", None)
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
