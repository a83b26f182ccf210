"""Limits for visitors, and the owner's overview of use, without a browser."""

import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.access import visitor
from chatbot.limits import budget
from chatbot.limits.policy import PUBLIC, Limits, Policy
from chatbot.settings.settings import Settings
from chatbot.store import Outcome, Question, Store
from chatbot.store.quota import DAY_SECONDS
from chatbot.ui import access, services
from chatbot.ui.client import local_admin
from tests.conftest import go_to, page_state, wait_until
from tests.servers.endpoint import FakeEndpoint
from tests.store.test_spending import MOST, spent
from tests.ui.conversation_list import list_data
from tests.ui.test_page import ask, click, said, texts

Limit = Callable[..., None]


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Limit:
    def limit(**texts: str) -> None:
        for whose, text in texts.items():
            monkeypatch.setenv(f"CHATBOT_{whose.upper()}_LIMITS", text)

    return limit


def line(page: AppTest) -> str:
    """The small lines of the page."""
    return said(" ".join(str(one.value) for one in page.caption))


@pytest.mark.parametrize(
    ("locale", "sentence", "left", "nothing"),
    [
        (
            "en-US",
            r"You have used up what one visitor may take in a day\. Ask again in .+, from .+ on\.",
            "Questions left today: 1.",
            "No questions left today.",
        ),
        (
            "zh-CN",
            "您今天的用量已达上限。请.+后（.+ 起）再来。",
            "今天还可以提问 1 次。",
            "今天的提问次数已用完",
        ),
    ],
)
def test_over_a_limit_one_sentence_says_when_to_come_back_and_the_question_stays(
    page: AppTest,
    endpoint: FakeEndpoint,
    limit: Limit,
    locale: str,
    sentence: str,
    left: str,
    nothing: str,
) -> None:
    limit(visitor="7 questions per day")
    page.context = {"locale": locale, "timezone": "Asia/Shanghai"}
    ask(page.run(), "Hi!")
    assert left[:5] not in line(page)  # six more are not worth a word
    for _ in range(5):
        ask(page, "Hi!")
    assert left in line(page)
    ask(page, "The last")
    assert nothing in line(page)
    ask(page, "One too many")
    assert not page.exception
    assert re.fullmatch(sentence, said(page.warning[0].value))
    assert re.search(r"\d\d:00", said(page.warning[0].value))  # midnight of UTC, on their clock
    assert page.chat_input[0].value == "One too many"
    assert texts(page)[-2:] == ["The last", "Hello there!"]
    assert len(endpoint.requests) == 7


def test_a_refused_question_begins_no_conversation(
    page: AppTest, endpoint: FakeEndpoint, limit: Limit
) -> None:
    limit(site="1 question per minute")
    ask(page.run(), "First")
    page.button(key="new").click().run()
    ask(page, "Second")
    assert said(page.warning[0].value).startswith("This app has been asked too often")
    assert page.chat_input[0].value == "Second"
    assert "c" not in page.query_params
    [[_, [[_, title, _]]]] = list_data(page)["groups"]
    assert title == "First"
    assert len(endpoint.requests) == 1


def test_the_next_day_it_goes_on(
    page: AppTest, endpoint: FakeEndpoint, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(visitor="1 question per day")
    ask(page.run(), "Today")
    ask(page, "Still today")
    assert page.warning
    tomorrow = SimpleNamespace(
        time=lambda: time.time() + DAY_SECONDS, monotonic=lambda: time.monotonic()
    )
    monkeypatch.setattr(budget, "time", tomorrow)
    ask(page, "Tomorrow")
    assert not page.warning
    assert texts(page)[-2:] == ["Tomorrow", "Hello there!"]
    assert len(endpoint.requests) == 2


def test_a_temporary_conversation_counts_too(
    page: AppTest, endpoint: FakeEndpoint, limit: Limit
) -> None:
    limit(visitor="1 question per day")
    page.run()
    page.toggle[0].set_value(True).run()
    ask(page, "Secret")
    assert texts(page) == ["Secret", "Hello there!"]
    ask(page, "Another")
    assert page.warning
    assert len(endpoint.requests) == 1


def test_no_control_asks_for_a_longer_answer_than_is_allowed(
    page: AppTest, endpoint: FakeEndpoint, limit: Limit
) -> None:
    limit(answer="500 tokens")
    page.run()
    assert page.number_input[0].value == 500
    assert "At most 500 here." in page.number_input[0].help
    page.number_input[0].set_value(99_999)
    ask(page, "Hi!")
    assert endpoint.requests[0]["max_tokens"] == 500
    page.run()
    assert page.number_input[0].value == 500


def test_without_limits_nothing_is_said_of_them(page: AppTest) -> None:
    ask(page.run(), "Hi!")
    assert "left today" not in line(page)
    assert "At most" not in page.number_input[0].help


def test_a_check_that_asks_nothing_is_no_question_but_not_unlimited(
    page: AppTest, limit: Limit, endpoint: FakeEndpoint
) -> None:
    limit(visitor="2 questions per minute")
    endpoint.models_status = 401
    go_to(page, view="check")
    for _ in range(3):
        page.button(key="check_start").click().run()
    assert said(page.warning[0].value).startswith("You have asked too often in the last minute.")
    assert endpoint.requests == []
    assert services.store().spending.by_day(1) == []


def test_a_check_of_the_connection_is_a_question(
    page: AppTest, endpoint: FakeEndpoint, limit: Limit, tmp_path: object
) -> None:
    limit(visitor="1 question per day")
    go_to(page, view="check")
    page.button(key="check_start").click().run()
    asked = len(endpoint.requests)
    assert asked
    store = services.store()
    wait_until(lambda: bool(store.spending.by_day(2)))
    [day] = store.spending.by_day(2)
    assert (day.questions, day.written_tokens) == (1, 64)
    page.button(key="check_start").click().run()
    assert said(page.warning[0].value).startswith("You have used up")
    assert len(endpoint.requests) == asked


def test_who_is_forgotten_is_not_in_the_counts_any_more(page: AppTest, limit: Limit) -> None:
    limit(visitor="1 question per day")
    ask(page.run(), "Hi!")
    owner = visitor.owner_of(page_state(page).visitor_token)
    store = services.store()
    wait_until(lambda: bool(store.spending.by_day(2)))
    assert spent(store, owner, time.time()).by_visitor.today.questions == 1
    go_to(page, view="data")
    page.text_input(key="delete_word").set_value("delete")
    click(page, "Delete everything")
    assert not page.exception
    assert spent(store, owner, time.time()).by_visitor.today.questions == 0
    assert spent(store, owner, time.time()).by_site.today.questions == 1


# Where limits hold without a word of the owner's


@pytest.mark.parametrize(
    ("address", "is_headless", "are_others"),
    [
        ("127.0.0.1", False, False),
        ("localhost", False, False),
        ("::1", False, False),
        (None, False, True),
        ("0.0.0.0", False, True),
        ("192.168.1.5", False, True),
        ("127.0.0.1", True, True),  # as behind a reverse proxy
    ],
)
def test_others_may_be_there_if_the_app_was_started_so(
    monkeypatch: pytest.MonkeyPatch, address: str | None, is_headless: bool, are_others: bool
) -> None:
    options = {"server.address": address, "server.headless": is_headless}
    monkeypatch.setattr("streamlit.get_option", options.__getitem__)
    assert local_admin.is_for_others() is are_others


def test_only_where_others_may_be_is_anything_limited_by_default() -> None:
    settings = Settings()
    unset = settings.model_copy(
        update={"visitor_limits": None, "site_limits": None, "answer_limits": None}
    )
    assert unset.limits(is_public=False) == Limits()
    assert unset.limits(is_public=True) == PUBLIC
    assert settings.limits(is_public=True) == Limits()  # the owner said "off"


def test_the_owners_default_length_is_not_taken_away_by_a_default_limit() -> None:
    settings = Settings().model_copy(update={"answer_limits": None, "max_tokens": 20_000})
    assert settings.limits(is_public=True).answer.tokens == 20_000


def test_who_seems_to_be_at_the_machine_still_counts_for_the_site(
    page: AppTest, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(visitor="1 question per day", site="3 questions per day")
    monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: True)
    page.run()
    for _ in range(3):
        ask(page, "Hi!")
        assert not page.warning
    ask(page, "Hi!")
    assert said(page.warning[0].value).startswith("This app has used up")
    assert services.limits().visitor == Policy()


# What was used


def seed(store: Store) -> None:
    now = time.time()
    for owner, outcome, days_ago in (
        ("a", Outcome("small", False, 1000, 200, 0.25, 0, 0.5, 200, 4), 0),
        ("b", Outcome("*odd*", True, 100, 0, 0, 0.01, None), 0),
        ("a", Outcome("small", False, 3000, 100, 0.5, 0, 1.5, 100, 2), 20),
    ):
        at = now - days_ago * DAY_SECONDS
        question = Question("0" * 32, owner, outcome.model, MOST, at + 60)
        store.spending.settle(question, outcome, False, at)


def written(page: AppTest) -> str:
    return said(" ".join(str(one.value) for one in (*page.main.markdown, *page.main.caption)))


def test_the_owner_sees_what_was_used_in_numbers_and_charts(
    page: AppTest, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(site="100 questions per day, 2 dollars per day, 9 questions per minute")
    monkeypatch.setattr(access, "is_admin", lambda: True)
    page.run()
    seed(services.store())
    click(page, "Usage")
    assert not page.exception
    text = written(page)
    assert "questions: 2 · visitors: 2 · 1.1k + 200 tokens · $0.26 · errors: 1" in text
    small = "questions: 2 · 4k + 300 tokens · $0.75 · first words after 1.0 s · 50 tokens a second"
    assert f"**small**  \n  {small}" in text
    assert "**\\*odd\\***" in " ".join(str(one.value) for one in page.main.markdown)
    assert "$0.010 of the cost is an estimate" in text
    charts = page.main.get("vega_lite_chart")
    assert len(charts) == 5
    assert "Tokens by day and model." in charts[0].proto.alt
    bars = [said(one.proto.text) for one in page.main.get("progress")]
    assert bars == ["Questions: 2 of 100", "Cost: $0.26 of $2.00"]
    page.segmented_control(key="usage_range").set_value(7).run()
    assert "**small**  \n  questions: 1 · 1k + 200 tokens" in written(page)


def test_an_owner_of_whom_nobody_has_asked_anything_reads_that(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "is_admin", lambda: True)
    page.context = {"locale": "zh-CN"}
    go_to(page, view="usage")
    assert page.info[0].value == "还没有人提问。"
    assert not page.main.get("vega_lite_chart")


def test_nobody_else_sees_what_was_used(page: AppTest) -> None:
    ask(page.run(), "Hi!")
    wait_until(lambda: bool(services.store().spending.by_day(1)))
    assert "Usage" not in [said(button.label) for button in page.button]
    go_to(page, view="usage")
    assert not page.exception
    assert "test-model" not in str(page.main)
    assert not page.main.get("vega_lite_chart")
