"""Buttons that download one conversation."""

import functools

import streamlit as st

from chatbot import exchange
from chatbot.answers.place import Place
from chatbot.store import Conversation, Store
from chatbot.ui.session.language import language, t


def show_downloads(owner: str, place: Place, conversation: Conversation) -> None:
    """Draw the buttons that download one conversation as Markdown or JSON."""
    timezone = st.context.timezone
    name = exchange.file_name(conversation, timezone)
    # Streamlit builds the file at the click, outside this session: everything is passed along.
    of_this = (place.store, owner, conversation)
    with st.container(horizontal=True):
        st.download_button(
            t("data.markdown"),
            functools.partial(_markdown, *of_this, language(), timezone),
            f"{name}.md",
            "text/markdown",
            icon=":material/article:",
            on_click="ignore",
        )
        st.download_button(
            t("data.json"),
            functools.partial(_json, *of_this),
            f"{name}.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )


def _markdown(
    store: Store, owner: str, conversation: Conversation, language: str, timezone: str | None
) -> bytes:
    messages = store.messages.all(owner, conversation.id)
    branch = exchange.branch_on_screen(conversation, messages)
    return exchange.to_markdown(conversation, branch, language, timezone).encode()


def _json(store: Store, owner: str, conversation: Conversation) -> bytes:
    return exchange.to_json(conversation, store.messages.all(owner, conversation.id)).encode()
