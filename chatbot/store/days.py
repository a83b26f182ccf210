"""What was taken on each day, by visitor and by model: sums, to which each question is added.

Its callers see to it that they are the only ones who add at that moment.
"""

import sqlalchemy as sa

from chatbot.limits import Taken
from chatbot.store.questions import Outcome
from chatbot.store.schema import model_days, visitor_days

KEPT_DAYS = 400
"""How long what was taken by day and model is kept."""

MODELS_A_DAY = 50
"""More names than that are counted together: who asks may name a model as they like."""

MODEL_CHARACTERS = 200

OTHER_MODELS = ""


def count(connection: sa.Connection, day: int, owner: str, outcome: Outcome) -> None:
    """Add a question that has ended to what was taken on its day."""
    is_new_visitor = bool(owner) and add_to_visitor(connection, day, owner, outcome.taken)
    if is_new_visitor:
        connection.execute(visitor_days.delete().where(visitor_days.c.day < day - 1))
    counts = {
        "visitors": int(is_new_visitor),
        "questions": 1,
        "failures": int(outcome.has_failed),
        "read_tokens": outcome.read_tokens,
        "written_tokens": outcome.written_tokens,
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


def add_to_visitor(connection: sa.Connection, day: int, owner: str, taken: Taken) -> bool:
    """Add to what a visitor took on a day; whether it is the first of that day."""
    counts = {"questions": taken.questions, "tokens": taken.tokens, "dollars": taken.dollars}
    is_there = _add(connection, visitor_days, {"day": day, "owner": owner}, counts)
    if not is_there:
        connection.execute(visitor_days.insert(), {"day": day, "owner": owner, **counts})
    return not is_there


def _add(
    connection: sa.Connection, table: sa.Table, key: dict[str, object], counts: dict[str, float]
) -> bool:
    """Add to the numbers of a row; whether there is one."""
    is_it = [table.c[name] == value for name, value in key.items()]
    more = {name: table.c[name] + count for name, count in counts.items()}
    return connection.execute(table.update().where(*is_it).values(more)).rowcount > 0
