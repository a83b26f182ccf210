"""Make the README's pictures: the real app in a real browser, at a desk and on a phone.

.venv/bin/python -m scripts.screenshots
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.conftest import CHROMIUM_ARGUMENTS, ROOT, RunningApp, find_chromium
from tests.endpoint import FakeEndpoint, Reply

COMPOSER = "[data-testid=stChatInputTextArea]"

ENGLISH = (
    "How do I read a file line by line in Python?",
    "Open it with `with`, so that it is closed again, and loop over it:\n\n"
    '```python\nwith open("notes.txt", encoding="utf-8") as file:\n'
    "    for line in file:\n        print(line.rstrip())\n```\n\n"
    "- The file is read **piece by piece**, so its size does not matter.\n"
    "- `rstrip()` takes away the line break at the end of each line.\n",
)
CHINESE = (
    "用一句话解释什么是递归",
    "**递归**就是函数在自己的定义里调用自己，直到遇到不再需要调用的*终止条件*为止。\n\n"
    "例如阶乘：\n\n$$n! = n \\times (n-1)!$$\n\n其中 $0! = 1$ 就是终止条件。\n",
)


def main() -> None:
    """Write `docs/wide.png` and `docs/phone.png`."""
    endpoint = FakeEndpoint().start()
    endpoint.models = ["gpt-4.1-mini", "gpt-4.1"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = RunningApp(
            Path(folder),
            {"OPENAI_BASE_URL": endpoint.base_url, "CHATBOT_MODEL": "gpt-4.1-mini"},
        )
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for name, locale, size, (question, answer) in (
            ("wide", "en-US", ViewportSize(width=1200, height=720), ENGLISH),
            ("phone", "zh-CN", ViewportSize(width=390, height=720), CHINESE),
        ):
            endpoint.default_reply = Reply([answer])
            page = browser.new_page(viewport=size, locale=locale, color_scheme="dark")
            page.goto(app.url)
            take(page, question, ROOT / "docs" / f"{name}.png")
        browser.close()
        app.stop()
    endpoint.stop()


def take(page: Page, question: str, path: Path) -> None:
    """Ask a question and picture the page with its answer."""
    page.fill(COMPOSER, question)
    page.keyboard.press("Enter")
    page.get_by_text("Regenerate").or_(page.get_by_text("重新生成")).wait_for()
    page.wait_for_load_state("networkidle")  # fonts and the code highlighter
    page.screenshot(path=path)


if __name__ == "__main__":
    main()
