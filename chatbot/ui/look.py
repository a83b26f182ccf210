"""What the page looks like: title, icons, and the little CSS that Streamlit has no option for.

Logo and icons are drawn by the style sheet: given to Streamlit as images, they
would load NumPy and Pillow, 13 MB of memory.
"""

import base64
import re
import unicodedata
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_HERE = Path(__file__).parent
_ASSETS = _HERE.parent / "assets"

APP_NAME = "Chatbot"


def set_up_page() -> None:
    """Title and styles. Call before anything is drawn."""
    title = st.session_state.get("tab_title", APP_NAME)  # of the run before, or it would flicker
    st.set_page_config(page_title=title, initial_sidebar_state="auto")
    st.html(_styles())


def name_tab(conversation_title: str) -> None:
    """Have the browser's tab say which conversation it shows; "" for none."""
    title = " · ".join(filter(None, (visible(conversation_title), APP_NAME)))
    if st.session_state.get("tab_title", APP_NAME) != title:
        st.session_state.tab_title = title
        st.set_page_config(page_title=title)


@cache
def icon_address() -> str:
    """The app's icon as an address of its own."""
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
    """A container for one of the page's contents, `content` being what it shows.

    Streamlit takes away what an earlier run drew only when this run ends, which
    may be as late as the end of an answer, even a control in whose place another
    is drawn. So other content is drawn in the other
    of two places, and the one before is emptied. (Emptying a place and drawing in
    it took a pause of 20 ms, or Streamlit sent only what was drawn in the end.)
    Nor is a place emptied that is drawn in again: at times the browser showed that,
    and a reader who had scrolled up was at the beginning.
    """
    shown = st.session_state.setdefault("shown_content", {})
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
    """Take away what an earlier run drew here after the `drawn` elements of this one.

    As `fresh_place`, for a list of which only the end has changed: nothing above it moves.
    """
    left = st.session_state.get("drawn", 0) - drawn
    st.session_state.drawn = drawn
    for _ in range(left):
        st.empty()


def short(message_id: str) -> str:
    """Enough of a random id to be the key of an element: 48 bits. Each key is sent on each run."""
    return message_id[:12]


def plain(text: str) -> str:
    """Text that Streamlit's Markdown shows as it is, with every mark escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


_ADDRESS = re.compile(
    r"((?:https?://|www\.)[^\s`。，；：！？、（）“”]*[^\s`。，；：！？、（）“”.,;:!?)])",
    re.IGNORECASE,
)


def plain_sentence(text: str) -> str:
    """The same of a sentence, with a web address in it as code: even escaped it would be a link."""
    parts = _ADDRESS.split(text)
    return "".join(f"`{part}`" if _ADDRESS.match(part) else plain(part) for part in parts)


_TURNS_AROUND = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(title: str) -> str:
    """A title or passage as it can stand in a list: without what would turn its row around.

    "" if nothing of it can be seen. What is kept stays as it was typed.
    """
    line = " ".join(_TURNS_AROUND.sub("", title).split())
    can_be_seen = any(unicodedata.category(mark)[0] not in "CZM" for mark in line)
    return line if can_be_seen else ""
