"""Which place a conversation is in: kept for good, in memory for want of that, or temporary.

Where a conversation is does not show in its address, so all that is done with
one asks here first.
"""

from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from chatbot.errors import CANNOT_BE_KEPT, ChatbotError
from chatbot.store import Conversation
from chatbot.ui import address, browser, resources
from chatbot.ui.errors import noting_errors
from chatbot.ui.resources import Kind, Place

TEMPORARY_SWITCH = "next_is_temporary"
"""The key of the switch on an empty page: what it says is forgotten when it is not shown."""


def of(conversation_id: str | None) -> Place:
    """Where a conversation is; for None, where the next new one will be."""
    if is_temporary(conversation_id):
        return resources.temporary()
    if conversation_id and is_spare(conversation_id):
        return resources.spare()
    return resources.usual()


def here() -> Place:
    """Where the open conversation is."""
    return of(address.get("c"))


def is_temporary(conversation_id: str | None) -> bool:
    """Whether a conversation must not be kept; None asks about the next new one."""
    if conversation_id is None:
        return bool(st.session_state.get(TEMPORARY_SWITCH))
    return conversation_id in st.session_state.get("temporary_ids", ())


def is_spare(conversation_id: str) -> bool:
    """Whether a conversation is in memory because it cannot be kept."""
    if not resources.has_spare():
        return False
    return resources.spare().store.conversations.get(browser.owner(), conversation_id) is not None


def spare_conversations() -> list[Conversation]:
    """The conversations in memory that should be on disk."""
    if not resources.has_spare() or resources.failure_to_open():
        return []
    return resources.spare().store.conversations.page(browser.owner(), limit=100)


def write(conversation: Conversation, work: Callable[[Place], None], is_new: bool = False) -> None:
    """Do something that writes to a conversation; in memory, if the disk takes nothing more."""
    if not is_new and is_spare(conversation.id):
        with suppress(ChatbotError):
            _move(conversation.id, resources.spare(), resources.usual())
    place = of(None if is_new else conversation.id)
    try:
        work(place)
    except ChatbotError as error:
        if error.code not in CANNOT_BE_KEPT or place.kind is not Kind.KEPT:
            raise
        st.session_state.why_spare = error
        if not is_new:
            _move(conversation.id, place, resources.spare())
        work(resources.spare())
    if is_new and place.kind is Kind.TEMPORARY:
        temporary_ids = st.session_state.setdefault("temporary_ids", set())
        temporary_ids.add(conversation.id)


@noting_errors
def save_again(conversation_id: str) -> None:
    """Try once more to keep what is only in memory."""
    if is_spare(conversation_id):
        _move(conversation_id, resources.spare(), resources.usual())
    else:
        of(conversation_id).answers.save_again()


def _move(conversation_id: str, source: Place, target: Place) -> None:
    """Bring a conversation from one place to another, unless they are the same."""
    owner = browser.owner()
    conversation = source.store.conversations.get(owner, conversation_id)
    if conversation is None or source is target:
        return
    # An answer that has just ended, or whose end cannot be saved there, is in memory only.
    messages = [
        source.answers.latest(message)
        for message in source.store.messages.all(owner, conversation_id)
    ]
    if any(source.answers.is_running(message.id) for message in messages):
        raise ChatbotError("still_answering")
    target.store.conversations.put(owner, conversation, messages)
    if source.kind is Kind.SPARE:
        source.store.conversations.erase(owner, conversation_id)
