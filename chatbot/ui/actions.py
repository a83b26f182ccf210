"""What the buttons do; those under a message have `turns.py`.

Each runs before the page is drawn again, so the page only shows state. Nothing
typed is lost: a question that cannot be saved goes back to the composer.
"""

import streamlit as st

from chatbot.errors import ChatbotError
from chatbot.store import new_conversation, storable
from chatbot.ui import address, browser, controls, models, places
from chatbot.ui.errors import noting_errors
from chatbot.ui.resources import Place

MOUNTED_MESSAGES = 12
"""The newest are on the page: every mounted message is sent again on every run."""

MOST_MOUNTED_MESSAGES = 18
"""Some more as a conversation goes on: where all move up by a turn, the browser draws all anew.
Without them, the first text in one of 1,000 messages came 193 instead of 158 ms after Enter."""

MAX_QUESTION_CHARACTERS = 100_000
"""About thirty times what a person types; more is a paste that no context window holds."""


@noting_errors
def ask(suggestion: str | None = None) -> None:
    """Ask what is in the composer, or a suggestion."""
    question = storable(suggestion or str(st.session_state.question or ""))
    if not question.strip():
        return
    try:
        check_length(question)
        _ask(question)
    except Exception:
        st.session_state.draft = question
        raise
    if suggestion:
        st.session_state.draft = ""  # it may have been put back into the composer before


def check_length(question: str) -> None:
    """Raise ChatbotError("question_too_long") for what no model could read."""
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise ChatbotError("question_too_long", limit=f"{MAX_QUESTION_CHARACTERS:,}")


def _ask(question: str) -> None:
    owner = browser.owner()
    chosen = controls.current()
    conversation_id = address.get("c")
    kept = places.here().store.conversations.get(owner, conversation_id or "")
    if conversation_id and not kept:
        raise ChatbotError("gone")
    conversation = kept or new_conversation(question, chosen.to_json(), address.open_id())

    def ask_there(place: Place) -> None:
        if kept:
            controls.keep_in(place)
        place.answers.ask(owner, conversation, question, chosen, models.source(), is_new=not kept)

    was_refused = False
    try:
        places.write(conversation, ask_there, is_new=not kept)
    except ChatbotError as error:
        was_refused = error.code != "store"
        raise
    finally:
        if not was_refused:  # then it was kept, or may have been
            address.take_another_new_id()
    mounted = st.session_state.get("mounted_messages", MOUNTED_MESSAGES)
    has_left_out = st.session_state.get("left_out_messages", 0) > 0
    open_conversation(conversation.id)  # at its end, however far back it was read
    if not has_left_out and mounted + 2 <= MOST_MOUNTED_MESSAGES:
        mount_messages(mounted + 2)


@noting_errors
def stop(message_id: str) -> None:
    """End a running answer, keeping what it said so far."""
    places.here().answers.stop(browser.owner(), message_id)


@noting_errors
def clear(conversation_id: str, running_id: str | None) -> None:
    """Empty the open conversation."""
    if running_id:
        stop(running_id)
    places.here().store.trash.clear(browser.owner(), conversation_id)


@noting_errors
def undo_clear(conversation_id: str) -> None:
    """Bring back what `clear` took away."""
    places.here().store.trash.undo_clear(browser.owner(), conversation_id)


def open_conversation(conversation_id: str | None) -> None:
    """Go to a conversation; None is a new one."""
    if conversation_id != address.get("c"):
        st.session_state.pop("editing", None)  # the browser keeps what was typed, and goes on there
    address.change(view=None, share=None, c=conversation_id)
    for name in ("mounted_messages", "left_out_messages", "target", "renaming", "deleted"):
        st.session_state.pop(name, None)


def mount_messages(count: int, left_out: int | None = None) -> None:
    """Have `count` messages of a long conversation on the page, leaving out some newest ones."""
    st.session_state.mounted_messages = count
    if left_out is not None:
        st.session_state.left_out_messages = left_out
