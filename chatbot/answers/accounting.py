"""Accounting of the tokens and dollars of ended answers, each once. Runs on the background loop."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chatbot.answers.answer import Answer
from chatbot.errors import ChatbotError
from chatbot.limits.budget import Reservation, dollars
from chatbot.models.pricing import Usage
from chatbot.models.source import Source
from chatbot.models.tokens import estimate_tokens
from chatbot.store import Outcome


class Accounting:
    """Answers of this process whose use is not recorded yet."""

    def __init__(self) -> None:
        self._uncounted: dict[str | None, tuple[Reservation, Answer]] = {}
        """Reservations and answers by the lease of the answer."""
        self._settling: set[asyncio.Future[None]] = set()
        # One thread, so that many answers that end together do not occupy the threads that other
        # answers need for their own end.
        self._thread = ThreadPoolExecutor(1, "accounting")

    def expect(self, answer: Answer, reservation: Reservation) -> None:
        """Note that an answer has begun and its reservation has to be settled."""
        self._uncounted[answer.message.lease] = (reservation, answer)

    async def count(self, answer: Answer) -> None:
        """Record the use of an ended answer, unless it is already recorded."""
        if uncounted := self._uncounted.pop(answer.message.lease, None):
            reservation, answer = uncounted
            loop = asyncio.get_running_loop()
            settling = loop.run_in_executor(self._thread, _settle, reservation, answer)
            self._settling.add(settling)
            settling.add_done_callback(self._settling.discard)
            await asyncio.shield(settling)  # its thread cannot be cancelled

    def count_all(self) -> None:
        """Record all answers now, on the caller's thread, because the process is ending."""
        for lease in list(self._uncounted):
            if uncounted := self._uncounted.pop(lease, None):
                reservation, answer = uncounted
                _settle(reservation, answer)

    async def finish(self) -> None:
        """Wait until the answers being recorded are done."""
        if self._settling:
            await asyncio.wait(self._settling)

    def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False)


def _settle(reservation: Reservation, answer: Answer) -> None:
    reservation.settle(outcome_of(answer, reservation.source, reservation.most))


def outcome_of(answer: Answer, source: Source, most: Usage) -> Outcome:
    """Return the tokens and dollars that an answer used.

    The counts are the endpoint's own or, without them, an estimate from the received text.
    Without text, the model may have been reasoning invisibly since the question was sent, which
    its provider bills; then the reserved tokens count. A question that was never sent uses
    nothing.
    """
    message, before = answer.message, answer.begun_with
    has_failed = message.error is not None
    if source.is_byok:
        return Outcome("", has_failed)
    first_text_seconds = None
    if answer.first_text is not None:
        first_text_seconds = answer.first_text - answer.began
    text = message.content[len(before.content) :] + message.reasoning[len(before.reasoning) :]
    error = ChatbotError.from_json(message.error)
    is_refused = error is not None and not error.kind.may_be_billed
    if not text and (is_refused or not answer.was_sent):
        return Outcome(message.model or "", has_failed)
    input_tokens = (message.prompt_tokens or 0) - (before.prompt_tokens or 0)
    output_tokens = (message.completion_tokens or 0) - (before.completion_tokens or 0)
    is_counted = input_tokens > 0 and output_tokens > 0
    if input_tokens <= 0:
        input_tokens = most.input_tokens
    if output_tokens <= 0:  # some endpoints report only one of the two counts
        is_reported = message.completion_tokens is not None and before.completion_tokens is None
        unreported = 0 if is_reported else most.output_tokens
        output_tokens = estimate_tokens(text) if text else unreported
    cached = max(0, (message.cached_tokens or 0) - (before.cached_tokens or 0))
    usage = Usage(input_tokens, output_tokens, min(cached, input_tokens))
    known_dollars, assumed_dollars = dollars(source, message.model or "", usage)
    outcome = Outcome(
        message.model or "",
        has_failed,
        input_tokens,
        output_tokens,
        known_dollars,
        assumed_dollars,
        first_text_seconds,
    )
    has_thought_uncounted = message.reasoning and message.reasoning_tokens is None
    if not is_counted or has_thought_uncounted or answer.first_text is None:
        return outcome
    thought = (message.reasoning_tokens or 0) - (before.reasoning_tokens or 0)
    return replace(
        outcome,
        timed_tokens=max(0, output_tokens - thought),
        timed_seconds=time.monotonic() - answer.first_text,
    )
