"""Appearance of the page: title, icons, and CSS for details without a Streamlit option.

The style sheet draws the logo and icons: passed to Streamlit as images, they would load NumPy and
Pillow, 13 MB of memory.
"""

import base64
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.markdown.escape import visible
from chatbot.ui.session.state import page_state

_HERE = Path(__file__).parent
_ASSETS = _HERE.parents[1] / "assets"

APP_NAME = "Chatbot"


def set_up_page() -> None:
    """Set the page's title and styles. Call before drawing anything."""
    title = page_state().tab_title or APP_NAME  # the last run's title, so that it does not flicker
    st.set_page_config(page_title=title, initial_sidebar_state="auto")
    st.html(_styles())


def name_tab(conversation_title: str) -> None:
    """Name the browser's tab after the open conversation; "" if no conversation is open."""
    title = " · ".join(filter(None, (visible(conversation_title), APP_NAME)))
    state = page_state()
    if (state.tab_title or APP_NAME) != title:
        state.tab_title = title
        st.set_page_config(page_title=title)


@cache
def icon_address() -> str:
    """Return the app's icon as a data URL."""
    return _data_address("icon.svg")


@cache
def _styles() -> str:
    styles = (_HERE / "look.css").read_text("utf-8")
    for name in ("icon.svg", "logo.svg"):
        styles = styles.replace(f'url("{name}")', f'url("{_data_address(name)}")')
    return f"<style>{styles}</style>"


def _data_address(name: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode((_ASSETS / name).read_bytes()).decode()


def fresh_place(content: str | None, name: str = "main") -> DeltaGenerator:
    """Return a container for the part `name` of the page, free of earlier content.

    `content` identifies what the part shows now. Streamlit removes the elements of an earlier run
    only when the current run ends, which may be as late as the end of an answer. Until then, old
    controls would stay on the page. So each part has two containers: when its content changes, the
    new content goes into the other container, and the old container is emptied. Emptying and
    reusing a single container would take a pause of 20 ms, as Streamlit otherwise sends only the
    final state.

    While the content stays the same, its container is not emptied: the browser sometimes showed
    the empty container, and a visitor who had scrolled up was taken to the beginning.
    """
    shown = page_state().shown_content
    before, number = shown.get(name, (content, 0))
    number = number if content == before else 1 - number
    shown[name] = (content, number)
    if number:
        st.empty()
        return st.container()
    place = st.container()
    st.empty()
    return place


def clear_the_rest(drawn: int) -> None:
    """Remove elements that the last run drew here beyond this run's `drawn` elements.

    This serves the same purpose as `fresh_place`, for a list that changes only at its end: the
    elements above do not move.
    """
    state = page_state()
    outdated, state.drawn = state.drawn - drawn, drawn
    for _ in range(outdated):
        st.empty()
