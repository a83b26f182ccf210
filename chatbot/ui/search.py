"""Search in the sidebar: its field, and what was found in the place of the list."""

import re
import time
from collections.abc import Iterable, Iterator

import streamlit as st

from chatbot.images import without_images
from chatbot.periods import moment, zone
from chatbot.store import Found, passage
from chatbot.ui import list_actions, resources
from chatbot.ui.conversations import UNSCROLLED_CONVERSATIONS, show_list_place
from chatbot.ui.language import t
from chatbot.ui.look import plain, visible

MAX_RESULTS = 20
PASSAGE_CHARACTERS = 80
MAX_QUERY_CHARACTERS = 100

_MARKDOWN = re.compile(
    r"^[ \t]*(?:#{1,6} |[-*+] |> ?|(?:```|~~~).*$|[|: -]+$)|\*\*|__|`|\|", re.MULTILINE
)
"""Marks that mean nothing in a passage of a few words."""


def show_search_field() -> str:
    """The field at the top of the list; returns what is looked for, "" for nothing."""
    typed = st.text_input(
        t("search.label"),
        key="search",
        max_chars=MAX_QUERY_CHARACTERS,
        placeholder=t("search.label"),
        icon=":material/search:",
        label_visibility="collapsed",
    )
    query = typed.strip()
    way_back = st.empty()  # also without it, so that all below keeps its place
    if query:
        way_back.button(
            t("search.back"),
            key="end_search",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=list_actions.end_search,
        )
    return query


def show_results(owner: str, query: str) -> None:
    """What was found, the newest first; a click opens the conversation at that message."""
    results = resources.store().search.find(owner, query, MAX_RESULTS)
    with show_list_place(f"search {query}", is_long=len(results) > UNSCROLLED_CONVERSATIONS // 2):
        if not results:
            st.caption(t("search.nothing", query=plain(visible(query))))
        elif len(results) == MAX_RESULTS:
            st.caption(t("search.newest", count=MAX_RESULTS))
        for found, label in _distinct((found, _label(found, query)) for found in results):
            st.button(
                label,
                key=f"found-{found.message_id or found.conversation_id}",
                type="tertiary",
                on_click=list_actions.open_found,
                args=(found.conversation_id, found.message_id),
                width="stretch",
            )


def _distinct(results: Iterable[tuple[Found, str]]) -> Iterator[tuple[Found, str]]:
    """Without those that read like another of the same conversation, such as its older versions.

    Nor with a title by itself of which a message was found: it stands above that.
    """
    results = list(results)
    seen = {(found.conversation_id, "") for found, _ in results if found.message_id}
    for found, label in results:
        said = label if found.message_id else ""
        if (found.conversation_id, said) not in seen:
            seen.add((found.conversation_id, said))
            yield found, label


def _label(found: Found, query: str) -> str:
    """Title, passage and date. What was looked for is bold: it begins and ends with a letter."""
    title = plain(visible(found.title) or t("sidebar.untitled"))
    said = visible(_MARKDOWN.sub("", without_images(found.text))) if found.message_id else ""
    pieces = passage(said, query, PASSAGE_CHARACTERS)
    text = "".join(f"**{plain(piece)}**" if is_it else plain(piece) for piece, is_it in pieces)
    when = moment(found.created_at, time.time(), zone(st.context.timezone))
    return f"**{title}** {text} *{plain(when)}*"
