"""Token counts that a server reports with a completion, in all common forms. Pure."""

from typing import Any

LONG_PROMPT_TOKENS = 500
"""Shortest prompt whose progress is shown; shorter prompts are read too quickly to see it."""


TokenCounts = tuple[int | None, int | None, int | None, int | None]
"""Input tokens, output tokens, cached input tokens, reasoning tokens."""


def counts_of(usage: dict[str, Any]) -> TokenCounts:
    """Return the four counts of a Completion from OpenAI's or DeepSeek's form.

    xAI and Gemini count reasoning only in the total, and charge the price of the answer for it
    (docs.x.ai, "Consumption and Rate Limits"; Gemini, "thoughts_token_count").
    """
    prompt, completion = (
        details if isinstance(details := usage.get(f"{name}_tokens_details"), dict) else {}
        for name in ("prompt", "completion")
    )
    input_tokens, output_tokens, total = (
        _count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    cached = _count(prompt.get("cached_tokens", usage.get("prompt_cache_hit_tokens")))
    reasoning = _count(completion.get("reasoning_tokens"))
    if input_tokens is not None and output_tokens is not None and total is not None:
        hidden = total - input_tokens - output_tokens
        # With relays of Claude, cached input tokens may also be only in the total.
        if hidden > 0 and (hidden == reasoning or (reasoning is None and not cached)):
            output_tokens, reasoning = output_tokens + hidden, hidden
    return input_tokens, output_tokens, cached, reasoning


def part_read(progress: object) -> float | None:
    """Return the part of a long prompt that was read, from 0 to 1, without its cached tokens."""
    if not isinstance(progress, dict):
        return None
    cached, read, total = (_count(progress.get(name)) for name in ("cache", "processed", "total"))
    if cached is None or read is None or total is None or total - cached < LONG_PROMPT_TOKENS:
        return None
    return min(max(0, read - cached) / (total - cached), 1)


def _count(value: object) -> int | None:
    """Return a count of tokens if the value is valid; the store keeps 32 bits."""
    return value if type(value) is int and 0 <= value < 2**31 else None
