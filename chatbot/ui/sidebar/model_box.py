"""The select box for the model."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from chatbot.llm.endpoint import choice, choice_label
from chatbot.markdown.escape import plain
from chatbot.ui import access, services
from chatbot.ui.errors import errors_shown, keep_notice
from chatbot.ui.model_choice import choices, is_built_in
from chatbot.ui.model_choice import chosen as chosen_model
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t

PENDING_LIST_SECONDS = 1.0


def show_model_choice(on_change: Callable[[], None]) -> None:
    """Draw the list of all models."""
    if services.lists_are_coming():
        _show_until_listed(on_change)
    else:
        # A fragment is a container, too: with a container here, the field keeps its typed text.
        with st.container():
            _show(on_change)


@st.fragment(run_every=PENDING_LIST_SECONDS)
def _show_until_listed(on_change: Callable[[], None]) -> None:
    """Draw the model field, and rerun the page once all model lists have arrived."""
    with errors_shown():
        if access.obstacle():
            st.rerun()
        if not services.lists_are_coming():
            keep_notice()
            st.rerun()
        _show(on_change)


def _show(on_change: Callable[[], None]) -> None:
    endpoint, model = chosen_model()
    options = choices()
    chosen = choice(endpoint, model) if endpoint and model else None
    if endpoint is None:
        chosen = options[0]
    elif chosen and chosen not in options:
        options = [chosen, *options]
    key = widgets.control("model")
    picked = widgets.value(key)
    if picked and not chosen and is_built_in(picked):
        widgets.forget(key)  # a server has been added, but its model list has not arrived yet
    if chosen and (not picked or (picked != chosen and picked not in options)):
        # Set the value, because the widget would keep its first default, even "no choice" from
        # before the list arrived. A new key would lose a choice made just as the list arrives.
        widgets.put(key, chosen)
    st.selectbox(
        t("controls.model"),
        options,
        index=0 if chosen else None,  # not used as a default, as the value is set above
        key=key,
        # Endpoints are looked up once, not for each of perhaps 5,000 models.
        format_func=partial(choice_label, services.endpoints()),
        label_visibility="collapsed",
        placeholder=t("controls.model_placeholder"),
        on_change=on_change,
        filter_mode="contains",  # a fuzzy filter would find the letters of a new name in old names
        accept_new_options=any(not endpoint.models for endpoint in services.endpoints()),
        disabled=endpoint is None,
        persist_state="session",
    )
    _show_what_is_not_listed()


def _show_what_is_not_listed() -> None:
    """Name the servers whose model list is empty or could not be fetched."""
    without = [endpoint for endpoint, listed in services.known_models().items() if not listed]
    empty = [
        endpoint.display_name for endpoint in without if not services.has_failed_to_list(endpoint)
    ]
    failed = [
        endpoint.display_name for endpoint in without if services.has_failed_to_list(endpoint)
    ]
    if empty:
        st.caption(t("controls.lists_none", names=plain(", ".join(empty))))
    if failed and len(services.endpoints()) > 1:
        st.caption(t("controls.unlisted", names=plain(", ".join(failed))))
