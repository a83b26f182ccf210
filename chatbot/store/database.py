"""The database itself: how it is opened, brought up to date, written to and read.

`reading` and `writing` turn a method into one transaction, and every exception
of the library into a ChatbotError whose code says what is wrong with the database.
"""

import functools
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

from chatbot.errors import ChatbotError
from chatbot.store import schema

log = logging.getLogger(__name__)

SQLITE_BUSY_SECONDS = 5
"""How long to wait for another process that is writing."""

REVISION = "0009"
"""The newest migration: a database of this revision is not touched at the start."""

MIGRATION_LOCK = 20260001
"""Any number of our own, by which processes that start together agree on PostgreSQL."""

P = ParamSpec("P")
R = TypeVar("R")


class _UsesDatabase(Protocol):
    _database: "Database"


S = TypeVar("S", bound=_UsesDatabase)


def reading(
    method: Callable[Concatenate[S, sa.Connection, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Call a method in a transaction that only reads."""

    @functools.wraps(method)
    def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with _translated(), self._database.reader.begin() as connection:
            return method(self, connection, *args, **kwargs)

    return wrapper


def writing(
    method: Callable[Concatenate[S, sa.Connection, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Call a method in one transaction: all of it is kept, or nothing.

    It is called again when the connection is lost, and then finds what it wrote
    if that was kept: nobody can tell whether a lost commit took place.
    """

    @functools.wraps(method)
    def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with _translated():
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


@contextmanager
def _translated() -> Iterator[None]:
    """The one seam: whatever goes wrong with the database leaves as a ChatbotError."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise ChatbotError(_code_of(error)) from error


_POSTGRESQL_CODES = {"53100": "store_full", "25006": "store_read_only"}
"""Of the appendix "PostgreSQL Error Codes": disk_full, read_only_sql_transaction."""


def _code_of(error: Exception) -> str:
    """What is wrong, by SQLite's own names (sqlite.org/rescode.html) or PostgreSQL's codes."""
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


class Database:
    """One database, brought up to date. Raises ChatbotError("store_open") if it cannot be used.

    A file that is no database is put aside, never deleted, and a new one is begun;
    `notices` then holds a ChatbotError that says so.
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
                if not self._file or _code_of(error) != "store_damaged":
                    raise
                self._begin_anew(parsed, self._file)
        except (sa.exc.SQLAlchemyError, OSError, ValueError, ImportError) as error:
            # Among them no such option, port or driver.
            raise ChatbotError("store_open") from error

    def _open(self, url: sa.URL) -> None:
        if self._file:
            # Conversations are private: no other user of this machine may read the folder.
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine = _create_engine(url)
        self.reader = self.engine.execution_options(reads_only=True)
        try:
            with self.engine.begin() as connection:
                _bring_up_to_date(connection)
        except BaseException:  # nobody else will close it
            self.close()
            raise
        if self._file:
            self._inode = self._file.stat().st_ino
            sa.event.listen(self.engine, "do_connect", _open_only_what_is_there)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn to write. Raises ChatbotError("store_locked") if it does not come.

        SQLite has one writer at a time; who waits for it sleeps and asks again, whoever came first:
        of 100 people who asked within 5 s some waited 4 s. PostgreSQL has many writers.
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
        """Put a file aside that is no database, unless another process has just done so."""
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
        """Write the file anew if it was removed or replaced while it is open.

        SQLite would go on writing to what has no name any more.
        """
        if not self._file or self._inode is None:
            return
        with self._restoring:
            self._restore(self._file)

    def _restore(self, file: Path) -> None:
        try:
            if file.stat().st_ino == self._inode:
                return
            self._inode = file.stat().st_ino  # somebody put another file in its place
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
    """Wait for others that call this with the same number. SQLite has one writer in any case."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _bring_up_to_date(connection: sa.Connection) -> None:
    """Create the tables, or change those of an earlier version, all in one transaction."""
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
    from alembic import command  # half a second, and only once after an update
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if not is_known:
        command.stamp(config, "0001")  # the first version kept no number
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # a later version of the app wrote it
        raise ValueError("unknown revision") from error


def _create_engine(url: sa.URL) -> sa.Engine:
    # An exception's text must not hold what people wrote: it goes to the log.
    if url.get_backend_name() != "sqlite":
        # A database of no encoding, as bare systems make it, would hand out bytes.
        encoding = {"client_encoding": "utf8"}
        return sa.create_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args=encoding
        )
    options: dict[str, Any] = {"connect_args": {"timeout": SQLITE_BUSY_SECONDS}}
    if not url.database:
        # A database in memory is one connection, lent to one thread after the other.
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
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # Readers need no lock. A writer takes it at once: upgrading later fails under load.
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine


def _open_only_what_is_there(
    _dialect: sa.Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
) -> None:
    """Open the file, but do not create it: a removed one is to be written again with all in it."""
    if not str(arguments[0]).startswith("file:"):
        arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
        options["uri"] = True


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers and one writer work side by side.

    Changing a new file's mode does not wait for other processes by itself.
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
