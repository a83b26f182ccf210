"""Stored data after the process was killed at any moment of an answer."""

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.store import Message, State, Store
from tests.answers.asking import OWNER
from tests.conftest import wait_until
from tests.servers.endpoint import FakeEndpoint, Reply
from tests.servers.processes import run_module

KILLS = {"sqlite": 20, "postgresql": 5}
"""There the database is a process of its own, which lives on."""

OLD_ENOUGH_SECONDS = 1.0
"""All text that had come this long before the kill must be there."""


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_in_twenty_kills_in_a_row(
    database_url: str, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    # Answers of 0.3 s, so that kills fall between two, and of many seconds, so that most do not.
    short, long = (Reply(["word "] * count, seconds_between=0.01) for count in (30, 5000))
    chance = random.Random(2022)
    asked: list[str] = []
    cut = 0
    kills = KILLS[database_url.split(":")[0]]
    for _ in range(kills):
        endpoint.replies = [short, long]
        said, killed_at = ask_and_kill(database_url, endpoint, tmp_path, chance.uniform(0, 2))
        asked += [line["conversation"] for line in said if "conversation" in line]
        store = Store(database_url)
        last = newest_answer(store, asked[-1])
        # Its own last words: a process that was kept waiting could not save either.
        last_words_at = max((line["at"] for line in said if "at" in line), default=killed_at)
        sure = [
            line["characters"]
            for line in said
            if line.get("answer") == last.id and line["at"] < last_words_at - OLD_ENOUGH_SECONDS
        ]
        assert len(last.content) >= max(sure, default=0)
        assert last.content == ("word " * 5000)[: len(last.content)]
        cut += last.state is State.ANSWERING
        for conversation_id in asked:
            question, *_ = store.messages.branch(OWNER, conversation_id, 2)
            assert question.content == "Question"
        store.close()
    assert cut > kills // 2


def test_what_was_cut_is_marked_once_nobody_answers_any_more(
    database_url: str, endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.default_reply = Reply(["word "] * 5000, seconds_between=0.01)
    said, _ = ask_and_kill(
        database_url, endpoint, tmp_path, 3 * OLD_ENOUGH_SECONDS, after_characters=10
    )
    monkeypatch.setattr("chatbot.store.checkpoints.HEARTBEAT_TIMEOUT_SECONDS", 0)
    store = Store(database_url)
    last = newest_answer(store, said[0]["conversation"])
    assert last.state is State.CUT_SHORT
    assert [found.message_id for found in store.search.find(OWNER, "word", 9)] == [last.id]
    store.close()


def newest_answer(store: Store, conversation_id: str) -> Message:
    return store.messages.branch(OWNER, conversation_id, 1)[-1]


def ask_and_kill(
    database_url: str,
    endpoint: FakeEndpoint,
    folder: Path,
    seconds: float,
    after_characters: int = 0,
) -> tuple[list[dict[str, Any]], float]:
    """Start a process that asks, and kill it.

    Wait for its first acknowledged question and for `after_characters` of an answer, then
    `seconds`. Returns the lines that the process printed, and the time at which it was killed.
    """
    said = folder / "said.txt"
    said.write_text("")
    arguments = [database_url, endpoint.base_url]
    process = run_module("tests.answers.asking", arguments, folder, os.environ, said)

    def has_begun() -> bool:
        assert process.is_alive(), said.read_text("utf-8")
        lines = list(parsed(said))
        return bool(lines) and max(line.get("characters", 0) for line in lines) >= after_characters

    wait_until(has_begun, 30)
    time.sleep(seconds)
    killed_at = time.time()
    process.kill()
    process.join()
    return list(parsed(said)), killed_at


def parsed(said: Path) -> Iterator[dict[str, Any]]:
    for line in said.read_text("utf-8").splitlines():
        if line.rstrip().endswith("}"):  # the last may have been cut by the kill
            yield json.loads(line)
