"""Listing, opening and searching in a large store: 50,000 conversations with 100,000 messages.

    .venv/bin/python -m benchmarks.store [postgresql://…]

Fills an empty store in a temporary folder, or a new schema of a PostgreSQL database, and prints the
median and the slowest time of each call in milliseconds. One visitor owns nearly all conversations;
another has ten old ones, whose calls show the cost of other visitors' data. `--plans` also prints
the database's plan for each query.
"""

import argparse
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from chatbot.store import Message, Store, new_conversation, new_id
from chatbot.store.schema import conversations, messages, passages
from chatbot.store.search_text import words

CONVERSATIONS = 50_000
LONG_CONVERSATION_MESSAGES = 10_000
BATCH = 5_000
REPEATS = 9

BUSY, QUIET = "busy visitor", "quiet visitor"
QUIET_CONVERSATIONS = 10

QUERIES = (
    "the",
    "的",
    "zyzzyva",
    "鼹鼠",
    "是不了",
    "they have",
    "th",
    "the 的",
    "aardvark",
    "none",
)
"""Common and rare words and phrases; the aardvark is only in the oldest hundredth."""

ENGLISH = ("the", "of", "and", "to", "in", "is", "you", "that", "it", "for", "was", "they", "have")
CHINESE = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年"
)


def main() -> None:
    """Fill a store and measure it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", help="a PostgreSQL database; default: SQLite")
    parser.add_argument("--plans", action="store_true", help="also print each query's plan")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = _new_schema(options.url) if options.url else f"sqlite:///{folder}/store.db"
        store = Store(url)
        started = time.perf_counter()
        _fill(store)
        print(f"filled in {time.perf_counter() - started:.0f} s")
        statements = _watch(store)
        for name, call in _calls(store):
            result = call()
            statements.clear()
            seconds = [_timed(call) for _ in range(REPEATS)]
            size = f"{len(result)} rows" if isinstance(result, list) else ""
            middle, slowest = statistics.median(seconds) * 1000, max(seconds) * 1000
            print(f"{name:46} {middle:8.1f} ms, at most {slowest:8.1f} ms  {size}")
            if options.plans:
                _print_plans(store, statements)
        store.close()


def _calls(store: Store) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Return the operations to measure by name."""
    first_page = store.conversations.page(BUSY, 31)
    for owner in (BUSY, QUIET):
        yield f"list, {owner}", partial(store.conversations.page, owner, 31)
    short, long = first_page[1].id, store.conversations.page(BUSY, 1)[0].id
    for name, conversation_id in (
        ("short", short),
        (f"{LONG_CONVERSATION_MESSAGES:,} messages", long),
    ):
        yield f"open, {name}", partial(store.conversations.get, BUSY, conversation_id)
        newest = partial(store.messages.branch, BUSY, conversation_id, 31)
        yield f"its newest 31 messages, {name}", newest
    for query in (
        "the",
        "的",
        "zyzzyva",
        "鼹鼠",
        "是不了",
        "they have",
        "th",
        "the 的",
        "aardvark",
        "nothing",
    ):
        for owner in (BUSY, QUIET):
            yield f"search {query!r}, {owner}", partial(store.search.find, owner, query, 20)
    yield (
        "delete and undo",
        lambda: (
            store.trash.delete(BUSY, short),
            store.trash.undo_delete(BUSY, short),
        ),
    )
    yield "rename", lambda: store.conversations.rename(BUSY, short, f"Name {new_id()}")
    yield (
        "add a conversation",
        lambda: store.conversations.add(
            BUSY,
            new := new_conversation("New", {}),
            [Message(new_id(), new.id, None, "user", "Hi")],
        ),
    )


def _fill(store: Store) -> None:
    """Spread the conversations over two years, the quiet visitor's conversations first."""
    dice = random.Random(1)
    now = time.time()
    rows: list[tuple[dict[str, Any], list[Message]]] = []
    total = QUIET_CONVERSATIONS + CONVERSATIONS
    for number in range(total):
        owner = QUIET if number < QUIET_CONVERSATIONS else BUSY
        when = now - (total - number) * 1200
        count = LONG_CONVERSATION_MESSAGES if number == total - 1 else 2
        conversation = new_conversation(_text(dice, 6), {})
        turns = _turns(dice, conversation.id, count, when)
        if number < CONVERSATIONS // 100:
            turns[-1] = replace(turns[-1], content=turns[-1].content + " aardvark")
        row = {
            **vars(conversation),
            "owner": owner,
            "activity": number + 1,
            "created_at": when,
            "updated_at": when,
            "leaf_id": turns[-1].id,
            "last_sequence": count,
        }
        rows.append((row, turns))
        if len(rows) == BATCH or number == total - 1:
            _insert(store, rows)
            rows = []


def _turns(dice: random.Random, conversation_id: str, count: int, when: float) -> list[Message]:
    turns: list[Message] = []
    for place in range(1, count + 1):
        role = "user" if place % 2 else "assistant"
        parent = turns[-1].id if turns else None
        text = _text(dice, 12 if role == "user" else 80)
        if dice.random() < 0.0005:
            text += " zyzzyva 鼹鼠"
        turns.append(
            Message(
                new_id(), conversation_id, parent, role, text,
                sequence=place, created_at=when, saved_at=when,
            )
        )  # fmt: skip
    return turns


def _text(dice: random.Random, length: int) -> str:
    """Generate texts with realistic word frequencies, half of them in Chinese."""
    if dice.random() < 0.5:
        return "".join(dice.choices(CHINESE, range(len(CHINESE), 0, -1), k=2 * length))
    common = dice.choices(ENGLISH, range(len(ENGLISH), 0, -1), k=length)
    return " ".join(
        word if dice.random() < 0.6 else f"{word}{dice.randrange(3000)}" for word in common
    )


def _insert(store: Store, rows: list[tuple[dict[str, Any], list[Message]]]) -> None:
    searchable = [
        {"conversation_id": row["id"], "message_id": message_id, "words": words(text)}
        for row, turns in rows
        for message_id, text in [
            (None, row["title"]),
            *((message.id, message.content) for message in turns),
        ]
    ]
    with store._database.engine.begin() as connection:
        connection.execute(conversations.insert(), [row for row, _ in rows])
        connection.execute(
            messages.insert(), [vars(message) for _, turns in rows for message in turns]
        )
        connection.execute(passages.insert(), searchable)


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _watch(store: Store) -> dict[str, Any]:
    """Record all statements executed from now on, with their parameters."""
    seen: dict[str, Any] = {}

    @sa.event.listens_for(store._database.engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            seen[statement] = given

    return seen


def _print_plans(store: Store, statements: dict[str, Any]) -> None:
    is_sqlite = store._database.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN ANALYZE"
    with store._database.engine.connect() as connection:
        for statement, given in list(statements.items()):
            for row in connection.exec_driver_sql(f"{explain} {statement}", given):
                print("    ", row[-1])


def _new_schema(url: str) -> str:
    """Create an empty schema in a database that may contain other data."""
    engine = sa.create_engine(url)
    schema = f"benchmark_{secrets.token_hex(4)}"
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    engine.dispose()
    print(f"schema {schema}: drop it when you are done")
    options = {"options": f"-csearch_path={schema}"}
    return engine.url.update_query_dict(options).render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
