"""Fields of a delta: text, images and tool calls. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from chatbot.markdown.pictures.images import in_part

_TOOL_NAME = re.compile(r"[\w.:/-]{1,64}")


def text_of(content: object) -> str:
    """Return the text of a delta, also from typed parts, with images as Markdown."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [in_part(part) or part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def tool_names(delta: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the tools that a delta begins to call, "?" for an invalid name.

    This app runs no tools, but tells the visitor what the model asked for.
    """
    calls = delta.get("tool_calls")
    calls = calls if isinstance(calls, list) else []
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    for function in [
        *functions,
        delta.get("function_call"),
    ]:  # `function_call` is OpenAI's old form
        if isinstance(function, dict) and function.get("name"):
            name = function["name"]
            yield name if isinstance(name, str) and _TOOL_NAME.fullmatch(name) else "?"
