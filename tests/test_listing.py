"""What a list of models says of each of them, in the words of each server."""

from typing import Any

import pytest

from chatbot.listing import context_window


@pytest.mark.parametrize(
    ("entry", "tokens"),
    [
        ({"id": "m", "max_model_len": 4096}, 4096),  # vLLM
        ({"context_length": 128_000, "top_provider": {"context_length": 64_000}}, 128_000),
        ({"context_window": 131_072}, 131_072),  # Groq
        ({"max_context_length": 32_768, "loaded_context_length": 4096}, 4096),  # LM Studio
        ({"meta": {"n_ctx_train": 8192, "n_vocab": 49_152}}, 8192),  # llama.cpp
        ({"meta": {"n_ctx_train": 8192, "n_ctx": 2048}}, 2048),
        ({"id": "m"}, None),
        ({"context_length": "4096"}, None),
        ({"context_length": 0, "context_window": True, "meta": [8192]}, None),
    ],
)
def test_the_context_window_is_found(entry: dict[str, Any], tokens: int | None) -> None:
    assert context_window(entry) == tokens
