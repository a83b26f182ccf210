"""How often a password may be tried, by all people together: a new visitor costs nothing.

Counted in the store, so that several copies of the app do not let through as many times more.
Whoever is in already is not concerned.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from chatbot.errors import ChatbotError
from chatbot.password import Password
from chatbot.store import Store, new_id

FREE_GUESSES = 5
"""Wrong ones after which the next has to wait."""

LONGEST_WAIT_SECONDS = 30
"""The wait doubles up to this: 2,880 guesses a day, and nobody is kept out for longer."""

FORGET_SECONDS = 600
"""A wrong guess counts for so long."""


class GuessLimit:
    """The guesses at one password. `spare` is where they are counted while `store` fails."""

    def __init__(
        self,
        purpose: str,
        store: Callable[[], Store],
        spare: Callable[[], Store],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._purpose = purpose
        self._store = store
        self._spare = spare
        self._now = now
        self._lock = threading.Lock()

    def check(self, password: Password, typed: str) -> None:
        """Raise ChatbotError("password_wrong"), or ("password_wait") if it was not even looked at.

        It counts as wrong while it is looked at, so that guesses side by side gain nothing; and
        one at a time in each process, so that people who come together do not have to wait.
        """
        with self._lock:
            guess_id = new_id()
            try:
                store = self._count(self._store(), guess_id)
            except ChatbotError as error:
                if not error.code.startswith("store") or error.code == "store_locked":
                    raise  # a busy database is no reason to count from the beginning
                store = self._count(self._spare(), guess_id)
            if password.is_right(typed):
                # None of those before: whoever guesses could wait for others to come in.
                with suppress(ChatbotError):
                    store.guesses.remove(guess_id)
                return
        raise ChatbotError("password_wrong")

    def _count(self, store: Store, guess_id: str) -> Store:
        now = self._now()

        def admit(wrong: Sequence[float]) -> None:
            if (seconds := _waits_until(wrong) - now) > 0:
                raise ChatbotError("password_wait", seconds=str(math.ceil(seconds)))

        # Another machine's clock may be ahead of this one's.
        since, until = now - FORGET_SECONDS, now + FORGET_SECONDS
        store.guesses.add(guess_id, self._purpose, admit, since, until, now)
        return store


def _waits_until(wrong: Sequence[float]) -> float:
    """When the next guess may be made, after wrong ones at these times."""
    more = len(wrong) - FREE_GUESSES
    return max(wrong) + min(2.0 ** min(more, 10), LONGEST_WAIT_SECONDS) if more >= 0 else 0
