"""The budget of answers: the reservation before a question, and the count afterwards."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chatbot.answers.answer import Answer
from chatbot.answers.answers import Answers
from chatbot.errors import ChatbotError
from chatbot.limits.budget import UNKNOWN_PRICE, Budget
from chatbot.limits.policy import Limits, answer_limits_in, policy_in
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import Controls
from chatbot.models.pricing import Usage, stated_prices
from chatbot.store import Conversation, Message, ModelDay, State, Store, new_conversation
from chatbot.store.quota import Remaining
from tests.conftest import CANARY_KEY, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.store.test_spending import spent

ME = "me"
CONTROLS = Controls("test-model", 0.8, 100, "")


class Site:
    """A process of an app whose limits a test sets."""

    def __init__(self, store: Store) -> None:
        self.limits = Limits()
        self.store = store
        self.fallback = Store("sqlite://")
        self.refusals: list[str] = []
        self.budget = Budget(
            lambda: self.store, lambda: self.fallback, lambda: self.limits, self.refusals.append
        )
        self.answers = Answers(store, self.budget)

    def limit(self, visitor: str = "off", site: str = "off", answer: str = "off") -> None:
        self.limits = Limits(policy_in(visitor), policy_in(site), answer_limits_in(answer))

    def ask(self, source: Endpoint, owner: str = ME, answers: Answers | None = None) -> Answer:
        conversation = new_conversation("Hi", {})
        return (answers or self.answers).ask(
            owner, conversation, "Hi", CONTROLS, source, is_new=True
        )

    def days(self) -> list[ModelDay]:
        return self.store.spending.by_day(2)

    def counted(self, questions: int) -> ModelDay:
        """Return the model's use today once all questions are counted and their answers saved."""
        wait_until(
            lambda: (
                sum(day.questions for day in self.days()) == questions and not self.answers._running
            )
        )
        [day] = self.days()
        return day


@pytest.fixture
def site(store: Store, endpoint: FakeEndpoint) -> Iterator[Site]:  # closed before the endpoint
    site = Site(store)
    yield site
    site.answers.close()
    wait_until(lambda: not site.answers._running)
    site.fallback.close()


@pytest.fixture
def source(endpoint: FakeEndpoint) -> Endpoint:
    prices = stated_prices("test-model = 1000 / 10000")
    return Endpoint(endpoint.base_url, CANARY_KEY, 10, 10, prices=prices)


def follow(answer: Answer) -> Message:
    while not answer.has_ended:
        answer.wait_for_more(len(answer.text), timeout_seconds=10)
    return answer.message


def refusal(site: Site, source: Endpoint, owner: str = ME) -> ChatbotError:
    with pytest.raises(ChatbotError) as caught:
        site.ask(source, owner)
    return caught.value


@pytest.mark.parametrize("policy", ["off", "9 questions per day, 99 dollars per day"])
def test_an_answer_counts_as_the_endpoint_counted_it(
    site: Site, source: Endpoint, policy: str
) -> None:
    site.limit(policy)
    follow(site.ask(source))
    day = site.counted(1)
    assert (day.model, day.visitors, day.failures) == ("test-model", 1, 0)
    assert (day.read_tokens, day.written_tokens) == (7, 3)
    assert day.dollars == pytest.approx((7 * 1000 + 3 * 10_000) / 1e6)
    assert day.first_texts == 1
    assert 0 < day.first_text_seconds < 30
    assert day.timed_tokens == 3


def test_over_a_limit_nothing_is_asked_and_nothing_kept(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    site.limit("2 questions per day")
    for _ in range(2):
        follow(site.ask(source))
    error = refusal(site, source)
    assert error.code == "limit_day_visitor"
    assert len(endpoint.requests) == 2
    assert len(site.store.conversations.page(ME, 9)) == 2
    follow(site.ask(source, "somebody else"))


def test_a_new_visitor_for_each_question_does_not_pass_the_sites_limit(
    site: Site, source: Endpoint
) -> None:
    site.limit("1 question per day", "3 questions per day")
    for number in range(3):
        follow(site.ask(source, f"visitor {number}"))
    assert refusal(site, source, "visitor 4").code == "limit_day_site"


def test_asking_again_and_going_on_are_questions_too(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(["Half"], finish_reason=None, usage=None)]
    answer = follow(site.ask(source))
    conversation = site.store.conversations.get(ME, answer.conversation_id)
    assert conversation
    site.counted(1)
    site.limit("2 questions per day")
    follow(site.answers.go_on(ME, conversation, answer, CONTROLS, source))
    site.counted(2)
    kept = site.store.messages.get(ME, answer.id)
    assert kept and kept.content.startswith("Half")
    for attempt in ("again", "on", "instead"):
        with pytest.raises(ChatbotError) as caught:
            try_to(attempt, site, conversation, kept, source)
        assert caught.value.code == "limit_day_visitor"
    assert site.store.messages.get(ME, answer.id) == kept
    assert len(endpoint.requests) == 2


def try_to(
    do: str, site: Site, conversation: Conversation, answer: Message, source: Endpoint
) -> None:
    answers, rest = site.answers, (CONTROLS, source)
    if do == "again":
        answers.ask_again(ME, conversation, answer, *rest)
    elif do == "on":
        answers.go_on(ME, conversation, answer, *rest)
    else:
        question = site.store.messages.get(ME, answer.parent_id or "")
        assert question
        answers.ask_instead(ME, conversation, question, "Other", *rest)


def test_so_many_answers_at_once_and_no_more(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(["First", "last"], hold=threading.Event())
    site.limit("2 at once", "3 at once")
    running = [site.ask(source), site.ask(source)]
    assert refusal(site, source).code == "limit_at_once_visitor"
    running.append(site.ask(source, "other"))
    assert refusal(site, source, "another").code == "limit_at_once_site"
    site.answers.stop(ME, running[0].message.id)
    wait_until(lambda: spent(site.store, now=time.time()).by_site.running == 2)
    site.ask(source, "another")


def test_a_stopped_answer_counts_as_far_as_it_came(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(["Some words and more"] * 10, hold=threading.Event())]
    answer = site.ask(source)
    wait_until(lambda: bool(answer.text))
    site.answers.stop(ME, answer.message.id)
    day = site.counted(1)
    assert day.read_tokens > 0
    assert 3 < day.written_tokens < 50
    assert (day.failures, day.timed_tokens) == (0, 0)
    assert day.dollars > 0


def test_stopping_before_the_first_word_costs_what_was_reserved(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(["never"], seconds_before_first=60)
    site.limit("12 questions per day", f"{13 * CONTROLS.max_tokens} tokens per day")
    for number in range(12):
        answer = site.ask(source)
        wait_until(lambda: len(endpoint.requests) == number + 1)  # noqa: B023
        site.answers.stop(ME, answer.message.id)
    day = site.counted(12)
    assert day.written_tokens == 12 * CONTROLS.max_tokens
    assert day.read_tokens > 0
    assert refusal(site, source, "somebody else").code == "limit_day_site"


def test_a_question_that_was_never_sent_takes_no_tokens(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(status=429, headers={"retry-after": "60"})
    waiting = site.ask(source)
    wait_until(lambda: waiting.message.error is not None)
    site.answers.stop(ME, waiting.message.id)
    site.counted(1)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        follow(site.ask(replace(source, base_url=f"http://127.0.0.1:{port}/v1")))
    day = site.counted(2)
    assert (day.read_tokens, day.written_tokens, day.dollars) == (0, 0, 0)


def test_an_answer_stopped_at_once_counts_once(site: Site, source: Endpoint) -> None:
    site.limit("9 at once")
    for _ in range(5):
        answer = site.ask(source)
        site.answers.stop(ME, answer.message.id)
    wait_until(lambda: sum(day.questions for day in site.days()) == 5)
    assert spent(site.store, now=time.time()).by_site.running == 0


def test_who_refuses_a_question_takes_nothing_for_it(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(status=401, error={"message": "no"})]
    follow(site.ask(source))
    day = site.counted(1)
    assert (day.failures, day.read_tokens, day.dollars) == (1, 0, 0)


@pytest.mark.parametrize(
    ("reply", "read", "written"),
    [
        (Reply([], finish_reason="length", thoughts=["Hm."]), 7, 3),
        (Reply([], finish_reason="content_filter"), 7, 3),
        (Reply([], finish_reason="length", usage=None), None, CONTROLS.max_tokens),
        (Reply([], usage={"prompt_tokens": 7, "completion_tokens": 0}), 7, 0),
        (Reply([], usage={"prompt_tokens": 7}), 7, CONTROLS.max_tokens),
        (Reply(usage={"prompt_tokens": 7}), 7, None),
        (Reply(usage={"completion_tokens": 3}), None, 3),
    ],
    ids=[
        *("thought for too long", "filtered", "not counted", "nothing written"),
        *("nothing, half counted", "half counted", "other half"),
    ],
)
@pytest.mark.parametrize("price", ["1000 / 10000", "0 / 0"])
def test_whatever_was_read_and_written_counts(
    site: Site,
    source: Endpoint,
    endpoint: FakeEndpoint,
    reply: Reply,
    read: int | None,
    written: int | None,
    price: str,
) -> None:
    endpoint.replies = [reply]
    follow(site.ask(replace(source, prices=stated_prices(f"test-model = {price}"))))
    day = site.counted(1)
    assert day.read_tokens == read if read is not None else day.read_tokens > 0
    assert day.written_tokens == written if written is not None else day.written_tokens > 0
    assert (day.dollars > 0) is (price != "0 / 0")


def test_who_thinks_for_too_long_after_an_answer_went_on_counts_as_having_read(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(["Half"], finish_reason="length")]
    answer = follow(site.ask(source))
    conversation = site.store.conversations.get(ME, answer.conversation_id)
    assert conversation
    before = site.counted(1).read_tokens
    endpoint.replies = [Reply(["never"], seconds_before_first=60)]
    site.limit(answer="0.3 seconds")
    ended = follow(site.answers.go_on(ME, conversation, answer, CONTROLS, source))
    assert ended.error and ended.error["code"] == "too_slow"
    assert site.counted(2).read_tokens > before


def test_an_answer_with_any_count_before_it_goes_on_can_be_kept(
    site: Site, source: Endpoint
) -> None:
    most = 2**31 - 1  # what an imported file may say
    conversation = new_conversation("Hi", {})
    asked = Message("1" * 32, conversation.id, None, "user", "Hi")
    begun = Message(
        "2" * 32, conversation.id, asked.id, "assistant", "Half", State.CUT_SHORT, model="m"
    )
    begun = replace(begun, prompt_tokens=most, completion_tokens=most)
    _, begun = site.store.conversations.add(ME, conversation, [asked, begun])
    follow(site.answers.go_on(ME, conversation, begun, CONTROLS, source))
    day = site.counted(1)
    assert day.read_tokens > 0 and day.written_tokens > 0
    kept = site.store.messages.get(ME, begun.id)
    assert kept and kept.prompt_tokens == most and kept.state is State.COMPLETE


def test_a_question_that_could_not_be_saved_was_not_asked(
    site: Site, source: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.limit("1 question per day")
    with monkeypatch.context() as patch:
        patch.setattr(
            "chatbot.store.conversations.Conversations.add",
            lambda *_, **__: (_ for _ in ()).throw(ChatbotError("store")),
        )
        assert refusal(site, source).code == "store"
    follow(site.ask(source))


def test_an_answer_that_takes_too_long_is_ended_with_what_came(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(["Came", "never"], hold=threading.Event())
    site.limit(answer="1 second")
    ended = follow(site.ask(source))
    assert (ended.state, ended.content) == (State.CUT_SHORT, "Came")
    assert ended.error and ended.error["code"] == "too_slow"
    assert endpoint.hung_up.wait(10)
    assert site.counted(1).failures == 1


def test_a_conversation_that_is_kept_nowhere_is_counted_all_the_same(
    site: Site, source: Endpoint
) -> None:
    site.limit("1 question per day")
    memory = Store("sqlite://")
    temporary = Answers(memory, site.budget)
    follow(site.ask(source, answers=temporary))
    site.counted(1)
    with pytest.raises(ChatbotError):
        site.ask(source, answers=temporary)
    temporary.close()
    wait_until(lambda: not temporary._running)
    memory.close()


def test_while_the_disk_is_full_it_is_counted_in_memory(
    site: Site, source: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.limit("1 question per day")
    fill_disk(site, monkeypatch)
    follow(site.ask(source))
    assert refusal(site, source).code == "limit_day_visitor"


def test_a_full_disk_gives_the_site_no_second_day(
    site: Site, source: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.limit(site="3 questions per day")
    for _ in range(2):
        follow(site.ask(source))
    site.counted(2)
    fill_disk(site, monkeypatch)
    follow(site.ask(source, "somebody else"))
    assert refusal(site, source, "somebody new").code == "limit_day_site"


def test_what_is_being_answered_when_the_disk_fills_counts_for_the_day(
    site: Site, source: Endpoint, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.limit(site="2 questions per day")
    hold = threading.Event()
    endpoint.replies = [Reply(["First", "last"], hold=hold)]
    running = site.ask(source)
    wait_until(lambda: bool(running.text))
    fill_disk(site, monkeypatch)
    hold.set()
    follow(running)
    follow(site.ask(source, "somebody else"))
    assert refusal(site, source, "somebody new").code == "limit_day_site"


def fill_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the database can be read, but takes nothing that has to do with counting."""

    def fail(*_: object) -> None:
        raise ChatbotError("store_full")

    for name in ("reserve", "settle", "release"):
        monkeypatch.setattr(site.store.spending, name, fail)


def test_when_the_process_ends_in_good_order_its_answers_are_counted(
    site: Site, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(["First", "last"], hold=threading.Event())
    site.limit("9 at once")
    answer = site.ask(source)
    wait_until(lambda: bool(answer.text))
    site.answers.close()
    assert spent(site.store, now=time.time()).by_site.running == 0
    assert site.counted(1).written_tokens < 100


def test_a_visitors_own_server_costs_the_owner_nothing(site: Site, source: Endpoint) -> None:
    site.limit("2 questions per day, 1 token per day, 0.001 dollars per day")
    theirs = replace(source, is_byok=True)
    reservation = site.budget.admit(ME, theirs, "model", Usage(1000, 1000), "0" * 32)
    assert (reservation.question.most.tokens, reservation.question.most.dollars) == (0, 0)
    reservation.give_back()
    assert refusal(site, source).code == "limit_size"


def test_a_price_nobody_knows_counts_as_a_high_one_unless_it_is_ones_own_machine(
    site: Site, source: Endpoint
) -> None:
    site.limit(site="9 dollars per day")

    def most_dollars(base_url: str) -> float:
        endpoint = replace(source, base_url=base_url, prices=())
        reservation = site.budget.admit(ME, endpoint, "odd", Usage(1_000_000, 100_000), "0" * 32)
        reservation.give_back()
        return reservation.question.most.dollars

    dear = UNKNOWN_PRICE.input + UNKNOWN_PRICE.output / 10
    assert most_dollars("https://relay.example.org/v1") == pytest.approx(dear)
    assert most_dollars("http://192.168.1.5:8000/v1") == 0


def test_what_is_left_is_known_after_a_question_and_until_the_day_is_over(
    site: Site, source: Endpoint
) -> None:
    site.limit("2 questions per day")
    assert site.budget.left(ME) is None
    for rest in (1, 0):
        follow(site.ask(source))
        left = site.budget.left(ME)
        assert left and left.questions == rest
    site.budget._remember(ME, Remaining(1, time.time() - 1))
    assert site.budget.left(ME) is None


def test_a_refusal_is_told_to_whoever_counts_them(site: Site, source: Endpoint) -> None:
    site.limit("1 question per day")
    follow(site.ask(source))
    refusal(site, source)
    assert site.refusals == ["limit_day_visitor"]
