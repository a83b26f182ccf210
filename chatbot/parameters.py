"""What a model is asked with, and which of it an endpoint turned out not to take.

Nothing is known beforehand and no model's name is looked at: a refusal's own
words say what to leave out, or to send in another form, from then on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SYSTEM_ROLE = "system_role"
"""What the refusal of system messages is kept as; `developer` or `user` takes its place."""

_REFUSED = re.compile(
    r"unsupported|unrecognized|unknown|unexpected|not (be )?support|not permitted|not allowed|extra"
    r"|only the default|不支持"
)
"""How servers say that they do not know a parameter, as opposed to disliking its value's size."""

MAX_COMPLAINT_CHARACTERS = 4000

REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high")
"""What `reasoning_effort` may be (platform.openai.com/docs/api-reference/chat/create); each model
takes some of them, if any."""

_OPTIONAL = ("stream_options", "max_tokens", "temperature")

_EFFORT = re.compile(r"reasoning.?effort|\beffort\b")

_VALUE_REFUSED = re.compile(r"value|input should be|must be|one of|取值")
"""How servers say that they know a parameter, but not what it was set to."""

_SYSTEM_ROLE_REFUSED = re.compile(r"(system|developer)\W+(role|message|instruction)|role")


@dataclass(frozen=True)
class ReplyRequest:
    """What the model is asked: messages as `{"role": …, "content": …}`, and how to answer."""

    model: str
    messages: list[dict[str, str]]
    temperature: float
    max_tokens: int
    reasoning_effort: str | None = None
    """One of REASONING_EFFORTS; None is not sent."""


def parameters(request: ReplyRequest, refused: Mapping[str, str]) -> dict[str, Any]:
    """The request's body. `refused` are names with what is sent instead, "" for nothing."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request.messages, refused.get(SYSTEM_ROLE)),
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.reasoning_effort and f"reasoning_effort={request.reasoning_effort}" not in refused:
        body["reasoning_effort"] = request.reasoning_effort
    for name, replacement in refused.items():
        value = body.pop(name, None)
        if replacement and value is not None:
            body[replacement] = value
    return body


def refused_parameter(refusal: object, body: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a 400 or 422 does not know of a request's `body`, and what to send instead."""
    words = complaints(refusal)
    if "reasoning_effort" in body and _EFFORT.search(words):
        # Nothing else can be wrong with it, and a model may take another one.
        is_value = _VALUE_REFUSED.search(words)
        return (
            f"reasoning_effort={body['reasoning_effort']}" if is_value else "reasoning_effort",
            "",
        )
    if not _REFUSED.search(words):
        return None
    for name in _OPTIONAL:
        if name in body and re.search(rf"\b{name}\b", words):
            return name, "max_completion_tokens" if name == "max_tokens" else ""
    first_role = body["messages"][0]["role"]
    if first_role in ("system", "developer") and _SYSTEM_ROLE_REFUSED.search(words):
        is_advised = first_role == "system" and "developer" in words
        return SYSTEM_ROLE, "developer" if is_advised else "user"
    return None


def complaints(body: object) -> str:
    """What an error says, in lower case, without what it echoes of the request.

    Of a long one, its beginning and its end: patterns look through it while all others wait.
    """
    words = " ".join(_complaints(body))
    if len(words) > MAX_COMPLAINT_CHARACTERS:
        half = MAX_COMPLAINT_CHARACTERS // 2
        words = f"{words[:half]} {words[-half:]}"
    return words.lower()


def _complaints(body: object) -> Iterator[str]:
    """OpenAI's form of an error, and others'."""
    if isinstance(body, list):
        for item in body:
            yield from _complaints(item)
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in ("message", "msg", "param", "code", "type", "loc", "retryDelay"):
                yield from map(str, value if isinstance(value, list) else [value])
            elif name in ("error", "detail", "details"):
                yield from [value] if isinstance(value, str) else _complaints(value)
    elif isinstance(body, str):
        yield body


def _messages(messages: list[dict[str, str]], role: str | None) -> list[dict[str, str]]:
    """The messages, with the system prompt in the form that the model takes."""
    if role is None or messages[0]["role"] != "system":
        return messages
    system, *others = messages
    if role != "user":
        return [{**system, "role": role}, *others]
    if not others or others[0]["role"] != "user":
        return [{**system, "role": "user"}, *others]
    first = {**others[0], "content": f"{system['content']}\n\n{others[0]['content']}"}
    return [first, *others[1:]]
