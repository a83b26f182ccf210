"""Answers in progress, against a loopback endpoint and a real store."""

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web

from chatbot import background
from chatbot.answers.answer import Answer
from chatbot.answers.answers import Answers
from chatbot.builtin import model as builtin_model
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import Controls
from chatbot.models.pricing import stated_prices
from chatbot.models.tokens import UNKNOWN, count
from chatbot.store import Conversation, Message, State, Store, new_id
from tests.conftest import CANARY_KEY, ROOT, save_slowly, start_conversation, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply

ME = "me"
CONTROLS = Controls("test-model", 0.8, 2048, "")


@pytest.fixture
def answers(store: Store) -> Iterator[Answers]:
    answers = Answers(store)
    yield answers
    answers.close()
    wait_until(lambda: not answers._running)  # the last end is saved before its database goes


@pytest.fixture
def conversation(store: Store) -> Conversation:
    return start_conversation(store, ME, "Hi", CONTROLS.to_json())


@pytest.fixture
def source(endpoint: FakeEndpoint) -> Endpoint:
    return Endpoint(endpoint.base_url, CANARY_KEY, 10, 10)


def follow(answer: Answer) -> Message:
    """Wait for the end."""
    while not answer.has_ended:
        answer.wait_for_more(len(answer.text), timeout_seconds=10)
    return answer.message


def refuse_the_bad(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the store takes no answer whose text is "Bad"."""
    save = store.checkpoints.save

    def save_the_good(messages: list[Message]) -> set[str]:
        if any(message.content == "Bad" for message in messages):
            raise ChatbotError("store")
        return save(messages)

    monkeypatch.setattr(store.checkpoints, "save", save_the_good)


def saved(store: Store, answer: Answer) -> Message:
    """The answer as the store has it, once its end has been saved."""
    message: Message | None = None

    def is_saved() -> bool:
        nonlocal message
        message = store.messages.get(ME, answer.message.id)
        return message is not None and message.state is not State.ANSWERING

    wait_until(is_saved)
    assert message
    return message


def test_question_and_answer_are_kept_with_model_reason_and_usage(
    answers: Answers, store: Store, conversation: Conversation, source: Endpoint
) -> None:
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    question, kept = store.messages.branch(ME, conversation.id, 10)
    assert (question.role, question.content, question.state) == ("user", "Hi", State.COMPLETE)
    follow(answer)
    kept = saved(store, answer)
    assert (kept.content, kept.state, kept.finish_reason) == (
        "Hello there!",
        State.COMPLETE,
        "stop",
    )
    assert (kept.model, kept.host) == ("test-model", source.host)
    assert (kept.prompt_tokens, kept.completion_tokens) == (7, 3)


def test_the_question_is_saved_before_the_endpoint_is_asked(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ChatbotError("store")

    monkeypatch.setattr(store.conversations, "add", fail)
    with pytest.raises(ChatbotError):
        answers.ask(ME, conversation, "Hi", CONTROLS, source, is_new=True)
    assert endpoint.requests == []


def test_the_text_so_far_is_saved_while_the_answer_runs(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    release = threading.Event()
    endpoint.replies = [Reply(["First", " last"], hold=release)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)

    def checkpoint() -> Message | None:
        return store.messages.get(ME, answer.message.id)

    wait_until(lambda: (message := checkpoint()) is not None and message.content == "First")
    message = checkpoint()
    assert message and message.state is State.ANSWERING
    release.set()
    assert saved(store, answer).content == "First last"


def test_an_answer_that_ends_while_it_is_read_is_not_taken_for_one_of_another_process(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    endpoint.replies = [Reply(["First", " last"], hold=release)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    read = store.messages.branch

    def read_and_end(*arguments: Any) -> list[Message]:
        branch = read(*arguments)
        release.set()
        saved(store, answer)
        wait_until(lambda: answers.running_count == 0)
        return branch

    monkeypatch.setattr(store.messages, "branch", read_and_end)
    branch, running = answers.branch(ME, conversation, 10)
    assert (branch[-1].content, branch[-1].state, running) == ("First last", State.COMPLETE, None)


@pytest.mark.parametrize(
    "thoughtful",
    [{"thoughts": ["Hm", ", hm"]}, {"raw_events": None}],
    ids=["in a field", "in tags"],
)
def test_what_is_thought_is_kept_apart_and_never_sent_back(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    thoughtful: dict[str, Any],
) -> None:
    pieces = ["Well", " said"]
    if "thoughts" not in thoughtful:
        pieces = ["<think>\nHm", ", hm</", "think>\n\n", *pieces]
    release = threading.Event()
    endpoint.replies = [Reply(pieces, hold_answer=release, **thoughtful)]
    if "thoughts" not in thoughtful:
        release.set()
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    if "thoughts" in thoughtful:  # it is there before the answer, also for another process
        wait_until(
            lambda: getattr(store.messages.get(ME, answer.message.id), "reasoning", "") != ""
        )
        elsewhere = Answers(store)
        _, seen = elsewhere.branch(ME, conversation, 10)
        assert seen and seen.text == ""

        def has_thought() -> bool:
            seen.wait_for_more(0, timeout_seconds=0.05)
            return seen.reasoning == "Hm, hm"

        wait_until(has_thought)
        assert seen.reasoning_seconds is not None
        elsewhere.close()
    release.set()
    kept = saved(store, answer)
    assert (kept.content, kept.reasoning, kept.state) == ("Well said", "Hm, hm", State.COMPLETE)
    assert kept.reasoning_seconds is not None and kept.reasoning_seconds >= 0
    [found] = store.search.find(ME, "said", 10)
    assert found.text == "Well said"
    assert store.search.find(ME, "hm", 10) == []
    saved(store, answers.ask(ME, conversation, "And?", CONTROLS, source))
    assert [message["content"] for message in endpoint.requests[-1]["messages"]] == [
        "Hi",
        "Well said",
        "And?",
    ]


def test_a_cut_answer_that_had_reasoning_is_continued_and_thinks_again(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [
        Reply(["One two"], thoughts=["Hm"], finish_reason="length"),
        Reply(["<think>Again</think>", "One two", " three"]),
    ]
    cut = saved(store, answers.ask(ME, conversation, "Count", CONTROLS, source))
    assert (cut.content, cut.reasoning) == ("One two", "Hm")
    whole = saved(store, answers.go_on(ME, conversation, cut, CONTROLS, source))
    assert (whole.content, whole.reasoning) == ("One two three", "Hm\n\nAgain")
    assert whole.reasoning_seconds >= cut.reasoning_seconds  # type: ignore[operator]
    assert "Hm" not in str(endpoint.requests[-1]["messages"])


def test_what_was_thought_before_a_stop_or_a_fault_is_kept(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [
        Reply(["No"], thoughts=["Hm"], hold_answer=threading.Event()),
        Reply([], thoughts=["Hm"], finish_reason=None),
    ]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: answer.reasoning == "Hm")
    answers.stop(ME, answer.message.id)
    kept = saved(store, answer)
    assert (kept.state, kept.content, kept.reasoning) == (State.STOPPED, "", "Hm")
    kept = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    assert (kept.state, kept.content, kept.reasoning) == (State.FAILED, "", "Hm")


def test_stop_ends_the_request_and_keeps_the_text(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(["Some"] * 1000, seconds_between=0.01)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    answer.wait_for_more(0, timeout_seconds=5)
    answers.stop(ME, answer.message.id)
    assert answer.has_ended
    assert endpoint.hung_up.wait(0.5)
    kept = saved(store, answer)
    assert kept.state is State.STOPPED
    assert kept.content == answer.text != ""


def test_an_answer_is_stopped_by_its_owner_alone(
    answers: Answers, conversation: Conversation, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(["One", "Two"], hold=threading.Event())
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: answer.text == "One")
    answers.stop("somebody else", answer.message.id)
    answers.stop_all("somebody else")
    assert not answer.has_ended
    answers.merge_owner(ME, "me, recognised")
    answers.stop_all("me, recognised")
    assert answer.message.state is State.STOPPED
    assert endpoint.hung_up.wait(10)


@pytest.mark.parametrize("event", [None, "asked"])
def test_stop_works_before_the_first_token(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    event: str | None,
) -> None:
    endpoint.replies = [Reply(seconds_before_first=60)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    if event == "asked":
        assert endpoint.asked.wait(5)
    answers.stop(ME, answer.message.id)
    assert saved(store, answer).state is State.STOPPED
    if event == "asked":
        assert endpoint.hung_up.wait(0.5)


@pytest.mark.parametrize(
    ("reply", "state", "code"),
    [
        (Reply(status=401), State.FAILED, "key_refused"),
        (Reply(pieces=[]), State.FAILED, "empty"),
        (Reply(pieces=[], finish_reason="length"), State.FAILED, "no_room"),
        (Reply([], thoughts=["Hm"], finish_reason="length"), State.FAILED, "thought_too_long"),
        (Reply(["<think>Hm"], finish_reason="length"), State.FAILED, "thought_too_long"),
        (
            Reply(
                [],
                finish_reason="length",
                usage={"completion_tokens_details": {"reasoning_tokens": 2048}},
            ),
            State.FAILED,
            "thought_too_long",
        ),
        (Reply(pieces=[], finish_reason="content_filter"), State.FAILED, "filtered"),
        (Reply(["Half"], finish_reason=None), State.CUT_SHORT, "interrupted"),
        (Reply(["Half"], finish_reason="content_filter"), State.CUT_SHORT, "filtered"),
        (Reply(["Long"], finish_reason="length"), State.COMPLETE, None),
    ],
)
def test_every_end_is_kept_with_its_reason(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    reply: Reply,
    state: State,
    code: str | None,
) -> None:
    endpoint.replies = [reply]
    kept = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    assert kept.state is state
    assert (kept.error or {}).get("code") == code


def test_an_unexpected_exception_is_logged_and_ends_as_a_failure(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("chatbot.answers.generation.ReplyRequest", lambda *_: 1 / 0)
    kept = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    assert kept.state is State.FAILED
    assert kept.error == {"code": "unexpected", "details": {}}
    assert "ZeroDivisionError" in caplog.text


def test_only_one_answer_runs_in_a_conversation(
    answers: Answers, conversation: Conversation, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(seconds_before_first=60)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    with pytest.raises(ChatbotError) as caught:
        answers.ask(ME, conversation, "And?", CONTROLS, source)
    assert caught.value.code == "still_answering"
    with pytest.raises(ChatbotError):
        answers.ask_again(ME, conversation, answer.message, CONTROLS, source)
    answers.stop(ME, answer.message.id)


def test_asking_again_sends_the_same_and_keeps_the_first_answer(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(["One"]), Reply(["Two"])]
    first = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    second = saved(store, answers.ask_again(ME, conversation, first, CONTROLS, source))
    assert endpoint.requests[0]["messages"] == endpoint.requests[1]["messages"]
    assert [message.content for message in store.messages.branch(ME, conversation.id, 9)] == [
        "Hi",
        "Two",
    ]
    assert second.parent_id == first.parent_id
    kept = store.messages.get(ME, first.id)
    assert kept and kept.content == "One"


def test_the_conversation_so_far_is_sent(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    controls = Controls("test-model", 0.1, 10, "Be brief.")
    saved(store, answers.ask(ME, conversation, "Hi", controls, source))
    saved(store, answers.ask(ME, conversation, "And?", controls, source))
    assert endpoint.requests[-1]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello there!"},
        {"role": "user", "content": "And?"},
    ]


def test_without_a_choice_the_first_model_of_the_list_answers(
    answers: Answers, store: Store, conversation: Conversation, source: Endpoint
) -> None:
    controls = Controls(None, 0.8, 10, "")
    assert saved(store, answers.ask(ME, conversation, "Hi", controls, source)).model == "test-model"


def test_an_answer_whose_process_has_gone_is_cut_short(
    answers: Answers, store: Store, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Message(new_id(), conversation.id, None, "assistant", "Half an ans", State.ANSWERING)
    store.messages.add(ME, [message], after_leaf_id=None)
    [seen], running = answers.branch(ME, conversation, 10)
    assert running and seen.state is State.ANSWERING
    monkeypatch.setattr("chatbot.store.records.HEARTBEAT_TIMEOUT_SECONDS", -1)
    running.wait_for_more(len("Half an ans"), timeout_seconds=0)
    assert running.has_ended
    assert (running.message.state, running.text) == (State.CUT_SHORT, "Half an ans")
    [seen], running = answers.branch(ME, conversation, 10)
    assert running is None
    assert seen.state is State.CUT_SHORT


def test_an_answer_in_another_process_is_followed_through_the_store(
    store: Store, conversation: Conversation, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    release = threading.Event()
    endpoint.replies = [Reply(["First", " last"], hold=release)]
    here, elsewhere = Answers(store), Answers(store)
    here.ask(ME, conversation, "Hi", CONTROLS, source)
    _, running = elsewhere.branch(ME, conversation, 10)
    assert running

    def followed(condition: Callable[[], bool]) -> bool:
        running.wait_for_more(len(running.text), timeout_seconds=0.01)
        return condition()

    wait_until(lambda: followed(lambda: running.text == "First"))
    release.set()
    wait_until(lambda: followed(lambda: running.has_ended))
    assert (running.text, running.message.state) == ("First last", State.COMPLETE)
    here.close()
    elsewhere.close()


def test_a_store_that_fails_for_a_while_loses_nothing(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save = store.checkpoints.save
    failures = iter([True, True])

    def fail_twice(messages: list[Message]) -> set[str]:
        if next(failures, False):
            raise OverflowError
        return save(messages)

    monkeypatch.setattr(store.checkpoints, "save", fail_twice)
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    follow(answer)
    branch, running = answers.branch(ME, conversation, 10)
    assert running is None
    assert branch[-1].content == "Hello there!"  # from memory, until it is saved
    assert saved(store, answer).content == "Hello there!"


def test_one_that_cannot_be_saved_does_not_keep_the_others(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_the_bad(store, monkeypatch)
    endpoint.replies = [Reply(["Bad"]), Reply(["Good"])]
    bad = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    follow(bad)
    other = start_conversation(store, ME, "Other", CONTROLS.to_json())
    good = answers.ask(ME, other, "Hi", CONTROLS, source)
    assert saved(store, good).content == "Good"
    monkeypatch.undo()
    assert saved(store, bad).content == "Bad"


def test_the_end_of_an_answer_does_not_have_all_others_saved(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.answers.saving.CHECKPOINT_SECONDS", 3600)
    save, saves = store.checkpoints.save, []

    def note(messages: list[Message]) -> set[str]:
        saves.append([message.id for message in messages])
        return save(messages)

    release = threading.Event()
    endpoint.replies = [Reply(["Long", " one"], hold=release), Reply(["Short"])]
    long = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: long.text == "Long")
    monkeypatch.setattr(store.checkpoints, "save", note)
    other = start_conversation(store, ME, "Other", CONTROLS.to_json())
    short = answers.ask(ME, other, "Hi", CONTROLS, source)
    assert saved(store, short).content == "Short"
    assert saves == [[short.message.id]]
    release.set()
    assert saved(store, long).content == "Long one"


def test_an_answer_of_a_killed_process_can_be_stopped(
    answers: Answers, store: Store, conversation: Conversation
) -> None:
    message = Message(new_id(), conversation.id, None, "assistant", "Half", State.ANSWERING)
    store.messages.add(ME, [message], after_leaf_id=None)
    answers.stop("somebody else", message.id)
    assert (seen := store.messages.get(ME, message.id)) and seen.state is State.ANSWERING
    answers.stop(ME, message.id)
    assert (seen := store.messages.get(ME, message.id)) and seen.state is State.STOPPED
    assert seen.content == "Half"


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[Answers]:
    """Another process with the same database, as far as it and the first can tell."""
    store = Store(database_url)
    answers = Answers(store)
    yield answers
    answers.close()
    wait_until(lambda: not answers._running)
    store.close()


def test_stop_pressed_in_another_process_ends_the_request(
    answers: Answers,
    elsewhere: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(["First", " last"], hold=threading.Event())]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: elsewhere.branch(ME, conversation, 9)[0][-1].content == "First")
    elsewhere.stop("somebody else", answer.message.id)
    elsewhere.stop(ME, answer.message.id)
    assert endpoint.hung_up.wait(10)
    wait_until(lambda: not answers.is_running(answer.message.id))
    for process in (answers, elsewhere):
        [*_, seen], running = process.branch(ME, conversation, 9)
        assert (seen.state, seen.content, running) == (State.STOPPED, "First", None)


def test_a_process_that_slept_does_not_write_over_what_another_one_continued(
    answers: Answers,
    elsewhere: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asleep = threading.Event()
    endpoint.replies = [Reply(["First, ", "of the sleeper"], hold=asleep)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: elsewhere.branch(ME, conversation, 9)[0][-1].content == "First, ")
    with monkeypatch.context() as patched:
        for module in ("records", "checkpoints"):
            patched.setattr(f"chatbot.store.{module}.HEARTBEAT_TIMEOUT_SECONDS", -1)
        [*_, cut], running = elsewhere.branch(ME, conversation, 9)
        assert running is None and cut.state is State.CUT_SHORT
        endpoint.replies = [Reply(["of the other"])]
        elsewhere.go_on(ME, conversation, cut, CONTROLS, source)
    wait_until(lambda: not answers.is_running(answer.message.id))
    asleep.set()
    wait_until(lambda: not answers._running and not elsewhere._running)
    kept = store.messages.get(ME, cut.id)
    assert kept and (kept.content, kept.state) == ("First, of the other", State.COMPLETE)


def test_the_built_in_models_window_has_room_for_question_and_answer(
    answers: Answers, store: Store, conversation: Conversation, endpoint: FakeEndpoint
) -> None:
    small = Endpoint(endpoint.base_url, None, 2, 2, context_window_tokens=1000)
    controls = Controls("test-model", 0.8, 100_000, "")
    saved(store, answers.ask(ME, conversation, "My name is Ann.", controls, small))
    saved(store, answers.ask(ME, conversation, "What is my name?", controls, small))
    assert endpoint.requests[-1]["max_tokens"] == 500
    assert len(endpoint.requests[-1]["messages"]) == 3


def test_an_orderly_end_of_the_process_keeps_what_is_there(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(["Some"] * 1000, seconds_between=0.01)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    answer.wait_for_more(0, timeout_seconds=5)
    answers.close()
    kept = store.messages.get(ME, answer.message.id)
    assert kept and kept.state is State.CUT_SHORT
    assert kept.content


def test_a_cut_answer_goes_on_without_a_seam_and_its_usage_adds_up(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 5}
    endpoint.replies = [
        Reply(["The quick", " bro"], finish_reason="length"),
        Reply(["The ", "quick", " brown", " fox."], usage=usage),
    ]
    cut = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    answer = answers.go_on(ME, conversation, cut, CONTROLS, source)
    assert answer.text.startswith("The quick bro")
    whole = saved(store, answer)
    assert (whole.id, whole.content) == (cut.id, "The quick brown fox.")
    assert (whole.state, whole.finish_reason) == (State.COMPLETE, "stop")
    assert (whole.prompt_tokens, whole.completion_tokens) == (27, 8)
    *before, instruction = endpoint.requests[-1]["messages"]
    assert before == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "The quick bro"},
    ]
    assert instruction["role"] == "user" and "“The quick bro”" in instruction["content"]
    branch, _ = answers.branch(ME, conversation, 9)
    assert [message.content for message in branch] == ["Hi", "The quick brown fox."]


def test_what_a_continued_answer_costs_is_exact_only_if_all_its_parts_were_counted(
    answers: Answers, store: Store, conversation: Conversation, endpoint: FakeEndpoint
) -> None:
    priced = Endpoint(endpoint.base_url, None, 2, 2, prices=stated_prices("* = 1 / 1"))
    wholes = []
    for finish_reason, usage in (
        ("length", {"prompt_tokens": 7, "completion_tokens": 3}),
        (None, None),
    ):
        endpoint.replies = [
            Reply(["One", " two"], finish_reason=finish_reason, usage=usage),
            Reply(["One two", " three"]),
        ]
        cut = saved(store, answers.ask(ME, conversation, "Count", CONTROLS, priced))
        whole = saved(store, answers.go_on(ME, conversation, cut, CONTROLS, priced))
        assert (whole.content, whole.state) == ("One two three", State.COMPLETE)
        wholes.append(whole)
    exact, guessed = wholes
    assert exact.cost == pytest.approx(20 / 1_000_000)
    assert exact.prompt_tokens == 14
    assert guessed.cost and guessed.cost > 20 / 1_000_000  # the cut one's is guessed
    assert (guessed.prompt_tokens, guessed.completion_tokens) == (None, None)


@pytest.mark.parametrize("end", ["stopped", "cut", "not counted"])
def test_what_an_answer_costs_that_nobody_counted_is_guessed(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    endpoint: FakeEndpoint,
    end: str,
) -> None:
    priced = Endpoint(endpoint.base_url, None, 2, 2, prices=stated_prices("* = 1 / 10"))
    hold = threading.Event()
    reason = "stop" if end == "not counted" else None
    endpoint.replies = [
        Reply(["word " * 900, "." * 15], usage=None, finish_reason=reason, hold=hold),
    ]
    answer = answers.ask(ME, conversation, "word " * 900, CONTROLS, priced)
    wait_until(lambda: bool(answer.text))
    if end == "stopped":
        answers.stop(ME, answer.message.id)
    hold.set()
    kept = saved(store, answer)
    assert (kept.prompt_tokens, kept.completion_tokens) == (None, None)
    assert kept.cost == pytest.approx(800 / 1_000_000 + 10 * 810 / 1_000_000, rel=0.15)


def test_an_answer_of_the_built_in_model_costs_nothing_even_if_the_app_is_killed(
    answers: Answers, store: Store, conversation: Conversation, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply(hold=threading.Event())
    built_in = Endpoint(endpoint.base_url, None, name=builtin_model.NAME)
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, built_in)
    kept = store.messages.get(ME, answer.message.id)  # all that another process would find
    assert kept and kept.cost == 0
    answers.stop(ME, answer.message.id)


@pytest.mark.parametrize(
    ("refusal", "cost"), [(Reply(status=401, error={"message": "No"}), 0), (None, None)]
)
def test_what_failed_without_a_word_cost_nothing_if_it_was_refused_and_nobody_knows_otherwise(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    endpoint: FakeEndpoint,
    refusal: Reply | None,
    cost: float | None,
) -> None:
    prices = stated_prices("* = 1 / 10")
    priced = Endpoint(endpoint.base_url, None, 2, 0.3, prices=prices)
    endpoint.default_reply = refusal or Reply(seconds_before_first=30)
    kept = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, priced))
    assert (kept.state, kept.cost) == (State.FAILED, cost)


def test_a_model_that_goes_on_by_itself_is_told_nothing(
    answers: Answers, store: Store, conversation: Conversation, endpoint: FakeEndpoint
) -> None:
    built_in = Endpoint(
        endpoint.base_url, None, 2, 2, context_window_tokens=1000, supports_prefill=True
    )
    endpoint.replies = [Reply(["ha ha"], finish_reason=None), Reply([" ha", " ha"])]
    cut = saved(store, answers.ask(ME, conversation, "Laugh", CONTROLS, built_in))
    assert cut.state is State.CUT_SHORT
    whole = saved(store, answers.go_on(ME, conversation, cut, CONTROLS, built_in))
    assert whole.content == "ha ha ha ha"
    assert endpoint.requests[-1]["messages"][-1] == {"role": "assistant", "content": "ha ha"}
    assert endpoint.requests[-1]["max_tokens"] == 500


@pytest.mark.parametrize(
    ("reply", "text", "state", "code"),
    [
        (Reply(status=500), "Half an", State.CUT_SHORT, "server_error"),
        (Reply(["an ans"], finish_reason=None), "Half an ans", State.CUT_SHORT, "interrupted"),
        (Reply(["Half"], finish_reason=None), "Half an", State.CUT_SHORT, "interrupted"),
        (Reply([]), "Half an", State.COMPLETE, None),
    ],
)
def test_a_continuation_that_fails_keeps_all_text(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    reply: Reply,
    text: str,
    state: State,
    code: str | None,
) -> None:
    endpoint.replies = [Reply(["Half an"], finish_reason="length"), reply]
    endpoint.default_reply = reply
    cut = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    kept = saved(store, answers.go_on(ME, conversation, cut, CONTROLS, source))
    assert (kept.content, kept.state, (kept.error or {}).get("code")) == (text, state, code)


def test_stop_and_continue_follow_each_other_at_once(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    release = threading.Event()
    endpoint.replies = [
        Reply(["First", " never"], hold=release),
        Reply(["First", " second"], hold=release),
    ]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    answer.wait_for_more(0, timeout_seconds=5)
    answers.stop(ME, answer.message.id)
    answer = answers.go_on(ME, conversation, answer.message, CONTROLS, source)
    with pytest.raises(ChatbotError) as caught:
        answers.go_on(ME, conversation, answer.message, CONTROLS, source)
    assert caught.value.code == "still_answering"
    release.set()
    assert saved(store, answer).content == "First second"
    assert follow(answer).state is State.COMPLETE


def test_only_the_end_of_the_branch_goes_on(
    answers: Answers, store: Store, conversation: Conversation, source: Endpoint
) -> None:
    first = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    saved(store, answers.ask(ME, conversation, "And?", CONTROLS, source))
    for click in (answers.go_on, answers.ask_again):
        with pytest.raises(ChatbotError) as caught:
            click(ME, conversation, first, CONTROLS, source)
        assert caught.value.code == "conflict"


def test_another_version_of_a_question_is_asked_in_its_place(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    for question in ("One", "Two", "Three"):
        saved(store, answers.ask(ME, conversation, question, CONTROLS, source))
    branch, _ = answers.branch(ME, conversation, 9)
    two = branch[2]
    answer = answers.ask_instead(ME, conversation, two, "Too", CONTROLS, source)
    assert saved(store, answer).content == "Hello there!"
    assert [message["content"] for message in endpoint.requests[-1]["messages"]] == [
        "One",
        "Hello there!",
        "Too",
    ]
    branch, _ = answers.branch(ME, conversation, 9)
    assert [message.content for message in branch if message.role == "user"] == ["One", "Too"]
    versions = store.messages.versions(ME, branch)
    assert versions == {branch[2].id: [two.id, branch[2].id]}
    with pytest.raises(ChatbotError) as caught:  # it is not on the screen any more
        answers.ask_instead(ME, conversation, two, "Who?", CONTROLS, source)
    assert caught.value.code == "conflict"
    saved(store, answers.ask_instead(ME, conversation, branch[0], "Won", CONTROLS, source))
    assert [message["content"] for message in endpoint.requests[-1]["messages"]] == ["Won"]


def test_who_steps_away_from_a_running_answer_finds_it_again(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    release = threading.Event()
    first = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    endpoint.replies = [Reply(["Second", " half"], hold=release)]
    second = answers.ask_again(ME, conversation, first, CONTROLS, source)
    second.wait_for_more(0, timeout_seconds=5)
    store.messages.show_version(ME, first.id)
    branch, running = answers.branch(ME, conversation, 9)
    assert (branch[-1].content, running) == ("Hello there!", None)
    store.messages.show_version(ME, second.message.id)
    _, running = answers.branch(ME, conversation, 9)
    assert running is second
    store.messages.show_version(ME, first.id)
    release.set()
    assert saved(store, second).content == "Second half"


def test_a_turn_is_deleted_as_soon_as_its_answer_has_ended(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(["Some"] * 1000, seconds_between=0.01)]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    answer.wait_for_more(0, timeout_seconds=5)
    with pytest.raises(ChatbotError) as caught:
        answers.delete_turn(ME, answer.message)
    assert caught.value.code == "still_answering"
    answers.stop(ME, answer.message.id)
    answers.delete_turn(ME, answer.message)
    assert answers.branch(ME, conversation, 9) == ([], None)


LONG = "word " * 400


def test_history_is_trimmed_by_whole_turns_and_it_is_kept_what_was_sent(
    answers: Answers, store: Store, conversation: Conversation, endpoint: FakeEndpoint
) -> None:
    small = Endpoint(endpoint.base_url, None, 2, 2, context_window_tokens=1100)
    controls = Controls("test-model", 0.8, 200, "Be brief.")
    endpoint.default_reply = Reply([LONG], usage=None)
    kept = [
        saved(store, answers.ask(ME, conversation, f"Question {number}", controls, small))
        for number in range(4)
    ]
    assert [message["content"] for message in endpoint.requests[-1]["messages"]] == [
        "Be brief.",
        "Question 1",
        LONG,
        "Question 2",
        LONG,
        "Question 3",
    ]
    branch = store.messages.branch(ME, conversation.id, 10)
    assert [one.first_sent_id for one in kept] == [None, None, None, branch[2].id]
    assert all(one.sent_tokens for one in kept)
    store.pins.pin(ME, kept[0].id, True)
    saved(store, answers.ask(ME, conversation, "Question 4", controls, small))
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken[1::2] == ["Question 0", "Question 3", "Question 4"]


def test_a_pin_holds_in_a_conversation_of_any_length_and_for_every_version(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.answers.answers.HISTORY_MESSAGES", 4)

    def spoken() -> list[str]:
        return [message["content"] for message in endpoint.requests[-1]["messages"]][0::2]

    kept = [
        saved(store, answers.ask(ME, conversation, f"Question {number}", CONTROLS, source))
        for number in range(2)
    ]
    store.pins.pin(ME, kept[1].id, True)
    [*_, pinned] = store.messages.branch(ME, conversation.id, 9)
    again = saved(store, answers.ask_again(ME, conversation, pinned, CONTROLS, source))
    assert again.is_pinned
    for number in range(2, 6):
        last = saved(store, answers.ask(ME, conversation, f"Question {number}", CONTROLS, source))
    assert spoken() == ["Question 1", "Question 3", "Question 4", "Question 5"]
    branch = store.messages.branch(ME, conversation.id, 20)
    assert last.first_sent_id == next(one.id for one in branch if one.content == "Question 3")
    edited = next(one for one in branch if one.content == "Question 5")
    saved(store, answers.ask_instead(ME, conversation, edited, "Other", CONTROLS, source))
    assert spoken() == ["Question 1", "Question 3", "Question 4", "Other"]
    store.pins.pin(ME, again.id, False)  # for the version that is not on screen, too
    for question in ("Question 6", "Question 7"):
        saved(store, answers.ask(ME, conversation, question, CONTROLS, source))
    assert "Question 1" not in spoken()
    assert not any(one.is_pinned for one in store.messages.all(ME, conversation.id))


def test_how_a_model_counts_is_learned_and_known_after_a_restart(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(usage={"prompt_tokens": 1000, "completion_tokens": 3})]
    kept = saved(store, answers.ask(ME, conversation, LONG, CONTROLS, source))
    assert kept.sent_tokens == 1000
    wait_until(lambda: store.calibration.all() != {})
    again = Answers(store)
    for one in (answers, again):
        scale = one.models.window(source, "test-model").scale
        assert scale.tokens(count(LONG)) == pytest.approx(1000, rel=0.05)
        assert one.models.window(source, "other-model").scale == UNKNOWN
    again.close()


def test_no_question_is_too_long_for_a_model_that_counts_chinese_double(
    answers: Answers, conversation: Conversation, store: Store, endpoint: FakeEndpoint
) -> None:
    """A long conversation in Chinese with a model that has two tokens a character, as Llama 2."""
    window, most_tokens, text = 1000, 200, "彩虹是阳光射入雨滴而成的。" * 8
    source = Endpoint(endpoint.base_url, None, 2, 2, context_window_tokens=window)

    async def respond(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        tokens = 2 * sum(len(message["content"]) for message in body["messages"])
        message = f"This model's maximum context length is {window} tokens."
        if tokens + body["max_tokens"] > window:
            return await endpoint._stream(request, Reply(status=400, error={"message": message}))
        usage = {"prompt_tokens": tokens, "completion_tokens": 2 * len(text)}
        return await endpoint._stream(request, Reply([text], usage=usage))

    endpoint.respond = respond
    controls = Controls("test-model", 0.8, most_tokens, "")
    for _ in range(5):
        answer = saved(store, answers.ask(ME, conversation, text, controls, source))
        assert (answer.error, answer.content) == (None, text)
    assert [len(request["messages"]) for request in endpoint.requests] == [1, 3, 3, 3, 3]


def test_a_window_is_learned_from_the_list_and_from_a_refusal_and_the_next_question_fits(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    assert answers.models.window(source, "test-model").tokens is None
    endpoint.windows = {"test-model": 4000}
    answers.models.list(source).result(10)
    assert answers.models.window(source, "test-model").tokens == 4000
    endpoint.default_reply = Reply([LONG], usage=None)
    controls = Controls("test-model", 0.8, 400, "")
    for number in range(2):
        saved(store, answers.ask(ME, conversation, f"Question {number}", controls, source))
    message = "This model's maximum context length is 1,024 tokens. However, you requested 9000."
    endpoint.replies = [Reply(status=400, error={"message": message})]
    refused = saved(store, answers.ask(ME, conversation, "Question 2", controls, source))
    assert refused.error == {"code": "too_long", "details": {"host": source.host, "limit": "1024"}}
    wait_until(lambda: answers.models.window(source, "test-model").tokens == 1024)
    wait_until(lambda: store.calibration.all() != {})
    kept = store.conversations.get(ME, conversation.id)
    assert kept
    saved(store, answers.ask_again(ME, kept, refused, controls, source))
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken == ["Question 1", LONG, "Question 2"]
    again = Answers(store)
    assert again.models.window(source, "test-model").tokens == 1024
    again.close()


def test_what_is_learned_of_a_visitors_server_is_not_written_down(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.llm.public_addresses.is_public", lambda address: True)
    theirs = Endpoint(endpoint.base_url, None, 2, 2, is_byok=True)
    ours = Endpoint(endpoint.base_url.replace("127.0.0.1", "localhost"), None, 2, 2)
    question = "One word follows the other. " * 50
    for source in (theirs, ours):
        endpoint.replies = [Reply(usage={"prompt_tokens": 900, "completion_tokens": 3})]
        saved(store, answers.ask(ME, conversation, question, CONTROLS, source))
        assert answers.models.window(source, "test-model").scale != UNKNOWN
    wait_until(lambda: store.calibration.all() != {})
    assert set(store.calibration.all()) == {(ours.fingerprint, "test-model")}


def test_an_answer_is_whole_even_if_its_price_cannot_be_found(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("chatbot.models.pricing.cost", fail)
    kept = saved(store, answers.ask(ME, conversation, "Hi", CONTROLS, source))
    assert (kept.state, kept.error, kept.cost) == (State.COMPLETE, None, None)
    assert (kept.prompt_tokens, kept.finish_reason) == (7, "stop")


def test_an_app_that_was_asked_nothing_ends_without_a_word() -> None:
    program = (
        "from chatbot.answers.answers import Answers\nfrom chatbot.store import Store\n"
        "Answers(Store('sqlite://'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("ends", ["at its time", "with the process"])
def test_what_went_on_until_it_was_ended_has_about_its_price(
    ends: str,
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
) -> None:
    source = dataclasses.replace(source, prices=stated_prices("test-model = 1000 / 10000"))
    endpoint.replies = [Reply(["Half"], finish_reason="length")]
    half = follow(answers.ask(ME, conversation, "Hi", CONTROLS, source))
    assert half.cost
    endpoint.replies = [Reply([" and half", " never"], hold=threading.Event())]
    answers._wait_for_save(half.id)
    longer = answers.go_on(ME, conversation, half, CONTROLS, source)
    wait_until(lambda: longer.text == "Half and half")
    if ends == "with the process":
        answers.close()
    else:
        background.submit(answers._end_late(longer, 0.0)).result(10)
    ended = follow(longer)
    assert ended.state is State.CUT_SHORT
    assert ended.cost and ended.cost > half.cost


def test_when_the_process_ends_one_that_cannot_be_saved_does_not_keep_the_others(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbot.answers.saving.CHECKPOINT_SECONDS", 3600)
    hold = threading.Event()
    endpoint.replies = [Reply(["Bad", ""], hold=hold), Reply(["Good", ""], hold=hold)]
    bad = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: bad.text == "Bad")
    other = start_conversation(store, ME, "Other", CONTROLS.to_json())
    good = answers.ask(ME, other, "Hi", CONTROLS, source)
    wait_until(lambda: good.text == "Good")
    refuse_the_bad(store, monkeypatch)
    answers.close()
    assert (kept := store.messages.get(ME, good.message.id)) and kept.content == "Good"
    hold.set()


def test_a_question_right_after_an_answers_end_is_sent_with_it(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_slowly(store, monkeypatch)
    follow(answers.ask(ME, conversation, "Hi", CONTROLS, source))
    second = follow(answers.ask(ME, conversation, "And then?", CONTROLS, source))
    follow(answers.ask_again(ME, conversation, second, CONTROLS, source))
    for request in endpoint.requests[1:]:
        said = [message["content"] for message in request["messages"]]
        assert said == ["Hi", "Hello there!", "And then?"]


def test_what_is_done_with_an_answer_before_its_end_is_saved_is_shown(
    answers: Answers,
    store: Store,
    conversation: Conversation,
    source: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_free = threading.Event()
    save = store.checkpoints.save

    def save_when_free(messages: list[Message]) -> set[str]:
        assert is_free.wait(30)
        return save(messages)

    monkeypatch.setattr(store.checkpoints, "save", save_when_free)
    answer = follow(answers.ask(ME, conversation, "Hi", CONTROLS, source))
    store.messages.rate(ME, answer.id, 1)
    store.pins.pin(ME, answer.id, True)
    [_, last], _ = answers.branch(ME, conversation, 10)
    is_free.set()
    assert (last.content, last.rating, last.is_pinned) == ("Hello there!", 1, True)


def test_an_answer_that_is_asked_for_again_at_once_waits_no_more(
    answers: Answers, conversation: Conversation, source: Endpoint, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(status=429, headers={"Retry-After": "60"})]
    answer = answers.ask(ME, conversation, "Hi", CONTROLS, source)
    wait_until(lambda: answer.message.error is not None)
    answers.retry_now(ME, answer.message.id)
    assert answer.message.error is None
    assert follow(answer).content == "Hello there!"
