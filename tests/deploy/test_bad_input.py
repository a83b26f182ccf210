"""Clients that are not browsers: other visitors are still served, and the log names the reason.

The tests send raw data to a server of `deploy/` with STREAMLIT_SERVER_ALLOWED_HOSTS.
"""

import asyncio
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest, BackMsg
from streamlit.proto.ClientState_pb2 import ClientState, ContextInfo
from streamlit.proto.Common_pb2 import FileURLsRequest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

from chatbot.ui.client import messages
from tests.conftest import CANARY_KEY, ROOT, RunningApp
from tests.protocol import Visit, rerun, run, visit
from tests.servers.endpoint import FakeEndpoint, Reply

FOREIGN = "http://evil.example"
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint().start()
    yield endpoint
    endpoint.stop()


@pytest.fixture(scope="module")
def server(
    endpoint: FakeEndpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("server")
    environment = {
        "HOME": str(folder),
        "OPENAI_BASE_URL": endpoint.base_url,
        "OPENAI_API_KEY": CANARY_KEY,
        "CHATBOT_MODELS": "test-model",
        "CHATBOT_SITE_LIMITS": "off",  # forged clicks ask questions, too
        "STREAMLIT_SERVER_ALLOWED_HOSTS": "127.0.0.1",
    }
    app = RunningApp(folder, environment, ROOT / "deploy" / "server.py")
    yield app
    app.stop()


@pytest.fixture(autouse=True)
def others_are_served(server: RunningApp) -> Iterator[None]:
    """After each test here somebody else asks and is answered, and the log can be read."""
    read_before = len(server.log)
    yield

    async def ask() -> None:
        async with visit(server.url) as page:
            await page.ask("Is anybody there?")
            await page.read_until(lambda message: "Hello there!" in str(message))

    run(ask())
    assert CANARY_KEY not in server.log
    for line in server.log[read_before:].splitlines():
        assert json.loads(line)["message"], line
        assert len(line) < 10_000


def memory(server: RunningApp) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


async def connect(server: RunningApp, **headers: str) -> aiohttp.ClientWebSocketResponse:
    async with aiohttp.ClientSession() as http:
        return await http.ws_connect(f"{server.url}/_stcore/stream", headers=headers)


def test_other_sites_get_no_connection(server: RunningApp) -> None:
    for headers in (
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": FOREIGN},
        {"Host": "127.0.0.1@evil.example"},
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            run(connect(server, **headers))
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("frame", "codes"),
    [
        (b"\xff" * 100, {1002}),
        (b"\x0a\xff\xff\xff\xff\x0f", {1002}),
        (rerun()[:-1] + b"\x80", {1002}),
        (b"\0" * (17 * MEBIBYTE), {1009}),
        ("text", {1000, 1006}),
    ],
    ids=["noise", "length", "cut", "oversized", "text"],
)
def test_frames_that_are_no_messages_end_their_connection_alone(
    server: RunningApp, frame: bytes | str, codes: set[int]
) -> None:
    async def send() -> int | None:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{server.url}/_stcore/stream") as socket,
        ):
            try:
                if isinstance(frame, str):
                    await socket.send_str(frame)
                else:
                    await socket.send_bytes(frame)
            except ConnectionError:
                return 1009  # it does not even wait for the end of what is too long
            while not socket.closed:
                await socket.receive()
            return socket.close_code

    before = memory(server)
    assert run(send()) in codes
    assert memory(server) < before + 100 * MEBIBYTE


FORGED: dict[str, list[dict[str, Any]]] = {
    "slider": [
        {"double_array_value": [99.0]},
        {"double_array_value": [float("nan")]},
        {"double_array_value": []},
        {"string_value": "hot"},
    ],
    "number_input": [
        {"double_value": -5.0},
        {"double_value": 1e300},
        {"double_value": float("inf")},
        {"double_value": float("nan")},
        {"string_value": "many"},
    ],
    "selectbox": [
        {"string_value": "x" * 100_000},
        {"string_value": "no-such-choice"},
        {"int_value": 99},
    ],
    "text_area": [
        {"string_value": "y" * MEBIBYTE},
        {"string_value": "\0\ud7ff"},
        {"bool_value": True},
    ],
    "chat_input": [{"string_value": "no chat input"}, {"int_value": 1}],
    "button": [{"string_value": "pressed"}],
}


@pytest.mark.parametrize("kind", FORGED)
def test_values_no_control_can_have_do_no_harm(
    server: RunningApp, endpoint: FakeEndpoint, kind: str
) -> None:
    async def send(value: dict[str, Any]) -> None:
        async with visit(server.url) as page:
            message = await open_settings(page)
            message.rerun_script.widget_states.widgets.append(forged(page, kind, value))
            if kind != "chat_input":
                question = message.rerun_script.widget_states.widgets.add()
                question.id = page.widgets["chat_input"]
                question.chat_input_value.data = "Asked with forged values"
            await page.socket.send_bytes(message.SerializeToString())
            await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")

    asked_before = len(endpoint.requests)
    for value in FORGED[kind]:
        run(send(value))
    for request in endpoint.requests[asked_before:]:
        assert 0 <= request.get("temperature", 0) <= 2
        assert 1 <= request["max_tokens"] <= 1_000_000
        assert len(json.dumps(request)) < 250_000


ODD_VALUES: list[dict[str, Any]] = [
    {"int_value": 99},
    {"double_value": 1e300},
    {"bool_value": True},
    {"string_value": "odd"},
    {"json_value": '"odd"'},
    {"json_value": "[[["},
    {"json_value": '{"token": 3, "proofs": [], "draft": {"text": 1}}'},
    {"double_array_value": [float("nan"), 2.0]},
    {"bytes_value": b"\xff"},
]


@pytest.mark.parametrize("query", ["", "view=data", "view=check", "view=usage", "share=x"])
def test_a_value_of_another_type_counts_as_none(server: RunningApp, query: str) -> None:
    """Of every control of a page, those of our own components among them."""

    async def send(value: dict[str, Any]) -> list[str]:
        async with visit(server.url) as page:
            message = await open_settings(page)
            message.rerun_script.query_string = query
            message.rerun_script.is_history_navigation = True  # or the address is taken back
            page.ids.clear()
            await page.socket.send_bytes(message.SerializeToString())
            await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")
            ids = sorted(filter(None, page.ids))
            assert ids
            for _ in range(2):  # the second time the page knows its controls
                for widget_id in ids:
                    state = message.rerun_script.widget_states.widgets.add()
                    fill(state, widget_id, value)
                await page.socket.send_bytes(message.SerializeToString())
                await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")
            return page.texts

    for value in ODD_VALUES:
        read_before = len(server.log)
        texts = run(send(value))
        assert [text for text in texts if "log has the details" in text] == [], value
        assert '"level": "error"' not in server.log[read_before:], value


async def open_settings(page: Visit) -> BackMsg:
    """Open the fold with the answer settings; returns the message, which keeps it open."""
    message: BackMsg = BackMsg.FromString(rerun(page.script_hash))
    fold = message.rerun_script.widget_states.widgets.add()
    fold.id, fold.bool_value = page.widgets["expander"], True
    await page.socket.send_bytes(message.SerializeToString())
    await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")
    return message


def forged(page: Visit, kind: str, value: dict[str, Any]) -> WidgetState:
    state = WidgetState()
    fill(state, page.widgets[kind], value)
    return state


def fill(state: WidgetState, widget_id: str, value: dict[str, Any]) -> None:
    state.id = widget_id
    for name, content in value.items():
        if name == "double_array_value":
            state.double_array_value.data.extend(content)
        else:
            setattr(state, name, content)


def test_no_message_touches_what_all_share(server: RunningApp, endpoint: FakeEndpoint) -> None:
    """One clears all caches, and with them everybody's answers; one tells of files of the app."""

    async def send() -> None:
        go_on = threading.Event()
        endpoint.replies = [Reply(["Still", " answering"], hold=go_on)]
        async with visit(server.url) as asking, visit(server.url) as hostile:
            await asking.ask("Something long")
            await asking.read_until(lambda message: "Still" in str(message))
            for message in (
                BackMsg(clear_cache=True),
                BackMsg(load_git_info=True),
                BackMsg(set_run_on_save=True),
                BackMsg(debug_disconnect_websocket=True),
                BackMsg(debug_shutdown_runtime=True),
            ):
                await hostile.socket.send_bytes(message.SerializeToString())
            answered: list[str | None] = []
            await hostile.socket.send_bytes(BackMsg(app_heartbeat=True).SerializeToString())

            def is_heard(message: ForwardMsg) -> bool:
                answered.append(message.WhichOneof("type"))
                return answered[-1] == "heartbeat_ack"

            await hostile.read_until(is_heard)
            assert "git_info_changed" not in answered
            go_on.set()
            await asking.read_until(lambda message: "Still answering" in str(message))

    run(send())


def rerun_of(**parts: Any) -> BackMsg:
    return BackMsg(rerun_script=ClientState(**parts))


def field(*texts: str) -> WidgetStates:
    return WidgetStates(widgets=[WidgetState(id="x", string_value=text) for text in texts])


@pytest.mark.parametrize(
    ("message", "is_accepted"),
    [
        (rerun_of(), True),
        (rerun_of(context_info=ContextInfo(timezone="Asia/Shanghai")), True),
        (rerun_of(context_info=ContextInfo(timezone="x" * MEBIBYTE)), False),
        (rerun_of(context_info=ContextInfo(url="x" * MEBIBYTE)), False),
        (rerun_of(page_name="x" * MEBIBYTE), False),
        (rerun_of(cached_message_hashes=["h" * 64] * 3000), True),
        (rerun_of(cached_message_hashes=["h" * 64] * 30_000), False),
        (rerun_of(widget_states=field("x" * MEBIBYTE)), True),
        (rerun_of(widget_states=field(*["x"] * 30_000)), False),
        (BackMsg(file_urls_request=FileURLsRequest(file_names=["export.zip"])), True),
        (BackMsg(file_urls_request=FileURLsRequest(file_names=[""] * 100)), False),
        (
            BackMsg(backend_operation_request=BackendOperationRequest(request_id="x" * MEBIBYTE)),
            False,
        ),
    ],
)
def test_a_message_is_no_larger_than_the_page_needs(message: BackMsg, is_accepted: bool) -> None:
    assert (messages.accepted(message) is not None) is is_accepted


def test_no_more_of_a_value_is_kept_than_the_page_needs() -> None:
    long = "x" * MEBIBYTE
    states = [
        WidgetState(id="text", string_value=long),
        WidgetState(id="short", string_value="x"),
        WidgetState(id="json", json_value='"x"'),
        WidgetState(id="long json", json_value=f'"{long}"'),
        WidgetState(id="trigger", json_trigger_value=f'"{long}"'),
        WidgetState(id="bytes", bytes_value=long.encode()),
    ]
    message = messages.accepted(rerun_of(widget_states=WidgetStates(widgets=states)))
    assert message
    kept = {state.id: state for state in message.rerun_script.widget_states.widgets}
    assert len(kept["text"].string_value) == messages.LONGEST_TEXT
    assert (kept["short"].string_value, kept["json"].json_value) == ("x", '"x"')
    assert message.ByteSize() < messages.LONGEST_TEXT + 1000


def test_a_flood_of_rubbish_does_not_flood_the_log(server: RunningApp) -> None:
    async def flood() -> None:
        async with aiohttp.ClientSession() as http:
            for _ in range(60):
                async with http.ws_connect(f"{server.url}/_stcore/stream") as socket:
                    await socket.send_bytes(b"\xff" * 100)
                    while not socket.closed:
                        await socket.receive()

    before = len(server.log)
    run(flood())
    assert server.log[before:].count("Error deserializing") <= 20


NONSENSE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS, where none is spoken
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /static/../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /static/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /media/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: " + b"h" * 100_000 + b"\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /_stcore/agent/interact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}",
    b"PUT /_stcore/upload_file/no/such HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Length: 1000000000\r\n\r\nx",
    b"GET / HTTP/1.1\r\nCookie: chatbot-visitor=\xff\xfe; x\r\nHost: \xe9\r\n\r\n",
    os.urandom(10_000),
    b"",
]


def test_requests_that_make_no_sense_are_refused(server: RunningApp) -> None:
    for request in NONSENSE:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            answer = b""
            with contextlib.suppress(ConnectionError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    answer += part
        assert b"root:" not in answer
        assert CANARY_KEY.encode() not in answer
        if request.startswith((b"PUT", b"POST", b"TRACE")):
            assert answer[9:10] in (b"4", b"")


def test_a_thousand_connections_opened_and_dropped_leave_nothing_behind(
    server: RunningApp,
) -> None:
    async def open_and_drop(http: aiohttp.ClientSession, number: int) -> None:
        async with http.ws_connect(f"{server.url}/_stcore/stream") as socket:
            if number % 10 == 0:
                await socket.send_bytes(rerun())
            if number % 2:
                assert socket._response.connection and socket._response.connection.transport
                socket._response.connection.transport.abort()

    async def come_and_go(times: int) -> None:
        connector = aiohttp.TCPConnector(limit=100)
        async with aiohttp.ClientSession(connector=connector) as http:
            await asyncio.gather(*(open_and_drop(http, number) for number in range(times)))

    run(come_and_go(200))  # whatever is loaded late
    before = memory(server)
    run(come_and_go(1000))
    assert memory(server) < before + 60 * MEBIBYTE
