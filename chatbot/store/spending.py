"""Totals of use by day, visitor and model, and the open reservations.

`count` and `add_to_visitor` need the lock of their callers, so that totals are added one by one.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from chatbot.store.database import Database, one_after_the_other, reading, writing
from chatbot.store.quota import (
    MINUTE_SECONDS,
    Amounts,
    ModelDay,
    Outcome,
    Question,
    Spent,
    SpentBy,
    day_of,
)
from chatbot.store.records import HEARTBEAT_TIMEOUT_SECONDS
from chatbot.store.schema import messages, model_days, spendings, visitor_days

KEPT_DAYS = 400
"""Days for which totals by day and model are kept."""

MODELS_A_DAY = 50
"""Most models counted by name each day; further names share a total, as visitors may invent any."""

MODEL_CHARACTERS = 200

OTHER_MODELS = ""


def count(connection: sa.Connection, day: int, owner: str, outcome: Outcome) -> None:
    """Add an ended question to the totals of its day."""
    is_new_visitor = bool(owner) and add_to_visitor(connection, day, owner, outcome.taken)
    if is_new_visitor:
        connection.execute(visitor_days.delete().where(visitor_days.c.day < day - 1))
    counts = {
        "visitors": int(is_new_visitor),
        "questions": 1,
        "failures": int(outcome.has_failed),
        "read_tokens": outcome.input_tokens,
        "written_tokens": outcome.output_tokens,
        "dollars": outcome.dollars,
        "assumed_dollars": outcome.assumed_dollars,
        "first_texts": int(outcome.first_text_seconds is not None),
        "first_text_seconds": outcome.first_text_seconds or 0.0,
        "timed_tokens": outcome.timed_tokens,
        "timed_seconds": outcome.timed_seconds,
    }
    model = outcome.model[:MODEL_CHARACTERS]
    if _add(connection, model_days, {"day": day, "model": model}, counts):
        return
    connection.execute(model_days.delete().where(model_days.c.day < day - KEPT_DAYS))
    of_day = sa.select(sa.func.count()).where(model_days.c.day == day)
    if model != OTHER_MODELS and (connection.scalar(of_day) or 0) >= MODELS_A_DAY:
        model = OTHER_MODELS
        if _add(connection, model_days, {"day": day, "model": model}, counts):
            return
    connection.execute(model_days.insert(), {"day": day, "model": model, **counts})


def add_to_visitor(connection: sa.Connection, day: int, owner: str, taken: Amounts) -> bool:
    """Add to a visitor's total of a day; return True for the visitor's first question that day."""
    counts = {"questions": taken.questions, "tokens": taken.tokens, "dollars": taken.dollars}
    is_there = _add(connection, visitor_days, {"day": day, "owner": owner}, counts)
    if not is_there:
        connection.execute(visitor_days.insert(), {"day": day, "owner": owner, **counts})
    return not is_there


def _add(
    connection: sa.Connection, table: sa.Table, key: dict[str, object], counts: dict[str, float]
) -> bool:
    """Add to the numbers of a row; return False if the row does not exist."""
    is_it = [table.c[name] == value for name, value in key.items()]
    more = {name: table.c[name] + count for name, count in counts.items()}
    return connection.execute(table.update().where(*is_it).values(more)).rowcount > 0


COUNTING_LOCK = 20260002
"""An arbitrary lock number, so that questions are counted one after the other on PostgreSQL."""

T = TypeVar("T")


class Spending:
    """Reservations and totals of visitors and of the whole site."""

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
        """Reserve a question's amounts before it is asked, unless `admit` raises an exception.

        `admit` gets the use so far, and its result is returned. No other question is admitted
        meanwhile. Without `counts_minutes`, the last minute is read only for this visitor, which
        is faster on a busy site.
        """
        now = time.time() if now is None else now
        one_after_the_other(connection, COUNTING_LOCK)
        # The row may already exist if the connection was lost.
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
        """Release the reservation of a question that was not asked."""
        connection.execute(spendings.delete().where(spendings.c.id == question_id))

    @writing
    def settle(
        self,
        connection: sa.Connection,
        question: Question,
        outcome: Outcome | None,
        is_reserved: bool,
        now: float | None = None,
    ) -> None:
        """Record the use of a question, once.

        Without an outcome nothing was asked; then the question counts only for its minute.
        """
        now = time.time() if now is None else now
        one_after_the_other(connection, COUNTING_LOCK)
        if not is_reserved:
            if outcome is None:
                return
            count(connection, day_of(now), question.owner, outcome)
            return
        is_it = (spendings.c.id == question.id, spendings.c.is_open)
        row = connection.execute(spendings.select().where(*is_it)).first()
        if row:  # otherwise another process has settled it as abandoned
            _end(connection, row, outcome)
        is_past = spendings.c.began_at < now - MINUTE_SECONDS
        connection.execute(spendings.delete().where(is_past, ~spendings.c.is_open))

    @reading
    def by_day(
        self, connection: sa.Connection, days: int, now: float | None = None
    ) -> list[ModelDay]:
        """Return the totals of the last days, today included, by day and model."""
        today = day_of(time.time() if now is None else now)
        query = (
            model_days.select()
            .where(model_days.c.day > today - days)
            .order_by(model_days.c.day, model_days.c.model)
        )
        return [ModelDay(**row._mapping) for row in connection.execute(query)]

    @reading
    def taken_today(self, connection: sa.Connection, now: float) -> Amounts:
        """Return the site's use today, including open reservations.

        For a read-only database, where abandoned reservations cannot be settled and stay open.
        """
        today = day_of(now)
        of_site = _Sum()
        # Open ones first: a question settled meanwhile may count twice, but is never missed.
        for row in connection.execute(spendings.select().where(spendings.c.is_open)):
            of_site.add(row, True, today, now)
        counted = connection.execute(_counted_of_site(today)).one()
        return of_site.with_day(tuple(counted)).today

    @writing
    def forget(self, connection: sa.Connection, owner: str) -> None:
        """Delete a visitor's records; the site's totals stay, without the visitor."""
        one_after_the_other(connection, COUNTING_LOCK)
        connection.execute(visitor_days.delete().where(visitor_days.c.owner == owner))
        connection.execute(spendings.update().where(spendings.c.owner == owner).values(owner=""))


def merge_spending(connection: sa.Connection, from_owner: str, to_owner: str) -> None:
    """Merge the use of two owners, when a person is recognised after signing in."""
    one_after_the_other(connection, COUNTING_LOCK)  # two tabs may merge at the same time
    connection.execute(
        spendings.update().where(spendings.c.owner == from_owner).values(owner=to_owner)
    )
    is_theirs = visitor_days.c.owner == from_owner
    for row in connection.execute(visitor_days.select().where(is_theirs)).all():
        add_to_visitor(
            connection, row.day, to_owner, Amounts(row.questions, row.tokens, row.dollars)
        )
    connection.execute(visitor_days.delete().where(is_theirs))


def _spent(connection: sa.Connection, owner: str, now: float, counts_minutes: bool) -> Spent:
    """Return the use so far, after settling abandoned questions."""
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
        for total in (of_site, of_visitor) if row.owner == owner else (of_site,):
            total.add(row, is_running, today, now)
    columns = (visitor_days.c.questions, visitor_days.c.tokens, visitor_days.c.dollars)
    visitor = connection.execute(
        sa.select(*columns).where(visitor_days.c.day == today, visitor_days.c.owner == owner)
    ).first()
    site = connection.execute(_counted_of_site(today)).one()
    return Spent(of_visitor.with_day(tuple(visitor or ())), of_site.with_day(tuple(site)))


def _counted_of_site(day: int) -> sa.Select[Any]:
    """Return a query for the site's use on a day by ended questions."""
    return sa.select(
        sa.func.sum(model_days.c.questions),
        sa.func.sum(model_days.c.read_tokens + model_days.c.written_tokens),
        sa.func.sum(model_days.c.dollars + model_days.c.assumed_dollars),
    ).where(model_days.c.day == day)


class _Sum:
    """Sum of the questions that are not in the day's totals yet."""

    def __init__(self) -> None:
        self._open = Amounts()
        self._last_minute: list[tuple[float, Amounts]] = []
        self._running = 0

    def add(self, row: sa.Row[Any], is_running: bool, today: int, now: float) -> None:
        """Add a question to the sum."""
        taken = Amounts(1, row.tokens, row.dollars)
        if row.began_at > now - MINUTE_SECONDS:
            self._last_minute.append((row.began_at, taken))
        if is_running:
            self._running += 1
            if day_of(row.began_at) == today:
                self._open += taken

    def with_day(self, counted: tuple[Any, ...]) -> SpentBy:
        """Return the use so far, including the day's totals."""
        questions, tokens, dollars = counted or (0, 0, 0)
        ended = Amounts(int(questions or 0), int(tokens or 0), float(dollars or 0))
        return SpentBy(ended + self._open, tuple(self._last_minute), self._running)


def _end(connection: sa.Connection, row: sa.Row[Any], outcome: Outcome | None) -> None:
    """Settle an open question with its outcome, if it was asked."""
    taken = outcome.taken if outcome else Amounts()
    connection.execute(
        spendings.update()
        .where(spendings.c.id == row.id)
        .values(is_open=False, tokens=taken.tokens, dollars=taken.dollars)
    )
    if outcome:
        count(connection, day_of(row.began_at), row.owner, outcome)
