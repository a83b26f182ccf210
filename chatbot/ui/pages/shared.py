"""Shared copies of conversations: making, listing and revoking them, and the reader's page."""

from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from chatbot.exchange import shown_time
from chatbot.limits.storage import expect_room
from chatbot.llm.networks import is_loopback
from chatbot.markdown.escape import plain, visible
from chatbot.store import Conversation, Share, share_size
from chatbot.ui import navigation, page_script, services, visitor
from chatbot.ui.chat import messages, texts
from chatbot.ui.errors import noting_errors
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state

MOUNTED_MESSAGES = 30
MAX_SHARED_MESSAGES = 20_000


def show_share_button(conversation: Conversation, is_main: bool) -> None:
    """Draw the button that shares a copy of the open conversation, and then the copy's link.

    `is_main` says that this is the view's main action.
    """
    st.button(
        t("share.button"),
        key="share",
        icon=":material/link:",
        type="primary" if is_main else "secondary",
        help=None if is_main else t("share.help"),  # the view says it above the button
        on_click=_share,
        args=(conversation.id,),
        disabled=conversation.leaf_id is None,
    )
    with st.container():
        shared_id, share_id = page_state().shared or (None, None)
        if share_id and shared_id == conversation.id and services.store().shares.get(share_id):
            st.success(t("share.new"), icon=":material/check_circle:")
            with st.container(horizontal=True, key="share-address", vertical_alignment="center"):
                st.text(_address(share_id))
                page_script.show_copy_button(_address(share_id), key="copy-address")
            if is_loopback(urlsplit(_address(share_id)).hostname or ""):
                st.caption(t("share.this_machine"))


def show_links(owner: str) -> None:
    """Draw the owner's shared copies, with buttons that open and revoke each copy."""
    shares = services.store().shares.list(owner)
    with st.container(key="shares"):
        if not shares:
            st.caption(t("share.none"))
        for share in shares:
            with st.container(horizontal=True, vertical_alignment="center", key=f"row-{share.id}"):
                st.markdown(f"{_title(share)}  \n:small[{_date(share)}]", width="stretch")
                st.link_button(t("share.open"), _address(share.id), icon=":material/open_in_new:")
                st.button(
                    t("share.revoke"),
                    key=f"revoke-{share.id}",
                    icon=":material/link_off:",
                    on_click=_revoke,
                    args=(share.id,),
                )


def show_shared_copy(share_id: str) -> None:
    """Draw a shared copy, for anybody with its address. Nothing else of its owner is shown."""
    share = services.store().shares.get(share_id)
    if share is None:
        messages.show_not_found()
        return
    with st.container(horizontal=True, vertical_alignment="center", key="brand"):  # see look.css
        _show_start("start-above", "tertiary")
    st.title(_title(share), anchor=False)
    st.caption(t("share.note", date=_date(share)))
    mounted = page_state().mounted_messages or MOUNTED_MESSAGES
    for place, message in enumerate(share.messages[:mounted]):
        _show_copied(place, message)
    if len(share.messages) > mounted:
        st.button(
            t("share.more"),
            key="later",
            icon=":material/expand_more:",
            type="tertiary",
            width="stretch",
            on_click=navigation.mount_messages,
            args=(mounted + MOUNTED_MESSAGES,),
        )
    _show_start("start", "primary")


def _show_start(key: str, kind: Literal["primary", "tertiary"]) -> None:
    """Draw a button that leaves the copy for a conversation of the reader's own."""
    st.button(
        t("share.start"),
        key=key,
        icon=":material/edit_square:",
        type=kind,
        on_click=navigation.open_conversation,
        args=(None,),
    )


def _show_copied(place: int, message: dict[str, str | None]) -> None:
    content = message["content"] or ""
    if message["role"] == "user":
        with (
            st.chat_message("user"),
            st.container(key=f"question-{place}"),
        ):
            texts.show_plain(content, f"copied-{place}")
        return
    with st.chat_message("assistant"):
        texts.show_markdown(content, f"copied-{place}")
        if message["model"]:
            st.caption(plain(message["model"]))


def _address(share_id: str) -> str:
    return f"{(st.context.url or '').rstrip('/')}/?share={share_id}"


def _title(share: Share) -> str:
    return plain(visible(share.title) or t("sidebar.untitled"))


def _date(share: Share) -> str:
    return shown_time(share.created_at, st.context.timezone)[:10]


@noting_errors
def _share(conversation_id: str) -> None:
    place, owner = services.usual(), visitor.owner()
    branch = place.store.messages.branch(owner, conversation_id, MAX_SHARED_MESSAGES)
    copied = [
        {"role": message.role, "content": message.content, "model": message.model}
        for message in map(place.answers.latest, branch)
        if message.content
    ]
    expect_room(place.store, owner, services.limits(), share_size(copied))
    share_id = place.store.shares.add(owner, conversation_id, copied)
    page_state().shared = (conversation_id, share_id)


@noting_errors
def _revoke(share_id: str) -> None:
    services.store().shares.revoke(visitor.owner(), share_id)
