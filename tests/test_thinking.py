"""A model's reasoning told from its answer, wherever the text is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.thinking import MAX_BLANKS, ThinkTags, reasoning_of

TEXTS = [
    # the text, its reasoning, its answer
    ("<think>Hm, 1 < 2.</think>\n\nYes.", "Hm, 1 < 2.", "Yes."),
    ("<think>\nHm\n\nhm\n</think>Yes.", "Hm\n\nhm\n", "Yes."),
    ("\n<think>Hm</think> Yes.\n", "Hm", "Yes.\n"),
    ("<thinking>Hm</think></thinking>Yes.", "Hm</think>", "Yes."),
    ("<thought>Hm</thought>Yes.", "Hm", "Yes."),
    ("<think>\n\n</think>\n\nYes.", "", "Yes."),
    ("<think>Hm</think>\n<think> Hm hm</think>\nYes.", "HmHm hm", "Yes."),
    ("<think>Hm", "Hm", ""),
    ("<think>Hm</thi", "Hm</thi", ""),
    ("<think></think>", "", ""),
    ("<think>Hm</think>\n ", "Hm", ""),
    ("<thin", "", "<thin"),
    ("  indented", "", "  indented"),
    ("<thinker>no</thinker>", "", "<thinker>no</thinker>"),
    ("Yes. <think>no</think>", "", "Yes. <think>no</think>"),
    ("```\n<think>no</think>\n```", "", "```\n<think>no</think>\n```"),
    ("`<think>` opens it", "", "`<think>` opens it"),
    ("<think>Hm</think>Use `<think>`.</think>", "Hm", "Use `<think>`.</think>"),
    ("", "", ""),
]


def split(*pieces: str) -> tuple[str, str]:
    tags = ThinkTags()
    parts = [*map(tags.feed, pieces), tags.rest()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(("text", "reasoning", "answer"), TEXTS)
def test_reasoning_is_told_from_the_answer_wherever_the_tags_are_cut(
    text: str, reasoning: str, answer: str
) -> None:
    assert split(text) == (reasoning, answer)
    assert split(*text) == (reasoning, answer)
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            assert split(text[:first], text[first:second], text[second:]) == (reasoning, answer)


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "<thought>", "</thought>", "<th", "<", " ", "\n"])
        | st.text(max_size=4),
        max_size=12,
    )
)
def test_nothing_depends_on_how_a_text_is_cut(pieces: list[str]) -> None:
    assert split(*pieces) == split("".join(pieces)) == split(*"".join(pieces))


def test_white_space_without_end_is_not_held() -> None:
    blanks, tag = " " * (MAX_BLANKS + 1), "<think>Hm</think>"
    assert split(*blanks, tag, "Yes.") == split(blanks + tag, "Yes.") == ("", f"{blanks}{tag}Yes.")
    assert split(blanks[1:] + tag, "Yes.") == ("Hm", "Yes.")
    assert split(tag, *blanks, tag, "Yes.") == ("HmHm", "Yes.")
    tags = ThinkTags()
    for _ in range(MAX_BLANKS):
        assert tags.feed(" ") == ("", "")
    assert tags.feed(" ") == ("", blanks)


@given(st.text(), st.text())
def test_nothing_is_lost(reasoning: str, answer: str) -> None:
    thought, said = split(f"<think>x{reasoning.replace('<', '')}</think>y{answer}")
    assert (thought, said) == (f"x{reasoning.replace('<', '')}", f"y{answer}")


@pytest.mark.parametrize(
    ("delta", "reasoning"),
    [
        ({"reasoning_content": "Hm"}, "Hm"),
        ({"reasoning": "Hm"}, "Hm"),
        ({"reasoning_content": "Hm", "reasoning": "Hm"}, "Hm"),
        ({"reasoning_content": "", "reasoning": "Hm", "content": ""}, "Hm"),
        (
            {"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
            "Hm",
        ),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm"}]}, "Hm"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "q80="}]}, ""),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
            "Hm",
        ),
        ({"content": [{"type": "thinking", "thinking": "Hm"}]}, "Hm"),
        ({"content": [{"type": "text", "text": "Yes"}]}, ""),
        ({"content": "Yes"}, ""),
        ({"reasoning": {"text": "Hm"}, "reasoning_details": 7}, ""),
        ({"reasoning_details": [None, 7, {"type": 7}, {"type": "thinking", "thinking": [7]}]}, ""),
        ({}, ""),
    ],
)
def test_each_servers_form_of_reasoning_is_read(delta: dict[str, Any], reasoning: str) -> None:
    assert reasoning_of(delta) == reasoning
