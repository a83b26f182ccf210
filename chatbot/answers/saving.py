"""Saving of running answers: about once a second, and at their end until the saving succeeds."""

import asyncio
import contextlib
import logging
import time
from functools import partial

from chatbot import background
from chatbot.answers.answer import CHECKPOINT_SECONDS, Answer
from chatbot.store import Message, State, Store

log = logging.getLogger(__name__)


class Saver:
    """Saves the `running` answers, and removes an answer once its end is saved. On the loop."""

    def __init__(self, store: Store, running: dict[str, Answer]) -> None:
        self._store = store
        self._running = running
        self._task: asyncio.Task[None] | None = None
        self._save_now = asyncio.Event()
        self.is_failing = False
        """The last attempt to save an answer failed."""

    async def save_soon(self) -> None:
        """Save ended answers now, and all answers every second while any answer is running.

        Contains no `await`, so that the saving task cannot end between the two steps.
        """
        self._save_now.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._save_while_running())

    async def finish(self) -> None:
        """Wait for the saving in progress; without running answers no further saving follows."""
        self._save_now.set()
        if self._task:
            await self._task

    async def _save_while_running(self) -> None:
        checkpoint = time.monotonic()
        while self._running:
            self._save_now.clear()
            is_due = self.is_failing or time.monotonic() >= checkpoint
            # Not all answers at each end and beginning, because with many visitors that would
            # occupy the database all the time and delay the next questions.
            unsaved = [
                answer.snapshot()
                for answer in list(self._running.values())
                if is_due or answer.has_ended
            ]
            if unsaved and not await self._save(unsaved) and len(unsaved) > 1:
                for message in unsaved:  # separately, so that one failure affects no other answer
                    await self._save([message])
            if is_due:
                checkpoint = time.monotonic() + CHECKPOINT_SECONDS
            with contextlib.suppress(TimeoutError):
                pause_seconds = checkpoint - time.monotonic()
                await asyncio.wait_for(self._save_now.wait(), max(0.0, pause_seconds))
        self._task = None

    async def _save(self, messages: list[Message]) -> bool:
        try:
            # Not on one of the loop's own threads, which end before the app does.
            lost = await background.in_thread(partial(self._store.checkpoints.save, messages))
        except Exception:
            if not self.is_failing:  # retried every second, but logged only once
                log.exception("Could not save %d answers; trying again", len(messages))
            self.is_failing = True
            return False
        self.is_failing = False
        for message in messages:
            if message.id in lost:
                self._give_up(message)
            elif message.state is not State.ANSWERING:
                self._running.pop(message.id, None)
        return True

    def _give_up(self, message: Message) -> None:
        """End an answer that another process has stopped, continued or deleted."""
        answer = self._running.get(message.id)
        if answer and answer.message.lease == message.lease:
            answer.end(State.STOPPED)
            if answer.future:
                answer.future.cancel()
            self._running.pop(message.id)
