"""When a password was tried in vain lately: for all processes together, and of nobody."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from chatbot.store.database import Database, one_after_the_other, writing
from chatbot.store.schema import guesses

GUESSING_LOCK = 20260003
"""Any number of our own, by which guesses that come together agree on PostgreSQL."""


class Guesses:
    """Those that were wrong, and those that are being looked at: they may be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def add(
        self,
        connection: sa.Connection,
        guess_id: str,
        purpose: str,
        admit: Callable[[Sequence[float]], None],
        since: float,
        until: float,
        now: float,
    ) -> None:
        """Write down a guess that is about to be looked at, unless `admit` raises an exception.

        `admit` is called with the times of those before; no other is admitted meanwhile. What was
        not between `since` and `until` is forgotten: it is long ago, or the clock was put back.
        """
        one_after_the_other(connection, GUESSING_LOCK)
        is_forgotten = (guesses.c.at <= since) | (guesses.c.at > until)
        # By its id: a lost connection may have kept it already.
        connection.execute(guesses.delete().where(is_forgotten | (guesses.c.id == guess_id)))
        query = sa.select(guesses.c.at).where(guesses.c.purpose == purpose)
        admit(connection.scalars(query).all())
        connection.execute(guesses.insert(), {"id": guess_id, "purpose": purpose, "at": now})

    @writing
    def remove(self, connection: sa.Connection, guess_id: str) -> None:
        """Take back one that was right."""
        connection.execute(guesses.delete().where(guesses.c.id == guess_id))
