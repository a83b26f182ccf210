"""Retries of a question while the endpoint is busy."""

import time
from collections.abc import Iterator

import pytest

from chatbot.answers.answer import seconds_to_retry
from chatbot.answers.answers import Answers
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import Endpoint
from chatbot.store import Conversation, State, Store
from tests.answers.test_answers import CONTROLS, ME, saved
from tests.conftest import CANARY_KEY, start_conversation, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply

BUSY = Reply(status=429, headers={"Retry-After": "60"})


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store("sqlite://")
    yield store
    store.close()


@pytest.fixture
def answers(store: Store) -> Iterator[Answers]:
    answers = Answers(store)
    yield answers
    answers.close()


@pytest.fixture
def conversation(store: Store) -> Conversation:
    return start_conversation(store, ME, "Hi", {})


@pytest.fixture
def source(endpoint: FakeEndpoint) -> Endpoint:
    return Endpoint(endpoint.base_url, CANARY_KEY, 2, 2)


def test_a_busy_endpoint_is_asked_again_when_it_said(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.llm.retries.LONGEST_SILENT_PAUSE_SECONDS", 0)
    endpoint.replies = [Reply(status=429, headers={"Retry-After": "1"}), Reply(["At last"])]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: seconds_to_retry(answer.message) > 0)
    assert seconds_to_retry(answer.message) <= 1
    kept = saved(store, answer)
    assert (kept.content, kept.state, kept.error) == ("At last", State.COMPLETE, None)
    assert len(store.messages.all(ME, conversation.id)) == 2


def test_a_wait_is_kept_and_ends_when_a_person_wants_it_to(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [BUSY, Reply(["At last"])]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: seconds_to_retry(answer.message) > 50)

    def kept_error() -> ChatbotError | None:
        message = store.messages.get(ME, answer.message.id)
        assert message and message.state is State.ANSWERING
        return ChatbotError.from_json(message.error)

    wait_until(lambda: (error := kept_error()) is not None and error.code == "waiting")
    answers.retry_now(ME, answer.message.id)
    assert saved(store, answer).content == "At last"


def test_a_wait_can_be_cancelled(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [BUSY]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: seconds_to_retry(answer.message) > 0)
    answers.stop(ME, answer.message.id)
    kept = saved(store, answer)
    assert (kept.state, kept.error) == (State.STOPPED, None)
    assert len(endpoint.requests) == 1


def test_an_endpoint_that_stays_busy_is_given_up(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.answers.generation.RETRY_SECONDS", (0.01, 0.01))
    endpoint.default_reply = Reply(status=409, headers={"x-should-retry": "false"})
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    kept = saved(store, answer)
    error = ChatbotError.from_json(kept.error)
    assert kept.state is State.FAILED
    assert error and error.code == "busy"
    assert len(endpoint.requests) == 3


def test_a_wait_in_a_process_that_has_gone_is_no_wait(
    answers: Answers, conversation: Conversation, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [BUSY]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: seconds_to_retry(answer.message) > 0)
    answers.close()
    assert answer.message.state is State.CUT_SHORT
    assert seconds_to_retry(answer.message) == 0
    assert answer.message.error is None


def test_what_is_refused_is_remembered_for_a_month(store: Store) -> None:
    store.refusals.add("endpoint", "model", "temperature", "")
    store.refusals.add("endpoint", "model", "max_tokens", "max_completion_tokens")
    store.refusals.add("endpoint", "model", "temperature", "")
    store.refusals.add("other", "model", "temperature", "")
    assert store.refusals.all() == {
        ("endpoint", "model"): {"temperature": "", "max_tokens": "max_completion_tokens"},
        ("other", "model"): {"temperature": ""},
    }
    now = time.time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chatbot.store.learned.time.time", lambda: now + 31 * 24 * 3600)
        assert store.refusals.all() == {}
