"""What a person should know about how long a conversation is kept, when that is not for good."""

import streamlit as st

from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Message
from chatbot.ui import data, places, resources
from chatbot.ui.errors import show_error
from chatbot.ui.language import t
from chatbot.ui.resources import Kind, Place


def note_what_happened() -> None:
    """Have the page say once what happened to the database."""
    st.session_state.pop(
        "shown_notice", None
    )  # what the last run said is said again by itself only
    for notice in resources.store().pop_notices():
        st.session_state.notice = notice


def show_keeping(
    owner: str, place: Place, conversation: Conversation | None, branch: list[Message]
) -> None:
    """Below the messages: that this is temporary, or not saved yet, and why."""
    with st.container(key="keeping"):
        if place.kind is Kind.TEMPORARY:
            st.caption(t("keeping.temporary"))
        elif place.kind is Kind.SPARE:
            reason = resources.failure_to_open() or st.session_state.get("why_spare")
            show_error(reason or ChatbotError("store"))
            st.caption(t("keeping.spare"))
            if conversation:
                if not resources.failure_to_open():
                    _show_save_again(conversation.id)
                data.show_downloads(owner, place, conversation)
        elif conversation and branch and place.answers.is_unsaved(branch[-1].id):
            st.caption(t("keeping.unsaved"))
            _show_save_again(conversation.id)


def _show_save_again(conversation_id: str) -> None:
    st.button(
        t("keeping.save_again"),
        key="save_again",
        icon=":material/save:",
        on_click=places.save_again,
        args=(conversation_id,),
    )
