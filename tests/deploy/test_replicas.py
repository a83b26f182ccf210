"""Two replicas on one PostgreSQL behind the real nginx, as `deploy/` sets them up."""

import re
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from tests.browser import COMPOSER, OpenPage, ask, expect_answer, messages
from tests.conftest import ROOT, RunningApp, empty_postgresql_database, free_port, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.servers.nginx import Nginx

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@dataclass
class Site:
    url: str
    replicas: list[RunningApp]
    endpoint: FakeEndpoint
    database_url: str

    def is_kept(self, text: str) -> bool:
        """Return True if an answer with this text is in the database."""
        engine = sa.create_engine(self.database_url)
        with engine.connect() as connection:
            query = sa.text("SELECT count(*) FROM messages WHERE content = :text")
            count: int = connection.scalars(query, {"text": text}).one()
        engine.dispose()
        return count > 0

    def that_answers(self) -> RunningApp:
        """The replica that is asking the model now."""
        port = int(re.findall(r":(\d+)", self.endpoint.base_url)[-1])

        def asking() -> list[RunningApp]:
            return [
                replica
                for replica in self.replicas
                if any(
                    connection.raddr and connection.raddr.port == port
                    for connection in psutil.Process(replica.process.pid).net_connections("tcp")
                    if connection.status == psutil.CONN_ESTABLISHED
                )
            ]

        wait_until(lambda: len(asking()) == 1)
        return asking()[0]


@pytest.fixture(scope="module")
def site(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    endpoint = FakeEndpoint().start()
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    database_url = empty_postgresql_database(postgresql)
    environment = {
        "HOME": str(folder),
        "OPENAI_BASE_URL": endpoint.base_url,
        "CHATBOT_MODELS": "test-model",  # no list is asked for: one connection is one answer
        "CHATBOT_DATABASE_URL": database_url,
        "CHATBOT_VISITOR_LIMITS": "4 questions per day",  # of each visitor, so of each test
    }
    replicas = []
    for name in ("app1", "app2"):
        (folder / name).mkdir()
        replicas.append(RunningApp(folder / name, environment, ROOT / "deploy" / "server.py"))
    port = free_port()
    replaced = {"listen 80": f"listen 127.0.0.1:{port}"}
    for name, replica in zip(("app1", "app2"), replicas, strict=True):
        replaced[f"{name}:8501"] = f"127.0.0.1:{replica.port}"
    nginx = Nginx("nginx-replicas.conf", folder, port, replaced)
    yield Site(f"http://127.0.0.1:{port}", replicas, endpoint, database_url)
    nginx.stop()
    for replica in replicas:
        replica.stop()
    endpoint.stop()


def test_a_visitor_is_answered_and_finds_it_again_at_any_replica(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    for replica in site.replicas:
        page.goto(page.url.replace(page.url.split("/?")[0], replica.url))
        expect_answer(page, "Hello there!")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_behind_something_that_has_tls_cookies_are_for_https_alone(site: Site, scheme: str) -> None:
    request = urllib.request.Request(site.url, headers={"X-Forwarded-Proto": scheme})
    with urllib.request.urlopen(request) as response:
        cookie = response.headers["Set-Cookie"]
    assert ("Secure" in cookie) is (scheme == "https")


def test_stop_works_at_the_other_replica(site: Site, open_page: OpenPage) -> None:
    site.endpoint.hung_up.clear()
    site.endpoint.replies = [Reply(["The beginning", " never comes"], hold=threading.Event())]
    page = open_page(site.replicas[0].url)
    ask(page, "Hi")
    expect(page.get_by_text("The beginning")).to_be_visible()
    other = open_page(page.url.replace(site.replicas[0].url, site.replicas[1].url), visitor=page)
    expect(other.get_by_text("The beginning")).to_be_visible()
    other.get_by_role("button", name="Stop").click()
    for one in (other, page):
        expect(one.get_by_text("Stopped. What came before is kept.")).to_be_visible()
        expect(messages(one).last).to_contain_text("The beginning")
    assert site.endpoint.hung_up.wait(10)


def test_when_a_replica_dies_its_visitors_go_on_at_the_other(
    site: Site, open_page: OpenPage
) -> None:
    came = "The text so far"
    site.endpoint.replies = [
        Reply([came, " never comes"], hold=threading.Event()),
        Reply([" and the rest."]),
    ]
    page = open_page(site.url)
    ask(page, "Hi")
    expect(page.get_by_text(came)).to_be_visible()
    dying = site.that_answers()
    wait_until(lambda: site.is_kept(came))
    dying.kill()
    try:
        expect(page.get_by_text("Cut short")).to_be_visible(timeout=60_000)
        expect(messages(page).last).to_contain_text(came)
        page.get_by_role("button", name="Continue").click()
        expect_answer(page, "The text so far and the rest.")
        ask(page, "Still there?")
        expect_answer(page, "Hello there!")
    finally:
        dying.start()


def test_limits_hold_for_both_replicas_together(site: Site, open_page: OpenPage) -> None:
    page = open_page(site.replicas[0].url)
    for replica in (*site.replicas, *site.replicas):
        page = open_page(replica.url, visitor=page)
        ask(page, "Hi")
        expect_answer(page, "Hello there!")
    asked = len(site.endpoint.requests)
    for replica in site.replicas:
        page = open_page(replica.url, visitor=page)
        page.fill(COMPOSER, "One too many")
        page.keyboard.press("Enter")
        expect(page.get_by_text("You have used up what one visitor may take")).to_be_visible()
        expect(page.locator(COMPOSER)).to_have_value("One too many")
    assert len(site.endpoint.requests) == asked


def test_what_a_visitor_downloads_comes_from_the_replica_that_has_it(
    site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    for _ in range(2):
        page = open_page(site.url)
        ask(page, "Hi")
        expect_answer(page, "Hello there!")
        page.get_by_role("button", name="Your data").click()
        expect(page.get_by_role("heading", name="Your data")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download to read").click()
        assert "Hello there!" in Path(download.value.path()).read_text("utf-8")
