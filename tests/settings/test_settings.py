"""Sources of settings, their precedence, and messages about invalid values."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import ChatbotError
from chatbot.i18n import catalogue
from chatbot.llm.endpoint import OPENAI_MODEL, Endpoint, choice, choice_label, find_choice
from chatbot.settings import sources
from chatbot.settings.settings import Settings
from chatbot.settings.sources import load_settings

KEY = "sk-canary-5f0c2d"
SECRETS = ".streamlit/secrets.toml"


@pytest.fixture(autouse=True)
def no_settings_read_before() -> Iterator[None]:
    sources._load.cache_clear()
    yield
    sources._load.cache_clear()


def write_env_file(*lines: str) -> None:
    Path(".env").write_text("\n".join(lines), "utf-8")


def refusal(secrets: dict[str, Any] | None = None) -> ChatbotError:
    with pytest.raises(ChatbotError) as caught:
        load_settings(secrets or {})
    return caught.value


def assert_says(error: ChatbotError, name: str, place: str | None, expected: str) -> None:
    """Both languages name the setting, where it is (None: the environment), and what fits."""
    assert error.code == "setting"
    for language in ("en", "zh"):
        sentences, sentence = catalogue(language), error.sentence(language)
        assert name in sentence
        assert (place or sentences["setting.environment"]) in sentence
        assert sentences[f"setting.{expected}"] in sentence


def test_without_any_source_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATBOT_DATABASE_URL")
    settings = load_settings({})
    assert (settings.temperature, settings.max_tokens) == (0.8, 2048)
    assert settings.models == ()
    assert settings.endpoint is None
    assert settings.default_model is None
    assert settings.database_url.get_secret_value().startswith("sqlite:///")


def test_secrets_come_before_the_environment_and_that_before_the_env_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings({}).model is None
    write_env_file("CHATBOT_MODEL=from-file", "CHATBOT_TEMPERATURE=1")
    assert load_settings({}).model == "from-file"
    monkeypatch.setenv("CHATBOT_MODEL", "from-environment")
    assert load_settings({}).model == "from-environment"
    settings = load_settings({"CHATBOT_MODEL": "from-secrets"})
    assert settings.model == "from-secrets"
    assert settings.temperature == 1  # each setting is looked up by itself


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    write_env_file("CHATBOT_MODEL=from-file", "CHATBOT_MAX_TOKENS=")
    monkeypatch.setenv("CHATBOT_MODEL", "")
    settings = load_settings({"CHATBOT_MODEL": "", "CHATBOT_TEMPERATURE": ""})
    assert (settings.model, settings.temperature, settings.max_tokens) == ("from-file", 0.8, 2048)


def test_what_else_is_in_the_sources_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    write_env_file("SOMETHING_ELSE=1", "# a note", "", "export CHATBOT_MODEL='mine' # why not")
    assert load_settings({"connections": {"url": "x"}}).model == "mine"


def test_an_env_file_from_windows_is_read() -> None:
    Path(".env").write_bytes("CHATBOT_MODEL=mine\r\nCHATBOT_LANGUAGE=zh\r\n".encode("utf-8-sig"))
    settings = load_settings({})
    assert (settings.model, settings.language) == ("mine", "zh")


def test_a_change_counts_from_the_next_look_on(monkeypatch: pytest.MonkeyPatch) -> None:
    write_env_file("CHATBOT_MODEL=one")
    first = load_settings({})
    assert load_settings({}) is first  # unchanged sources are not read again
    write_env_file("CHATBOT_MODEL=another")
    assert load_settings({}).model == "another"
    monkeypatch.setenv("CHATBOT_MODEL", "exported")
    assert load_settings({}).model == "exported"
    assert load_settings({"CHATBOT_MODEL": "secret"}).model == "secret"
    monkeypatch.delenv("CHATBOT_MODEL")
    Path(".env").unlink()
    assert load_settings({}).model is None


def test_a_mended_value_is_taken_at_once() -> None:
    write_env_file("CHATBOT_TEMPERATURE=hot")
    assert_says(refusal(), "CHATBOT_TEMPERATURE", ".env", "temperature")
    write_env_file("CHATBOT_TEMPERATURE=0.5")
    assert load_settings({}).temperature == 0.5


@pytest.mark.parametrize("value", ["a, b/c:7b ,,", ["a", "b/c:7b"]])
def test_models_are_a_list_with_commas_or_a_toml_list(value: object) -> None:
    assert load_settings({"CHATBOT_MODELS": value}).models == ("a", "b/c:7b")


def test_the_dot_that_may_end_a_host_is_left_out() -> None:
    addresses = {"https://example.org./v1/": "https://example.org/v1"}
    addresses["http://localhost.:8000"] = "http://localhost:8000"
    for typed, kept in addresses.items():
        assert load_settings({"OPENAI_BASE_URL": typed}).base_url == kept


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CHATBOT_TEMPERATURE", "hot", "temperature"),
        ("CHATBOT_TEMPERATURE", "3", "temperature"),
        ("CHATBOT_TEMPERATURE", "-0.1", "temperature"),
        ("CHATBOT_TEMPERATURE", "nan", "temperature"),
        ("CHATBOT_MAX_TOKENS", "0", "max_tokens"),
        ("CHATBOT_MAX_TOKENS", "2.5", "max_tokens"),
        ("CHATBOT_CONTEXT_WINDOW", "8k", "context_window"),
        ("CHATBOT_PRICES", "my-model = cheap", "prices"),
        ("CHATBOT_CONNECT_TIMEOUT", "0", "connect_timeout_seconds"),
        ("CHATBOT_SILENCE_TIMEOUT", "inf", "silence_timeout_seconds"),
        ("OPENAI_BASE_URL", "api.example.org/v1", "base_url"),
        ("OPENAI_BASE_URL", "ftp://example.org", "base_url"),
        ("OPENAI_BASE_URL", "http://", "base_url"),
        ("OPENAI_BASE_URL", "https://me:secret@example.org/v1", "base_url"),
        ("OPENAI_BASE_URL", "https://:secret@example.org/v1", "base_url"),
        ("OPENAI_BASE_URL", "https://example.org:port/v1", "base_url"),
        ("OPENAI_BASE_URL", "https://example.org:99999/v1", "base_url"),
        ("OPENAI_BASE_URL", "https://exam ple.org/v1", "base_url"),
        ("OPENAI_BASE_URL", "http://[::1/v1", "base_url"),
        ("CHATBOT_SOURCE_URL", "javascript:alert(1)", "source_url"),
        ("CHATBOT_VISITOR_LIMITS", "many", "visitor_limits"),
        ("CHATBOT_SITE_LIMITS", "0 questions per day", "site_limits"),
        ("CHATBOT_ANSWER_LIMITS", "long", "answer_limits"),
        ("CHATBOT_LANGUAGE", "klingon", "language"),
        ("CHATBOT_LOCAL_MODEL", "/no/such/model.gguf", "local_model"),
        ("CHATBOT_DATABASE_URL", "mysql://example.org/chat", "database_url"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_place(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    assert_says(refusal({name: value}), name, SECRETS, expected)
    monkeypatch.delenv(name, raising=False)
    write_env_file(f"{name}='{value}'")
    assert_says(refusal(), name, ".env", expected)
    monkeypatch.setenv(name, value)
    error = refusal()
    assert_says(error, name, None, expected)
    assert "secret" not in f"{error} {error!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", 12345),
        ("CHATBOT_MODEL", {"name": "x"}),
        ("CHATBOT_MODELS", ["a", 1]),
        ("CHATBOT_MODELS", ["a", ["b"]]),
    ],
)
def test_a_toml_value_of_the_wrong_kind_is_named_too(name: str, value: object) -> None:
    assert_says(refusal({name: value}), name, SECRETS, field_of(name))


def field_of(name: str) -> str:
    [field] = [field for field, info in Settings.model_fields.items() if info.alias == name]
    return field


@pytest.mark.parametrize("text", ["CHATBOT_MODEL=mine".encode("utf-16"), b"CHATBOT_MODEL=\x80"])
def test_an_env_file_that_is_no_utf_8_is_named(text: bytes) -> None:
    Path(".env").write_bytes(text)
    with pytest.raises(ChatbotError) as caught:
        load_settings({})
    assert caught.value.code == "file"
    for language in ("en", "zh"):
        assert ".env" in caught.value.sentence(language)
        assert "UTF-8" in caught.value.sentence(language)


BAD_KEYS = [f"{KEY}\nx", f"{KEY}\n", f"{KEY} x", f"Bearer {KEY}", f"密钥{KEY}", f'"{KEY}"']


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize("is_secret", [True, False], ids=["secrets", "environment"])
def test_a_bad_key_is_refused_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, key: str, is_secret: bool
) -> None:
    if not is_secret:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    error = refusal({"OPENAI_API_KEY": key} if is_secret else {})
    assert_says(error, "OPENAI_API_KEY", SECRETS if is_secret else None, "api_key")
    shown = [str(error), repr(error), error.sentence("zh"), *traceback.format_exception(error)]
    assert KEY not in "".join(shown)


def test_a_blank_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    assert_says(refusal(), "OPENAI_API_KEY", None, "api_key")


def test_a_good_key_reaches_the_endpoint_and_is_never_printed() -> None:
    settings = load_settings(
        {"OPENAI_API_KEY": KEY, "CHATBOT_DATABASE_URL": f"postgresql://me:{KEY}@db/chat"}
    )
    endpoint = settings.endpoint
    assert endpoint and endpoint.api_key == KEY
    assert KEY not in f"{settings} {settings!r} {endpoint} {endpoint!r}"
    assert KEY not in f"{settings.model_dump()} {settings.model_dump_json()}"


def test_a_key_alone_means_openai_and_an_address_alone_needs_no_key() -> None:
    openai = load_settings({"OPENAI_API_KEY": KEY}).endpoint
    assert openai and openai.host == "api.openai.com"
    own = load_settings({"OPENAI_BASE_URL": " http://localhost:11434/v1/ "}).endpoint
    assert own and own.base_url == "http://localhost:11434/v1"
    assert own.api_key is None


def test_timeouts_reach_the_endpoint() -> None:
    endpoint = load_settings(
        {"OPENAI_API_KEY": KEY, "CHATBOT_CONNECT_TIMEOUT": 3, "CHATBOT_SILENCE_TIMEOUT": "4.5"}
    ).endpoint
    assert endpoint
    assert (endpoint.connect_timeout_seconds, endpoint.silence_timeout_seconds) == (3, 4.5)


@pytest.mark.parametrize(
    ("secrets", "model"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": KEY}, OPENAI_MODEL),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://api.openai.com/v1/"}, OPENAI_MODEL),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://relay.example.org/v1"}, None),
        ({"OPENAI_BASE_URL": "https://relay.example.org/v1"}, None),
        ({"OPENAI_API_KEY": KEY, "CHATBOT_MODEL": "mine"}, "mine"),
        ({"OPENAI_API_KEY": KEY, "CHATBOT_MODELS": "a,b"}, "a"),
        ({"OPENAI_API_KEY": KEY, "CHATBOT_MODELS": "a,b", "CHATBOT_MODEL": "b"}, "b"),
    ],
)
def test_the_model_to_ask_for_when_nobody_chose(secrets: dict[str, str], model: str | None) -> None:
    assert load_settings(secrets).default_model == model


@pytest.mark.parametrize(("tag", "language"), [("zh_CN", "zh"), ("en-GB", "en"), ("ZH", "zh")])
def test_a_language_may_be_written_as_systems_do(tag: str, language: str) -> None:
    assert load_settings({"CHATBOT_LANGUAGE": tag}).language == language


@pytest.mark.parametrize(
    ("base_url", "host", "is_here"),
    [
        ("http://127.0.0.1:8080/v1", "127.0.0.1:8080", True),
        ("http://127.8.8.8/v1", "127.8.8.8", True),
        ("http://[::1]:8080/v1", "[::1]:8080", True),
        ("http://localhost:11434/v1", "localhost:11434", True),
        ("http://llm.localhost/v1", "llm.localhost", True),
        ("https://example.org/v1", "example.org", False),
        ("https://localhost.example.org/v1", "localhost.example.org", False),
        ("http://192.168.1.5/v1", "192.168.1.5", False),
    ],
)
def test_an_endpoint_knows_its_host_and_whether_it_is_near(
    base_url: str, host: str, is_here: bool
) -> None:
    endpoint = Endpoint(base_url, KEY)
    assert (endpoint.host, endpoint.is_on_this_machine) == (host, is_here)
    assert Endpoint(base_url, KEY, name="my model").host == "my model"


# Providers


DEEPSEEK = {"base_url": "https://api.deepseek.com/v1/", "api_key": KEY, "models": "chat, reasoner"}


def test_providers_stand_beside_the_first_server_each_with_its_own_key() -> None:
    own = {"base_url": "http://localhost:11434/v1", "label": "At home", "context_window": 8192}
    settings = load_settings(
        {"OPENAI_API_KEY": "sk-first", "providers": {"deepseek": DEEPSEEK, "home": own}}
    )
    first, deepseek, home = settings.endpoints
    assert (first.provider, first.api_key) == ("", "sk-first")
    assert (deepseek.provider, deepseek.label, deepseek.api_key) == ("deepseek", "deepseek", KEY)
    assert deepseek.base_url == "https://api.deepseek.com/v1"
    assert deepseek.models == ("chat", "reasoner")
    assert (home.label, home.api_key, home.models) == ("At home", None, ())
    assert home.context_window_tokens == 8192
    assert KEY not in f"{settings} {settings!r} {settings.endpoints} {settings.model_dump_json()}"


def test_providers_alone_are_enough() -> None:
    settings = load_settings({"providers": {"deepseek": DEEPSEEK}})
    assert settings.endpoint is None
    assert [endpoint.provider for endpoint in settings.endpoints] == ["deepseek"]


@pytest.mark.parametrize(
    ("providers", "name", "expected"),
    [
        ("deepseek", "providers", "providers"),
        ({"deepseek": "sk"}, "providers", "providers"),
        ({"deepseek": [1, 2]}, "providers", "providers"),
        ([1, 2], "providers", "providers"),
        ({"deepseek": {}}, "providers.deepseek.base_url", "base_url"),
        ({"x": {**DEEPSEEK, "base_url": "x.org"}}, "providers.x.base_url", "base_url"),
        ({"x": {**DEEPSEEK, "api_key": f"Bearer {KEY}"}}, "providers.x.api_key", "api_key"),
        ({"x": {**DEEPSEEK, "models": [1]}}, "providers.x.models", "models"),
        ({"x": {**DEEPSEEK, "label": "a · b"}}, "providers.x.label", "label"),
        ({"x": {**DEEPSEEK, "context_window": 1}}, "providers.x.context_window", "context_window"),
        ({"x": {**DEEPSEEK, "url": "y"}}, "providers", "providers"),
        ({"a · b": DEEPSEEK}, "providers", "providers"),
    ],
)
def test_a_provider_that_does_not_fit_is_named(providers: Any, name: str, expected: str) -> None:
    error = refusal({"providers": providers})
    assert_says(error, name, SECRETS, expected)
    assert KEY not in f"{error} {error!r} {traceback.format_exception(error)}"


def test_a_choice_stands_for_an_endpoint_and_a_model() -> None:
    tables = {"deepseek": {**DEEPSEEK, "label": "DeepSeek"}, "home": {"base_url": "http://nas/v1"}}
    endpoints = load_settings({"OPENAI_API_KEY": KEY, "providers": tables}).endpoints
    first, deepseek, home = endpoints
    for text, endpoint, model in [
        ("gpt-4.1", first, "gpt-4.1"),
        ("deepseek/chat", first, "deepseek/chat"),
        ("chat", first, "chat"),
        ("deepseek · reasoner", deepseek, "reasoner"),
        ("DeepSeek · reasoner", deepseek, "reasoner"),
        ("HOME · qwen3:8b", home, "qwen3:8b"),
    ]:
        assert find_choice(endpoints, text) == (endpoint, model)
    assert find_choice(endpoints, "gone · model") is None
    assert find_choice((), "model") is None
    assert [choice(one, "m") for one in endpoints] == ["m", "deepseek · m", "home · m"]
    assert choice_label(endpoints, "deepseek · m") == "DeepSeek · m"
    assert choice_label(endpoints, "gone · m") == "gone · m"
    assert choice_label(endpoints, "m") == "m"
