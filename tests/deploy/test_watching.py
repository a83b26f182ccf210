"""Monitoring by the operator: real health checks, and metrics for every end of an answer."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.requests import Request

from chatbot.answers import events
from chatbot.answers.answer import Answer
from chatbot.answers.answers import Answers
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import Controls
from chatbot.models.offered import Models
from chatbot.store import Store, new_conversation
from deploy import health, metrics
from deploy.logs import RepetitionFilter
from tests.conftest import CANARY_KEY, free_port, wait_until
from tests.protocol import run
from tests.servers.endpoint import FakeEndpoint, Reply

CONTROLS = Controls("test-model", 0.8, 2048, "")


@pytest.fixture
def set_up(endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY_KEY)


def ask_health(checked: health.Health) -> tuple[int, dict[str, Any]]:
    response = run(checked.respond(Request({"type": "http"})))
    return response.status_code, json.loads(bytes(response.body))


def test_a_model_server_that_is_gone_or_refuses_the_key_is_said(
    set_up: None, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.models_status = 401
    failing = (503, {"status": "failing", "store": "ok", "endpoint": "failing"})
    assert ask_health(health.Health()) == failing
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")
    wait_until(lambda: ask_health(health.Health()) == failing)


def test_a_server_without_a_list_of_models_is_well(set_up: None, endpoint: FakeEndpoint) -> None:
    endpoint.models_status = 404
    assert ask_health(health.Health())[0] == 200


def test_the_built_in_model_is_well_and_not_started_for_that() -> None:
    assert ask_health(health.Health()) == (
        200,
        {"status": "ok", "store": "ok", "endpoint": "ok"},
    )


def test_a_database_that_cannot_be_opened_is_said(
    set_up: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_DATABASE_URL", f"sqlite:///{tmp_path}")
    status, said = ask_health(health.Health())
    assert (status, said["store"], said["endpoint"]) == (503, "failing", "ok")


@pytest.mark.parametrize("error", [ChatbotError("store_full"), RuntimeError()])
@pytest.mark.parametrize(
    ("whose", "name", "part"), [(Store, "check", "store"), (Models, "list", "endpoint")]
)
def test_what_fails_in_any_way_is_said(
    whose: type,
    name: str,
    part: str,
    error: Exception,
    set_up: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(whose, name, refuse)
    status, said = ask_health(health.Health())
    well = {"status": "failing", "store": "ok", "endpoint": "ok"}
    assert (status, said) == (503, {**well, part: "failing"})


def test_however_often_it_is_asked_it_looks_once(
    set_up: None, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Store] = []

    def look(store: Store) -> None:
        looks.append(store)

    monkeypatch.setattr(Store, "check", look)
    checked = health.Health()
    for _ in range(20):
        assert ask_health(checked)[0] == 200
    assert len(looks) == 1


def test_a_log_is_not_flooded_and_says_what_it_left_out() -> None:
    repetition_filter = RepetitionFilter()

    def said_at(second: float, line: int, **extra: object) -> logging.LogRecord | None:
        record = logging.LogRecord("name", logging.WARNING, "file.py", line, "text", (), None)
        vars(record).update(created=second, **extra)
        return record if repetition_filter.filter(record) else None

    written = [said_at(0.1 * number, 7) for number in range(100)]
    assert [record is not None for record in written] == [True] * 20 + [False] * 80
    assert said_at(30, 8)  # another place
    assert all(said_at(30, 9, figures={"state": "complete"}) for _ in range(100))
    later = said_at(61, 7)
    assert later and later.figures == {"left_out": 80}  # type: ignore[attr-defined]
    assert (again := said_at(62, 7)) and not hasattr(again, "figures")


class _Noting:
    def __init__(self) -> None:
        self.told: list[str] = []

    def began(self, _answer: Answer) -> None:
        self.told.append("began")

    def ended(self, answer: Answer) -> None:
        self.told.append(answer.message.state)

    def refused(self, code: str) -> None:
        self.told.append(code)


class _Broken(_Noting):
    def began(self, answer: Answer) -> None:
        raise RuntimeError

    def ended(self, answer: Answer) -> None:
        raise RuntimeError


@pytest.fixture
def noting(monkeypatch: pytest.MonkeyPatch) -> _Noting:
    monkeypatch.setattr(events, "_listeners", [])
    noting = _Noting()
    for listener in (_Broken(), metrics._Metrics(), noting):
        events.add(listener)
    return noting


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    store = Store(f"sqlite:///{tmp_path}/chatbot.db")
    answers = Answers(store)
    yield answers
    answers.close()
    store.close()


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"chatbot_{name}", labels) or 0


def test_every_end_is_counted_even_if_another_observer_fails(
    noting: _Noting, answers: Answers, endpoint: FakeEndpoint
) -> None:
    source = Endpoint(endpoint.base_url, CANARY_KEY, 10, 10)
    never = Reply(["First", "last"], hold=threading.Event())
    endpoint.replies = [Reply(), Reply(status=401), never, Reply(["Half"], finish_reason=None)]
    names = ("complete", "failed", "stopped", "cut_short")
    before = {name: figure("answers_ended_total", state=name) for name in names}
    refused = figure("errors_total", code="key_refused")
    tokens = figure("tokens_total", kind="completion")
    for name in names:
        answer = answers.ask("me", new_conversation("Hi", {}), "Hi", CONTROLS, source, is_new=True)
        if name == "stopped":
            wait_until(lambda: figure("answers_running") == 1)
            wait_until(endpoint.asked.is_set)
            answers.stop("me", answer.message.id)
        answer.wait_for_end(10)
        wait_until(lambda: figure("answers_running") == 0 and noting.told[-1] != "began")
        assert noting.told[-2:] == ["began", name]
        assert figure("answers_ended_total", state=name) == before[name] + 1
    assert figure("answers_running") == 0
    assert figure("errors_total", code="key_refused") == refused + 1
    assert figure("tokens_total", kind="completion") >= tokens + 3
