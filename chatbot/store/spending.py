"""What questions take, counted for all processes together: before they are asked, and after.

A question is written down with the most that it may take, and counted with what it took when it
has ended. One whose answer's process has gone is found by the answer's own checkpoints, or else
by the time it had, and counted with the most: somebody may be billed for it.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from chatbot.caps import MINUTE_SECONDS
from chatbot.limits import Spent, SpentBy, Taken, day_of
from chatbot.store.database import Database, one_after_the_other, reading, writing
from chatbot.store.days import add_to_visitor, count
from chatbot.store.questions import ModelDay, Outcome, Question
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS
from chatbot.store.schema import messages, model_days, spendings, visitor_days

COUNTING_LOCK = 20260002
"""Any number of our own, by which those who count agree on PostgreSQL."""

T = TypeVar("T")


class Spending:
    """For visitors and for the whole site."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def reserve(
        self,
        connection: sa.Connection,
        question: Question,
        admit: Callable[[Spent], T],
        now: float | None = None,
        counts_minutes: bool = True,
    ) -> T:
        """Write down a question that is about to be asked, unless `admit` raises an exception.

        `admit` is called with what was spent before; what it returns is returned. No other
        question is admitted meanwhile. Without `counts_minutes`, what the last minute took is told
        of the visitor alone: where 1,500 were asked in it, that takes 2 instead of 20 ms.
        """
        now = time.time() if now is None else now
        one_after_the_other(connection, COUNTING_LOCK)
        # A lost connection may have kept it already.
        connection.execute(spendings.delete().where(spendings.c.id == question.id))
        spent = _spent(connection, question.owner, now, counts_minutes)
        admitted = admit(spent)
        row = {
            "id": question.id,
            "message_id": question.message_id,
            "owner": question.owner,
            "model": question.model,
            "tokens": question.most.tokens,
            "dollars": question.most.dollars,
            "began_at": now,
            "ends_by": question.ends_by,
            "is_open": True,
        }
        connection.execute(spendings.insert(), row)
        return admitted

    @writing
    def release(self, connection: sa.Connection, question_id: str) -> None:
        """Take back a question that was not asked after all."""
        connection.execute(spendings.delete().where(spendings.c.id == question_id))

    @writing
    def settle(
        self,
        connection: sa.Connection,
        question: Question,
        outcome: Outcome,
        is_reserved: bool,
        now: float | None = None,
    ) -> None:
        """Count what a question took, once."""
        now = time.time() if now is None else now
        one_after_the_other(connection, COUNTING_LOCK)
        if not is_reserved:
            count(connection, day_of(now), question.owner, outcome)
            return
        is_it = (spendings.c.id == question.id, spendings.c.is_open)
        row = connection.execute(spendings.select().where(*is_it)).first()
        if row:  # otherwise another process took this one to be gone
            _end(connection, row, outcome)
        is_past = spendings.c.began_at < now - MINUTE_SECONDS
        connection.execute(spendings.delete().where(is_past, ~spendings.c.is_open))

    @reading
    def by_day(
        self, connection: sa.Connection, days: int, now: float | None = None
    ) -> list[ModelDay]:
        """What was taken on the last days, today included: by day, and by model in it."""
        today = day_of(time.time() if now is None else now)
        query = (
            model_days.select()
            .where(model_days.c.day > today - days)
            .order_by(model_days.c.day, model_days.c.model)
        )
        return [ModelDay(**row._mapping) for row in connection.execute(query)]

    @reading
    def taken_today(self, connection: sa.Connection, now: float) -> Taken:
        """What the site has taken today, and may still take with what it is being asked.

        Of a database that cannot be written to, so what has died without a word is among that.
        """
        today = day_of(now)
        of_site = _Sum()
        # These first: one that is counted meanwhile is better taken twice than not at all.
        for row in connection.execute(spendings.select().where(spendings.c.is_open)):
            of_site.add(row, True, today, now)
        counted = connection.execute(_counted_of_site(today)).one()
        return of_site.with_day(tuple(counted)).today

    @writing
    def forget(self, connection: sa.Connection, owner: str) -> None:
        """Delete what is known of a visitor. What they took stays counted, as nobody's."""
        one_after_the_other(connection, COUNTING_LOCK)
        connection.execute(visitor_days.delete().where(visitor_days.c.owner == owner))
        connection.execute(spendings.update().where(spendings.c.owner == owner).values(owner=""))


def adopt_spending(connection: sa.Connection, from_owner: str, to_owner: str) -> None:
    """Count as one visitor's what was counted as two's: the same person, now recognised."""
    one_after_the_other(connection, COUNTING_LOCK)  # two tabs may recognise them at once
    connection.execute(
        spendings.update().where(spendings.c.owner == from_owner).values(owner=to_owner)
    )
    is_theirs = visitor_days.c.owner == from_owner
    for row in connection.execute(visitor_days.select().where(is_theirs)).all():
        add_to_visitor(connection, row.day, to_owner, Taken(row.questions, row.tokens, row.dollars))
    connection.execute(visitor_days.delete().where(is_theirs))


def _spent(connection: sa.Connection, owner: str, now: float, counts_minutes: bool) -> Spent:
    """What was spent, after what has died without a word is counted."""
    today = day_of(now)
    is_alive = sa.exists().where(
        messages.c.id == spendings.c.message_id,
        messages.c.lease == spendings.c.id,
        messages.c.saved_at > now - HEARTBEAT_TIMEOUT_SECONDS,
    )
    is_recent = spendings.c.began_at > now - MINUTE_SECONDS
    if not counts_minutes:
        is_recent &= spendings.c.owner == owner
    query = sa.select(spendings, is_alive.label("is_alive")).where(spendings.c.is_open | is_recent)
    of_site, of_visitor = _Sum(), _Sum()
    for row in connection.execute(query).all():
        is_new = row.began_at > now - HEARTBEAT_TIMEOUT_SECONDS
        is_watched = row.message_id is not None
        is_running = row.is_open and (is_new or (row.is_alive if is_watched else row.ends_by > now))
        if row.is_open and not is_running:
            most = Outcome(row.model, True, row.tokens, assumed_dollars=row.dollars)
            _end(connection, row, most)
        for one in (of_site, of_visitor) if row.owner == owner else (of_site,):
            one.add(row, is_running, today, now)
    columns = (visitor_days.c.questions, visitor_days.c.tokens, visitor_days.c.dollars)
    visitor = connection.execute(
        sa.select(*columns).where(visitor_days.c.day == today, visitor_days.c.owner == owner)
    ).first()
    site = connection.execute(_counted_of_site(today)).one()
    return Spent(of_visitor.with_day(tuple(visitor or ())), of_site.with_day(tuple(site)))


def _counted_of_site(day: int) -> sa.Select[Any]:
    """What all have taken on a day, as far as it has ended."""
    return sa.select(
        sa.func.sum(model_days.c.questions),
        sa.func.sum(model_days.c.read_tokens + model_days.c.written_tokens),
        sa.func.sum(model_days.c.dollars + model_days.c.assumed_dollars),
    ).where(model_days.c.day == day)


class _Sum:
    """Adds up what is not in the day's counts yet."""

    def __init__(self) -> None:
        self._open = Taken()
        self._last_minute: list[tuple[float, Taken]] = []
        self._running = 0

    def add(self, row: sa.Row[Any], is_running: bool, today: int, now: float) -> None:
        """Take a question into account."""
        taken = Taken(1, row.tokens, row.dollars)
        if row.began_at > now - MINUTE_SECONDS:
            self._last_minute.append((row.began_at, taken))
        if is_running:
            self._running += 1
            if day_of(row.began_at) == today:
                self._open += taken

    def with_day(self, counted: tuple[Any, ...]) -> SpentBy:
        """All that was spent, with the day's counts so far."""
        questions, tokens, dollars = counted or (0, 0, 0)
        ended = Taken(int(questions or 0), int(tokens or 0), float(dollars or 0))
        return SpentBy(ended + self._open, tuple(self._last_minute), self._running)


def _end(connection: sa.Connection, row: sa.Row[Any], outcome: Outcome) -> None:
    """Count an open question with what it took."""
    connection.execute(
        spendings.update()
        .where(spendings.c.id == row.id)
        .values(is_open=False, tokens=outcome.taken.tokens, dollars=outcome.taken.dollars)
    )
    count(connection, day_of(row.began_at), row.owner, outcome)
