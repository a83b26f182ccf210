"""Answers in progress: each answer runs on the background loop until it ends.

The page only follows. A reload, a lost connection or a click elsewhere ends a follower, never an
answer; only `stop` ends an answer early. The text so far is saved about once a second, and at the
end together with the reason for the end.
"""

import asyncio
import atexit
import contextlib
import logging
import time
from dataclasses import replace
from functools import partial

from chatbot import background
from chatbot.answers import events, generation
from chatbot.answers.accounting import Accounting
from chatbot.answers.answer import Answer, AnswerElsewhere, Followed, cut_if_abandoned
from chatbot.answers.prompt import Plan
from chatbot.answers.saving import Saver
from chatbot.errors import ChatbotError
from chatbot.limits.budget import Reservation
from chatbot.llm.request import Controls
from chatbot.models.offered import Models
from chatbot.models.source import Source
from chatbot.store import Conversation, Message, State, Store

log = logging.getLogger(__name__)

CLOSE_SECONDS = 2.0
"""Longest wait of an ending process for its requests to end."""

SAVE_SECONDS = 3.0
"""Longest wait for the final text of an answer to be saved."""


class RunningAnswers:
    """All running answers of this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounting = Accounting()
        self.models = Models(store)
        self._running: dict[str, Answer] = {}
        """Answers by message id; an ended answer stays here until its end is saved."""
        self._saver = Saver(store, self._running)
        atexit.register(self.close)

    def branch(
        self, owner: str, conversation: Conversation | None, limit: int
    ) -> tuple[list[Message], Followed | None]:
        """Return a conversation's newest messages as they are now, and its running answer."""
        if conversation is None:
            return [], None
        # A copy, because an answer may end and be removed while the branch is being read.
        before = self._running.copy()
        branch = self._store.messages.branch(owner, conversation.id, limit)
        if not branch:
            return [], None
        last = branch[-1]
        running: Followed | None = self._running.get(last.id) or before.get(last.id)
        if running is not None:
            # Rating and pin are changed only in the store.
            last = replace(running.message, rating=last.rating, is_pinned=last.is_pinned)
        else:
            last = cut_if_abandoned(last)
            running = AnswerElsewhere(self._store, owner, last)
        return [*branch[:-1], last], None if running.has_ended else running

    def retry_now(self, owner: str, message_id: str) -> None:
        """Retry a request to a busy endpoint at once."""
        answer = self._running.get(message_id)
        if answer and answer.owner == owner:
            background.call(answer.retry_now)

    def stop(self, owner: str, message_id: str) -> None:
        """Stop an answer and its request; the text so far is kept."""
        answer = self._running.get(message_id)
        if answer and answer.owner == owner:
            answer.end(State.STOPPED, cost=answer.cost_so_far())
            if answer.future:
                answer.future.cancel()
            background.submit(self._saver.save_soon())
            background.submit(self._accounting.count(answer))  # its task may not have started
        else:  # the answer belongs to another process, which may have been killed
            self._store.checkpoints.stop(owner, message_id)

    def merge_owner(self, from_owner: str, to_owner: str) -> None:
        """Move the running answers of one owner to another, as the store does."""
        for answer in list(self._running.values()):
            if answer.owner == from_owner:
                answer.owner = to_owner

    def stop_all(self, owner: str) -> None:
        """Stop all answers of an owner, and their requests."""
        for message_id, answer in list(self._running.items()):
            if answer.owner == owner:
                self.stop(owner, message_id)

    @property
    def running_count(self) -> int:
        """Number of running answers."""
        return len(self._running)

    def is_running(self, message_id: str) -> bool:
        """Return True if an answer is running in this process."""
        answer = self._running.get(message_id)
        return answer is not None and not answer.has_ended

    def latest(self, message: Message) -> Message:
        """Return the current state of a message; the store may not have its end yet."""
        answer = self._running.get(message.id)
        return answer.message if answer and answer.has_ended else message

    def is_unsaved(self, message_id: str) -> bool:
        """Return True if an answer has ended, but could not be saved so far."""
        answer = self._running.get(message_id)
        return answer is not None and answer.has_ended and self._saver.is_failing

    def save_again(self) -> None:
        """Retry at once to save the unsaved answers."""
        background.submit(self._saver.save_soon())

    def close(self) -> None:
        """End all running answers and save their text, because the process is ending."""
        atexit.unregister(self.close)
        cut_short = []
        for answer in list(self._running.values()):
            answer.end(State.CUT_SHORT, cost=answer.cost_so_far())
            cut_short.append(answer.message)
        try:
            self._store.checkpoints.save(cut_short)
        except ChatbotError:
            log.exception("Could not save %d running answers at once", len(cut_short))
            for message in cut_short:  # separately, so that one failure does not affect the others
                with contextlib.suppress(ChatbotError):
                    self._store.checkpoints.save([message])
        self._accounting.count_all()
        if background.has_begun():
            with contextlib.suppress(TimeoutError):
                background.submit(self._end_all()).result(CLOSE_SECONDS)
        self._accounting.close()

    async def _end_all(self) -> None:
        for answer in list(self._running.values()):
            if answer.future:
                answer.future.cancel()
        self._running.clear()
        await self.models.client.close()
        await self._saver.finish()  # the thread uses the database and cannot be cancelled
        await self._accounting.finish()

    def _wait_for_save(self, message_id: str) -> None:
        """Wait until the end of an answer that has just ended is saved."""
        deadline = time.monotonic() + SAVE_SECONDS
        while (answer := self._running.get(message_id)) and answer.has_ended:
            if self._saver.is_failing or time.monotonic() > deadline:
                raise ChatbotError("store_locked")
            background.submit(self._saver.save_soon())
            time.sleep(0.02)

    def _start(
        self,
        owner: str,
        message: Message,
        plan: Plan,
        controls: Controls,
        source: Source,
        reservation: Reservation | None,
    ) -> Answer:
        answer = Answer(message, owner)
        answer.cost_so_far = partial(
            generation.cost_so_far, answer, source, plan, self.models.calibration
        )
        if reservation:
            self._accounting.expect(answer, reservation)
        self._running[message.id] = answer
        seconds = reservation.seconds if reservation else None
        answer.future = background.submit(self._run(answer, source, plan, controls, seconds))
        return answer

    async def _run(
        self,
        answer: Answer,
        source: Source,
        plan: Plan,
        controls: Controls,
        most_seconds: float | None,
    ) -> None:
        events.tell_began(answer)
        late = asyncio.create_task(self._end_late(answer, most_seconds))
        client, calibration = self.models.client, self.models.calibration
        try:
            await self._saver.save_soon()  # from here on, about once a second
            await generation.fill(answer, client, calibration, source, plan, controls)
            await self._saver.save_soon()
        finally:
            events.tell_ended(answer)
            late.cancel()
            await self._accounting.count(answer)

    async def _end_late(self, answer: Answer, most_seconds: float | None) -> None:
        """End an answer after the longest allowed time; None for no limit."""
        if most_seconds is None:
            return
        await asyncio.sleep(most_seconds)
        # Without text, it is unknown whether the model read the question.
        cost = await asyncio.to_thread(answer.cost_so_far) if answer.text else None
        state = State.CUT_SHORT if answer.text else State.FAILED
        answer.end(state, error=ChatbotError("too_slow").to_json(), cost=cost)
        if answer.future:
            answer.future.cancel()
