"""Where a click has led to: the page's address says what is open, and the browser is told of it."""

import time

import streamlit as st

HELD_SECONDS = 1.0
"""For so long what the browser says is open may be older than the click: as long as a poor network
takes. Going back to it in less time than this is not believed either."""


def change(**parameters: str | None) -> None:
    """Change the address, for the callback of a click; None takes a parameter away."""
    before = st.query_params.to_dict()
    st.query_params.from_dict(
        {name: value for name, value in {**before, **parameters}.items() if value is not None}
    )
    st.session_state.address_change = (before, st.query_params.to_dict(), time.monotonic())


def settle() -> None:
    """Stay where a click has just led to, if the browser asks for a run before it knows.

    Whatever runs the page by itself does so, such as the part that tells who is asking: a first
    click was lost then, and the answer that it had begun was on no page.
    """
    before, after, clicked = st.session_state.get("address_change", ({}, {}, 0.0))
    if before == st.query_params.to_dict() != after and time.monotonic() < clicked + HELD_SECONDS:
        st.query_params.from_dict(after)
