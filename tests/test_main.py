"""`python -m chatbot check`: its output and exit code; it never prints the key."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.__main__ import main
from chatbot.errors import ChatbotError
from chatbot.settings import sources
from tests.conftest import CANARY_KEY, ROOT
from tests.servers.endpoint import FakeEndpoint, Reply


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    sources._load.cache_clear()
    monkeypatch.setattr("locale.getlocale", lambda: ("en_US", "UTF-8"))
    monkeypatch.setattr("sys.stdin", io.StringIO())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(["check", *arguments])
    captured = capsys.readouterr()
    assert CANARY_KEY not in captured.out + captured.err
    assert captured.err == ""
    return int(caught.value.code or 0), captured.out


def set_up(endpoint: FakeEndpoint) -> None:
    Path(".env").write_text(
        f"OPENAI_API_KEY={CANARY_KEY}\nOPENAI_BASE_URL={endpoint.base_url}", "utf-8"
    )


def test_what_is_set_is_checked_step_by_step(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(endpoint)
    code, out = run(capsys)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"✓ List of models at {endpoint.base_url}."
    assert lines[1] == "✓ A short question to test-model."
    assert lines[2].startswith("✓ First words after 0.")
    assert lines[-1] == f"{endpoint.base_url.split('/')[2]} works."
    assert endpoint.headers[0]["Authorization"] == f"Bearer {CANARY_KEY}"


def test_the_right_address_is_printed_as_the_line_to_set(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run(capsys, "--base-url", endpoint.base_url.removesuffix("v1") + "chat")
    assert code == 0
    assert out.splitlines()[-1] == f"OPENAI_BASE_URL='{endpoint.base_url}'"


def test_what_works_but_is_not_set_is_printed_as_lines_to_set(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: CANARY_KEY)
    endpoint.models_status = 404
    _, out = run(capsys, "--base-url", endpoint.base_url, "--model", "typed-model")
    assert out.splitlines()[-4:] == [
        f"{endpoint.base_url.split('/')[2]} works.",
        f"OPENAI_BASE_URL='{endpoint.base_url}'",
        "OPENAI_API_KEY='…'",
        "CHATBOT_MODEL='typed-model'",
    ]


def test_a_wrong_key_ends_with_1_and_a_sentence_in_the_language_asked_for(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(endpoint)
    endpoint.default_reply = Reply(status=401, error={"message": f"Bad key {CANARY_KEY}"})
    code, out = run(capsys, "--language", "zh")
    assert code == 1
    assert out.splitlines()[-1].endswith("不接受这个密钥。")


def test_the_key_that_is_set_does_not_go_to_another_address(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://relay.example.org/v1")
    code, _ = run(capsys, "--base-url", endpoint.base_url)
    assert code == 0
    assert CANARY_KEY not in str(endpoint.headers)


def set_up_three(endpoint: FakeEndpoint, other: FakeEndpoint) -> None:
    """Two of them are one server, with two keys."""
    set_up(endpoint)
    Path(".streamlit").mkdir()
    Path(".streamlit/secrets.toml").write_text(
        f'''[providers.second]
        base_url = "{endpoint.base_url}"
        api_key = "sk-second"
        [providers.deep]
        base_url = "{other.base_url}"
        label = "DeepSeek"
        models = ["deep-1"]
        ''',
        "utf-8",
    )


def test_all_that_is_set_up_is_checked_each_by_its_name(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    other = FakeEndpoint().start()
    try:
        set_up_three(endpoint, other)
        other.default_reply = Reply(status=401, error={"message": "No"})
        code, out = run(capsys)
        host, other_host = (one.base_url.split("/")[2] for one in (endpoint, other))
        assert code == 1
        assert [line for line in out.splitlines() if line and line[0] not in "✓✗"] == [
            *(f"{host}:", f"{host} works."),
            *("second:", f"{host} works."),
            *("DeepSeek:", f"{other_host} wants a key."),
        ]
        keys = [headers["Authorization"] for headers in endpoint.headers]
        assert keys == [f"Bearer {CANARY_KEY}", "Bearer sk-second"]
        assert [request["model"] for request in other.requests] == ["deep-1"]
    finally:
        other.stop()


def test_one_is_checked_by_its_name_even_beside_another_of_the_same_address(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_three(endpoint, endpoint)
    assert run(capsys, "--provider", "second")[0] == 0
    assert [headers["Authorization"] for headers in endpoint.headers] == ["Bearer sk-second"]
    code, out = run(capsys, "--provider", "third")
    assert code == 1
    assert "no server named third" in out and "second, deep" in out
    run(capsys, "--provider", "second", "--base-url", endpoint.base_url.removesuffix("/v1"))
    assert endpoint.headers[-1]["Authorization"] == "Bearer sk-second"
    endpoint.headers.clear()
    code, out = run(capsys, "--base-url", endpoint.base_url)
    assert (code, len(endpoint.headers)) == (0, 3)
    assert "\nsecond:" in out and "\nDeepSeek:" in out


def test_a_key_for_another_address_is_asked_for_at_a_terminal(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: f" {CANARY_KEY} ")
    assert run(capsys, "--base-url", endpoint.base_url)[0] == 0
    assert endpoint.headers[0]["Authorization"] == f"Bearer {CANARY_KEY}"


def test_what_cannot_be_a_key_is_not_sent(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "密钥")
    code, out = run(capsys, "--base-url", endpoint.base_url)
    assert code == 1
    assert out.strip() == ChatbotError("bad_key").sentence("en")
    assert endpoint.headers == []


def test_a_terminal_with_few_characters_is_told_as_well(endpoint: FakeEndpoint) -> None:
    command = [sys.executable, "-m", "chatbot", "check", "--base-url", endpoint.base_url]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--language", "en"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "? A short question to test-model." in done.stdout


@pytest.mark.parametrize("arguments", [["--base-url", "not an address"], []])
def test_what_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    if not arguments:
        Path(".streamlit").mkdir()
        Path(".streamlit/secrets.toml").write_text(f"OPENAI_API_KEY = {CANARY_KEY}", "utf-8")
    code, out = run(capsys, *arguments)
    assert code == 1
    assert len(out.splitlines()) == 1


def test_secrets_are_read_as_the_app_reads_them(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".streamlit").mkdir()
    Path(".streamlit/secrets.toml").write_text(
        f'OPENAI_BASE_URL = "{endpoint.base_url}"\nOPENAI_API_KEY = "{CANARY_KEY}"', "utf-8"
    )
    assert run(capsys)[0] == 0
    assert endpoint.headers[0]["Authorization"] == f"Bearer {CANARY_KEY}"


def test_the_command_explains_itself() -> None:
    command = [sys.executable, "-m", "chatbot", "check", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--base-url" in said.stdout
    assert said.stderr == ""


@pytest.mark.parametrize(
    ("former", "command"), [("chatbot.check", "check"), ("chatbot.password", "hash-password")]
)
def test_a_command_runs_by_its_former_name_and_tells_the_new_one(former: str, command: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", former, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert (said.returncode, said.stderr) == (0, f"Next time: python -m chatbot {command}\n")
    assert f"usage: python -m chatbot {command}" in said.stdout
