"""What can be shown in the place of the conversation: one's data, the connection check, usage."""

import streamlit as st

from chatbot.ui import address

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
