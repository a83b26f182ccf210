"""The model that answers, and the messages if no model can answer."""

import pytest
from streamlit.testing.v1 import AppTest

from chatbot.ui import services
from tests.conftest import CANARY_KEY, ROOT, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply, chunk
from tests.servers.faulty import TOOL_CALL
from tests.ui.test_page import ask, said, texts


def test_the_first_model_that_chats_is_the_one_to_begin_with(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.models = ["nomic-embed-text", "text-embedding-3-small", "dall-e-3", "qwen3:8b"]
    wait_until(lambda: page.run().selectbox[0].options == endpoint.models)
    assert page.selectbox[0].value == "qwen3:8b"
    ask(page, "Hi!")
    assert endpoint.requests[0]["model"] == "qwen3:8b"


def test_without_a_choice_the_first_model_that_chats_is_asked(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.models = ["whisper-1", "qwen3:8b"]
    ask(page.run(), "Hi!")  # before the list has come
    assert endpoint.requests[0]["model"] == "qwen3:8b"


def test_a_session_on_the_built_in_model_follows_to_a_server_that_is_added(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()
    assert page.selectbox[0].value == "SmolLM2-135M-Instruct"
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY_KEY)
    services.settings.clear()
    page.run()
    wait_until(lambda: page.run().selectbox[0].value == "test-model")
    assert page.selectbox[0].options == endpoint.models
    ask(page, "Hi!")
    assert endpoint.requests[0]["model"] == "test-model"


@pytest.mark.parametrize(
    ("locale", "caption", "sentence"),
    [
        ("en-US", "answers, but lists no models. Type one above.", "lists no models. Type a"),
        ("zh-CN", "有响应，但没有列出任何模型。请在上面输入名称。", "没有列出任何模型。请在侧边栏"),
    ],
)
def test_an_empty_list_is_said_to_be_one(
    locale: str, caption: str, sentence: str, page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.models = []
    page.context = {"locale": locale}
    wait_until(lambda: any(caption in said(one.value) for one in page.run().caption))
    ask(page, "Hi!")
    assert sentence in said(page.warning[0].value)
    assert "/v1" not in page.warning[0].value


def test_a_server_without_a_list_is_not_said_to_have_an_empty_one(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.models_status = 404
    wait_until(lambda: not page.run().selectbox[0].options)
    ask(page, "Hi!")
    assert "has no list of models at this address" in said(page.warning[0].value)
    assert not any("lists no models" in one.value for one in page.caption)


def test_reasoning_that_only_its_end_marks_is_no_part_of_the_answer(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    pieces = ["Okay, the user ", "says hello.\n", "</think>", "\n\nHello! "]
    endpoint.replies = [Reply(pieces)]
    ask(page.run(), "Hi!")
    for _ in range(2):  # as it ended, and as a part of the history
        assert texts(page) == ["Hi!", "Hello!"]
        [line] = page.main.expander
        assert line.label.startswith("Thought for")
        page.run()
    ask(page, "Again!")
    assert [one["content"] for one in endpoint.requests[1]["messages"]] == [
        "Hi!",
        "Hello! ",
        "Again!",
    ]


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en-US", "The model thought, but gave no answer."), ("zh-CN", "模型只进行了思考")],
)
def test_an_answer_that_is_only_reasoning_is_shown_as_that(
    locale: str, sentence: str, page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply([], thoughts=["Hm"])]
    page.context = {"locale": locale}
    ask(page.run(), "Hi!")
    assert sentence in said(page.warning[0].value)
    assert len(page.main.expander) == 1


def test_an_answer_that_is_only_a_tool_call_names_the_tool(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(raw_events=[TOOL_CALL, chunk(None, "tool_calls")])]
    ask(page.run(), "Hi!")
    assert "(web_search)" in said(page.warning[0].value)


def test_a_refusal_is_shown_as_the_answer(page: AppTest, endpoint: FakeEndpoint) -> None:
    events = [chunk("I am sorry, ", name="refusal"), chunk("no.", "stop", "refusal")]
    endpoint.replies = [Reply(raw_events=events)]
    ask(page.run(), "Hi!")
    assert texts(page) == ["Hi!", "I am sorry, no."]
    assert not page.warning
