"""Translation of every database failure into a ChatbotError that names the fault."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from chatbot.errors import ChatbotError


@contextmanager
def translated() -> Iterator[None]:
    """Translate every exception of the database into a ChatbotError."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise ChatbotError(error_code_of(error)) from error


_POSTGRESQL_CODES = {"53100": "store_full", "25006": "store_read_only"}
"""From the appendix "PostgreSQL Error Codes": disk_full, read_only_sql_transaction."""


def error_code_of(error: Exception) -> str:
    """Return the code of a fault from SQLite's names (sqlite.org/rescode.html) or PostgreSQL's."""
    cause = getattr(error, "orig", error)
    if code := _POSTGRESQL_CODES.get(getattr(cause, "sqlstate", "")):
        return code
    name = getattr(cause, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "store_locked"
    if name.startswith("SQLITE_FULL"):
        return "store_full"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")):
        return "store_read_only"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return "store_damaged"
    return "store"
