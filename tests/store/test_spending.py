"""Recorded use in a real store, with many threads and processes at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from chatbot.errors import ChatbotError
from chatbot.limits.admission import admit
from chatbot.limits.policy import Limits, policy_in
from chatbot.store import Message, Outcome, Question, State, Store, new_conversation, new_id
from chatbot.store.quota import DAY_SECONDS, Amounts, Remaining, Spent
from chatbot.store.spending import KEPT_DAYS, MODELS_A_DAY
from tests.servers.processes import call_at_once

NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2
MOST = Amounts(1, 1000, 0.5)
DONE = Outcome("m", False, 30, 12, 0.02, 0, 0.5, 12, 0.25)


def question(owner: str = "me", now: float = NOON, **changes: object) -> Question:
    values = {"id": new_id(), "owner": owner, "model": "m", "most": MOST, "ends_by": now + 600}
    return Question(**(values | changes))  # type: ignore[arg-type]


def spent(store: Store, owner: str = "me", now: float = NOON) -> Spent:
    """Return the amounts used, and nothing else."""
    seen: list[Spent] = []

    def look(what: Spent) -> None:
        seen.append(what)

    looking = question(owner, now)
    store.spending.reserve(looking, look, now)
    store.spending.release(looking.id)
    return seen[0]


def reserve(
    store: Store, asked: Question, text: str = "off", now: float = NOON
) -> Remaining | None:
    limits = Limits(site=policy_in(text))
    return store.spending.reserve(asked, partial(admit, limits, most=asked.most, now=now), now)


def test_what_may_be_taken_counts_until_it_is_known_what_was(store: Store) -> None:
    asked = question()
    reserve(store, asked)
    for by in (spent(store).by_visitor, spent(store).by_site, spent(store, "other").by_site):
        assert (by.today, by.running) == (MOST, 1)
        assert by.last_minute == ((NOON, MOST),)
    assert spent(store, "other").by_visitor.today == Amounts()
    store.spending.settle(asked, DONE, True, NOON + 2)
    now = spent(store, now=NOON + 3)
    assert (now.by_site.today, now.by_site.running) == (Amounts(1, 42, 0.02), 0)
    assert now.by_visitor == now.by_site
    assert [taken for _, taken in now.by_site.last_minute] == [Amounts(1, 42, 0.02)]
    assert spent(store, now=NOON + 70).by_site.last_minute == ()


def test_where_the_site_has_no_limit_by_the_minute_only_the_visitors_minute_is_told(
    store: Store,
) -> None:
    for owner in ("me", "other"):
        asked = question(owner)
        reserve(store, asked)
        store.spending.settle(asked, DONE, True, NOON)
    running = question("other")
    reserve(store, running)
    told: list[Spent] = []
    store.spending.reserve(question(), told.append, NOON, counts_minutes=False)
    [seen] = told
    assert len(seen.by_visitor.last_minute) == 1
    assert (seen.by_site.running, seen.by_site.today.questions) == (1, 3)


def test_an_end_that_is_told_twice_counts_once(store: Store) -> None:
    asked = question()
    reserve(store, asked)
    for _ in range(2):
        store.spending.settle(asked, DONE, True, NOON)
    assert spent(store).by_site.today == Amounts(1, 42, 0.02)


def test_what_was_not_asked_after_all_counts_nothing(store: Store) -> None:
    asked = question()
    reserve(store, asked)
    store.spending.release(asked.id)
    assert spent(store) == Spent()


def test_what_is_refused_leaves_nothing_behind(store: Store) -> None:
    reserve(store, question(), "1 question per day")
    for _ in range(3):
        with pytest.raises(ChatbotError) as caught:
            reserve(store, question("other"), "1 question per day")
        assert caught.value.code == "limit_day_site"
    assert spent(store).by_site.today.questions == 1


def test_the_next_day_begins_anew(store: Store) -> None:
    asked = question()
    reserve(store, asked, "1 question per day")
    store.spending.settle(asked, DONE, True, NOON)
    tomorrow = NOON + DAY_SECONDS / 2
    with pytest.raises(ChatbotError):
        reserve(store, question(), "1 question per day", tomorrow - 1)
    reserve(store, question(), "1 question per day", tomorrow)


def test_an_answer_that_goes_on_after_midnight_belongs_to_the_day_it_was_asked(
    store: Store,
) -> None:
    late = question(now=NOON + DAY_SECONDS / 2 - 1)
    reserve(store, late, now=NOON + DAY_SECONDS / 2 - 1)
    store.spending.settle(late, DONE, True, NOON + DAY_SECONDS)
    [day] = store.spending.by_day(7, NOON + DAY_SECONDS)
    assert day.day == 20_000
    assert spent(store, now=NOON + DAY_SECONDS).by_site.today == Amounts()


def test_without_limits_only_ends_are_counted(store: Store) -> None:
    store.spending.settle(question(), DONE, False, NOON)
    assert spent(store).by_visitor.today == Amounts(1, 42, 0.02)


def test_days_are_kept_by_model_and_of_nobody(store: Store) -> None:
    for owner, outcome in [("a", DONE), ("a", Outcome("n", True)), ("b", DONE), ("a", DONE)]:
        store.spending.settle(question(owner), outcome, False, NOON)
    first, second = store.spending.by_day(1, NOON)
    assert (first.model, first.visitors, first.questions, first.failures) == ("m", 2, 3, 0)
    assert (first.read_tokens, first.written_tokens, first.first_texts) == (90, 36, 3)
    assert (first.first_text_seconds, first.timed_seconds) == (1.5, 0.75)
    assert first.dollars == pytest.approx(0.06)
    assert (second.model, second.visitors, second.failures) == ("n", 0, 1)
    assert store.spending.by_day(1, NOON + DAY_SECONDS) == []
    assert len(store.spending.by_day(2, NOON + DAY_SECONDS)) == 2


def test_names_of_models_that_anybody_can_make_up_do_not_fill_the_table(store: Store) -> None:
    for number in range(MODELS_A_DAY + 20):
        store.spending.settle(question(), Outcome(f"{number}" * 300), False, NOON)
    days = store.spending.by_day(1, NOON)
    assert len(days) == MODELS_A_DAY + 1
    assert sum(day.questions for day in days) == MODELS_A_DAY + 20
    assert max(len(day.model) for day in days) <= 200


def test_nothing_grows_for_ever(store: Store) -> None:
    for day in range(0, KEPT_DAYS + 100, 50):
        now = NOON + day * DAY_SECONDS
        asked = question(f"{day}", now)
        reserve(store, asked, now=now)
        store.spending.settle(asked, DONE, True, now + 90)
    assert len(store.spending.by_day(10_000, now)) == KEPT_DAYS // 50 + 1
    with store._database.engine.connect() as connection:
        for table, rows in (("spendings", 0), ("visitor_days", 1)):
            query = f"SELECT count(*) FROM {table}"
            assert connection.exec_driver_sql(query).scalar_one() == rows


def test_a_visitor_who_is_recognised_later_is_one(store: Store) -> None:
    running = question("new")
    reserve(store, running)
    for owner in ("new", "known"):
        store.spending.settle(question(owner), DONE, False, NOON)
    store.conversations.merge_owner("new", "known")
    assert spent(store, "known").by_visitor.today == Amounts(3, 1084, 0.54)
    assert spent(store, "known").by_visitor.running == 1
    assert spent(store, "new").by_visitor == type(spent(store).by_visitor)()


def test_who_is_forgotten_leaves_only_numbers(store: Store) -> None:
    running = question()
    reserve(store, running)
    store.spending.settle(question(), DONE, False, NOON)
    store.spending.forget("me")
    assert spent(store).by_visitor.today == Amounts()
    assert spent(store).by_site.today == Amounts(2, 1042, 0.52)
    store.spending.settle(running, DONE, True, NOON)
    assert [day.visitors for day in store.spending.by_day(1, NOON)] == [1]


# Answers whose process is gone


def begin_answer(store: Store) -> tuple[Question, Message]:
    """A question whose answer is being given, by a process that may be gone."""
    now = time.time()
    asked = Message(new_id(), "c", None, "user", "Hi")
    lease = new_id()
    answer = Message(new_id(), "c", asked.id, "assistant", "", State.ANSWERING, lease=lease)
    conversation = new_conversation("Hi", {})
    messages = [
        Message(**{**vars(one), "conversation_id": conversation.id}) for one in (asked, answer)
    ]
    paying = question(now=now, id=lease, message_id=answer.id)
    reserve(store, paying, now=now)
    _, answer = store.conversations.add("me", conversation, messages)
    return paying, answer


def test_an_answer_whose_process_died_ends_by_itself_and_counts_as_much_as_it_may_have(
    store: Store,
) -> None:
    begin_answer(store)
    now = time.time()
    assert spent(store, now=now + 5).by_site.running == 1
    reserve(store, question("other"), "2 at once, 9 questions per day", now + 7)
    gone = spent(store, now=now + 7).by_visitor
    assert (gone.running, gone.today) == (0, MOST)
    days = store.spending.by_day(2, now)
    assert [(day.failures, day.read_tokens) for day in days] == [(1, MOST.tokens)]


def test_an_answer_that_is_still_saved_counts_as_running(store: Store) -> None:
    paying, answer = begin_answer(store)
    with store._database.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE messages SET saved_at = {time.time() + 60}")
    assert spent(store, now=time.time() + 60).by_visitor.running == 1
    # … nor is it taken to be gone when its end is saved, but not counted yet.
    ended = Message(**{**vars(answer), "state": State.COMPLETE, "content": "Hello"})
    store.checkpoints.save([ended])
    assert spent(store, now=time.time() + 5).by_visitor.running == 1
    store.spending.settle(paying, DONE, True)
    assert spent(store, now=time.time() + 5).by_visitor.today == Amounts(1, 42, 0.02)


def test_what_has_no_answer_in_the_store_is_gone_after_its_time(store: Store) -> None:
    reserve(store, question())
    assert spent(store, now=NOON + 599).by_site.running == 1
    assert spent(store, now=NOON + 601).by_site.running == 0
    assert spent(store, now=NOON + 601).by_site.today == MOST


# Many at once


def ask_many(url: str, policy: str, count: int) -> list[str]:
    """How so many questions, asked at once, fare in a process of its own."""
    store = Store(url)

    def ask(number: int) -> str:
        now = time.time()
        asked = question(f"visitor {number % 7}", now)
        limits = Limits(site=policy_in(policy))
        check: Callable[[Spent], object] = partial(admit, limits, most=MOST, now=now)
        try:
            store.spending.reserve(asked, check, now)
        except ChatbotError as error:
            return error.code
        store.spending.settle(asked, DONE, True)
        return "asked"

    with ThreadPoolExecutor(count) as pool:
        outcomes = list(pool.map(ask, range(count)))
    store.close()
    return outcomes


@pytest.mark.parametrize(
    ("policy", "code"), [("20 questions per day", "day"), ("20 questions per minute", "minute")]
)
def test_fifty_questions_at_once_of_two_processes_never_pass_a_limit(
    database_url: str, policy: str, code: str
) -> None:
    Store(database_url).close()
    of_each = call_at_once(ask_many, database_url, policy, 25, times=2)
    outcomes = [outcome for outcomes in of_each for outcome in outcomes]
    assert outcomes.count("asked") == 20
    assert outcomes.count(f"limit_{code}_site") == 30
    store = Store(database_url)
    today = spent(store, now=time.time()).by_site
    store.close()
    assert (today.today.questions, today.today.tokens, today.running) == (20, 20 * 42, 0)
