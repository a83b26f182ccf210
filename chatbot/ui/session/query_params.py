"""Parameters of the page's address, which say what is open.

The server trusts the address that the browser sends only when the page is opened, and when the
visitor goes back or forward in the browser's history. In any other run the browser may not know
yet where the last click led; on a slow network it may be seconds behind. Trusting the browser
then would hide a new conversation with its first question and answer.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from chatbot.store import new_id
from chatbot.ui.session.state import page_state


def settle() -> None:
    """Read the address from the browser, or correct a browser that is behind. Call before `get`."""
    context = get_script_run_ctx()
    from_browser = st.query_params.to_dict()
    if context and context.is_history_navigation:
        page_state().address = from_browser
    elif from_browser != _parameters():
        st.query_params.from_dict(_parameters())


def get(name: str) -> str | None:
    """Return a parameter of the address."""
    return _parameters().get(name)


def change(**parameters: str | None) -> None:
    """Set parameters of the address; None removes a parameter."""
    changed = {**_parameters(), **parameters}
    address = {name: value for name, value in changed.items() if value is not None}
    page_state().address = address
    st.query_params.from_dict(address)


def leave() -> None:
    """Remove all parameters from the address."""
    page_state().address = {}
    st.query_params.clear()


def open_id() -> str:
    """Return the id of the open conversation; a new conversation has an id from the start.

    The keys of the controls contain the id. If the id came only with the first question, that run
    would replace all controls on the page before showing any of the answer.
    """
    state = page_state()
    if state.new_conversation_id is None:
        state.new_conversation_id = new_id()
    return get("c") or state.new_conversation_id


def take_another_new_id() -> None:
    """Choose a fresh id for the next new conversation: the last id may be in use now."""
    page_state().new_conversation_id = None


def _parameters() -> dict[str, str]:
    state = page_state()
    if state.address is None:
        state.address = st.query_params.to_dict()
    return state.address
