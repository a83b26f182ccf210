"""The answer in progress, drawn while it comes."""

import time
from collections.abc import Sequence

import streamlit as st

from chatbot import local_model
from chatbot.answer import Followed, seconds_to_retry
from chatbot.store import Message
from chatbot.ui import resources
from chatbot.ui.growing import Growing
from chatbot.ui.language import t
from chatbot.ui.look import fresh_place
from chatbot.ui.messages import pins_without_room, show_outcome
from chatbot.ui.thoughts import LiveThoughts

DRAW_SECONDS = 0.15
"""A live answer is drawn at most this often. It still reads as flowing; ten times a second took a
third more bytes, and half as many drawings of the page more."""

SOON_SECONDS = 0.03
"""The first draws follow each other sooner, or the rest of the first word came 0.15 s after it."""

TAIL_CHARACTERS_PER_SECOND = 6000
"""A long tail is drawn less often: its whole text is sent and parsed again each time."""

CROWD = 5000
"""With n answers at once each is drawn every n² / CROWD seconds, so at 60 every 0.7 s, at 100 every
2 s: what they take themselves is not left for drawing. 100 people: 30 kB each; twice as often 37.
Only the first draws follow each other sooner, or the first words came up to 2 s after the first."""

RERUN_SECONDS = 0.1
"""How long a run of the page that another has replaced may go on."""


class LiveAnswer:
    """An answer in progress, drawn as far as it has come; then `follow` it."""

    def __init__(self, answer: Followed) -> None:
        self._answer = answer
        self._place = fresh_place(answer.message.id, "live").chat_message("assistant")
        with self._place:
            self._thoughts = LiveThoughts(answer)
            self._growing = Growing(st.container(gap=None, key="live"))
        self._waiting_for = ""
        self._first_draw = self._next_draw = 0.0
        self._draw(has_ended=False)

    def follow(self, versions: list[str] | None = None, before: Sequence[Message] = ()) -> Message:
        """Draw it until it ends, then what can be done about it, if `versions` are given.

        `before` are the messages that it follows.

        Returns it as it is then. Another run of the page ends this one at any `st` call.
        """
        answers = resources.answers()  # asked for once: at each draw it was a quarter of its cost
        while True:
            _ = st.session_state.language  # a run that another has replaced ends here
            self._answer.wait_for_more(self._growing.drawn_to, RERUN_SECONDS)
            has_ended = _is_at_rest(self._answer)  # before the text, or its last could be missed
            pause_seconds = self._next_draw - time.monotonic()
            if pause_seconds > 0 and not has_ended:
                self._answer.wait_for_end(min(pause_seconds, RERUN_SECONDS))
                continue
            self._draw(has_ended, answers.running_count)
            if has_ended:
                break
        ended = self._answer.message
        if versions is not None:
            has_room = ended.id not in pins_without_room([*before, ended])
            with self._place:
                show_outcome(ended, True, versions, has_room)
        return ended

    def _draw(self, has_ended: bool, running_count: int = 1) -> None:
        """Draw what is new, and find when to draw again."""
        text = self._answer.text
        longest = self._thoughts.draw(is_thinking=not (text or has_ended))
        if text and not self._growing.drawn_to:
            self._first_draw = 0.0  # of the answer itself, after its reasoning
        has_more = len(text) > self._growing.drawn_to
        if has_more or (has_ended and text):
            longest = max(longest, self._growing.draw(text, is_whole=has_ended))
        elif not text:
            waiting_for = "" if has_ended else _waiting_for(self._answer, self._thoughts)
            if waiting_for != self._waiting_for or has_ended:
                self._growing.say_instead(waiting_for)
                self._waiting_for = waiting_for
        now = time.monotonic()
        if has_more and not longest:  # an image that has not come whole yet
            self._next_draw = now + DRAW_SECONDS
        if longest:
            self._first_draw = self._first_draw or now
            soon = max(SOON_SECONDS, now - self._first_draw)
            self._next_draw = now + max(
                min(DRAW_SECONDS, soon),
                longest / TAIL_CHARACTERS_PER_SECOND,
                min(running_count**2 / CROWD, 4 * soon),
            )


def wait_for_the_end(answer: Followed) -> None:
    """Draw nothing of an answer that is below what is on the page."""
    while not answer.has_ended:
        _ = st.session_state.language  # a run that another has replaced ends here
        answer.wait_for_more(len(answer.text), RERUN_SECONDS)


def _is_at_rest(answer: Followed) -> bool:
    """Whether nothing comes for a while: it has ended, or a busy endpoint is waited for."""
    return answer.has_ended or seconds_to_retry(answer.message) > 0


def _waiting_for(answer: Followed, thoughts: LiveThoughts) -> str:
    """The sign that an answer is on its way; "" where its reasoning is one."""
    if thoughts.are_shown:
        return ""
    fetched = answer.message.host == local_model.NAME and local_model.fetched()
    if fetched:
        words = t("answer.fetching", percent=round(fetched * 100))
    elif answer.read_part is not None and answer.read_part < 1:
        words = t("answer.reading", percent=round(answer.read_part * 100))
    else:
        words = t("answer.waiting")
    return f":shimmer[{words}]"
