"""The sidebar: conversations, language, footer."""

import streamlit as st

import chatbot
from chatbot.settings import Settings
from chatbot.store import Conversation, Message, State
from chatbot.ui import actions, resources
from chatbot.ui.language import show_language_choice, t
from chatbot.ui.look import plain

LISTED_CONVERSATIONS = 50
UNSCROLLED_CONVERSATIONS = 6
LIST_HEIGHT_PIXELS = 260
"""A long list scrolls by itself, so that the controls below it stay in reach."""


def show_conversation_buttons(conversation: Conversation | None, messages: list[Message]) -> None:
    """New conversation, and Clear for the open one."""
    with st.container(horizontal=True):
        st.button(
            t("sidebar.new"),
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


def show_conversations(owner: str, open_one: Conversation | None) -> None:
    """The owner's conversations, newest first."""
    conversations = resources.store().conversations.page(owner, LISTED_CONVERSATIONS)
    is_long = len(conversations) > UNSCROLLED_CONVERSATIONS
    with st.container(
        gap=None,
        key="conversations",
        height=LIST_HEIGHT_PIXELS if is_long else "content",
        border=False,
    ):
        if not conversations:
            st.caption(t("sidebar.no_conversations"))
        for conversation in conversations:
            st.button(
                plain(conversation.title),
                key=f"open-{conversation.id}",
                type="secondary" if open_one and conversation.id == open_one.id else "tertiary",
                on_click=actions.open_conversation,
                args=(conversation.id,),
                width="stretch",
                wrap=False,
            )


def show_data_button() -> None:
    """The way to one's data: export, import, shared links."""
    st.button(
        t("sidebar.data"),
        key="data",
        icon=":material/folder_open:",
        type="tertiary",
        on_click=actions.open_data,
    )


def show_footer(settings: Settings) -> None:
    """The language, where the source is, and which version this is."""
    show_language_choice()
    st.caption(f"[{t('sidebar.source')}]({settings.source_url}) · {chatbot.__version__}")
