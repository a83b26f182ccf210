"""Which parameters the models of an endpoint refuse, so that a restart need not find out again."""

import time

import sqlalchemy as sa

from chatbot.store.database import Database, reading, writing
from chatbot.store.schema import refusals

LIFE_SECONDS = 30 * 24 * 3600
"""Servers learn: what was refused this long ago is tried once more."""


class Refusals:
    """What was refused, for all owners alike: it says something of the server alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def all(self, connection: sa.Connection) -> dict[tuple[str, str], dict[str, str]]:
        """By endpoint and model: the parameters refused, and what is sent instead, if anything."""
        query = refusals.select().where(refusals.c.refused_at > time.time() - LIFE_SECONDS)
        known: dict[tuple[str, str], dict[str, str]] = {}
        for row in connection.execute(query):
            known.setdefault((row.endpoint, row.model), {})[row.parameter] = row.replacement
        return known

    @writing
    def add(
        self,
        connection: sa.Connection,
        endpoint: str,
        model: str,
        parameter: str,
        replacement: str,
    ) -> None:
        """Remember that a parameter was refused just now."""
        key = {"endpoint": endpoint, "model": model, "parameter": parameter}
        is_it = [refusals.c[name] == value for name, value in key.items()]
        connection.execute(refusals.delete().where(*is_it))
        row = {**key, "replacement": replacement, "refused_at": time.time()}
        connection.execute(refusals.insert(), row)
