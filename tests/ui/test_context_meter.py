"""The display of the used part of the context window, on the page."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from chatbot.exchange.export import FORMAT, VERSION
from chatbot.models.tokens import Window
from chatbot.store import Message, State
from chatbot.ui.chat.context_meter import in_dollars, in_thousands, used_tokens
from chatbot.ui.client import local_admin
from tests import browser
from tests.browser import PHONE, OpenPage, expect_answer, messages
from tests.conftest import RunningApp, go_to, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.conversation_list import choose_in_list, listed_ids
from tests.ui.test_actions import choose, details, keys, press
from tests.ui.test_data import bring_in
from tests.ui.test_page import ask, click, said, texts

LONG = "word " * 400
SENTENCE = {
    "en-US": "The model no longer sees what is above, except what you keep in its view",
    "zh-CN": "以上内容模型已看不到，已固定的除外",
}


def captions(page: AppTest) -> list[str]:
    return [said(str(caption.value)) for caption in page.caption]


def meter(page: AppTest) -> list[str]:
    return [
        caption
        for caption in captions(page)
        if caption.startswith(("≈", "next: ", "下一问：", "price unknown"))
    ]


@pytest.fixture(autouse=True)
def admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an admin reads prices below the composer."""
    monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: True)


@pytest.fixture
def small(page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with a window that holds two long answers."""
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "1500")
    monkeypatch.setenv("CHATBOT_MAX_TOKENS", "500")
    endpoint.default_reply = Reply([LONG], usage=None)
    return page.run()


def test_without_a_known_window_there_is_no_meter(page: AppTest) -> None:
    ask(page.run(), "Hi!")
    assert meter(page) == []


def test_the_meter_says_what_the_endpoint_counted(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "8192")
    endpoint.replies = [Reply(usage={"prompt_tokens": 3000, "completion_tokens": 104})]
    page.run()
    assert meter(page) == []
    ask(page, "Hi!")
    assert meter(page)[-1] == "≈ 3.1k of 8.2k tokens"
    page.context = {"locale": "zh-CN"}
    assert meter(page.run()) == ["≈ 3.1k / 8.2k token"]


def test_it_is_said_before_anything_is_left_out_and_then_marked(
    small: AppTest, endpoint: FakeEndpoint
) -> None:
    warning = "with your next question the model"
    for number in range(3):
        ask(small, f"Question {number}")
        is_warned = any(warning in caption for caption in captions(small.run()))
        assert is_warned == (number == 2)
        assert SENTENCE["en-US"] not in captions(small)
    ask(small, "Question 3")
    assert SENTENCE["en-US"] in captions(small)
    assert not any(warning in caption for caption in captions(small.run()))
    assert "Question 0" in texts(small)
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken[0::2] == ["Question 1", "Question 2", "Question 3"]
    marked = [
        any(SENTENCE["en-US"] in str(caption.value) for caption in message.caption)
        for message in small.chat_message
    ]
    assert marked == [False, True, *[False] * 6]


@pytest.mark.parametrize(
    ("window", "locale", "says"),
    [
        ("1100", "en-US", "Full: with your next question the model no longer sees"),
        ("1100", "zh-CN", "已满：下次提问后，模型将看不到最早的消息。"),
        ("1360", "en-US", "Nearly full: with your next question the model may no longer see"),
        ("1360", "zh-CN", "快满了：下次提问后，模型可能看不到最早的消息。"),
    ],
)
def test_what_will_be_left_out_is_told_from_what_may_be(
    page: AppTest,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    window: str,
    locale: str,
    says: str,
) -> None:
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", window)
    monkeypatch.setenv("CHATBOT_MAX_TOKENS", "500")
    endpoint.default_reply = Reply([LONG], usage=None)
    page.context = {"locale": locale}
    for number in range(2):
        ask(page.run(), f"Question {number}")
    assert [one for one in captions(page.run()) if one.startswith(says)]


def test_what_is_pinned_is_sent_however_old_it_is(small: AppTest, endpoint: FakeEndpoint) -> None:
    for number in range(3):
        ask(small, f"Question {number}")
    choose(small.run(), "Keep in the model's view", 0)
    ask(small.run(), "Question 3")
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken[0::2] == ["Question 0", "Question 2", "Question 3"]
    kept = [one for one in captions(small.run()) if one.startswith(":material/keep: kept in view")]
    assert len(kept) == 1
    choose(small.run(), "No longer keep in the model's view", 0)
    ask(small.run(), "Question 4")
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken[0::2] == ["Question 2", "Question 3", "Question 4"]


@pytest.mark.parametrize(
    ("locale", "pin", "marks"),
    [
        ("en-US", "Keep in the model's view", ["too long to be kept in view", "kept in view"]),
        ("zh-CN", "固定在上下文中", ["太长，无法固定在上下文中", "已固定"]),
    ],
)
def test_what_is_pinned_but_too_long_to_be_sent_is_not_said_to_be_kept(
    small: AppTest, endpoint: FakeEndpoint, locale: str, pin: str, marks: list[str]
) -> None:
    def marked() -> list[str]:
        rows = [one for one in captions(small) if one.startswith(":material/keep")]
        return [row.split(" · ")[0].partition(": ")[2] for row in rows]

    too_long = Reply(["word " * 2000], usage=None)
    endpoint.replies = [too_long, Reply(["Short"], usage=None)]
    small.context = {"locale": locale}
    for number in range(2):
        ask(small, f"Question {number}")
        choose(small.run(), pin)
    assert marked() == marks
    ask(small, "Question 2")
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken == ["Question 1", "Short", "Question 2"]
    choose(small.run(), pin)
    endpoint.replies = [too_long]
    press(small, "again-")
    assert marked() == [marks[0], marks[1], marks[0]]  # as soon as the answer has come


@pytest.mark.parametrize(
    ("says", "asked"),
    [
        ("maximum context length is 1000 tokens", ["Question 1", "Question 2"]),
        ("context is too long", ["Question 2"]),  # half as much as before
        ("maximum context length is 9000 tokens", ["Question 2"]),  # it counts more than is guessed
    ],
)
def test_what_is_too_long_is_asked_again_with_less(
    says: str, asked: list[str], page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply([LONG], usage=None)
    page.run()
    page.number_input[0].set_value(300).run()
    for number in range(2):
        ask(page, f"Question {number}")
    endpoint.replies = [Reply(status=400, error={"message": says})]
    ask(page, "Question 2")
    [key] = keys(page, "again-")
    assert page.button(key=key).label == "Ask again without the oldest messages"
    press(page, "again-")
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken[0::2] == asked
    assert SENTENCE["en-US"] in captions(page.run())


def test_another_model_than_the_one_that_refused_is_sent_all_that_it_can_hold(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.default_reply = Reply([LONG], usage=None)
    wait_until(lambda: "other-model" in page.run().selectbox[0].options)
    ask(page, "Question 0")
    endpoint.replies = [Reply(status=400, error={"message": "context is too long"})]
    ask(page, "Question 1")
    page.selectbox[0].set_value("other-model").run()
    press(page, "again-")
    spoken = [message["content"] for message in endpoint.requests[-1]["messages"]]
    assert spoken[0::2] == ["Question 0", "Question 1"]


def test_a_question_that_is_too_long_by_itself_is_offered_to_be_edited(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(status=400, error={"message": "context is too long"})]
    ask(page.run(), "Question")
    [key] = keys(page, "again-")
    assert page.button(key=key).label == "Retry"
    assert keys(page, "edit-question-")


@pytest.mark.parametrize(
    ("fields", "used"),
    [
        ({"completion_tokens": 50}, 150),
        ({"completion_tokens": 50, "reasoning_tokens": 40, "reasoning_seconds": 1}, 110),
        ({"completion_tokens": 50, "reasoning_seconds": 1}, 102),  # how much was thought is unknown
        ({"completion_tokens": 50, "state": State.STOPPED}, 102),
        ({}, 102),
    ],
)
def test_an_answer_counts_without_its_reasoning(fields: dict[str, object], used: int) -> None:
    answer = Message("1", "c", None, "assistant", "a" * 9, sent_tokens=100, **fields)  # type: ignore[arg-type]
    assert used_tokens(answer, Window()) == used


def test_an_answer_of_which_only_the_end_was_counted_counts_whole() -> None:
    answer = Message("1", "c", None, "assistant", "word " * 800, sent_tokens=100)
    whole = used_tokens(answer, Window())
    assert used_tokens(replace(answer, completion_tokens=50), Window()) == whole
    assert used_tokens(replace(answer, completion_tokens=900), Window()) == 1000


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [(0, "0"), (950, "950"), (1000, "1k"), (3149, "3.1k"), (8192, "8.2k"), (9960, "10k"),
     (131_072, "131k"), (999_900, "1M"), (1_048_576, "1M"), (1_500_000, "1.5M")],
)  # fmt: skip
def test_numbers_are_read_at_a_glance(tokens: int, shown: str) -> None:
    assert in_thousands(tokens) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (0.00001, "<\u00a0$0.0001"), (0.00123, "$0.0012"), (0.0456, "$0.046"),
     (0.5, "$0.50"), (12.345, "$12.35")],
)  # fmt: skip
def test_prices_are_read_at_a_glance(amount: float, shown: str) -> None:
    assert in_dollars(amount) == shown


def explanation(page: AppTest) -> str:
    [line] = [one for one in page.caption if said(str(one.value)) in meter(page)]
    return said(line.help or "")


def test_an_answer_and_the_conversation_and_the_next_question_have_a_price(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_PRICES", "test-model = 2 / 8 / 1")
    usage = {
        "prompt_tokens": 3000,
        "completion_tokens": 500,
        "prompt_tokens_details": {"cached_tokens": 1000},
    }
    endpoint.default_reply = Reply(usage=usage)
    ask(page.run(), "Hi!")  # 2 * 2000 + 1 * 1000 + 8 * 500
    page.run()
    assert details(page).endswith("3k + 500 tokens · $0.0090")
    assert meter(page) == ["next: about $0.011"]  # 2 * 3500 + 8 * 500
    assert "has cost about $0.0090 so far" in explanation(page)
    ask(page, "And?")
    page.run()
    assert "has cost about $0.018 so far" in explanation(page)
    page.context = {"locale": "zh-CN"}
    assert "至今花费约 $0.018" in explanation(page.run())
    assert meter(page) == ["下一问：约 $0.011"]
    assert len(endpoint.requests) == 2  # no hidden calls


def test_below_the_composer_a_visitor_reads_the_model_alone_until_the_window_is_half_full(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: False)
    monkeypatch.setenv("CHATBOT_PRICES", "test-model = 2 / 8")
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "8192")
    monkeypatch.setenv("CHATBOT_MAX_TOKENS", "2000")
    monkeypatch.setenv("CHATBOT_MODEL", "test-model")
    endpoint.replies = [
        Reply(usage={"prompt_tokens": 2000, "completion_tokens": 100}),
        Reply(usage={"prompt_tokens": 3000, "completion_tokens": 200}),
    ]
    ask(page.run(), "Hi!")
    assert [one for one in captions(page) if "test-model" in one] == ["test-model"]
    assert meter(page) == []
    assert details(page).endswith("· test-model · 2k + 100 tokens · $0.0048")  # when asked
    ask(page, "And?")
    assert meter(page)[-1] == "≈ 3.2k of 8.2k tokens"
    monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: True)
    shown = captions(page.run())
    assert any(one.startswith("test-model · 127.0.0.1") for one in shown)
    assert meter(page)[-1].startswith("≈ 3.2k of 8.2k tokens · next: about $0.0")


def test_the_next_answer_is_taken_to_be_as_long_as_the_last_whole_one(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_PRICES", "test-model = 2 / 8")
    endpoint.replies = [
        Reply(usage={"prompt_tokens": 20, "completion_tokens": 500}),
        Reply(["Broken"], finish_reason=None, usage=None),
    ]
    ask(page.run(), "Hi!")
    ask(page, "And?")
    [price] = meter(page.run())
    assert re.search(r"about \$0\.004\d$", price)  # 8 * 500, and little to read


def test_a_price_that_nobody_knows_is_said_to_be_unknown(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "8192")
    monkeypatch.setattr("chatbot.models.pricing.is_nearby", lambda _: False)  # as behind a relay
    ask(page.run(), "Hi!")
    page.run()
    assert not any("$" in caption for caption in captions(page))
    assert meter(page)[-1] == "price unknown"
    assert "The price of this model is not known." in explanation(page)
    assert "Answers of which the price is unknown: 1." in explanation(page)


def test_an_answer_that_broke_off_says_about_what_it_cost_if_anybody_knows(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_PRICES", "test-model = 10 / 1000")
    monkeypatch.setattr("chatbot.models.pricing.is_nearby", lambda _: False)  # as behind a relay
    endpoint.replies = [Reply(["word " * 90], finish_reason=None, usage=None)]
    ask(page.run(), "Hi!")
    assert re.search(r"test-model · about \$0\.0[789]\d$", details(page.run()))
    page.context = {"locale": "zh-CN"}
    assert "test-model · 约 $0.0" in details(page.run())
    page.context = {}
    wait_until(lambda: "other-model" in page.run().selectbox[0].options)
    page.selectbox[0].set_value("other-model").run()
    endpoint.replies = [Reply(["word " * 90], finish_reason=None, usage=None)]
    ask(page, "And?")
    # As beside whole answers; the price of the next one is said to be unknown once.
    assert details(page.run()).endswith("· other-model")
    assert [one for one in captions(page) if "price unknown" in one] == ["price unknown"]


@pytest.mark.parametrize(("status", "is_known"), [(401, True), (500, False)])
def test_what_was_refused_has_cost_nothing(
    page: AppTest,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    is_known: bool,
) -> None:
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "8192")
    monkeypatch.setenv("CHATBOT_PRICES", "* = 2 / 8")
    endpoint.replies = [Reply(status=status, error={"message": "No"})] * (1 if is_known else 3)
    ask(page.run(), "Hi!")
    ask(page, "Again")
    page.run()
    assert ("price is unknown" not in explanation(page)) == is_known


def test_what_is_free_costs_nothing_and_says_so_by_silence(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.default_reply = Reply(usage={"prompt_tokens": 5000, "completion_tokens": 100})
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "8192")
    monkeypatch.setenv("CHATBOT_PRICES", "* = 0 / 0")
    ask(page.run(), "Hi!")
    page.run()
    assert not any("$" in caption for caption in captions(page))
    assert "$" not in explanation(page) and "unknown" not in explanation(page)


def test_the_meter_is_there_after_an_import(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "1500")
    monkeypatch.setenv("CHATBOT_MAX_TOKENS", "500")
    turns = [("user", LONG), ("assistant", LONG), ("user", "And?"), ("assistant", LONG)]
    written = [
        {"id": str(number), "parent": str(number - 1), "role": role, "content": text}
        for number, (role, text) in enumerate(turns)
    ]
    exported = {"format": FORMAT, "version": VERSION, "title": "Brought in", "messages": written}
    go_to(page, view="data")
    bring_in(page, "export.json", json.dumps(exported).encode())
    click(page, "Back to the chat")
    choose_in_list(page, "open", listed_ids(page)[0])
    [shown] = meter(page)
    assert shown.startswith("≈ 1.") and shown.endswith("k of 1.5k tokens")
    assert any("no longer sees the oldest messages" in one for one in captions(page))
    endpoint.default_reply = Reply([LONG], usage=None)
    ask(page, "Go on")
    assert meter(page)[-1].endswith("of 1.5k tokens")


def test_a_server_of_ones_own_has_no_price_in_the_chat_nor_in_what_was_used(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_CONTEXT_WINDOW", "8192")
    monkeypatch.setattr(local_admin, "is_at_the_machine", lambda: True)
    endpoint.replies = [Reply(), Reply(["word " * 90], finish_reason=None, usage=None)]
    ask(page.run(), "Hi!")
    ask(page, "And?")
    go_to(page, view="usage")
    assert page.title[0].value == "Usage"

    def shown() -> str:
        return said(" ".join(str(one.value) for one in (*page.run().caption, *page.markdown)))

    wait_until(lambda: "questions: 2" in shown())
    assert "$" not in shown()
    click(page, "Back to the chat")
    assert not any("$" in one or "price" in one for one in captions(page))


@pytest.mark.browser
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("locale", "viewport"), [("en-US", {"width": 1280, "height": 800}), ("zh-CN", PHONE)]
)
def test_the_line_below_the_composer_stays_one_line_and_is_up_to_date(
    run_app: Callable[..., RunningApp],
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
) -> None:
    app = run_app(
        OPENAI_BASE_URL=endpoint.base_url,
        CHATBOT_MODEL="test-model-with-a-name-of-some-length",
        CHATBOT_CONTEXT_WINDOW="1500",
        CHATBOT_MAX_TOKENS="500",
    )
    endpoint.default_reply = Reply([LONG], usage=None)
    page = open_page(app.url, locale=locale, viewport=viewport)
    line = page.locator(".st-key-line")
    for number in range(4):
        browser.ask(page, f"Question {number}")
        expect(messages(page)).to_have_count(2 * number + 2)
        expect_answer(page, "word")
        if number == 0:
            expect(line).to_have_text("test-model-with-a-name-of-some-length")
        else:
            expect(line).to_contain_text("≈ 7" if number == 1 else "≈ 1.1k")
        if number == 1:
            box = line.bounding_box()
            assert box and box["height"] < 40
    expect(page.get_by_text(SENTENCE[locale])).to_be_visible()
    seen = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert seen <= viewport["width"]
