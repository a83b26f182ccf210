"""Callbacks of the chat's buttons and fields.

A callback runs before the page is drawn again, so the page only shows state. No typed text is
lost: a question that cannot be saved goes back to the composer.
"""

import time
from collections.abc import Callable

from chatbot.answers.place import Place
from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Message, new_conversation, storable
from chatbot.ui import current_store, model_choice, visitor
from chatbot.ui.errors import noting_errors
from chatbot.ui.navigation import (
    MOST_MOUNTED_MESSAGES,
    MOUNTED_MESSAGES,
    mount_messages,
    open_conversation,
)
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.state import page_state

MAX_QUESTION_CHARACTERS = 100_000
"""Maximum length of a question: about thirty times what a visitor types by hand.

A longer text is pasted, and fits into no model's context window.
"""


@noting_errors
def ask(suggestion: str | None = None) -> None:
    """Ask the composer's text, or a suggestion."""
    question = storable(suggestion or widgets.text(widgets.QUESTION))
    if not question.strip():
        return
    try:
        check_length(question)
        _ask(question)
    except Exception:
        page_state().draft = question
        raise
    if suggestion:
        page_state().draft = ""  # an earlier failure may have put this question into the composer


def check_length(question: str) -> None:
    """Raise ChatbotError("question_too_long") if no model could read the question."""
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise ChatbotError("question_too_long", limit=f"{MAX_QUESTION_CHARACTERS:,}")


def _ask(question: str) -> None:
    owner = visitor.owner()
    chosen = model_choice.current()
    conversation_id = query_params.get("c")
    stored = current_store.open_place().store.conversations.get(owner, conversation_id or "")
    if conversation_id and not stored:
        raise ChatbotError("gone")
    conversation = stored or new_conversation(question, chosen.to_json(), query_params.open_id())

    def ask_there(place: Place) -> None:
        if stored:
            model_choice.keep_in(place)
        place.answers.ask(
            owner, conversation, question, chosen, model_choice.source(), is_new=not stored
        )

    was_refused = False
    try:
        current_store.write(conversation, ask_there, is_new=not stored)
    except ChatbotError as error:
        was_refused = error.code != "store"
        raise
    finally:
        if not was_refused:  # the conversation was saved, or may have been
            query_params.take_another_new_id()
    state = page_state()
    mounted = state.mounted_messages or MOUNTED_MESSAGES
    has_left_out, taken_away = state.left_out_messages > 0, state.taken_away
    open_conversation(conversation.id)  # shows its end, however far the visitor had gone back
    state.taken_away = taken_away  # so that Undo still works for a cleared conversation
    if not has_left_out and mounted + 2 <= MOST_MOUNTED_MESSAGES:
        mount_messages(mounted + 2)


@noting_errors
def stop(message_id: str) -> None:
    """Stop a running answer, keeping its text so far."""
    current_store.open_place().answers.stop(visitor.owner(), message_id)


DELETE, PIN, UNPIN, DETAILS = "delete", "pin", "unpin", "details"
"""Entries of an answer's menu that are not models. The details are only there to be read."""


def edit(question_id: str | None) -> None:
    """Open a question's editor; None closes it, and the browser discards the edited text."""
    state = page_state()
    state.edited = None if question_id else state.editing
    state.editing = question_id


@noting_errors
def send_edited(old_question: Message) -> None:
    """Ask an edited question. If that fails, the text stays in the editor or the composer."""
    question = storable(widgets.text(widgets.edited_question(old_question.id)))
    if not question.strip():
        return
    try:
        check_length(question)
        _write(
            old_question,
            lambda place, conversation: place.answers.ask_instead(
                visitor.owner(),
                conversation,
                old_question,
                question,
                model_choice.current(),
                model_choice.source(),
            ),
        )
    except ChatbotError as error:
        if error.code not in ("conflict", "gone"):
            raise
        page_state().draft = question  # the question is gone, and its editor with it
        edit(None)
        raise
    edit(None)


@noting_errors
def ask_again(
    old_answer: Message, picked: str | None = None, limit_tokens: int | None = None
) -> None:
    """Answer the last question again.

    `picked` is another model for this answer only. `limit_tokens` limits how much of the
    conversation is sent.
    """
    _write(
        old_answer,
        lambda place, conversation: place.answers.ask_again(
            visitor.owner(),
            conversation,
            old_answer,
            model_choice.current(picked),
            model_choice.source(picked),
            limit_tokens,
        ),
    )


@noting_errors
def go_on(cut_answer: Message) -> None:
    """Continue an answer from where it was cut off."""
    _write(
        cut_answer,
        lambda place, conversation: place.answers.go_on(
            visitor.owner(), conversation, cut_answer, model_choice.current(), model_choice.source()
        ),
    )


@noting_errors
def show_version(message_id: str) -> None:
    """Show another version of a question or an answer, without scrolling."""
    page_state().stepped = time.time()
    current_store.open_place().store.messages.show_version(visitor.owner(), message_id)


@noting_errors
def rate(answer_id: str) -> None:
    """Save the visitor's rating of an answer; a second click on the same thumb removes it."""
    rating = widgets.value(widgets.rating(answer_id))
    current_store.open_place().store.messages.rate(visitor.owner(), answer_id, rating)


def choose(answer: Message) -> None:
    """Carry out the entry chosen from an answer's menu."""
    choice = widgets.value(widgets.menu(answer.id))
    if choice == DELETE:
        page_state().deleting = answer.id
    elif choice in (PIN, UNPIN):
        _pin(answer.id, choice == PIN)
    elif choice and choice != DETAILS:
        ask_again(answer, choice)


@noting_errors
def _pin(answer_id: str, is_pinned: bool) -> None:
    """Pin or unpin a turn. A pinned turn is sent to the model however old it is."""
    current_store.open_place().store.pins.pin(visitor.owner(), answer_id, is_pinned)


def keep_turn() -> None:
    """Cancel the deletion of a turn."""
    page_state().deleting = None


@noting_errors
def delete(answer: Message) -> None:
    """Delete an answer's question together with all answers to it."""
    keep_turn()
    current_store.open_place().answers.delete_turn(visitor.owner(), answer)


def _write(message: Message, work: Callable[[Place, Conversation], object]) -> None:
    """Save the controls and call `work` with the message's conversation and its place.

    Raises ChatbotError("gone") if the conversation was deleted.
    """
    conversation = current_store.open_place().store.conversations.get(
        visitor.owner(), message.conversation_id
    )
    if not conversation:
        raise ChatbotError("gone")

    def work_there(place: Place) -> None:
        model_choice.keep_in(place)
        work(place, conversation)

    current_store.write(conversation, work_there)
