"""Display of failures on the page: one plain sentence, never a traceback."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from chatbot.errors import Action, ChatbotError
from chatbot.markdown.escape import plain_sentence
from chatbot.ui import navigation
from chatbot.ui.client import local_admin
from chatbot.ui.session import query_params
from chatbot.ui.session.language import language, t
from chatbot.ui.session.state import page_state

log = logging.getLogger(__name__)

P = ParamSpec("P")


def show_error(error: ChatbotError) -> None:
    """Show a failure's sentence, adding that the owner can mend it if the visitor cannot."""
    sentence = error.sentence(language(), st.context.timezone)
    is_theirs = local_admin.is_at_the_machine() or error.details.get("set_by") == "visitor"
    if error.action is Action.OWNER and not is_theirs:
        sentence = t("error_hint.owner", sentence=sentence)
    st.warning(plain_sentence(sentence), icon=":material/error:")


def show_notice() -> ChatbotError | None:
    """Show why the last click failed, on this run only, and return the error."""
    state = page_state()
    notice, state.notice = state.notice, None
    if notice:
        show_error(notice)
        if notice.action is Action.MAKE_ROOM and query_params.get("view") != "data":
            st.button(
                t("data.title"),
                key="make_room",
                icon=":material/folder_open:",
                on_click=navigation.open_view,
                args=("data",),
            )
        state.shown_notice = notice
    return notice


def forget_notice(code: str) -> None:
    """Drop the last click's error if it has this code: the page says the same elsewhere."""
    state = page_state()
    if state.notice and state.notice.code == code:
        state.notice = None


def keep_notice() -> None:
    """Show this run's notice again in the next run, if the page reruns without a click."""
    state = page_state()
    if state.shown_notice:
        state.notice, state.shown_notice = state.shown_notice, None


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show a sentence and a "Try again" button if drawing the page fails."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, ChatbotError):
            log.exception("The page failed")
            error = ChatbotError("page")
        else:
            log.warning("The page failed: %s", error, exc_info=error.__cause__)
        show_error(error)
        st.button(t("try_again"), icon=":material/refresh:", key="try_again")


def noting_errors(action: Callable[P, None]) -> Callable[P, None]:
    """Wrap the callback of a widget, so that its failure is logged and shown by the next run."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            action(*args, **kwargs)
        except ChatbotError as error:
            log.warning("A click was not carried out: %s", error, exc_info=error.__cause__)
            page_state().notice = error
        except Exception:
            log.exception("A click failed")
            page_state().notice = ChatbotError("click")

    return wrapper
