"""Deletion of all data of a person, in the store and in the browser."""

import sqlite3
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chatbot.access.visitor import COOKIE
from tests.browser import COMPOSER, OpenPage, ask, expect_answer, messages
from tests.conftest import ROOT, RunningApp, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply

SERVER = ROOT / "deploy" / "server.py"
PLAIN = ROOT / "streamlit_app.py"


@pytest.mark.browser
@pytest.mark.parametrize("script", [PLAIN, SERVER], ids=["plain", "deploy"])
def test_who_is_forgotten_is_somebody_new(
    script: Path, endpoint: FakeEndpoint, open_page: OpenPage, tmp_path: Path
) -> None:
    app = RunningApp(tmp_path, {"OPENAI_BASE_URL": endpoint.base_url}, script)
    try:
        page = open_page(app.url)
        ask(page, "Soon gone")
        expect_answer(page, "Hello there!")
        address = page.url
        page.fill(COMPOSER, "A draft")
        endpoint.default_reply = Reply(["It goes", " on"], hold=threading.Event())
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(COMPOSER)).to_have_value("")  # as what was being typed there: nothing
        ask(page, "Still being answered")
        expect(messages(page).last).to_contain_text("It goes")
        before = identity(page)
        assert before

        page.get_by_role("button", name="Your data").click()
        page.get_by_label("Type “delete” to confirm").fill("delete")
        page.get_by_role("button", name="Delete everything").click()
        expect(page.get_by_role("heading", name="Forgotten")).to_be_visible()
        assert endpoint.hung_up.wait(20)
        with sqlite3.connect(tmp_path / "chatbot.db") as database:
            for table in ("conversations", "messages", "shares"):
                assert list(database.execute(f"SELECT count(*) FROM {table}")) == [(0,)]
        database.close()

        page.get_by_role("button", name="Begin anew").click()
        expect(page.locator(COMPOSER)).to_have_value("")
        wait_until(lambda: bool(identity(page)))
        assert identity(page) != before
        kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert "draft" not in kept and before not in kept
        page.goto(address)
        expect(page.get_by_text("no such conversation")).to_be_visible()
    finally:
        app.stop()


def identity(page: Page) -> str:
    """Return the token that identifies this browser, from wherever the browser keeps it."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return cookies.get(COOKIE) or page.evaluate("localStorage.getItem('chatbot-visitor') ?? ''")


@pytest.mark.browser
def test_two_browsers_see_nothing_of_each_other(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    """Side by side, while an answer is being given: not in the list, by address or by search."""
    held = threading.Event()
    endpoint.default_reply = Reply(["A secret", " and its end"], hold=held)
    one = open_page(app.url)
    ask(one, "What is mine?")
    expect(messages(one).last).to_contain_text("A secret")

    other = open_page(one.url, wait_for="[data-testid=stAlert]")
    expect(other.get_by_text("no such conversation")).to_be_visible()
    other.goto(app.url)
    expect(other.get_by_text("Your conversations will be listed here.")).to_be_visible()
    other.get_by_placeholder("Search conversations").fill("secret")
    other.keyboard.press("Enter")
    expect(other.get_by_text("Nothing found")).to_be_visible()
    ask(other, "And mine?")
    expect(messages(other).last).to_contain_text("A secret")
    held.set()
    expect_answer(one, "and its end")
    expect_answer(other, "and its end")
    for page, theirs in ((one, "And mine?"), (other, "What is mine?")):
        page.reload()
        expect_answer(page, "and its end")
        expect(page.get_by_text(theirs)).to_have_count(0)
