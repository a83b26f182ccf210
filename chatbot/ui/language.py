"""The language of this page: the person's choice, else the owner's, else the browser's."""

import streamlit as st

from chatbot.i18n import LANGUAGES, closest_language, translate
from chatbot.ui import address


def settle(owner_choice: str | None) -> None:
    """Settle the language of this run. Call before anything is said."""
    chosen = address.get("lang")
    if chosen not in LANGUAGES:
        chosen = closest_language(owner_choice, st.context.locale)
    st.session_state.language = chosen


def language() -> str:
    """The language of this run, `en` or `zh`."""
    return str(st.session_state.get("language", "en"))


def t(key: str, **details: object) -> str:
    """The catalogue's sentence for `key` in this page's language."""
    return translate(language(), key, **details)


def show_language_choice() -> None:
    """A switch between the languages; the choice stays in the address."""
    st.segmented_control(
        t("sidebar.language"),
        list(LANGUAGES),
        default=language(),
        required=True,
        # The blank shows as nothing. Streamlit looks for an emoji in the first word if that is not
        # ASCII, and loading its list of them takes 6 MB and 0.1 s of the first page view.
        format_func=lambda code: f" {LANGUAGES[code]}",
        key="language_choice",
        on_change=_keep_choice,
        label_visibility="collapsed",
    )


def _keep_choice() -> None:
    address.change(lang=st.session_state.language_choice)
