"""The shared password: recognised, proven, and not to be guessed."""

import io
import re
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator

import pytest

from chatbot import password, password_command
from chatbot.errors import ChatbotError
from chatbot.i18n import catalogue
from chatbot.password import (
    FORGET_SECONDS,
    FREE_GUESSES,
    LONGEST_WAIT_SECONDS,
    Guesses,
    Password,
    line_for,
    password_of,
)
from chatbot.settings import load_settings
from chatbot.visitors import new_token
from tests.conftest import ROOT

SECRET = "correct horse"


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a guess costs does not matter here, but for the command, which is a process apart."""
    password_of.cache_clear()
    monkeypatch.setattr(password, "SCRYPT_COST", 2)
    yield
    password_of.cache_clear()


class Quick(Password):
    """One that takes no time to try, and notes how many are tried at once."""

    def __init__(self) -> None:
        super().__init__(b"", b"")
        self.tried: list[str] = []

    def is_right(self, typed: str) -> bool:
        self.tried.append(typed)
        return typed == SECRET


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def outcome(guesses: Guesses, known: Password, typed: str) -> str:
    try:
        guesses.check(known, typed)
    except ChatbotError as error:
        return error.code
    return "in"


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


def test_after_some_wrong_ones_each_has_to_wait_longer_up_to_a_bound() -> None:
    clock, known = Clock(), Quick()
    guesses = Guesses(clock)
    for _ in range(FREE_GUESSES):
        assert outcome(guesses, known, "wrong") == "password_wrong"
    waits = []
    for _ in range(10):
        assert outcome(guesses, known, SECRET) == "password_wait"  # not even looked at
        began = clock.seconds
        while outcome(guesses, known, "wrong") == "password_wait":
            clock.seconds += 0.5
        waits.append(clock.seconds - began)
    assert waits == [1, 2, 4, 8, 16, *[LONGEST_WAIT_SECONDS] * 5]
    assert known.tried == ["wrong"] * (FREE_GUESSES + 10)


def test_the_sentence_says_for_how_long() -> None:
    clock, known = Clock(), Quick()
    guesses = Guesses(clock)
    for _ in range(FREE_GUESSES):
        outcome(guesses, known, "wrong")
    with pytest.raises(ChatbotError, match="Try again in 1 s") as caught:
        guesses.check(known, "wrong")
    assert "1 秒" in caught.value.sentence("zh")


def test_a_right_one_between_gains_nothing_for_who_guesses() -> None:
    clock, known = Clock(), Quick()
    guesses = Guesses(clock)
    outcomes = [outcome(guesses, known, one) for one in ["wrong", SECRET] * FREE_GUESSES]
    assert outcomes == ["password_wrong", "in"] * (FREE_GUESSES - 1) + [
        "password_wrong",
        "password_wait",
    ]


def test_all_is_forgotten_after_some_quiet() -> None:
    clock, known = Clock(), Quick()
    guesses = Guesses(clock)
    for _ in range(FREE_GUESSES):
        outcome(guesses, known, "wrong")
    clock.seconds += FORGET_SECONDS
    assert outcome(guesses, known, "wrong") == "password_wrong"
    assert outcome(guesses, known, SECRET) == "in"


def test_guesses_side_by_side_are_slowed_as_those_in_a_row() -> None:
    known = Quick()
    guesses, outcomes = Guesses(Clock()), []
    together = threading.Barrier(40)

    def guess() -> None:
        together.wait()
        outcomes.append(outcome(guesses, known, "wrong"))

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("password_wrong") == len(known.tried) == FREE_GUESSES
    assert outcomes.count("password_wait") == 40 - FREE_GUESSES


def test_a_command_prints_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # at its full cost
    command = [sys.executable, "-m", "chatbot.password"]
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
        password_command.main()
    sentence = catalogue(language)["password_command.length"]
    assert caught.value.code == sentence.format(least=8, most=200)
    assert capsys.readouterr().out == ""
