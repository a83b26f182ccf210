"""Recent failed login attempts, shared by all processes."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from chatbot.store.database import Database, one_after_the_other, reading, writing
from chatbot.store.schema import login_attempts

LOGIN_ATTEMPTS_LOCK = 20260003
"""An arbitrary lock number, so that attempts are recorded one after the other on PostgreSQL."""


class LoginAttempts:
    """Failed attempts, and attempts that are being verified."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def add(
        self,
        connection: sa.Connection,
        attempt_id: str,
        purpose: str,
        source: str,
        admit: Callable[[Sequence[tuple[str, float]]], None],
        since: float,
        until: float,
        now: float,
    ) -> None:
        """Record an attempt before it is verified, unless `admit` raises an exception.

        `admit` gets source and time of the attempts before; no other attempt is admitted
        meanwhile. Attempts outside `since` to `until` are deleted, because they are old or the
        clock was set back.
        """
        one_after_the_other(connection, LOGIN_ATTEMPTS_LOCK)
        is_forgotten = (login_attempts.c.at <= since) | (login_attempts.c.at > until)
        # Deletes this id too, because the record may exist if the connection was lost.
        connection.execute(
            login_attempts.delete().where(is_forgotten | (login_attempts.c.id == attempt_id))
        )
        query = sa.select(login_attempts.c.source, login_attempts.c.at).where(
            login_attempts.c.purpose == purpose
        )
        admit([(row.source, row.at) for row in connection.execute(query)])
        row = {"id": attempt_id, "purpose": purpose, "source": source, "at": now}
        connection.execute(login_attempts.insert(), row)

    @reading
    def times(self, connection: sa.Connection, purpose: str, source: str) -> Sequence[float]:
        """Return the times of a source's recent attempts."""
        is_its = (login_attempts.c.purpose == purpose, login_attempts.c.source == source)
        return connection.scalars(sa.select(login_attempts.c.at).where(*is_its)).all()

    @writing
    def remove(self, connection: sa.Connection, attempt_id: str) -> None:
        """Remove an attempt with the right password."""
        connection.execute(login_attempts.delete().where(login_attempts.c.id == attempt_id))
