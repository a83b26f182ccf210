"""References to footnotes that are missing, or that the model has not written yet."""

import pytest

from chatbot.markdown.syntax.footnotes import add_numbers
from chatbot.markdown.to_streamlit import to_streamlit


def test_a_number_without_its_note_is_raised() -> None:
    assert to_streamlit("a[^1], b[^12].") == "a¹, b¹²."
    assert to_streamlit("a[^1]\n\n[^1]: x") == "a[^1]\n\n[^1]: x"


def test_a_name_without_its_note_is_raised() -> None:
    numbers: dict[str, int] = {}
    add_numbers("a[^note], b[^1] c[^two-words]", numbers)
    add_numbers("[^注] [^note]", numbers)
    assert numbers == {"note": 1, "1": 2, "two-words": 3, "注": 4}
    assert to_streamlit("[^two-words] [^注] [^1]", numbers) == "³ ⁴ ¹"
    assert to_streamlit("a[^note]\n\n[^note]: x", numbers) == "a[^note]\n\n[^note]: x"
    assert to_streamlit("a[^note], b[^other], c[^note]") == "a¹, b², c¹"


@pytest.mark.parametrize("text", ["So.[^a]", "So[^abc].", "**So[^note]**", "“好”[^note]"])
def test_a_reference_follows_a_word(text: str) -> None:
    numbers: dict[str, int] = {}
    add_numbers(text, numbers)
    assert "¹" in to_streamlit(text, numbers) == to_streamlit(text)


@pytest.mark.parametrize(
    "text",
    [
        "[^a-z]",
        "[^a-zA-Z0-9]",
        "`[^note]`",
        "[^note](/x)",
        "[^ a]",
        "[^abc] is any other letter",
        "the consonants [^aeiou]",
        "(^[^xyz]+)",
        "x[^ab]+",
    ],
)
def test_other_text_in_such_brackets_stays(text: str) -> None:
    numbers: dict[str, int] = {}
    add_numbers(text, numbers)
    assert to_streamlit(text, numbers) == to_streamlit(text) == text
