"""The answer in progress, drawn while it comes."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot import local_model
from chatbot.answer import Followed, seconds_to_retry
from chatbot.store import Message
from chatbot.ui import resources
from chatbot.ui.growing import Growing
from chatbot.ui.language import t
from chatbot.ui.look import fresh_place
from chatbot.ui.messages import show_outcome
from chatbot.ui.thoughts import LiveThoughts

DRAW_SECONDS = 0.15
"""A live answer is drawn at most this often. It still reads as flowing; ten times a second took a
third more bytes, and half as many drawings of the page more."""

TAIL_CHARACTERS_PER_SECOND = 6000
"""A long tail is drawn less often: its whole text is sent and parsed again each time."""

DRAWS_PER_SECOND = 100
"""What all answers of the process together are drawn at: 60 people had their last words 8 s late
when each was drawn as often as one alone."""

RERUN_SECONDS = 0.1
"""How long a run of the page that another has replaced may go on."""


def follow_to_the_end(answer: Followed, versions: list[str] | None = None) -> Message:
    """Draw an answer until it ends, then what can be done about it, if `versions` are given.

    Returns it as it is then.
    """
    with fresh_place(answer.message.id, "live"), st.chat_message("assistant"):
        thoughts = LiveThoughts(answer)
        body = st.container(gap=None, key="live")
        ended = _follow(answer, thoughts, body)
        if versions is not None:
            show_outcome(ended, True, versions)
    return ended


def wait_for_the_end(answer: Followed) -> None:
    """Draw nothing of an answer that is below what is on the page."""
    while not answer.has_ended:
        _ = st.session_state.language  # a run that another has replaced ends here
        answer.wait_for_more(len(answer.text), RERUN_SECONDS)


def _follow(answer: Followed, thoughts: LiveThoughts, body: DeltaGenerator) -> Message:
    """Draw an answer while it comes; returns it when it has ended.

    Another run of the page ends this one at any `st` call.
    """
    growing = Growing(body)
    answers = resources.answers()  # asked for once: at each draw it was a quarter of its cost
    waiting_for = ""
    next_draw = 0.0
    while True:
        _ = st.session_state.language  # a run that another has replaced ends here
        answer.wait_for_more(growing.drawn_to, RERUN_SECONDS)
        has_ended = _is_at_rest(answer)  # read before the text, or the last of it could be missed
        pause_seconds = next_draw - time.monotonic()
        if pause_seconds > 0 and not has_ended:
            answer.wait_for_end(min(pause_seconds, RERUN_SECONDS))
            continue
        text = answer.text
        longest = thoughts.draw(is_thinking=not (text or has_ended))
        if len(text) > growing.drawn_to or (has_ended and text):
            longest = max(longest, growing.draw(text, is_whole=has_ended))
        elif not text and waiting_for != (waiting_for := _waiting_for(answer, thoughts)):
            growing.say_instead(waiting_for)
        if longest:
            next_draw = time.monotonic() + max(
                DRAW_SECONDS,
                longest / TAIL_CHARACTERS_PER_SECOND,
                answers.running_count / DRAWS_PER_SECOND,
            )
        if has_ended:
            if not text:
                growing.say_instead("")
            return answer.message


def _is_at_rest(answer: Followed) -> bool:
    """Whether nothing comes for a while: it has ended, or a busy endpoint is waited for."""
    return answer.has_ended or seconds_to_retry(answer.message) > 0


def _waiting_for(answer: Followed, thoughts: LiveThoughts) -> str:
    """The sign that an answer is on its way; "" where its reasoning is one."""
    if thoughts.are_shown:
        return ""
    fetched = answer.message.host == local_model.NAME and local_model.fetched()
    if not fetched:
        return f":shimmer[{t('answer.waiting')}]"
    return f":shimmer[{t('answer.fetching', percent=round(fetched * 100))}]"
