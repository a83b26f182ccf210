"""Secrets in logs: masked, whichever library logs them."""

import logging
from collections.abc import Iterator

import pytest

from chatbot import redaction
from chatbot.settings.sources import load_settings
from tests.conftest import CANARY_KEY


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)
    redaction._secrets.clear()


def test_the_secrets_of_the_settings_are_masked_wherever_they_turn_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = "no-pattern-knows-this-one"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("CHATBOT_DATABASE_URL", "postgresql://me:hunter2-hunter2@db/chat")
    load_settings({})
    log = logging.getLogger("some.library")
    log.warning("key %s and %s", key, {"password": "hunter2-hunter2"})
    try:
        raise ValueError(f"refused: {key}")
    except ValueError:
        log.exception("It failed with %r", key)
    assert caplog.text.count(redaction.MASK) >= 4
    assert "ValueError: refused" in caplog.text
    assert key not in caplog.text and "hunter2-hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"refused {CANARY_KEY}.", CANARY_KEY),
        ("{'Authorization': 'Bearer abc.def-123'}", "abc.def-123"),
        ("postgresql://me:pa$$w0rd@db.example.org/chat", "pa$$w0rd"),
        ("GET /v1/models?api_key=abcdef HTTP/1.1", "abcdef"),
        ("api-key: 0123456789abcdef", "0123456789abcdef"),
        ("refused AIzaSyA-0123456789_abcdefghijklmnopqrst.", "AIzaSyA-0123456789_abcdefg"),
        ("key=AIzaSyA-0123456789_abcdefghijklmnopqrst&alt=sse", "AIzaSyA-0123456789_abcdefg"),
        ("AQ.Ab8RN6I0123456789abcdefghijklmnopqrstuv_-x", "Ab8RN6I0123456789"),
        ("'0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp'", "AbCdEfGhIjKlMnOp"),
        ("'0123456789abcdef0123456789abcdef.AbCdEfGhIjKlMnOp'", "0123456789abcdef"),
        (f"refused {'aB3' * 17}aJQQJ99BEACAAAAAAXJ3w3AAABACOGabcd", "aB3aB3aB3"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_DEF-1234", "eyJzdWIiOiIxMjM0In0"),
        ("refused nvapi-0123456789abcdef", "0123456789abcdef"),
        ("Cookie: chatbot-visitor=AbC_-123; other=1", "AbC_-123"),
        ("Cookie: __Host-chatbot-visitor=AbC_-123", "AbC_-123"),
        ("GET /?share=0123abcd HTTP/1.1", "0123abcd"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret not in redaction.masked(text)
    assert redaction.MASK in redaction.masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "An answer failed: 127.0.0.1:9 does not answer (ConnectError)",
        "Could not save 3 answers; trying again",
        "http://127.0.0.1:8501/?c=0123456789abcdef0123456789abcdef",
        "ask-anything and risk-free",
        "0123456789abcdef0123456789abcdef.jpeg and /models/0123456789abcdef0123456789abcdef",
        "models--unsloth--Qwen3-30B-A3B-Instruct-2507-GGUF and AIzawa Iroha",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8.safetensors",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redaction.masked(text) == text


def test_words_too_short_to_be_secret_stay() -> None:
    redaction.hide("EMPTY", "", None)
    assert redaction.masked("EMPTY answer") == "EMPTY answer"


BEGINNINGS = ("eyJ", "sk-", "AIza", "AQ.", "bearer ", "api_key=", "://", ":", "share=", "a")


@pytest.mark.parametrize("between", ["-", ".", " ", "aaaaaaaa."])
def test_masking_is_not_slowed_by_what_nearly_matches(between: str) -> None:
    """A pattern that took quadratic time would take longer than a test may."""
    for begin in BEGINNINGS:
        redaction.masked((begin + between) * (400_000 // len(begin + between)))


def test_a_huge_record_is_logged_with_its_ends_only(caplog: pytest.LogCaptureFixture) -> None:
    redaction.hide(CANARY_KEY)
    half = redaction.LONGEST_RECORD // 2
    # The key lies across each of the cuts.
    text = f"Begin{'a ' * half}"[: half - 9] + CANARY_KEY + "b " * 5_000_000
    text += CANARY_KEY + f"{'c ' * half}End"[-half + 9 :]
    log = logging.getLogger("some.library")
    log.warning("Rejected %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("Failed")
    assert len(caplog.text) < 4 * redaction.LONGEST_RECORD
    assert "Rejected Begin" in caplog.text and "End" in caplog.text and "ValueError" in caplog.text
    assert CANARY_KEY[:9] not in caplog.text and CANARY_KEY[-9:] not in caplog.text
