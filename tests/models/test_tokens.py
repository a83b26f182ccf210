"""Estimated token counts of a text, corrected by the counts that endpoints report."""

import itertools
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.models.tokens import UNKNOWN, Count, Scale, count, estimate_tokens

ENGLISH = (
    "A rainbow appears when sunlight enters drops of rain, is reflected inside them and leaves"
    " again. Each colour is bent by a slightly different angle, so the drops that send red light"
    " to your eyes stand higher in the sky than those that send violet.\n"
)
CHINESE = (
    "彩虹是阳光射入雨滴后，经过折射、反射再折射出来而形成的。不同颜色的光偏折的角度略有不同，"
    "因此把红光送到您眼睛里的雨滴，比送来紫光的雨滴位置更高。\n"
)
CODE = (
    "def reversed_words(text: str, separator: str = ' ') -> str:\n"
    "    words = text.split(separator)\n"
    "    return separator.join(word for word in words[::-1] if word)\n"
)


def byte_pairs(text: str) -> int:
    """As OpenAI's tokenizers do: a token a short word, a mark or two, three digits."""
    parts = re.findall(r"[A-Za-z]+|[0-9]{1,3}|[\u4e00-\u9fff]+|[^\w\s]{1,2}|\n +|\n", text)
    return sum(
        round(len(part) * 0.75) + 1 if part[0] > "\u3000" else 1 + (len(part) - 1) // 8
        for part in parts
    )


def bytes_of_others(text: str) -> int:
    """As a small English model does: words in pieces, two tokens a Chinese character."""
    parts = re.findall(r"[A-Za-z]{1,5}|[0-9]|[^\x00-\x7f]|[^\w\s]|\n +|\n", text)
    return sum(2 if part[0] > "\u2000" else 1 for part in parts)


def conversations() -> Iterator[tuple[str, list[str]]]:
    for names in itertools.permutations(["english", "chinese", "code"], 2):
        kinds = {"english": ENGLISH, "chinese": CHINESE, "code": CODE}
        yield "-".join(names), [kinds[names[place % 2]] * (2 + place) for place in range(8)]
    for name, text in (("english", ENGLISH), ("chinese", CHINESE), ("code", CODE)):
        yield name, [text * (3 + place % 4) for place in range(8)]


@pytest.mark.parametrize("tokenizer", [byte_pairs, bytes_of_others])
@pytest.mark.parametrize(("name", "texts"), list(conversations()))
def test_an_estimate_is_within_15_percent_once_it_was_corrected(
    name: str, texts: list[str], tokenizer: Callable[[str], int]
) -> None:
    scale = UNKNOWN
    history = ""
    for place, text in enumerate(texts):
        history += text
        reported = tokenizer(history)
        if place >= 2:
            assert scale.tokens(count(history)) == pytest.approx(reported, rel=0.15), name
        scale = scale.learned(count(history), reported)


def test_what_is_learned_of_one_script_says_nothing_of_the_other() -> None:
    learned = UNKNOWN.learned(count(CHINESE * 5), 700)
    assert learned.tokens(count(CHINESE * 5)) == pytest.approx(700, rel=0.1)
    assert learned.latin == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("reported", [0, 1, 59, 10**6])
def test_a_count_that_cannot_be_true_teaches_nothing(reported: int) -> None:
    assert UNKNOWN.learned(count(ENGLISH), reported) == UNKNOWN


def test_a_short_question_teaches_nothing() -> None:
    assert UNKNOWN.learned(count("Hi"), 90) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("", Count()),
        ("a" * 9, Count(2)),
        ("2026", Count(4)),
        ("你好", Count(0, 2)),
        ("  \n", Count()),
    ],
)
def test_a_text_is_counted_by_kinds_of_characters(text: str, counted: Count) -> None:
    assert count(text) == counted


def test_a_text_of_nothing_known_is_at_least_one_token() -> None:
    assert estimate_tokens("") == 1


@given(st.text(), st.text())
def test_two_texts_count_as_much_as_both_in_one(one: str, other: str) -> None:
    both, added = count(one + other), count(one) + count(other)
    assert both.latin == pytest.approx(added.latin)
    assert both.other == added.other


@given(st.floats(0.2, 5), st.floats(0.2, 5), st.text(), st.integers(0, 10**6))
def test_a_scale_stays_a_scale(latin: float, other: float, text: str, reported: int) -> None:
    learned = Scale(latin, other).learned(count(text), reported)
    assert 0.01 < learned.latin < 100 and 0.01 < learned.other < 100
