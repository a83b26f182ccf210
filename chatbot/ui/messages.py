"""The conversation as far as it has been written, and what can be done about it."""

from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot import context
from chatbot.dialect import to_streamlit
from chatbot.errors import ChatbotError
from chatbot.images import has_images
from chatbot.settings import Settings
from chatbot.store import Conversation, Message, State
from chatbot.ui import (
    actions,
    controls,
    models,
    places,
    remedies,
    resources,
    rows,
    thoughts,
    views,
    whereabouts,
)
from chatbot.ui.conversations import show_undo_delete
from chatbot.ui.errors import show_error
from chatbot.ui.language import t
from chatbot.ui.look import plain

# Mounted messages are drawn on every run; the newest of a few conversations are remembered.
_for_streamlit = lru_cache(maxsize=256)(to_streamlit)

SUGGESTIONS = ("explain", "write", "plan", "code")


def show_head(
    settings: Settings,
    conversation: Conversation | None,
    branch: list[Message],
    mounted: int,
    step: int,
) -> None:
    """What stands above the messages: the way to earlier ones, or a greeting if there are none."""
    # Always one element, so that the messages below keep their places.
    if not branch:
        with st.container():
            _show_undo(conversation)  # on a phone, what stands below may not be seen
            _show_greeting(settings)
    elif len(branch) <= mounted:
        st.empty()
    else:
        st.button(
            t("messages.earlier"),
            key="earlier",
            icon=":material/expand_less:",
            type="tertiary",
            width="stretch",
            on_click=actions.mount_messages,
            args=(mounted + step,),
        )


def show_later(mounted: int, left_out: int, step: int) -> None:
    """Below the messages: the way to later ones, after an old one was searched for."""
    if left_out:
        st.button(
            t("messages.later"),
            key="later",
            icon=":material/expand_more:",
            type="tertiary",
            width="stretch",
            on_click=actions.mount_messages,
            args=(mounted + min(step, left_out), max(0, left_out - step)),
        )


def _show_greeting(settings: Settings) -> None:
    """What an empty conversation says, and what one could ask."""
    st.title(t("greeting.title"), anchor=False)
    st.markdown(t("greeting.text_for_now" if _are_kept_for_now(settings) else "greeting.text"))
    if not settings.endpoints:
        st.info(_about_built_in(), icon=":material/memory:")
        if whereabouts.is_at_the_machine():
            st.button(
                t("greeting.connect"),
                key="connect",
                icon=":material/network_check:",
                on_click=views.open_view,
                args=("check",),
            )
    with st.container(horizontal=True, key="suggestions"):
        for name in SUGGESTIONS:
            question = t(f"suggestion.{name}")
            st.button(
                question,
                key=f"suggest-{name}",
                on_click=actions.ask,
                args=(question,),
            )
    st.toggle(
        t("keeping.temporary_switch"),
        key=places.TEMPORARY_SWITCH,
        help=t("keeping.temporary_help"),
    )


def _about_built_in() -> str:
    """Who answers where no endpoint does."""
    model = resources.built_in()
    if not model.is_demo:
        return t("greeting.local_model", model=plain(model.model_name))
    return t("greeting.built_in", fetching="" if model.is_here else t("greeting.built_in_fetching"))


def _are_kept_for_now(settings: Settings) -> bool:
    is_file = settings.database_url.get_secret_value().startswith("sqlite")
    return is_file and whereabouts.is_on_community_cloud()


def _show_undo(conversation: Conversation | None) -> None:
    """The way back from Clear, as long as nothing new was written, and from Delete."""
    show_undo_delete()
    if conversation and conversation.cleared_leaf_id:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("clear.done"))
            st.button(
                t("clear.undo"),
                key="undo",
                icon=":material/undo:",
                on_click=actions.undo_clear,
                args=(conversation.id,),
            )


def show_not_found() -> None:
    """What any address says that leads to nothing of this visitor's."""
    st.info(t("not_found.text"), icon=":material/search_off:")
    st.button(t("not_found.back"), on_click=actions.open_conversation, args=(None,))


def last_question_id(branch: list[Message]) -> str | None:
    """The newest question's id."""
    return next((message.id for message in reversed(branch) if message.role == "user"), None)


def last_unseen_id(branch: list[Message]) -> str | None:
    """The message from which on, upwards, the model was not sent all for its last answer."""
    last = next((one for one in reversed(branch) if one.sent_tokens is not None), None)
    first_sent = next((one for one in branch if last and one.id == last.first_sent_id), None)
    return first_sent.parent_id if first_sent else None


def pins_without_room(branch: list[Message]) -> set[str]:
    """The messages that a person keeps in the model's view, but that are too long for it."""
    if not any(message.is_pinned for message in branch):
        return set()
    chosen = controls.current()
    window = places.here().answers.models.window(models.source(), chosen.model)
    return context.pins_without_room(branch, chosen.system_prompt, chosen.max_tokens, window)


def show_message(
    message: Message,
    is_last: bool,
    versions: list[str],
    is_before_sent: bool = False,
    has_room: bool = True,
) -> None:
    """One question or finished answer, with what can be done about it.

    `is_before_sent` says that the model is sent what follows, but no longer this; `has_room`
    that it can be kept in the model's view.
    """
    with _place_of(message):
        if message.role == "user" and st.session_state.get("editing") == message.id:
            rows.show_editor(message)
            return
        _show_text(message)
        if message.role == "user":
            rows.show_question_row(message, versions)
        else:
            show_outcome(message, is_last, versions, has_room)
        if is_before_sent:  # within its message, so that those below keep their places
            with st.container(key="unseen"):
                st.caption(t("context.unseen"), text_alignment="center")


def show_message_alone(message: Message) -> None:
    """One question or finished answer with which nothing can be done."""
    with _place_of(message):
        _show_text(message)


def _place_of(message: Message) -> DeltaGenerator:
    is_question = message.role == "user"
    return st.chat_message(message.role, avatar=":material/person:" if is_question else None)


def _show_text(message: Message) -> None:
    if message.role == "user":
        st.text(message.content)
        return
    thoughts.show_thoughts(message)
    if message.content:
        # An image is a megabyte to remember, and takes no time to write anew.
        draw = to_streamlit if has_images(message.content) else _for_streamlit
        st.markdown(draw(message.content))


def show_outcome(
    message: Message, is_last: bool, versions: list[str], has_room: bool = True
) -> None:
    """Below an answer: why it ended early, if it did, and its row of controls."""
    if message.is_running:  # and followed no further: a busy endpoint is waited for
        remedies.show_countdown(message)
        return
    error = ChatbotError.from_json(message.error)
    if error and error.code != "waiting":  # the app ended while it waited
        show_error(error)
    elif message.state is State.STOPPED:
        st.caption(t("answer.stopped_early" if not message.content else "answer.stopped"))
    elif message.state is not State.COMPLETE:
        st.caption(t("answer.abandoned"))
    elif message.finish_reason == "length":
        st.caption(t("answer.length"))
    remedies.show_remedies(message, error, is_last)
    rows.show_answer_row(message, versions, is_last, has_room)
