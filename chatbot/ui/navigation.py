"""Navigation between the conversation and the other views: your data, connection check, usage."""

from collections.abc import Callable

import streamlit as st

from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state


def open_view(name: str) -> None:
    """Open a view listed in `streamlit_app.py`, discarding the last connection check."""
    state = page_state()
    state.running_check, state.check_applied, state.check_filled_in = None, False, None
    query_params.change(view=name)


def close_view() -> None:
    """Go back to the conversation."""
    query_params.change(view=None)


def show_button(name: str, label: str, icon: str) -> None:
    """Draw a button that opens a view."""
    st.button(
        label,
        key=f"{name}_view",
        icon=icon,
        type="tertiary",
        on_click=open_view,
        args=(name,),
        width="stretch",
    )


def show_head(title: str, text: str = "", leave: Callable[[], None] = close_view) -> None:
    """Draw the top of a view: the button back to the chat, the title and an explanation."""
    with st.container(gap="xsmall"):
        show_way_out(leave)
        st.title(title, anchor=False)
        if text:
            st.caption(text)


def show_way_out(leave: Callable[[], None] = close_view) -> None:
    """Draw the button that goes back to the chat by calling `leave`."""
    st.button(
        t("data.back"),
        key="back",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=leave,
    )


MOUNTED_MESSAGES = 12
"""Number of newest messages on the page, because each run sends every mounted message again."""

MOST_MOUNTED_MESSAGES = 18
"""Limit for the messages on the page while a conversation grows.

Dropping the oldest turn after each question would shift all messages, and the browser would draw
all of them again: in a conversation of 1,000 messages the first text then came 193 ms after Enter
instead of 158 ms.
"""


def open_conversation(conversation_id: str | None) -> None:
    """Open a conversation; None opens a new conversation."""
    state = page_state()
    if conversation_id != query_params.get("c"):
        state.editing = None  # the browser keeps the edited text, and reopens the editor later
        widgets.forget_controls(query_params.open_id())
    if conversation_id is None:
        widgets.put(widgets.SEARCH, "")  # the list shows where the new conversation appears
    query_params.change(view=None, share=None, c=conversation_id)
    state.mounted_messages, state.left_out_messages = None, 0
    state.target = state.taken_away = state.taken_from_list = state.restored = None


def settle_address() -> None:
    """Agree with the browser on the address. Call before the address is read.

    Back or forward in the browser's history leaves a conversation as a click on another one does.
    """
    left = query_params.open_id()
    query_params.settle()
    if query_params.open_id() != left:
        page_state().editing = None
        widgets.forget_controls(left)


def mount_messages(count: int, left_out: int | None = None) -> None:
    """Show `count` messages of a long conversation, leaving out the newest `left_out` messages."""
    state = page_state()
    state.mounted_messages = count
    if left_out is not None:
        state.left_out_messages = left_out
