"""Limits and the usage page in a real browser, on the public server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import ROOT, RunningApp
from tests.servers.endpoint import FakeEndpoint

pytestmark = pytest.mark.browser


@pytest.fixture
def server(endpoint: FakeEndpoint, tmp_path: Path) -> Iterator[RunningApp]:
    environment = {
        "OPENAI_BASE_URL": endpoint.base_url,
        "CHATBOT_VISITOR_LIMITS": "1 question per day",
        "CHATBOT_ADMIN_PASSWORD": "open sesame",
    }
    server = RunningApp(tmp_path, environment, ROOT / "deploy" / "server.py")
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "You have used up what one visitor may take in a day."),
        ({"viewport": PHONE, "locale": "zh-CN"}, "您今天的用量已达上限。"),
    ],
)
def test_the_limit_is_reached_and_the_owner_sees_what_was_used(
    server: RunningApp, open_page: OpenPage, options: dict[str, Any], sentence: str
) -> None:
    page = open_page(server.url, timezone_id="Asia/Shanghai", **options)
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    page.fill(COMPOSER, "One too many")
    page.keyboard.press("Enter")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text(sentence)
    expect(alert).to_contain_text("08:00")
    expect(page.locator(COMPOSER)).to_have_value("One too many")
    expect(messages(page)).to_have_count(2)
    page.goto(f"{server.url}/?view=usage")
    page.fill("input[type=password]", "open sesame")
    page.keyboard.press("Enter")
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts.locator("canvas, svg").first).to_be_visible()
    expect(page.get_by_text("7 + 3").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert errors == []  # of the content security policy, above all
