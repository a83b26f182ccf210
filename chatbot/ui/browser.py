"""What only the browser can do: remember who is asking, scroll along, and copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from chatbot import visitors
from chatbot.ui import look, resources
from chatbot.ui.language import language, t

_HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def _component(name: str) -> Callable[..., Any]:
    style = _HERE / f"{name}.css"
    return st.components.v2.component(
        f"chatbot_{name}",
        js=(_HERE / f"{name}.js").read_text("utf-8"),
        css=style.read_text("utf-8") if style.exists() else None,
    )


def meet_visitor() -> None:
    """Learn who has this page open. Until the browser answers, a session has an id of its own."""
    state = st.session_state
    if "visitor_token" not in state:
        state.visitor_token = visitors.new_token()
    # Never another one: new data make the browser answer again, which is a run of the page.
    suggested = state.setdefault("suggested_token", state.visitor_token)
    with st.container(key="visitor"):
        _component("visitor")(
            key="visitor_component",
            data={"suggested": suggested},
            on_token_change=lambda: None,
        )
    owner()


def owner() -> str:
    """The owner's id in the store for whoever has this page open, as far as is known now.

    What was begun before the browser had answered becomes the visitor's too.
    """
    state = st.session_state
    kept = state.get("visitor_component", {}).get("token")
    if visitors.is_token(kept) and not visitor_is_known():
        if kept != state.visitor_token:
            before, now = visitors.owner_of(state.visitor_token), visitors.owner_of(kept)
            for place in resources.all_places():
                place.store.conversations.adopt(before, now)
                place.answers.adopt(before, now)
        state.visitor_token = kept
        state.visitor_is_known = True
    return visitors.owner_of(state.visitor_token)


def visitor_is_known() -> bool:
    """Whether the browser has answered."""
    return bool(st.session_state.get("visitor_is_known"))


def tend_page(conversation_id: str | None, last_question_id: str | None) -> None:
    """What a chat page does by itself.

    It keeps the end of the conversation in view until the reader scrolls up, or
    a message that was searched for; closes the sidebar on a phone and puts the
    cursor into the composer when another conversation is opened; keeps what is
    being typed; says when the server is out of reach; names its language; and
    opens the sidebar at a control that a button has led to, or a question
    that is to be edited.
    """
    with st.container(key="page"):
        # What a run changes is apart from the script, 7 kB, which is then sent only once.
        _component("page")(
            key="page_component",
            data={
                "language": language(),
                "icon": look.icon_address(),
                "lost": t("connection.lost"),
            },
        )
        _component("place")(
            key="place_component",
            data={
                "conversation": conversation_id,
                "question": last_question_id,
                "target": st.session_state.get("target"),
                "renaming": st.session_state.get("renaming"),
                "editing": st.session_state.get("editing"),
                "control": st.session_state.pop("wanted_control", None),
                # A question that could not be sent stays, even if it goes to another place.
                "unsent": "draft" in st.session_state,
            },
        )


def show_countdown(seconds: float, key: str) -> None:
    """Seconds that pass in the browser alone; at their end the page is run again."""
    _component("countdown")(
        key=key,
        data={
            "seconds": seconds,
            "waiting": t("answer.again_in", seconds="%"),
            "now": t("answer.again_now"),
        },
        on_over_change=lambda: None,
        width="content",
    )


def show_copy_button(text: str, key: str) -> None:
    """A button that copies `text` without a word to the server."""
    _component("copy")(
        key=key,
        data={"text": text, "label": t("answer.copy"), "done": t("answer.copied")},
        width="content",
    )
