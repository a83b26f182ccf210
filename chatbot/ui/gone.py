"""A conversation that was deleted elsewhere while this page shows it: its text stays.

Each session remembers the messages that it shows. They are shared with nobody,
and forgotten with the next conversation that is opened.
"""

from dataclasses import dataclass, replace

import streamlit as st

from chatbot.answer import Followed
from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Message, State, new_conversation, new_id
from chatbot.ui import actions, browser, composer, live, messages, places
from chatbot.ui.errors import noting_errors, show_error
from chatbot.ui.language import t
from chatbot.ui.resources import Place


@dataclass(frozen=True)
class _Seen:
    conversation: Conversation
    finished: list[Message]
    running: Followed | None
    """It goes on in memory, even if there is nowhere to save it."""


def remember(
    conversation: Conversation | None, branch: list[Message], running: Followed | None
) -> None:
    """Remember what the page shows now."""
    finished = branch[:-1] if running else branch
    st.session_state.seen = conversation and _Seen(conversation, finished, running)


def is_remembered(conversation_id: str) -> bool:
    """Whether this page showed a conversation a moment ago."""
    seen: _Seen | None = st.session_state.get("seen")
    return seen is not None and seen.conversation.id == conversation_id


def show_gone_or_not_found(conversation_id: str) -> None:
    """What is left of a conversation that was here a moment ago; else that there is none."""
    if not is_remembered(conversation_id):
        browser.tend_page(conversation_id, None)
        messages.show_not_found()
        return
    seen: _Seen = st.session_state.seen
    state = st.session_state
    state.pop("notice", None)  # it says the same
    state.unsent = state.get("draft")
    for message in seen.finished:
        messages.show_message_alone(message)
    live_place = st.container()
    above_composer = composer.show_above(seen.running)
    composer.show_composer()
    if seen.running:
        with live_place:
            live.LiveAnswer(seen.running).follow()
        above_composer.empty()
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
            on_click=actions.open_conversation,
            args=(None,),
        )


@noting_errors
def save_as_new() -> None:
    """Keep what is left as a conversation of its own, and open that."""
    seen: _Seen = st.session_state.seen
    old = [*seen.finished, *([seen.running.message] if seen.running else [])]
    conversation = new_conversation(seen.conversation.title, seen.conversation.controls)
    copies: list[Message] = []
    for message in old:
        if message.state is State.ANSWERING:
            message = replace(message, state=State.CUT_SHORT)
        copies.append(
            replace(
                message,
                # What was thought is only in the store, and gone.
                reasoning_seconds=message.reasoning_seconds if message.reasoning else None,
                id=new_id(),
                conversation_id=conversation.id,
                parent_id=copies[-1].id if copies else None,
            )
        )

    def add(place: Place) -> None:
        place.store.conversations.add(browser.owner(), conversation, copies)

    places.write(conversation, add, is_new=True)
    actions.open_conversation(conversation.id)
    if unsent := st.session_state.pop("unsent", None):
        st.session_state.draft = unsent
