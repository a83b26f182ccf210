"""The button that helps after a failure, and the wait for a busy endpoint."""

from collections.abc import Callable

import streamlit as st

from chatbot.answer import seconds_to_retry
from chatbot.errors import Action, ChatbotError
from chatbot.store import Message
from chatbot.ui import actions, browser, controls, models, places, turns, views
from chatbot.ui.errors import noting_errors, show_error
from chatbot.ui.language import t
from chatbot.ui.look import short

CONTROL_OF = {"refused": "model", "temperature_refused": "temperature"}
"""Which control a failure's settings are about; for the others it is `max_tokens`."""

CHECKED = {
    *("unreachable", "unknown_host", "proxy", "certificate", "no_tls", "redirect", "key_missing"),
    *("key_refused", "forbidden", "region", "wrong_address", "not_an_api", "no_models"),
}
"""The failures about which the connection check may find out more."""


def show_countdown(answer: Message) -> None:
    """That a busy endpoint will be asked again by itself, when, and what can be done meanwhile."""
    error = ChatbotError.from_json(answer.error)
    if error:
        show_error(error)
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"waiting-{short(answer.id)}"
    ):
        browser.show_countdown(seconds_to_retry(answer), key=f"countdown-{short(answer.id)}")
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


def show_remedies(answer: Message, error: ChatbotError | None, is_last: bool) -> None:
    """What helps when an answer failed, as long as nothing follows it."""
    action = error.action if error else Action.RETRY
    if answer.content and action in (Action.RETRY, Action.OWNER):
        return  # to go on, or to begin again, is offered in the row below
    if not is_last:
        st.empty()  # so that the row keeps its place
        return
    with st.container(horizontal=True, key=f"remedies-{short(answer.id)}"):
        is_too_much = error is not None and error.code == "too_long" and _can_be_sent_less(answer)
        if error and is_too_much:
            limit = _less_than_refused(answer)
            _show(
                answer, "answer.send_less", "again", "refresh", turns.ask_again, answer, None, limit
            )
        if error and error.code in CHECKED:
            _show(answer, "answer.check", "check", "network_check", views.open_view, "check")
        if error and action in (Action.CHOOSE_MODEL, Action.OPEN_SETTINGS):
            _show_way_to_control(answer, error)
        if action in (Action.SHORTEN, Action.EDIT):
            _show(answer, "answer.edit", "edit-question", "edit", turns.edit, answer.parent_id)
        if action is Action.SHORTEN:
            _show(
                answer, "answer.new_conversation", "start-over", "edit_square", start_over, answer
            )
        if not answer.content and not is_too_much:
            _show(answer, "answer.retry", "again", "refresh", turns.ask_again, answer)


def _show(
    answer: Message, sentence: str, key: str, icon: str, action: Callable[..., None], *args: object
) -> None:
    """One button; `sentence` is what the catalogues have for it."""
    st.button(
        t(sentence),
        key=f"{key}-{short(answer.id)}",
        icon=f":material/{icon}:",
        on_click=action,
        args=args,
    )


def _can_be_sent_less(answer: Message) -> bool:
    """Whether more was sent than the question alone."""
    question = places.here().store.messages.get(browser.owner(), answer.parent_id or "")
    return bool(question and question.parent_id and answer.first_sent_id != question.id)


def _less_than_refused(answer: Message) -> int | None:
    """How many tokens to send at most where an answer's request was refused as too long.

    None where the window, as it is known by now, has room for less than what was sent, and for
    another model than the one that refused. If what was sent seems to fit, it was counted wrongly,
    and half is sent.
    """
    chosen, sent = controls.current(), answer.sent_tokens or 0
    source = models.source()
    if (answer.host, answer.model) != (source.host, chosen.model or answer.model):
        return None
    window = places.here().answers.models.window(source, chosen.model)
    room = window.prompt_tokens(chosen.max_tokens)
    return None if room is not None and room < sent else sent // 2


def _show_way_to_control(answer: Message, error: ChatbotError) -> None:
    is_model = error.action is Action.CHOOSE_MODEL
    control = "model" if is_model else CONTROL_OF.get(error.code, "max_tokens")
    sentence = "answer.choose_model" if is_model else "answer.open_settings"
    _show(answer, sentence, "open-control", "tune", open_control, control)


@noting_errors
def retry_now(answer_id: str) -> None:
    """Ask a busy endpoint again at once."""
    places.here().answers.retry_now(browser.owner(), answer_id)


def open_control(name: str) -> None:
    """Have the browser open the sidebar at one of its controls."""
    st.session_state.wanted_control = name


@noting_errors
def start_over(answer: Message) -> None:
    """Go to a new conversation with the question in the composer."""
    question = places.here().store.messages.get(browser.owner(), answer.parent_id or "")
    actions.open_conversation(None)
    if question:
        st.session_state.draft = question.content
