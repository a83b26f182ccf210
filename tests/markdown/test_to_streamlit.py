"""A model's Markdown for Streamlit: the marks that are escaped, and the marks that are not."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from streamlit.string_util import clean_text

from chatbot.markdown.syntax.emphasis import MARK
from chatbot.markdown.to_streamlit import to_streamlit
from tests.conftest import examples
from tests.markdown.splitting.test_segments import html


@pytest.mark.parametrize(
    "markdown",
    [
        "",
        "Plain text: nothing here at 10:30.\n\n- one\n- two\n\n> quote\n",
        "# Title\n\nSetext\n---\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n---\n",
        "```py\nprint(':red[x] $5 -> ![a](b)')\n```\n",
        "~~~\n$a$ and $b$\n~~~\n",
        "Text\n\n    indented ![x](y) $1\n",
        "- list\n\n  ```\n  $1 ![a](b)\n  ```\n",
        "`:red[x] :smile: $1 a -> b`",
        "<http://example.org/a:b> and https://example.org/x:y/:z: and [a](http://b/:c:d)",
        r"\$5 and \*stars\* and &amp;",
        "$x^2$ and $a_b$",
        "$$\nx\n$$",
        '<b title="a:b -> c">bold</b>',
        "Line\nbreak  \nhard\\\nend",
    ],
)
def test_what_every_parser_reads_alike_stays_to_the_letter(markdown: str) -> None:
    assert to_streamlit(markdown) == markdown


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        (":red[x]", r"\:red[x]"),
        ("a:b", r"a\:b"),
        ("::leaf", r"\:\:leaf"),
        (":::box\nx\n:::", "\\:\\:\\:box\nx\n\\:\\::"),
        (":smile:", ":color[:]{}smile:"),
        (r"\:smile:", ":color[:]{}smile:"),
        (":material/check:", ":color[:]{}material/check:"),
        ("a -> b", "a :color[-]{}:color[>]{} b"),
        ("| a |\n|---|\n| :+1: |", "| a |\n|---|\n| :color[:]{}+1: |"),
    ],
)
def test_streamlits_own_marks_are_escaped(markdown: str, drawn: str) -> None:
    assert to_streamlit(markdown) == drawn


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("$5 and $10", r"\$5 and \$10"),
        ("US$ 5, then $6", r"US\$ 5, then \$6"),
        ("one $ alone", r"one \$ alone"),
        (r"\(x\) and \( y \)", "$x$ and $y$"),
        (r"see \[z\] here", "see $z$ here"),
        ("\\[\nx = 1\n\\]", "$$\nx = 1\n$$"),
        ("so\n\\[ x \\]\nthen", "so\n$$\nx\n$$\nthen"),
        ("so\n$$\nx\n$$\nthen", "so\n$$\nx\n$$\nthen"),
        ("$$x$$", "$$\nx\n$$"),
        ("- item\n  \\[ a \\]\n- b", "- item\n  $$\n  a\n  $$\n- b"),
        ("> \\[\n> q\n> \\]", "> $$\n> q\n> $$"),
        ("$$\nnever closed", "\\$\\$\nnever closed"),
        (r"`\(x\)`", r"`\(x\)`"),
        ("$$\n```\n$$", "$$\n\\lq \\lq \\lq \n$$"),
        ("$a\nb$", "$a b$"),
    ],
)
def test_maths_is_told_from_money(markdown: str, drawn: str) -> None:
    assert to_streamlit(markdown) == drawn


@pytest.mark.parametrize(
    "markdown",
    [
        "![a](http://evil.example/x)",
        "![](http://evil.example/x)",
        "![a][ref]\n\n[ref]: http://evil.example/x",
        "![ref]\n\n[ref]: http://evil.example/x",
        "[![a](http://evil.example/x)](http://example.org)",
        r"\\![a](http://evil.example/x)",
        '<a href="`">![a](http://evil.example/x)`',
        "[^1]: x\n    ```\n![a](http://evil.example/x)\n    ```",
        "[^1]: x\n\n        ![a](http://evil.example/x)",
        "$$\n```\n$$\n![a](http://evil.example/x)\n```",
        "$`$ ![a](http://evil.example/x) `",
        "$$\n\\foo\n```\n![a](http://evil.example/x)\n$$",
        "$\\foo{![a](http://evil.example/x)}$",
        "```md\n```x\n```\n```\n![a](http://evil.example/x)",
        "https://a.b/![a](http://evil.example/x)（",
        "| a |\n|---|\n| `|` $\\foo|$ ![a](http://evil.example/x) |",
        "http://x/![a](http://evil.example/x)",
        "[a](![b](http://evil.example/x))",
        r"\[a](![b](http://evil.example/x))",
        "| a |\n|---|\n| `|` ![a](http://evil.example/x) |",
        ":::x\n```\n:::\n![a](http://evil.example/x)",
        "a\r![a](http://evil.example/x)",
    ],
)
def test_no_image_is_left_outside_of_code(markdown: str) -> None:
    outside_fences = to_streamlit(markdown).split("```")[0]
    assert "![" not in outside_fences.replace(r"\![", "")


@given(st.text(alphabet="!$:`\\[]()<>-~|\n *_#ax1", max_size=60))
def test_any_text_can_be_drawn(markdown: str) -> None:
    drawn = to_streamlit(markdown)
    assert isinstance(drawn, str)
    if not any(mark in markdown for mark in "!$:\\-<>~="):
        assert drawn.replace(MARK, "").endswith(markdown)


@settings(max_examples=examples(2000))
@given(
    st.lists(
        st.sampled_from(
            [
                *"![]()<>\\`$:|^*_-\n xa（",
                "$$\n",
                "```md\n",
                "\\foo{",
                "http://a.b",
                "|\n|-|\n",
                "!",
                "![",
                "](http://e.x)",
                "][r]",
                "\n\n[r]: http://e.x\n",
            ]
        ),
        max_size=14,
    ).map("".join)
)
@example("!![a](http://e.x)")
@example("http://a/!![a](http://e.x)")
@example("!\\![a](http://e.x)")
def test_of_no_text_another_parser_makes_an_image(markdown: str) -> None:
    def images(tokens: list[Token]) -> list[Token]:
        return [
            one
            for token in tokens
            for one in (token, *(token.children or []))
            if one.type == "image"
        ]

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    assert images(parser.parse(to_streamlit(markdown))) == []


_CODE_LINES = st.lists(
    st.sampled_from(["a", "  b", "\tc", " ", "      ", "\t\t", "", ":material/check:", "![x](y)"]),
    min_size=1,
    max_size=5,
)


@given(_CODE_LINES, st.sampled_from(["", "- ", "1. ", "> "]), st.sampled_from(["```", "~~~~"]))
def test_code_comes_out_byte_for_byte(lines: list[str], container: str, fence: str) -> None:
    inner = ">  "[: len(container)] if container == "> " else " " * len(container)
    block = [container + fence, *(inner + line for line in lines), inner + fence]
    markdown = "Text\n\n" + "\n".join(block) + "\n"
    expected = _code_blocks(markdown)
    sent = clean_text(to_streamlit(markdown))
    in_browser = sent.replace(":material/", ":material_")  # so does Streamlit, in code as well
    assert [code.replace(MARK, "") for code in _code_blocks(in_browser)] == expected


@given(_CODE_LINES)
def test_an_answer_may_begin_with_indented_code(lines: list[str]) -> None:
    markdown = "\n".join(f"    {line}" for line in ["first", *lines, "last"])
    sent = clean_text(to_streamlit(markdown)).replace(":material/", ":material_")
    assert [code.replace(MARK, "") for code in _code_blocks(sent)] == _code_blocks(markdown)


def _code_blocks(markdown: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [token.content for token in tokens if token.type in ("fence", "code_block")]


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("**粗体。**后面的文字", "<strong>粗体。</strong>后面的文字"),
        ("前面**“引用”**后面", "前面<strong>“引用”</strong>后面"),
        ("他说：**重点**，然后", "他说：<strong>重点</strong>，然后"),
        ("**A：**B和**C：**D", "<strong>A：</strong>B和<strong>C：</strong>D"),
        ("后面**`code`**再", "后面<strong><code>code</code></strong>再"),
        ("`**码。**后`", "<code>**码。**后</code>"),
        ("2 ** 3。** 4", "2 ** 3。** 4"),
    ],
)
def test_what_is_bold_in_chinese_is_so_beside_punctuation(markdown: str, drawn: str) -> None:
    assert html(markdown) == f"<p>{drawn}</p>"


@pytest.mark.parametrize("opener", ["\\(", "\\["])
def test_formulas_that_are_never_closed_are_not_looked_for_again(opener: str) -> None:
    assert to_streamlit(opener * 150_000 + "x").endswith("x")
    assert to_streamlit(rf"\(a\) {opener} b" + "\n\n" + r"\(c\)").endswith("$c$")


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("So it is.[^1] And[^12]!", "So it is.¹ And¹²!"),
        ("So[^1].\n\n[^1]: A note.", "So[^1].\n\n[^1]: A note."),
        ("So[^1] and[^2].\n\n[^1]: A note.", "So[^1] and².\n\n[^1]: A note."),
        ("`[^1]` and [^a] and [^0-9]", "`[^1]` and [^a] and [^0-9]"),
        ("| a[^1] |\n|---|\n| b |", "| a¹ |\n|---|\n| b |"),
    ],
)
def test_a_footnote_that_has_not_come_is_a_raised_number(markdown: str, drawn: str) -> None:
    assert to_streamlit(markdown) == drawn
