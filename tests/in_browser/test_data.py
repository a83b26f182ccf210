"""Export, import and sharing of conversations, in a real browser."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from tests.browser import (
    PHONE,
    OpenPage,
    ask,
    expect_answer,
    messages,
    open_row,
    open_sidebar,
    row,
)
from tests.conftest import CANARY_KEY, RunningApp
from tests.exchange import chatgpt_export
from tests.exchange.other_exports import one_of_each
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WIDE = {"width": 1280, "height": 800}
SAID: dict[str, dict[str, str]] = {
    "en-US": {
        "data": "Your data",
        "markdown": "Download to read",
        "json": "Download to import",
        "prepare": "Prepare a zip",
        "download": "Download the zip",
        "import": "Import",
        "came_in": "Conversations imported: 1.",
        "web_page": "This is a web page, not an export",
        "reasoning": "Reasoning",
        "share": "Share a link",
        "revoke": "Revoke",
        "gone": "There is no such conversation here.",
        "start": "Start your own chat",
        "greeting": "How can I help?",
    },
    "zh-CN": {
        "data": "您的数据",
        "markdown": "下载为 Markdown",
        "json": "下载为 JSON",
        "prepare": "生成 zip",
        "download": "下载 zip",
        "import": "导入",
        "came_in": "已导入 1 个对话。",
        "web_page": "这是网页文件，不是对话导出文件。",
        "reasoning": "思考过程",
        "share": "分享链接",
        "revoke": "取消分享",
        "gone": "找不到这个对话。",
        "start": "开始自己的对话",
        "greeting": "有什么可以帮您？",
    },
}
looks = pytest.mark.parametrize(
    ("locale", "viewport", "color_scheme"), [("en-US", WIDE, "dark"), ("zh-CN", PHONE, "light")]
)


def open_data(page: Page, said: dict[str, str]) -> None:
    open_sidebar(page)
    page.get_by_role("button", name=said["data"]).click()
    expect(page.get_by_role("heading", name=said["data"])).to_be_in_viewport()


def choose_file(page: Page, path: Path) -> None:
    """Choose a file, as a person would: once more if nothing came of it.

    Streamlit forgets what it was about to tell the browser if a run begins in that
    moment: `ForwardMsgQueue.clear` keeps five kinds of messages, and these are none of them.
    """
    sent = page.get_by_test_id("stFileUploader").get_by_text(path.name)
    for _ in range(5):
        page.locator("input[type=file]").set_input_files(path)
        try:
            expect(sent).to_be_visible(timeout=3000)
            return
        except AssertionError:
            continue
    expect(sent).to_be_visible()


def expect_no_sideways_scrolling(page: Page) -> None:
    for scroller in ("html", "[data-testid=stMain]"):
        width, room = page.evaluate(
            "s => [document.querySelector(s).scrollWidth, document.querySelector(s).clientWidth]",
            scroller,
        )
        assert width <= room


def downloaded(page: Page, name: str, folder: Path) -> Path:
    """Click and have a file; once more if nothing came, as in `choose_file`."""
    for tries_left in (2, 1, 0):
        try:
            with page.expect_download(timeout=10_000) as caught:
                page.get_by_role("button", name=name).click()
        except TimeoutError:
            assert tries_left, f"{name}: nothing came"
            continue
        path = folder / caught.value.suggested_filename
        caught.value.save_as(path)
        return path
    raise AssertionError


@looks
def test_what_one_visitor_takes_away_another_brings_in(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    tmp_path: Path,
    locale: str,
    viewport: dict[str, int],
    color_scheme: str,
) -> None:
    said = SAID[locale]
    look: dict[str, Any] = {"locale": locale, "viewport": viewport, "color_scheme": color_scheme}
    endpoint.default_reply = Reply(["**Paris** 🌈"])
    page = open_page(app.url, **look)
    ask(page, "Capital of France?")
    expect_answer(page, "Paris")
    open_data(page, said)
    markdown = downloaded(page, said["markdown"], tmp_path)
    assert "Capital of France" in markdown.name and markdown.suffix == ".md"
    assert "\n\nCapital of France?\n\n" in markdown.read_text("utf-8")
    exported = json.loads(downloaded(page, said["json"], tmp_path).read_text("utf-8"))
    assert [one["content"] for one in exported["messages"]] == [
        "Capital of France?",
        "**Paris** 🌈",
    ]
    page.get_by_role("button", name=said["prepare"]).click()
    archive = downloaded(page, said["download"], tmp_path)
    assert len(zipfile.ZipFile(archive).namelist()) == 2
    assert CANARY_KEY.encode() not in b"".join(
        zipfile.ZipFile(archive).read(name) for name in zipfile.ZipFile(archive).namelist()
    )
    expect_no_sideways_scrolling(page)

    other = open_page(app.url, **look)
    open_data(other, said)
    choose_file(other, archive)
    other.get_by_role("button", name=said["import"], exact=True).click()
    expect(other.get_by_text(said["came_in"])).to_be_visible()
    expect_no_sideways_scrolling(other)
    open_sidebar(other)
    open_row(other, "Capital of France?")
    expect_answer(other, "Paris 🌈")
    assert len(endpoint.requests) == 1


@looks
def test_conversations_of_other_apps_come_in_and_are_read(
    app: RunningApp,
    open_page: OpenPage,
    tmp_path: Path,
    locale: str,
    viewport: dict[str, int],
    color_scheme: str,
) -> None:
    said = SAID[locale]
    page = open_page(app.url, locale=locale, viewport=viewport, color_scheme=color_scheme)
    open_data(page, said)
    (tmp_path / "page.json").write_text("<!doctype html>", "utf-8")
    choose_file(page, tmp_path / "page.json")
    page.get_by_role("button", name=said["import"], exact=True).click()
    expect(page.get_by_text(said["web_page"])).to_be_visible()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, raw in enumerate(one_of_each()):
            archive.writestr(f"{number}.json", json.dumps(raw))
    choose_file(page, tmp_path / "all.zip")
    page.get_by_role("button", name=said["import"], exact=True).click()
    expect(page.get_by_text(said["came_in"].replace("1", "5"))).to_be_visible()
    expect_no_sideways_scrolling(page)
    open_sidebar(page)
    open_row(page, "From DeepSeek")
    expect(messages(page).last).to_contain_text("Told")
    page.get_by_text(said["reasoning"], exact=True).click()
    expect(messages(page).last.get_by_text("hm", exact=True)).to_be_visible()


@looks
def test_another_visitor_reads_a_shared_copy_until_it_is_revoked(
    app: RunningApp,
    endpoint: FakeEndpoint,
    open_page: OpenPage,
    locale: str,
    viewport: dict[str, int],
    color_scheme: str,
) -> None:
    said = SAID[locale]
    look: dict[str, Any] = {"locale": locale, "viewport": viewport, "color_scheme": color_scheme}
    endpoint.default_reply = Reply(["| a | b |\n|---|---|\n| 1 | 2 |\n\n" + "Rain. " * 200])
    page = open_page(app.url, **look)
    ask(page, "Weather?")
    expect_answer(page, "Rain.")
    open_data(page, said)
    page.get_by_role("button", name=said["share"], exact=True).click()
    address = page.locator("text=/\\?share=[0-9a-f]{32}$/").inner_text()
    expect_no_sideways_scrolling(page)

    reader = open_page(app.url, **look)
    reader.goto(address)
    expect(messages(reader).last).to_contain_text("Rain.")
    expect(messages(reader).last.locator("td").first).to_have_text("1")
    expect(messages(reader).first).to_be_in_viewport()
    expect(reader.get_by_role("button", name=said["start"])).to_have_count(2)  # above and below
    expect(reader.get_by_role("button", name=said["data"])).to_have_count(0)
    expect_no_sideways_scrolling(reader)
    expect(reader.locator('meta[name="robots"]')).to_have_attribute("content", "noindex")

    page.get_by_role("button", name=said["revoke"]).click()
    expect(page.get_by_role("button", name=said["revoke"])).to_have_count(0)
    late = open_page(app.url, **look)
    late.goto(address)
    expect(late.get_by_text(said["gone"])).to_be_visible()
    reader.get_by_role("button", name=said["start"]).last.click()
    expect(reader.get_by_text(said["greeting"])).to_be_visible()
    expect(reader).not_to_have_url(address)
    expect(reader.locator('meta[name="robots"]')).to_have_count(0)


def test_an_import_goes_on_when_something_else_is_clicked_meanwhile(
    app: RunningApp, open_page: OpenPage, tmp_path: Path
) -> None:
    (tmp_path / "conversations.json").write_bytes(
        chatgpt_export.as_json(chatgpt_export.export(2000))
    )
    page = open_page(app.url)
    open_data(page, SAID["en-US"])
    choose_file(page, tmp_path / "conversations.json")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Back to the chat").click()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    open_data(page, SAID["en-US"])
    expect(page.get_by_text("Conversations imported: 2007. Empty: 1.")).to_be_visible(
        timeout=60_000
    )
    expect(row(page, "Conversation 1999")).to_be_visible()


def test_a_file_that_is_no_export_is_one_sentence(
    app: RunningApp, open_page: OpenPage, tmp_path: Path
) -> None:
    (tmp_path / "broken.json").write_text("[{", "utf-8")
    page = open_page(app.url)
    open_data(page, SAID["en-US"])
    choose_file(page, tmp_path / "broken.json")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("This file is damaged")).to_be_visible()
