"""Saving answers while they run: about once a second, and at their end until that has worked."""

import asyncio
import contextlib
import logging
import time
from functools import partial

from chatbot import background
from chatbot.answer import CHECKPOINT_SECONDS, Answer
from chatbot.store import Message, State, Store

log = logging.getLogger(__name__)


class Saver:
    """Saves `running` answers, and takes those out whose end is saved. Lives on the loop."""

    def __init__(self, store: Store, running: dict[str, Answer]) -> None:
        self._store = store
        self._running = running
        self._task: asyncio.Task[None] | None = None
        self._save_now = asyncio.Event()
        self.is_failing = False
        """Whether the last attempt to save an answer failed."""

    async def save_soon(self) -> None:
        """Have those saved now that have ended, and all every second as long as one runs.

        Without a pause in it, so that the saving cannot just be ending.
        """
        self._save_now.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._save_while_running())

    async def finish(self) -> None:
        """Wait for what is just being saved; with no answers left, nothing more will be."""
        self._save_now.set()
        if self._task:
            await self._task

    async def _save_while_running(self) -> None:
        checkpoint = time.monotonic()
        while self._running:
            self._save_now.clear()
            is_due = self.is_failing or time.monotonic() >= checkpoint
            # Not all at each end and beginning: with 100 people that held the database all the
            # time, and the next question waited for it for up to 2.5 s.
            unsaved = [
                answer.snapshot()
                for answer in list(self._running.values())
                if is_due or answer.has_ended
            ]
            if unsaved and not await self._save(unsaved) and len(unsaved) > 1:
                for message in unsaved:  # one that cannot be saved must not keep the others
                    await self._save([message])
            if is_due:
                checkpoint = time.monotonic() + CHECKPOINT_SECONDS
            with contextlib.suppress(TimeoutError):
                pause_seconds = checkpoint - time.monotonic()
                await asyncio.wait_for(self._save_now.wait(), max(0.0, pause_seconds))
        self._task = None

    async def _save(self, messages: list[Message]) -> bool:
        try:
            # Not on one of the loop's own threads, which are gone before the app has ended.
            lost = await background.in_thread(partial(self._store.checkpoints.save, messages))
        except Exception:
            if not self.is_failing:  # it is tried every second, and said once
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
