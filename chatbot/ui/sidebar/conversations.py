"""The list of conversations in the sidebar, and the actions on its rows."""

import time
from typing import Any

import streamlit as st

from chatbot.i18n.dates import by_period, zone
from chatbot.markdown.escape import visible
from chatbot.store import Conversation
from chatbot.ui import current_store, navigation, services, visitor
from chatbot.ui.chat.undo import show_undo_in_list
from chatbot.ui.errors import noting_errors
from chatbot.ui.frontend.components import component
from chatbot.ui.frontend.look import fresh_place
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state

MOUNTED_BELOW = 15
"""Number of messages drawn below a message opened by search; as many are drawn above."""

MOST_CHOICES = 20
"""Maximum number of choices carried out at a time; nobody makes more within three seconds."""

ACTIONS = ("rename", "pin", "unpin", "share", "clear", "delete")
"""Entries of the menus. `frontend/list.js` decides which of them a row offers."""


def carry_out() -> None:
    """Carry out the visitor's choices in the list: rows, and entries of the rows' menus.

    The browser sends a choice again with the next choices, see `frontend/list.js`.
    """
    choices = widgets.component_value(widgets.LIST_COMPONENT, "chosen")
    state = page_state()
    # A client can send anything.
    for choice in choices[-MOST_CHOICES:] if isinstance(choices, list) else ():
        number = choice.get("number") if isinstance(choice, dict) else None
        if isinstance(number, int) and number > state.choice_done:
            state.choice_done = number
            _carry_out(choice)


@noting_errors
def _carry_out(chosen: dict[str, Any]) -> None:
    owner, conversation_id = visitor.owner(), str(chosen.get("id"))
    conversations = current_store.place_of(conversation_id).store.conversations
    match chosen.get("action"):
        case "open":
            navigation.open_conversation(conversation_id)
        case "rename":
            conversations.rename(owner, conversation_id, str(chosen.get("title") or ""))
        case "pin":
            conversations.pin(owner, conversation_id, True)
        case "unpin":
            conversations.pin(owner, conversation_id, False)
        case "share":
            navigation.open_conversation(conversation_id)
            navigation.open_view("share")
        case "clear":
            clear(conversation_id)
        case "delete":
            delete(conversation_id)


@noting_errors
def clear(conversation_id: str) -> None:
    """Delete the open conversation and open a new conversation, temporary if the old one was."""
    is_temporary = current_store.is_temporary(conversation_id)
    _take_away(conversation_id)
    navigation.open_conversation(None)
    page_state().taken_away = (conversation_id, "clear.done")
    widgets.put(widgets.TEMPORARY_SWITCH, is_temporary)


def delete(conversation_id: str) -> None:
    """Delete a conversation. If it is open, open a new conversation instead."""
    _take_away(conversation_id)
    if conversation_id == query_params.get("c"):
        navigation.open_conversation(None)
        page_state().taken_away = (conversation_id, "conversation.deleted")
    else:
        page_state().taken_from_list = conversation_id


def _take_away(conversation_id: str) -> None:
    """Move a conversation to the trash and stop its running answer."""
    owner, place = visitor.owner(), current_store.place_of(conversation_id)
    conversation = place.store.conversations.get(owner, conversation_id)
    _, running = place.answers.branch(owner, conversation, limit=1)
    if running:
        place.answers.stop(owner, running.message.id)
    for each in services.all_places():  # the database may hold an older state of the conversation
        each.store.trash.delete(owner, conversation_id)


def list_more(count: int) -> None:
    """Show the newest `count` conversations in the list."""
    page_state().listed_conversations = count


def end_search() -> None:
    """Empty the search field, so that the list of conversations returns."""
    widgets.put(widgets.SEARCH, "")


@noting_errors
def open_search_result(conversation_id: str, message_id: str | None) -> None:
    """Open a conversation at a message found by search, switching to the message's branch."""
    navigation.open_conversation(conversation_id)
    owner, messages = visitor.owner(), current_store.place_of(conversation_id).store.messages
    if message_id is None or messages.get(owner, message_id) is None:
        return  # the page shows the conversation's end, or says that it is gone
    newer = messages.count_after(owner, message_id)
    if newer is None:
        messages.show_version(owner, message_id)
        newer = messages.count_after(owner, message_id) or 0
    navigation.mount_messages(2 * MOUNTED_BELOW, max(0, newer - MOUNTED_BELOW))
    # With the time, the browser notices a second click on the same result.
    page_state().target = {"message": message_id, "at": time.time()}


LISTED_CONVERSATIONS = 30
"""Number of conversations in the list until the visitor asks for more."""


def show_conversations(owner: str, open_conversation: Conversation | None) -> None:
    """Draw the owner's conversations: pinned conversations first, then the newest."""
    limit = page_state().listed_conversations or LISTED_CONVERSATIONS
    # The database may hold an older state of a conversation that is in the in-memory fallback.
    fallback = {
        conversation.id: conversation for conversation in current_store.fallback_conversations()
    }
    page = services.store().conversations.page(owner, limit + 1)
    stored = [conversation for conversation in page if conversation.id not in fallback]
    pinned = [conversation for conversation in stored if conversation.is_pinned]
    others = [*fallback.values(), *stored[len(pinned) :]]
    shown = others[:limit]
    now, timezone = time.time(), zone(st.context.timezone)
    groups = [
        (t(f"period.{period}"), group)
        for period, group in by_period(
            shown, lambda conversation: conversation.updated_at, now, timezone
        )
    ]
    if pinned:
        groups.insert(0, (t("sidebar.pinned"), pinned))
    # A conversation opened by search or by its address may be further down than the list shows.
    is_elsewhere = (
        open_conversation
        and not current_store.is_temporary(open_conversation.id)
        and open_conversation.id not in {conversation.id for conversation in (*pinned, *shown)}
    )
    if open_conversation and is_elsewhere:
        groups.insert(0, ("", [open_conversation]))
    with show_list_place("list"):
        show_undo_in_list()
        if groups:
            _show_rows(groups, open_conversation)
        else:
            st.caption(t("sidebar.no_conversations"))
        if len(others) > limit:
            st.button(
                t("sidebar.more"),
                key="more_conversations",
                icon=":material/expand_more:",
                type="tertiary",
                width="stretch",
                on_click=list_more,
                args=(limit + LISTED_CONVERSATIONS,),
            )


def show_list_place(content: str) -> st.delta_generator.DeltaGenerator:
    """Return the container of the list, or of other `content` in the list's place."""
    return fresh_place(content, "list").container(gap=None, key="conversations")


def _show_rows(
    groups: list[tuple[str, list[Conversation]]], open_conversation: Conversation | None
) -> None:
    """Draw the rows and their menus as one component.

    A button and a menu of Streamlit's own for each row would cost each run of the page five times
    as much, and be sent again each time; the component is sent only after a change or a choice.
    """
    component("list_data")(
        key=widgets.LIST_COMPONENT,
        data={
            "groups": [
                [heading, [_row(conversation) for conversation in group]]
                for heading, group in groups
            ],
            "open": open_conversation.id if open_conversation else None,
            # The browser shows a new title at once. If the title could not be saved, only this
            # number changes, and so makes the browser draw the old title again.
            "done": page_state().choice_done,
            "title": t("conversation.title"),
            "menu": t("conversation.menu"),
            "actions": {action: t(f"conversation.{action}") for action in ACTIONS},
        },
        on_chosen_change=carry_out,
    )


def _row(conversation: Conversation) -> list[Any]:
    title = visible(conversation.title) or t("sidebar.untitled")
    return [conversation.id, title, conversation.is_pinned]
