"""Counting what answers took, each once, when it has ended. Lives on the loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from chatbot.answer import Answer
from chatbot.fuse import Ticket


class Counting:
    """The answers of this process of which it is not counted yet what they took."""

    def __init__(self) -> None:
        self._uncounted: dict[str | None, tuple[Ticket, Answer]] = {}
        """By the answer's lease."""
        self._counting: set[asyncio.Future[None]] = set()
        # One after the other: 40 that ended at once waited for the database on all the threads
        # that others needed to end, and their last words came 4 s late.
        self._thread = ThreadPoolExecutor(1, "counting")

    def expect(self, answer: Answer, ticket: Ticket) -> None:
        """An answer has begun, and will have to be counted."""
        self._uncounted[answer.message.lease] = (ticket, answer)

    async def count(self, answer: Answer) -> None:
        """Count what an answer took that has ended, unless that was done."""
        if uncounted := self._uncounted.pop(answer.message.lease, None):
            ticket, answer = uncounted
            loop = asyncio.get_running_loop()
            counting = loop.run_in_executor(self._thread, ticket.settle, answer)
            self._counting.add(counting)
            counting.add_done_callback(self._counting.discard)
            await asyncio.shield(counting)  # its thread cannot be cancelled

    def count_all(self) -> None:
        """Count all at once, on the caller's thread: the process ends."""
        for lease in list(self._uncounted):
            if uncounted := self._uncounted.pop(lease, None):
                ticket, answer = uncounted
                ticket.settle(answer)

    async def finish(self) -> None:
        """Wait for what is being counted."""
        if self._counting:
            await asyncio.wait(self._counting)

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False)
