"""Language of the page: the visitor's choice, else the owner's, else the browser's."""

import streamlit as st

from chatbot.i18n import LANGUAGES, closest_language, translate
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.state import page_state


def settle(owner_choice: str | None) -> None:
    """Decide the language of this run. Call before drawing any text."""
    chosen = query_params.get("lang")
    if chosen not in LANGUAGES:
        chosen = closest_language(owner_choice, st.context.locale)
    page_state().language = chosen


def language() -> str:
    """Return the language of this run, `en` or `zh`."""
    return page_state().language


def t(key: str, **details: object) -> str:
    """Return the catalogue's sentence for `key` in the page's language."""
    return translate(language(), key, **details)


def show_language_choice() -> None:
    """Draw the switch between the languages. The page's address keeps the choice."""
    st.segmented_control(
        t("sidebar.language"),
        list(LANGUAGES),
        default=language(),
        required=True,
        # The leading blank is invisible. Without it, Streamlit searches a first word that is not
        # ASCII for an emoji, and loading its emoji list takes 6 MB and 0.1 s of the first view.
        format_func=lambda code: f" {LANGUAGES[code]}",
        key=widgets.LANGUAGE,
        on_change=_keep_choice,
        label_visibility="collapsed",
    )


def _keep_choice() -> None:
    query_params.change(lang=widgets.value(widgets.LANGUAGE))
