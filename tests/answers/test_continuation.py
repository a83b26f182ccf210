"""Joining a cut answer with its continuation."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatbot.answers.continuation import Continuation, _Repetition


def joined(partial: str, *pieces: str) -> str:
    continuation = Continuation(partial)
    return partial + "".join(map(continuation.feed, pieces)) + continuation.rest()


@pytest.mark.parametrize(
    ("partial", "continuation", "whole"),
    [
        ("The quick bro", "wn fox.", "The quick brown fox."),
        ("The quick bro", "quick brown fox.", "The quick brown fox."),
        ("The quick bro", "brown fox.", "The quick brown fox."),
        ("The quick bro", "The quick brown fox.", "The quick brown fox."),
        ("The quick bro", "Quick brown fox.", "The quick brown fox."),
        ("The quick bro", "…quick brown fox.", "The quick brown fox."),
        ("The quick bro", "... quick brown fox.", "The quick brown fox."),
        ("The quick bro", "\n\nThe quick brown fox.", "The quick brown fox."),
        ("The quick ", "quick brown fox.", "The quick brown fox."),
        ("A b", "brown fox.", "A brown fox."),
        ("Go to the ", "theatre now.", "Go to the theatre now."),
        ("Go to the ", "to the theatre.", "Go to the theatre."),
        ("Go to the ", "to theatres.", "Go to the theatres."),
        ("He jumps over the ", "He jumps over theatres.", "He jumps over the theatres."),
        ("He can ", "can't go.", "He can can't go."),
        ("北京是 ", "北京是中国的首都。", "北京是 中国的首都。"),
        ("Half an", "an answer", "Half an answer"),
        ("1 + 1 = 2", "2", "1 + 1 = 22"),
        ("The quick ", " brown fox.", "The quick brown fox."),
        ("The quick", " brown fox.", "The quick brown fox."),
        ("Wonderful", "ly made", "Wonderfully made"),
        ("This is a", " apple", "This is a apple"),
        ("I said no", " no no", "I said no no no"),
        ("One.\n\nTwo thi", "Two things.\n\nThree.", "One.\n\nTwo things.\n\nThree."),
        ("One.\n\nTwo thi", "One.\n\nTwo things.", "One.\n\nTwo things."),
        ("One thing. ", "One thing.\n\nTwo.", "One thing. \n\nTwo."),
        ("One thing.\n\n", "One thing.\n\nTwo.", "One thing.\n\nTwo."),
        ("One thing.\n", "\nTwo.", "One thing.\n\nTwo."),
        ("- one\n- two or", "- two or three\n- four", "- one\n- two or three\n- four"),
        ("北京是中国的首", "中国的首都。", "北京是中国的首都。"),
        ("北京是中国的首", "都。", "北京是中国的首都。"),
        ("北京是中国的首", "北京是中国的首都。", "北京是中国的首都。"),
        ("谢", "谢谢您", "谢谢您"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "| 3 |", "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |"),
        ("A", "A long story", "A long story"),
        ("", "Hello", "Hello"),
        ("  \n", "Hello", "  \nHello"),
        ("Done.", "", "Done."),
        ("All is said.", "All is said.", "All is said."),
    ],
)
def test_what_a_model_repeats_is_left_out(partial: str, continuation: str, whole: str) -> None:
    assert joined(partial, continuation) == whole
    assert joined(partial, *continuation) == whole


CODE = "Like this:\n\n```python\ndef f(x):\n    y = x\n    ret"


@pytest.mark.parametrize(
    "continuation",
    [
        "urn y\n```\n",
        "return y\n```\n",
        "    return y\n```\n",
        "    y = x\n    return y\n```\n",
        "```python\n    return y\n```\n",
        "```python\nreturn y\n```\n",
        "```\n    return y\n```\n",
        "```py\ndef f(x):\n    y = x\n    return y\n```\n",
        "```python\ndef f(x):\n    y = x\n    return y\n```\n",
        "```python\nurn y\n```\n",
        CODE + "urn y\n```\n",
    ],
)
def test_a_code_block_goes_on_even_if_it_is_opened_again(continuation: str) -> None:
    assert joined(CODE, continuation) == CODE + "urn y\n```\n"
    assert joined(CODE, *continuation) == CODE + "urn y\n```\n"


@pytest.mark.parametrize(
    ("partial", "continuation"),
    [
        ("```python\nx = 1\n", "```\n\nThat is all."),
        ("```python\nx = 1\n", "    y = 2\n"),
        ("```python\nx = 1\n```\n\n", "```python\nz = 3\n```"),
        ("````markdown\n```python\nx\n```\n", "```python\ny\n```\n````"),
    ],
)
def test_what_is_new_in_and_after_code_is_kept(partial: str, continuation: str) -> None:
    assert joined(partial, *continuation) == partial + continuation


def test_a_line_of_code_of_one_letter_is_not_repeated() -> None:
    assert joined("```py\nx = 1\ny", "```py\ny = 2\n```") == "```py\nx = 1\ny = 2\n```"


def test_new_text_passes_at_once() -> None:
    continuation = Continuation("The quick bro")
    assert continuation.feed("quick ") == ""
    assert continuation.feed("brown") == "wn"
    assert [continuation.feed(piece) for piece in (" ", "fox", " quick bro")] == [
        " ",
        "fox",
        " quick bro",
    ]


def test_one_that_breaks_off_while_it_repeats_adds_nothing() -> None:
    assert Continuation("The quick brown fox").feed("The quick") == ""


WORDS = st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=2, max_size=12, unique=True)
SEPARATORS = st.sampled_from([" ", " ", " ", ", ", ".\n\n", "\n- ", "\n    "])
CHINESE = st.lists(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), unique=True)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text in which no two words are alike."""
    parts = draw(WORDS | CHINESE.filter(lambda characters: len(characters) > 3))
    is_chinese = parts[0] >= "\u4e00"
    between = st.sampled_from(["", "", "，", "。\n\n"]) if is_chinese else SEPARATORS
    return "".join(part + draw(between) for part in parts)


@given(texts(), st.data())
def test_any_text_cut_anywhere_joins_whatever_is_repeated(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(text)), "cut")
    partial, rest = text[:cut], text[cut:]
    starts = [match.start() for match in re.finditer(r"[a-z]+|[\u4e00-\u9fff]", partial)]
    begin = data.draw(st.sampled_from([*starts, cut]), "begin")
    repeated = partial[begin:].rstrip()
    begun = re.findall(r"[a-z]+$", partial)  # a word that begins with the same letters twice,
    assume(begin < cut or not any(map(rest.startswith, begun)))  # “a|ardvark”: who can tell?
    assume(begin < cut or not rest.startswith(partial.rstrip()))
    assume(begin == cut or begin == 0 or repeated.isascii() or len(re.findall(r"\w", repeated)) > 1)
    continuation = partial[begin:] + rest
    size = data.draw(st.integers(1, 9), "size of the pieces")
    pieces = [continuation[at : at + size] for at in range(0, len(continuation), size)]
    assert joined(partial, *pieces) == text


@given(st.text(), st.lists(st.text()))
@example("", [])
def test_nothing_is_lost_but_a_beginning_and_pieces_do_not_matter(
    partial: str, pieces: list[str]
) -> None:
    continuation = "".join(pieces)
    whole = joined(partial, continuation)
    assert joined(partial, *pieces) == whole
    assert whole.startswith(partial)
    assert continuation.endswith(whole.removeprefix(partial))


@given(st.text(st.characters(exclude_categories=["Z", "C"])), st.text())
def test_a_model_that_begins_anew_is_heard_once(partial: str, rest: str) -> None:
    assume(not partial.startswith((".", "…")) and not rest.startswith(partial))
    assert joined(partial, partial + rest) == partial + rest


@given(st.text("ab", min_size=1, max_size=30), st.text("ab", max_size=30))
def test_what_two_texts_have_in_common_is_found_whole(text: str, continuation: str) -> None:
    repetition = _Repetition(text, "", 0, False, False)
    repetition._read = continuation
    fits = [n for n in range(len(continuation), 0, -1) if text.endswith(continuation[:n])]
    assert list(repetition._in_common()) == fits


def test_one_letter_repeated_is_no_repetition_to_look_through() -> None:
    assert joined("a" * 300_000, "a" * 299_999, "b") == "a" * 599_999 + "b"
