"""Growing Markdown: cut after finished blocks, and nowhere else."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chatbot.markdown.splitting.blocks import split_blocks
from tests.conftest import examples

FRAGMENTS = [
    *("\n", "\n\n", "\r\n", "\r", " ", "    ", "\t", "word", "**b", "`", "\\", "<", ">", "|"),
    *("# Heading\n", "===\n", "---\n", "***\n", "```python\n", "```\n", "~~~\n", "> quote\n"),
    *("- item\n", "- \n", "  - nested\n", "\n  more of the item\n", "1. one\n", "2) two\n"),
    *("| a | b |\n", "|---|---|\n", "| 1 | 2 |\n", "$$\n", "    code\n", "- [ ] task\n"),
    *("<div>\n", "</div>\n", "<!-- note\n", "-->\n", "<br>\n", "&amp;", "中文，段落。\n", "😀"),
    *("[link]: /url\n", "[link]:\n", "/url\n", "'title\n", "more'\n", "[link]", "\x0b", "\x0c"),
    *("\u2028", "\x85", "\x1c", "\0", "\u3000", "\u202e"),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
@example("a\n\n[link]:\n/url\n")
@example("a\rb\rc\n\nd\n")
@hypothesis_settings(max_examples=examples(150), database=None)
def test_wherever_it_is_cut_nothing_is_lost_and_nothing_finished_opens_again(text: str) -> None:
    splits = [split_blocks(text[:end]) for end in range(len(text) + 1)]
    for end, (blocks, tail) in enumerate(splits):
        assert "".join([*blocks, tail]) == text[:end]
        assert all(blocks)
    for (finished, _), (later, _) in pairwise(splits):
        assert later[: len(finished)] == finished


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
@example("\rword\n\nword\n***\n")
@hypothesis_settings(max_examples=examples(100), database=None)
def test_the_tail_alone_is_cut_as_it_is_within_the_whole(text: str) -> None:
    """The page goes on from the tail; it never looks at finished blocks again."""
    finished: list[str] = []
    start = 0
    for end in range(len(text) + 1):
        blocks, _ = split_blocks(text[start:end])
        finished += blocks
        start += sum(map(len, blocks))
    assert finished == split_blocks(text)[0]


@pytest.mark.parametrize(
    ("text", "blocks", "tail"),
    [
        ("", [], ""),
        ("one", [], "one"),
        ("one\n", [], "one\n"),
        ("one\n\n", ["one\n\n"], ""),
        ("one\n\n- two", ["one\n\n"], "- two"),
        ("- one\n\ntwo", ["- one\n\n"], "two"),
        ("- one\n\n2", [], "- one\n\n2"),  # may become an item of a list
        ("- one\n\n  two", [], "- one\n\n  two"),
        ("# one\nt", ["# one\n"], "t"),
        ("```\na\n```\n\nb", ["```\na\n```\n\n"], "b"),
        ("one\n\ntwo\n", ["one\n\n"], "two\n"),
        ("\n\none\n\ntwo\n", ["\n\none\n\n"], "two\n"),
        ("one\n===\ntwo\n", ["one\n===\n"], "two\n"),
        ("# one\ntwo\n", ["# one\n"], "two\n"),
        ("```\na\n\nb\n", [], "```\na\n\nb\n"),
        ("```\na\n\nb\n```\nc\n", ["```\na\n\nb\n```\n"], "c\n"),
        ("~~~\n```\n\nb\n~~~\nc\n", ["~~~\n```\n\nb\n~~~\n"], "c\n"),
        ("- a\n  - b\n\n    c\n\n- d\n", [], "- a\n  - b\n\n    c\n\n- d\n"),
        ("- a\n\n- b\n\nc\n", ["- a\n\n- b\n\n"], "c\n"),
        ("1. a\n- b\n", ["1. a\n"], "- b\n"),
        ("| a |\n|---|\n| 1 |\n\nb\n", ["| a |\n|---|\n| 1 |\n\n"], "b\n"),
        ("a\n| b |\n|---|\n", ["a\n"], "| b |\n|---|\n"),
        ("> a\nb\n\nc\n", ["> a\nb\n\n"], "c\n"),
        ("第一段。\n\n第二段。\n", ["第一段。\n\n"], "第二段。\n"),
        ("<div>\n\na\n", ["<div>\n\n"], "a\n"),
    ],
)
def test_a_block_is_finished_when_the_next_one_has_begun(
    text: str, blocks: list[str], tail: str
) -> None:
    assert split_blocks(text) == (blocks, tail)


@pytest.mark.parametrize(
    "separator", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0"]
)
def test_odd_line_separators_do_not_shift_the_cuts(separator: str) -> None:
    first = separator.join(["a", "b", "c", "d", "e"])
    text = f"{first}\n\nf\n\ng\n"
    assert split_blocks(text) == ([f"{first}\n\n", "f\n\n"], "g\n")


def test_windows_line_ends_are_cut_after_the_whole_end() -> None:
    assert split_blocks("a\r\n\r\nb\r\n\r\nc\r\n") == (["a\r\n\r\n", "b\r\n\r\n"], "c\r\n")
