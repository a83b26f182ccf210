"""The answer in progress, drawn while it comes."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot import local_model
from chatbot.answer import Followed
from chatbot.blocks import split_blocks
from chatbot.dialect import to_streamlit
from chatbot.store import Message
from chatbot.ui.language import t
from chatbot.ui.messages import show_outcome

DRAW_SECONDS = 0.1
"""A live answer is drawn at most this often: the eye sees no more, and a phone's battery does."""

TAIL_CHARACTERS_PER_SECOND = 10_000
"""A long tail is drawn less often: its whole text is sent and parsed again each time."""


def follow_to_the_end(answer: Followed) -> None:
    """Draw an answer until it ends, then what can be done about it."""
    with st.chat_message("assistant"):
        body = st.container(gap=None, key="live")
        outcome_place = st.empty()
        st.empty()  # where an answer that is being replaced had its buttons
        ended = _follow(answer, body)
        with outcome_place.container():
            show_outcome(ended, is_last=True)


def _follow(answer: Followed, body: DeltaGenerator) -> Message:
    """Draw an answer while it comes; returns it when it has ended.

    Finished blocks are drawn once, each in an element of its own; only the open
    tail is drawn again. Another run of the page ends this one at any `st` call.
    """
    tail_element = body.empty()
    tail_start = drawn_to = 0
    waiting_for = ""
    next_draw = 0.0
    while True:
        _ = st.session_state.language  # a run that another has replaced ends here
        answer.wait_for_more(drawn_to, DRAW_SECONDS)
        has_ended = answer.has_ended  # read before the text, or the last of it could be missed
        pause_seconds = next_draw - time.monotonic()
        if pause_seconds > 0 and not has_ended:
            time.sleep(min(pause_seconds, DRAW_SECONDS))
            continue
        text = answer.text
        if len(text) > drawn_to:
            blocks, tail = split_blocks(text[tail_start:])
            for block in blocks:
                tail_element.markdown(to_streamlit(block))
                tail_element = body.empty()
                tail_start += len(block)
            tail_element.markdown(to_streamlit(tail))
            drawn_to = len(text)
            long_tail_seconds = len(tail) / TAIL_CHARACTERS_PER_SECOND
            next_draw = time.monotonic() + max(DRAW_SECONDS, long_tail_seconds)
        elif not text and waiting_for != (waiting_for := _waiting_for(answer)):
            tail_element.markdown(f":shimmer[{waiting_for}]")
        if has_ended:
            if not text:
                tail_element.empty()
            return answer.message


def _waiting_for(answer: Followed) -> str:
    """The sign that an answer is on its way."""
    fetched = answer.message.host == local_model.NAME and local_model.fetched()
    if not fetched:
        return t("answer.waiting")
    return t("answer.fetching", percent=round(fetched * 100))
