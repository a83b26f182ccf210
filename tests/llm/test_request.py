"""Parameters of requests, changed after an endpoint refused one of them."""

from dataclasses import replace
from typing import Any

import pytest

from chatbot.llm.request import ReplyRequest, complaints, parameters, refused_parameter

SYSTEM = {"role": "system", "content": "Be brief."}
QUESTION = {"role": "user", "content": "Hi"}
REQUEST = ReplyRequest("m", [SYSTEM, QUESTION], 0.8, 2048)

REFUSALS = [
    # OpenAI
    (
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model."
                " Use 'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
        ("max_tokens", "max_completion_tokens"),
    ),
    (
        {
            "message": "Unsupported value: 'temperature' does not support 0.8 with this model."
            " Only the default (1) value is supported.",
            "param": "temperature",
        },
        ("temperature", ""),
    ),
    (
        {"message": "Unsupported value: 'messages[0].role' does not support 'system' here."},
        ("system_role", "user"),
    ),
    (
        {"message": "'messages[0].role' does not support 'system'. Use 'developer' instead."},
        ("system_role", "developer"),
    ),
    # Servers in Python that check their input, and models' own templates
    (
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        ("stream_options", ""),
    ),
    ({"object": "error", "message": "System role not supported"}, ("system_role", "user")),
    # Relays
    ({"error": {"message": "该模型不支持 temperature 参数"}}, ("temperature", "")),
    ("unknown field `stream_options`", ("stream_options", "")),
    # Nothing to learn from
    ({"error": {"message": "temperature must be at most 1"}}, None),
    ({"error": {"message": "max_tokens is too large: 2048"}}, None),
    ({"error": {"message": "no", "input": "unsupported temperature"}}, None),
    (None, None),
    ([], None),
    (7, None),
]


@pytest.mark.parametrize(("refusal", "refused"), REFUSALS)
def test_a_refusal_says_what_to_send_instead(
    refusal: object, refused: tuple[str, str] | None
) -> None:
    assert refused_parameter(refusal, parameters(REQUEST, {})) == refused


@pytest.mark.parametrize(
    ("refusal", "refused"),
    [
        ("Unrecognized request argument supplied: reasoning_effort", "reasoning_effort"),
        (
            {
                "detail": [
                    {"loc": ["body", "reasoning_effort"], "msg": "Extra inputs are not permitted"}
                ]
            },
            "reasoning_effort",
        ),
        ({"error": {"message": "该模型不支持 reasoning_effort 参数"}}, "reasoning_effort"),
        (
            "Unsupported value: 'reasoning_effort' does not support 'low' with this model."
            " Supported values are: 'medium'.",
            "reasoning_effort=low",
        ),
        (
            {
                "message": "Unsupported value: 'low'. Supported values are: 'high'.",
                "param": "reasoning.effort",
            },
            "reasoning_effort=low",
        ),
        (
            {"detail": [{"loc": ["body", "reasoning_effort"], "msg": "Input should be 'high'"}]},
            "reasoning_effort=low",
        ),
    ],
)
def test_a_refused_effort_is_told_from_an_effort_that_is_not_known(
    refusal: object, refused: str
) -> None:
    request = replace(REQUEST, reasoning_effort="low")
    body = parameters(request, {})
    assert body["reasoning_effort"] == "low"
    assert refused_parameter(refusal, body) == (refused, "")
    assert "reasoning_effort" not in parameters(request, {refused: ""})
    other = parameters(replace(request, reasoning_effort="high"), {refused: ""})
    assert ("reasoning_effort" in other) == (refused == "reasoning_effort=low")
    assert "reasoning_effort" not in parameters(REQUEST, {})
    assert refused_parameter(refusal, parameters(REQUEST, {})) is None


@pytest.mark.parametrize(
    ("role", "messages"),
    [
        ("", [SYSTEM, QUESTION]),
        ("developer", [{**SYSTEM, "role": "developer"}, QUESTION]),
        ("user", [{"role": "user", "content": "Be brief.\n\nHi"}]),
    ],
)
def test_the_system_prompt_reaches_every_model(role: str, messages: list[dict[str, str]]) -> None:
    refused = {"system_role": role} if role else {}
    assert parameters(REQUEST, refused)["messages"] == messages
    without = ReplyRequest("m", [QUESTION], 0.8, 2048)
    assert parameters(without, refused)["messages"] == [QUESTION]


def test_learning_comes_to_an_end() -> None:
    refused: dict[str, str] = {}
    words = (
        "unsupported: max_tokens max_completion_tokens temperature stream_options role developer"
    )
    for _ in range(10):
        body: dict[str, Any] = parameters(REQUEST, refused)
        learned = refused_parameter(words, body)
        if learned is None:
            break
        refused.update([learned])
    assert refused == {
        "stream_options": "",
        "max_tokens": "max_completion_tokens",
        "temperature": "",
        "system_role": "user",
    }
    assert body["messages"][0]["role"] == "user"


def test_what_is_echoed_is_no_complaint() -> None:
    body = {"error": {"message": "No", "input": "secret", "details": ["More", {"msg": "Words"}]}}
    assert complaints(body) == "no more words"


def test_of_a_long_complaint_the_beginning_and_the_end_are_read() -> None:
    said = "Maximum context. " + "maximum " * 500_000 + "too many tokens"
    words = complaints({"error": {"message": said}})
    assert words.startswith("maximum context.") and words.endswith("too many tokens")
    assert len(words) < 5000
