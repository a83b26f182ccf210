"""Text of a message: as much as a message may show at once, and a button that shows more."""

from functools import lru_cache

import streamlit as st

from chatbot.markdown.pictures.images import has_images
from chatbot.markdown.splitting.parts import shown_parts
from chatbot.markdown.splitting.segments import all_standing_alone
from chatbot.markdown.to_streamlit import to_streamlit
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state

# Each run draws all mounted messages, so cache the last few conversations' converted texts.
_for_streamlit = lru_cache(maxsize=256)(to_streamlit)


def show_markdown(text: str, key: str) -> None:
    """Draw a model's text as Markdown. `key` is unique among the texts of the page."""
    parts, end = shown_parts(text, times_shown(key))
    for part in all_standing_alone(parts):
        # Not cached with images: an image takes a megabyte, and converting it takes no time.
        st.markdown((to_streamlit if has_images(part) else _for_streamlit)(part))
    if end < len(text):
        show_more_button(key)


def show_plain(text: str, key: str) -> None:
    """Draw a visitor's text as it was typed."""
    parts, end = shown_parts(text, times_shown(key), is_plain=True)
    st.text("".join(parts))
    if end < len(text):
        show_more_button(key)


def times_shown(key: str) -> int:
    """Return the shown length of a text, in multiples of the length shown at first."""
    return page_state().times_shown.get(key, 1)


def show_more_button(key: str) -> None:
    """Draw the button that shows more of a long text."""
    st.button(
        t("messages.more"),
        key=f"more-{key}",
        icon=":material/expand_more:",
        type="tertiary",
        on_click=_show_more,
        args=(key,),
    )


def _show_more(key: str) -> None:
    page_state().times_shown[key] = times_shown(key) + 1
