"""Failures on the page: one plain sentence, never a traceback."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from chatbot.errors import Action, ChatbotError
from chatbot.ui.language import language, t
from chatbot.ui.look import plain

log = logging.getLogger(__name__)


def show_error(error: ChatbotError) -> None:
    """A failure's sentence, and who can mend it when that may not be the reader."""
    sentence = error.sentence(language())
    if error.action is Action.OWNER:
        sentence += " " + t("error_hint.owner")
    st.warning(plain(sentence), icon=":material/error:")


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
