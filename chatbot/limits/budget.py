"""The budget that protects the owner's bill: a reservation before each question, settled after it.

Each step is one short transaction; pieces of an answer need none, and without limits there is
no reservation. `admission.py` decides, and the store keeps the amounts used.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from chatbot.errors import ChatbotError
from chatbot.limits import admission
from chatbot.limits.policy import Limits
from chatbot.limits.storage import expect_room
from chatbot.llm.endpoint import Price
from chatbot.models import pricing
from chatbot.models.pricing import Usage
from chatbot.models.source import Source
from chatbot.store import Outcome, Question, Spending, Store
from chatbot.store.quota import MINUTE_SECONDS, Amounts, Remaining, Spent

log = logging.getLogger(__name__)

UNKNOWN_PRICE = Price("*", input=5, output=25)
"""Price assumed for models whose real price is unknown. It is as high as the most expensive common
models, so that a limit in dollars also protects the owner behind a relay."""

FORGOTTEN_AFTER_SECONDS = 3600
"""Time after which an answer without a time limit no longer counts as running."""

NOTHING = Amounts()

REMEMBERED_VISITORS = 10_000


@dataclass(frozen=True)
class Reservation:
    """Reservation for an admitted question, to be settled or given back."""

    question: Question
    spending: Spending
    source: Source
    most: Usage
    """The reserved tokens: the most that the question may use."""
    is_reserved: bool
    seconds: float | None
    """Longest duration of the answer."""

    def settle(self, outcome: Outcome) -> None:
        """Record what the question used, after the end of its answer. Raises nothing."""
        self._settle(outcome)

    def settle_as_estimated(self, model: str, input_tokens: int, output_tokens: int) -> None:
        """Record estimated tokens for a request outside a conversation. Raises nothing."""
        if self.source.is_byok:
            input_tokens = output_tokens = 0
        cost = dollars(self.source, model, Usage(input_tokens, output_tokens))
        self._settle(Outcome(model, False, input_tokens, output_tokens, *cost))

    def settle_as_unasked(self) -> None:
        """Record no use today; the question still counts for its minute. Raises nothing."""
        self._settle(None)

    def give_back(self) -> None:
        """Release the reservation, because the question was not asked."""
        if self.is_reserved:
            with suppress(ChatbotError):
                self.spending.release(self.question.id)

    def _settle(self, outcome: Outcome | None) -> None:
        try:
            self.spending.settle(self.question, outcome, self.is_reserved)
        except Exception:  # the reservation then expires, and counts in full
            log.exception("Could not count what a question took")


class Budget:
    """The budget for all visitors of this process, shared with other processes by the store.

    `store` returns the store for the amounts used, and `fallback` a replacement while that store
    cannot be written. Both, and `limits`, are called for each question, on the thread that asks
    the question. `on_refused` gets the code of each refusal.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        fallback: Callable[[], Store],
        limits: Callable[[], Limits],
        on_refused: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._fallback = fallback
        self._limits = limits
        self._on_refused = on_refused
        self._left: OrderedDict[str, Remaining] = OrderedDict()
        self._remembering = threading.Lock()

    def admit(
        self,
        owner: str,
        source: Source,
        model: str,
        most: Usage,
        question_id: str,
        kept: tuple[Store, str] | None = None,
    ) -> Reservation:
        """Reserve `most` for a question, and admit the question.

        Raises ChatbotError("limit_…"), or ("storage_…") if the visitor's or site's storage is full.

        `kept` is the store and id of the question's answer; then `question_id` is the answer's
        lease. None if the answer is not stored.
        """
        now = time.time()
        allowed = self._limits()
        if kept:
            expect_room(kept[0], owner, allowed)
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
            return Reservation(question, store.spending, source, most, False, seconds)
        try:
            store, question, left = self._reserve_somewhere(store, question, allowed, now)
        except ChatbotError as error:
            if error.code.startswith("limit_"):
                self._on_refused(error.code)
                if error.code.startswith("limit_day_"):
                    self._remember(owner, Remaining(0, admission.next_day(now)))
            raise
        self._remember(owner, left)
        return Reservation(question, store.spending, source, most, True, seconds)

    def _reserve_somewhere(
        self, store: Store, question: Question, allowed: Limits, now: float
    ) -> tuple[Store, Question, Remaining | None]:
        """Reserve in the store, or in the fallback store while the store can only be read."""
        try:
            return store, question, _reserve(store, question, allowed, now)
        except ChatbotError as error:
            if not error.kind.can_still_read:
                raise
        before = _taken_today(store, now)
        question = replace(question, message_id=None)  # the answer is not in the fallback store
        store = self._fallback()
        return store, question, _reserve(store, question, allowed, now, before)

    def left(self, owner: str) -> Remaining | None:
        """Return what a visitor may still use today, as of their last question, if it is little."""
        left = self._left.get(owner)
        return left if left and left.until > time.time() else None

    def _remember(self, owner: str, left: Remaining | None) -> None:
        with self._remembering:
            self._left.pop(owner, None)
            if left:
                self._left[owner] = left
            while len(self._left) > REMEMBERED_VISITORS:
                self._left.popitem(last=False)


def _taken(source: Source, model: str, most: Usage, allowed: Limits) -> Amounts:
    """Return the amounts that a question reserves until its answer has ended."""
    if source.is_byok:  # their key, their bill
        return Amounts(1)
    cost = sum(dollars(source, model, most)) if allowed.count_dollars else 0.0
    return Amounts(1, most.input_tokens + most.output_tokens, cost)


def _reserve(
    store: Store, question: Question, allowed: Limits, now: float, before: Amounts = NOTHING
) -> Remaining | None:
    """Reserve in the store. `before` is the site's use today that another store has recorded."""

    def check(spent: Spent) -> Remaining | None:
        site = replace(spent.by_site, today=spent.by_site.today + before)
        return admission.admit(allowed, replace(spent, by_site=site), question.most, now)

    return store.spending.reserve(question, check, now, allowed.count_minutes)


def _taken_today(store: Store, now: float) -> Amounts:
    """Return the site's use today from a store that may be read-only."""
    with suppress(ChatbotError):
        return store.spending.taken_today(now)
    return NOTHING


def dollars(source: Source, model: str, usage: Usage) -> tuple[float, float]:
    """Return a question's known price in dollars and 0, or else 0 and its assumed price."""
    price = None
    with suppress(Exception):  # an error in the price data must not stop a question
        price = pricing.cost(source.prices, source.base_url, model, usage)
    if price is not None:
        return price, 0.0
    assumed = usage.input_tokens * UNKNOWN_PRICE.input + usage.output_tokens * UNKNOWN_PRICE.output
    return 0.0, assumed / pricing.MILLION
