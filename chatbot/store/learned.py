"""Learned facts about endpoints' models, stored so that a restart keeps them."""

import time
from collections.abc import Mapping

import sqlalchemy as sa

from chatbot.store.database import Database, reading, writing
from chatbot.store.schema import calibration, refusals

CALIBRATION_LIFE_SECONDS = 30 * 24 * 3600
"""Lifetime of learned values; servers change, so older values are learned again."""


class Calibration:
    """Calibration of models, shared by all owners because it concerns only the servers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def all(self, connection: sa.Connection) -> dict[tuple[str, str], dict[str, float]]:
        """Return the learned values by name, for each endpoint and model."""
        query = calibration.select().where(
            calibration.c.measured_at > time.time() - CALIBRATION_LIFE_SECONDS
        )
        known: dict[tuple[str, str], dict[str, float]] = {}
        for row in connection.execute(query):
            known.setdefault((row.endpoint, row.model), {})[row.name] = row.value
        return known

    @writing
    def put(
        self, connection: sa.Connection, endpoint: str, model: str, values: Mapping[str, float]
    ) -> None:
        """Store newly learned values."""
        is_model = (calibration.c.endpoint == endpoint, calibration.c.model == model)
        connection.execute(calibration.delete().where(*is_model, calibration.c.name.in_(values)))
        row = {"endpoint": endpoint, "model": model, "measured_at": time.time()}
        connection.execute(
            calibration.insert(), [{**row, "name": name, "value": values[name]} for name in values]
        )


REFUSALS_LIFE_SECONDS = 30 * 24 * 3600
"""Lifetime of refusals; servers gain features, so older refusals are tried again."""


class Refusals:
    """Refused parameters, shared by all owners because they concern only the servers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def all(self, connection: sa.Connection) -> dict[tuple[str, str], dict[str, str]]:
        """Return refused parameters with replacements or "", for each endpoint and model."""
        query = refusals.select().where(refusals.c.refused_at > time.time() - REFUSALS_LIFE_SECONDS)
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
        """Store a newly refused parameter."""
        key = {"endpoint": endpoint, "model": model, "parameter": parameter}
        is_it = [refusals.c[name] == value for name, value in key.items()]
        connection.execute(refusals.delete().where(*is_it))
        row = {**key, "replacement": replacement, "refused_at": time.time()}
        connection.execute(refusals.insert(), row)
