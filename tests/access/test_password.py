"""The shared password: verification and proof of a login. See `test_throttle.py` for guessing."""

import io
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator

import pytest

from chatbot.__main__ import main
from chatbot.access import password
from chatbot.access.password import line_for, password_of
from chatbot.access.visitor import new_token
from chatbot.errors import ChatbotError
from chatbot.i18n import catalogue
from chatbot.settings.sources import load_settings
from tests.conftest import ROOT

SECRET = "correct horse"


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make hashing cheap, except in the command, which is a separate process."""
    password_of.cache_clear()
    monkeypatch.setattr(password, "SCRYPT_COST", 2)
    yield
    password_of.cache_clear()


@pytest.mark.parametrize("make", [str, line_for], ids=["plain", "line"])
def test_it_is_recognised_however_it_is_set(make: Callable[[str], str]) -> None:
    known = password_of(make(SECRET))
    assert known.is_right(SECRET)
    for wrong in ("", "Correct horse", "correct horse ", SECRET + "x", "x" * 10_000, "\ud83d"):
        assert not known.is_right(wrong)


def test_letters_count_however_a_keyboard_puts_them_together() -> None:
    assert password_of("Grüße 您好 12").is_right(unicodedata.normalize("NFD", "Grüße 您好 12"))


def test_the_line_tells_nothing_and_is_another_each_time() -> None:
    lines = {line_for(SECRET) for _ in range(3)}
    assert len(lines) == 3
    assert all(SECRET not in line and re.fullmatch(r"[\w:-]+", line) for line in lines)
    assert repr(password_of(SECRET)) == "Password(***)"


@pytest.mark.parametrize(
    "setting", ["short", "x" * 201, "scrypt:", f"scrypt:{'x' * 22}:{'x' * 42}"]
)
def test_what_is_no_password_is_refused_not_taken_for_one(setting: str) -> None:
    for name in ("CHATBOT_PASSWORD", "CHATBOT_ADMIN_PASSWORD"):
        with pytest.raises(ChatbotError, match=name) as caught:
            load_settings({name: setting})
        assert "xxx" not in str(caught.value)


def test_a_proof_is_one_browsers_for_one_purpose_and_ends_with_the_password() -> None:
    token, known = new_token(), password_of(SECRET)
    proof = known.proof("visitor", token)
    assert known.is_proof(proof, "visitor", token)
    password_of.cache_clear()
    assert password_of(SECRET).is_proof(proof, "visitor", token)  # another process
    assert not known.is_proof(proof, "visitor", new_token())
    assert not known.is_proof(proof, "admin", token)
    assert not password_of(line_for(SECRET)).is_proof(proof, "visitor", token)
    for odd in (None, "", "ü", proof[:-1], [proof], True, "\ud83d"):
        assert not known.is_proof(odd, "visitor", token)


def test_a_command_prints_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # at its full cost
    command = [sys.executable, "-m", "chatbot", "hash-password"]
    printed = subprocess.run(
        command, cwd=ROOT, input=SECRET + "\n", capture_output=True, text=True, check=True
    )
    name, _, line = printed.stdout.strip().partition("=")
    assert name == "CHATBOT_PASSWORD"
    assert password_of(line).is_right(SECRET)
    assert SECRET not in printed.stdout + printed.stderr


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_command_prints_nothing_for_what_is_too_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    monkeypatch.setenv("CHATBOT_LANGUAGE", language)
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    with pytest.raises(SystemExit) as caught:
        main(["hash-password"])
    sentence = catalogue(language)["password_command.length"]
    assert caught.value.code == sentence.format(least=8, most=200)
    assert capsys.readouterr().out == ""
