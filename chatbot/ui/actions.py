"""What the buttons do. Each runs before the page is drawn again, so the page only shows state.

Nothing typed is lost: a question that cannot be saved goes back to the composer.
"""

import streamlit as st

from chatbot.errors import ChatbotError
from chatbot.store import Message, new_conversation
from chatbot.ui import browser, controls, resources
from chatbot.ui.errors import noting_errors

MAX_QUESTION_CHARACTERS = 100_000
"""About thirty times what a person types; more is a paste that no context window holds."""


@noting_errors
def ask(suggestion: str | None = None) -> None:
    """Ask what is in the composer, or a suggestion."""
    question = suggestion or str(st.session_state.question or "")
    question = question.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if not question.strip():
        return
    try:
        if len(question) > MAX_QUESTION_CHARACTERS:
            raise ChatbotError("question_too_long", limit=f"{MAX_QUESTION_CHARACTERS:,}")
        _ask(question)
    except Exception:
        st.session_state.draft = question
        raise


def _ask(question: str) -> None:
    owner = browser.owner()
    chosen = controls.current()
    conversation = resources.store().conversations.get(owner, st.query_params.get("c", ""))
    is_new = conversation is None
    if conversation is None:
        conversation = new_conversation(question, chosen.to_json())
    else:
        controls.keep()
    resources.answers().ask(owner, conversation, question, chosen, resources.source(), is_new)
    if is_new:
        open_conversation(conversation.id)


@noting_errors
def ask_again(old_answer: Message) -> None:
    """Have the last question answered once more."""
    owner = browser.owner()
    controls.keep()
    conversation = resources.store().conversations.get(owner, old_answer.conversation_id)
    if not conversation:
        raise ChatbotError("conflict")
    resources.answers().ask_again(
        owner, conversation, old_answer, controls.current(), resources.source()
    )


@noting_errors
def stop(message_id: str) -> None:
    """End a running answer, keeping what it said so far."""
    resources.answers().stop(browser.owner(), message_id)


@noting_errors
def clear(conversation_id: str, running_id: str | None) -> None:
    """Empty the open conversation."""
    if running_id:
        stop(running_id)
    resources.store().conversations.clear(browser.owner(), conversation_id)


@noting_errors
def undo_clear(conversation_id: str) -> None:
    """Bring back what `clear` took away."""
    resources.store().conversations.undo_clear(browser.owner(), conversation_id)


def open_conversation(conversation_id: str | None) -> None:
    """Go to a conversation; None is a new one."""
    if conversation_id is None:
        st.query_params.pop("c", None)
    else:
        st.query_params["c"] = conversation_id
    st.session_state.pop("mounted_messages", None)


def mount_messages(count: int) -> None:
    """Have the newest `count` messages of a long conversation on the page."""
    st.session_state.mounted_messages = count
