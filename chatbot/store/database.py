"""The database: opening, migration, and transactions.

`reading` and `writing` run a method in a transaction, and translate every exception of the library
into a ChatbotError whose code names the fault.
"""

import functools
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store import schema
from chatbot.store.database_errors import error_code_of, translated
from chatbot.store.engine import SQLITE_BUSY_SECONDS, create_engine, open_only_existing_file

log = logging.getLogger(__name__)

REVISION = "0012"
"""The newest migration; a database with this revision needs no change at the start."""

MIGRATION_LOCK = 20260001
"""An arbitrary lock number, so that processes migrate one after the other on PostgreSQL."""

P = ParamSpec("P")
R = TypeVar("R")


class _UsesDatabase(Protocol):
    _database: "Database"


S = TypeVar("S", bound=_UsesDatabase)


def reading(
    method: Callable[Concatenate[S, sa.Connection, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Run a method in a read-only transaction."""

    @functools.wraps(method)
    def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with translated(), self._database.reader.begin() as connection:
            return method(self, connection, *args, **kwargs)

    return wrapper


def writing(
    method: Callable[Concatenate[S, sa.Connection, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Run a method in one transaction: all of its changes are stored, or none.

    If the connection is lost, the method runs again. The lost commit may have succeeded, so the
    method must recognize its own changes.
    """

    @functools.wraps(method)
    def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with translated():
            self._database.restore_removed_file()
            try:
                with self._database.turn(), self._database.engine.begin() as connection:
                    return method(self, connection, *args, **kwargs)
            except sa.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            with self._database.turn(), self._database.engine.begin() as connection:
                return method(self, connection, *args, **kwargs)

    return wrapper


class Database:
    """A migrated database. Raises ChatbotError("store_open") if the database cannot be used.

    A damaged file is renamed, never deleted, and a new database is created; `notices` then
    contains a ChatbotError that says so.
    """

    def __init__(self, url: str) -> None:
        self.notices: list[ChatbotError] = []
        self._inode: int | None = None
        self._restoring = threading.Lock()
        self._writing = threading.Lock()
        try:
            parsed = sa.make_url(url)
            is_file = parsed.get_backend_name() == "sqlite" and parsed.database
            self._file = Path(str(parsed.database)) if is_file else None
            try:
                self._open(parsed)
            except sa.exc.DatabaseError as error:
                if not self._file or error_code_of(error) != "store_damaged":
                    raise
                self._begin_anew(parsed, self._file)
        except (sa.exc.SQLAlchemyError, OSError, ValueError, ImportError) as error:
            # These include unknown options, ports and drivers.
            raise ChatbotError("store_open") from error

    def _open(self, url: sa.URL) -> None:
        if self._file:
            # Conversations are private: no other user of this machine may read the folder.
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine = create_engine(url)
        self.reader = self.engine.execution_options(reads_only=True)
        try:
            with self.engine.begin() as connection:
                _bring_up_to_date(connection)
        except BaseException:  # no caller can close the engine
            self.close()
            raise
        if self._file:
            self._inode = self._file.stat().st_ino
            sa.event.listen(self.engine, "do_connect", open_only_existing_file)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn to write. Raises ChatbotError("store_locked") after a timeout.

        SQLite allows one writer, and waiting writers poll in no fair order, so that some would
        wait for seconds under load. PostgreSQL allows many writers.
        """
        if self.engine.dialect.name != "sqlite":
            yield
            return
        if not self._writing.acquire(timeout=SQLITE_BUSY_SECONDS):
            raise ChatbotError("store_locked")
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _begin_anew(self, url: sa.URL, file: Path) -> None:
        """Rename a damaged file and create a new one, unless another process has just done so."""
        from filelock import FileLock

        self.close()
        with FileLock(f"{file}.lock"):
            try:
                self._open(url)
                return
            except sa.exc.DatabaseError:
                self.close()
            kept = file.with_name(f"{file.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            for ending in ("", "-wal", "-shm"):
                part = file.with_name(file.name + ending)
                if part.exists():
                    part.rename(kept.with_name(kept.name + ending))
            log.error("%s is no database; it is kept as %s", file, kept)
            self.notices.append(ChatbotError("store_put_aside", name=kept.name))
            self._open(url)

    def restore_removed_file(self) -> None:
        """Write the file again if it was removed or replaced while it is open.

        SQLite would continue to write to the file without a name.
        """
        if not self._file or self._inode is None:
            return
        with self._restoring:
            self._restore(self._file)

    def _restore(self, file: Path) -> None:
        try:
            if file.stat().st_ino == self._inode:
                return
            self._inode = file.stat().st_ino  # replaced by another file
            self.engine.dispose()
            return
        except FileNotFoundError:
            pass
        log.error("%s was removed while it was open; writing it again", file)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.reader.connect() as connection:
            open_file = connection.connection.driver_connection
            assert isinstance(open_file, sqlite3.Connection)
            with sqlite3.connect(file) as anew:
                open_file.backup(anew)
            anew.close()
        self.engine.dispose()
        self._inode = file.stat().st_ino
        self.notices.append(ChatbotError("store_restored"))


def one_after_the_other(connection: sa.Connection, lock: int) -> None:
    """Wait for other transactions with the same lock number. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _bring_up_to_date(connection: sa.Connection) -> None:
    """Create the tables, or migrate the tables of an earlier version, in one transaction."""
    one_after_the_other(connection, MIGRATION_LOCK)
    tables = set(sa.inspect(connection).get_table_names())
    version = sa.table("alembic_version", sa.column("version_num", sa.String(32)))
    if "conversations" not in tables:
        schema.metadata.create_all(connection)
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
        connection.execute(version.insert().values(version_num=REVISION))
        return
    is_known = "alembic_version" in tables
    if is_known and connection.scalar(sa.select(version.c.version_num)) == REVISION:
        return
    from alembic import command  # takes half a second, and is needed only once after an update
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if not is_known:
        command.stamp(config, "0001")  # the first version stored no revision
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # a later version of the app wrote it
        raise ValueError("unknown revision") from error
