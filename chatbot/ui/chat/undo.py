"""Undo for deleting or clearing a conversation."""

from collections.abc import Callable

import streamlit as st

from chatbot.ui import navigation, services, visitor
from chatbot.ui.errors import noting_errors
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state


@noting_errors
def undo_delete(conversation_id: str) -> None:
    """Restore a deleted or cleared conversation, and open it."""
    _restore(conversation_id)
    navigation.open_conversation(conversation_id)
    page_state().restored = (conversation_id, "clear.undone")


@noting_errors
def undo_delete_in_list(conversation_id: str) -> None:
    """Restore a conversation that was deleted while another is open, which stays open."""
    _restore(conversation_id)
    page_state().taken_from_list = None
    page_state().restored = (conversation_id, "clear.undone")


def _restore(conversation_id: str) -> None:
    for place in services.all_places():
        place.store.trash.undo_delete(visitor.owner(), conversation_id)


def show_undo() -> None:
    """Draw Undo after Delete and Clear, until the visitor opens another conversation."""
    if taken_away := page_state().taken_away:
        conversation_id, sentence = taken_away
        _show(sentence, "undo_delete", undo_delete, conversation_id)


def show_undo_in_list() -> None:
    """Draw Undo above the list, after a conversation that is not open was deleted."""
    if conversation_id := page_state().taken_from_list:
        _show("conversation.deleted", "undo_delete_in_list", undo_delete_in_list, conversation_id)


def _show(sentence: str, key: str, undo: Callable[[str], None], conversation_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t(sentence), width="content")
        st.button(
            t("clear.undo"),
            key=key,
            icon=":material/undo:",
            on_click=undo,
            args=(conversation_id,),
        )
