"""What was learned of the models of an endpoint, in numbers, so that a restart need not."""

import time
from collections.abc import Mapping

import sqlalchemy as sa

from chatbot.store.database import Database, reading, writing
from chatbot.store.schema import measures

LIFE_SECONDS = 30 * 24 * 3600
"""Servers change: what was learned this long ago is learned once more."""


class Measures:
    """For all owners alike: it says something of the servers alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def all(self, connection: sa.Connection) -> dict[tuple[str, str], dict[str, float]]:
        """By endpoint and model: each measure's value."""
        query = measures.select().where(measures.c.measured_at > time.time() - LIFE_SECONDS)
        known: dict[tuple[str, str], dict[str, float]] = {}
        for row in connection.execute(query):
            known.setdefault((row.endpoint, row.model), {})[row.name] = row.value
        return known

    @writing
    def put(
        self, connection: sa.Connection, endpoint: str, model: str, values: Mapping[str, float]
    ) -> None:
        """Write down what was learned just now."""
        is_model = (measures.c.endpoint == endpoint, measures.c.model == model)
        connection.execute(measures.delete().where(*is_model, measures.c.name.in_(values)))
        row = {"endpoint": endpoint, "model": model, "measured_at": time.time()}
        connection.execute(
            measures.insert(), [{**row, "name": name, "value": values[name]} for name in values]
        )
