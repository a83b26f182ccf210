"""Database engines: SQLite with safe settings, PostgreSQL with its defaults."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

SQLITE_BUSY_SECONDS = 5
"""Longest wait for another process that is writing."""


def create_engine(url: sa.URL) -> sa.Engine:
    # `hide_parameters`, because exceptions are logged and must not contain people's texts.
    if url.get_backend_name() != "sqlite":
        # A database without an encoding, the default on minimal systems, would return bytes.
        encoding = {"client_encoding": "utf8"}
        return sa.create_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args=encoding
        )
    options: dict[str, Any] = {"connect_args": {"timeout": SQLITE_BUSY_SECONDS}}
    if not url.database:
        # A database in memory is a single connection, used by one thread at a time.
        options = {
            "connect_args": {"check_same_thread": False},
            "poolclass": sa.QueuePool,
            "pool_size": 1,
            "max_overflow": 0,
        }
    engine = sa.create_engine(url, hide_parameters=True, **options)

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Readers need no lock. A writer takes it at once: upgrading later fails under load.
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def open_only_existing_file(
    _dialect: sa.Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
) -> None:
    """Open the file without creating it, because a removed file must be restored completely."""
    if not str(arguments[0]).startswith("file:"):
        arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
        options["uri"] = True


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers and one writer work concurrently.

    SQLite does not wait for other processes when a new file's mode changes, so this retries.
    """
    deadline = time.monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
