"""What the page looks like: title, icons, and the little CSS that Streamlit has no option for."""

import re
import time
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_HERE = Path(__file__).parent
_ASSETS = _HERE.parent / "assets"

FLUSH_SECONDS = 0.02
"""Streamlit sends what is drawn every 5 ms; drawn over sooner, the empty place is never sent."""

ICON = str(_ASSETS / "icon.svg")
ASSISTANT_ICON = ICON
LOGO = str(_ASSETS / "logo.svg")


def set_up_page() -> None:
    """Title, icon, logo and styles. Call before anything is drawn."""
    st.set_page_config(page_title="Chatbot", page_icon=ICON, initial_sidebar_state="auto")
    st.html(_HERE / "look.css")
    st.logo(LOGO, size="large", icon_image=ICON)


def fresh_place(content: str | None) -> DeltaGenerator:
    """A container for the page's main content, `content` being what it shows.

    Streamlit takes away what an earlier run drew only when this run ends, which
    may be as late as the end of an answer. So what belonged to other content is
    taken away first.
    """
    place = st.empty()
    if st.session_state.get("main_content", content) != content:
        time.sleep(FLUSH_SECONDS)
    st.session_state.main_content = content
    return place.container()


def plain(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is, with every mark escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
