"""One answer in progress, and what its followers see of it, wherever it runs."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol

from chatbot.errors import ChatbotError
from chatbot.store import Message, State, Store

CHECKPOINT_SECONDS = 0.7
"""How often the text so far is saved, and looked for by other processes.

Leaves room for the saving itself: text older than one second survives a crash.
"""


class Followed(Protocol):
    """An answer in progress, wherever it runs, as the page sees it."""

    message: Message

    @property
    def text(self) -> str:
        """The answer so far."""

    @property
    def reasoning(self) -> str:
        """What the model thought before it, so far."""

    @property
    def reasoning_seconds(self) -> float | None:
        """For how long it has thought; None if nothing of it was shown."""

    @property
    def read_part(self) -> float | None:
        """How much of a long prompt the model has read, from 0 to 1; None if it does not tell."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be added to the text any more."""

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Block until there is more text than `seen_characters`, or the end, or the time is up."""

    def wait_for_end(self, timeout_seconds: float) -> None:
        """Block until the end, or until the time is up."""


class Answer:
    """One answer in progress, read by any number of followers on their own threads."""

    def __init__(self, message: Message, owner: str) -> None:
        self.owner = owner
        self.message = message
        """As it was last known apart from its text; final once it is not answering any more."""
        self._pieces = [message.content]  # not empty if it goes on with what it had
        self._characters = len(message.content)
        self.begun_with = message
        self.began = time.monotonic()
        self.first_text: float | None = None
        """When the first piece came; like `began` by the monotonic clock."""
        self._thoughts = [message.reasoning] if message.reasoning else []
        self._thought_seconds = message.reasoning_seconds or 0.0
        self._thinking_since: float | None = None
        self.read_part: float | None = None
        """How much of a long prompt the model has read, from 0 to 1; None if it does not tell."""
        self._followers_waiting = 0
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._retry = asyncio.Event()
        self.future: Future[None] | None = None
        self.cost_so_far: Callable[[], float | None] = lambda: None
        """About what it costs as far as it has come, in US dollars; None if nobody knows."""

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def reasoning(self) -> str:
        """What the model thought before it, so far."""
        return "".join(self._thoughts)

    @property
    def reasoning_seconds(self) -> float | None:
        """For how long it has thought; None if nothing of it was shown."""
        if not self._thoughts:
            return None
        since = self._thinking_since
        return self._thought_seconds + (time.monotonic() - since if since is not None else 0)

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be added to the text any more."""
        return self.message.state is not State.ANSWERING

    def snapshot(self) -> Message:
        """The message as it is now, text included."""
        return self.message if self.has_ended else replace(self.message, **self._written())

    def append(self, text: str) -> None:
        """Add a piece and wake the followers. Called on the background loop only."""
        if self.has_ended or not text:
            return
        if self.first_text is None:
            self.first_text = time.monotonic()
        self._stop_thinking()
        self._pieces.append(text)
        self._characters += len(text)
        if self._followers_waiting:
            self._wake()

    def append_reasoning(self, text: str) -> None:
        """Add a piece of what is thought. Wakes nobody: followers look at it now and then."""
        if self.has_ended or not text:
            return
        if self._thinking_since is None:
            self._thinking_since = time.monotonic()
            if self._thoughts:  # of before the answer was continued, or of between its parts
                self._thoughts.append("\n\n")
        self._thoughts.append(text)

    def note_reading(self, part: float) -> None:
        """Note how much of the prompt is read. Wakes nobody, either."""
        self.read_part = part

    def end(self, state: State, **outcome: Any) -> None:
        """Take no more text; `outcome` are further fields of the message. The first end counts."""
        with self._changed:
            if not self.has_ended:
                outcome = {"error": None, **outcome}
                self._stop_thinking()
                self.message = replace(self.message, state=state, **self._written(), **outcome)
            self._changed.notify_all()
        self._ended.set()

    async def pause(self, reason: ChatbotError, seconds: float) -> None:
        """Wait before the model is asked again; meanwhile the message has the reason."""
        self._retry.clear()
        self.message = replace(self.message, error=reason.to_json())
        self._wake()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._retry.wait(), seconds)
        self.message = replace(self.message, error=None)

    def retry_now(self) -> None:
        """End a pause. Called on the background loop only."""
        self.message = replace(self.message, error=None)
        self._retry.set()

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Block until there is more text than `seen_characters`, or the end, or the time is up."""
        with self._changed:
            self._followers_waiting += 1
            try:
                self._changed.wait_for(
                    lambda: (
                        self.has_ended
                        or self._characters > seen_characters
                        or self.message.error is not None
                    ),
                    timeout_seconds,
                )
            finally:
                self._followers_waiting -= 1

    def wait_for_end(self, timeout_seconds: float) -> None:
        """Block until the end, or until the time is up."""
        self._ended.wait(timeout_seconds)

    def _stop_thinking(self) -> None:
        self._thought_seconds = self.reasoning_seconds or 0.0
        self._thinking_since = None

    def _written(self) -> dict[str, Any]:
        return {
            "content": self.text,
            "reasoning": self.reasoning,
            "reasoning_seconds": self.reasoning_seconds,
        }

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class AnswerElsewhere:
    """An answer that another process is giving, seen through its checkpoints in the store."""

    def __init__(self, store: Store, owner: str, message: Message) -> None:
        self.message = message
        self._store = store
        self._owner = owner
        self._next_look = 0.0

    @property
    def text(self) -> str:
        """The answer as of its last checkpoint."""
        return self.message.content

    @property
    def reasoning(self) -> str:
        """What the model thought before it, as of the last checkpoint."""
        return self.message.reasoning

    @property
    def reasoning_seconds(self) -> float | None:
        """For how long it had thought then."""
        return self.message.reasoning_seconds

    @property
    def read_part(self) -> float | None:
        """Only its own process knows that."""
        return None

    @property
    def has_ended(self) -> bool:
        """Whether it is finished, or its process has gone."""
        return self.message.state is not State.ANSWERING

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Look at the store again once a checkpoint may have been made."""
        if len(self.text) > seen_characters or self.has_ended:
            return
        time.sleep(timeout_seconds)
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + CHECKPOINT_SECONDS
        seen = self._store.messages.get(self._owner, self.message.id)
        self.message = cut_if_abandoned(seen or replace(self.message, state=State.CUT_SHORT))

    def wait_for_end(self, timeout_seconds: float) -> None:
        """Block until the time is up: only `wait_for_more` looks at the store."""
        time.sleep(timeout_seconds)


def seconds_to_retry(message: Message) -> float:
    """How long an answer still waits before the model is asked again; 0 if it does not wait."""
    until = (message.error or {}).get("details", {}).get("retry_at")
    if not message.is_running or until is None:
        return 0
    return max(0, float(until) - time.time())


def cut_if_abandoned(message: Message) -> Message:
    """An answer whose process has gone will never end by itself."""
    return replace(message, state=State.CUT_SHORT) if message.is_abandoned else message
