"""Shared copies: making them, listing them, taking them back, and the page a reader sees."""

import streamlit as st

from chatbot.dialect import to_streamlit
from chatbot.exchange import shown_time
from chatbot.store import Conversation, Share
from chatbot.ui import actions, browser, messages, resources
from chatbot.ui.errors import noting_errors
from chatbot.ui.language import t
from chatbot.ui.look import plain, visible

MOUNTED_MESSAGES = 30
MAX_SHARED_MESSAGES = 20_000


def show_share_button(conversation: Conversation) -> None:
    """Make a link to a copy of the open conversation, and show it."""
    st.button(
        t("share.button"),
        key="share",
        icon=":material/link:",
        help=t("share.help"),
        on_click=_share,
        args=(conversation.id,),
        disabled=conversation.leaf_id is None,
    )
    with st.container():
        shared_id, share_id = st.session_state.get("shared", (None, None))
        if share_id and shared_id == conversation.id and resources.store().shares.get(share_id):
            st.success(t("share.new"), icon=":material/check_circle:")
            with st.container(horizontal=True, key="share-address", vertical_alignment="center"):
                st.text(_address(share_id))
                browser.show_copy_button(_address(share_id), key="copy-address")


def show_links(owner: str) -> None:
    """All that the owner has shared."""
    shares = resources.store().shares.list(owner)
    with st.container(key="shares"):
        if not shares:
            st.caption(t("share.none"))
        for share in shares:
            with st.container(horizontal=True, vertical_alignment="center", key=f"row-{share.id}"):
                st.markdown(f"{_title(share)}  \n:small[{_date(share)}]")
                st.link_button(t("share.open"), _address(share.id), icon=":material/open_in_new:")
                st.button(
                    t("share.revoke"),
                    key=f"revoke-{share.id}",
                    icon=":material/link_off:",
                    on_click=_revoke,
                    args=(share.id,),
                )


def show_shared_copy(share_id: str) -> None:
    """What anybody with the address may read: the copy, and nothing else of its owner's."""
    share = resources.store().shares.get(share_id)
    if share is None:
        messages.show_not_found()
        return
    st.title(_title(share), anchor=False)
    st.caption(t("share.note", date=_date(share)))
    mounted = st.session_state.get("mounted_messages", MOUNTED_MESSAGES)
    for place, message in enumerate(share.messages[:mounted]):
        _show_copied(place, message)
    if len(share.messages) > mounted:
        st.button(
            t("share.more"),
            key="later",
            icon=":material/expand_more:",
            type="tertiary",
            width="stretch",
            on_click=actions.mount_messages,
            args=(mounted + MOUNTED_MESSAGES,),
        )
    st.button(
        t("share.start"),
        key="start",
        icon=":material/edit_square:",
        on_click=actions.open_conversation,
        args=(None,),
    )


def _show_copied(place: int, message: dict[str, str | None]) -> None:
    content = message["content"] or ""
    if message["role"] == "user":
        with (
            st.chat_message("user", avatar=":material/person:"),
            st.container(key=f"question-{place}"),
        ):
            st.text(content)
        return
    with st.chat_message("assistant"):
        st.markdown(to_streamlit(content))
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
    place, owner = resources.usual(), browser.owner()
    branch = place.store.messages.branch(owner, conversation_id, MAX_SHARED_MESSAGES)
    copied = [
        {"role": message.role, "content": message.content, "model": message.model}
        for message in map(place.answers.latest, branch)
        if message.content
    ]
    share_id = place.store.shares.add(owner, conversation_id, copied)
    st.session_state.shared = (conversation_id, share_id)


@noting_errors
def _revoke(share_id: str) -> None:
    resources.store().shares.revoke(browser.owner(), share_id)
