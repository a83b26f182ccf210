"""The model field in a browser: typing, choosing, and the model that is then used."""

import re
import threading
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import PHONE, OpenPage, ask, expect_answer, open_sidebar
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def field_of(page: Page) -> Any:
    open_sidebar(page)
    return page.get_by_role("combobox", name=re.compile("^(Model|模型)$"))


def expect_model(page: Page, name: str) -> None:
    """The line below the composer says which model answers."""
    expect(page.locator(".st-key-line")).to_have_text(name, timeout=30_000)


@pytest.mark.parametrize(
    ("locale", "new", "options"),
    [
        ("en-US", "New name: {}", {"viewport": {"width": 1280, "height": 800}}),
        ("zh-CN", "新名称：{}", {"viewport": PHONE, "color_scheme": "light"}),
    ],
)
def test_part_of_a_name_takes_the_first_model_that_has_it_and_a_new_name_comes_last(
    locale: str,
    new: str,
    options: dict[str, Any],
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
) -> None:
    endpoint.models = ["nomic-embed-text", "small-1", "mistral-large", "qwen-large"]
    page = open_page(app.url, locale=locale, **options)
    expect_model(page, "small-1")  # the first one that chats
    field = field_of(page)
    field.fill("large")
    expect(page.get_by_role("option")).to_have_count(3)
    own = page.get_by_role("option", name=new.format("large"))
    expect(own).to_be_visible()
    last = page.get_by_role("option", name="qwen-large", exact=True)
    top, bottom = last.bounding_box(), own.bounding_box()
    assert top and bottom and bottom["y"] > top["y"]
    page.keyboard.press("Enter")
    expect(field).to_have_value("mistral-large")
    expect_model(page, "mistral-large")
    field.fill("brand-new")
    page.keyboard.press("Enter")
    expect_model(page, "brand-new")
    field.fill("large")
    own.click()  # and so a name that is part of another one can be had
    expect_model(page, "large")
    field.fill("qwen-")
    expect(page.get_by_role("option", name="qwen-large", exact=True)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect_model(page, "qwen-large")


@pytest.mark.parametrize("typed", ["other", "mine"])
def test_what_is_half_typed_stays_as_the_list_comes(
    typed: str, app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.hold_models = threading.Event()
    page = open_page(app.url)
    field = field_of(page)
    field.click()
    page.keyboard.type(typed)
    endpoint.hold_models.set()
    expect_model(page, "test-model")
    expect(field).to_have_value(typed)
    page.keyboard.type("-model")
    expect(field).to_have_value(f"{typed}-model")
    page.keyboard.press("Enter")
    expect_model(page, f"{typed}-model")


def test_what_is_chosen_while_the_list_is_on_its_way_stays(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.hold_models = threading.Event()
    page = open_page(app.url)
    field = field_of(page)
    field.fill("mine")
    page.keyboard.press("Enter")
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    assert [request["model"] for request in endpoint.requests] == ["mine"]
    endpoint.hold_models.set()
    page.get_by_role("button", name="Open", exact=True).first.click()
    expect(page.get_by_role("option", name="other-model")).to_be_visible(timeout=30_000)
    expect_model(page, "mine")


def test_five_thousand_models_can_be_chosen_from(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.models = [f"maker-{number % 50}/model-{number}" for number in range(5000)]
    page = open_page(app.url)
    expect_model(page, "maker-0/model-0")
    field = field_of(page)
    field.fill("model-49")
    expect(page.get_by_role("option", name="New name: model-49")).to_be_visible()
    page.keyboard.press("Enter")
    expect_model(page, "maker-49/model-49")
    field.fill("4321")
    expect(page.get_by_role("option", name="New name: 4321")).to_be_visible()
    page.keyboard.press("Enter")
    expect_model(page, "maker-21/model-4321")
    field.fill("model-49")
    expect(page.get_by_role("option", name="New name: model-49")).to_be_visible()
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    assert endpoint.requests[0]["model"] == "maker-21/model-4321"
