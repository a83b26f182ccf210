"""Separation of a model's reasoning from its answer, wherever the text is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.llm.stream.open_code import OpenCode
from chatbot.llm.stream.reasoning import MAX_BLANKS, ThinkTags, reasoning_of

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
    ("<seed:think>Hm</seed:think>Yes.", "Hm", "Yes."),
    ("[THINK]Hm[/THINK]Yes.", "Hm", "Yes."),
    ("<reasoning>Hm</reasoning>\nYes.", "Hm", "Yes."),
    # opened in the prompt
    ("Hm\nhm.\n</think>\n\nYes.", "Hm\nhm.", "Yes."),
    ("</think>Yes.", "", "Yes."),
    ("Hm[/THINK]Yes.", "Hm", "Yes."),
    ("Hm</seed:think>Yes.", "Hm", "Yes."),
    ("Say `</think>`.</think>Yes.", "Say `</think>`.", "Yes."),
    ("`<think>` hm</think>Yes.", "`<think>` hm", "Yes."),
    ("Hm</think>Yes.</think>", "Hm", "Yes.</think>"),
    ("Hm</think><think>hm</think>Yes.", "Hmhm", "Yes."),
    ("<THINK>Hm</Think>Yes.", "Hm", "Yes."),
    ("<think >Hm</ think >Yes.", "Hm", "Yes."),
    ("< Thinking >Hm < 1</THINKING>\nYes.", "Hm < 1", "Yes."),
    ("[think]Hm[/Think]Yes.", "Hm", "Yes."),
    ("Hm</THINK >Yes.", "Hm", "Yes."),
    ("< b", "", "< b"),
    ("```\nx\n```\n</think>Yes.", "```\nx\n```", "Yes."),
    ("```\nx\n```</think>Yes.", "```\nx\n```", "Yes."),
    ("1 \\` 2</think>Yes.", "1 \\` 2", "Yes."),
    ("a [b] <c> </thin", "", "a [b] <c> </thin"),
    # within code, or opened in the answer
    ("Write `</think>` at the end.", "", "Write `</think>` at the end."),
    ("Write ``a ` </think>``.", "", "Write ``a ` </think>``."),
    ("```xml\n</think>\n```\nSo.", "", "```xml\n</think>\n```\nSo."),
    ("- a\n- ~~~\n  </think>\n", "", "- a\n- ~~~\n  </think>\n"),
    ("```</think>\n```", "", "```</think>\n```"),
    ("So:\n\n    </think>\n", "", "So:\n\n    </think>\n"),
    ("Yes. <think>a<think>b</think>c</think>", "", "Yes. <think>a<think>b</think>c</think>"),
    ("", "", ""),
]


def split(*pieces: str) -> tuple[str, str]:
    """All the reasoning and all the answer of a text that comes in these pieces."""
    thoughts: list[str] = []
    texts: list[str] = []

    def take_back(reasoning: str) -> None:
        texts.clear()
        thoughts.append(reasoning)

    tags = ThinkTags(take_back)
    for piece in [*pieces, None]:
        thought, text = tags.rest() if piece is None else tags.feed(piece)
        thoughts.append(thought)
        texts.append(text)
    return "".join(thoughts), "".join(texts)


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


HARMONY = (
    "<|channel|>analysis<|message|>Hm, 1 <| 2.<|end|><|start|>assistant"
    "<|channel|>final<|message|>Yes <b>.<|return|>"
)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        (HARMONY, "Hm, 1 <| 2.", "Yes <b>."),
        (f"<|start|>assistant{HARMONY}", "Hm, 1 <| 2.", "Yes <b>."),
        ("<|channel|>final<|message|>Yes.", "", "Yes."),
        ("<|start|>assistant<|message|>Yes.", "", "Yes."),
        ("<|channel|>analysis<|message|>Hm", "Hm", ""),
        ("<|channel|>analysis<|message|>Hm<|end|>\nYes.", "Hm", "Yes."),
        ("<|channel|>commentary<|message|>Hm<|end|><|channel|>final<|message|>Yes.", "Hm", "Yes."),
        ("<|channel|>analysis<|message|>Hm<|en", "Hm<|en", ""),
        ("<|channel|>fin", "", ""),
        ("assistant<|channel|>final<|message|>Yes.", "", "Yes."),
        # opened in the prompt
        ("Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.", "Hm.", "Yes."),
        ("Hm.<|channel|>final<|message|>Yes.<|return|>", "Hm.", "Yes."),
        ("Say `<|channel|>final<|message|>`.", "", "Say `<|channel|>final<|message|>`."),
        # without the special tokens
        ("analysisThe user greets.assistantfinalHello!", "The user greets.", "Hello!"),
        ("analysiswe need x.\n\nassistantfinal\n\nHello!", "we need x.\n\n", "Hello!"),
        ("analysis用户问好。assistantfinal你好！", "用户问好。", "你好！"),
        ("analysisA.assistantanalysis B.assistantfinalC", "A.\n\nB.", "C"),
        (
            "analysisA.assistantcommentaryB.assistantfinalassistantfinal",
            "A.\n\nB.",
            "assistantfinal",
        ),
        ("assistantfinalHello!", "", "Hello!"),
        ("analysisThe assistant", "The assistant", ""),
        ("analysis of the data", "", "analysis of the data"),
        ("analysis", "", "analysis"),
        ("analysis的复数是 analyses。", "", "analysis的复数是 analyses。"),
        ("analysis：分析", "", "analysis：分析"),
        ("analysis一词来自希腊语。", "", "analysis一词来自希腊语。"),
        ("analysis是的。assistantanalysis 好。assistantfinal你好！", "是的。\n\n好。", "你好！"),
        ("analysis后是 `assistantfinal` assist", "", "analysis后是 `assistantfinal` assist"),
        ("assistant", "", "assistant"),
    ],
)
def test_harmonys_channels_are_told_apart_wherever_they_are_cut(
    text: str, reasoning: str, answer: str
) -> None:
    assert split(text) == split(*text) == (reasoning, answer)
    for place in range(len(text) + 1):
        assert split(text[:place], text[place:]) == (reasoning, answer)


def test_a_tool_that_harmony_calls_is_known() -> None:
    tags = ThinkTags()
    call = (
        '<|channel|>commentary to=functions.web_search <|constrain|>json<|message|>{"q":1}<|call|>'
    )
    assert tags.feed(call) == ('{"q":1}', "")
    assert list(tags.tools) == ["web_search"]


@pytest.mark.parametrize("name", ["web_search", "functions.web_search"])
@pytest.mark.parametrize("header", ["{} json", "{} ", "{}json", "{}"])
def test_a_tool_that_harmony_calls_without_its_tokens_is_known(name: str, header: str) -> None:
    call = f'analysisHm.assistantcommentary to={header.format(name)}{{"q":1}}'
    for pieces in ([call], list(call)):
        tags = ThinkTags()
        said = [tags.feed(piece) for piece in pieces]
        assert "".join(thought for thought, _ in [*said, tags.rest()]) == 'Hm.\n\n{"q":1}'
        assert list(tags.tools) == ["web_search"]


def test_a_long_answer_about_tags_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    feed = OpenCode.feed

    def counting(code: OpenCode, text: str) -> None:
        nonlocal looked_at
        looked_at += len(text)
        feed(code, text)

    monkeypatch.setattr(OpenCode, "feed", counting)
    text = ["Write `</think>`", " and `<think>`, \n"] * 500
    assert split(*text) == ("", "".join(text))
    assert looked_at <= len("".join(text))


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
