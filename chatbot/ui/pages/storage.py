"""Storage that a visitor's data takes, and the button that empties the trash."""

import streamlit as st

from chatbot.limits.policy import shown_bytes
from chatbot.ui import services, visitor
from chatbot.ui.errors import noting_errors
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state


def show_room(owner: str) -> None:
    """Draw a line on the used storage, and a button that empties the trash."""
    used = services.store().sizes.used(owner)
    most = services.limits().visitor.stored_bytes
    if most is None:
        sentence = t("data.used", used=shown_bytes(used.total))
    else:
        sentence = t("data.used_of", used=shown_bytes(used.total), limit=shown_bytes(most))
    with st.container(horizontal=True, vertical_alignment="center"):
        if used.in_trash:
            sentence += "  \n" + t("data.trash", used=shown_bytes(used.in_trash))
        st.caption(sentence)
        if used.in_trash:
            st.button(
                t("data.empty_trash"),
                key="empty_trash",
                icon=":material/delete_sweep:",
                on_click=_empty_trash,
            )
    with st.container():
        state = page_state()
        if state.is_trash_emptied:
            state.is_trash_emptied = False
            st.success(t("data.trash_emptied"), icon=":material/check_circle:")


@noting_errors
def _empty_trash() -> None:
    services.store().trash.empty(visitor.owner())
    page_state().is_trash_emptied = True
