"""The answer in progress, drawn while the model writes it."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.answers.answer import Followed, seconds_to_retry
from chatbot.builtin import model as builtin_model
from chatbot.ui import services
from chatbot.ui.chat import texts
from chatbot.ui.chat.history import History, Status
from chatbot.ui.chat.messages import show_outcome
from chatbot.ui.chat.reasoning import LiveReasoning
from chatbot.ui.chat.streaming_markdown import GrowingText
from chatbot.ui.session.language import t
from chatbot.ui.session.state import stop_if_superseded

DRAW_SECONDS = 0.15
"""Shortest time between two draws of a live answer. The text still reads as flowing.

Drawing ten times a second sent a third more bytes, and made the browser draw half as often again.
"""

SOON_SECONDS = 0.03
"""Time between the first draws. With DRAW_SECONDS, the rest of the first word came 0.15 s late."""

TAIL_CHARACTERS_PER_SECOND = 6000
"""Drawing speed for a long open segment, which each draw sends and parses again as a whole."""

CROWD = 5000
"""Slows drawing down under load: with n running answers, each is drawn every n² / CROWD seconds.

That is every 0.7 s with 60 answers and every 2 s with 100. The answers themselves need the
processor's time. With 100 visitors each receives 30 kB; drawing twice as often would send 37 kB.
The first draws are not slowed down, or the first words would appear up to 2 s late.
"""

RERUN_SECONDS = 0.1
"""Longest time for which a run of the page goes on after a newer run has replaced it."""


class LiveAnswer:
    """Display of an answer in progress: draws the text so far, then `follow` draws the rest."""

    def __init__(self, answer: Followed, place: DeltaGenerator) -> None:
        self._answer = answer
        self._place = place
        with self._place:
            self._thoughts = LiveReasoning(answer)
            times_shown = texts.times_shown(answer.message.id)
            self._growing = GrowingText(st.container(gap=None, key="live"), times_shown)
            self._has_more_button = False
        self._waiting_for = ""
        self._times_taken_back = answer.times_taken_back
        self._first_draw = self._next_draw = 0.0
        self._draw(has_ended=False)

    def follow(self, history: History) -> History:
        """Draw the answer until it ends, then its outcome and toolbar.

        Returns the history after the answer has ended. A newer run of the page ends this run at
        any `st` call.
        """
        answers = services.answers()  # once, as the call took a quarter of each draw's time
        while True:
            stop_if_superseded()
            self._answer.wait_for_more(self._growing.drawn_to, RERUN_SECONDS)
            # Read before the text: otherwise text that arrives in between would be missed.
            has_ended = _is_at_rest(self._answer)
            pause_seconds = self._next_draw - time.monotonic()
            if pause_seconds > 0 and not has_ended:
                self._answer.wait_for_end(min(pause_seconds, RERUN_SECONDS))
                continue
            self._draw(has_ended, answers.running_count)
            if has_ended:
                break
        history = history.with_ended(self._answer.message)
        if history.status is Status.OPEN:
            with self._place:
                show_outcome(self._answer.message, history)
        return history

    def _draw(self, has_ended: bool, running_count: int = 1) -> None:
        """Draw the new text, and decide when to draw again."""
        # Read before the text, so that a restarted answer is not drawn after the old text.
        if self._answer.times_taken_back != self._times_taken_back:
            self._times_taken_back = self._answer.times_taken_back
            self._growing.begin_anew()
            self._waiting_for = ""
        text = self._answer.text
        longest = self._thoughts.draw(is_thinking=not (text or has_ended))
        if text and not self._growing.drawn_to:
            self._first_draw = 0.0  # counted again for the answer itself, after its reasoning
        has_more = len(text) > self._growing.drawn_to
        if has_more or (has_ended and text):
            longest = max(longest, self._growing.draw(text, is_whole=has_ended))
            self._show_more_button()
        elif not text:
            waiting_for = "" if has_ended else _waiting_for(self._answer, self._thoughts)
            if waiting_for != self._waiting_for or has_ended:
                self._growing.say_instead(waiting_for)
                self._waiting_for = waiting_for
        now = time.monotonic()
        if has_more and not longest:  # the new text is an incomplete image, which is not drawn
            self._next_draw = now + DRAW_SECONDS
        if longest:
            self._first_draw = self._first_draw or now
            soon = max(SOON_SECONDS, now - self._first_draw)
            self._next_draw = now + max(
                min(DRAW_SECONDS, soon),
                longest / TAIL_CHARACTERS_PER_SECOND,
                min(running_count**2 / CROWD, 4 * soon),
            )

    def _show_more_button(self) -> None:
        if self._growing.is_full and not self._has_more_button:
            with self._place:
                texts.show_more_button(self._answer.message.id)
            self._has_more_button = True


def wait_for_the_end(answer: Followed) -> None:
    """Wait for the end of an answer that is below the messages on the page, without drawing it."""
    while not answer.has_ended:
        stop_if_superseded()
        answer.wait_for_more(len(answer.text), RERUN_SECONDS)


def _is_at_rest(answer: Followed) -> bool:
    """Tell if no text comes for a while: the answer has ended, or waits for a busy endpoint."""
    return answer.has_ended or seconds_to_retry(answer.message) > 0


def _waiting_for(answer: Followed, thoughts: LiveReasoning) -> str:
    """Return the text that says an answer is coming; "" if its reasoning is on the page."""
    if thoughts.are_shown:
        return ""
    fetched = answer.message.host == builtin_model.NAME and builtin_model.fetched()
    if fetched:
        words = t("answer.fetching", percent=round(fetched * 100))
    elif answer.read_part is not None and answer.read_part < 1:
        words = t("answer.reading", percent=round(answer.read_part * 100))
    else:
        words = t("answer.waiting")
    return f":shimmer[{words}]"
