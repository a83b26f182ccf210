"""Every fault of an endpoint, through the client and through the page."""

import contextlib
import io
import json
import logging
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from streamlit.testing.v1 import AppTest

from chatbot import background
from chatbot.access import visitor
from chatbot.errors import Action, ChatbotError
from chatbot.exchange import export
from chatbot.i18n import catalogue, translate
from chatbot.llm.client import Client
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.error_mapping import context_limit
from chatbot.llm.request import ReplyRequest, complaints
from chatbot.llm.stream.completion import MAX_REPLY_CHARACTERS, Completion
from chatbot.store import Message, State, Store
from chatbot.ui.session import widgets
from tests.conftest import CANARY_KEY, ROOT, page_state, wait_until
from tests.servers.endpoint import FakeEndpoint, chunk
from tests.servers.faulty import (
    FAULTS,
    HALF,
    WHOLE,
    Answer,
    Exchange,
    Fault,
    FaultyServer,
    answer_with_a_page,
    answer_with_other_json,
    count_down,
    events,
    list_compressed,
    list_halfway,
    list_without_end,
    redirect_to,
    untrusted_tls,
)
from tests.ui.test_page import ask, said, texts

REQUEST = ReplyRequest("test-model", [{"role": "user", "content": "Hi"}], 0.8, 2048)
TIMEOUT_SECONDS = 1.0
LONG_SECONDS = 20.0
"""More than it takes, so that a busy machine is not taken for a silent server."""


def name_of(fault: Fault) -> str:
    return f"{fault.number} {fault.name}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between two attempts would be most of the time that these tests take."""
    monkeypatch.setattr("chatbot.llm.retries.PAUSES_SECONDS", (0.01, 0.02))
    monkeypatch.setenv("CHATBOT_CONNECT_TIMEOUT", str(TIMEOUT_SECONDS))
    monkeypatch.setenv("CHATBOT_SILENCE_TIMEOUT", str(TIMEOUT_SECONDS))


@pytest.fixture
def servers() -> Iterator[list[FaultyServer]]:
    servers: list[FaultyServer] = []
    yield servers
    for server in servers:
        server.stop()


# Through the client


def patience(fault: Fault) -> float:
    return TIMEOUT_SECONDS if fault.is_silence else LONG_SECONDS


def outcome(base_url: str, timeout_seconds: float) -> tuple[str, str | None, Completion | None]:
    """The text that came, the failure's code, and how it ended if it did not fail."""
    pieces: list[str] = []

    async def ask_model() -> Completion:
        client = Client()
        try:
            endpoint = Endpoint(base_url, CANARY_KEY, timeout_seconds, timeout_seconds)
            return await client.stream_reply(endpoint, REQUEST, pieces.append)
        finally:
            await client.close()

    try:
        completion = background.submit(ask_model()).result(30)
    except ChatbotError as error:
        return "".join(pieces), error.code, None
    return "".join(pieces), None, completion


def check_client(fault: Fault, server: FaultyServer, requests: int) -> None:
    text, code, completion = outcome(server.base_url, patience(fault))
    if fault.number == 30 and fault.name == "flood":
        assert len(text) < 1.1 * MAX_REPLY_CHARACTERS
    else:
        assert text == fault.text
    if fault.code == "waiting":
        assert code == "busy"
    elif completion is None:
        assert code == fault.code
    elif fault.code in ("empty", "interrupted"):
        assert not completion.finish_reason  # which the answer makes into that failure
    elif fault.code in ("only_thought", "tool_call"):
        assert completion.finish_reason == "stop"  # of the same kind
    elif fault.code == "filtered":
        assert completion.finish_reason == "content_filter"
    else:
        assert fault.code is None
        assert completion.finish_reason in ("stop", "length")
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("fault", "pace"),
    [
        pytest.param(fault, pace, id=f"{name_of(fault)} {pace}")
        for fault in FAULTS
        for pace in fault.paces
    ],
)
def test_a_fault_ends_as_it_should_at_any_pace(
    fault: Fault, pace: str, servers: list[FaultyServer]
) -> None:
    server = FaultyServer(fault.answer).start()
    servers.append(server)
    server.pace = pace
    check_client(fault, server, fault.requests)


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_fault_ends_so_on_the_transport_for_socks_too(
    fault: Fault, servers: list[FaultyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    import openai

    monkeypatch.setattr(
        "chatbot.llm.transport._transport", lambda _: openai.DefaultAsyncHttpxClient
    )
    server = FaultyServer(fault.answer).start()
    servers.append(server)
    check_client(fault, server, fault.requests)


@pytest.mark.parametrize("transport", ["DefaultAioHttpClient", "DefaultAsyncHttpxClient"])
@pytest.mark.parametrize(
    "listing",
    [list_without_end, list_compressed, list_halfway, answer_with_a_page, answer_with_other_json],
)
def test_a_list_of_models_that_is_none_is_read_up_to_a_limit(
    transport: str,
    listing: Answer,
    servers: list[FaultyServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import openai

    monkeypatch.setattr("chatbot.llm.transport._transport", lambda _: getattr(openai, transport))
    server = FaultyServer(never).start()
    servers.append(server)
    server.list_models = listing

    async def list_models() -> list[str]:
        client = Client()
        try:
            endpoint = Endpoint(server.base_url, CANARY_KEY, TIMEOUT_SECONDS, TIMEOUT_SECONDS)
            return await client.list_models(endpoint)
        finally:
            await client.close()

    with pytest.raises(ChatbotError) as caught:
        background.submit(list_models()).result(30)
    assert caught.value.code in ("not_an_api", "timeout")


@pytest.mark.parametrize("transport", ["DefaultAioHttpClient", "DefaultAsyncHttpxClient"])
def test_a_server_that_takes_no_connection_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    import openai

    monkeypatch.setattr("chatbot.llm.transport._transport", lambda _: getattr(openai, transport))
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # the queue of connections to accept is full
            waiting.enter_context(client := socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"

        async def list_models() -> list[str]:
            client = Client()
            try:
                return await client.list_models(Endpoint(base_url, CANARY_KEY, 0.3, 20))
            finally:
                await client.close()

        with pytest.raises(ChatbotError) as caught:
            background.submit(list_models()).result(30)
    assert caught.value.code == "unreachable"


# Through the page


class Visit:
    """A person who asks one question at the page, in both languages."""

    def __init__(self, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("OPENAI_API_KEY", CANARY_KEY)
        monkeypatch.setenv("CHATBOT_MODEL", "test-model")
        self.page = self._open("en-US")
        ask(self.page.run(), "Hi!")
        self.token = page_state(self.page).visitor_token

    def _open(self, locale: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=30)
        page.context = {"locale": locale}
        return page

    def in_chinese(self) -> AppTest:
        """The same conversation, opened by the same person in another browser."""
        page = self._open("zh-CN")
        page.query_params["c"] = self.page.query_params["c"]
        page_state(page).visitor_token = self.token
        page_state(page).visitor_is_known = True
        return page.run()

    def exported(self) -> str:
        """All of the person's conversations, as they would be taken away."""
        store = Store(f"sqlite:///{Path.cwd()}/chatbot.db")
        file = io.BytesIO()
        export.write_zip(
            [store], visitor.owner_of(self.token), file, "en", None, report=lambda _: None
        )
        store.close()
        with zipfile.ZipFile(file) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())

    def kept(self, state: State) -> list[Message]:
        """The conversation as the store has it, once the answer is in this state."""
        store = Store(f"sqlite:///{Path.cwd()}/chatbot.db")
        owner = visitor.owner_of(self.token)
        conversation_id = str(self.page.query_params["c"])
        kept: list[Message] = []

        def is_so() -> bool:
            kept[:] = store.messages.all(owner, conversation_id)
            return kept[-1].state is state and (
                state is not State.ANSWERING or bool(kept[-1].error)
            )

        wait_until(is_so)
        store.close()
        return kept


def check_buttons(page: AppTest, names: tuple[str, ...], language: str) -> None:
    """Assert that the helping buttons are drawn in the person's language; `names` are English."""
    keys = {text: key for key, text in catalogue("en").items() if key.startswith("answer.")}
    wanted = {
        translate(language, keys[name]) if name in keys else translate(language, "cancel")
        for name in names
    }
    assert wanted <= {button.label for button in page.button}


def check_sentence(page: AppTest, error: ChatbotError, language: str) -> None:
    """One sentence, ours, and nothing else that looks like an error."""
    sentence = error.sentence(language)
    if error.action is Action.OWNER:
        sentence = translate(language, "error_hint.owner", sentence=sentence)
    assert [said(warning.value) for warning in page.warning] == [sentence]
    assert not page.exception
    assert not page.error


def check_no_key(visit: Visit, log: str) -> None:
    shown = repr(visit.page._tree)
    stored = b"".join(path.read_bytes() for path in Path.cwd().glob("chatbot.db*"))
    exported = visit.exported()
    assert "Hi!" in exported
    assert CANARY_KEY not in shown
    assert CANARY_KEY not in log
    assert CANARY_KEY not in exported
    assert CANARY_KEY.encode() not in stored
    assert "Traceback" not in shown


def check_page(
    fault: Fault, visit: Visit, host: str, log: pytest.LogCaptureFixture
) -> ChatbotError | None:
    question, answer = visit.kept(fault.state)
    assert question.content == "Hi!"
    if fault.name != "flood":
        assert answer.content == fault.text
        assert texts(visit.page)[0] == "Hi!"
        assert fault.text in texts(visit.page)[1]
    error = ChatbotError.from_json(answer.error)
    assert (error.code if error else None) == fault.code
    in_chinese = visit.in_chinese()
    check_buttons(visit.page, fault.buttons, "en")
    check_buttons(in_chinese, fault.buttons, "zh")
    if error:
        assert error.details.get("host", host) == host
        check_sentence(visit.page, error, "en")
        check_sentence(in_chinese, error, "zh")
    else:
        assert not visit.page.warning
    check_no_key(visit, log.text)
    return error


@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_fault_is_one_sentence_with_a_button_and_nothing_is_lost(
    fault: Fault,
    servers: list[FaultyServer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("CHATBOT_SILENCE_TIMEOUT", str(patience(fault)))
    server = FaultyServer(fault.answer).start()
    servers.append(server)
    visit = Visit(server.base_url, monkeypatch)
    check_page(fault, visit, server.host, caplog)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def never(_exchange: object) -> None:
    raise AssertionError("nothing may be sent here")


@pytest.mark.parametrize(
    ("fault", "host"),
    [
        (Fault(1, "refused", never, "unreachable"), "127.0.0.1:<closed>"),
        (Fault(2, "DNS", never, "unknown_host"), "no-such-host.invalid"),
    ],
    ids=["1 refused", "2 DNS"],
)
def test_a_server_that_is_not_there_is_said_to_be_so(
    fault: Fault,
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = host.replace("<closed>", str(closed_port()))
    check_page(fault, Visit(f"http://{host}/v1", monkeypatch), host, caplog)


def test_an_untrusted_certificate_is_refused_before_anything_is_sent(
    servers: list[FaultyServer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = FaultyServer(never, untrusted_tls()).start()
    servers.append(server)
    visit = Visit(server.base_url, monkeypatch)
    check_page(Fault(3, "TLS", never, "certificate"), visit, server.host, caplog)
    assert server.heads == []


def test_tls_is_not_spoken_where_it_should_be(
    servers: list[FaultyServer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = FaultyServer(never).start()
    servers.append(server)
    visit = Visit(server.base_url.replace("http:", "https:"), monkeypatch)
    assert server.requests == []
    answer = visit.kept(State.FAILED)[-1]
    error = ChatbotError.from_json(answer.error)
    assert error and error.code in ("no_tls", "timeout", "unreachable")
    check_sentence(visit.page, error, "en")


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_a_redirect_takes_nothing_along(
    transport: str,
    servers: list[FaultyServer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    import openai

    if transport == "httpx":
        monkeypatch.setattr(
            "chatbot.llm.transport._transport", lambda _: openai.DefaultAsyncHttpxClient
        )
    recorder = FaultyServer(never).start()
    server = FaultyServer(redirect_to(recorder)).start()
    servers += [recorder, server]
    visit = Visit(server.base_url, monkeypatch)
    check_page(Fault(7, "redirect", never, "redirect"), visit, server.host, caplog)
    assert len(server.requests) == 1
    assert recorder.heads == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [(fault.answer, fault.code) for fault in FAULTS if fault.number in (5, 22, 23)],
)
def test_stop_works_at_once_whatever_the_endpoint_does(
    answer: Answer, code: str, servers: list[FaultyServer]
) -> None:
    server = FaultyServer(answer).start()
    servers.append(server)

    async def stop_it() -> float:
        import asyncio

        client = Client()
        pieces: list[str] = []
        endpoint = Endpoint(server.base_url, CANARY_KEY, 60, 60)
        asking = asyncio.ensure_future(client.stream_reply(endpoint, REQUEST, pieces.append))
        while not server.requests or (code != "timeout" and not pieces):
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking], timeout=5)
        assert asking.cancelled()
        await client.close()
        return 0

    background.submit(stop_it()).result(20)


def test_what_is_refused_is_adapted_at_once_and_known_after_a_restart(
    servers: list[FaultyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    [fault] = [fault for fault in FAULTS if fault.number == 8]
    server = FaultyServer(fault.answer).start()
    servers.append(server)
    visit = Visit(server.base_url, monkeypatch)
    assert ["max_completion_tokens" in request for request in server.requests] == [False, True]
    import streamlit as st

    st.cache_resource.clear()  # as a restart would
    ask(visit.in_chinese(), "Again!")
    wait_until(lambda: len(server.requests) == 3)
    assert server.requests[2]["max_completion_tokens"] == 2048
    assert HALF in json.dumps(server.requests[2]["messages"])


def press(page: AppTest, label: str) -> AppTest:
    [button] = [button for button in page.button if button.label == label]
    return button.click().run()


@pytest.mark.parametrize("label", ["Retry now", "Cancel"])
def test_a_busy_endpoint_is_asked_again_or_not_as_one_likes(
    label: str, servers: list[FaultyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FaultyServer(count_down).start()
    servers.append(server)
    visit = Visit(server.base_url, monkeypatch)
    assert texts(visit.page) == ["Hi!", ""]
    server.state["is_busy"] = False
    press(visit.page, label)
    if label == "Cancel":
        answer = visit.kept(State.STOPPED)[-1]
        assert (answer.content, answer.error, len(server.requests)) == ("", None, 1)
        press(visit.page, "Retry")
    assert texts(visit.page) == ["Hi!", WHOLE]
    assert not visit.page.warning
    assert len(visit.kept(State.COMPLETE)) == (3 if label == "Cancel" else 2)


def test_a_question_that_is_too_long_begins_a_new_conversation_in_the_composer(
    servers: list[FaultyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    [fault] = [fault for fault in FAULTS if fault.number == 9]
    server = FaultyServer(fault.answer).start()
    servers.append(server)
    visit = Visit(server.base_url, monkeypatch)
    visit.kept(State.FAILED)
    [begin] = [one for one in visit.page.button if (one.key or "").startswith("start-over")]
    assert begin.label == "New chat"
    begin.click().run()
    assert texts(visit.page) == []
    assert "c" not in visit.page.query_params
    assert visit.page.chat_input[0].value == "Hi!"


@pytest.mark.parametrize(
    ("locale", "reason"),
    [
        ("en-US", "test-model does not take a temperature, so it is not sent."),
        ("zh-CN", "test-model 不接受温度设置，因此不会发送。"),
    ],
)
def test_a_control_that_the_model_does_not_take_says_so(
    locale: str, reason: str, servers: list[FaultyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse_temperature(exchange: Exchange) -> None:
        if "temperature" in exchange.body:
            await exchange.refuse(400, "Unsupported parameter: 'temperature'")
        else:
            await events(chunk(WHOLE, "stop"), "data: [DONE]\n\n")(exchange)

    monkeypatch.setenv("CHATBOT_MODELS", "test-model, other-model")
    server = FaultyServer(refuse_temperature).start()
    servers.append(server)
    visit = Visit(server.base_url, monkeypatch)
    assert texts(visit.page) == ["Hi!", WHOLE]
    page = visit.page if locale == "en-US" else visit.in_chinese()
    page.session_state[widgets.SETTINGS_FOLD] = True
    assert page.run().slider[0].disabled
    assert reason in [said(caption.value) for caption in page.caption]
    page.selectbox[0].set_value("other-model").run()
    assert not page.slider[0].disabled
    assert reason not in [said(caption.value) for caption in page.caption]


@pytest.mark.parametrize(
    ("refusal", "limit"),
    [
        ("This model's maximum context length is 8192 tokens. However, your messages resulted in"
         " 9001 tokens.", 8192),
        ("'max_tokens' is too large: 9000. This model's maximum context length is 4096 tokens and"
         " your request has 20 input tokens", 4096),
        ({"error": {"type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096,
                    "message": "the request exceeds the available context size, try it"}}, 4096),
        ("request (9000 tokens) exceeds the available context size (4096 tokens)", 4096),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
         1048576),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200000),
        ("Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
         32768),
        ("Range of input length should be [1, 30720]", 30720),
        ("Your request exceeded model token limit: 8,192", 8192),
        ("Please reduce the length of the messages: the context is too long", None),
        ("maximum context length is 12 pages", None),
        ({"error": {"message": "context", "n_ctx": "4096"}}, None),
        (None, None),
    ],
)  # fmt: skip
def test_a_refusal_names_the_context_window(refusal: object, limit: int | None) -> None:
    assert context_limit(refusal, complaints(refusal)) == limit


@pytest.mark.parametrize(
    ("refusal", "locale", "reason"),
    [
        ("Unrecognized request argument: reasoning_effort", "en-US", "test-model does not take"),
        ("Unsupported value: 'reasoning_effort' does not support 'high'", "zh-CN", "test-model 不"),
    ],
)
def test_an_effort_that_the_model_does_not_take_is_left_out_and_said(
    refusal: str,
    locale: str,
    reason: str,
    endpoint: FakeEndpoint,
    page: AppTest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse_effort(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if "reasoning_effort" in body:
            return web.json_response({"error": {"message": refusal}}, status=400)
        return await endpoint._stream(request, None)

    monkeypatch.setenv("CHATBOT_MODELS", "test-model")
    endpoint.respond = refuse_effort
    page.context = {"locale": locale}
    page.run()
    efforts = page.selectbox[1]
    assert efforts.value == "default"
    efforts.set_value("high").run()
    ask(page, "Hi!")
    assert [request.get("reasoning_effort") for request in endpoint.requests] == ["high", None]
    assert any(reason in said(caption.value) for caption in page.caption)
    assert page.selectbox[1].disabled == ("argument" in refusal)
    ask(page, "And?")
    assert len(endpoint.requests) == 3


def test_no_effort_is_sent_unless_it_was_chosen(endpoint: FakeEndpoint, page: AppTest) -> None:
    ask(page.run(), "Hi!")
    page.selectbox[1].set_value("low").run()
    ask(page, "And?")
    assert [request.get("reasoning_effort") for request in endpoint.requests] == [None, "low"]
