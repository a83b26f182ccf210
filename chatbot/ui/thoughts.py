"""What a model thought before its answer: one line that can be opened.

Nothing of it is sent to the browser while the line is closed.
"""

from functools import lru_cache

import streamlit as st
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

from chatbot.answer import Followed
from chatbot.dialect import to_streamlit
from chatbot.i18n import thought_for
from chatbot.store import Message
from chatbot.ui import browser, places
from chatbot.ui.growing import Growing
from chatbot.ui.language import language, t
from chatbot.ui.look import short

_for_streamlit = lru_cache(maxsize=16)(to_streamlit)


def show_thoughts(answer: Message) -> None:
    """For how long a model thought before a finished answer; opened, what it thought."""
    if answer.reasoning_seconds is None:
        return
    line = _show_line(answer.id, answer.reasoning_seconds)
    if line.open:
        kept = places.here().store.messages.get(browser.owner(), answer.id)
        line.markdown(_for_streamlit(answer.reasoning or (kept.reasoning if kept else "")))


class LiveThoughts:
    """The same of an answer in progress, drawn while it comes."""

    def __init__(self, answer: Followed) -> None:
        self._answer = answer
        self._place = st.empty()  # also without reasoning, so that the answer keeps its place
        self._is_thinking: bool | None = None
        self._growing: Growing | None = None

    @property
    def are_shown(self) -> bool:
        """Whether there is any reasoning."""
        return self._is_thinking is not None

    def draw(self, is_thinking: bool) -> int:
        """Draw what is new; returns how many characters that were.

        `is_thinking` says that nothing of the answer itself has come.
        """
        if self._answer.reasoning_seconds is None:
            return 0
        if is_thinking is not self._is_thinking:
            self._is_thinking = is_thinking
            with self._place:
                self._show_line(is_thinking)
        if self._growing is None:
            return 0
        reasoning = self._answer.reasoning
        if is_thinking and len(reasoning) == self._growing.drawn_to:
            return 0
        return self._growing.draw(reasoning, is_whole=not is_thinking)

    def _show_line(self, is_thinking: bool) -> None:
        message_id = self._answer.message.id
        seconds = None if is_thinking else self._answer.reasoning_seconds
        line = _show_line(message_id, seconds, is_open=self._growing is not None)
        self._growing = None
        if line.open:
            # A key, for the style of what is many elements and should look like one.
            self._growing = Growing(line.container(gap=None, key=f"live-thoughts-{is_thinking}"))


def _show_line(message_id: str, seconds: float | None, is_open: bool = False) -> ExpanderContainer:
    """The line, for None while the model thinks; `is_open` if that of before was."""
    if seconds is None:
        label = f":shimmer[{t('answer.waiting')}]"
    else:
        label = thought_for(language(), seconds)
    # Whether it is open is kept by key and label together, so it has one key for each.
    key = f"{'thinking' if seconds is None else 'thoughts'}-{short(message_id)}"
    if is_open:
        st.session_state.setdefault(key, True)
    return st.expander(label, key=key, type="compact", on_change="rerun")
