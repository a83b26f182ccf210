"""The fuse between visitors and the owner's bill: asked before each question, told of its end.

One short transaction for each, never one for a piece of an answer. Where nothing is limited, none
before. What is limited is in `limits.py`, what was taken in the store.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from chatbot import limits, observers, prices
from chatbot.answer import Answer
from chatbot.caps import MINUTE_SECONDS, Limits
from chatbot.endpoints import is_nearby
from chatbot.errors import CANNOT_BE_KEPT, ChatbotError
from chatbot.limits import Left, Spent, Taken
from chatbot.prices import Price, Usage
from chatbot.reply import PERHAPS_READ, Source
from chatbot.store import Outcome, Question, Spending, Store
from chatbot.tokens import estimate_tokens

log = logging.getLogger(__name__)

UNKNOWN_PRICE = Price("*", read=5, written=25)
"""What a model counts as of which nobody knows the price: among the dearest of common ones, so
that a limit in dollars holds behind a relay too."""

FORGOTTEN_AFTER_SECONDS = 3600
"""How long an answer may take that has no limit, for the count of answers at once."""

NOTHING = Taken()

REMEMBERED_VISITORS = 10_000


@dataclass(frozen=True)
class Ticket:
    """A question that was admitted, to be settled or given back."""

    question: Question
    spending: Spending
    source: Source
    sent_tokens: int
    is_reserved: bool
    seconds: float | None
    """How long its answer may take."""

    def settle(self, answer: Answer) -> None:
        """Count what an answer took that has ended. Raises nothing."""
        self._settle(_outcome(answer, self.source, self.sent_tokens))

    def settle_as_guessed(self, model: str, read_tokens: int, written_tokens: int) -> None:
        """Count something else by what it must have taken, about. Raises nothing."""
        if self.source.is_visitors:
            read_tokens = written_tokens = 0
        dollars = _dollars(self.source, model, Usage(read_tokens, written_tokens))
        self._settle(Outcome(model, False, read_tokens, written_tokens, *dollars))

    def give_back(self) -> None:
        """Count nothing: it was not asked after all."""
        if self.is_reserved:
            with suppress(ChatbotError):
                self.spending.release(self.question.id)

    def _settle(self, outcome: Outcome) -> None:
        try:
            self.spending.settle(self.question, outcome, self.is_reserved)
        except Exception:  # then it is taken to be gone, and counted with the most
            log.exception("Could not count what a question took")


class Fuse:
    """For all visitors of this process; what it counts is shared with the others by the store.

    `store` is where it is counted, `spare` where it is while nothing can be written there. Both,
    and `limits`, are asked each time, on the thread of whoever asks a question.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        spare: Callable[[], Store],
        limits: Callable[[], Limits],
    ) -> None:
        self._store = store
        self._spare = spare
        self._limits = limits
        self._left: OrderedDict[str, Left] = OrderedDict()
        self._remembering = threading.Lock()

    def admit(
        self,
        owner: str,
        source: Source,
        model: str,
        most: Usage,
        question_id: str,
        kept: tuple[Store, str] | None = None,
    ) -> Ticket:
        """Let a question pass that takes `most` at the most, or raise ChatbotError("limit_…").

        If its answer is `kept`, that is in which store and of which id; then `question_id` is the
        answer's lease.
        """
        now = time.time()
        allowed = self._limits()
        store = self._store()
        seconds = allowed.answer.seconds
        question = Question(
            question_id,
            owner,
            model,
            _taken(source, model, most, allowed),
            now + (seconds or FORGOTTEN_AFTER_SECONDS) + MINUTE_SECONDS,
            kept[1] if kept and kept[0] is store else None,
        )
        if not allowed.are_counted:
            return Ticket(question, store.spending, source, most.read, False, seconds)
        try:
            try:
                left = _reserve(store, question, allowed, now)
            except ChatbotError as error:
                if error.code not in CANNOT_BE_KEPT:
                    raise
                before = _taken_today(store, now)
                store = self._spare()
                question = replace(question, message_id=None)  # its answer is not there
                left = _reserve(store, question, allowed, now, before)
        except ChatbotError as error:
            if error.code.startswith("limit_"):
                observers.tell_refused(error.code)
                if error.code.startswith("limit_day_"):
                    self._remember(owner, Left(0, limits.next_day(now)))
            raise
        self._remember(owner, left)
        return Ticket(question, store.spending, source, most.read, True, seconds)

    def left(self, owner: str) -> Left | None:
        """What a visitor may still ask today, if that is not much, as of their last question."""
        left = self._left.get(owner)
        return left if left and left.until > time.time() else None

    def _remember(self, owner: str, left: Left | None) -> None:
        with self._remembering:
            self._left.pop(owner, None)
            if left:
                self._left[owner] = left
            while len(self._left) > REMEMBERED_VISITORS:
                self._left.popitem(last=False)


def _taken(source: Source, model: str, most: Usage, allowed: Limits) -> Taken:
    """What a question is taken to cost until it has ended."""
    if source.is_visitors:  # their key, their bill
        return Taken(1)
    dollars = sum(_dollars(source, model, most)) if allowed.count_dollars else 0.0
    return Taken(1, most.read + most.written, dollars)


def _reserve(
    store: Store, question: Question, allowed: Limits, now: float, before: Taken = NOTHING
) -> Left | None:
    """`before` is what the site has taken today that is counted elsewhere."""

    def check(spent: Spent) -> Left | None:
        site = replace(spent.by_site, today=spent.by_site.today + before)
        return limits.admit(allowed, replace(spent, by_site=site), question.most, now)

    return store.spending.reserve(question, check, now, allowed.count_minutes)


def _taken_today(store: Store, now: float) -> Taken:
    """What the site has taken so far, of a store that may only be read."""
    with suppress(ChatbotError):
        return store.spending.taken_today(now)
    return NOTHING


def _outcome(answer: Answer, source: Source, sent_tokens: int) -> Outcome:
    """What an answer took: as the endpoint counted, or else as far as it came."""
    message, before = answer.message, answer.begun_with
    has_failed = message.error is not None
    if source.is_visitors:
        return Outcome("", has_failed)
    first_text_seconds = None
    if answer.first_text is not None:
        first_text_seconds = answer.first_text - answer.began
    text = message.content[len(before.content) :] + message.reasoning[len(before.reasoning) :]
    if message.error and not text and message.error.get("code") not in PERHAPS_READ:
        return Outcome(message.model or "", has_failed)
    read = (message.prompt_tokens or 0) - (before.prompt_tokens or 0)
    written = (message.completion_tokens or 0) - (before.completion_tokens or 0)
    is_counted = read > 0 and written > 0
    if read <= 0:
        read = sent_tokens
    if written <= 0:  # some endpoints count one of them alone
        written = estimate_tokens(text) if text else 0
    cached = max(0, (message.cached_tokens or 0) - (before.cached_tokens or 0))
    usage = Usage(read, written, min(cached, read))
    dollars, assumed_dollars = _dollars(source, message.model or "", usage)
    outcome = Outcome(
        message.model or "", has_failed, read, written, dollars, assumed_dollars, first_text_seconds
    )
    has_thought_uncounted = message.reasoning and message.reasoning_tokens is None
    if not is_counted or has_thought_uncounted or answer.first_text is None:
        return outcome
    thought = (message.reasoning_tokens or 0) - (before.reasoning_tokens or 0)
    return replace(
        outcome,
        timed_tokens=max(0, written - thought),
        timed_seconds=time.monotonic() - answer.first_text,
    )


def _dollars(source: Source, model: str, usage: Usage) -> tuple[float, float]:
    """What a question costs if that is known, or else what it is taken to cost."""
    known = None
    with suppress(Exception):  # whatever is wrong with a price, it must not end a question
        known = prices.cost(source.prices, source.base_url, model, usage)
    if known is not None:
        return known, 0.0
    if is_nearby(urlsplit(source.base_url).hostname or ""):
        return 0.0, 0.0
    dear = UNKNOWN_PRICE
    return 0.0, (usage.read * dear.read + usage.written * dear.written) / prices.MILLION
