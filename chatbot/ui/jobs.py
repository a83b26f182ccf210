"""Work that takes longer than a click: it goes on in a thread, and the page follows it.

A click elsewhere, a reload of the script or a locked phone ends a follower, never the work.
"""

import logging
from collections.abc import Callable
from concurrent.futures import wait
from typing import Generic, TypeVar

import streamlit as st

from chatbot import background
from chatbot.errors import ChatbotError

log = logging.getLogger(__name__)

T = TypeVar("T")

DRAW_SECONDS = 0.2


class Job(Generic[T]):
    """One piece of such work. `work` is handed what it tells the part to that is done."""

    def __init__(self, work: Callable[[Callable[[float], None]], T]) -> None:
        self._fraction = 0.0
        self._is_seen = False
        self._future = background.submit(background.in_thread(lambda: work(self._report)))

    def _report(self, fraction: float) -> None:
        self._fraction = fraction

    def follow(self, label: str) -> T:
        """Show how far it is until it has ended, then draw the page anew, as it may have changed.

        Raises ChatbotError, whatever went wrong.
        """
        place = st.empty()
        while not self._future.done():
            place.progress(min(max(self._fraction, 0.0), 1.0), text=label)
            wait([self._future], DRAW_SECONDS)
        place.empty()
        if not self._is_seen:
            self._is_seen = True
            st.rerun()
        try:
            return self._future.result()
        except ChatbotError as error:
            log.warning("A job failed: %s", error, exc_info=error.__cause__)
            raise
        except Exception as error:
            log.exception("A job failed")
            raise ChatbotError("click") from error
