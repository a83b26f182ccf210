"""Tables: bars in code and formulas stay in their cells, and `<br>` breaks a line."""

import pytest

from chatbot.markdown.incomplete import close_open_markers
from chatbot.markdown.syntax.parser import block_parser
from chatbot.markdown.to_streamlit import to_streamlit

HEAD = "| a | b | c |\n|---|---|---|\n"


@pytest.mark.parametrize(
    ("row", "drawn"),
    [
        (r"| norm | \( |x| \) | `a | b` |", r"| norm | $\vert x\vert$ | `a \| b` |"),
        (r"| cond | $P(A|B)$ | `a \| b` |", r"| cond | $P(A\vert B)$ | `a \| b` |"),
        ("| one<br>two<br/>three<BR /> | **x**<br>y | z |", None),
        (r"| set | $\{x \mid x>0\}$ | $5 |", r"| set | $\{x \mid x>0\}$ | \$5 |"),
        (r"| $\|x\|$ | $a\|b$ | c |", r"| $\|x\|$ | $a\vert b$ | c |"),
        (
            r"| $|x|$ | $|a|+|b|$ | $|\le|$ |",
            r"| $\vert x\vert$ | $\vert a\vert +\vert b\vert$ | $\vert\le\vert$ |",
        ),
        ("| `x | y | z |", "| `x | y | z |"),
        ("| ` | x | ` |", "| ` | x | ` |"),
        ("| $5 | $6 | $7 |", r"| \$5 | \$6 | \$7 |"),
        ("| `<br>` | ``a`|`b`` | c |", r"| `<br>` | ``a`\|`b`` | c |"),
        ("a | `b|c` | d", r"a | `b\|c` | d"),
        ("| `a|b` |", r"| `a\|b` |"),
        (r"| a \| b | <http://a.b/c> | c |", r"| a \| b | <http://a.b/c> | c |"),
    ],
)
def test_only_a_bar_outside_of_code_and_formulas_ends_a_cell(row: str, drawn: str | None) -> None:
    broken = "| one&#10;two&#10;three&#10; | **x**&#10;y | z |"
    assert to_streamlit(HEAD + row) == HEAD + (drawn or broken)


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("| `a | b` | $P(A|B)$ |", 2),
        ("> | `a | b` | c |\n> ", 2),
        ("- | `a | b` | c |\n  ", 2),
        ("| ` | ` |", 2),
        (r"| \( |x| \) |", 1),
    ],
)
def test_also_in_the_head(head: str, columns: int) -> None:
    line, _, prefix = head.partition("\n")
    source = f"text\n\n{line}\n{prefix}|{'---|' * columns}\n{prefix}|{' 1 |' * columns}\n"
    tokens = block_parser().parse(source)
    assert sum(token.type == "th_open" for token in tokens) == columns
    assert "\ue07c" not in "".join(token.content for token in tokens)
    if "`a" in head:
        assert r"`a \| b`" in to_streamlit(source)


def test_a_growing_head_counts_them_as_well() -> None:
    assert close_open_markers("| `a | b` | c") == "| `a | b` | c\n|---|---|"


@pytest.mark.parametrize("fragment", ["| `a | ", "|---|\n", "| a`|$ |\n|---|\n", "| <br", "|$x|"])
def test_any_number_of_cells_is_read(fragment: str) -> None:
    assert to_streamlit(fragment * 5_000)
