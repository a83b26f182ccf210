"""Search in the sidebar: the field, and the results, which replace the list of conversations."""

import re
import time
from collections.abc import Iterable, Iterator
from html import escape

import streamlit as st

from chatbot.i18n.dates import moment, zone
from chatbot.markdown.escape import plain, visible
from chatbot.markdown.pictures.images import without_images
from chatbot.store import SearchResult, passage
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
        # Tells page/searching.js which query these results answer.
        st.html(f'<i hidden data-query="{escape(visible(query))}"></i>')
        if not results:
            st.caption(t("search.nothing", query=plain(visible(query))))
        elif len(results) == MAX_RESULTS:
            st.caption(t("search.newest", count=MAX_RESULTS))
        for result, label in _distinct((result, _label(result, query)) for result in results):
            st.button(
                label,
                key=f"found-{result.message_id or result.conversation_id}",
                type="tertiary",
                on_click=conversations.open_search_result,
                args=(result.conversation_id, result.message_id),
                width="stretch",
            )


def _distinct(results: Iterable[tuple[SearchResult, str]]) -> Iterator[tuple[SearchResult, str]]:
    """Leave out results that read the same as another result of their conversation.

    Versions of a message may read the same. A conversation's title as a result is left out if one
    of its messages was found, because the message's result contains the title.
    """
    results = list(results)
    seen = {(result.conversation_id, "") for result, _ in results if result.message_id}
    for result, label in results:
        text = label if result.message_id else ""
        if (result.conversation_id, text) not in seen:
            seen.add((result.conversation_id, text))
            yield result, label


def _label(result: SearchResult, query: str) -> str:
    """Return the title, passage and date of a result as Markdown.

    The query's words are bold. Bold works because a matched piece begins and ends with a letter.
    """
    title = plain(visible(result.title) or t("sidebar.untitled"))
    text = visible(_MARKDOWN.sub("", without_images(result.text))) if result.message_id else ""
    pieces = passage(text, query, PASSAGE_CHARACTERS)
    text = "".join(f"**{plain(piece)}**" if is_it else plain(piece) for piece, is_it in pieces)
    when = moment(result.created_at, time.time(), zone(st.context.timezone))
    return f"**{title}** {text} *{plain(when)}*"
