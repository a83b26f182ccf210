"""Prices of tokens: set by the owner, taken from public data, or unknown."""

import subprocess
import sys

import pytest

from chatbot.llm.endpoint import Price
from chatbot.models.pricing import (
    Usage,
    context_window_if_loaded,
    cost,
    load,
    must_be_loaded,
    stated_prices,
)
from tests.conftest import ROOT

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("", ()),
        ("my-model=0.5/2", (Price("my-model", 0.5, 2),)),
        (" a/b:c = 1 / 2 / 0.25 , * = 0/0, ", (Price("a/b:c", 1, 2, 0.25), Price("*", 0, 0))),
        ("a=b=1/2", (Price("a=b", 1, 2),)),
    ],
)
def test_prices_are_stated_in_one_line(text: str, prices: tuple[Price, ...]) -> None:
    assert stated_prices(text) == prices


@pytest.mark.parametrize(
    "text", ["1/2", "=1/2", "m=1", "m=1/2/3/4", "m=free/2", "m=-1/2", "m=1e9/2", "m=1 2", "m=/"]
)
def test_other_words_are_no_prices(text: str) -> None:
    with pytest.raises(ValueError, match="no price"):
        stated_prices(text)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("mine", Usage(1_000_000, 500_000), 0.5 + 1),
        ("mine", Usage(1_000_000, 0, cached_tokens=400_000), 0.5),
        ("cheaper", Usage(1_000_000, 0, cached_tokens=400_000), 0.6 + 0.04),
        ("another", Usage(1000, 1000), 0),
    ],
)
def test_what_the_owner_states_is_what_it_costs(model: str, usage: Usage, dollars: float) -> None:
    prices = stated_prices("mine = 0.5 / 2, cheaper = 1 / 2 / 0.1, * = 0 / 0")
    assert cost(prices, OPENAI, model, usage) == pytest.approx(dollars)


def test_a_models_own_price_counts_wherever_it_stands() -> None:
    prices = stated_prices("* = 0 / 0, mine = 2 / 8")
    assert cost(prices, OPENAI, "mine", Usage(1_000_000)) == 2
    assert cost(prices, OPENAI, "another", Usage(1_000_000)) == 0


def test_what_is_public_needs_no_statement() -> None:
    assert (whole := cost((), OPENAI, "gpt-4.1-mini", Usage(1000, 100)))
    assert (cached := cost((), OPENAI, "gpt-4.1-mini", Usage(1000, 100, cached_tokens=900)))
    assert 0 < cached < whole < 0.01
    assert (window := context_window_if_loaded(OPENAI, "gpt-4.1-mini"))
    assert window > 100_000
    assert context_window_if_loaded(OPENAI, "no-such-model") is None
    for base_url in ("https://api.openai.com:443/v1", "https://mine.openai.azure.com/openai/v1"):
        assert cost((), base_url, "gpt-4.1-mini", Usage(1000, 100))
    assert cost((), "https://api.moonshot.cn/v1", "kimi-k2-0905-preview", Usage(1000, 100))


@pytest.mark.parametrize(
    ("base_url", "model"),
    [
        (OPENAI, "no-such-model"),
        ("https://relay.example.org/v1", "gpt-4.1-mini"),
        ("https://api.openai.com.example.org/v1", "gpt-4.1-mini"),
        ("http://203.0.114.7:8000/v1", "gpt-4.1-mini"),
    ],
)
def test_what_nobody_knows_is_unknown(base_url: str, model: str) -> None:
    assert cost((), base_url, model, Usage(1000, 100)) is None
    assert context_window_if_loaded(base_url, model) is None


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8000/v1",
        "http://vllm:8000/v1",
        "http://[::1]:8000/v1",
        "http://nas.local/v1",
    ],
)
def test_a_server_of_ones_own_costs_nothing_unless_its_price_is_stated(base_url: str) -> None:
    assert cost((), base_url, "gpt-4.1-mini", Usage(1000, 100)) == 0
    assert cost(stated_prices("* = 1 / 0"), base_url, "mine", Usage(1_000_000)) == 1
    assert context_window_if_loaded(base_url, "gpt-4.1-mini") is None


def test_the_library_is_only_loaded_where_it_may_know() -> None:
    report = (
        "import sys; from chatbot.models import pricing as prices;"
        " print(prices.must_be_loaded((), 'https://api.openai.com/v1', 'm'),"
        " prices.must_be_loaded(prices.stated_prices('*=0/0'), 'https://api.openai.com/v1', 'm'),"
        " prices.must_be_loaded((), 'http://127.0.0.1:1/v1', 'm'),"
        " prices.cost((), 'http://127.0.0.1:1/v1', 'm', prices.Usage(1)),"
        " 'genai_prices' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False", "False", "0.0", "False"]
    load()
    assert not must_be_loaded((), OPENAI, "m")
