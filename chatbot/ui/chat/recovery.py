"""Buttons that help after a failed answer, and the countdown for a busy endpoint."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.answers.answer import seconds_to_retry
from chatbot.errors import Action, ChatbotError
from chatbot.store import Message, State
from chatbot.ui import check_run, current_store, model_choice, navigation, page_script, visitor
from chatbot.ui.chat import actions
from chatbot.ui.errors import noting_errors, show_error
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state
from chatbot.ui.session.widgets import short


def show_countdown(answer: Message) -> None:
    """Draw the countdown until the server retries a busy endpoint, with "Retry now" and Cancel."""
    error = ChatbotError.from_json(answer.error)
    if error:
        show_error(error)
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"waiting-{short(answer.id)}"
    ):
        page_script.show_countdown(seconds_to_retry(answer), key=f"countdown-{short(answer.id)}")
        st.button(
            t("answer.retry_now"),
            key=f"retry-now-{short(answer.id)}",
            icon=":material/refresh:",
            on_click=retry_now,
            args=(answer.id,),
        )
        st.button(
            t("cancel"),
            key=f"cancel-{short(answer.id)}",
            type="tertiary",
            on_click=actions.stop,
            args=(answer.id,),
        )


def show_recovery(
    answer: Message, error: ChatbotError | None, is_last: bool
) -> DeltaGenerator | None:
    """Draw the buttons that help after a failed answer, if it is the last message.

    Returns the row of these buttons if the answer has no text: the row has room for its menu.
    """
    action = error.action if error else Action.RETRY
    is_broken_off = bool(answer.content) and (
        answer.state is not State.COMPLETE or answer.finish_reason == "length"
    )
    # The toolbar below offers to regenerate.
    is_helped = bool(answer.content) and action in (Action.RETRY, Action.OWNER)
    if is_helped and not is_broken_off:
        return None
    if not is_last:
        st.empty()  # so that the toolbar keeps its place
        return None
    row = st.container(horizontal=True, key=f"remedies-{short(answer.id)}")
    with row:
        if is_broken_off:
            _show(answer, "answer.go_on", "go-on", "play_arrow", actions.go_on, answer)
        if is_helped:
            return None
        is_too_much = error is not None and error.code == "too_long" and _can_be_sent_less(answer)
        if error and is_too_much:
            limit = _less_than_refused(answer)
            _show(
                answer,
                "answer.send_less",
                "again",
                "refresh",
                actions.ask_again,
                answer,
                None,
                limit,
            )
        if error and error.kind.check_helps:
            _show(answer, "answer.check", "check", "network_check", check_run.open_and_start)
        if error and action in (Action.CHOOSE_MODEL, Action.OPEN_SETTINGS):
            _show_way_to_control(answer, error)
        if action in (Action.SHORTEN, Action.EDIT):
            _show(answer, "answer.edit", "edit-question", "edit", actions.edit, answer.parent_id)
        if action is Action.SHORTEN:
            _show(
                answer, "answer.new_conversation", "start-over", "edit_square", start_over, answer
            )
        if not answer.content and not is_too_much:
            _show(answer, "answer.retry", "again", "refresh", actions.ask_again, answer)
    return None if answer.content else row


def _show(
    answer: Message, sentence: str, key: str, icon: str, action: Callable[..., None], *args: object
) -> None:
    """Draw a button; `sentence` is the catalogue's key of its label."""
    st.button(
        t(sentence),
        key=f"{key}-{short(answer.id)}",
        icon=f":material/{icon}:",
        on_click=action,
        args=args,
    )


def _can_be_sent_less(answer: Message) -> bool:
    """Tell if the refused request held more than the question, so that less can be sent."""
    question = current_store.open_place().store.messages.get(
        visitor.owner(), answer.parent_id or ""
    )
    return bool(question and question.parent_id and answer.first_sent_id != question.id)


def _less_than_refused(answer: Message) -> int | None:
    """Return the most tokens to send after the server refused a request as too long.

    Returns None, for no extra limit, if the next request goes to another model, or if the window
    that is now known is already smaller than the refused request. If the refused request seems to
    fit the window, its tokens were counted wrongly: then half of them are sent.
    """
    chosen, sent = model_choice.current(), answer.sent_tokens or 0
    source = model_choice.source()
    if (answer.host, answer.model) != (source.host, chosen.model or answer.model):
        return None
    window = current_store.open_place().answers.models.window(source, chosen.model)
    room = window.prompt_tokens(chosen.max_tokens)
    return None if room is not None and room < sent else sent // 2


def _show_way_to_control(answer: Message, error: ChatbotError) -> None:
    is_model = error.action is Action.CHOOSE_MODEL
    sentence = "answer.choose_model" if is_model else "answer.open_settings"
    _show(answer, sentence, "open-control", "tune", open_control, error.kind.control)


@noting_errors
def retry_now(answer_id: str) -> None:
    """Ask a busy endpoint again at once."""
    current_store.open_place().answers.retry_now(visitor.owner(), answer_id)


def open_control(name: str) -> None:
    """Open the sidebar in the browser, at the named control."""
    page_state().wanted_control = name
    if name != "model":
        widgets.put(widgets.SETTINGS_FOLD, True)


@noting_errors
def start_over(answer: Message) -> None:
    """Open a new conversation with the answer's question in the composer."""
    question = current_store.open_place().store.messages.get(
        visitor.owner(), answer.parent_id or ""
    )
    navigation.open_conversation(None)
    if question:
        page_state().draft = question.content
