"""Search in the sidebar: the field, and the results, which replace the list of conversations."""

import re
import time
from collections.abc import Iterable, Iterator

import streamlit as st

from chatbot.i18n.dates import moment, zone
from chatbot.markdown.escape import plain, visible
from chatbot.markdown.pictures.images import without_images
from chatbot.store import Found, passage
from chatbot.ui import services
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t
from chatbot.ui.sidebar import conversations
from chatbot.ui.sidebar.conversations import show_list_place

MAX_RESULTS = 20
PASSAGE_CHARACTERS = 80
MAX_QUERY_CHARACTERS = 100

_MARKDOWN = re.compile(
    r"^[ \t]*(?:#{1,6} |[-*+] |> ?|(?:```|~~~).*$|[|: -]+$)|\*\*|__|`|\|", re.MULTILINE
)
"""Markdown marks, which mean nothing in a passage of a few words."""


def show_search_field() -> str:
    """Draw the search field, which searches while the visitor types.

    Returns the query, "" for no search.
    """
    typed = st.text_input(
        t("search.label"),
        key=widgets.SEARCH,
        max_chars=MAX_QUERY_CHARACTERS,
        placeholder=t("search.label"),
        icon=":material/search:",
        label_visibility="collapsed",
        live=True,  # a duration of our own would load pandas, 70 MB
    )
    query = typed.strip()
    way_back = st.empty()  # even without a button, so that all elements below keep their place
    if query:
        way_back.button(
            t("search.back"),
            key="end_search",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=conversations.end_search,
        )
    return query


def show_results(owner: str, query: str) -> None:
    """Draw the results, newest first. A click opens the conversation at the found message."""
    results = services.store().search.find(owner, query, MAX_RESULTS)
    with show_list_place(f"search {query}"):
        if not results:
            st.caption(t("search.nothing", query=plain(visible(query))))
        elif len(results) == MAX_RESULTS:
            st.caption(t("search.newest", count=MAX_RESULTS))
        for found, label in _distinct((found, _label(found, query)) for found in results):
            st.button(
                label,
                key=f"found-{found.message_id or found.conversation_id}",
                type="tertiary",
                on_click=conversations.open_found,
                args=(found.conversation_id, found.message_id),
                width="stretch",
            )


def _distinct(results: Iterable[tuple[Found, str]]) -> Iterator[tuple[Found, str]]:
    """Leave out results that read the same as another result of their conversation.

    Versions of a message may read the same. A conversation's title as a result is left out if one
    of its messages was found, because the message's result contains the title.
    """
    results = list(results)
    seen = {(found.conversation_id, "") for found, _ in results if found.message_id}
    for found, label in results:
        said = label if found.message_id else ""
        if (found.conversation_id, said) not in seen:
            seen.add((found.conversation_id, said))
            yield found, label


def _label(found: Found, query: str) -> str:
    """Return the title, passage and date of a result as Markdown.

    The query's words are bold. Bold works because a matched piece begins and ends with a letter.
    """
    title = plain(visible(found.title) or t("sidebar.untitled"))
    said = visible(_MARKDOWN.sub("", without_images(found.text))) if found.message_id else ""
    pieces = passage(said, query, PASSAGE_CHARACTERS)
    text = "".join(f"**{plain(piece)}**" if is_it else plain(piece) for piece, is_it in pieces)
    when = moment(found.created_at, time.time(), zone(st.context.timezone))
    return f"**{title}** {text} *{plain(when)}*"
