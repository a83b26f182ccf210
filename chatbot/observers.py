"""Who is told of answers as they begin and end, and of questions that are not asked."""

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from chatbot.answer import Answer

log = logging.getLogger(__name__)

T = TypeVar("T")


class Observer(Protocol):
    """What wants to know. Called where answers are given or asked for, so it must be quick."""

    def began(self, answer: Answer) -> None:
        """An answer is being given from now on."""

    def ended(self, answer: Answer) -> None:
        """It has ended, in whatever way."""

    def refused(self, code: str) -> None:
        """A question was not asked: a limit was reached, by whose name it is called."""


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


def tell_refused(code: str) -> None:
    """Tell all observers that a limit was reached."""
    for observer in _observers:
        _tell(observer.refused, code)


def _tell(method: Callable[[T], None], what: T) -> None:
    try:
        method(what)
    except Exception:  # an answer must not suffer from who watches it
        log.exception("An observer failed")
