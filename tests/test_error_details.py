"""Details of stored or imported failures: shown as a plain sentence, whatever they contain."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.error_details import LONGEST
from chatbot.errors import ERRORS, ChatbotError
from chatbot.exchange.formats.native import _error

ODD_TEXTS = st.sampled_from(
    [
        "1e400",
        "nan",
        "-inf",
        "-1e300",
        "253402300799",
        "1_0",
        "\u0661",
        "{host}",
        "{0.x}",
        "x" * 9999,
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | ODD_TEXTS
    | st.floats().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["until", "retry_at", "seconds", "limit", "host", "model", "code", "self", "set_by", "clock"]
)
DETAILS = st.dictionaries(NAMES | st.text(), VALUES, max_size=8) | VALUES
ZONES = st.sampled_from([None, "Pacific/Kiritimati", "America/Adak", "no zone"])


@settings(max_examples=400, deadline=None)
@given(
    code=st.sampled_from(sorted(ERRORS)),
    details=DETAILS,
    language=st.sampled_from(["en", "zh"]),
    timezone=ZONES,
)
@example(code="busy_until", details={"until": "1e400"}, language="en", timezone=None)
@example(code="quota_until", details={"until": "nan", "host": "a"}, language="zh", timezone=None)
@example(code="busy_until", details={"host": "a"}, language="en", timezone=None)
@example(code="quota_until", details={}, language="en", timezone=None)
def test_odd_details_are_a_plain_sentence_in_every_language_and_zone(
    code: str, details: Any, language: str, timezone: str | None
) -> None:
    kept = json.loads(json.dumps({"code": code, "details": details}))
    for error in (ChatbotError.from_json(kept), ChatbotError.from_json(_error(kept))):
        assert error is not None
        assert 0 < len(error.sentence(language, timezone)) < 20_000


@pytest.mark.parametrize("code", ["busy_until", "quota_until"])
def test_an_odd_moment_is_not_kept_by_an_import(code: str) -> None:
    for odd in ("1e400", "nan", "253402300799"):
        kept = _error({"code": code, "details": {"host": "a", "until": odd}})
        assert kept == {"code": "unexpected", "details": {}}


def test_a_long_detail_is_shortened_and_its_sentence_stays() -> None:
    error = ChatbotError("model_not_found", model="m" * 100_000, host="h")
    assert len(error.details["model"]) == LONGEST
    again = ChatbotError.from_json(error.to_json())
    assert again and again.code == "model_not_found"
    old = ChatbotError.from_json({"code": "empty", "details": {"host": "h" * 5000}})
    assert old and old.code == "empty" and old.sentence("en").count("h") < LONGEST + 100
