"""Long texts in parts: complete, short, and drawn as in the whole text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.markdown.splitting import parts
from chatbot.markdown.splitting.parts import (
    PART_CHARACTERS,
    PART_LINES,
    SHOWN_CHARACTERS,
    next_part,
    shown_parts,
)
from chatbot.markdown.splitting.segments import Pieces
from chatbot.markdown.to_streamlit import to_streamlit
from tests.markdown.test_drawing_cost import MARKS


def all_parts(text: str, is_plain: bool = False) -> list[str]:
    return shown_parts(text, 1000, is_plain)[0]


PROSE = "".join(f"Paragraph {n}, of some words.\n\n" for n in range(3000))
CODE = "```py\n" + "".join(f"line_{n} = 1\n" for n in range(4000)) + "```\n\nAfter it.\n"
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| {n} | x |\n" for n in range(4000)) + "\nAfter it.\n"
LIST = "".join(f"- item {n}\n" for n in range(4000))
LINE = "word " * 30_000
NESTED = "- a\n\n  ~~~\n" + "  code\n" * 4000 + "  ~~~\n"


@pytest.mark.parametrize(
    "text", [PROSE, CODE, TABLE, LIST, LINE, NESTED, "a" * 100_000, "\n" * 9000]
)
def test_each_part_is_short_and_nothing_is_lost(text: str) -> None:
    begin, opening = 0, ""
    while begin < len(text):
        end, next_opening = next_part(text, begin, opening)
        part = opening + text[begin:end]
        assert end > begin
        assert len(part) <= PART_CHARACTERS and part.count("\n") <= PART_LINES + 2
        begin, opening = end, next_opening
    assert begin == len(text)


@given(st.lists(st.sampled_from(MARKS), min_size=1, max_size=4).map("".join))
def test_any_text_is_cut_into_few_parts(fragment: str) -> None:
    text = fragment * (2_000 // len(fragment))
    begin, opening, count = 0, "", 0
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(parts, "PART_CHARACTERS", 400)
        monkeypatch.setattr(parts, "PART_LINES", 40)
        while begin < len(text):
            end, next_opening = next_part(text, begin, opening)
            assert len(opening) + end - begin <= 400
            begin, opening, count = end, next_opening, count + 1
    assert count <= 3 * max(len(text) / 400, text.count("\n") / 40) + 1


def test_a_part_ends_where_a_block_does() -> None:
    assert all(
        re.fullmatch(r"(Paragraph \d+, of some words\.\n\n)+", part) for part in all_parts(PROSE)
    )


def test_code_goes_on_as_code_and_a_table_under_its_head() -> None:
    code = all_parts(CODE)
    assert all(part.startswith("```py\nline_") for part in code)
    assert code[-1].endswith("```\n\nAfter it.\n")
    table = all_parts(TABLE)
    assert all(part.startswith("| a | b |\n|---|---|\n| ") for part in table)
    assert all("code" not in re.sub(r"~~~\n[^~]*(~~~|$)", "", part) for part in all_parts(NESTED))


def test_a_document_in_a_fence_goes_on_as_one_with_its_own_code() -> None:
    begin, code = "```markdown\n# Title\n\n", "```py\n" + "line = 1\n" * 1500 + "```\n"
    shown = all_parts(begin + code + "words\n" * 1500 + "```\n\nAfter **it**.\n")
    assert shown[1].startswith("```markdown\n```text\nline = 1\n")
    assert shown[2].startswith("```markdown\nwords\n")
    assert to_streamlit(shown[-1]).endswith("```\n\nAfter **it**.\n")


def test_no_part_of_a_diagram_is_drawn() -> None:
    lines = "".join(f"  A{n}[{'x' * 90}] --> B\n" for n in range(190))
    text = "words\n\n" * 300 + "```mermaid\nflowchart LR\n" + lines + "```\n" + PROSE
    assert any("A0[" in part for part in all_parts(text))
    for part in all_parts(text):
        assert "mermaid" not in part or "```text" in to_streamlit(part)


def test_an_image_is_not_cut_and_counts_as_nothing() -> None:
    image = "![a](data:image/png;base64," + "A" * 100_000 + ")"
    text = f"One.\n\n{image}\n\nTwo.\n"
    assert shown_parts(text) == ([text], len(text))


def test_what_is_shown_at_first_is_bounded_and_goes_on_where_it_ended() -> None:
    for text in (PROSE, CODE, TABLE, LIST, LINE):
        shown, end = shown_parts(text)
        assert SHOWN_CHARACTERS / 4 < end < len(text)
        assert shown_parts(text, 2)[0][: len(shown)] == shown


def test_a_growing_text_is_never_drawn_again_beyond_a_part() -> None:
    for text in (CODE, TABLE, LINE, f"[^1]: note\n\n{PROSE}"):
        pieces = Pieces()
        for size in range(0, len(text), 7_000):
            changes = pieces.changes(text[:size], is_whole=False)
            assert all(len(piece) <= PART_CHARACTERS for _, piece in changes)
            assert len(changes) <= 3
