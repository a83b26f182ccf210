"""The page's address, which says what is open: where clicks have led to, and going back.

The browser's own word is taken when a page is opened and when somebody goes back or forward in
its history. At any other run it may not know yet where a click has just led, and on a poor
network not for seconds: a first question, and the answer that it had begun, were on no page then.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from chatbot.store import new_id


def settle() -> None:
    """Learn where this page is, and tell a browser that does not know. Call before `get`."""
    context = get_script_run_ctx()
    told = st.query_params.to_dict()
    if context and context.is_history_navigation:
        st.session_state.address = told
    elif told != _parameters():
        st.query_params.from_dict(_parameters())


def get(name: str) -> str | None:
    """One of the address's parameters."""
    return _parameters().get(name)


def change(**parameters: str | None) -> None:
    """Change the address; None takes a parameter away."""
    changed = {**_parameters(), **parameters}
    st.session_state.address = {name: value for name, value in changed.items() if value is not None}
    st.query_params.from_dict(st.session_state.address)


def leave() -> None:
    """Take all that was open out of the address."""
    st.session_state.address = {}
    st.query_params.clear()


def open_id() -> str:
    """The id of the open conversation, or the one that it will have if it is new.

    It is known before the first question, whose run would else take all controls
    out of the page and put others in, before anything of the answer is seen.
    """
    new: str = st.session_state.setdefault("new_conversation_id", new_id())
    return get("c") or new


def take_another_new_id() -> None:
    """Have the next new conversation get an id of its own: there may be one of this id now."""
    st.session_state.pop("new_conversation_id", None)


def _parameters() -> dict[str, str]:
    parameters: dict[str, str] = st.session_state.setdefault("address", st.query_params.to_dict())
    return parameters
