"""What can be shown in the place of the conversation: one's data, the connection check, usage."""

import streamlit as st

from chatbot.ui import address
from chatbot.ui.language import t

VIEWS = ("data", "check", "usage")


def current() -> str | None:
    """The view that the page's address names, if there is one of that name."""
    name = address.get("view")
    return name if name in VIEWS else None


def open_view(name: str) -> None:
    """Go to a view, which then is as if it had never been open."""
    for left in ("running_check", "check_applied"):
        st.session_state.pop(left, None)
    address.change(view=name)


def close_view() -> None:
    """Go back to the conversation."""
    address.change(view=None)


def show_button(name: str, label: str, icon: str) -> None:
    """The way to a view."""
    st.button(
        label,
        key=f"{name}_view",
        icon=icon,
        type="tertiary",
        on_click=open_view,
        args=(name,),
    )


def show_head(title: str, text: str = "") -> None:
    """The top of a view: the way back, and what it is for."""
    st.button(t("data.back"), icon=":material/arrow_back:", type="tertiary", on_click=close_view)
    st.title(title, anchor=False)
    if text:
        st.caption(text)
