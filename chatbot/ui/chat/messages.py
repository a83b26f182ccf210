"""The finished messages of the conversation, with their buttons."""

import contextlib

import streamlit as st

from chatbot.builtin import model as builtin_model
from chatbot.errors import ChatbotError
from chatbot.i18n import translate
from chatbot.markdown.escape import plain, visible
from chatbot.settings.settings import Settings
from chatbot.store import Message, State
from chatbot.ui import navigation, services
from chatbot.ui.chat import actions, message_toolbar, reasoning, recovery, texts
from chatbot.ui.chat.history import History, Status
from chatbot.ui.chat.undo import show_undo
from chatbot.ui.client import local_admin
from chatbot.ui.errors import show_error
from chatbot.ui.session import widgets
from chatbot.ui.session.language import language, t
from chatbot.ui.session.state import page_state

SUGGESTIONS = ("explain", "write", "plan", "code")

EARLIER_MESSAGES = 30
"""Number of messages added by a click on "earlier" or "later"."""


def show_head(settings: Settings, history: History) -> None:
    """Draw the top of the conversation: a button for earlier messages, or a greeting."""
    # Always a single element, so that the messages below keep their places.
    if not history.shown and history.status is Status.OPEN:
        with st.container():
            show_undo()  # first, because a phone may not show the end of the greeting
            _show_greeting(settings)
    elif len(history.shown) <= history.mounted:
        with st.container():
            show_undo()
    else:
        st.button(
            t("messages.earlier"),
            key="earlier",
            icon=":material/expand_less:",
            type="tertiary",
            width="stretch",
            on_click=navigation.mount_messages,
            args=(history.mounted + EARLIER_MESSAGES,),
        )


def show_phone_head(history: History) -> None:
    """Draw the conversation's title and "New chat", which only a phone shows.

    A phone shows the sidebar, which has both, only when asked.
    """
    with st.container(key="head"):
        if history.branch:
            st.text(visible(history.title))
            st.button(
                t("answer.new_conversation"),
                key="icon-new",
                icon=":material/edit_square:",
                type="tertiary",
                on_click=navigation.open_conversation,
                args=(None,),
            )


def show_later(history: History) -> None:
    """Draw the button for later messages, after the visitor opened an old message by search."""
    if history.left_out:
        more = min(EARLIER_MESSAGES, history.left_out)
        st.button(
            t("messages.later"),
            key="later",
            icon=":material/expand_more:",
            type="tertiary",
            width="stretch",
            on_click=navigation.mount_messages,
            args=(history.mounted + more, history.left_out - more),
        )


def _show_greeting(settings: Settings) -> None:
    """Draw the greeting of an empty conversation, with suggested questions."""
    with st.container(key="greeting", horizontal_alignment="center"):
        st.toggle(
            t("keeping.temporary_switch"),
            key=widgets.TEMPORARY_SWITCH,
            help=t("keeping.temporary_help"),
        )
        st.title(t("greeting.title"), anchor=False, text_alignment="center")
        # The demo model understands only English, so its suggestions are in English.
        spoken = "en" if _is_built_in_demo() else language()
        with st.container(key="suggestions"):
            for name in SUGGESTIONS:
                question = translate(spoken, f"suggestion.{name}")
                st.button(
                    question,
                    key=f"suggest-{name}",
                    on_click=actions.ask,
                    args=(question,),
                    width="stretch",
                )
        text = t("greeting.text_for_now" if _are_kept_for_now(settings) else "greeting.text")
        if settings.endpoints or settings.fault:
            st.caption(text, text_alignment="center")
            return
        st.caption(f"{_about_built_in()}\n\n{text}", text_alignment="center")
        if local_admin.is_at_the_machine():
            st.button(
                t("greeting.connect"),
                key="connect",
                icon=":material/network_check:",
                on_click=navigation.open_view,
                args=("check",),
            )
        else:
            st.caption(t("greeting.connect_elsewhere"), text_alignment="center")


def _is_built_in_demo() -> bool:
    """Tell if the small demo model answers, which understands only English."""
    return not services.endpoints() and services.built_in().is_demo


def _about_built_in() -> str:
    """Return the sentence that introduces the model that answers without an endpoint."""
    model = services.built_in()
    if not model.is_demo:
        return t("greeting.local_model", model=plain(model.model_name))
    return t("greeting.built_in", fetching="" if model.is_here else t("greeting.built_in_fetching"))


def _are_kept_for_now(settings: Settings) -> bool:
    is_file = settings.database_url.get_secret_value().startswith("sqlite")
    return is_file and local_admin.is_on_community_cloud()


def show_not_found() -> None:
    """Draw the page for an address that names no conversation of this visitor."""
    st.info(t("not_found.text"), icon=":material/search_off:")
    st.button(t("not_found.back"), on_click=navigation.open_conversation, args=(None,))


def show_message(message: Message, history: History) -> None:
    """Draw a question or a finished answer, with its buttons."""
    if history.status is Status.GONE:
        _show_text(message)
        return
    if message.role == "user" and page_state().editing == message.id:
        message_toolbar.show_editor(message)
        return
    _show_text(message)
    if message.role == "user":
        message_toolbar.show_question_toolbar(message, history.versions_of(message))
    else:
        show_outcome(message, history)
    if message.id == history.last_unseen_id:  # in this message, so that later ones keep their place
        with st.container(key="unseen"):
            st.caption(t("context.unseen"), text_alignment="center")


def _show_text(message: Message) -> None:
    if message.role == "user":
        texts.show_plain(message.content, message.id)
        return
    reasoning.show_reasoning(message)
    if message.content:
        texts.show_markdown(message.content, message.id)


def show_outcome(message: Message, history: History) -> None:
    """Draw the end of an answer: why it ended early, if it did, and its toolbar."""
    if message.is_running:  # the answer waits for a busy endpoint, and is not followed
        recovery.show_countdown(message)
        return
    is_last = history.is_last(message)
    error = ChatbotError.from_json(message.error)
    if error and error.code != "waiting":  # "waiting" is left if the app ended during a wait
        show_error(error)
    elif message.state is State.STOPPED:
        st.caption(t("answer.stopped_early" if not message.content else "answer.stopped"))
    elif message.state is not State.COMPLETE:
        st.caption(t("answer.abandoned"))
    elif message.finish_reason == "length":
        st.caption(t("answer.length"))
    if (
        is_last
        and message.host == builtin_model.NAME
        and language() != "en"
        and _is_built_in_demo()
    ):
        st.caption(t("answer.english_only"))
    row = recovery.show_recovery(message, error, is_last)
    has_room = message.id not in history.pins_without_room
    with row or contextlib.nullcontext():
        versions = history.versions_of(message)
        message_toolbar.show_answer_toolbar(message, versions, is_last, has_room)
