"""Events for listeners: an answer begins, an answer ends, a limit refuses a question."""

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from chatbot.answers.answer import Answer

log = logging.getLogger(__name__)

T = TypeVar("T")


class Listener(Protocol):
    """Receives events, on the threads that ask or answer, so its methods must be quick."""

    def began(self, answer: Answer) -> None:
        """An answer has begun."""

    def ended(self, answer: Answer) -> None:
        """An answer has ended, for any reason."""

    def refused(self, code: str) -> None:
        """A limit refused a question; `code` names the limit."""


_listeners: list[Listener] = []


def add(listener: Listener) -> None:
    """Call a listener for all events from now on."""
    _listeners.append(listener)


def tell_began(answer: Answer) -> None:
    """Tell all listeners that an answer has begun."""
    for listener in _listeners:
        _tell(listener.began, answer)


def tell_ended(answer: Answer) -> None:
    """Tell all listeners that an answer has ended."""
    for listener in _listeners:
        _tell(listener.ended, answer)


def tell_refused(code: str) -> None:
    """Tell all listeners that a limit was reached."""
    for listener in _listeners:
        _tell(listener.refused, code)


def _tell(method: Callable[[T], None], what: T) -> None:
    try:
        method(what)
    except Exception:  # an answer must not fail because of a listener
        log.exception("A listener failed")
