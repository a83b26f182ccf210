"""The sidebar's list of conversations, and the menu of the open one."""

import time

import streamlit as st

from chatbot.periods import by_period, zone
from chatbot.store import TITLE_CHARACTERS, Conversation
from chatbot.ui import actions, list_actions, places, resources
from chatbot.ui.language import t
from chatbot.ui.look import fresh_place, plain, short, visible

LISTED_CONVERSATIONS = 30
"""A page of the list: every run of the page sends all its rows again, about 200 bytes each."""

UNSCROLLED_CONVERSATIONS = 6
LIST_HEIGHT_PIXELS = 300
"""A long list scrolls by itself, so that the controls below it stay in reach."""


def show_conversations(owner: str, open_one: Conversation | None) -> None:
    """The owner's conversations, the pinned ones first and then the newest."""
    state = st.session_state
    wanted = state.get("listed_conversations", LISTED_CONVERSATIONS)
    # What is in memory because it cannot be kept may be on disk too, as it was before.
    spare = {one.id: one for one in places.spare_conversations()}
    page = resources.store().conversations.page(owner, wanted + 1)
    kept = [one for one in page if one.id not in spare]
    pinned = [one for one in kept if one.is_pinned]
    others = [*spare.values(), *kept[len(pinned) :]]
    shown = others[:wanted]
    # One that is further down was found by search or by its address.
    is_elsewhere = (
        open_one
        and not places.is_temporary(open_one.id)
        and open_one.id not in {one.id for one in (*pinned, *shown)}
    )
    now, where = time.time(), zone(st.context.timezone)
    groups = [
        (t(f"period.{period}"), group)
        for period, group in by_period(shown, lambda one: one.updated_at, now, where)
    ]
    if pinned:
        groups.insert(0, (t("sidebar.pinned"), pinned))
    with show_list_place("list", is_long=len(pinned) + len(shown) > UNSCROLLED_CONVERSATIONS):
        if open_one and is_elsewhere:
            _show_row(open_one, is_open=True)
        elif not groups:
            st.caption(t("sidebar.no_conversations"))
        for heading, group in groups:
            st.caption(heading)
            for conversation in group:
                _show_row(conversation, open_one is not None and conversation.id == open_one.id)
        if len(others) > wanted:
            st.button(
                t("sidebar.more"),
                key="more_conversations",
                icon=":material/expand_more:",
                type="tertiary",
                width="stretch",
                on_click=list_actions.list_more,
                args=(wanted + LISTED_CONVERSATIONS,),
            )


def show_list_place(content: str, is_long: bool) -> st.delta_generator.DeltaGenerator:
    """Where the list is, or in its place `content` of another kind."""
    return fresh_place(content, "list").container(
        gap=None,
        key="conversations",
        height=LIST_HEIGHT_PIXELS if is_long else "content",
        border=False,
    )


def _show_row(conversation: Conversation, is_open: bool) -> None:
    if not is_open:
        _show_title(conversation, "tertiary")
    elif st.session_state.get("renaming") == conversation.id:
        _show_renaming(conversation)
    else:
        menu_key = f"icon-more-{short(conversation.id)}"
        with st.container(
            horizontal=True, wrap=False, gap=None, vertical_alignment="center", key="open_row"
        ):
            _show_title(conversation, "secondary")
            st.menu_button(
                t("conversation.menu"),
                ["rename", "unpin" if conversation.is_pinned else "pin", "share", "delete"],
                key=menu_key,
                icon=":material/more_horiz:",
                type="tertiary",
                format_func=lambda choice: t(f"conversation.{choice}"),
                on_click=list_actions.choose,
                args=(conversation.id, menu_key),
            )


def _show_title(conversation: Conversation, kind: str) -> None:
    st.button(
        plain(visible(conversation.title) or t("sidebar.untitled")),
        key=f"open-{conversation.id}",
        type="secondary" if kind == "secondary" else "tertiary",
        on_click=actions.open_conversation,
        args=(conversation.id,),
        width="stretch",
        wrap=False,
    )


def _show_renaming(conversation: Conversation) -> None:
    # A form: a field by itself would save what is in it when Cancel is clicked.
    with st.form("rename", border=False):
        st.text_input(
            t("conversation.title"),
            visible(conversation.title)[:TITLE_CHARACTERS],
            key=f"title-{conversation.id}",
            label_visibility="collapsed",
        )
        with st.container(horizontal=True):
            st.form_submit_button(
                t("conversation.save"),
                key="save_title",
                type="primary",
                on_click=list_actions.rename,
                args=(conversation.id,),
                width="stretch",
            )
            st.form_submit_button(
                t("conversation.cancel"),
                key="cancel_title",
                on_click=list_actions.stop_renaming,
                width="stretch",
            )


def show_undo_delete() -> None:
    """The way back from Delete, until something else is opened."""
    if deleted_id := st.session_state.get("deleted"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("conversation.deleted"))
            st.button(
                t("clear.undo"),
                key="undo_delete",
                icon=":material/undo:",
                on_click=list_actions.undo_delete,
                args=(deleted_id,),
            )
