"""Make a gallery of the real app: every screen in both looks, sizes and languages.

    .venv/bin/python -m scripts.screenshots FOLDER            # about 100 pictures
    .venv/bin/python -m scripts.screenshots FOLDER --readme   # also replaces the README's

A picture is named after its size, look, language and screen: `phone-dark-zh-answer.png`.
"""

import argparse
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import CHROMIUM_ARGUMENTS, ROOT, RunningApp, find_chromium
from tests.servers.endpoint import FakeEndpoint, Reply

COMPOSER = "[data-testid=stChatInputTextArea]"
PASSWORD = "the owner's own"

SIZES: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
README = {"wide.png": "wide-dark-en-answer.png", "phone.png": "phone-dark-zh-answer.png"}
"""The README's pictures in `docs/`, each with the name of its picture in the gallery."""


@dataclass(frozen=True)
class Talk:
    """A question and its answer in a language."""

    locale: str
    question: str
    answer: str
    next_question: str
    next_answer: str


TALKS = {
    "en": Talk(
        "en-US",
        "How do I read a file line by line in Python?",
        "Open it with `with`, so that it is closed again, and loop over it:\n\n"
        '```python\nwith open("notes.txt", encoding="utf-8") as file:\n'
        "    for line in file:\n        print(line.rstrip())\n```\n\n"
        "- The file is read **piece by piece**, so its size does not matter.\n"
        "- `rstrip()` takes away the line break at the end of each line.\n",
        "And write to one?",
        "Open it with `w`, which empties the file first, or with `a`, which adds to its end.",
    ),
    "zh": Talk(
        "zh-CN",
        "用一句话解释什么是递归",
        "**递归**就是函数在自己的定义里调用自己，直到遇到不再需要调用的*终止条件*为止。\n\n"
        "例如阶乘：\n\n$$n! = n \\times (n-1)!$$\n\n其中 $0! = 1$ 就是终止条件。\n\n"
        "```python\ndef factorial(n):\n    return n * factorial(n - 1) if n else 1\n```\n",
        "递归和循环哪个更快？",
        "一般来说循环更快，因为每次函数调用都有额外的开销。",
    ),
}


def main() -> None:
    """Write the gallery into the folder that the command names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--readme", action="store_true", help="also write the README's pictures")
    parser.add_argument("--only", default="", help="begin of the names of the pictures to make")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    endpoint = FakeEndpoint().start()
    endpoint.models = ["gpt-4.1-mini", "gpt-4.1"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = RunningApp(
            Path(folder),
            {
                "OPENAI_BASE_URL": endpoint.base_url,
                "CHATBOT_MODEL": "gpt-4.1-mini",
                "CHATBOT_ADMIN_PASSWORD": PASSWORD,
            },
        )
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for size in SIZES:
            for look in ("dark", "light"):
                for language, talk in TALKS.items():
                    name = f"{size}-{look}-{language}"
                    if not name.startswith(arguments.only):
                        continue
                    page = new_page(browser, app.url, size, look, talk)
                    for screen in screens(page, app.url, endpoint, talk):
                        come_to_rest(page)
                        page.screenshot(path=arguments.folder / f"{name}-{screen}.png")
                    page.context.close()
        browser.close()
        app.stop()
    endpoint.stop()
    if arguments.readme:
        for name, picture in README.items():
            shutil.copyfile(arguments.folder / picture, ROOT / "docs" / name)


def new_page(browser: Browser, url: str, size: str, look: Any, talk: Talk) -> Page:
    """Open the app as a new visitor."""
    context = browser.new_context(locale=talk.locale, color_scheme=look, **SIZES[size])
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(url)
    page.locator(COMPOSER).wait_for()
    return page


def screens(page: Page, url: str, endpoint: FakeEndpoint, talk: Talk) -> Iterator[str]:
    """Go from screen to screen, and yield the name of each."""
    again = page.locator("[class*=st-key-again-] button")
    yield "empty"

    endpoint.default_reply = Reply([talk.answer])
    ask(page, talk.question)
    again.wait_for()
    yield "answer"
    page.locator("[class*=st-key-icon-more-] button").last.click()
    yield "menu"
    page.keyboard.press("Escape")

    hold = threading.Event()
    endpoint.default_reply = Reply([talk.next_answer, "…"], hold=hold)
    ask(page, talk.next_question)
    page.get_by_text(talk.next_answer[-9:]).wait_for()
    yield "running"
    page.locator(".st-key-stop button").click()
    page.locator("[class*=st-key-go-on-]").wait_for()
    hold.set()
    yield "stopped"
    endpoint.default_reply = Reply(status=401, error={"message": "No"})
    again.click()
    again.wait_for()
    expect(page.locator(".st-key-stop")).to_have_count(0)
    yield "failed"
    page.locator("[class*=st-key-icon-edit-] button").last.click()
    yield "editing"

    if page.viewport_size == SIZES["phone"]["viewport"]:
        page.get_by_test_id("stExpandSidebarButton").click()
        yield "sidebar"
    page.goto(f"{page.url}&view=data")
    page.get_by_role("button", name=re.compile("Share a link|分享链接")).first.click()
    shared = page.locator(".st-key-share-address [data-testid=stText]")
    shared.wait_for()
    yield "data"
    page.goto(shared.inner_text())
    yield "shared"
    page.goto(f"{url}/?view=check")
    yield "check"
    page.goto(f"{url}/?c={'0' * 32}")
    yield "missing"
    page.goto(f"{url}/?view=usage")
    yield "password"
    field = page.locator("input[type=password]")
    field.fill(PASSWORD)
    field.press("Enter")
    field.wait_for(state="detached")
    yield "usage"


def ask(page: Page, question: str) -> None:
    """Ask a question."""
    page.fill(COMPOSER, question)
    page.get_by_test_id("stChatInputSubmitButton").click()


def come_to_rest(page: Page) -> None:
    """Wait until the page has drawn everything, with its fonts and the colours of code."""
    state = (
        re.compile("notRunning|running") if page.locator(".st-key-stop").count() else "notRunning"
    )
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", state, timeout=90_000)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(500)  # for what moves into its place, such as the sidebar


if __name__ == "__main__":
    main()
