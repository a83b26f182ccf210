"""Every screen, in both looks and both sizes: for people with a screen reader, and for fingers."""

import contextlib
import threading
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, TimeoutError, expect

from tests.browser import COMPOSER, PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WIDE = {"width": 1280, "height": 800}
PASSWORD = "open sesame for the owner"

EVERYTHING = """# A title

Some **bold** and *leaning* words, `code`, a [link](https://example.org), and a formula:
$a^2 + b^2$.

> A quotation.

1. One
2. Two
   - with a part

| Left | Right |
|------|-------|
| 1    | 2     |

```python
def hello(name: str) -> None:
    print(f"Hello {name}!")  # as a greeting
```

$$\\int_0^1 x^2 dx$$

It is so.[^1]

[^1]: A footnote.
"""

STREAMLITS = {
    # Streamlit gives the focus to the box of the code, in which the text scrolls. Browsers let the
    # keyboard scroll it all the same.
    ("scrollable-region-focusable", "<pre"),
}
"""Elements of Streamlit's that the app cannot reach: axe's rule, and how the element begins."""


AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"


ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]


def faults(page: Page, screen: str) -> list[str]:
    """Serious findings of axe on a screen, in both looks and in the sizes of a desk and of a phone.

    Between the looks only colours differ, so the light one is asked for those alone.
    """
    found = []
    if screen != "running":  # elements of the last run are pale until the next has ended
        page.wait_for_selector(AT_REST)
        page.wait_for_function(  # all but those that scrolling drives
            """document.getAnimations().every(
                a => a.playState !== 'running' || a.timeline !== document.timeline)"""
        )
    for look, rules in (("dark", ALL_RULES), ("light", COLOUR_RULES)):
        page.emulate_media(color_scheme=look, reduced_motion="reduce")  # type: ignore[arg-type]
        page.wait_for_function(
            """look => getComputedStyle(document.querySelector("[data-testid=stApp]"))
                .colorScheme === look""",
            arg=look,
        )
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            result: Any = page.evaluate(
                "rules => axe.run(document, { resultTypes: ['violations'], runOnly: rules })", rules
            )
            where = f"{screen} {look} {size['width']}"
            found += [f"{where}: {fault}" for fault in serious(result["violations"])]
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return found


def serious(violations: list[Any]) -> list[str]:
    return [
        f"{violation['id']} {node['target']} {node['html'][:200]} {node['failureSummary'][:200]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if (violation["id"], node["html"].split(" ")[0]) not in STREAMLITS
    ]


def test_axe_finds_nothing_serious_on_any_screen(
    run_app: Any, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    app: RunningApp = run_app(
        OPENAI_BASE_URL=endpoint.base_url,
        CHATBOT_ADMIN_PASSWORD=PASSWORD,
        CHATBOT_VISITOR_ENDPOINTS="true",
    )
    page = open_page(app.url, color_scheme="dark", reduced_motion="reduce")
    page.context.add_init_script(AXE_SCRIPT)
    page.reload()
    expect(page.locator(COMPOSER)).to_be_visible()
    found = faults(page, "empty")

    endpoint.default_reply = Reply([EVERYTHING], thoughts=["I think."])
    ask(page, "Show me everything")
    expect_answer(page, "A footnote.")
    expect(page.locator(".stCode .token").first).to_be_visible()
    found += faults(page, "chat")
    chat = page.url

    endpoint.default_reply = Reply(status=401, error={"message": "no"})
    ask(page, "And now?")
    expect(messages(page).last.get_by_role("alert")).to_be_visible()
    found += faults(page, "fault")

    running = threading.Event()
    endpoint.default_reply = Reply(["It goes", " on"], hold=running)
    ask(page, "And then?")
    expect(messages(page).last).to_contain_text("It goes")
    found += faults(page, "running")
    running.set()

    page.goto(f"{chat}&view=data")
    page.get_by_role("button", name="Share a link").click()
    address = page.locator(".st-key-share-address").get_by_test_id("stText").first
    expect(address).to_be_visible()
    shared = address.inner_text()
    found += faults(page, "data")

    page.goto(shared)
    expect(page.locator(".st-key-start")).to_be_visible()
    found += faults(page, "shared")

    page.goto(f"{app.url}/?view=check")
    expect(page.get_by_role("button", name="Check now")).to_be_visible()
    found += faults(page, "check")

    page.goto(f"{app.url}/?view=usage")
    page.locator("input[type=password]").fill(PASSWORD)
    found += faults(page, "sign-in")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    found += faults(page, "usage")
    assert found == []


SMALL = """() => {
    const size = (element) => {
        const { width, height } = element.getBoundingClientRect();
        const around = getComputedStyle(element, "::after"); // reacts to a touch, too
        const grown = around.content !== "none" && around.position === "absolute";
        const by = (from, to) => (grown ? parseFloat(around[from]) + parseFloat(around[to]) : 0);
        return [width - by("left", "right"), height - by("top", "bottom")].map(Math.round);
    };
    return [...document.querySelectorAll(
        "button, a[href], [data-testid=stTextInputField], label:has([role=switch]), summary, " +
        "[role=listbox] > [role=option], [role=menuitem]"
    )]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .filter((element) => {
            const { left, right } = element.getBoundingClientRect();
            return right > 0 && left < innerWidth; // not in the closed sidebar
        })
        .filter((element) => !element.matches( // links in a text are as large as the text
            "p a:not([data-footnote-ref], [data-footnote-backref])"
        ))
        .filter((element) => !element.closest(
            // Screen readers' way to the content; what this app hides; the list's button for screen
            // readers, as a touch beside the list closes it, too.
            "[data-testid=stSkipToContent], [data-testid=stSkillsNudge], [aria-label=Dismiss]"
        ))
        .map((element) => [...size(element), element.outerHTML.slice(0, 160)])
        .filter(([width, height]) => Math.min(width, height) < 44);
}"""


def test_on_a_phone_everything_is_large_enough_for_a_finger(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply([EVERYTHING])
    page = open_page(app.url, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.get_by_role("switch")).to_be_attached()
    assert page.evaluate(SMALL) == []
    ask(page, "Show me everything")
    expect_answer(page, "A footnote.")
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()  # the end of the run
    assert page.evaluate(SMALL) == []
    page.get_by_test_id("stExpandSidebarButton").click()
    option = page.get_by_role("option").first
    for _ in range(5):  # the list closes if the page is drawn just then
        page.get_by_test_id("stSelectbox").get_by_role("button").first.click()
        with contextlib.suppress(TimeoutError):
            option.wait_for(timeout=3000)
            break
    expect(option).to_be_visible()
    assert page.evaluate(SMALL) == []
    for view in ("data", "check"):
        page.goto(f"{app.url}/?view={view}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_selector(AT_REST)  # the style sheet has come, too
        assert page.evaluate(SMALL) == []


def test_in_a_small_window_and_much_enlarged_the_conversation_has_half_of_the_height(
    app: RunningApp, open_page: OpenPage
) -> None:
    page = open_page(app.url, viewport={"width": 320, "height": 640})
    ask(page, "Hi")
    expect_answer(page, "Hello there!")
    for height in (640, 256, 200):  # the latter are 1280x1024 and 1280x800 at 400 %
        page.set_viewport_size({"width": 320, "height": height})
        page.wait_for_function(
            """() => {
                const box = (id) =>
                    document.querySelector(`[data-testid=${id}]`).getBoundingClientRect();
                return box("stBottom").top - box("stHeader").bottom >= innerHeight / 2
                    && document.documentElement.scrollWidth <= innerWidth;
            }"""
        )
