"""The page as a person meets it, without a browser."""

from streamlit.testing.v1 import AppTest

from tests.conftest import CANARY_KEY
from tests.endpoint import FakeEndpoint


def ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input[0].set_value(question).run()


def texts(page: AppTest) -> list[str]:
    """What each message says, in order."""
    return [
        " ".join(str(element.value) for element in (*message.text, *message.markdown))
        for message in page.chat_message
    ]


def test_an_empty_page_greets_and_suggests(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert page.title[0].value == "How can I help?"
    assert len([button for button in page.button if str(button.key).startswith("suggest-")]) == 4
    assert page.slider[0].value == 0.8
    assert page.number_input[0].value == 2048


def test_a_question_is_answered_and_sent_as_set(page: AppTest, endpoint: FakeEndpoint) -> None:
    ask(page.run(), "Hi!")
    assert texts(page) == ["Hi!", "Hello there!"]
    [request] = endpoint.requests
    assert request["messages"] == [{"role": "user", "content": "Hi!"}]
    assert (request["model"], request["temperature"], request["max_tokens"]) == (
        "test-model",
        0.8,
        2048,
    )
    assert request["stream_options"] == {"include_usage": True}
    assert endpoint.headers[0]["Authorization"] == f"Bearer {CANARY_KEY}"
