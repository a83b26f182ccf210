"""The sidebar's ends: the buttons above the conversations, language and footer below."""

import streamlit as st

import chatbot
from chatbot.settings import Settings
from chatbot.store import Conversation, Message, State
from chatbot.ui import access, actions, views
from chatbot.ui.language import show_language_choice, t


def show_conversation_buttons(conversation: Conversation | None, messages: list[Message]) -> None:
    """New conversation, and Clear for the open one."""
    with st.container(horizontal=True):
        st.button(
            t("sidebar.new"),
            key="new",
            icon=":material/edit_square:",
            on_click=actions.open_conversation,
            args=(None,),
            width="stretch",
        )
        last = messages[-1] if messages else None
        running = last.id if last and last.state is State.ANSWERING else None
        st.button(
            t("sidebar.clear"),
            icon=":material/delete_sweep:",
            on_click=actions.clear,
            args=(conversation.id if conversation else "", running),
            disabled=not messages,
            help=t("sidebar.clear_help"),
            width="stretch",
        )


def show_view_buttons() -> None:
    """The ways to one's data (export, import, shared links) and, for an admin, to what was used."""
    views.show_button("data", t("sidebar.data"), ":material/folder_open:")
    if access.is_admin():
        views.show_button("usage", t("usage.title"), ":material/bar_chart:")


def show_footer(settings: Settings) -> None:
    """The language, where the source is, and which version this is."""
    show_language_choice()
    st.caption(f"[{t('sidebar.source')}]({settings.source_url}) · {chatbot.__version__}")
