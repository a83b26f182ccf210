"""An answer in progress, in this process or another, as the page follows it."""

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
"""Interval at which the text so far is saved, and read by other processes.

With the time for the saving itself, text older than one second survives a crash.
"""


class Followed(Protocol):
    """An answer in progress as the page follows it, in this process or another."""

    message: Message
    times_taken_back: int

    @property
    def text(self) -> str:
        """The answer so far."""

    @property
    def reasoning(self) -> str:
        """The model's reasoning so far."""

    @property
    def reasoning_seconds(self) -> float | None:
        """Seconds of reasoning so far; None if the model showed no reasoning."""

    @property
    def read_part(self) -> float | None:
        """The part of a long prompt that the model has read, from 0 to 1; None if not reported."""

    @property
    def has_ended(self) -> bool:
        """True if the text is final."""

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Block until there is more text than `seen_characters`, the answer ends, or a timeout."""

    def wait_for_end(self, timeout_seconds: float) -> None:
        """Block until the answer ends, or a timeout."""


class Answer:
    """An answer of this process, read by any number of followers on their own threads."""

    def __init__(self, message: Message, owner: str) -> None:
        self.owner = owner
        self.message = message
        """The message without its latest text; complete once the answer has ended."""
        self._pieces = [message.content]  # not empty if an answer is continued
        self._characters = len(message.content)
        self.begun_with = message
        self.began = time.monotonic()
        self.was_sent = False
        """The question was sent to the model, and the model was not busy."""
        self.first_text: float | None = None
        """Arrival of the first piece of text, on the monotonic clock like `began`."""
        self._thoughts = [message.reasoning] if message.reasoning else []
        self._thought_seconds = message.reasoning_seconds or 0.0
        self._thinking_since: float | None = None
        self.times_taken_back = 0
        """Count of times that text turned out to be reasoning; each time, redraw the answer."""
        self.read_part: float | None = None
        """The part of a long prompt that the model has read, from 0 to 1; None if not reported."""
        self._followers_waiting = 0
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._retry = asyncio.Event()
        self.future: Future[None] | None = None
        self.cost_so_far: Callable[[], float | None] = lambda: None
        """Returns the estimated cost so far in US dollars; None if the price is unknown."""

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def reasoning(self) -> str:
        """The model's reasoning so far."""
        return "".join(self._thoughts)

    @property
    def reasoning_seconds(self) -> float | None:
        """Seconds of reasoning so far; None if the model showed no reasoning."""
        if not self._thoughts:
            return None
        since = self._thinking_since
        return self._thought_seconds + (time.monotonic() - since if since is not None else 0)

    @property
    def has_ended(self) -> bool:
        """True if the text is final."""
        return self.message.state is not State.ANSWERING

    def snapshot(self) -> Message:
        """Return the message with the text so far."""
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
        """Add a piece of reasoning. Does not wake the followers, who look at it periodically."""
        if self.has_ended or not text:
            return
        if self._thinking_since is None:
            self._thinking_since = time.monotonic()
            if self._thoughts:  # from before the answer was continued, or between its parts
                self._thoughts.append("\n\n")
        self._thoughts.append(text)

    def turn_into_reasoning(self, kept_characters: int, reasoning: str) -> None:
        """Remove the text after `kept_characters`, because it was reasoning, and add that."""
        if self.has_ended:
            return
        kept = self.text[:kept_characters]
        self._pieces, self._characters = [kept], len(kept)
        self.times_taken_back += 1
        # The reasoning began with the first piece that was mistaken for text.
        began, self.first_text = self.first_text, None
        self.append_reasoning(reasoning)
        if reasoning and began is not None:
            self._thinking_since = began

    def note_reading(self, part: float) -> None:
        """Record the part of the prompt that the model has read. Does not wake the followers."""
        self.read_part = part

    def end(self, state: State, **outcome: Any) -> None:
        """End the answer, once; `outcome` are further fields of the message."""
        with self._changed:
            if not self.has_ended:
                outcome = {"error": None, **outcome}
                self._stop_thinking()
                self.message = replace(self.message, state=state, **self._written(), **outcome)
            self._changed.notify_all()
        self._ended.set()

    async def pause(self, reason: ChatbotError, seconds: float) -> None:
        """Wait before the model is asked again; meanwhile the message contains the reason."""
        self.was_sent = False
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
        """Block until there is more text than `seen_characters`, the answer ends, or a timeout."""
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
        """Block until the answer ends, or a timeout."""
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
        self.times_taken_back = 0
        self._store = store
        self._owner = owner
        self._next_look = 0.0

    @property
    def text(self) -> str:
        """The answer at its last checkpoint."""
        return self.message.content

    @property
    def reasoning(self) -> str:
        """The model's reasoning at the last checkpoint."""
        return self.message.reasoning

    @property
    def reasoning_seconds(self) -> float | None:
        """Seconds of reasoning at the last checkpoint."""
        return self.message.reasoning_seconds

    @property
    def read_part(self) -> float | None:
        """None: the progress is known only in the answer's own process."""
        return None

    @property
    def has_ended(self) -> bool:
        """True if the answer has ended, or its process is gone."""
        return self.message.state is not State.ANSWERING

    def wait_for_more(self, seen_characters: int, timeout_seconds: float) -> None:
        """Read the store again once there may be a new checkpoint."""
        if len(self.text) > seen_characters or self.has_ended:
            return
        time.sleep(timeout_seconds)
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + CHECKPOINT_SECONDS
        seen = self._store.messages.get(self._owner, self.message.id)
        before = self.text
        self.message = cut_if_abandoned(seen or replace(self.message, state=State.CUT_SHORT))
        self.times_taken_back += not self.text.startswith(before)

    def wait_for_end(self, timeout_seconds: float) -> None:
        """Block until the timeout; only `wait_for_more` reads the store."""
        time.sleep(timeout_seconds)


def seconds_to_retry(message: Message) -> float:
    """Return the seconds until the model is asked again; 0 if the answer is not waiting."""
    error = ChatbotError.from_json(message.error) if message.is_running else None
    if error is None or "retry_at" not in error.details:
        return 0
    return max(0, float(error.details["retry_at"]) - time.time())


def cut_if_abandoned(message: Message) -> Message:
    """Mark an answer as cut short if its process is gone, because it would never end."""
    return replace(message, state=State.CUT_SHORT) if message.is_abandoned else message
