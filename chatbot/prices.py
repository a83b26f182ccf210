"""What tokens cost, in US dollars: as the owner states it, or else from genai-prices' data.

That library takes 8 MB and 0.1 s to load, so nothing here loads it but `cost`, which is called
for answers of servers that can be in its data; the page asks first whether it `must_be_loaded`.
"""

import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

MILLION = 1_000_000

EVERY_MODEL = "*"


@dataclass(frozen=True)
class Usage:
    """What a question took, in tokens. Those read from a cache are part of those read."""

    read: int
    written: int = 0
    cached: int = 0


@dataclass(frozen=True)
class Price:
    """What the owner says a model costs, in US dollars for a million tokens."""

    model: str
    """Its name; "*" for any other."""
    read: float
    written: float
    cached: float | None = None
    """For what is read from a cache; None if that makes no difference."""


def stated_prices(text: str) -> tuple[Price, ...]:
    """Prices as a setting has them: `model = read / written / cached, * = 0 / 0`.

    Raises ValueError for anything else.
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
    """What an answer costs; None if nobody knows. May load the library: not for the loop."""
    if price := _stated(stated, model):
        cached = price.read if price.cached is None else price.cached
        plain = (usage.read - usage.cached) * price.read
        return (plain + usage.cached * cached + usage.written * price.written) / MILLION
    if not _can_be_listed(base_url):
        return None
    import genai_prices

    counts = genai_prices.Usage(
        input_tokens=usage.read,
        output_tokens=usage.written,
        cache_read_tokens=min(usage.cached, usage.read),
    )
    try:
        found = genai_prices.calc_price(counts, model, provider_api_url=base_url)
    except (LookupError, ValueError):
        return None
    return float(found.total_price) if _is_at(found.provider.api_pattern, base_url) else None


def must_be_loaded(stated: Sequence[Price], base_url: str, model: str) -> bool:
    """Whether a price may be found by loading the library only."""
    return _can_be_listed(base_url) and not _stated(stated, model) and not _is_loaded()


def load() -> None:
    """Load the library."""
    importlib.import_module("genai_prices")


@lru_cache(maxsize=256)
def _context_window(base_url: str, model: str) -> int | None:
    from genai_prices.data_snapshot import get_snapshot

    try:
        provider, found = get_snapshot().find_provider_model(
            model, provider=None, provider_id=None, provider_api_url=base_url
        )
    except LookupError:
        return None
    window: Any = found.context_window if _is_at(provider.api_pattern, base_url) else None
    return window if isinstance(window, int) and window > 0 else None


def context_window_if_loaded(base_url: str, model: str) -> int | None:
    """A model's context window in tokens, if the library is loaded and knows it."""
    if not model or not _is_loaded() or not _can_be_listed(base_url):
        return None
    return _context_window(base_url, model)


def _stated(prices: Sequence[Price], model: str) -> Price | None:
    """The model's own price, wherever it stands, before the one for any other."""
    by_model = {price.model: price for price in prices}
    return by_model.get(model) or by_model.get(EVERY_MODEL)


def _is_at(provider_pattern: str, base_url: str) -> bool:
    """Whether a provider's pattern takes a server's whole name, and not only how it begins.

    `https://api.openai.com.example.org` is not OpenAI's. Some patterns leave out the last part.
    """
    match = re.match(provider_pattern, base_url)
    return match is not None and "." not in base_url[match.end() :].partition("/")[0]


def _is_loaded() -> bool:
    return "genai_prices" in sys.modules


def _can_be_listed(base_url: str) -> bool:
    """Whether a server can be in public data: no address of one's own network is."""
    hostname = urlsplit(base_url).hostname or ""
    return "." in hostname and not re.fullmatch(r"[\d.]+|.*\.(local|localhost|lan)", hostname)
