"""Throttle for login attempts: an attacker has to wait, and other people can still sign in.

Each source of attempts, an address or a session, waits longer after each wrong password. New
sessions cost an attacker nothing, so all attempts together have a fixed pace as well: they queue,
and no one is locked out. A source that has been wrong queues behind newcomers.

Attempts are counted in the store, so that several processes share one limit. People who are
already signed in are not affected.
"""

import math
import random
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

from chatbot.access.password import Password
from chatbot.errors import ChatbotError
from chatbot.store import Store, new_id

FREE_ATTEMPTS = 5
"""Wrong attempts of one source before the source has to wait."""

LONGEST_WAIT_SECONDS = 30
"""Longest wait; each wrong attempt doubles the wait up to this. Allows 2,880 attempts a day."""

PACE_SECONDS = 0.25
"""Time between two attempts from all sources. Fifteen attackers with a new session each time delay
the next person by 4 s, those who keep their sessions by less than 1 s; at most 345,600 passwords
are tried a day."""

QUEUE_SECONDS = 10.0
"""Longest wait in the queue; after that, the page asks the person to come back later."""

LATER_SECONDS = 1.0
"""For each wrong attempt, a source queues as if it had come so much later: a newcomer comes first,
and someone who mistyped still gets a turn while others keep trying with new sessions."""

TRIES = 40
"""Most tries to get a turn between other processes' attempts, each about a pace apart."""

FORGET_SECONDS = 600
"""Time for which a wrong attempt counts."""


class _NotYet(Exception):
    """The last attempt from any source was too recent, by some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class LoginThrottle:
    """Throttle for one password. `fallback` returns the store for attempts while `store` fails."""

    def __init__(
        self,
        purpose: str,
        store: Callable[[], Store],
        fallback: Callable[[], Store],
        now: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._purpose = purpose
        self._store = store
        self._fallback = fallback
        self._now = now
        self._pause = pause
        self._numbers = count()
        self._queue: list[tuple[float, int]] = []
        """The attempts that wait, in the order of their turns."""
        self._is_taken = False
        self._changed = threading.Condition()

    def check(self, password: Password, typed: str, source: str) -> None:
        """Raise ChatbotError("password_wrong"), or ("password_wait") without verifying it.

        Records the attempt before verifying it, so that parallel attempts cannot bypass the limit.
        Each process verifies one attempt at a time. `source` is an address or a session, and is
        stored as a hash.
        """
        source = password.proof(f"guess at {self._purpose}", source)[:32]
        wrong_count = self._expect_no_wait(source)  # who has to wait does not enter the queue
        with self._turn(wrong_count):
            attempt_id = new_id()
            store = self._count(source, attempt_id)
            if password.is_right(typed):
                # Only this attempt: if a success removed earlier wrong attempts, an attacker could
                # wait for other people at the same address to sign in.
                with suppress(ChatbotError):
                    store.login_attempts.remove(attempt_id)
                return
        raise ChatbotError("password_wrong")

    def _expect_no_wait(self, source: str) -> int:
        """Return how often a source was wrong, or raise ChatbotError("password_wait")."""
        try:
            times = self._store().login_attempts.times(self._purpose, source)
        except ChatbotError:  # a database failure; recording the attempt will report it
            return 0
        now = self._now()
        wrong = [at for at in times if abs(now - at) < FORGET_SECONDS]
        _expect_free(wrong, now)
        return len(wrong)

    @contextmanager
    def _turn(self, wrong_count: int) -> Iterator[None]:
        """Wait for a turn; raise ChatbotError("password_wait") if it does not come."""
        place = (self._now() + LATER_SECONDS * wrong_count, next(self._numbers))
        with self._changed:
            insort(self._queue, place)
            is_next = self._changed.wait_for(
                lambda: not self._is_taken and self._queue[0] == place, QUEUE_SECONDS
            )
            self._queue.remove(place)
            self._is_taken = self._is_taken or is_next
            self._changed.notify_all()
        if not is_next:
            raise _too_long()
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _count(self, source: str, attempt_id: str) -> Store:
        """Record an attempt when its turn has come; return the store with the record."""
        try:
            return self._count_in(self._store(), source, attempt_id)
        except ChatbotError as error:
            if not error.code.startswith("store") or error.code == "store_locked":
                raise  # a busy database is no reason to start counting from zero
            return self._count_in(self._fallback(), source, attempt_id)

    def _count_in(self, store: Store, source: str, attempt_id: str) -> Store:
        for _ in range(TRIES):
            now = self._now()

            def admit(wrong: Sequence[tuple[str, float]], now: float = now) -> None:
                _expect_free([at for guesser, at in wrong if guesser == source], now)
                last = max((at for _, at in wrong), default=-math.inf)
                if abs(now - last) < PACE_SECONDS:  # another machine's clock may be ahead
                    raise _NotYet(last + PACE_SECONDS - now)

            # Another machine's clock may be ahead of this one's.
            since, until = now - FORGET_SECONDS, now + FORGET_SECONDS
            try:
                store.login_attempts.add(
                    attempt_id, self._purpose, source, admit, since, until, now
                )
            except _NotYet as error:  # random, so that no process always comes first
                self._pause(error.seconds + PACE_SECONDS * random.uniform(0, 0.2))
            else:
                return store
        raise _too_long()


def _too_long() -> ChatbotError:
    return ChatbotError("password_wait", seconds=f"{QUEUE_SECONDS:.0f}")


def _expect_free(wrong: Sequence[float], now: float) -> None:
    """Raise ChatbotError("password_wait") if a source with these wrong attempts has to wait."""
    if (seconds := _waits_until(wrong) - now) > 0:
        raise ChatbotError("password_wait", seconds=str(math.ceil(seconds)))


def _waits_until(wrong: Sequence[float]) -> float:
    """Return when the next attempt is allowed after wrong attempts at these times."""
    more = len(wrong) - FREE_ATTEMPTS
    return max(wrong) + min(2.0 ** min(more, 10), LONGEST_WAIT_SECONDS) if more >= 0 else 0
