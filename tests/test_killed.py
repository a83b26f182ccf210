"""What is left when the process is killed in the middle of an answer, at any moment."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chatbot.store import Message, State, Store
from tests.asking import OWNER
from tests.conftest import ROOT
from tests.endpoint import FakeEndpoint, Reply

KILLS = {"sqlite": 20, "postgresql": 5}
"""There the database is a process of its own, which lives on."""

OLD_ENOUGH_SECONDS = 1.0
"""All text that had come this long before the kill must be there."""


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_in_twenty_kills_in_a_row(
    database_url: str, endpoint: FakeEndpoint
) -> None:
    # Answers of 0.3 s, so that kills fall between two, and of many seconds, so that most do not.
    short, long = (Reply(["word "] * count, seconds_between=0.01) for count in (30, 5000))
    chance = random.Random(2022)
    asked: list[str] = []
    cut = 0
    kills = KILLS[database_url.split(":")[0]]
    for _ in range(kills):
        endpoint.replies = [short, long]
        said, killed_at = ask_and_kill(database_url, endpoint, chance.uniform(0, 2))
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
    database_url: str, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.default_reply = Reply(["word "] * 5000, seconds_between=0.01)
    said, _ = ask_and_kill(database_url, endpoint, 3 * OLD_ENOUGH_SECONDS, after_characters=10)
    monkeypatch.setattr("chatbot.store.checkpoints.HEARTBEAT_TIMEOUT_SECONDS", 0)
    store = Store(database_url)
    last = newest_answer(store, said[0]["conversation"])
    assert last.state is State.CUT_SHORT
    assert [found.message_id for found in store.search.find(OWNER, "word", 9)] == [last.id]
    store.close()


def newest_answer(store: Store, conversation_id: str) -> Message:
    return store.messages.branch(OWNER, conversation_id, 1)[-1]


def ask_and_kill(
    database_url: str, endpoint: FakeEndpoint, seconds: float, after_characters: int = 0
) -> tuple[list[dict[str, Any]], float]:
    """Have a process ask, and kill it some time after its first question was acknowledged,
    or after so much of an answer had come.

    Returns what it had said, and when it was killed.
    """
    command = [sys.executable, "-m", "tests.asking", database_url, endpoint.base_url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = [process.stdout.readline()]
    while json.loads(said[-1]).get("characters", 0) < after_characters:
        said.append(process.stdout.readline())
    time.sleep(seconds)
    killed_at = time.time()
    process.kill()
    rest, _ = process.communicate(timeout=30)
    return list(parsed([*said, *rest.splitlines()])), killed_at


def parsed(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.rstrip().endswith("}"):  # the last may have been cut by the kill
            yield json.loads(line)
