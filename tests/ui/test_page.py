"""The page as a person uses it, without a browser."""

import re
import traceback
from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.RootContainer_pb2 import RootContainer
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.secrets import Secrets
from streamlit.testing.v1 import AppTest

from chatbot.builtin.model import LocalModel
from chatbot.errors import ChatbotError
from chatbot.llm.request import Controls
from chatbot.ui import model_choice, services
from chatbot.ui.session.state import KEY, PageState
from tests.conftest import CANARY_KEY, ROOT, go_to, page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.ui.conversation_list import choose_in_list, list_data, listed_ids


def ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input[0].set_value(question).run()


def texts(page: AppTest) -> list[str]:
    """Return the text of each message, in order."""
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


def test_usage_and_state_are_kept(page: AppTest, endpoint: FakeEndpoint) -> None:
    ask(page.run(), "Hi!")
    conversation_id = page.query_params["c"]
    again = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    again.query_params["c"] = conversation_id
    page_state(again).visitor_token = page_state(page).visitor_token
    page_state(again).visitor_is_known = True
    again.run()
    assert texts(again) == ["Hi!", "Hello there!"]
    assert len(endpoint.requests) == 1


def test_an_address_of_somebody_else_is_not_found(page: AppTest) -> None:
    ask(page.run(), "My secret")
    other = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    other.query_params["c"] = page.query_params["c"]
    page_state(other).visitor_token = "x" * 43
    page_state(other).visitor_is_known = True
    other.run()
    assert texts(other) == []
    assert "There is no such conversation here." in other.info[0].value
    assert "My secret" not in str(other)


@pytest.mark.parametrize("address", ["0" * 32, "../../etc/passwd", "'; DROP TABLE--", "é"])
def test_a_malformed_address_is_not_found(page: AppTest, address: str) -> None:
    page.query_params["c"] = address
    page_state(page).visitor_token = "x" * 43
    page_state(page).visitor_is_known = True
    page.run()
    assert not page.exception
    assert page.info[0].value.startswith("There is no such conversation")


def test_the_browsers_language_is_spoken(page: AppTest) -> None:
    page.context = {"locale": "zh-TW"}
    page.run()
    assert page.title[0].value == "有什么可以帮您？"
    assert page.chat_input[0].placeholder == "输入您的问题"


def test_the_owners_language_comes_before_the_browsers(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_LANGUAGE", "zh")
    page.context = {"locale": "en-US"}
    page.run()
    assert page.title[0].value == "有什么可以帮您？"


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("en", "CHATBOT_TEMPERATURE in the environment cannot be used."),
        ("zh", "CHATBOT_TEMPERATURE（来源：环境变量）无法使用。"),
    ],
)
def test_a_bad_setting_opens_the_page_with_one_sentence(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, locale: str, sentence: str
) -> None:
    monkeypatch.setenv("CHATBOT_TEMPERATURE", "hot")
    page.context = {"locale": locale}
    page.run()
    assert not page.exception
    assert said(page.warning[0].value).startswith(sentence)
    monkeypatch.setenv("CHATBOT_TEMPERATURE", "0.3")
    page.button(key="try_again").click().run()
    assert not page.warning
    assert page.slider[0].value == 0.3


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("en-US", "OPENAI_BASE_URL in .env cannot be used."),
        ("zh-CN", "OPENAI_BASE_URL（来源：.env）无法使用。"),
    ],
)
def test_with_a_base_url_that_is_none_the_conversations_stay_and_nothing_is_sent(
    endpoint: FakeEndpoint, locale: str, sentence: str
) -> None:
    env_file = Path(".env")
    env_file.write_text(f"OPENAI_BASE_URL={endpoint.base_url}\nOPENAI_API_KEY={CANARY_KEY}\n")
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
    page.context = {"locale": locale}
    ask(page.run(), "Hi!")
    bare = endpoint.base_url.removeprefix("http://")
    env_file.write_text(f"OPENAI_BASE_URL={bare}\nOPENAI_API_KEY={CANARY_KEY}\n")
    services.settings.clear()
    page.run()
    assert texts(page) == ["Hi!", "Hello there!"]
    assert [said(one.value)[: len(sentence)] for one in page.warning] == [sentence]
    asked = len(endpoint.requests)
    ask(page, "Are you there?")
    assert texts(page) == ["Hi!", "Hello there!"]
    assert len(page.warning) == 1
    assert page.chat_input[0].proto.value == "Are you there?"  # nothing typed is lost
    assert len(endpoint.requests) == asked
    page.sidebar.button(key="new").click().run()
    # Nor does it say that the built-in model answers.
    assert not any("It makes things up." in one.value for one in page.caption)
    assert len(page.warning) == 1
    go_to(page, view="check")
    page.button(key="check_start").click().run()
    assert said(page.warning[0].value).startswith(sentence)
    assert not page.status
    env_file.write_text(f"OPENAI_BASE_URL={endpoint.base_url}\nOPENAI_API_KEY={CANARY_KEY}\n")
    services.settings.clear()
    go_to(page)
    ask(page, "Are you there?")
    assert texts(page) == ["Are you there?", "Hello there!"]
    assert not page.warning and not page.exception


def test_a_setting_that_decides_who_may_come_in_is_never_passed_over(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "no-address")
    monkeypatch.setenv("CHATBOT_PASSWORD", "short")
    page.run()
    assert not page.chat_input
    assert "CHATBOT_PASSWORD" in page.warning[0].value.replace("\\", "")


def test_a_secrets_file_that_is_no_toml_is_named_without_its_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".streamlit").mkdir()
    Path(".streamlit/secrets.toml").write_text(f"OPENAI_API_KEY = {CANARY_KEY}\n", "utf-8")
    monkeypatch.setattr("streamlit.secrets", Secrets())
    with pytest.raises(ChatbotError) as caught:
        services.settings()
    assert "secrets.toml" in str(caught.value)
    assert CANARY_KEY not in "".join(traceback.format_exception(caught.value))
    Path(".streamlit/secrets.toml").write_text(f'OPENAI_API_KEY = "{CANARY_KEY}"\n', "utf-8")
    monkeypatch.setattr("streamlit.secrets", Secrets())
    assert services.settings().api_key


def test_the_controls_of_a_conversation_are_sent_and_kept(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    page.run()
    wait_until(lambda: "other-model" in page.run().selectbox[0].options)
    page.slider[0].set_value(1.5)
    page.number_input[0].set_value(99)
    page.text_area[0].set_value("Be brief.")
    page.selectbox[0].set_value("other-model")
    ask(page, "Hi!")
    request = endpoint.requests[0]
    assert (request["temperature"], request["max_tokens"], request["model"]) == (
        1.5,
        99,
        "other-model",
    )
    assert request["messages"][0] == {"role": "system", "content": "Be brief."}
    page.run()
    assert (page.slider[0].value, page.selectbox[0].value) == (1.5, "other-model")
    page.button(key="new").click().run()
    assert (page.slider[0].value, page.number_input[0].value) == (0.8, 2048)
    assert page.selectbox[0].value == "other-model"  # who asked one goes on asking it
    assert page.text_area[0].value == ""
    page.text_area[0].set_value("x" * 100_001).run()
    assert "Only the first 100,000 characters are sent." in [one.value for one in page.caption]
    choose_in_list(page, "open", listed_ids(page)[0])
    assert (page.slider[0].value, page.number_input[0].value) == (1.5, 99)


def test_a_model_may_be_called_only_so_long(page: AppTest, endpoint: FakeEndpoint) -> None:
    typed = "odd\0" + "m" * 100_000
    choice = page.run().selectbox[0]
    choice.options.append(typed)  # any text may come over the connection
    choice.set_value(typed)
    ask(page, "Hi!")
    assert texts(page) == ["Hi!", "Hello there!"]
    assert endpoint.requests[0]["model"] == "odd" + "m" * 297


def test_only_the_owners_models_can_be_asked(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_MODELS", "small, large")
    page.run()
    assert page.selectbox[0].options == ["small", "large"]
    ask(page, "Hi!")
    assert endpoint.requests[0]["model"] == "small"


def test_the_endpoints_models_are_listed_and_the_first_is_chosen(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    page.run()
    wait_until(lambda: page.run().selectbox[0].options == ["test-model", "other-model"])
    assert page.selectbox[0].value == "test-model"


def test_who_comes_later_finds_the_list_of_models_there_at_once(page: AppTest) -> None:
    page.run()
    wait_until(lambda: page.run().selectbox[0].options == ["test-model", "other-model"])
    later = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()
    assert later.selectbox[0].value == "test-model"
    assert "test-model" in [said(line.value) for line in later.caption]


def test_a_model_that_is_chosen_just_as_the_list_comes_is_asked(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    early = page.run().selectbox[0]
    early.options.append("other-model")  # typed
    wait_until(lambda: page.run().selectbox[0].value == "test-model")
    early.set_value("other-model").run()  # a browser that has not drawn the list yet
    assert page.run().selectbox[0].value == "other-model"
    ask(page, "Hi!")
    assert endpoint.requests[0]["model"] == "other-model"


def test_what_a_click_could_not_do_still_stands_when_the_list_of_models_comes(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_VISITOR_LIMITS", "1 question per day")
    ask(page.run(), "Hi!")
    page.button(key="new").click().run()
    looks = [True, False]  # on its way as the page is drawn, there right after
    monkeypatch.setattr(services, "lists_are_coming", lambda: bool(looks and looks.pop(0)))
    ask(page, "One too many")
    assert looks == []
    assert page.warning[0].value.startswith("You have used up")
    page.run()
    assert list(page.warning) == []


@pytest.mark.parametrize("is_here", [False, True])
def test_the_built_in_model_is_announced_as_a_download_only_before_it_is_here(
    monkeypatch: pytest.MonkeyPatch, is_here: bool
) -> None:
    monkeypatch.setattr(LocalModel, "is_here", is_here)
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()
    [note] = [one.value for one in page.caption if "It makes things up." in one.value]
    assert ("Your first question fetches it once (93 MB)." in note) is not is_here


def test_a_model_of_the_owners_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHATBOT_LOCAL_MODEL", str(tmp_path / "Bigger-7B.gguf"))
    (tmp_path / "Bigger-7B.gguf").touch()
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30).run()
    note = "You are talking to **Bigger-7B**, which runs on this machine."
    assert any(said(one.value).startswith(note) for one in page.caption)
    assert any("Bigger-7B · runs on this machine" in said(line.value) for line in page.caption)


def test_the_owners_default_stays_in_the_list_though_the_server_does_not_name_it(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_MODEL", "unlisted-model")
    wait_until(lambda: len(page.run().selectbox[0].options) > 1)
    all_models = ["unlisted-model", "test-model", "other-model"]
    assert page.selectbox[0].value == "unlisted-model"
    assert page.selectbox[0].options == all_models
    page.selectbox[0].set_value("other-model").run()
    ask(page, "Hi!")
    assert page.selectbox[0].options == all_models
    assert endpoint.requests[-1]["model"] == "other-model"


def test_what_a_browser_sends_is_brought_into_range(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
    monkeypatch.setenv("CHATBOT_MODELS", "small, large")
    sent = {"model-n": "expensive", "temperature-n": 99.0, "max_tokens-n": -5}
    state = PageState(address={}, new_conversation_id="n")
    monkeypatch.setattr("streamlit.session_state", {**sent, KEY: state})
    assert model_choice.current() == Controls("small", 2.0, 1, "")


def test_a_question_that_is_too_long_goes_back_to_the_composer(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    question = "x" * 100_001
    ask(page.run(), question)
    assert "100,000" in said(page.warning[0].value)
    assert endpoint.requests == []


def test_a_blank_question_is_no_question(page: AppTest, endpoint: FakeEndpoint) -> None:
    ask(page.run(), "   \n ")
    assert texts(page) == []
    assert endpoint.requests == []


def test_what_a_person_types_is_shown_as_it_is(page: AppTest) -> None:
    question = "# not a title\n![x](http://example.org/x.png) :red[no] $1"
    ask(page.run(), question)
    assert page.chat_message[0].text[0].value == question
    [[_, [[_, title, _]]]] = list_data(page)["groups"]
    assert title.startswith("# not a title ![x](http")  # the browser draws it as plain text


def test_a_failed_answer_offers_to_retry(page: AppTest, endpoint: FakeEndpoint) -> None:
    endpoint.replies = [Reply(status=401, error={"message": f"Bad key {CANARY_KEY}"})]
    ask(page.run(), "Hi!")
    assert said(page.warning[0].value) == (
        f"{endpoint.base_url.split('/')[2]} does not accept the key. Check OPENAI_API_KEY. "
        "Whoever runs this app can change that."
    )
    page.button(key=again_key(page)).click().run()
    assert texts(page) == ["Hi!", "Hello there!"]
    assert not page.warning


def test_a_store_that_cannot_be_opened_ends_in_a_sentence(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_DATABASE_URL", f"sqlite:///{tmp_path}")
    page.run()
    assert not page.exception
    assert "database cannot be opened" in page.warning[0].value


def test_an_unexpected_exception_is_one_sentence_and_a_traceback_in_the_log(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("chatbot.ui.sidebar.sidebar.show_footer", lambda _: 1 / 0)
    page.run()
    assert not page.exception
    assert "This page could not be drawn." in said(page.warning[0].value)
    assert "ZeroDivisionError" in caplog.text


def test_a_change_that_cannot_be_kept_is_one_sentence(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(page.run(), "Hi!")

    def fail(*_: object) -> None:
        raise ChatbotError("store")

    monkeypatch.setattr("chatbot.store.conversations.Conversations.set_controls", fail)
    page.slider[0].set_value(1.5).run()
    page.run()
    assert not page.exception
    assert texts(page) == ["Hi!", "Hello there!"]


def test_a_long_conversation_mounts_its_newest_messages(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    page.run()
    for number in range(8):
        ask(page, f"Question {number}")
    assert len(page.chat_message) == 12
    assert texts(page)[0] == "Question 2"
    page.button(key="earlier").click().run()
    assert texts(page)[0] == "Question 0"
    assert "earlier" not in [button.key for button in page.button]
    ask(page, "Another")  # whoever asks reads on at the end
    assert len(page.chat_message) == 12


def test_while_one_asks_on_the_messages_above_stay_where_they_are_for_some_turns(
    page: AppTest,
) -> None:
    page.run()
    for number in range(8):
        ask(page, f"Question {number}")
    for mounted in (14, 16, 18):
        ask(page, "And then?")
        assert texts(page)[0] == "Question 2"
        assert len(page.chat_message) == mounted
    ask(page, "And then?")
    assert len(page.chat_message) == 12


def click(page: AppTest, label: str) -> None:
    [button] = [button for button in page.button if said(button.label) == label]
    button.click().run()


def again_key(page: AppTest) -> str:
    [key] = [str(button.key) for button in page.button if str(button.key).startswith("again-")]
    return key


def said(markdown: str) -> str:
    """Return text that was escaped for Markdown as a person reads it."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def test_a_run_that_the_browser_asked_for_before_it_knew_of_a_click_stays_there(
    page: AppTest, endpoint: FakeEndpoint
) -> None:
    ask(page.run(), "Hi")
    there = page.query_params
    page.query_params = {}
    assert texts(page.run())[-1] == "Hello there!"
    assert page.query_params == there
    page.query_params = {}
    ask(page, "And again?")
    assert texts(page) == ["Hi", "Hello there!", "And again?", "Hello there!"]


def test_nothing_of_a_conversation_is_emptied_and_drawn_again(
    page: AppTest, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser may show what is between, with all below it moved up."""
    # A list of models that arrives during a run has the page run again, and draw all twice.
    monkeypatch.setenv("CHATBOT_MODELS", "test-model")
    drawn: dict[tuple[int, ...], list[str]] = {}
    enqueue = ScriptRunContext.enqueue

    def note(context: ScriptRunContext, message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "delta":
            delta = message.delta
            is_empty = delta.new_element.WhichOneof("type") == "empty"
            kind = "empty" if is_empty else str(delta.WhichOneof("type"))
            drawn.setdefault(tuple(message.metadata.delta_path), []).append(kind)
        enqueue(context, message)

    ask(page.run(), "Hi!")
    endpoint.replies = [Reply(status=400, error={"message": "context is too long"})]
    ask(page, "And?")
    monkeypatch.setattr(ScriptRunContext, "enqueue", note)
    for _ in range(2):
        drawn.clear()
        page.run()
        assert len(drawn) > 20
        again = {path: kinds for path, kinds in drawn.items() if "empty" in kinds[:-1]}
        assert [path for path in again if path[0] == RootContainer.MAIN] == []
        page.button(key="new").click().run()
