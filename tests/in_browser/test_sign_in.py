"""Sign-in at a real OpenID provider in a real browser, and the persons who are let in."""

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import COMPOSER, OpenPage, ask, expect_answer, messages
from tests.conftest import ROOT, RunningApp, empty_postgresql_database, free_port, wait_until
from tests.servers.endpoint import FakeEndpoint
from tests.servers.relay import Relay

SERVER = ROOT / "deploy" / "server.py"
PLAIN = ROOT / "streamlit_app.py"
SIGN_IN = "[class*=st-key-sign-in-] button"

PEOPLE = {
    "ada": '{"sub": "ada", "email": "Ada@example.org", "email_verified": true, "name": "Ada"}',
    "bob": '{"sub": "bob", "email": "bob@evil-example.org", "email_verified": true}',
    "eve": '{"sub": "eve", "email": "eve@example.org", "email_verified": false}',
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of an OpenID provider in which anybody is who they choose to be."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    for claims in PEOPLE.values():
        command += ["--user-claims", claims]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=5):
                return True
        except OSError:
            assert process.poll() is None
            return False

    wait_until(answers, 60)
    yield url
    process.terminate()
    process.wait(20)


@pytest.fixture
def start(
    provider: str, endpoint: FakeEndpoint, tmp_path: Path
) -> Iterator[Callable[..., RunningApp]]:
    """Start the app with this provider set up, under one name or several."""
    running: list[RunningApp] = []

    def start_(
        script: Path = PLAIN,
        names: tuple[str, ...] = (),
        port: int | str = "{port}",  # its own
        **settings: str,
    ) -> RunningApp:
        client = (
            'client_id = "chatbot"\nclient_secret = "a-secret-of-the-client"\n'
            f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
        )
        folder = tmp_path / f"app{len(running)}"
        (folder / ".streamlit").mkdir(parents=True)
        secrets = folder / ".streamlit" / "secrets.toml"
        shared = (
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            'cookie_secret = "0123456789abcdef0123456789"\n'
        )
        secrets.write_text(
            shared + "".join(f"[auth.{name}]\n{client}" for name in names)
            if names
            else shared + client,
            "utf-8",
        )
        app = RunningApp(folder, {"OPENAI_BASE_URL": endpoint.base_url, **settings}, script)
        running.append(app)
        return app

    yield start_
    for app in running:
        app.stop()


def choose(page: Page, person: str) -> None:
    """At the provider, be somebody."""
    page.get_by_role("button", name=person, exact=True).click()


def sign_out(page: Page) -> None:
    """Here and at the provider, which asks whether one is sure."""
    page.get_by_role("button", name="Sign out").click()
    page.locator("form button").first.click()
    page.wait_for_selector(SIGN_IN)


@pytest.mark.browser
@pytest.mark.parametrize("script", [PLAIN, SERVER], ids=["plain", "deploy"])
def test_people_sign_in_stay_in_sign_out_and_see_nothing_of_each_other(
    script: Path, start: Callable[..., RunningApp], open_page: OpenPage
) -> None:
    app = start(script)
    page = open_page(app.url, wait_for=SIGN_IN)
    assert page.locator(COMPOSER).count() == 0
    page.locator(SIGN_IN).click()
    choose(page, "ada")
    page.wait_for_selector(COMPOSER)
    expect(page.get_by_text("Signed in as Ada@\u2060example.org")).to_be_visible()
    ask(page, "A secret of Ada's")
    expect_answer(page, "Hello there!")
    address = page.url
    page.reload()
    expect_answer(page, "Hello there!")

    # Wherever she signs in, it is hers, and she comes to what she wanted to see.
    elsewhere = open_page(address, wait_for=SIGN_IN)
    elsewhere.locator(SIGN_IN).click()
    choose(elsewhere, "ada")
    expect_answer(elsewhere, "Hello there!")

    page.fill(COMPOSER, "Ada is typing")
    sign_out(page)
    expect(page.get_by_text("A secret of Ada's")).to_have_count(0)

    # Another person at the same browser.
    page.locator(SIGN_IN).click()
    choose(page, "bob")
    page.wait_for_selector(COMPOSER)
    expect(page.get_by_text("Signed in as bob@\u2060evil-example.org")).to_be_visible()
    expect(page.get_by_text("A secret of Ada's")).to_have_count(0)
    wait_until(lambda: "typing" not in page.evaluate("JSON.stringify(sessionStorage)"))
    page.goto(address)
    expect(page.get_by_text("no such conversation")).to_be_visible()
    assert messages(page).count() == 0
    for secret in ("a-secret-of-the-client", "0123456789abcdef", "Ada@example.org", "example.org"):
        assert secret not in app.log


@pytest.mark.browser
def test_who_signs_in_at_one_replica_is_signed_in_at_all(
    start: Callable[..., RunningApp], open_page: OpenPage, postgresql: str
) -> None:
    """Also where the provider leads back to another one than asked it."""
    at = Relay(0)
    database_url = empty_postgresql_database(postgresql)
    first, other = (
        start(SERVER, port=at.port, CHATBOT_DATABASE_URL=database_url).port for _ in range(2)
    )
    at.lead_to(first)
    url = f"http://127.0.0.1:{at.port}"
    page = open_page(url, wait_for=SIGN_IN)
    page.locator(SIGN_IN).click()
    page.wait_for_selector("text=ada")
    at.lead_to(other)
    choose(page, "ada")
    page.wait_for_selector(COMPOSER)
    ask(page, "A secret of Ada's")
    expect_answer(page, "Hello there!")
    at.lead_to(first)
    page.reload()
    expect_answer(page, "Hello there!")
    sign_out(page)
    at.lead_to(other)
    page.goto(url)
    page.wait_for_selector(SIGN_IN)
    assert page.locator(COMPOSER).count() == 0
    at.stop()


@pytest.mark.browser
def test_only_who_is_allowed_comes_in(
    start: Callable[..., RunningApp], open_page: OpenPage, endpoint: FakeEndpoint
) -> None:
    """By an address their provider vouches for, at exactly that domain."""
    app = start(names=("work", "home"), CHATBOT_ALLOWED_EMAILS="@Example.org")
    page = open_page(app.url, wait_for=SIGN_IN)
    expect(page.locator(SIGN_IN)).to_have_text(["Continue with Work", "Continue with Home"])
    refused = {"bob": "may not use this app", "eve": "does not vouch for this address"}
    for person, sentence in refused.items():
        page.get_by_role("button", name="Continue with Home").click()
        choose(page, person)
        expect(page.get_by_text(sentence)).to_be_visible()
        assert page.locator(COMPOSER).count() == 0
        page.reload()
        expect(page.get_by_text(sentence)).to_be_visible()
        sign_out(page)
    page.get_by_role("button", name="Continue with Work").click()
    choose(page, "ada")
    page.wait_for_selector(COMPOSER)
    assert endpoint.requests == []


@pytest.mark.browser
def test_who_was_signed_out_meanwhile_comes_back_to_what_they_were_typing(
    start: Callable[..., RunningApp], open_page: OpenPage
) -> None:
    app = start()
    page = open_page(app.url, wait_for=SIGN_IN)
    page.locator(SIGN_IN).click()
    choose(page, "ada")
    page.wait_for_selector(COMPOSER)
    ask(page, "Before")
    expect_answer(page, "Hello there!")
    address = page.url
    page.fill(COMPOSER, "Half a thou")
    cookies = [one["name"] for one in page.context.cookies()]
    assert "_streamlit_user" in cookies
    page.context.clear_cookies(name="_streamlit_user")  # as after thirty days
    page.reload()
    page.wait_for_selector(SIGN_IN)
    expect(page.get_by_text("What you typed is kept")).to_be_visible()
    page.locator(SIGN_IN).click()
    choose(page, "ada")
    expect_answer(page, "Hello there!")
    expect(page.locator(COMPOSER)).to_have_value("Half a thou")
    expect(page).to_have_url(address)


@pytest.mark.browser
def test_who_signs_in_is_never_who_has_not(
    start: Callable[..., RunningApp], open_page: OpenPage, provider: str
) -> None:
    """Conversations from before signing in was turned on stay with their browser."""
    app = start()
    secrets = app.folder / ".streamlit" / "secrets.toml"
    auth = secrets.read_text("utf-8")
    app.stop()
    secrets.unlink()
    app.start()
    page = open_page(app.url)
    ask(page, "Nobody's")
    expect_answer(page, "Hello there!")
    app.stop()
    secrets.write_text(auth, "utf-8")
    app.start()
    page.goto(app.url)
    page.locator(SIGN_IN).click()
    choose(page, "ada")
    page.wait_for_selector(COMPOSER)
    expect(page.get_by_text("Your conversations will be listed here.")).to_be_visible()
    expect(page.get_by_text("Nobody's")).to_have_count(0)
