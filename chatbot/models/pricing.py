"""Prices of tokens in US dollars, from the settings or else from the data of genai-prices.

The library takes 8 MB and 0.1 s to load, so only `cost` loads it, for servers that can be in its
data. The page calls `must_be_loaded` first.
"""

import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from chatbot.llm.endpoint import EVERY_MODEL, Price
from chatbot.llm.networks import is_nearby

MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Tokens used by a question. Cached tokens are included in the input tokens."""

    input_tokens: int
    output_tokens: int = 0
    cached_tokens: int = 0


def stated_prices(text: str) -> tuple[Price, ...]:
    """Parse prices in a setting: `model = input / output / cached input, * = 0 / 0`.

    Raises ValueError if the text is not valid.
    """
    prices = []
    for part in filter(None, map(str.strip, text.split(","))):
        model, equals, amounts = part.rpartition("=")
        numbers = [number.strip() for number in amounts.split("/")]
        is_price = len(numbers) in (2, 3) and all(map(_AMOUNT.fullmatch, numbers))
        if not equals or not model.strip() or not is_price:
            raise ValueError("no price")
        prices.append(Price(model.strip(), *map(float, numbers)))
    return tuple(prices)


_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,9})?")


def cost(stated: Sequence[Price], base_url: str, model: str, usage: Usage) -> float | None:
    """Return the cost of an answer; None if the price is unknown. Not for the loop: may block.

    A server in a private network costs nothing, unless the settings state a price.
    """
    if price := _stated(stated, model):
        cached = price.input if price.cached_input is None else price.cached_input
        plain = (usage.input_tokens - usage.cached_tokens) * price.input
        return (plain + usage.cached_tokens * cached + usage.output_tokens * price.output) / MILLION
    if is_nearby(urlsplit(base_url).hostname or ""):
        return 0.0
    if not _can_be_listed(base_url):
        return None
    import genai_prices

    counts = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
    )
    try:
        calculation = genai_prices.calc_price(counts, model, provider_api_url=base_url)
    except (LookupError, ValueError):
        return None
    return (
        float(calculation.total_price)
        if _is_at(calculation.provider.api_pattern, base_url)
        else None
    )


def must_be_loaded(stated: Sequence[Price], base_url: str, model: str) -> bool:
    """Return True if the price may be in the library's data, and the library is not loaded."""
    return _can_be_listed(base_url) and not _stated(stated, model) and not _is_loaded()


def load() -> None:
    """Load the library."""
    importlib.import_module("genai_prices")


@lru_cache(maxsize=256)
def _context_window(base_url: str, model: str) -> int | None:
    from genai_prices.data_snapshot import get_snapshot

    try:
        provider, info = get_snapshot().find_provider_model(
            model, provider=None, provider_id=None, provider_api_url=base_url
        )
    except LookupError:
        return None
    window: Any = info.context_window if _is_at(provider.api_pattern, base_url) else None
    return window if isinstance(window, int) and window > 0 else None


def context_window_if_loaded(base_url: str, model: str) -> int | None:
    """Return a model's context window in tokens, if the library is loaded and contains it."""
    if not model or not _is_loaded() or not _can_be_listed(base_url):
        return None
    return _context_window(base_url, model)


def _stated(prices: Sequence[Price], model: str) -> Price | None:
    """Return the model's own price, or else the price for all other models."""
    by_model = {price.model: price for price in prices}
    return by_model.get(model) or by_model.get(EVERY_MODEL)


def _is_at(provider_pattern: str, base_url: str) -> bool:
    """Return True if a provider's pattern matches a server's whole host name.

    `https://api.openai.com.example.org` does not belong to OpenAI. Some patterns omit the
    top-level domain.
    """
    match = re.match(provider_pattern, base_url)
    return match is not None and "." not in base_url[match.end() :].partition("/")[0]


def _is_loaded() -> bool:
    return "genai_prices" in sys.modules


def _can_be_listed(base_url: str) -> bool:
    """Return True if a server can be in public data: addresses of private networks cannot."""
    hostname = urlsplit(base_url).hostname or ""
    return "." in hostname and not re.fullmatch(r"[\d.]+|.*\.(local|localhost|lan)", hostname)
