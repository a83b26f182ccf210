"""Cost of drawing: proportional to the text. Steps are counted, not seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.markdown.incomplete import close_open_markers
from chatbot.markdown.splitting.segments import Pieces
from chatbot.markdown.to_streamlit import to_streamlit

SHORT, LONG = 1_000, 8_000
"""Characters. What is quadratic takes 64 times as many steps for the longer one."""

MARKS = [
    *("$$a\n", "$$\n", "\\[a\n", "\\[a \\] b\n", "- \\[a\n", "\\(", "$a ", "$", "a\n=", "a\n=\n"),
    *(":", "::a", "![a](data:image/png;base64,", "![a](data:image/png;base64,AA==)", "![", "!"),
    *("[", "](", "[a](", "[a]: b\n", "[^a]: b\n", "<", "<a ", "<!--", "<?", "<![CDATA[", "`"),
    *("**", "_a", "*a", "~~", "&", "&amp;", "\\", "> ", "> a\n", "- ", "- a\n", "1. a\n"),
    *("  - a\n", "|", "| a |\n", "|-|\n", "# a\n", "```\n", "~~~\n", "```mermaid\n", "    a\n"),
    *("<div>\n", "---\n", "\n", "a\n\n", "http://a", "www.", "h", "**粗体。**后:", "-> ", "“"),
    *("\\\n", "\t", " ", "a"),
]
MARKS += [
    *("\\boxed{", "\\ce{A->B}", "\\begin{align}\n", "\\end{align}", "$x$ ", "$ x $", "$$x$$ "),
    *("\\[x\\] ", "\\(x\\) ", "{", "```math\n", "$`a`$", "$\\text{a}$", "- $$a\n", "> \\[\n"),
    *("```md\n", "```md\n```py\n", "```md\n```py\n```\n```\n", "- ```md\n", "> ```md\n"),
    *("|`a|\n|-|\n", "| `a|b` | $P(A|B)$ |\n", "|<br>", "|$", "|`", "*斜体。*后", "__好", "_好_"),
    *("~~删除。~~后", "好**“", "~", "https://例", "www.e.com。", "https://e.com/文（", "HTTP://("),
    *("<br> ", "a<br>\n", "> <br>- ", "# <br>", "[^a] ", "~~**旧**~~新", "https://中.文."),
    *("[^1] ", "[^", "[a](http://b（", "مرحبا **a** "),
]
"""Of Markdown, of Streamlit's additions to it, and of what models write besides."""


class Steps:
    """Counts calls of functions, Python's own and the libraries'."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.count += event in ("call", "c_call")


@contextmanager
def counted() -> Iterator[Steps]:
    steps, before = Steps(), sys.getprofile()
    sys.setprofile(steps)
    try:
        yield steps
    finally:
        sys.setprofile(before)


def draw(markdown: str) -> None:
    """All that drawing a growing text and its end comes to."""
    Pieces().changes(markdown, is_whole=True)
    close_open_markers(markdown)
    to_streamlit(markdown)


def steps_for(markdown: str) -> int:
    with counted() as steps:
        draw(markdown)
    return steps.count


def expect_proportion(text_of: Callable[[int], str]) -> None:
    draw(text_of(SHORT))  # what is loaded once is no part of it
    few, many = steps_for(text_of(SHORT)), steps_for(text_of(LONG))
    assert many < 1.5 * (LONG / SHORT) * few + 2_000


def repeated(fragment: str) -> Callable[[int], str]:
    return lambda size: (fragment * (size // len(fragment) + 1))[:size]


@pytest.mark.parametrize("fragment", MARKS)
def test_a_mark_that_is_repeated_costs_in_proportion(fragment: str) -> None:
    expect_proportion(repeated(fragment))


@settings(max_examples=25)
@given(st.lists(st.sampled_from(MARKS), min_size=1, max_size=4).map("".join))
def test_any_marks_that_are_repeated_cost_in_proportion(fragment: str) -> None:
    expect_proportion(repeated(fragment))


def table(columns: int) -> Callable[[int], str]:
    head = "|a" * columns + "|\n" + "|-" * columns + "|\n"
    return lambda size: head + ("|b" * columns + "|\n") * (size // (2 * columns))


@pytest.mark.parametrize("columns", [1, 100])
def test_a_table_costs_in_proportion(columns: int) -> None:
    expect_proportion(table(columns))


def growing(mark: str) -> Callable[[int], str]:
    return lambda size: "".join(f"{mark * n} a\n" for n in range(1, int((2 * size) ** 0.5)))


@pytest.mark.parametrize("mark", [*"`[<*_~$>!:#|(\\"])
def test_runs_that_grow_cost_in_proportion(mark: str) -> None:
    expect_proportion(growing(mark))
