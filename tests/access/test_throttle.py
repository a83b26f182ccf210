"""Limits of password attempts, counted in a real store."""

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatbot.access import throttle
from chatbot.access.password import Password
from chatbot.access.throttle import (
    FORGET_SECONDS,
    FREE_ATTEMPTS,
    LONGEST_WAIT_SECONDS,
    PACE_SECONDS,
    LoginThrottle,
)
from chatbot.errors import ChatbotError
from chatbot.store import Store
from chatbot.ui.client import address as client_address
from tests.conftest import wait_until

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

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


def throttle_in(store: Store, now: Clock, purpose: str = "visitor") -> LoginThrottle:
    def no_spare() -> Store:
        raise AssertionError("the store works")

    return LoginThrottle(purpose, lambda: store, no_spare, now, now.pause)


@pytest.fixture
def elsewhere(store: Store, database_url: str) -> Iterator[Store]:
    """The same database, as another process has it."""
    elsewhere = Store(database_url)
    yield elsewhere
    elsewhere.close()


def outcome(throttle: LoginThrottle, known: Password, typed: str, source: str = "one") -> str:
    try:
        throttle.check(known, typed, source)
    except ChatbotError as error:
        return error.code
    return "in"


def test_after_some_wrong_ones_each_has_to_wait_longer_up_to_a_bound(store: Store) -> None:
    clock, known = Clock(), Quick()
    throttle = throttle_in(store, clock)
    for _ in range(FREE_ATTEMPTS):
        assert outcome(throttle, known, "wrong") == "password_wrong"
    waits = []
    for _ in range(10):
        assert outcome(throttle, known, SECRET) == "password_wait"  # not even looked at
        began = clock.seconds
        while outcome(throttle, known, "wrong") == "password_wait":
            clock.seconds += 0.5
        waits.append(clock.seconds - began)
    assert waits == [1, 2, 4, 8, 16, *[LONGEST_WAIT_SECONDS] * 5]
    assert known.tried == ["wrong"] * (FREE_ATTEMPTS + 10)


def test_who_has_to_wait_is_told_so_at_once(store: Store) -> None:
    """Also while another attempt is being verified: they take no turn from others."""
    clock, known = Clock(), Quick()
    throttle = throttle_in(store, clock)
    for _ in range(FREE_ATTEMPTS):
        outcome(throttle, known, "wrong")
    with throttle._turn(0):
        assert outcome(throttle, known, SECRET) == "password_wait"


def test_the_sentence_says_for_how_long(store: Store) -> None:
    clock, known = Clock(), Quick()
    throttle = throttle_in(store, clock)
    for _ in range(FREE_ATTEMPTS):
        outcome(throttle, known, "wrong")
    with pytest.raises(ChatbotError, match="Try again in 1 s") as caught:
        throttle.check(known, "wrong", "one")
    assert "1 秒" in caught.value.sentence("zh")


def test_a_right_one_between_gains_nothing_for_who_guesses(store: Store) -> None:
    clock, known = Clock(), Quick()
    throttle = throttle_in(store, clock)
    outcomes = [outcome(throttle, known, one) for one in ["wrong", SECRET] * FREE_ATTEMPTS]
    assert outcomes == ["password_wrong", "in"] * (FREE_ATTEMPTS - 1) + [
        "password_wrong",
        "password_wait",
    ]


@pytest.mark.parametrize("seconds", [FORGET_SECONDS, -3600], ids=["later", "clock put back"])
def test_all_is_forgotten_after_some_quiet(store: Store, seconds: float) -> None:
    clock, known = Clock(), Quick()
    throttle = throttle_in(store, clock)
    for _ in range(FREE_ATTEMPTS):
        outcome(throttle, known, "wrong")
    clock.seconds += seconds
    assert outcome(throttle, known, "wrong") == "password_wrong"
    assert outcome(throttle, known, SECRET) == "in"


def test_each_password_is_guessed_for_itself(store: Store) -> None:
    clock, known = Clock(), Quick()
    for _ in range(FREE_ATTEMPTS):
        outcome(throttle_in(store, clock), known, "wrong")
    assert outcome(throttle_in(store, clock), known, SECRET) == "password_wait"
    assert outcome(throttle_in(store, clock, "admin"), known, SECRET) == "in"


def test_guesses_side_by_side_are_slowed_as_those_in_a_row(store: Store, elsewhere: Store) -> None:
    """Also where they come to several processes."""
    known, outcomes = Quick(), []
    together = threading.Barrier(40)

    def guess(throttle: LoginThrottle) -> None:
        together.wait()
        outcomes.append(outcome(throttle, known, "wrong"))

    clock = Clock()
    processes = [throttle_in(one, clock) for one in (store, elsewhere)]
    threads = [threading.Thread(target=guess, args=(one,)) for one in processes * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("password_wrong") == len(known.tried) == FREE_ATTEMPTS
    assert outcomes.count("password_wait") == 40 - FREE_ATTEMPTS


def test_who_guesses_waits_and_others_do_not(store: Store) -> None:
    clock, known = Clock(), Quick()
    throttle = throttle_in(store, clock)
    for _ in range(FREE_ATTEMPTS):
        outcome(throttle, known, "wrong", "attacker")
    assert outcome(throttle, known, SECRET, "attacker") == "password_wait"
    assert outcome(throttle, known, SECRET, "newcomer") == "in"


def test_fifteen_who_guess_on_do_not_keep_a_newcomer_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if each of their guesses comes in a session of its own."""
    monkeypatch.setattr(throttle, "PACE_SECONDS", 0.01)
    shared = LoginThrottle("visitor", lambda: store, lambda: store)
    known, is_over, tried = Quick(), threading.Event(), Counter[int]()

    def keep_trying(number: int) -> None:
        while not is_over.is_set():
            tried[number] += 1
            outcome(shared, known, "wrong", f"{number} {tried[number]}")

    threads = [threading.Thread(target=keep_trying, args=(number,)) for number in range(15)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(tried) == 15 and len(known.tried) > 5)
        assert outcome(shared, known, SECRET, "newcomer") == "in"
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


class Held(Quick):
    """One whose verification goes on until it may end."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()

    def is_right(self, typed: str) -> bool:
        is_right = super().is_right(typed)
        assert self.may_end.wait(20)
        return is_right


@pytest.mark.parametrize(
    ("wrong_before", "newcomers_place", "most_seconds"),
    [pytest.param(1, 1, 1, id="kept sessions"), pytest.param(0, 15, 5, id="new sessions")],
)
def test_a_newcomers_turn_comes_before_those_who_guessed_and_those_who_come_later(
    store: Store, wrong_before: int, newcomers_place: int, most_seconds: float
) -> None:
    clock, known = Clock(), Held()
    shared = throttle_in(store, clock)
    sources = [f"guesser {number}" for number in range(15)]
    known.may_end.set()
    for source in sources * wrong_before:
        outcome(shared, known, "wrong", source)
    known.may_end.clear()
    known.tried.clear()
    outcomes: dict[str, tuple[str, float]] = {}

    def come(source: str, typed: str) -> None:
        outcomes[source] = outcome(shared, known, typed, source), clock.seconds

    came_at, threads = clock.seconds, []
    comers = [*((source, "wrong") for source in sources), ("newcomer", SECRET), ("late", "wrong")]
    for number, (source, typed) in enumerate(comers):
        threads.append(threading.Thread(target=come, args=(source, typed)))
        threads[-1].start()
        # The first is being verified, and the others wait for it in this order.
        wait_until(lambda: bool(known.tried) and len(shared._queue) == number)  # noqa: B023
    known.may_end.set()
    for thread in threads:
        thread.join()
    assert known.tried.index(SECRET) == newcomers_place and len(known.tried) == 17
    assert outcomes["newcomer"][0] == "in"
    assert outcomes["newcomer"][1] - came_at < most_seconds
    assert not shared._queue and not shared._is_taken


def test_someone_who_mistyped_gets_a_turn_while_new_sessions_come(store: Store) -> None:
    clock, known = Clock(), Held()
    shared = throttle_in(store, clock)
    known.may_end.set()
    for _ in range(FREE_ATTEMPTS - 1):
        outcome(shared, known, "wrong", "somebody")
    known.may_end.clear()
    known.tried.clear()
    threads = []
    for number in range(9):
        source, typed = ("somebody", SECRET) if number == 1 else (f"new {number}", "wrong")
        threads.append(threading.Thread(target=outcome, args=(shared, known, typed, source)))
        threads[-1].start()
        wait_until(lambda: bool(known.tried) and len(shared._queue) == number)  # noqa: B023
        clock.seconds += 1
    known.may_end.set()
    for thread in threads:
        thread.join()
    assert known.tried.index(SECRET) == FREE_ATTEMPTS - 1


@pytest.mark.parametrize(
    ("address", "stated", "expected"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7"),
        ("172.17.0.1", "203.0.113.7", ""),
        ("172.17.0.1", None, ""),
        (None, "203.0.113.7", ""),
    ],
)
def test_a_trusted_proxys_address_is_the_source_and_otherwise_the_session(
    monkeypatch: pytest.MonkeyPatch, address: str | None, stated: str | None, expected: str
) -> None:
    headers = {"X-Forwarded-For": stated} if stated else {}
    context = SimpleNamespace(ip_address=address, headers=headers)
    monkeypatch.setattr("chatbot.ui.client.address.st.context", context)
    monkeypatch.setattr(
        client_address, "get_script_run_ctx", lambda: SimpleNamespace(session_id="session")
    )
    assert client_address.source() == (expected or "session")


def test_all_attempts_together_have_a_pace(store: Store, elsewhere: Store) -> None:
    clock, known = Clock(), Quick()
    processes = [throttle_in(one, clock) for one in (store, elsewhere)]
    began = clock.seconds
    for number in range(20):
        outcome(processes[number % 2], known, "wrong", f"session {number}")
    assert clock.seconds - began >= 19 * PACE_SECONDS


def test_where_a_guess_comes_from_is_kept_as_a_hash(store: Store) -> None:
    outcome(throttle_in(store, Clock()), Quick(), "wrong", "203.0.113.7")
    with store._database.engine.connect() as connection:
        [row] = connection.exec_driver_sql("SELECT source FROM guesses").all()
    assert len(row[0]) == 32 and "." not in row[0]


def test_people_who_come_together_do_not_wait_for_each_other(store: Store) -> None:
    known, outcomes = Quick(), []
    throttle = throttle_in(store, Clock())

    def come_in() -> None:
        outcomes.append(outcome(throttle, known, SECRET))

    threads = [threading.Thread(target=come_in) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["in"] * 20


def test_while_the_database_fails_guesses_are_slowed_all_the_same(tmp_path: Path) -> None:
    broken, fallback = Store(f"sqlite:///{tmp_path}/store.db"), Store("sqlite://")
    with broken._database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE guesses")
    clock = Clock()
    throttle = LoginThrottle("visitor", lambda: broken, lambda: fallback, clock, clock.pause)
    outcomes = [outcome(throttle, Quick(), "wrong") for _ in range(FREE_ATTEMPTS + 1)]
    assert outcomes == ["password_wrong"] * FREE_ATTEMPTS + ["password_wait"]
    for store in (broken, fallback):
        store.close()
