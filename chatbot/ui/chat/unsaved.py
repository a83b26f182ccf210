"""Text that the store does not hold: a conversation deleted elsewhere, temporary or unsaved.

Each session remembers the messages on its page, so they stay when the conversation is deleted in
another window. No other session sees them, and the session forgets them when the visitor opens
another conversation.
"""

from dataclasses import replace

import streamlit as st

from chatbot.answers.place import Kind, Place
from chatbot.errors import ChatbotError
from chatbot.store import Message, State, new_conversation, new_id
from chatbot.ui import current_store, downloads, navigation, services, visitor
from chatbot.ui.chat.history import History, Status
from chatbot.ui.errors import noting_errors, show_error
from chatbot.ui.session.language import t
from chatbot.ui.session.state import ShownConversation, page_state


def remember(history: History) -> None:
    """Remember the conversation that the page shows."""
    state = page_state()
    if history.status is Status.GONE:
        state.notice = None  # `show_gone` says the same
        state.unsent = state.draft
    elif history.conversation:
        mounted = history.branch[-history.mounted :]
        finished = mounted[:-1] if history.running else mounted
        state.seen = ShownConversation(history.conversation, finished, history.running)
    else:
        state.seen = None


def show_gone(history: History) -> None:
    """Say that the conversation was deleted elsewhere, and offer to save its text."""
    if history.status is not Status.GONE:
        return
    show_error(ChatbotError("gone"))
    with st.container(horizontal=True):
        st.button(
            t("gone.save"),
            key="save_as_new",
            icon=":material/save:",
            on_click=save_as_new,
        )
        st.button(
            t("not_found.back"),
            key="leave_gone",
            type="tertiary",
            on_click=navigation.open_conversation,
            args=(None,),
        )


@noting_errors
def save_as_new() -> None:
    """Save the remembered messages as a new conversation, and open it."""
    state = page_state()
    seen = state.seen
    if seen is None:
        return
    old = [*seen.finished, *([seen.running.message] if seen.running else [])]
    conversation = new_conversation(seen.conversation.title, seen.conversation.controls)
    copies: list[Message] = []
    for message in old:
        if message.state is State.ANSWERING:
            message = replace(message, state=State.CUT_SHORT)
        copies.append(
            replace(
                message,
                # Reasoning not held by the session was in the store only, and is lost.
                reasoning_seconds=message.reasoning_seconds if message.reasoning else None,
                id=new_id(),
                conversation_id=conversation.id,
                parent_id=copies[-1].id if copies else None,
            )
        )

    def add(place: Place) -> None:
        place.store.conversations.add(visitor.owner(), conversation, copies)

    current_store.write(conversation, add, is_new=True)
    navigation.open_conversation(conversation.id)
    if state.unsent:
        state.draft, state.unsent = state.unsent, None


def note_store_notices() -> None:
    """Take over the store's notices about the database, for the page to show once."""
    state = page_state()
    state.shown_notice = None  # so that `keep_notice` repeats no notice of an earlier run
    for notice in services.store().pop_notices():
        state.notice = notice


def show_keeping(history: History) -> None:
    """Say below the messages that the conversation is temporary, or not saved yet, and why."""
    place, conversation, branch = history.place, history.conversation, history.branch
    with st.container(key="keeping"):
        if history.status is Status.GONE:
            return
        if place.kind is Kind.TEMPORARY:
            st.caption(t("keeping.temporary"))
        elif place.kind is Kind.FALLBACK:
            reason = services.failure_to_open() or page_state().why_fallback
            show_error(reason or ChatbotError("store"))
            st.caption(t("keeping.spare"))
            if conversation:
                if not services.failure_to_open():
                    _show_save_again(conversation.id)
                downloads.show_downloads(history.owner, place, conversation)
        elif conversation and branch and place.answers.is_unsaved(branch[-1].id):
            st.caption(t("keeping.unsaved"))
            _show_save_again(conversation.id)


def _show_save_again(conversation_id: str) -> None:
    st.button(
        t("keeping.save_again"),
        key="save_again",
        icon=":material/save:",
        on_click=current_store.save_again,
        args=(conversation_id,),
    )
