"""Unfinished markup in a growing text's last line: shown as it will look when finished."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatbot.markdown.formulas.unfinished import LONGEST
from chatbot.markdown.incomplete import close_open_markers
from chatbot.markdown.syntax.emphasis import with_emphasis
from chatbot.ui.chat.streaming_markdown import GrowingText
from tests.ui.test_streaming_markdown import Page

AS_IT_WILL_LOOK = {
    "**Key": "**Key**",
    "**Key ": "**Key**",
    "**Key*": "**Key**",
    "**Key**": "**Key**",
    "**Key**: *on": "**Key**: *on*",
    "**a *b": "**a *b***",
    "**a *b*": "**a *b***",
    "***a** b": "***a** b*",
    "**one\ntwo": "**one\ntwo**",
    "See `code that\nspans": "See `code that\nspans`",
    "- **Key": "- **Key**",
    "- [x] ~~done": "- [x] ~~done~~",
    "> **Key": "> **Key**",
    "## **Key": "## **Key**",
    "| a | b |\n|---|---|\n| a | **b": "| a | b |\n|---|---|\n| a | **b**",
    "| a | b | c |\n|---|---|---|\n| **a": "| a | b | c |\n|---|---|---|\n| **a**",
    "| a | b | c |\n|---|---|---|\n| 1 | `": "| a | b | c |\n|---|---|---|\n| 1 | ",
    "| a | **b": "| a | **b**\n|---|---|",
    "One.\n\n| a |": "One.\n\n| a |\n|---|",
    "| a \\| b | c": "| a \\| b | c\n|---|---|",
    "| a |  |": "| a |  |\n|---|---|",
    "| |": "| |\n|---|",
    "| a | b |\n|": "| a | b |\n|---|---|",
    "| a | b |\n| :-- |-": "| a | b |\n|---|---|",
    "粗体**重点": "粗体**重点**",
    "**《书》": "**《书》**",
    "`code": "`code`",
    "`f(**x": "`f(**x`",
    "``a`": "``a``",
    "**see `code": "**see `code`**",
    "Python**不是": "Python**不是**",
    "**粗体。**后面**还有": "**粗体。**后面**还有**",
    "**✅ Done": "**✅ Done**",
    "$x$ and **$y$ is": "$x$ and **$y$ is**",
    "[text](https://exam": "text",
    "[text](https://example.org/a_(b": "text",
    '[text](https://example.org "A ti': "text",
    "see [**this**](ht": "see **this**",
    "`[a](b": "`[a](b`",
}

NOT_KNOWN_YET = {
    "so\n$$\na*b": "so\n",
    "$$\na\n\\frac{b": "$$\na\n$$",
    "\\begin{align}\na &= b \\\\\nc": "\\begin{align}\na &= b \\\\\n\\end{align}",
    "- \\[\n  a\n  b": "- \\[\n  a\n  \\]",
    "$$\n\\left( a\nb": "",
    "```math\na\nb": "```math\na\n```",
    "so $$\na = b\nc": "so",
    "so \\(a\\) and \\[ x =": "so \\(a\\) and",
    "**so** $\\frac{a}": "**so**",
    "so $$x": "so",
    "word **": "word ",
    "word *": "word ",
    "use `": "use ",
    "``": "",
    "**`": "",
    "text\n-": "text\n",
    "text\n- **": "text\n",
    "text\n---": "text\n",
    "***": "",
    "##": "",
    "|": "",
}

AS_IT_IS = [
    "",
    "plain",
    "```\n\n| a",
    "a || b",
    "| a |\n| b",
    "4",
    "1.",
    "* item",
    "a * b",
    "2**3",
    "f(x)*y",
    "Python**不是**编译型语言",
    "使用`foo`**函数**来做",
    "A**重点**B",
    "**粗体。**后面还有",
    "**重点一\n重点二**，后面还有",
    "See `code that\nspans` lines",
    "The policy $\\pi^*$ is",
    "$V^{*}(s)",
    "$x^*(t)",
    'The "*" wildcard',
    "通配符“*”表示任意",
    "(*) marks required",
    "Delete all *.log files",
    "src/**/x and /api/*/users",
    "[a](https://x/*foo) more",
    "[x](http://a),and",
    "[注](很长的中文没有空格",
    "`[a](b`",
    "*args" + " and more of it" * 9,
    "|x| is the absolute value of x",
    "a **b " + "c" * 5000,
    "a \\*b",
    "[text]",
    "```python",
    "```\n**x",
    "- a\n\n  ```\n  - ",
    "```\n",
    "```\n\n",
    "<b>\n*x",
    "    *x",
    "![a](data:image/png;base64,AA",
    "**whole** and `whole`",
]


@pytest.mark.parametrize(("text", "shown"), [*AS_IT_WILL_LOOK.items(), *NOT_KNOWN_YET.items()])
def test_what_the_last_line_has_begun_is_ended_and_what_nobody_knows_yet_waits(
    text: str, shown: str
) -> None:
    assert close_open_markers(text) == shown


@pytest.mark.parametrize("text", AS_IT_IS)
def test_all_else_stays(text: str) -> None:
    assert close_open_markers(text) == text


def test_an_address_whose_brackets_stay_open_is_soon_given_up() -> None:
    text = "[a](x" + "(aaaaaaaa" * 500 + " b"
    assert (
        close_open_markers(text) == text
    )  # tried in every way, it would take longer than a test may


PIECES = st.sampled_from(["**", "*", "~~", "`", "word", " ", "重点", ": ", "\n", "- ", "[a]", "|"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_only_marks_change(text: str) -> None:
    marks = str.maketrans("", "", "*~`[]()-| \n")
    assert close_open_markers(text).translate(marks) == text.translate(marks)


LINES = [
    "The **first point** is `pip install x`, see [the *docs*](https://example.org/a_(b)) for 2**3.",
    "- **重点：**先看`代码`，再看*斜体*和~~旧的~~**新的。**后面，共3**个**步骤。",
    "| **Name** | `x*y` |\n|---|:-:|\n| a | **b** |",
    "## **A** title\n\nAnd *text*, **✅ Done**, ~~no~~ and **a `*b` c**.",
]


@pytest.mark.parametrize("line", LINES)
def test_no_beginning_of_a_line_shows_marks_that_its_whole_does_not(line: str) -> None:
    def visible(markdown: str) -> str:
        html = MarkdownIt("js-default").render(with_emphasis(markdown))
        return " ".join(re.sub(r"<[^>]+>|[\u2060\[\]]", "", html).split())

    whole = visible(line)
    for end in range(1, len(line)):
        shown = visible(close_open_markers(line[:end]))
        assert whole.startswith(shown), line[:end]


def test_on_the_page_it_is_so_until_it_goes_on_otherwise() -> None:
    page = Page()
    growing = GrowingText(page)  # type: ignore[arg-type]
    growing.say_instead("…")
    growing.draw("**", is_whole=False)
    assert page.text == "…"
    growing.draw("**Key", is_whole=False)
    assert page.text == "**Key**"
    growing.draw("**Key\n\n", is_whole=False)
    growing.draw("**Key\n\n", is_whole=True)
    assert page.text == "**Key"


@pytest.mark.parametrize("opener", ["\\[", "\\(", "\\[x ", "\\(a \\[", "$$x ", "$\\x "])
def test_what_opens_again_and_again_is_looked_at_once(opener: str) -> None:
    for count in (3, 1200):
        text = "Words. " + opener * count
        assert len(text) - len(close_open_markers(text)) <= LONGEST + len(opener)
    assert close_open_markers("Let " + opener) == "Let"
