"""Models' text in a real browser: while it is received, and when it is complete."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import PHONE, OpenPage, ask, expect_answer, messages
from tests.conftest import RunningApp
from tests.servers.endpoint import FakeEndpoint, Reply

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

LINKS = (
    "见 https://example.com/docs（说明）。访问https://example.com/a?b=1，谢谢。“https://example.com/x”和"
    "《https://example.com/y》，www.example.com。好，me@example.com，**https://example.com/z**是。"
)
EMPHASIS = (
    "**你好。**世界，**“文档”**是。**글리프(Glyph)**는 *斜体。*后，~~删除。~~后，***粗斜。***后，"
    "**`code`**是，**$x$**是，__下划线。__后。"
)
PLAIN = (
    "1~3，80~100 in ~/.config, ~50% ~~gone~~. PATH=$PATH:$HOME, $AAPL/$MSFT, A$10/A$20, "
    "“$first,$last”."
)
MATHS = r"""Let $ x $ and $\$5$, $\ce{H2O}$ and $\qty{3}{\kg}$, \boxed{42}, $$x=1 \tag{1}$$
and $\foo{y}$.

- a list
  \[
  a^2
  \]

\begin{align}
a &= b \\
&= c
\end{align}

```math
a^2+b^2
```"""
TABLE = r"""| Name | Formula | Shell |
|---|---|---|
| norm | \( |x| \) | `a | b` |
| cond | $P(A|B)$ | `a \| b` |
| list | one<br>two<br/>three | $5 |"""
DOCUMENT = """```markdown
# Title

```bash
pip install x
```

## Usage
```

After the document."""
FROM_RIGHT = """مرحبا! هذا نص عربي يحتوي على كلمة Python و`code` في الوسط.

1. العنصر الأول (مهم).
2. English item.

שלום עולם.

| الاسم | القيمة |
|---|---|
| واحد | 1 |

```python
print("ltr")
```

English again.[^1]

| Right | Centre |
|--:|:-:|
| r | c |

One<br>two **x**<br>- three[^name].

~~**gone**~~后。"""
ANSWER = "\n\n".join([LINKS, EMPHASIS, PLAIN, MATHS, TABLE, DOCUMENT, FROM_RIGHT, "The end."])

SEEN = r"""() => {
    const answer = [...document.querySelectorAll('[data-testid=stChatMessage]')].at(-1);
    const all = (selector) => [...answer.querySelectorAll(selector)];
    const words = (selector) => all(selector).map((one) => one.innerText.replaceAll("\u2060", ""));
    const direction = (one) => getComputedStyle(one).direction;
    const withText = (selector, text) =>
        all(selector).find((one) => one.textContent.includes(text));
    return {
        links: all("a[href]").map((one) => one.getAttribute("href")),
        strong: words("strong"),
        em: words("em"),
        del: words("del"),
        code: words("p code, td code"),
        blocks: all("pre code").map((one) => one.innerText.trim()),
        formulas: all(".katex annotation").map((one) => one.textContent.trim()),
        displayed: all(".katex-display").length,
        red: all('.katex-error, .katex [style*="#cc0000"], .katex [style*="204, 0, 0"]').length,
        cells: all("table").map((table) => [...table.rows].map((row) => row.cells.length)),
        broken: withText("td", "two").innerText,
        right: all("[dir=rtl]").map((one) => one.localName).join(" "),
        left: [withText("p", "English again"), ...all("code"), ...all(".katex")].every(
            (one) => direction(one) === "ltr"
        ),
        plain: words("p").find((text) => text.includes("80~100")),
        note: withText("p", "English again").innerText,
        aligned: all("th[align], th[style]").map((one) => getComputedStyle(one).textAlign),
        lines: withText("p", "- three").innerText.replaceAll("\u2060", ""),
    };
}"""


def seen(page: Page) -> dict[str, Any]:
    """Return the drawn last answer. The highlighter of code comes last."""
    expect(messages(page).last.locator("pre code")).to_have_count(2)
    page.wait_for_function("() => document.querySelectorAll('.katex').length >= 12")
    found: dict[str, Any] = page.evaluate(SEEN)
    return found


def test_text_is_drawn_as_it_was_meant_live_and_complete(
    app: RunningApp, endpoint: FakeEndpoint, open_page: OpenPage
) -> None:
    pieces = [ANSWER[place : place + 25] for place in range(0, len(ANSWER), 25)]
    endpoint.default_reply = Reply(pieces, seconds_between=0.02)
    page = open_page(app.url)
    composer = page.locator("textarea").first
    expect(composer).to_have_attribute("dir", "auto")
    ask(page, "ما هي Python؟")
    expect_answer(page, "The end.")
    live = seen(page)
    assert live["links"] == [
        *("https://example.com/docs", "https://example.com/a?b=1", "https://example.com/x"),
        *("https://example.com/y", "http://www.example.com", "mailto:me@example.com"),
        "https://example.com/z",
    ]
    assert live["strong"] == [
        *("https://example.com/z", "你好。", "“文档”", "글리프(Glyph)", "粗斜。", "code"),
        *(live["strong"][6], "下划线。", "x", "gone"),
    ]
    assert live["em"] == ["斜体。", "粗斜。"]
    assert live["del"] == ["删除。", "gone", "gone"]
    assert live["plain"] == PLAIN.replace("~~", "")
    assert live["code"] == ["code", r"\foo{y}", "a | b", "a | b", "code"]
    assert live["blocks"][0] == "# Title\n\n```bash\npip install x\n```\n\n## Usage"
    assert live["red"] == 0
    assert live["displayed"] == 3
    assert live["formulas"] == [
        *("x", "x", r"\$5", r"{\mathrm{H}_{2}\mathrm{O}}", r"{3\,\mathrm{kg}}", r"\boxed{42}"),
        *(r"x=1 \qquad\text{(1)}", "a^2", "\\begin{align*}\na &= b \\\\\n&= c\n\\end{align*}"),
        *("a^2+b^2", r"\vert x\vert", r"P(A\vert B)"),
    ]
    assert live["cells"] == [[3, 3, 3, 3], [2, 2], [2, 2]]
    assert live["aligned"] == ["right", "center"]
    assert live["lines"] == "One\ntwo x\n- three²."  # no such note has come
    assert live["broken"] == "one\ntwo\nthree"
    assert live["right"] == "p ol p table th th td"
    assert live["left"]
    assert live["note"] == "English again.¹"
    assert messages(page).nth(0).get_by_test_id("stText").get_attribute("dir") == "rtl"
    page.reload()
    expect_answer(page, "The end.")
    assert seen(page) == live
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    is_wide = "() => document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(is_wide)
