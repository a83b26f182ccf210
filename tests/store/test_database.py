"""The database: older versions, damaged files, and several processes at once."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from chatbot.errors import ChatbotError
from chatbot.store import Message, State, Store, new_id, schema
from chatbot.store.database import REVISION
from tests.conftest import start_conversation
from tests.servers.processes import call_at_once

ME = "me"
FIRST_VERSION = Path(__file__).parents[1] / "data/schema_0001.sql"
PARTIAL_INDEXES = {"conversations_deleted", "messages_answering"}
MIGRATIONS = Path(schema.__file__).parent / "migrations"


@pytest.fixture
def older_url(database_url: str) -> str:
    """A database as the first version of the app left it."""
    script = FIRST_VERSION.read_text("utf-8")
    if database_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(sa.make_url(database_url).database or "")) as file:
            file.executescript(script)
        return database_url
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        lines = script.replace("BEGIN TRANSACTION;", "").replace("COMMIT;", "")
        connection.exec_driver_sql(lines)
    engine.dispose()
    return database_url


def test_the_revision_a_new_database_gets_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_an_older_database_opens_with_everything_in_it(older_url: str) -> None:
    store = Store(older_url)
    titles = [conversation.title for conversation in store.conversations.page(ME, 10)]
    assert titles == ["Cleared away", "A plan for the weekend", "北京今天天气怎么样？"]
    cleared, plan, weather = store.conversations.page(ME, 10)
    branch = store.messages.branch(ME, weather.id, 10)
    assert [message.content for message in branch] == ["北京今天天气怎么样？", "晴转多云。"]
    assert [message.sequence for message in branch] == [1, 3]
    [versions] = store.messages.versions(ME, branch).values()
    assert len(versions) == 2
    assert store.messages.branch(ME, plan.id, 10)[-1].state is State.CUT_SHORT
    assert [found.text for found in store.search.find(ME, "高 5 度", 10)] == ["晴，最高 5 度。"]
    assert [message.content for message in store.messages.all(ME, cleared.id)] == ["Begun anew"]
    asked = Message(new_id(), weather.id, branch[-1].id, "user", "And tomorrow?")
    [asked] = store.messages.add(ME, [asked], branch[-1].id)
    assert asked.sequence == 4
    store.close()


def test_a_conversation_cleared_by_an_older_version_is_in_the_trash(older_url: str) -> None:
    engine = sa.create_engine(older_url)
    with engine.begin() as connection:
        cleared_id = connection.scalar(
            sa.text("SELECT id FROM conversations WHERE title = 'Cleared away'")
        )
        connection.execute(sa.text("DELETE FROM messages WHERE content = 'Begun anew'"))
        connection.execute(
            sa.text("UPDATE conversations SET leaf_id = NULL, cleared_at = :now WHERE id = :id"),
            {"now": time.time(), "id": cleared_id},
        )
    engine.dispose()
    store = Store(older_url)
    assert cleared_id not in store.conversations.ids(ME)
    store.trash.undo_delete(ME, cleared_id)
    branch = store.messages.branch(ME, cleared_id, 10)
    assert [message.content for message in branch] == ["Cleared away"]
    store.close()


def test_an_older_database_becomes_the_same_as_a_new_one(older_url: str) -> None:
    Store(older_url).close()
    engine = sa.create_engine(older_url)
    with engine.connect() as connection:
        ours = {*schema.metadata.tables, *(index.name for index in indexes())}
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_object": lambda _, name, *__: name in ours},
        )
        # The first version's state column was a plain string of the same length.
        assert compare_metadata(context, schema.metadata) == []
        found = set(sa.inspect(connection).get_table_names())
        named = names_of_indexes(connection)
    engine.dispose()
    assert set(schema.metadata.tables) < found
    assert named >= PARTIAL_INDEXES


def test_a_new_database_has_all_indexes(database_url: str) -> None:
    Store(database_url).close()
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        named = names_of_indexes(connection)
    engine.dispose()
    assert named >= {index.name for index in indexes()} | PARTIAL_INDEXES


def names_of_indexes(connection: sa.Connection) -> set[str | None]:
    inspector = sa.inspect(connection)
    tables = schema.metadata.tables
    return {index["name"] for table in tables for index in inspector.get_indexes(table)}


def indexes() -> Iterator[sa.Index]:
    for table in schema.metadata.tables.values():
        yield from table.indexes


def test_a_migration_that_is_interrupted_changes_nothing(
    older_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_text: str) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("chatbot.store.search_text.words", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Store(older_url)
    engine = sa.create_engine(older_url)
    columns = [column["name"] for column in sa.inspect(engine).get_columns("messages")]
    assert "sequence" not in columns
    assert "passages" not in sa.inspect(engine).get_table_names()
    engine.dispose()
    store = Store(older_url)
    assert len(store.conversations.page(ME, 10)) == 3
    store.close()


def open_and_count(url: str) -> int:
    store = Store(url)
    count = len(store.conversations.page(ME, 10))
    store.close()
    return count


def open_three_times_at_once(url: str) -> list[int]:
    return call_at_once(open_and_count, url, times=3)


def test_processes_that_start_at_once_create_the_tables_once(database_url: str) -> None:
    assert open_three_times_at_once(database_url) == [0, 0, 0]


def test_processes_that_start_at_once_bring_it_up_to_date_once(older_url: str) -> None:
    assert open_three_times_at_once(older_url) == [3, 3, 3]


def test_processes_that_start_at_once_put_a_broken_file_aside_once(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert open_three_times_at_once(url) == [0, 0, 0]
    assert len(list(path.parent.glob("chat.db.damaged-*"))) == 1


# Databases that fail


def file_of(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "kept/chat.db"
    path.parent.mkdir()
    return path, f"sqlite:///{path}"


def test_a_file_that_is_no_database_is_kept_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    store = Store(url)
    start_conversation(store, ME, "Hello", {})
    [notice] = store.pop_notices()
    assert notice.code == "store_put_aside"
    [aside] = path.parent.glob("chat.db.damaged-*")
    assert aside.name in str(notice)
    assert aside.read_bytes().startswith(b"not a database")
    assert store.pop_notices() == []
    store.close()


def test_a_file_removed_while_it_is_open_is_written_again(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    store = Store(url)
    kept = start_conversation(store, ME, "Hello", {})
    for file in path.parent.iterdir():
        file.unlink()
    later = start_conversation(store, ME, "Later", {})
    assert [notice.code for notice in store.pop_notices()] == ["store_restored"]
    store.close()
    again = Store(url)
    assert again.conversations.page(ME, 10) == [later, kept]
    again.close()


def test_a_file_removed_with_its_folder_is_written_again(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    store = Store(url)
    kept = start_conversation(store, ME, "Hello", {})
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    store.conversations.rename(ME, kept.id, "Still here")
    store.close()
    again = Store(url)
    assert [conversation.title for conversation in again.conversations.page(ME, 9)] == [
        "Still here"
    ]
    again.close()


def test_another_file_put_in_its_place_is_used_from_then_on(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    backup = tmp_path / "backup.db"
    other = Store(f"sqlite:///{backup}")
    old = start_conversation(other, ME, "From a backup", {})
    other.close()
    store = Store(url)
    start_conversation(store, ME, "Hello", {})
    for file in path.parent.iterdir():
        file.unlink()
    os.replace(backup, path)
    start_conversation(store, ME, "Later", {})
    titles = [conversation.title for conversation in store.conversations.page(ME, 9)]
    assert titles == ["Later", old.title]
    store.close()


def test_a_locked_database_is_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbot.store.engine.SQLITE_BUSY_SECONDS", 0.1)
    path, url = file_of(tmp_path)
    store = Store(url)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ChatbotError) as caught:
            start_conversation(store, ME, "Hello", {})
        assert caught.value.code == "store_locked"
        assert store.conversations.page(ME, 10) == []  # reading goes on
        other.execute("COMMIT")
    start_conversation(store, ME, "Hello", {})
    store.close()


def test_a_full_disk_is_named_so_and_reading_goes_on(tmp_path: Path) -> None:
    _, url = file_of(tmp_path)
    store = Store(url)
    kept = start_conversation(store, ME, "Hello", {})
    fill_the_disk(store)
    with pytest.raises(ChatbotError) as caught:
        start_conversation(store, ME, "x" * 60, {"system_prompt": "x" * 100_000})
    assert caught.value.code == "store_full"
    assert store.conversations.page(ME, 10) == [kept]
    store.close()


def fill_the_disk(store: Store) -> None:
    """From now on, as if there were no room left: SQLite's own limit gives the same error."""
    engine = store._database.engine
    sa.event.listen(
        engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1")
    )


def test_a_database_that_may_not_be_written_to_is_named_so(tmp_path: Path) -> None:
    _, url = file_of(tmp_path)
    store = Store(url)
    kept = start_conversation(store, ME, "Hello", {})
    engine = store._database.engine
    sa.event.listen(
        engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA query_only = 1")
    )
    with pytest.raises(ChatbotError) as caught:
        store.conversations.rename(ME, kept.id, "Other")
    assert caught.value.code == "store_read_only"
    store.close()


def test_a_damaged_database_is_named_so_and_put_aside_at_the_next_start(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    store = Store(url)
    for number in range(200):
        start_conversation(store, ME, f"Conversation {number}", {"system_prompt": "x" * 500})
    store.close()
    running = Store(url)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    with pytest.raises(ChatbotError) as caught:
        running.conversations.page(ME, 1000)
    assert caught.value.code == "store_damaged"
    running.close()
    again = Store(url)
    assert again.conversations.page(ME, 1000) == []
    assert [notice.code for notice in again.pop_notices()] == ["store_put_aside"]
    again.close()


def test_a_lost_connection_is_tried_again_without_writing_twice(postgresql: str) -> None:
    from tests.conftest import empty_postgresql_database

    store = Store(empty_postgresql_database(postgresql))
    conversation = start_conversation(store, ME, "Hello", {})
    engine = store._database.engine
    lost: list[int] = []

    @sa.event.listens_for(engine, "commit")
    def _drop(connection: sa.Connection) -> None:
        if not lost:
            # Kept, but the connection is cut before that can be told.
            driver = connection.connection.driver_connection
            assert driver
            lost.append(driver.info.backend_pid)
            driver.execute("COMMIT")
            other = sa.create_engine(engine.url)
            with other.connect() as bystander:
                bystander.exec_driver_sql(f"SELECT pg_terminate_backend({lost[0]})")
            other.dispose()

    asked = Message(new_id(), conversation.id, None, "user", "Once")
    answer = Message(new_id(), conversation.id, asked.id, "assistant", "Yes")
    store.messages.add(ME, [asked, answer], None)
    assert lost
    branch = store.messages.branch(ME, conversation.id, 10)
    assert [(message.content, message.sequence) for message in branch] == [("Once", 1), ("Yes", 2)]
    store.close()


def test_a_database_without_an_encoding_keeps_every_character(postgresql: str) -> None:
    server = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE bare TEMPLATE template0 ENCODING 'SQL_ASCII'"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    store = Store(server.url.set(database="bare").render_as_string(hide_password=False))
    words = "你好，wörld 🙂"
    conversation = start_conversation(store, ME, words, {})
    asked = Message(new_id(), conversation.id, None, "user", words)
    store.messages.add(ME, [asked], None)
    [kept] = store.messages.branch(ME, conversation.id, 10)
    assert (kept.content, conversation.title) == (words, words)
    found = store.search.find(ME, "你好", 10)
    assert {one.conversation_id for one in found} == {conversation.id}
    store.close()
    with server.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE bare WITH (FORCE)")
    server.dispose()


def test_a_database_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    path, url = file_of(tmp_path)
    Store(url).close()
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
        file.commit()
    with pytest.raises(ChatbotError) as caught:
        Store(url)
    assert caught.value.code == "store_open"


def test_a_check_tells_that_nothing_more_can_be_written(tmp_path: Path) -> None:
    store = Store(file_of(tmp_path)[1])
    fill_the_disk(store)
    with pytest.raises(ChatbotError) as caught:
        store.check()
    assert caught.value.code == "store_full"
    store.close()


def test_a_postgresql_that_may_only_be_read_is_named_so(postgresql: str) -> None:
    from tests.conftest import empty_postgresql_database

    store = Store(empty_postgresql_database(postgresql))
    kept = start_conversation(store, ME, "Hello", {})
    read_only = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
    sa.event.listen(
        store._database.engine,
        "checkout",
        lambda connection, *_: (connection.execute(read_only), connection.commit()),
    )
    for write in (store.check, lambda: start_conversation(store, ME, "More", {})):
        with pytest.raises(ChatbotError) as caught:
            write()
        assert caught.value.code == "store_read_only"
    assert store.conversations.page(ME, 10) == [kept]
    store.close()
