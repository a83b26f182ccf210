"""What a server's list says of a model: its name, and how much it takes. Pure."""

from collections.abc import Mapping
from typing import Any

_NAMES = (
    "loaded_context_length",  # LM Studio
    "max_model_len",  # vLLM
    "context_window",  # Groq
    "context_length",  # OpenRouter, Moonshot, Together
    "max_context_length",  # Mistral
    "n_ctx",  # llama.cpp, within "meta"
    "n_ctx_train",
)
"""What servers call it, what they really give first."""


def is_name(value: object) -> bool:
    """Whether a model can be called so; half a character in a list would fail the whole page."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def context_window(model: Mapping[str, Any]) -> int | None:
    """How many tokens a model takes at once; None where its entry does not tell."""
    meta = model.get("meta")
    entry = {**(meta if isinstance(meta, dict) else {}), **model}
    values = (entry.get(name) for name in _NAMES)
    return next((value for value in values if type(value) is int and value > 0), None)
