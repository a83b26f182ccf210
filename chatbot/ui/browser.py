"""What only the browser can do: remember who is asking, scroll along, and copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from chatbot import visitors
from chatbot.ui import resources
from chatbot.ui.language import t

_HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def _component(name: str) -> Callable[..., Any]:
    style = _HERE / f"{name}.css"
    return st.components.v2.component(
        f"chatbot_{name}",
        js=(_HERE / f"{name}.js").read_text("utf-8"),
        css=style.read_text("utf-8") if style.exists() else None,
    )


def visitor() -> str:
    """The owner's id in the store for whoever has this page open.

    A new session does not know its visitor until the browser has answered.
    Until then it has an id of its own, whose conversations the visitor gets.
    """
    state = st.session_state
    if "visitor_token" not in state:
        state.visitor_token = visitors.new_token()
        state.visitor_is_known = False
    with st.container(key="visitor"):
        kept = _component("visitor")(
            key="visitor_id",
            data={"suggested": state.visitor_token},
            on_token_change=lambda: None,
        ).token
    if not state.visitor_is_known and visitors.is_token(kept):
        if kept != state.visitor_token:
            resources.store().adopt(visitors.owner_of(state.visitor_token), visitors.owner_of(kept))
        state.visitor_token = kept
        state.visitor_is_known = True
    return visitors.owner_of(state.visitor_token)


def follow_conversation(conversation_id: str | None) -> None:
    """Keep the end of the conversation in view while it grows, until the reader scrolls up."""
    with st.container(key="scroll"):
        _component("scroll")(key="scroll_along", data={"conversation": conversation_id})


def show_copy_button(text: str, key: str) -> None:
    """A button that copies `text` without a word to the server."""
    _component("copy")(
        key=key,
        data={"text": text, "label": t("answer.copy"), "done": t("answer.copied")},
        width="content",
    )
