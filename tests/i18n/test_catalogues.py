"""The catalogues: equal content in each language, and every text that the source code uses."""

import ast
import json
import string
import time
from pathlib import Path

import pytest

from chatbot.error_details import NUMBERS
from chatbot.errors import ERRORS, ChatbotError, Phrase
from chatbot.i18n import LANGUAGES, catalogue, closest_language, translate
from chatbot.i18n.dates import time_from_now
from chatbot.settings.providers import Provider
from chatbot.settings.settings import Settings

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "streamlit_app.py", *sorted((ROOT / "chatbot").rglob("*.py"))]
ENGLISH = catalogue("en")


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


# Before any test runs: Python 3.11 may fail to parse while another thread does, as the page's do.
NODES = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text("utf-8")))]


def asked_for() -> list[ast.expr]:
    """Return the arguments of t(…), translate(…, …) and Phrase(…) that name a catalogue key."""
    position = {"t": 0, "Phrase": 0, "translate": 1}
    return [
        node.args[position[node.func.id]]
        for node in NODES
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in position
    ]


def test_there_is_a_catalogue_for_each_language_and_none_besides() -> None:
    assert {path.stem for path in (ROOT / "chatbot/i18n").glob("*.toml")} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_says_the_same_things(language: str) -> None:
    other = catalogue(language)
    assert set(other) == set(ENGLISH)
    assert all(sentence.strip() for sentence in other.values())
    differing = {
        key: (sentence, ENGLISH[key])
        for key, sentence in other.items()
        if placeholders(sentence) != placeholders(ENGLISH[key])
    }
    assert not differing


def test_every_failure_has_a_sentence_and_every_sentence_a_failure() -> None:
    codes = {key.removeprefix("error.") for key in ENGLISH if key.startswith("error.")}
    assert codes == set(ERRORS)


def test_every_setting_says_what_is_expected() -> None:
    fields = {key.removeprefix("setting.") for key in ENGLISH if key.startswith("setting.")}
    named = {*Settings.model_fields, *Provider.model_fields}
    assert fields == {*named, "environment", "env_file", "secrets_file"}


def test_every_key_that_the_source_names_exists() -> None:
    keys = {node.value for node in asked_for() if isinstance(node, ast.Constant)}
    assert len(keys) > 30
    assert keys <= set(ENGLISH)


def test_every_key_that_the_source_builds_can_exist() -> None:
    built = [node.values[0] for node in asked_for() if isinstance(node, ast.JoinedStr)]
    starts = [str(node.value) for node in built if isinstance(node, ast.Constant)]
    assert len(starts) == len(built) > 0
    assert [s for s in starts if not any(key.startswith(s) for key in ENGLISH)] == []


def test_no_sentence_is_left_over() -> None:
    named = {node.value for node in NODES if isinstance(node, ast.Constant)}
    built = (
        "error.",
        "setting.",
        "password_command.",
        "suggestion.",
        "when.",
        "period.",
        "conversation.",
        "effort.",
        "thoughts.",
        "check.",
        "import.kind.",
        "streamlit.",
    )
    assert [key for key in ENGLISH if key not in named and not key.startswith(built)] == []


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (("zh-Hans-CN",), "zh"),
        (("zh_TW",), "zh"),
        (("en_US", "zh"), "en"),
        (("EN",), "en"),
        (("fr-FR", "zh"), "zh"),
        ((None, "", "zh"), "zh"),
        (("zha",), "en"),
        (("fr", None), "en"),
        ((), "en"),
    ],
)
def test_the_first_language_there_is_a_catalogue_for_is_spoken(
    tags: tuple[str | None, ...], language: str
) -> None:
    assert closest_language(*tags) == language


@pytest.mark.parametrize("code", ERRORS)
def test_a_failure_is_the_same_after_it_was_stored(code: str) -> None:
    names = placeholders(ENGLISH[f"error.{code}"]) - {"clock"}
    words = {name: f"<{name}> {{brace}} 中" for name in names - NUMBERS.keys()}
    error = ChatbotError(code, **words, **dict.fromkeys(names & NUMBERS.keys(), "7"))
    kept = ChatbotError.from_json(json.loads(json.dumps(error.to_json())))
    assert kept is not None
    assert (kept.code, kept.action, str(kept)) == (code, ERRORS[code].action, str(error))
    for language in LANGUAGES:
        assert kept.sentence(language) == error.sentence(language)
        assert all(word in kept.sentence(language) for word in words.values())


def test_no_failure_was_stored() -> None:
    assert ChatbotError.from_json(None) is None
    assert ChatbotError.from_json({}) is None


@pytest.mark.parametrize(
    "data",
    [
        {"code": "of_a_later_version", "details": {"host": "x"}},
        {"details": {}},
        {"code": "busy"},
        {"code": "busy", "details": {"server": "a later version's word for host"}},
    ],
)
def test_a_failure_of_another_version_reads_as_unexpected(data: dict[str, object]) -> None:
    error = ChatbotError.from_json(data)
    assert error is not None
    assert (error.code, str(error)) == ("unexpected", ENGLISH["error.unexpected"])


def test_a_detail_that_is_a_phrase_is_said_in_the_readers_language() -> None:
    error = ChatbotError(
        "setting", name="X", place=Phrase("setting.environment"), expected=Phrase("setting.model")
    )
    for language in LANGUAGES:
        assert translate(language, "setting.environment") in error.sentence(language)
        assert translate(language, "setting.model") in error.sentence(language)


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-5, "now", "现在"),
        (20, "in a minute", "1 分钟后"),
        (145, "in 3 minutes", "3 分钟后"),  # whoever comes after two comes in vain
        (30 * 60, "in 30 minutes", "30 分钟后"),
        (70 * 60, "in 70 minutes", "70 分钟后"),
        (3 * 3600, "in 3 hours", "3 小时后"),
        (24 * 3600, "in 24 hours", "24 小时后"),
        (40 * 3600, "in 2 days", "2 天后"),
    ],
)
def test_a_moment_is_said_as_a_person_would(seconds: float, english: str, chinese: str) -> None:
    assert time_from_now("en", seconds) == english
    assert time_from_now("zh", seconds) == chinese
    error = ChatbotError("busy_until", host="x", until=str(time.time() + seconds + 1))
    assert english in str(error)
    assert chinese in error.sentence("zh")
