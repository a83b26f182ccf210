"""What the buttons of the conversation list do. Each runs before the page is drawn again."""

import time

import streamlit as st

from chatbot.ui import actions, browser, places, resources, views
from chatbot.ui.errors import noting_errors

MOUNTED_BELOW = 15
"""Messages that are mounted below one that was searched for, with as many above."""


@noting_errors
def choose(conversation_id: str, menu_key: str) -> None:
    """Do what was chosen in a conversation's menu."""
    conversations = places.of(conversation_id).store.conversations
    match st.session_state[menu_key]:
        case "rename":
            st.session_state.renaming = conversation_id
        case "pin":
            conversations.pin(browser.owner(), conversation_id, True)
        case "unpin":
            conversations.pin(browser.owner(), conversation_id, False)
        case "share":
            views.open_view("data")
        case "delete":
            _delete(conversation_id)


@noting_errors
def rename(conversation_id: str) -> None:
    """Give a conversation the title that was typed."""
    title = str(st.session_state.get(f"title-{conversation_id}") or "")
    conversations = places.of(conversation_id).store.conversations
    conversations.rename(browser.owner(), conversation_id, title)
    stop_renaming()


def stop_renaming() -> None:
    """Have the row back in the place of the field."""
    st.session_state.pop("renaming", None)


def _delete(conversation_id: str) -> None:
    """Take a conversation away, ending an answer that runs in it."""
    owner, place = browser.owner(), places.of(conversation_id)
    conversation = place.store.conversations.get(owner, conversation_id)
    _, running = place.answers.branch(owner, conversation, limit=1)
    if running:
        place.answers.stop(owner, running.message.id)
    for each in resources.all_places():  # one that goes on in memory is on disk, as it was
        each.store.trash.delete(owner, conversation_id)
    actions.open_conversation(None)
    st.session_state.deleted = conversation_id


@noting_errors
def undo_delete(conversation_id: str) -> None:
    """Bring back what was deleted, and open it."""
    for place in resources.all_places():
        place.store.trash.undo_delete(browser.owner(), conversation_id)
    actions.open_conversation(conversation_id)


def list_more(count: int) -> None:
    """Have the newest `count` conversations in the list."""
    st.session_state.listed_conversations = count


def end_search() -> None:
    """Have the list back."""
    st.session_state.search = ""


@noting_errors
def open_found(conversation_id: str, message_id: str | None) -> None:
    """Open a conversation at one of its messages, on whichever branch that is."""
    actions.open_conversation(conversation_id)
    owner, messages = browser.owner(), places.of(conversation_id).store.messages
    if message_id is None or messages.get(owner, message_id) is None:
        return  # the conversation itself, or the page that says it is gone
    newer = messages.count_after(owner, message_id)
    if newer is None:
        messages.show_version(owner, message_id)
        newer = messages.count_after(owner, message_id) or 0
    actions.mount_messages(2 * MOUNTED_BELOW, max(0, newer - MOUNTED_BELOW))
    # The time makes another click on the same result a new one.
    st.session_state.target = {"message": message_id, "at": time.time()}
