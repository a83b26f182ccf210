"""A model's reasoning before its answer: a line that the visitor can open.

While the line is closed, the server does not send the reasoning to the browser.
"""

import streamlit as st
from streamlit.elements.lib.mutable_expander_container import ExpanderContainer

from chatbot.answers.answer import Followed
from chatbot.i18n.dates import thought_for
from chatbot.store import Message
from chatbot.ui import current_store, visitor
from chatbot.ui.chat import texts
from chatbot.ui.chat.streaming_markdown import GrowingText
from chatbot.ui.session import widgets
from chatbot.ui.session.language import language, t


def show_reasoning(answer: Message) -> None:
    """Draw how long the model thought before a finished answer; opened, also its reasoning."""
    if answer.reasoning_seconds is None:
        return
    line = _show_line(answer.id, answer.reasoning_seconds)
    if line.open:
        kept = current_store.open_place().store.messages.get(visitor.owner(), answer.id)
        with line:
            reasoning = answer.reasoning or (kept.reasoning if kept else "")
            texts.show_markdown(reasoning, f"{answer.id}-thoughts")


class LiveReasoning:
    """Display of the reasoning of an answer in progress, drawn while the model thinks."""

    def __init__(self, answer: Followed) -> None:
        self._answer = answer
        self._place = st.empty()  # even without reasoning, so that the answer keeps its place
        self._is_thinking: bool | None = None
        self._growing: GrowingText | None = None

    @property
    def are_shown(self) -> bool:
        """The model has sent some reasoning."""
        return self._is_thinking is not None

    def draw(self, is_thinking: bool) -> int:
        """Draw the new reasoning; return the number of characters drawn, as `GrowingText.draw`.

        `is_thinking` says that no text of the answer itself has arrived.
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
            # The key is for look.css, which makes the many elements look like a single text.
            self._growing = GrowingText(
                line.container(gap=None, key=f"live-thoughts-{is_thinking}")
            )


def _show_line(message_id: str, seconds: float | None, is_open: bool = False) -> ExpanderContainer:
    """Draw the line; `seconds` is None while the model thinks.

    `is_open` says that the line is open at first, because the line it replaces was open.
    """
    if seconds is None:
        label = f":shimmer[{t('answer.waiting')}]"
    else:
        label = thought_for(language(), seconds)
    key = widgets.reasoning(message_id, is_thinking=seconds is None)
    if is_open:
        widgets.put_at_first(key, True)
    return st.expander(label, key=key, type="compact", on_change="rerun")
