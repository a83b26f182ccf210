"""The server in `deploy/`: headers of responses, refused requests, and shutdown."""

import asyncio
import gzip
import http.client
import json
import signal
import socket
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import brotli
import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from chatbot.access.visitor import COOKIE, SECURE_COOKIE, is_token, new_token, owner_of
from deploy import metrics
from deploy.compression import FOLDER
from deploy.headers import SecurityHeaders
from tests.browser import OpenPage, ask, expect_answer, open_row
from tests.conftest import CANARY_KEY, ROOT, RunningApp, free_port, wait_until
from tests.in_browser.test_data import downloaded
from tests.protocol import run, visit
from tests.servers.endpoint import FakeEndpoint, Reply

SERVER = ROOT / "deploy" / "server.py"
SCRIPT = next(FOLDER.glob("js/index.*.js"))


@pytest.fixture(scope="module")
def shared_endpoint() -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint().start()
    yield endpoint
    endpoint.stop()


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(
    shared_endpoint: FakeEndpoint, metrics_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    """One for all tests here that leave it as it was."""
    folder = tmp_path_factory.mktemp("server")
    environment = {
        "HOME": str(folder),
        "OPENAI_BASE_URL": shared_endpoint.base_url,
        "OPENAI_API_KEY": CANARY_KEY,
        "CHATBOT_METRICS_ADDRESS": f"127.0.0.1:{metrics_port}",
    }
    app = RunningApp(folder, environment, SERVER)
    yield app
    app.stop()


def get(url: str, **headers: str) -> http.client.HTTPResponse:
    return fetch(urllib.request.Request(url, headers=headers))


def fetch(request: urllib.request.Request) -> http.client.HTTPResponse:
    """Also what is refused."""
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        error.close()
        response = error  # type: ignore[assignment]
    return response


def cookie_of(response: http.client.HTTPResponse, name: str) -> Any:
    return SimpleCookie(response.headers["Set-Cookie"])[name]


@pytest.mark.parametrize(
    "path",
    ["/", f"/static/js/{SCRIPT.name}", "/healthz", "/_stcore/health", "/_stcore/nothing", "/c.zip"],
)
def test_every_response_says_what_the_page_may_not_do(server: RunningApp, path: str) -> None:
    headers = get(server.url + path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy and "http" not in policy and "*" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_pages_are_not_to_be_listed_and_search_engines_may_read_that(server: RunningApp) -> None:
    assert get(f"{server.url}/?share=x").headers["X-Robots-Tag"] == "noindex"
    robots = get(f"{server.url}/robots.txt")
    assert robots.headers["Content-Type"].startswith("text/plain")
    assert robots.read() == b"User-agent: *\nDisallow:\n"
    assert "Set-Cookie" not in robots.headers


@pytest.mark.parametrize(
    ("name", "begins"), [("favicon.ico", b"\0\0\1\0"), ("apple-touch-icon.png", b"\x89PNG")]
)
def test_icons_are_images(server: RunningApp, name: str, begins: bytes) -> None:
    response = get(f"{server.url}/{name}")
    assert response.headers["Content-Type"].startswith("image/")
    assert response.read().startswith(begins)


def test_how_many_are_here_is_told_to_nobody(server: RunningApp) -> None:
    assert get(f"{server.url}/_stcore/metrics").status == 404


def test_what_goes_wrong_in_the_server_says_so_too() -> None:
    async def fail(_request: Request) -> None:
        raise RuntimeError("secret")

    app = Starlette(routes=[Route("/", fail)], middleware=[Middleware(SecurityHeaders)])
    response = TestClient(app, raise_server_exceptions=False).get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_a_browser_that_opens_the_page_gets_a_cookie_no_script_can_read(
    server: RunningApp,
) -> None:
    response = get(server.url)
    cookie = cookie_of(response, COOKIE)
    assert is_token(cookie.value)
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    assert int(cookie["max-age"]) > 300 * 24 * 3600
    assert response.headers["Cache-Control"] == "private, no-store"
    again = get(server.url, Cookie=f"{COOKIE}={cookie.value}")
    assert cookie_of(again, COOKIE).value == cookie.value


def test_a_cookie_that_is_none_of_ours_is_replaced(server: RunningApp) -> None:
    for forged in ("", "x", "../../etc/passwd", "é" * 43, "a" * 5000):
        value = forged.encode("latin-1").decode("latin-1")
        cookie = cookie_of(get(server.url, Cookie=f"{COOKIE}={value}"), COOKIE)
        assert is_token(cookie.value)


def test_behind_https_the_cookie_is_bound_to_the_host_and_no_plain_one_is_taken_over(
    server: RunningApp,
) -> None:
    planted = new_token()
    headers = {"X-Forwarded-Proto": "https", "Cookie": f"{COOKIE}={planted}"}
    response = get(server.url, **headers)
    cookie = cookie_of(response, SECURE_COOKIE)
    assert cookie["secure"] and cookie["httponly"]
    assert is_token(cookie.value) and cookie.value != planted


@pytest.mark.parametrize("path", ["/healthz", "/_stcore/health", f"/static/js/{SCRIPT.name}"])
def test_only_pages_come_with_a_cookie(server: RunningApp, path: str) -> None:
    assert COOKIE not in (get(server.url + path).headers["Set-Cookie"] or "")


def test_scripts_come_compressed_to_whoever_takes_that(server: RunningApp) -> None:
    address = f"{server.url}/static/js/{SCRIPT.name}"
    plain = get(address)
    assert plain.headers["Content-Encoding"] is None
    original = plain.read()
    assert original == SCRIPT.read_bytes()
    sizes = []
    for accepted, encoding, decompress in (
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),  # all that browsers take without TLS
    ):
        small = get(address, **{"Accept-Encoding": accepted})
        assert small.headers["Content-Encoding"] == encoding
        assert small.headers["Vary"] == "Accept-Encoding"
        assert "immutable" in small.headers["Cache-Control"]
        sent = small.read()
        assert decompress(sent) == original
        sizes.append(len(sent))
    assert sizes[0] < sizes[1] < len(original) / 2.5


def test_health_tells_of_the_store_and_the_endpoint_and_nothing_else(server: RunningApp) -> None:
    response = get(f"{server.url}/healthz")
    assert json.load(response) == {"status": "ok", "store": "ok", "endpoint": "ok"}
    assert response.status == 200


@pytest.mark.browser
def test_the_page_works_with_all_doors_shut(
    server: RunningApp,
    shared_endpoint: FakeEndpoint,
    metrics_port: int,
    open_page: OpenPage,
    tmp_path: Path,
) -> None:
    shared_endpoint.replies = [
        Reply(
            [
                "Prose with `code` and $$x^2 + y^2 = z^2$$\n\n",
                "```python\nprint('hello')\n```\n\n",
                "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
                "![](http://127.0.0.1:9/leak.png)\n\nThe end.",
            ]
        )
    ]
    page = open_page(server.url)
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))
    page.reload()
    expect(page.get_by_role("button", name="Your data")).to_be_visible()
    # Formulas have fonts of their own, and signs that no font of the system has need Streamlit's.
    assert {name.partition("-")[0] for name in fetched if ".woff2" in name} == {"MaterialSymbols"}
    ask(page, "Show me everything")
    expect_answer(page, "The end.")
    expect(page.locator("code .token").first).to_be_visible()
    expect(page.locator(".katex").first).to_be_visible()
    expect(page.locator("table")).to_be_visible()
    owner = owner_of(visitor_token(page))
    with sqlite3.connect(server.folder / "chatbot.db") as database:
        assert list(database.execute("SELECT owner FROM conversations")) == [(owner,)]
    database.close()
    assert page.evaluate("document.cookie.includes('chatbot-visitor')") is False
    assert page.evaluate("localStorage.getItem('chatbot-visitor')") is None
    page.get_by_role("button", name="Your data").click()
    expect(page.get_by_role("heading", name="Your data")).to_be_visible()
    file = downloaded(page, "Download to read", tmp_path)
    assert "The end." in file.read_text("utf-8")
    assert [line for line in said if "Content Security" in line] == []

    figures = get(f"http://127.0.0.1:{metrics_port}/metrics").read().decode()
    assert 'chatbot_answers_ended_total{state="complete"} 1.0' in figures
    assert 'chatbot_tokens_total{kind="completion"} 3.0' in figures
    assert "chatbot_first_token_seconds_count 1.0" in figures
    assert "chatbot_answers_running 0.0" in figures
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    [ended] = [line for line in lines if line["message"] == "An answer ended"]
    assert (ended["state"], ended["model"], ended["completion_tokens"]) == (
        "complete",
        "test-model",
        3,
    )
    for private in (CANARY_KEY, visitor_token(page), "Show me everything", "The end.", owner):
        assert private not in server.log + figures


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "{url}"}, 204),
        ({"Origin": "{url}", "Sec-Fetch-Site": "same-origin"}, 204),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "{url}", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "{url}0"}, 403),
    ],
)
def test_only_a_page_of_ours_has_a_browser_forgotten(
    server: RunningApp, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(url=server.url) for name, value in headers.items()}
    sent["Cookie"] = f"{COOKIE}={new_token()}"
    request = urllib.request.Request(f"{server.url}/forget", method="POST", headers=sent)
    response = fetch(request)
    assert response.status == status
    if status == 204:
        assert cookie_of(response, COOKIE)["max-age"] == "0"
    else:
        assert response.headers["Set-Cookie"] is None
    assert get(f"{server.url}/forget").status in (200, 405)  # a link forgets nobody
    assert "max-age=0" not in str(get(f"{server.url}/forget").headers["Set-Cookie"]).lower()


def visitor_token(page: Page) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return str(cookies[COOKIE])


@pytest.mark.parametrize("script", [SERVER, ROOT / "streamlit_app.py"], ids=["deploy", "plain"])
def test_a_server_that_is_stopped_keeps_the_answers_it_is_giving(
    script: Path, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    """Even if the browser takes no notice: it neither reads nor hangs up."""
    endpoint.default_reply = Reply(["The beginning", "and more"], hold=threading.Event())
    app = RunningApp(tmp_path, {"OPENAI_BASE_URL": endpoint.base_url}, script)

    async def ask_and_stop() -> None:
        async with visit(app.url) as page:
            await page.ask("Hi")
            await page.read_until(lambda message: "The beginning" in str(message))
            await asyncio.to_thread(app.end_by, signal.SIGTERM)

    try:
        run(ask_and_stop())
    finally:
        app.stop()
    with sqlite3.connect(tmp_path / "chatbot.db") as database:
        [kept] = database.execute("SELECT content, state FROM messages WHERE role = 'assistant'")
    database.close()
    assert kept == ("The beginning", "cut_short")
    assert endpoint.hung_up.wait(5)


def test_without_a_port_for_its_figures_the_server_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        metrics.serve(address)
    assert f"There are no metrics: http://{address} cannot be served" in caplog.text


@pytest.mark.browser
def test_who_came_before_there_was_a_cookie_keeps_their_conversations(
    run_app: Callable[..., RunningApp], endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    app = run_app(OPENAI_BASE_URL=endpoint.base_url)
    page = open_page(app.url)
    ask(page, "Asked before")
    expect_answer(page, "Hello there!")
    before = page.evaluate("localStorage.getItem('chatbot-visitor')")
    app.stop()
    app.script = SERVER
    app.start()
    page.goto(app.url)
    open_row(page, "Asked before")
    expect_answer(page, "Hello there!")
    wait_until(lambda: page.evaluate("localStorage.getItem('chatbot-visitor')") is None)
    assert visitor_token(page) != before
    page.reload()
    expect_answer(page, "Hello there!")
