"""The client against real HTTP on loopback."""

import asyncio
import contextlib
import gc
import json
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import openai
import pytest
from aiohttp import web

from chatbot import background
from chatbot.errors import ChatbotError
from chatbot.llm import client
from chatbot.llm.client import Client
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import ReplyRequest
from chatbot.llm.stream.completion import Completion
from tests.conftest import CANARY_KEY, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply, chunk

T = TypeVar("T")

REQUEST = ReplyRequest("test-model", [{"role": "user", "content": "Hi"}], 0.8, 2048)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run on the loop that answers live on, as the app does."""
    return background.submit(coroutine).result(60)


async def reply(base_url: str, pieces: list[str]) -> Completion:
    client = Client()
    try:
        return await client.stream_reply(
            Endpoint(base_url, CANARY_KEY, 2, 2), REQUEST, pieces.append
        )
    finally:
        await client.close()


def stream(endpoint: FakeEndpoint, *replies: Reply) -> tuple[list[str], Completion]:
    """The pieces of a reply and how it ended."""
    endpoint.replies = list(replies)
    pieces: list[str] = []
    return pieces, run(reply(endpoint.base_url, pieces))


def failure(endpoint: FakeEndpoint, *replies: Reply) -> tuple[list[str], ChatbotError]:
    """The pieces that came, and why no more did."""
    endpoint.replies = list(replies)
    pieces: list[str] = []
    with pytest.raises(ChatbotError) as caught:
        run(reply(endpoint.base_url, pieces))
    assert CANARY_KEY not in str(caught.value)
    return pieces, caught.value


def test_a_reply_comes_in_pieces_with_its_reason_and_usage(endpoint: FakeEndpoint) -> None:
    pieces, completion = stream(endpoint, Reply(["Hel", "lo"]))
    assert (pieces, completion) == (["Hel", "lo"], Completion("stop", 7, 3))


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "maximum context length is 8192 tokens", "too_long"),
        (400, "nonsense", "refused"),
        (401, "Incorrect API key", "key_refused"),
        (403, "Country, region, or territory not supported", "region"),
        (403, "no", "forbidden"),
        (404, "The model `x` does not exist", "model_not_found"),
        (404, "not here", "wrong_address"),
        (413, "too large", "too_long"),
        (422, "no", "refused"),
        (429, "You exceeded your current quota", "quota"),
        (307, "", "redirect"),
    ],
)
def test_a_refusal_is_told_apart(
    endpoint: FakeEndpoint, status: int, message: str, code: str
) -> None:
    _, error = failure(endpoint, Reply(status=status, error={"message": message + CANARY_KEY}))
    assert error.code == code
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (429, "slow down", "busy"),
        (500, "oops", "server_error"),
        (503, "overloaded", "busy"),
    ],
)
def test_a_passing_fault_is_tried_three_times(
    endpoint: FakeEndpoint, status: int, message: str, code: str
) -> None:
    bad = Reply(status=status, error={"message": message})
    assert failure(endpoint, bad, bad, bad)[1].code == code
    assert len(endpoint.requests) == 3
    assert stream(endpoint, bad, Reply(["At last"]))[0] == ["At last"]


def test_a_refused_parameter_is_left_out_from_then_on(endpoint: FakeEndpoint) -> None:
    async def twice() -> list[str]:
        client = Client()
        pieces: list[str] = []
        for _ in range(2):
            await client.stream_reply(
                Endpoint(endpoint.base_url, CANARY_KEY), REQUEST, pieces.append
            )
        await client.close()
        return pieces

    unsupported = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    endpoint.replies = [
        Reply(status=400, error={"message": unsupported, "param": "max_tokens"}),
        Reply(status=400, error={"message": "'temperature' does not support 0.8"}),
        Reply(status=422, error={"message": "stream_options: extra fields not permitted"}),
        Reply(["one"]),
        Reply(["two"]),
    ]
    assert run(twice()) == ["one", "two"]
    assert len(endpoint.requests) == 5
    for request in endpoint.requests[3:]:
        assert request["max_completion_tokens"] == 2048
        assert not {"max_tokens", "temperature", "stream_options"} & request.keys()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "max_tokens is too large: 2048. It supports at most 512."}, "length_refused"),
        ({"message": "no", "input": "Unsupported temperature, he asked"}, "refused"),
        ({"message": "Unsupported parameter: 'max_completion_tokens'"}, "length_refused"),
    ],
)
def test_a_limit_on_the_answers_length_is_never_given_up(
    endpoint: FakeEndpoint, error: dict[str, str], code: str
) -> None:
    assert failure(endpoint, Reply(status=400, error=error))[1].code == code
    assert [request["max_tokens"] for request in endpoint.requests] == [2048]
    assert "temperature" in endpoint.requests[0]


def test_a_server_that_wants_a_long_pause_is_busy_at_once(endpoint: FakeEndpoint) -> None:
    busy = Reply(status=429, headers={"Retry-After": "60"})
    assert failure(endpoint, busy)[1].code == "busy"
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"usage": {"prompt_tokens": [1], "completion_tokens": 2**70}},
        {"usage": [1]},
        {"choices": [{"delta": {}, "finish_reason": {"a": 1}}]},
        {"choices": [{"delta": {}, "finish_reason": "\ud800"}]},
    ],
)
def test_only_counts_and_words_are_taken_for_what_they_are(
    endpoint: FakeEndpoint, odd: dict[str, object]
) -> None:
    _, completion = stream(
        endpoint, Reply(raw_events=[chunk("Hi"), f"data: {json.dumps(odd)}\n\n"])
    )
    assert completion in (Completion(), Completion(""))


@pytest.mark.parametrize("tells", [True, False])
def test_only_who_knows_the_wish_is_asked_how_far_it_has_read(
    endpoint: FakeEndpoint, tells: bool
) -> None:
    async def ask() -> None:
        client = Client()
        server = Endpoint(endpoint.base_url, CANARY_KEY, 2, 2, tells_progress=tells)
        await client.stream_reply(server, REQUEST, lambda _: None)
        await client.close()

    run(ask())
    assert endpoint.requests[0].get("return_progress", False) is tells


def test_a_model_that_thinks_for_long_is_waited_for(endpoint: FakeEndpoint) -> None:
    thought = {"choices": [{"delta": {"reasoning_content": "Hm"}}]}
    events = [f"data: {json.dumps(thought)}\n\n"] * 10 + [chunk("So", "stop")]
    pieces, _ = stream(endpoint, Reply(raw_events=events, seconds_between=0.5))
    assert pieces == ["So"]


@pytest.mark.parametrize(
    "content_type", ["text/plain; charset=utf-8", "application/json", "TEXT/Event-Stream", "x/y"]
)
def test_an_answer_is_told_by_its_first_bytes_whatever_its_type(
    endpoint: FakeEndpoint, content_type: str
) -> None:
    events = [chunk("Hel"), chunk("lo", "stop"), "data: [DONE]\n\n"]
    streamed = Reply(raw_events=events, content_type=content_type)
    message = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    whole = Reply(raw_events=[json.dumps(message)], content_type=content_type)
    for answer in (streamed, whole):
        pieces, completion = stream(endpoint, answer)
        assert ("".join(pieces), completion) == ("Hello", Completion("stop"))


def test_a_stream_of_any_type_is_handed_over_as_it_comes(endpoint: FakeEndpoint) -> None:
    hold = threading.Event()
    events = [chunk("Hel"), chunk("lo", "stop")]
    endpoint.replies = [Reply(raw_events=events, content_type="text/plain", hold=hold)]
    pieces: list[str] = []
    replied = background.submit(reply(endpoint.base_url, pieces))
    wait_until(lambda: pieces == ["Hel"])
    hold.set()
    assert replied.result(60).finish_reason == "stop"


@pytest.mark.parametrize("text_without_reason", [True, False])
def test_after_a_reason_for_the_end_further_text_is_waited_for(
    text_without_reason: bool, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "chatbot.llm.client.SECONDS_AFTER_THE_END", 0.2 if text_without_reason else 0
    )
    first = chunk("a") if text_without_reason else chunk("a", "stop")
    # The patience is 2 s in all of these tests.
    seconds = 0.05 if text_without_reason else 0.3
    events = [first, *(chunk(letter, "stop") for letter in "bcdefg")]
    pieces, completion = stream(endpoint, Reply(raw_events=events, seconds_between=seconds))
    assert ("".join(pieces), completion.finish_reason) == ("abcdefg", "stop")


def test_what_is_no_stream_is_no_model_server(endpoint: FakeEndpoint) -> None:
    page = Reply(raw_events=["<html>Welcome</html>"], content_type="text/html")
    assert failure(endpoint, page)[1].code == "not_an_api"


def test_a_stream_that_just_ends_has_no_reason(endpoint: FakeEndpoint) -> None:
    pieces, completion = stream(endpoint, Reply(raw_events=[chunk("Half")]))
    assert (pieces, completion.finish_reason) == (["Half"], None)


@pytest.mark.parametrize(
    "event",
    [
        'data: {"error": {"message": "overloaded"}}\n\n',
        "data: {not json}\n\n",
        'data: {"choices": [7]}\n\n',
        'data: {"choices": [{"delta": 7}]}\n\n',
    ],
)
def test_a_broken_event_ends_the_reply(endpoint: FakeEndpoint, event: str) -> None:
    pieces, error = failure(endpoint, Reply(raw_events=[chunk("Half"), event]))
    assert (pieces, error.code) == (["Half"], "interrupted")


@pytest.mark.parametrize(
    "event",
    [": ping\n\n", "data:\n\n", "data: null\n\n", "data: 7\n\n", "data: []\n\n", chunk(None)],
)
def test_an_empty_event_is_passed_over(endpoint: FakeEndpoint, event: str) -> None:
    pieces, completion = stream(
        endpoint, Reply(raw_events=[event, chunk("Whole"), event, chunk(None, "stop")])
    )
    assert (pieces, completion.finish_reason) == (["Whole"], "stop")


def test_a_character_split_over_two_chunks_is_joined(endpoint: FakeEndpoint) -> None:
    pieces, _ = stream(endpoint, Reply(["a\ud83d", "\ude00b\0", "\udc00."]))
    assert "".join(pieces) == "a😀b�."


def test_silence_ends_the_wait_even_when_comments_keep_coming(endpoint: FakeEndpoint) -> None:
    pings = Reply(raw_events=[chunk("Half"), *[": ping\n\n"] * 100], seconds_between=0.1)
    started = time.monotonic()
    pieces, error = failure(endpoint, pings)
    assert (pieces, error.code) == (["Half"], "stalled")
    assert time.monotonic() - started < 8  # of ten


@pytest.mark.parametrize("seconds_of_transport", [2, 0.5])
def test_silence_after_a_reason_in_every_chunk_is_the_end(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, seconds_of_transport: float
) -> None:
    timeout = openai.Timeout
    monkeypatch.setattr(
        openai, "Timeout", lambda _, **others: timeout(seconds_of_transport, **others)
    )
    open_end = threading.Event()
    events = Reply(raw_events=[chunk("a", "stop") + chunk("b", "stop")], hold=open_end)
    try:
        pieces, completion = stream(endpoint, events)
    finally:
        open_end.set()
    assert ("".join(pieces), completion.finish_reason) == ("ab", "stop")


@pytest.mark.parametrize(
    ("base_url", "code"),
    [
        ("http://127.0.0.1:9/v1", "unreachable"),
        ("http://no-such-host.invalid/v1", "unknown_host"),
    ],
)
def test_a_server_that_is_not_there(base_url: str, code: str) -> None:
    with pytest.raises(ChatbotError) as caught:
        run(reply(base_url, []))
    assert caught.value.code == code


def test_a_proxy_is_never_asked_for_this_machine(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert stream(endpoint)[0] == ["Hello", " there", "!"]


def test_a_proxy_is_used_for_other_machines(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The loopback endpoint plays the proxy: a proxied request names its target in full.
    monkeypatch.setenv("http_proxy", endpoint.base_url.removesuffix("/v1"))
    pieces: list[str] = []
    run(reply("http://model.example/v1", pieces))
    assert pieces == ["Hello", " there", "!"]


@contextlib.asynccontextmanager
async def socks_proxy(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[bytes]]:
    """A SOCKS proxy that leads to the endpoint, wherever one wants to go; yields what it is told.

    RFC 1928: greeting, connect request with a host name, then bytes both ways.
    """
    asked: list[bytes] = []
    connections: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())  # type: ignore[arg-type]
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\5\0")
        length = (await reader.readexactly(5))[4]
        asked.append(await reader.readexactly(length + 2))
        writer.write(b"\5\0\0\1\0\0\0\0\0\0")
        port = int(endpoint.base_url.split(":")[2].split("/")[0])
        onward, out = await asyncio.open_connection("127.0.0.1", port)

        async def pump(a: asyncio.StreamReader, b: asyncio.StreamWriter) -> None:
            # A client that has read `[DONE]` may close before the last bytes: that is an end too.
            with contextlib.suppress(ConnectionError):
                while data := await a.read(65536):
                    b.write(data)
                    await b.drain()
            b.close()
            with contextlib.suppress(ConnectionError):
                await b.wait_closed()

        await asyncio.gather(pump(reader, out), pump(onward, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    yield asked
    await asyncio.gather(*connections)
    server.close()


def test_a_request_that_begins_after_the_close_leaves_nothing_open(endpoint: FakeEndpoint) -> None:
    async def list_late() -> list[str]:
        client = Client()
        await client.close()
        return await client.list_models(Endpoint(endpoint.base_url, "key"))

    assert run(list_late()) == ["test-model", "other-model"]
    gc.collect()  # what is left open warns, which fails the test


def test_a_socks_proxy_is_used_for_other_machines(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[str] = []

    async def through_socks() -> list[bytes]:
        async with socks_proxy(endpoint, monkeypatch) as asked:
            await reply("http://model.example/v1", pieces)
        return asked

    assert run(through_socks()) == [b"model.example\0P"]
    assert pieces == ["Hello", " there", "!"]


def test_many_answers_through_a_socks_proxy_are_read_without_a_pause(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.llm.client.PAUSE_SECONDS_PER_STREAM", 60)
    monkeypatch.setattr("chatbot.llm.client.MAX_PAUSE_SECONDS", 60)
    asked = Endpoint("http://model.example/v1", CANARY_KEY)

    async def through_socks() -> list[str | None]:
        async with socks_proxy(endpoint, monkeypatch), asyncio.timeout(50):
            client = Client()
            several = (client.stream_reply(asked, REQUEST, lambda _: None) for _ in range(3))
            completions = await asyncio.gather(*several)
            await client.close()
        return [one.finish_reason for one in completions]

    assert run(through_socks()) == ["stop"] * 3


def test_what_cannot_be_a_models_name_is_not_listed(endpoint: FakeEndpoint) -> None:
    endpoint.models = ["half-\ud800", "", " ", "nul-\0", "通义 千问", "org/model:free"]

    async def listed() -> list[str]:
        client = Client()
        models = await client.list_models(Endpoint(endpoint.base_url, CANARY_KEY))
        await client.close()
        return models

    assert run(listed()) == ["通义 千问", "org/model:free"]


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ('["a", "b"]', ["a", "b"]),
        ('{"models": [{"name": "a"}, {"name": "a"}, {"name": "b"}]}', ["a", "b"]),
        ('{"object": "list", "data": null}', []),
        ('{"status": "ok"}', "not_an_api"),
        ("<html>", "not_an_api"),
        ('{"error": {"message": "Incorrect API key"}}', "key_refused"),
        ('{"code": 401, "msg": "Unauthorized", "data": null}', "key_refused"),
    ],
)
def test_a_list_of_any_form_is_read(
    body: str, models: list[str] | str, endpoint: FakeEndpoint
) -> None:
    async def listed() -> list[str]:
        client = Client()
        try:
            return await client.list_models(Endpoint(f"{endpoint.base_url}/x", CANARY_KEY))
        finally:
            await client.close()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/plain")

    endpoint.respond_elsewhere = answer
    if isinstance(models, list):
        assert run(listed()) == models
    else:
        with pytest.raises(ChatbotError) as caught:
            run(listed())
        assert caught.value.code == models


def test_models_are_listed_in_the_servers_own_order(endpoint: FakeEndpoint) -> None:
    endpoint.models = ["b", "a"]

    async def listing() -> list[str]:
        client = Client()
        try:
            return await client.list_models(Endpoint(endpoint.base_url, CANARY_KEY, 2, 2))
        finally:
            await client.close()

    assert run(listing()) == ["b", "a"]
    endpoint.models_status = 404
    with pytest.raises(ChatbotError) as caught:
        run(listing())
    assert caught.value.code == "wrong_address"


@pytest.mark.parametrize("words", ["again in " + "9" * 400 + "s", "again in 999999999999999 days"])
def test_a_wait_that_nobody_can_mean_is_not_said(endpoint: FakeEndpoint, words: str) -> None:
    busy = Reply(status=429, error={"message": f"Too many requests. Please try {words}."})
    assert failure(endpoint, busy, busy, busy)[1].code == "busy"


def test_collections_pass_over_what_is_loaded_for_good() -> None:
    """All threads of the server wait for one, and so do all who read an answer."""
    client._load_openai.cache_clear()
    gc.unfreeze()
    run(Client().load())
    assert gc.get_freeze_count() > len(gc.get_objects())
    unfrozen = len(gc.get_objects())
    run(Client().load())
    assert len(gc.get_objects()) >= unfrozen - 1000  # only once: what follows can be collected
