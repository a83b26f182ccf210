"""Writing tested settings into `.env`: changed lines, unchanged lines, and file permissions."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from chatbot.connection_check.report import Report
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import Endpoint
from chatbot.settings import env_file
from chatbot.settings.env_file import Changes
from chatbot.settings.sources import load_settings

HERE = "https://relay.example.org/v1"
KEY = "sk-canary-12"


def found(base_url: str, key: str | None = None, *models: str, model: str = "m") -> Report:
    return Report(Endpoint(base_url, key), None, model, models)


@pytest.mark.parametrize(
    ("secrets", "report", "wanted"),
    [
        ({}, found(HERE, KEY, "m"), {"OPENAI_BASE_URL": HERE, "OPENAI_API_KEY": KEY}),
        ({}, found(HERE, None, "m"), {"OPENAI_BASE_URL": HERE}),
        ({"OPENAI_BASE_URL": HERE}, found(HERE, None, "m"), {}),
        (
            {"OPENAI_BASE_URL": "https://relay.example.org", "OPENAI_API_KEY": KEY},
            found(HERE, KEY, "m"),
            {"OPENAI_BASE_URL": HERE},
        ),
        (
            {"OPENAI_BASE_URL": HERE, "OPENAI_API_KEY": "old"},
            found(HERE, KEY, "m"),
            {"OPENAI_API_KEY": KEY},
        ),
        (  # another server never gets the old key
            {"OPENAI_BASE_URL": "https://other.example.org/v1", "OPENAI_API_KEY": KEY},
            found(HERE, None, "m"),
            {"OPENAI_BASE_URL": HERE, "OPENAI_API_KEY": None},
        ),
        (
            {"OPENAI_API_KEY": KEY},
            found("http://localhost:11434/v1", None, "m"),
            {"OPENAI_BASE_URL": "http://localhost:11434/v1", "OPENAI_API_KEY": None},
        ),
        ({"OPENAI_API_KEY": KEY}, found("https://api.openai.com/v1", KEY, "m"), {}),
        (  # without a list the model must be named
            {"OPENAI_BASE_URL": HERE},
            found(HERE, None, model="mine"),
            {"CHATBOT_MODEL": "mine"},
        ),
        (  # what the old server had is not offered at the new one
            {"OPENAI_BASE_URL": HERE, "CHATBOT_MODEL": "old", "CHATBOT_MODELS": "old, older"},
            found(HERE, None, "m", "n"),
            {"CHATBOT_MODELS": None, "CHATBOT_MODEL": "m"},
        ),
        (
            {"OPENAI_BASE_URL": HERE, "CHATBOT_MODEL": "n", "CHATBOT_MODELS": "n, o"},
            found(HERE, None, "m", "n"),
            {},
        ),
    ],
)
def test_only_what_must_differ_is_changed(
    secrets: dict[str, Any], report: Report, wanted: Changes
) -> None:
    assert env_file.changes(load_settings(secrets), report) == wanted


def test_other_lines_stay_as_they_are() -> None:
    Path(".env").write_bytes("\ufeff# mine\n\nexport A='1' # why\nOPENAI_API_KEY=old\nB=2".encode())
    env_file.write({"OPENAI_BASE_URL": HERE, "OPENAI_API_KEY": None, "CHATBOT_MODEL": "it's \\ 1"})
    lines = Path(".env").read_text("utf-8").splitlines()
    assert lines[:5] == ["# mine", "", "export A='1' # why", "OPENAI_API_KEY=''", "B=2"]
    settings = load_settings({})
    assert (settings.base_url, settings.api_key, settings.model) == (HERE, None, "it's \\ 1")
    assert [path.name for path in Path().iterdir() if path.is_file()] == [".env"]


def test_the_file_is_its_owners_alone_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    env_file.write({"OPENAI_API_KEY": KEY})
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    Path(".env").chmod(0o644)
    env_file.write({"OPENAI_API_KEY": KEY})
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600


def test_a_link_stays_a_link() -> None:
    Path("elsewhere").mkdir()
    Path("elsewhere/settings").write_text("A=1\n", "utf-8")
    Path(".env").symlink_to("elsewhere/settings")
    env_file.write({"OPENAI_API_KEY": KEY})
    assert Path(".env").is_symlink()
    assert KEY in Path("elsewhere/settings").read_text("utf-8")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00A"])
def test_what_cannot_be_written_is_said_and_left_alone(content: bytes | None) -> None:
    if content is None:
        Path(".env").mkdir()
    else:
        Path(".env").write_bytes(content)
    with pytest.raises(ChatbotError) as caught:
        env_file.write({"OPENAI_API_KEY": KEY})
    assert caught.value.code == "env_file"
    assert KEY not in str(caught.value)
    assert content is None or Path(".env").read_bytes() == content
    assert not Path(".env.new").exists()


def test_the_lines_that_are_shown_have_no_key() -> None:
    wanted: Changes = {"OPENAI_BASE_URL": HERE, "OPENAI_API_KEY": KEY, "CHATBOT_MODELS": None}
    assert env_file.lines(wanted) == [
        f"OPENAI_BASE_URL='{HERE}'",
        "OPENAI_API_KEY='…'",
        "CHATBOT_MODELS=''",
    ]


def test_what_comes_first_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)
    wanted: Changes = {"OPENAI_BASE_URL": HERE, "OPENAI_API_KEY": KEY, "CHATBOT_MODEL": "m"}
    places = env_file.places_that_win(wanted, {"OPENAI_API_KEY": "x"})
    assert places == {
        "OPENAI_BASE_URL": "setting.environment",
        "OPENAI_API_KEY": ".streamlit/secrets.toml",
    }
    assert os.environ["OPENAI_BASE_URL"] == HERE
