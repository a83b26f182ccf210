"""The connection check: its attempts, its results, and the servers that get the key."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from chatbot import background
from chatbot.builtin.model import LocalModel
from chatbot.connection_check.probe import Check
from chatbot.connection_check.report import Pace, Report, pace
from chatbot.connection_check.url_candidates import base_urls
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import Endpoint
from tests.conftest import CANARY_KEY
from tests.servers import faulty
from tests.servers.endpoint import FakeEndpoint, Reply, chunk
from tests.servers.faulty import Answer, Exchange, FaultyServer

GOOD = faulty.events(chunk("1 2 3", "stop"))


def checked(
    endpoint: Endpoint, typed: str, model: str = "", is_owners_key: bool = True
) -> tuple[Check, Report]:
    check = Check(endpoint, typed, model, is_owners_key)
    return check, background.submit(check.run()).result(60)


def at(base_url: str, patience_seconds: float = 20) -> Endpoint:
    return Endpoint(base_url, CANARY_KEY, patience_seconds, patience_seconds)


@pytest.fixture
def serve() -> Iterator[Callable[..., FaultyServer]]:
    servers: list[FaultyServer] = []

    def start(answer: Answer = GOOD, **options: object) -> FaultyServer:
        servers.append(FaultyServer(answer, **options))  # type: ignore[arg-type]
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


def on_paths(*paths: str) -> Answer:
    """A list of models at these paths, and a page anywhere else."""

    async def answer(exchange: Exchange) -> None:
        if exchange.head.split()[1] in paths:
            await faulty.list_two_models(exchange)
        else:
            await faulty.answer_with_a_page(exchange)

    return answer


# Forms of an address


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        (
            "https://relay.example.org/v1",
            ["https://relay.example.org/v1", "https://relay.example.org"],
        ),
        (
            "https://relay.example.org",
            ["https://relay.example.org/v1", "https://relay.example.org"],
        ),
        (
            "https://relay.example.org/api",
            [f"https://relay.example.org{path}" for path in ("/api", "/api/v1", "/v1")],
        ),
        (
            " relay.example.org/v1/chat/completions/ ",
            ["https://relay.example.org/v1", "https://relay.example.org"],
        ),
        (
            "https://relay.example.org//v1/models?x=1#y",
            ["https://relay.example.org/v1", "https://relay.example.org"],
        ),
        ("api.openai.com", ["https://api.openai.com/v1", "https://api.openai.com"]),
        ("api.openai.com.", ["https://api.openai.com/v1", "https://api.openai.com"]),
        (
            "http://localhost.:8000/v1",
            [f"http{s}://localhost:8000{path}" for s in ("", "s") for path in ("/v1", "")],
        ),
        ("openrouter.ai", [f"https://openrouter.ai{path}" for path in ("/api/v1", "/v1", "")]),
        (
            "https://open.bigmodel.cn/v1",
            [f"https://open.bigmodel.cn{path}" for path in ("/v1", "/api/paas/v4", "")],
        ),
        (
            "https://mine.openai.azure.com",
            [f"https://mine.openai.azure.com{path}" for path in ("/openai/v1", "/v1", "")],
        ),
    ],
)
def test_an_address_is_tried_in_its_usual_forms(typed: str, forms: list[str]) -> None:
    assert base_urls(typed) == forms


@pytest.mark.parametrize(
    ("typed", "schemes"),
    [
        ("relay.example.org", ["https"]),
        ("https://relay.example.org", ["https"]),
        ("http://relay.example.org", ["http", "https"]),
        ("8.8.8.8:3000", ["https"]),
        ("localhost:11434", ["http", "https"]),
        ("192.168.1.5:8000", ["http", "https"]),
        ("nas:8000", ["http", "https"]),
        ("https://localhost:8000", ["https", "http"]),
        ("https://nas:8000", ["https"]),
        ("https://192.168.1.5:8000", ["https"]),
        ("hf-inference-mirror.example.org", ["https"]),
        ("https://中文.com", ["https"]),
        ("[::1]:8000", ["http", "https"]),
    ],
)
def test_a_key_goes_unencrypted_only_nearby_or_where_that_was_typed(
    typed: str, schemes: list[str]
) -> None:
    assert list(dict.fromkeys(form.split(":")[0] for form in base_urls(typed))) == schemes


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "https://",
        "ftp://example.org",
        "https://me:secret@example.org",
        "a b",
        "http://[::1",
        "x:port",
        "htp:/foo",
        "https://example.org/v 1",
        "sk-proj-1234567890abcdef",
        "https://gsk_1234567890abcdef/v1",
        "http://0177.0.0.1:8000/v1",
        "http://①②⑦.0.0.1/v1",
        "https://exa\u200bmple.org",
        "https://127.1",
        "https://example.org:",
        "https://example.org..",
        "https://.",
        "https://example.org:٨",
    ],
)
def test_what_cannot_be_an_address_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(ChatbotError) as caught:
        base_urls(typed)
    assert caught.value.code == "bad_address"


# What is found


@pytest.mark.parametrize(
    "ending", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/v1/models", "/wrong"]
)
def test_every_almost_right_address_leads_to_the_one_that_works(
    endpoint: FakeEndpoint, ending: str
) -> None:
    root = endpoint.base_url.removesuffix("/v1")
    check, report = checked(at(root), f"{root}{ending}")
    assert report.error is None
    assert report.endpoint.base_url == endpoint.base_url
    assert report.is_as_given == (ending in ("/v1", "/v1/"))
    assert report.models == ("test-model", "other-model")
    assert report.model == "test-model"
    assert len(endpoint.requests) == 1  # no hidden calls
    assert endpoint.headers[0]["Authorization"] == f"Bearer {CANARY_KEY}"
    assert all(step.is_good is not None for step in check.steps)


def test_a_missing_scheme_is_found_out(endpoint: FakeEndpoint) -> None:
    _, report = checked(at(endpoint.base_url), endpoint.base_url.removeprefix("http://"))
    assert (report.error, report.endpoint.base_url) == (None, endpoint.base_url)


def test_https_that_was_typed_for_a_server_nearby_without_it_is_found_out(
    endpoint: FakeEndpoint,
) -> None:
    typed = endpoint.base_url.replace("http", "https", 1)
    _, report = checked(at(typed), typed, is_owners_key=False)
    assert (report.error, report.endpoint.base_url) == (None, endpoint.base_url)


def test_a_server_without_v1_is_found(serve: Callable[..., FaultyServer]) -> None:
    server = serve()
    server.list_models = on_paths("/models")
    _, report = checked(at(server.base_url), server.base_url)
    assert (report.error, report.is_as_given) == (None, False)
    assert report.endpoint.base_url == server.base_url.removesuffix("/v1")


def test_a_server_without_a_list_works_with_a_model_that_is_named(
    serve: Callable[..., FaultyServer],
) -> None:
    server = serve()
    server.list_models = faulty.refusal(404, "Cannot GET /v1/models")
    _, report = checked(at(server.base_url), server.base_url)
    assert report.error and report.error.code == "no_address"
    assert server.requests == []
    _, report = checked(at(server.base_url), server.base_url, "mine")
    assert (report.error, report.model, report.models) == (None, "mine", ())


def test_a_key_that_may_chat_but_not_list_works_with_a_model_that_is_named(
    serve: Callable[..., FaultyServer],
) -> None:
    server = serve()
    server.list_models = faulty.refusal(403, "You have insufficient permissions")
    _, report = checked(at(server.base_url), server.base_url)
    assert report.error and report.error.code == "forbidden"
    _, report = checked(at(server.base_url), server.base_url, "mine")
    assert (report.error, report.model) == (None, "mine")


def test_another_model_of_the_list_is_asked_if_the_first_one_does_not_chat(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply(status=404, error={"message": "This is not a chat model"})]
    _, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert (report.error, report.model) == (None, "other-model")


@pytest.mark.parametrize(
    "first",
    [
        Reply(status=400, error={"message": '"test-model" does not support chat'}),
        Reply(status=500, error={"message": faulty.NO_MEMORY}),
        Reply(status=403, error={"message": faulty.NO_RIGHT}),
        Reply([], usage=None),
        Reply([], thoughts=["Hm"]),
        Reply(raw_events=[faulty.TOOL_CALL, chunk(None, "tool_calls")]),
        Reply(["Count."], raw_events=[chunk("Count."), chunk("</think>", "stop")]),
    ],
)
def test_another_model_of_the_list_is_asked_if_the_first_one_gives_no_answer(
    first: Reply, endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [first]
    check, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert (report.error, report.model) == (None, "other-model")
    assert [step.is_good for step in check.steps][:3] == [True, False, True]


def test_models_that_chat_are_asked_first(endpoint: FakeEndpoint) -> None:
    endpoint.models = ["nomic-embed-text", "whisper-1", "qwen3:8b", "dall-e-3"]
    _, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert report.model == "qwen3:8b"
    assert len(endpoint.requests) == 1


def test_a_list_without_models_is_said_to_be_one(endpoint: FakeEndpoint) -> None:
    endpoint.models = []
    check, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert report.error and report.error.code == "no_models"
    for language, words in (("en", "lists no models"), ("zh", "没有列出任何模型")):
        assert words in report.sentence(language, "x")
        assert words in check.steps[0].sentence(language)
        assert "/v1" not in report.sentence(language, "x")
    _, report = checked(at(endpoint.base_url), endpoint.base_url, "mine")
    assert (report.error, report.model) == (None, "mine")


@pytest.mark.parametrize(
    "events",
    [
        [chunk("1 2", "stop"), chunk(" 3", "stop"), "data: [DONE]\n\n"],
        [chunk("1 2 3"), "data: [DONE]\n\n"],
        [chunk("1 2 3"), chunk(None, "")],
        [chunk("I am sorry, no.", name="refusal"), chunk(None, "stop")],
        [chunk("Count.</think>"), chunk("1 2 3", "stop")],
    ],
)
def test_a_server_that_works_in_its_own_way_works(
    events: list[str], endpoint: FakeEndpoint
) -> None:
    endpoint.replies = [Reply(raw_events=events)]
    _, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert (report.error, report.model) == (None, "test-model")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (faulty.events(chunk("Hm", name="reasoning"), chunk(None, "stop")), "only_thought"),
        (faulty.events(faulty.TOOL_CALL, chunk(None, "tool_calls")), "tool_call"),
        (faulty.events(faulty.BALANCE), "quota"),
        (faulty.refusal(401, "Bad key"), "key_refused"),
        (faulty.refusal(403, faulty.REGION), "region"),
        (faulty.refusal(403, "No"), "forbidden"),
        (faulty.refusal(429, faulty.QUOTA), "quota"),
        (faulty.events(), "empty"),
        (faulty.answer_with_a_page, "not_an_api"),
        (faulty.cut, "interrupted"),
        (faulty.stall, "stalled"),
        (faulty.say_no_header, "timeout"),
    ],
)
def test_what_is_wrong_with_the_answer_is_said(
    serve: Callable[..., FaultyServer], answer: Answer, code: str
) -> None:
    server = serve(answer)
    check, report = checked(at(server.base_url, patience_seconds=3), server.base_url)
    assert report.error and report.error.code == code
    assert not check.steps[-1].is_good
    for language in ("en", "zh"):
        said = " ".join(step.sentence(language) for step in check.steps)
        assert CANARY_KEY not in said + report.sentence(language, "x")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (faulty.refusal(401, "Bad key"), "key_refused"),
        (faulty.refusal(403, faulty.REGION), "region"),
        (faulty.answer_with_a_page, "no_address"),
        (faulty.refusal(404, "Not found"), "no_address"),
        (faulty.events(end="close"), "no_address"),
        (faulty.refusal(307, "over there", Location="/elsewhere"), "no_address"),
        (faulty.speak_another_protocol, "no_address"),
        (faulty.bad_gateway, "server_error"),
    ],
)
def test_what_is_wrong_before_any_answer_is_said_and_nothing_is_asked(
    serve: Callable[..., FaultyServer], answer: Answer, code: str
) -> None:
    server = serve()
    server.list_models = answer
    _, report = checked(at(server.base_url), server.base_url)
    assert report.error and report.error.code == code
    assert server.requests == []


def test_a_wrong_key_ends_the_search_for_another_scheme(
    serve: Callable[..., FaultyServer],
) -> None:
    server = serve()
    server.list_models = faulty.refusal(401, "Bad key")
    check, report = checked(at(server.base_url), server.base_url, is_owners_key=False)
    assert report.error and report.error.code == "key_refused"
    assert {step.details["base_url"].split(":")[0] for step in check.steps} == {"http"}


def test_a_wrong_key_is_said_even_if_another_path_is_just_wrong(
    serve: Callable[..., FaultyServer],
) -> None:
    async def guard(exchange: Exchange) -> None:
        if exchange.head.split()[1].startswith("/v1/"):
            await exchange.refuse(401, "Bad key")
        else:
            await faulty.answer_with_a_page(exchange)

    server = serve()
    server.list_models = guard
    _, report = checked(at(server.base_url), f"{server.base_url.removesuffix('/v1')}/api")
    assert report.error and report.error.code == "key_refused"


def test_a_certificate_that_nobody_trusts_ends_the_check_at_once(
    serve: Callable[..., FaultyServer],
) -> None:
    server = serve(tls=faulty.untrusted_tls())
    _, report = checked(at(server.base_url), server.base_url)
    assert report.error and report.error.code == "certificate"
    assert server.heads == []


def test_a_dead_proxy_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    _, report = checked(at("https://relay.example.org/v1"), "https://relay.example.org/v1")
    assert report.error and report.error.code == "proxy"


def test_a_server_that_is_not_there_is_looked_for_once() -> None:
    check, report = checked(at("http://127.0.0.1:9/v1"), "http://127.0.0.1:9/v1")
    assert report.error and report.error.code == "unreachable"
    assert len(check.steps) == 1


def test_a_model_that_still_thinks_when_the_tokens_are_used_up_works(
    endpoint: FakeEndpoint,
) -> None:
    endpoint.replies = [Reply([], finish_reason="length")]
    check, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert (report.error, report.pace) == (None, None)
    assert check.steps[-1].name == "answer"


def test_a_parameter_that_is_refused_is_left_out(endpoint: FakeEndpoint) -> None:
    message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    endpoint.replies = [Reply(status=400, error={"message": message})]
    _, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert report.error is None
    assert "max_completion_tokens" in endpoint.requests[1]


# Where the key goes


def test_the_owners_key_never_leaves_the_owners_origin(
    endpoint: FakeEndpoint, serve: Callable[..., FaultyServer]
) -> None:
    stranger = serve()
    _, report = checked(at(endpoint.base_url), stranger.base_url)
    assert report.error is not None
    assert stranger.heads == []


def test_a_redirect_takes_the_key_nowhere(serve: Callable[..., FaultyServer]) -> None:
    stranger = serve()
    server = serve(faulty.redirect_to(stranger))
    server.list_models = faulty.refusal(307, "there", Location=f"{stranger.base_url}/models")
    checked(at(server.base_url), server.base_url, "mine")
    assert stranger.heads == []


def test_what_a_visitor_names_is_never_reached_inside(endpoint: FakeEndpoint) -> None:
    port = endpoint.base_url.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        inside = f"http://{host}:{port}"
        visitors = replace(at(inside), is_byok=True)
        check, report = checked(visitors, inside, is_owners_key=False)
        assert report.error and report.error.code == "not_public", host
        assert len(check.steps) == 1
    assert endpoint.headers == []


def test_what_a_visitor_names_is_reached_through_no_proxy(
    serve: Callable[..., FaultyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
    address = "http://relay.invalid/v1"  # a name that nothing has
    owners, visitors = at(address), replace(at(address), is_byok=True)
    _, report = checked(visitors, address, is_owners_key=False)
    assert report.error and report.error.code == "unknown_host"
    assert proxy.heads == []
    _, report = checked(owners, address)
    assert report.error is None
    assert proxy.heads[0].startswith("GET http://relay.invalid/v1/models ")


# How fast it is


@pytest.mark.parametrize(
    ("arrivals", "tokens", "expected"),
    [
        ([(0.5, "1 "), (1.0, "2 "), (1.5, "3")], 41, Pace(0.5, 40, False)),
        ([(3.0, "x" * 50)], 30, Pace(3.0, None, True)),
        ([(3.0, "x" * 25), (3.01, "x" * 25)], 30, Pace(3.0, None, True)),
        ([(0.2, "x" * 25), (0.22, "x" * 25)], 30, Pace(0.2, None, False)),  # a quick model
        ([(0.5, "x" * 25), (0.501, "x" * 9), (0.502, "x")], 30, Pace(0.5, None, True)),
        ([(0.01, "x" * 25), (0.0101, "x" * 25)], 30, Pace(0.01, None, False)),
        ([(3.0, "1 2 3")], 3, Pace(3.0, None, False)),
    ],
)
def test_the_pace_is_judged_by_how_the_text_came(
    arrivals: list[tuple[float, str]], tokens: int, expected: Pace
) -> None:
    assert pace(arrivals, tokens) == expected


def test_an_answer_that_comes_in_one_piece_is_noticed(endpoint: FakeEndpoint) -> None:
    async def answer_whole(request: object, body: object) -> object:
        from aiohttp import web

        message = {"role": "assistant", "content": "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    endpoint.respond = answer_whole  # type: ignore[assignment]
    check, report = checked(at(endpoint.base_url), endpoint.base_url)
    assert report.pace and report.pace.came_at_once
    assert check.steps[-1].name == "at_once"
    assert "one piece" in report.sentence("en", "x")
    assert "一次性" in report.sentence("zh", "x")


def test_steps_can_be_followed_while_the_check_runs(endpoint: FakeEndpoint) -> None:
    hold = threading.Event()
    endpoint.replies = [Reply(hold=hold)]
    check = Check(at(endpoint.base_url), endpoint.base_url)
    future = background.submit(check.run())
    assert endpoint.asked.wait(10)
    assert [step.is_good for step in check.steps] == [True, None]
    hold.set()
    assert future.result(10).error is None


def test_a_check_that_is_given_up_hangs_up(endpoint: FakeEndpoint) -> None:
    endpoint.replies = [Reply(hold=threading.Event())]
    future = background.submit(Check(at(endpoint.base_url), endpoint.base_url).run())
    assert endpoint.asked.wait(10)
    future.cancel()
    assert endpoint.hung_up.wait(10)


@pytest.mark.built_in
def test_the_built_in_model_passes(weights_folder: object) -> None:
    model = LocalModel(folder=weights_folder)  # type: ignore[arg-type]
    try:
        check = Check(model)
        report = background.submit(check.run()).result(110)
    finally:
        model.stop()
    assert report.error is None
    assert [step.name for step in check.steps][:2] == ["start", "models"]
