"""How often a password may be tried, counted in a real store."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from chatbot.guessing import FORGET_SECONDS, FREE_GUESSES, LONGEST_WAIT_SECONDS, GuessLimit
from chatbot.password import Password
from chatbot.store import Store

SECRET = "correct horse"


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
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def guesses_in(store: Store, now: Clock, purpose: str = "visitor") -> GuessLimit:
    def no_spare() -> Store:
        raise AssertionError("the store works")

    return GuessLimit(purpose, lambda: store, no_spare, now)


@pytest.fixture
def elsewhere(store: Store, database_url: str) -> Iterator[Store]:
    """The same database, as another process has it."""
    elsewhere = Store(database_url)
    yield elsewhere
    elsewhere.close()


def outcome(guesses: GuessLimit, known: Password, typed: str) -> str:
    try:
        guesses.check(known, typed)
    except ChatbotError as error:
        return error.code
    return "in"


def test_after_some_wrong_ones_each_has_to_wait_longer_up_to_a_bound(store: Store) -> None:
    clock, known = Clock(), Quick()
    guesses = guesses_in(store, clock)
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


def test_the_sentence_says_for_how_long(store: Store) -> None:
    clock, known = Clock(), Quick()
    guesses = guesses_in(store, clock)
    for _ in range(FREE_GUESSES):
        outcome(guesses, known, "wrong")
    with pytest.raises(ChatbotError, match="Try again in 1 s") as caught:
        guesses.check(known, "wrong")
    assert "1 秒" in caught.value.sentence("zh")


def test_a_right_one_between_gains_nothing_for_who_guesses(store: Store) -> None:
    clock, known = Clock(), Quick()
    guesses = guesses_in(store, clock)
    outcomes = [outcome(guesses, known, one) for one in ["wrong", SECRET] * FREE_GUESSES]
    assert outcomes == ["password_wrong", "in"] * (FREE_GUESSES - 1) + [
        "password_wrong",
        "password_wait",
    ]


@pytest.mark.parametrize("seconds", [FORGET_SECONDS, -3600], ids=["later", "clock put back"])
def test_all_is_forgotten_after_some_quiet(store: Store, seconds: float) -> None:
    clock, known = Clock(), Quick()
    guesses = guesses_in(store, clock)
    for _ in range(FREE_GUESSES):
        outcome(guesses, known, "wrong")
    clock.seconds += seconds
    assert outcome(guesses, known, "wrong") == "password_wrong"
    assert outcome(guesses, known, SECRET) == "in"


def test_each_password_is_guessed_for_itself(store: Store) -> None:
    clock, known = Clock(), Quick()
    for _ in range(FREE_GUESSES):
        outcome(guesses_in(store, clock), known, "wrong")
    assert outcome(guesses_in(store, clock), known, SECRET) == "password_wait"
    assert outcome(guesses_in(store, clock, "admin"), known, SECRET) == "in"


def test_guesses_side_by_side_are_slowed_as_those_in_a_row(store: Store, elsewhere: Store) -> None:
    """Also where they come to several processes."""
    known, outcomes = Quick(), []
    together = threading.Barrier(40)

    def guess(guesses: GuessLimit) -> None:
        together.wait()
        outcomes.append(outcome(guesses, known, "wrong"))

    processes = [guesses_in(one, Clock()) for one in (store, elsewhere)]
    threads = [threading.Thread(target=guess, args=(one,)) for one in processes * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("password_wrong") == len(known.tried) == FREE_GUESSES
    assert outcomes.count("password_wait") == 40 - FREE_GUESSES


def test_people_who_come_together_do_not_wait_for_each_other(store: Store) -> None:
    known, outcomes = Quick(), []
    guesses = guesses_in(store, Clock())

    def come_in() -> None:
        outcomes.append(outcome(guesses, known, SECRET))

    threads = [threading.Thread(target=come_in) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["in"] * 20


def test_while_the_database_fails_guesses_are_slowed_all_the_same(tmp_path: Path) -> None:
    broken, spare = Store(f"sqlite:///{tmp_path}/store.db"), Store("sqlite://")
    with broken._database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE guesses")
    guesses = GuessLimit("visitor", lambda: broken, lambda: spare, Clock())
    outcomes = [outcome(guesses, Quick(), "wrong") for _ in range(FREE_GUESSES + 1)]
    assert outcomes == ["password_wrong"] * FREE_GUESSES + ["password_wait"]
    for store in (broken, spare):
        store.close()
