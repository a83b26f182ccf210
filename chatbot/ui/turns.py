"""What the buttons under a question or an answer do, before the page is drawn again."""

import time
from collections.abc import Callable

import streamlit as st

from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Message, storable
from chatbot.ui import browser, controls, models, places
from chatbot.ui.actions import check_length
from chatbot.ui.errors import noting_errors
from chatbot.ui.look import short
from chatbot.ui.resources import Place

DELETE, PIN, UNPIN = "delete", "pin", "unpin"
"""The choices of an answer's menu that are no models."""


def edit(question_id: str | None) -> None:
    """Turn a question into a field; None turns it back, and the browser forgets what was typed."""
    state = st.session_state
    state.edited = None if question_id else state.get("editing")
    state.editing = question_id


@noting_errors
def send_edited(old_question: Message) -> None:
    """Ask a question as it was edited. It stays in its field if that cannot be done."""
    question = storable(str(st.session_state.get(field_key(old_question)) or ""))
    if not question.strip():
        return
    try:
        check_length(question)
        _write(
            old_question,
            lambda place, conversation: place.answers.ask_instead(
                browser.owner(),
                conversation,
                old_question,
                question,
                controls.current(),
                models.source(),
            ),
        )
    except ChatbotError as error:
        if error.code not in ("conflict", "gone"):
            raise
        st.session_state.draft = question  # the field is gone with its question
        edit(None)
        raise
    edit(None)


def field_key(question: Message) -> str:
    """The key of the field in which a question is edited."""
    return f"edited-{short(question.id)}"


@noting_errors
def ask_again(
    old_answer: Message, picked: str | None = None, limit_tokens: int | None = None
) -> None:
    """Have the last question answered once more.

    Perhaps by another model just this time, or with only so much of what came before.
    """
    _write(
        old_answer,
        lambda place, conversation: place.answers.ask_again(
            browser.owner(),
            conversation,
            old_answer,
            controls.current(picked),
            models.source(picked),
            limit_tokens,
        ),
    )


@noting_errors
def go_on(cut_answer: Message) -> None:
    """Have an answer written on from where it was cut off."""
    _write(
        cut_answer,
        lambda place, conversation: place.answers.go_on(
            browser.owner(), conversation, cut_answer, controls.current(), models.source()
        ),
    )


@noting_errors
def show_version(message_id: str) -> None:
    """Bring another version of a question or an answer onto the screen, where the reader is."""
    st.session_state.stepped = time.time()
    places.here().store.messages.show_version(browser.owner(), message_id)


@noting_errors
def rate(answer_id: str, key: str) -> None:
    """Keep what a person thinks of an answer; a second click on the same thumb takes it back."""
    rating = st.session_state.get(key)
    places.here().store.messages.rate(browser.owner(), answer_id, rating)


def choose(answer: Message, key: str) -> None:
    """Do what was chosen from an answer's menu."""
    choice = st.session_state.get(key)
    if choice == DELETE:
        st.session_state.deleting = answer.id
    elif choice in (PIN, UNPIN):
        _pin(answer.id, choice == PIN)
    elif choice:
        ask_again(answer, choice)


@noting_errors
def _pin(answer_id: str, is_pinned: bool) -> None:
    """Have a turn sent to the model however old it is, or no longer."""
    places.here().store.pins.pin(browser.owner(), answer_id, is_pinned)


def keep_turn() -> None:
    """Delete nothing after all."""
    st.session_state.deleting = None


@noting_errors
def delete(answer: Message) -> None:
    """Delete the question of an answer, with all its answers."""
    keep_turn()
    places.here().answers.delete_turn(browser.owner(), answer)


def _write(message: Message, work: Callable[[Place, Conversation], object]) -> None:
    """Do something that writes to a message's conversation."""
    conversation = places.here().store.conversations.get(browser.owner(), message.conversation_id)
    if not conversation:
        raise ChatbotError("gone")

    def work_there(place: Place) -> None:
        controls.keep_in(place)
        work(place, conversation)

    places.write(conversation, work_there)
