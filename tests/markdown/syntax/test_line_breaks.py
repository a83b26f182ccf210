"""`<br>` in text: the line ends there, and nothing else begins."""

import pytest

from chatbot.markdown.syntax.emphasis import MARK
from chatbot.markdown.to_streamlit import to_streamlit
from tests.markdown.splitting.test_segments import html

DRAWN = {
    "a<br>b": "<p>a<br />b</p>",
    "a <BR /> b</br>c": "<p>a <br />b<br />c</p>",
    "a<br/>\nb": "<p>a<br />b</p>",
    "a\n<br>\nb": "<p>a<br />b</p>",
    "a<br><br>b": "<p>a<br /><br />b</p>",
    "a<br>- b<br># c<br>1. d<br>> e<br>| f |": (
        "<p>a<br />- b<br /># c<br />1. d<br />&gt; e<br />| f |</p>"
    ),
    "a<br>===": "<p>a<br />===</p>",
    "**a<br>b**<br>**（c）**后": ("<p><strong>a<br />b</strong><br /><strong>（c）</strong>后</p>"),
    "- a<br>b\n- c": "<ul><li>a<br />b</li><li>c</li></ul>",
    "> a<br>b<br>\n> c": "<blockquote><p>a<br />b<br />c</p></blockquote>",
    "[a<br>b](/x)": '<p><a href="/x">a<br />b</a></p>',
    "# a<br>b": "<h1>ab</h1>",
    "a<br>b\n===": "<h1>a<br />b</h1>",
    # at the beginning or end of a text nothing is to be separated
    "<br>a<br><br>": "<p>a</p>",
    "- <br>a": "<ul><li>a</li></ul>",
    "a\n\n<br>\n\nb": "<p>a</p><p>b</p>",
    "<br><br/>\n**a**": "<p><strong>a</strong></p>",
    "a<br>\n```\nb\n```": "<p>a</p><pre><code>b</code></pre>",
    # code
    "`a<br>b`": "<p><code>a&lt;br&gt;b</code></p>",
    "```\na<br>b\n```": "<pre><code>a&lt;br&gt;b</code></pre>",
    "    <br>": "<pre><code>&lt;br&gt;</code></pre>",
    r"a \<br> b": "<p>a &lt;br&gt; b</p>",
}


@pytest.mark.parametrize(("markdown", "drawn"), DRAWN.items())
def test_a_break_ends_a_line_and_no_more(markdown: str, drawn: str) -> None:
    assert html(markdown) == drawn


def test_a_cell_has_its_own_break() -> None:
    assert to_streamlit("| a<br>b |\n|-|\n| c<br>d |") == "| a&#10;b |\n|-|\n| c&#10;d |"


def test_other_tags_stay_as_written() -> None:
    for text in ("<hr>\n\na", "a<brx>b", "<div>\na\n</div>"):
        assert to_streamlit(text).replace(MARK, "") == text
