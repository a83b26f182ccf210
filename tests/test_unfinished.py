"""What a growing text's last line has begun is shown as it will look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatbot.ui.growing import Growing
from chatbot.unfinished import closed
from tests.test_growing import Page

AS_IT_WILL_LOOK = {
    "**Key": "**Key**",
    "**Key ": "**Key**",
    "**Key*": "**Key**",
    "**Key**": "**Key**",
    "**Key**: *on": "**Key**: *on*",
    "**a *b": "**a *b***",
    "**a *b*": "**a *b***",
    "***a** b": "***a** b*",
    "one\n**two\nthree **four": "one\n**two\nthree **four**",
    "- **Key": "- **Key**",
    "- [x] ~~done": "- [x] ~~done~~",
    "> **Key": "> **Key**",
    "## **Key": "## **Key**",
    "| a | b |\n|---|---|\n| a | **b": "| a | b |\n|---|---|\n| a | **b**",
    "| a | **b": "| a | **b**\n|---|---|",
    "One.\n\n| a |": "One.\n\n| a |\n|---|",
    "| a \\| b | c": "| a \\| b | c\n|---|---|",
    "| a | b |\n|": "| a | b |\n|---|---|",
    "| a | b |\n| :-- |-": "| a | b |\n|---|---|",
    "粗体**重点": "粗体**重点**",
    "**《书》": "**《书》**",
    "`code": "`code`",
    "`f(**x": "`f(**x`",
    "``a`": "``a``",
    "**see `code": "**see `code`**",
    "[text](https://exam": "text",
    "see [**this**](ht": "see **this**",
    "`[a](b": "`[a](b`",
}

NOT_KNOWN_YET = {
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
    "a \\*b",
    "[text]",
    "```python",
    "```\n**x",
    "- a\n\n  ```\n  - ",
    "    *x",
    "$$\na*b",
    "![a](data:image/png;base64,AA",
    "**whole** and `whole`",
]


@pytest.mark.parametrize(("text", "shown"), [*AS_IT_WILL_LOOK.items(), *NOT_KNOWN_YET.items()])
def test_what_the_last_line_has_begun_is_ended_and_what_nobody_knows_yet_waits(
    text: str, shown: str
) -> None:
    assert closed(text) == shown


@pytest.mark.parametrize("text", AS_IT_IS)
def test_all_else_stays(text: str) -> None:
    assert closed(text) == text


PIECES = st.sampled_from(["**", "*", "~~", "`", "word", " ", "重点", ": ", "\n", "- ", "[a]", "2"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_only_the_last_line_changes_and_only_by_marks(text: str) -> None:
    shown = closed(text)
    begin = text.rfind("\n") + 1
    assert shown.startswith(text[:begin])
    assert shown[begin:].translate(MARKS) == text[begin:].translate(MARKS)


MARKS = str.maketrans("", "", "*~`[]()- ")


@given(st.text("ab **`~", max_size=20))
def test_a_phrase_that_goes_on_is_bold_from_its_first_word_on(text: str) -> None:
    words = f"**bold{text.replace('*', '').replace('`', '').replace('~', '')}"
    assert MarkdownIt().render(closed(words)).startswith("<p><strong>bold")


def test_on_the_page_it_is_so_until_it_goes_on_otherwise() -> None:
    page = Page()
    growing = Growing(page)  # type: ignore[arg-type]
    growing.say_instead("…")
    growing.draw("**", is_whole=False)
    assert page.text == "…"
    growing.draw("**Key", is_whole=False)
    assert page.text == "**Key**"
    growing.draw("**Key\n\n", is_whole=False)
    growing.draw("**Key\n\n", is_whole=True)
    assert page.text == "**Key"
