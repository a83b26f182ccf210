"""Services that all sessions of this process share: settings, stores, answers, model lists."""

import logging
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from chatbot.answers import events
from chatbot.answers.answers import Answers
from chatbot.answers.place import Kind, Place
from chatbot.builtin import model as builtin_model
from chatbot.errors import ChatbotError, Phrase
from chatbot.limits.budget import Budget
from chatbot.limits.policy import Limits, Policy
from chatbot.llm.endpoint import Endpoint
from chatbot.settings.settings import Settings
from chatbot.settings.sources import SECRETS_FILE
from chatbot.settings.usable import load_usable_settings
from chatbot.store import Store
from chatbot.ui.client import local_admin
from chatbot.ui.lasting import lasting
from chatbot.ui.session.state import page_state

log = logging.getLogger(__name__)

MODEL_LIST_DELAY_SECONDS = 1.5
"""Delay before a model list is fetched, so that the page is drawn first.

Loading the HTTP client at the same time made the page appear 1 s later.
"""

SETTINGS_LIFE = timedelta(seconds=1)
"""Time for which settings are cached, because each search for secrets.toml takes a lock.

Without the cache, half of 60 simultaneous visitors waited 50 s.
"""

REOPEN_AFTER = timedelta(seconds=10)
"""Time after which the app tries again to open a database that failed to open."""

MODEL_LIST_LIFE = timedelta(minutes=1)


@lasting(SETTINGS_LIFE)
def settings() -> Settings:
    """Return the current settings, perhaps with a `fault`. Raises ChatbotError("setting")."""
    return load_usable_settings(secrets())


def secrets() -> dict[str, Any]:
    """Return the contents of secrets.toml, empty if there is no such file.

    Raises ChatbotError("file") if the file is not valid TOML.
    """
    try:
        return st.secrets.to_dict()
    except StreamlitSecretNotFoundError as error:
        if error.__cause__:  # the file exists, but is not TOML
            expected = Phrase("setting.secrets_file")
            raise ChatbotError("file", name=SECRETS_FILE, expected=expected) from None
        return {}


def endpoints() -> tuple[Endpoint, ...]:
    """Return the servers whose models this visitor can choose; empty means the built-in model."""
    own = own_endpoint()
    return (own, *settings().endpoints) if own else settings().endpoints


def own_endpoint() -> Endpoint | None:
    """Return the visitor's own server for this session, if the owner allows own servers."""
    own = page_state().own_endpoint
    return own if own and settings().visitor_endpoints else None


def use_own_endpoint(endpoint: Endpoint | None, models: Sequence[str] = ()) -> None:
    """Use the visitor's own server in this session; None goes back to the owner's servers."""
    page_state().own_endpoint = endpoint
    if endpoint:
        note_models(endpoint, models)


def note_models(endpoint: Endpoint, models: Sequence[str]) -> None:
    """Remember an endpoint's list of models for this session."""
    page_state().known_models[(endpoint.provider, endpoint.base_url)] = list(models)


def built_in() -> builtin_model.LocalModel:
    """Return the built-in model, which answers if no server is set up."""
    return builtin_model.shared(settings().local_model)


IN_MEMORY = "sqlite://"


def _open(kind: Kind, database_url: str = IN_MEMORY) -> Place:
    """Open a database as a place for conversations. Raises ChatbotError("store_open")."""
    store = Store(database_url)
    return Place(kind, store, Answers(store, budget()))


@st.cache_resource(show_spinner=False, on_release=Place.close)
def _kept(database_url: str) -> Place:
    return _open(Kind.KEPT, database_url)


@lasting(REOPEN_AFTER)
def _failure_to_open(database_url: str) -> ChatbotError | None:
    try:
        _kept(database_url)
    except ChatbotError as error:
        log.exception("Conversations are kept in memory: the database cannot be opened")
        return error
    return None


def failure_to_open() -> ChatbotError | None:
    """Return the reason why the database cannot be used, or None; tried again periodically."""
    return _failure_to_open(settings().database_url.get_secret_value())


def usual() -> Place:
    """Return the database's place, or the in-memory fallback while the database fails."""
    if failure_to_open():
        return fallback()
    return _kept(settings().database_url.get_secret_value())


@st.cache_resource(show_spinner=False, on_release=Place.close)
def fallback() -> Place:
    """Return the in-memory fallback, which holds unsaved conversations until the app ends."""
    _has_fallback.set()
    return _open(Kind.FALLBACK)


_has_fallback = threading.Event()


def has_fallback() -> bool:
    """Tell if the in-memory fallback was ever opened."""
    return _has_fallback.is_set()


def temporary() -> Place:
    """Return this session's memory for temporary conversations.

    The session's state holds it, because that survives a lost connection, and `cache_resource`
    with the scope of a session does not.
    """
    state = page_state()
    if state.temporary_place is None:
        place = _open(Kind.TEMPORARY)
        # Closing waits, and the session may end in a thread that must not: use another thread.
        close = threading.Thread(
            target=Place.close, args=(replace(place),), daemon=True, name="temporary"
        )
        weakref.finalize(place, close.start).atexit = False
        state.temporary_place = place
    return state.temporary_place


@st.cache_resource(show_spinner=False)
def budget() -> Budget:
    """Return the budget, which admits or refuses each question in every kind of store."""
    return Budget(lambda: usual().store, lambda: fallback().store, limits, events.tell_refused)


def limits() -> Limits:
    """Return the limits for this visitor.

    The local admin has no limits per visitor. The limits of the whole site apply to everybody, so
    that a visitor mistaken for the local admin cannot cost the owner more.
    """
    allowed = settings().limits(local_admin.is_for_others())
    return replace(allowed, visitor=Policy()) if local_admin.is_at_the_machine() else allowed


def all_places() -> list[Place]:
    """Return every place that may hold conversations of this session's visitor."""
    places = [usual()]
    if has_fallback() and places[0].kind is not Kind.FALLBACK:
        places.append(fallback())
    if page_state().temporary_place:
        places.append(temporary())
    return places


def store() -> Store:
    """Return the store of the usual place, with the conversations of all visitors."""
    return usual().store


def answers() -> Answers:
    """Return the answers that this process runs in the conversations of `store`."""
    return usual().answers


def known_models() -> dict[Endpoint, list[str]]:
    """Return the models of each endpoint whose list has arrived. Never waits.

    An empty list means that the endpoint has no models or that its list could not be fetched.
    """
    state = page_state()
    if state.opened is None:
        state.opened = time.monotonic()
    may_ask = time.monotonic() >= state.opened + MODEL_LIST_DELAY_SECONDS
    kept, failed, known = state.known_models, state.failed_lists, {}
    for endpoint in endpoints():
        name = (endpoint.provider, endpoint.base_url)
        if endpoint.models:
            kept[name] = list(endpoint.models)
            if may_ask and endpoint.context_window_tokens is None:
                _model_list(endpoint)  # not waited for; it may state the models' context windows
        elif endpoint.is_byok:
            pass  # the connection check brought this server's list
        elif may_ask and (listing := _model_list(endpoint)).done():
            try:
                listed = listing.result()
                failed.discard(name)
                if kept.get(name) != listed:
                    kept[name] = _last_lists()[endpoint] = listed
            except ChatbotError as error:
                log.info("No list of models: %s", error)
                kept[name] = []
                failed.add(name)
        # While a list is being fetched again, the last known list stays in use.
        if name in kept:
            known[endpoint] = kept[name]
        elif endpoint in _last_lists():
            known[endpoint] = _last_lists()[endpoint]
    return known


def has_failed_to_list(endpoint: Endpoint) -> bool:
    """Tell if fetching a server's model list failed, as opposed to an empty list."""
    return (endpoint.provider, endpoint.base_url) in page_state().failed_lists


@st.cache_resource(show_spinner=False)
def _last_lists() -> dict[Endpoint, list[str]]:
    """Return the last list of each server, shared so that the next visitor need not wait."""
    return {}


def lists_are_coming() -> bool:
    """Tell if the model list of some endpoint has not arrived yet."""
    return len(known_models()) < len(endpoints())


@lasting(MODEL_LIST_LIFE, max_entries=32, hash_funcs={Endpoint: hash})
def _model_list(endpoint: Endpoint) -> Future[list[str]]:
    return answers().models.list(endpoint)
