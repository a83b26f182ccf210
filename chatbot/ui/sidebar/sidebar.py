"""Top and bottom of the sidebar: the buttons above the conversations, and the footer."""

import streamlit as st

import chatbot
from chatbot.settings.settings import Settings
from chatbot.ui import access, navigation
from chatbot.ui.chat.history import History
from chatbot.ui.session.language import show_language_choice, t
from chatbot.ui.sidebar import conversations


def show_conversation_buttons(history: History) -> None:
    """Draw "New chat", and Clear for the open conversation."""
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap=None):
        st.button(
            t("sidebar.new"),
            key="new",
            icon=":material/edit_square:",
            type="tertiary",
            on_click=navigation.open_conversation,
            args=(None,),
            width="stretch",
            shortcut="Ctrl+Shift+O",
            wrap=False,
        )
        st.button(
            t("sidebar.clear"),
            icon=":material/delete_sweep:",
            key="icon-clear",
            type="tertiary",
            on_click=conversations.clear,
            args=(history.conversation_id or "",),
            disabled=not (history.conversation and history.branch),
            help=t("sidebar.clear_help"),
        )


def show_view_buttons() -> None:
    """Draw the buttons to the visitor's data and, for an admin, to the usage view."""
    navigation.show_button("data", t("sidebar.data"), ":material/folder_open:")
    if access.is_admin():
        navigation.show_button("usage", t("usage.title"), ":material/bar_chart:")


def show_footer(settings: Settings) -> None:
    """Draw the language switch, the link to the source code, and behind its "?" the shortcuts."""
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", gap="small", key="footer"
    ):
        show_language_choice()
        st.caption(
            f"[{t('sidebar.source')}]({settings.source_url})",
            help=f"{t('sidebar.shortcuts')}\n\nChatbot {chatbot.__version__}",
        )
