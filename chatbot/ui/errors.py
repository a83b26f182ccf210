"""Failures on the page: one plain sentence, never a traceback."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from chatbot.errors import Action, ChatbotError
from chatbot.ui import whereabouts
from chatbot.ui.language import language, t
from chatbot.ui.look import plain_sentence

log = logging.getLogger(__name__)

P = ParamSpec("P")


def show_error(error: ChatbotError) -> None:
    """A failure's sentence, and who can mend it when that may not be the reader."""
    sentence = error.sentence(language(), st.context.timezone)
    is_theirs = whereabouts.is_at_the_machine() or error.details.get("set_by") == "visitor"
    if error.action is Action.OWNER and not is_theirs:
        sentence = t("error_hint.owner", sentence=sentence)
    st.warning(plain_sentence(sentence), icon=":material/error:")


def show_notice() -> ChatbotError | None:
    """Show what the last click could not do, on this run only."""
    notice: ChatbotError | None = st.session_state.pop("notice", None)
    if notice:
        show_error(notice)
        st.session_state.shown_notice = notice
    return notice


def keep_notice() -> None:
    """Have the next run show it again: for a page that draws itself anew without a click."""
    if notice := st.session_state.pop("shown_notice", None):
        st.session_state.notice = notice


@contextmanager
def errors_shown() -> Iterator[None]:
    """End the page with a sentence and a button if something goes wrong while it is drawn."""
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
    """For what a click or a change does: leave a failure's sentence for the page to show."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            action(*args, **kwargs)
        except ChatbotError as error:
            log.warning("A click was not carried out: %s", error, exc_info=error.__cause__)
            st.session_state.notice = error
        except Exception:
            log.exception("A click failed")
            st.session_state.notice = ChatbotError("click")

    return wrapper
