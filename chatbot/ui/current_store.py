"""The store that holds a conversation: the database, the in-memory fallback, or temporary memory.

A conversation's address does not say which store holds it, so every action on a conversation
looks up its store here first.
"""

from collections.abc import Callable
from contextlib import suppress

from chatbot.answers.place import Kind, Place
from chatbot.errors import ChatbotError
from chatbot.store import Conversation
from chatbot.ui import services, visitor
from chatbot.ui.errors import noting_errors
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.state import page_state


def place_of(conversation_id: str | None) -> Place:
    """Return the place of a conversation; for None, the place of the next new conversation."""
    if is_temporary(conversation_id):
        return services.temporary()
    if conversation_id and is_in_fallback(conversation_id):
        return services.fallback()
    return services.usual()


def open_place() -> Place:
    """Return the place of the open conversation."""
    return place_of(query_params.get("c"))


def is_temporary(conversation_id: str | None) -> bool:
    """Tell if a conversation is temporary; None means the next new conversation."""
    if conversation_id is None:
        return bool(widgets.value(widgets.TEMPORARY_SWITCH))
    return conversation_id in page_state().temporary_ids


def is_in_fallback(conversation_id: str) -> bool:
    """Tell if a conversation is in the in-memory fallback because it could not be saved."""
    if not services.has_fallback():
        return False
    return services.fallback().store.conversations.get(visitor.owner(), conversation_id) is not None


def fallback_conversations() -> list[Conversation]:
    """Return the conversations in the in-memory fallback, waiting to be saved to the database."""
    if not services.has_fallback() or services.failure_to_open():
        return []
    return services.fallback().store.conversations.page(visitor.owner(), limit=100)


def write(conversation: Conversation, work: Callable[[Place], None], is_new: bool = False) -> None:
    """Call `work` with the conversation's place, or with the in-memory fallback if saving fails.

    Raises ChatbotError("setting") while a faulty setting prevents all questions.
    """
    if fault := services.settings().fault:
        raise fault
    if not is_new and is_in_fallback(conversation.id):
        with suppress(ChatbotError):
            _move(conversation.id, services.fallback(), services.usual())
    place = place_of(None if is_new else conversation.id)
    try:
        work(place)
    except ChatbotError as error:
        if not error.kind.can_still_read or place.kind is not Kind.KEPT:
            raise
        page_state().why_fallback = error
        if not is_new:
            _move(conversation.id, place, services.fallback())
        work(services.fallback())
    if is_new and place.kind is Kind.TEMPORARY:
        page_state().temporary_ids.add(conversation.id)


@noting_errors
def save_again(conversation_id: str) -> None:
    """Try again to save a conversation that is only in memory."""
    if is_in_fallback(conversation_id):
        _move(conversation_id, services.fallback(), services.usual())
    else:
        place_of(conversation_id).answers.save_again()


def _move(conversation_id: str, source: Place, target: Place) -> None:
    """Copy a conversation to another place, and remove the fallback's own copy.

    Does nothing if both places are the same or the source lacks the conversation. Raises
    ChatbotError("still_answering") while the model answers in the conversation.
    """
    owner = visitor.owner()
    conversation = source.store.conversations.get(owner, conversation_id)
    if conversation is None or source is target:
        return
    # An answer that has just ended, or whose end could not be saved, is complete only in memory.
    messages = [
        source.answers.latest(message)
        for message in source.store.messages.all(owner, conversation_id)
    ]
    if any(source.answers.is_running(message.id) for message in messages):
        raise ChatbotError("still_answering")
    target.store.conversations.put(owner, conversation, messages)
    if source.kind is Kind.FALLBACK:
        source.store.conversations.erase(owner, conversation_id)
