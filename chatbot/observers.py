"""Who is told of answers as they begin and end, such as what counts them for the operator."""

import logging
from collections.abc import Callable
from typing import Protocol

from chatbot.answer import Answer

log = logging.getLogger(__name__)


class Observer(Protocol):
    """What wants to know. Called on the background loop, so it must be quick."""

    def began(self, answer: Answer) -> None:
        """An answer is being given from now on."""

    def ended(self, answer: Answer) -> None:
        """It has ended, in whatever way."""


_observers: list[Observer] = []


def add(observer: Observer) -> None:
    """Tell an observer of all answers from now on."""
    _observers.append(observer)


def tell_began(answer: Answer) -> None:
    """Tell all observers that an answer has begun."""
    for observer in _observers:
        _tell(observer.began, answer)


def tell_ended(answer: Answer) -> None:
    """Tell all observers that an answer has ended."""
    for observer in _observers:
        _tell(observer.ended, answer)


def _tell(method: Callable[[Answer], None], answer: Answer) -> None:
    try:
        method(answer)
    except Exception:  # an answer must not suffer from who watches it
        log.exception("An observer failed")
