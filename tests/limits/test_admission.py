"""Reading of limit settings, and refusal of questions that exceed a limit."""

import pytest

from chatbot.errors import ChatbotError
from chatbot.limits.admission import admit
from chatbot.limits.policy import PUBLIC, AnswerLimits, Limits, Policy, answer_limits_in, policy_in
from chatbot.store.quota import DAY_SECONDS, Amounts, Remaining, Spent, SpentBy

NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2
MIDNIGHT = 20_001 * DAY_SECONDS
QUESTION = Amounts(1, 1000, 0.01)


def visitor(text: str) -> Limits:
    return Limits(visitor=policy_in(text))


def refusal(limits: Limits, spent: Spent, wanted: Amounts = QUESTION) -> ChatbotError:
    with pytest.raises(ChatbotError) as caught:
        admit(limits, spent, wanted, NOON)
    return caught.value


def today(questions: int = 0, tokens: int = 0, dollars: float = 0) -> Spent:
    taken = SpentBy(Amounts(questions, tokens, dollars))
    return Spent(taken, taken)


def just_now(*seconds_ago: float) -> Spent:
    taken = SpentBy(last_minute=tuple((NOON - ago, QUESTION) for ago in seconds_ago))
    return Spent(taken, taken)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("off", Policy()),
        (" 2 at once ", Policy(at_once=2)),
        ("1 question per minute", policy_in("1 questions/minute")),
        ("0.5 dollars per day", policy_in("0.500 dollar / day")),
        ("500k tokens per day", policy_in("500000 tokens per  day,")),
        ("１０ questions per day，2 at once", policy_in("10 questions per day, 2 at once")),
        ("5M tokens per day,3 at once", policy_in("3 at once, 5000k tokens per day")),
    ],
)
def test_limits_are_said_in_words(text: str, policy: Policy) -> None:
    assert policy_in(text) == policy


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "10", "many", "0 questions per day", "-1 questions per day", "0 at once"),
        *("10 questions per hour", "10 euros per day", "off, 3 at once", "1e9 tokens per day"),
    ],
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no limit"):
        print(policy_in(text))


def test_an_answer_is_limited_in_length_and_time() -> None:
    assert answer_limits_in("8k tokens, 1.5 minutes") == AnswerLimits(8000, 90)
    assert answer_limits_in("20 seconds") == AnswerLimits(None, 20)
    assert answer_limits_in("off") == AnswerLimits()
    for text in ("", "0 seconds", "0 tokens", "fast"):
        with pytest.raises(ValueError, match="no limit"):
            answer_limits_in(text)


def test_without_limits_everything_fits() -> None:
    assert admit(Limits(), today(10**6, 10**12, 10**6), QUESTION, NOON) is None
    assert not Limits().are_counted
    assert PUBLIC.are_counted and PUBLIC.count_dollars


@pytest.mark.parametrize(
    ("text", "spent", "code", "until"),
    [
        ("3 questions per day", today(3), "limit_day_visitor", MIDNIGHT),
        ("9k tokens per day", today(1, 8001), "limit_day_visitor", MIDNIGHT),
        ("1 dollar per day", today(1, 1, 0.995), "limit_day_visitor", MIDNIGHT),
        ("2 questions per minute", just_now(50, 20), "limit_minute_visitor", NOON + 10),
        ("1 question per minute", just_now(50, 20), "limit_minute_visitor", NOON + 40),
        ("2500 tokens per minute", just_now(50, 20), "limit_minute_visitor", NOON + 10),
    ],
)
def test_over_a_limit_it_is_said_when_to_come_back(
    text: str, spent: Spent, code: str, until: float
) -> None:
    error = refusal(visitor(text), spent)
    assert (error.code, float(error.details["until"])) == (code, until)
    error = refusal(Limits(site=policy_in(text)), spent)
    assert error.code == code.replace("visitor", "site")


@pytest.mark.parametrize(
    ("text", "spent"),
    [
        ("3 questions per day", today(2)),
        ("9k tokens per day", today(1, 8000)),
        ("1 dollar per day", today(1, 1, 0.99)),
        ("2 questions per minute", just_now(60, 20)),
        ("3000 tokens per minute", just_now(50, 20)),
        ("2 at once", Spent(SpentBy(running=1), SpentBy(running=9))),
    ],
)
def test_up_to_a_limit_questions_fit(text: str, spent: Spent) -> None:
    admit(visitor(text), spent, QUESTION, NOON)


def test_the_limit_that_lasts_longest_is_told() -> None:
    spent = Spent(just_now(50).by_visitor, today(5).by_site)
    limits = Limits(policy_in("1 question per minute"), policy_in("5 questions per day"))
    assert refusal(limits, spent).code == "limit_day_site"


def test_too_many_answers_at_once_are_told_with_their_number() -> None:
    spent = Spent(SpentBy(running=2), SpentBy(running=5))
    error = refusal(visitor("2 at once"), spent)
    assert (error.code, error.details) == ("limit_at_once_visitor", {"count": "2"})
    assert refusal(Limits(site=policy_in("5 at once")), spent).code == "limit_at_once_site"


def test_what_can_never_fit_is_not_told_to_come_back() -> None:
    assert refusal(visitor("999 tokens per day"), today()).code == "limit_size"


def test_what_is_left_is_told_only_when_it_is_little() -> None:
    limits = visitor("9 questions per day, 100k tokens per day")
    assert admit(limits, today(2), QUESTION, NOON) is None
    assert admit(limits, today(3), QUESTION, NOON) == Remaining(5, MIDNIGHT)
    assert admit(limits, today(8), QUESTION, NOON) == Remaining(0, MIDNIGHT)
    assert admit(limits, today(0, 90_000), QUESTION, NOON) == Remaining(None, MIDNIGHT)
