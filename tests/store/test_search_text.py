"""The excerpt of a text that a search shows."""

import pytest

from chatbot.store.search_text import passage
from tests.markdown.test_drawing_cost import counted


def marked(text: str, query: str, characters: int = 60) -> str:
    pieces = passage(text, query, characters)
    return "".join(f"[{piece}]" if is_found else piece for piece, is_found in pieces)


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("It's good weather.", "weather", "It's good [weather]."),
        ("Other weather, the WEATHER", "the weath", "Other [weather], [the] [WEATHER]"),
        ("北京今天天气怎么样？", "天气", "北京今天[天气]怎么样？"),
        ("天天气气", "天气", "天[天气]气"),
        ("说“天气”好", "天气 好", "说“[天气]”[好]"),
        ("I don't know", "don't", "I [don't] know"),
        ("C++ in 東京", "c++ 東", "[C]++ in [東]京"),
        ("İstanbul and Straße", "istanbul strasse", "İstanbul and [Straße]"),
        ("Line one\n\n  two", "one two", "Line [one] [two]"),
        ("Nothing of it", "weather", "Nothing of it"),
        ("", "weather", ""),
        ("text", "", "text"),
        ("👨‍👩‍👧 family", "family", "👨‍👩‍👧 [family]"),
    ],
)
def test_what_was_looked_for_is_marked(text: str, query: str, shown: str) -> None:
    assert marked(text, query) == shown


def test_a_long_text_is_cut_around_the_first_place() -> None:
    text = "before " * 50 + "the needle is here " + "after " * 50
    shown = marked(text, "needle", 60)
    assert shown.startswith("…before") and shown.endswith("…")
    assert "the [needle] is here after" in shown
    assert len(shown) < 70


def test_a_long_chinese_text_is_cut_around_the_first_place() -> None:
    shown = marked("前" * 500 + "北京天气" + "后" * 500, "天气", 30)
    assert shown == "…" + "前" * 8 + "北京[天气]" + "后" * 18 + "…"


def test_a_word_longer_than_the_passage_is_shown_whole() -> None:
    assert marked("x" * 100, "x", 30) == "[" + "x" * 100 + "]"


def test_many_words_to_look_for_cost_as_much_as_few() -> None:
    """In steps: otherwise one who searches for many words in long texts stalls everybody."""
    text, few, many = "a b " * 1000, "missing", "zz " * 49 + "missing"
    passage("a", "a", 10)
    steps = []
    for query in (few, many):
        with counted() as counter:
            assert "".join(piece for piece, _ in passage(text, query, 10)) == text[:10] + "…"
        steps.append(counter.count)
    assert steps[1] < 1.2 * steps[0] + 1000
