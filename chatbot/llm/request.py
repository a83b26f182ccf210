"""The body of a request, without the parameters that the endpoint has refused before.

No knowledge about model names is built in: the message of a refusal says which parameter to
omit, or to send in another form, from then on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

SYSTEM_ROLE = "system_role"
"""Name under which a refused system role is stored; `developer` or `user` replaces the role."""

_REFUSED = re.compile(
    r"unsupported|unrecognized|unknown|unexpected|not (be )?support|not permitted|not allowed|extra"
    r"|only the default|不支持"
)
"""Messages about an unknown parameter, as opposed to a value that is too large."""

MAX_COMPLAINT_CHARACTERS = 4000

REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high")
"""Values of `reasoning_effort` (platform.openai.com/docs/api-reference/chat/create); each model
accepts a part of these values, or none."""

_OPTIONAL = ("stream_options", "max_tokens", "temperature")

_EFFORT = re.compile(r"reasoning.?effort|\beffort\b")

_VALUE_REFUSED = re.compile(r"value|input should be|must be|one of|取值")
"""Messages about a known parameter with an unsupported value."""

_SYSTEM_ROLE_REFUSED = re.compile(r"(system|developer)\W+(role|message|instruction)|role")


@dataclass(frozen=True)
class ReplyRequest:
    """Messages for the model as `{"role": …, "content": …}`, and parameters of the answer."""

    model: str
    messages: list[dict[str, str]]
    temperature: float
    max_tokens: int
    reasoning_effort: str | None = None
    """One of REASONING_EFFORTS; None omits the parameter."""


def parameters(request: ReplyRequest, refused: Mapping[str, str]) -> dict[str, Any]:
    """Build the request's body. `refused` maps parameters to replacements, "" for omission."""
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
    """Return the parameter of `body` that a 400 or 422 refuses, with its replacement."""
    words = complaints(refusal)
    if "reasoning_effort" in body and _EFFORT.search(words):
        # If only the value is refused, the model may accept another effort.
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
    """Return an error's own words in lower case, without its copy of the request.

    A long message is cut to its beginning and end, because matching patterns blocks the loop.
    """
    words = " ".join(_complaints(body))
    if len(words) > MAX_COMPLAINT_CHARACTERS:
        half = MAX_COMPLAINT_CHARACTERS // 2
        words = f"{words[:half]} {words[-half:]}"
    return words.lower()


_SAYING = {
    *("message", "msg", "param", "code", "type", "loc", "retryDelay"),
    *("status_msg", "error_msg", "error_message", "errmsg"),
}
_HOLDING = {"error", "errors", "detail", "details", "base_resp"}


def _complaints(body: object) -> Iterator[str]:
    """Yield the texts of an error in OpenAI's form or another server's."""
    if isinstance(body, list):
        for item in body:
            yield from _complaints(item)
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in _SAYING:
                yield from map(str, value if isinstance(value, list) else [value])
            elif name in _HOLDING:
                yield from [value] if isinstance(value, str) else _complaints(value)
    elif isinstance(body, str):
        yield body


def _messages(messages: list[dict[str, str]], role: str | None) -> list[dict[str, str]]:
    """Return the messages with the system prompt in the role that the model accepts."""
    if role is None or messages[0]["role"] != "system":
        return messages
    system, *others = messages
    if role != "user":
        return [{**system, "role": role}, *others]
    if not others or others[0]["role"] != "user":
        return [{**system, "role": "user"}, *others]
    first = {**others[0], "content": f"{system['content']}\n\n{others[0]['content']}"}
    return [first, *others[1:]]


MAX_TEMPERATURE = 2.0
"""Limit of the protocol (platform.openai.com/docs/api-reference/chat/create)."""

MAX_TOKENS = 1_000_000


@dataclass(frozen=True)
class Controls:
    """Settings for an answer. `model` None means the first chat model of the endpoint's list."""

    model: str | None
    temperature: float
    max_tokens: int
    system_prompt: str
    provider: str = ""
    """Provider name of the model's endpoint, if there are several endpoints."""
    reasoning_effort: str | None = None
    """One of REASONING_EFFORTS; None for the model's default."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form in which the store keeps the controls."""
        return asdict(self)
