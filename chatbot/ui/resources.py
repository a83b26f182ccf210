"""What all sessions of this process share: settings, store, running answers, model lists."""

import logging
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Self

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from chatbot import local_model
from chatbot.answers import Answers
from chatbot.caps import Caps, Limits
from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError, Phrase
from chatbot.fuse import Fuse
from chatbot.settings import SECRETS_FILE, Settings, load_settings
from chatbot.store import Store
from chatbot.ui import whereabouts

log = logging.getLogger(__name__)

MODEL_LIST_DELAY_SECONDS = 1.5
"""The list waits until the page is there: loading the client beside it made that 1 s later."""

SETTINGS_LIFE = timedelta(seconds=1)
"""Looking for secrets.toml takes a lock each time: of 60 people at once half waited 50 s."""

REOPEN_AFTER = timedelta(seconds=10)
"""A database that cannot be opened is tried again this much later."""

MODEL_LIST_LIFE = timedelta(minutes=1)


@st.cache_resource(show_spinner=False, ttl=SETTINGS_LIFE)
def settings() -> Settings:
    """The settings as they stand now. Raises ChatbotError("setting")."""
    return load_settings(secrets())


def secrets() -> dict[str, Any]:
    """What is in secrets.toml; nothing without one. Raises ChatbotError("file")."""
    try:
        return st.secrets.to_dict()
    except StreamlitSecretNotFoundError as error:
        if error.__cause__:  # the file is there, but no TOML
            expected = Phrase("setting.secrets_file")
            raise ChatbotError("file", name=SECRETS_FILE, expected=expected) from None
        return {}


def endpoints() -> tuple[Endpoint, ...]:
    """The servers whose models can be chosen here; none means the built-in model."""
    own = own_endpoint()
    return (own, *settings().endpoints) if own else settings().endpoints


def own_endpoint() -> Endpoint | None:
    """The server that this visitor has named for this session, where the owner allows that."""
    own: Endpoint | None = st.session_state.get("own_endpoint")
    return own if own and settings().visitor_endpoints else None


def use_own_endpoint(endpoint: Endpoint | None, models: Sequence[str] = ()) -> None:
    """Have this session ask a server of the visitor's own; None goes back to the app's."""
    st.session_state.own_endpoint = endpoint
    if endpoint:
        note_models(endpoint, models)


def note_models(endpoint: Endpoint, models: Sequence[str]) -> None:
    """Take a list of an endpoint's models that this session has come to know."""
    known = st.session_state.setdefault("known_models", {})
    known[(endpoint.provider, endpoint.base_url)] = list(models)


def built_in() -> local_model.LocalModel:
    """The built-in model, which answers where nothing else is set up."""
    return local_model.shared(settings().local_model)


IN_MEMORY = "sqlite://"


class Kind(Enum):
    """How long what is in a place lasts."""

    KEPT = "for good"
    SPARE = "until the app ends, because it cannot be kept"
    TEMPORARY = "as long as the session, because it must not be kept"


@dataclass(frozen=True)
class Place:
    """Where conversations are, and the answers that are being given there."""

    kind: Kind
    store: Store
    answers: Answers

    @classmethod
    def open(cls, kind: Kind, database_url: str = IN_MEMORY) -> Self:
        """Open a database. Raises ChatbotError("store_open")."""
        store = Store(database_url)
        return cls(kind, store, Answers(store, fuse()))

    def close(self) -> None:
        """End the answers, keeping what they have, and close the database."""
        self.answers.close()
        self.store.close()


@st.cache_resource(show_spinner=False, on_release=Place.close)
def _kept(database_url: str) -> Place:
    return Place.open(Kind.KEPT, database_url)


@st.cache_resource(show_spinner=False, ttl=REOPEN_AFTER)
def _failure_to_open(database_url: str) -> ChatbotError | None:
    try:
        _kept(database_url)
    except ChatbotError as error:
        log.exception("Conversations are kept in memory: the database cannot be opened")
        return error
    return None


def failure_to_open() -> ChatbotError | None:
    """Why the database cannot be used, if so; looked at again from time to time."""
    return _failure_to_open(settings().database_url.get_secret_value())


def usual() -> Place:
    """Where conversations are kept; memory while the database cannot be used."""
    if failure_to_open():
        return spare()
    return _kept(settings().database_url.get_secret_value())


@st.cache_resource(show_spinner=False, on_release=Place.close)
def spare() -> Place:
    """Memory, for what cannot be kept: it is there until the app ends."""
    _has_spare.set()
    return Place.open(Kind.SPARE)


_has_spare = threading.Event()


def has_spare() -> bool:
    """Whether anything was ever put into the spare place."""
    return _has_spare.is_set()


def temporary() -> Place:
    """Memory of this session alone, for what must not be kept.

    In the session's state, which outlives a lost connection; `cache_resource` would not.
    """
    state = st.session_state
    if "temporary_place" not in state:
        place = Place.open(Kind.TEMPORARY)
        # A thread, because the session may end on one that must not wait.
        close = threading.Thread(
            target=Place.close, args=(replace(place),), daemon=True, name="temporary"
        )
        weakref.finalize(place, close.start).atexit = False
        state.temporary_place = place
    kept: Place = state.temporary_place
    return kept


@st.cache_resource(show_spinner=False)
def fuse() -> Fuse:
    """What is asked before each question, wherever its conversation is."""
    return Fuse(lambda: usual().store, lambda: spare().store, limits)


def limits() -> Limits:
    """What may be taken by who has this page open.

    Somebody at the machine itself is no visitor, but the site's limits are for everybody: that
    somebody only seems to be there must not cost the owner more.
    """
    allowed = settings().limits(whereabouts.is_for_others())
    return replace(allowed, visitor=Caps()) if whereabouts.is_at_the_machine() else allowed


def all_places() -> list[Place]:
    """Every place in which conversations of this session's owner may be."""
    places = [usual()]
    if has_spare() and places[0].kind is not Kind.SPARE:
        places.append(spare())
    if "temporary_place" in st.session_state:
        places.append(temporary())
    return places


def store() -> Store:
    """All of the owner's conversations."""
    return usual().store


def answers() -> Answers:
    """The answers this process is giving in conversations of `store`."""
    return usual().answers


def known_models() -> dict[Endpoint, list[str]]:
    """The models of each endpoint whose list is known by now. Never waits.

    An empty list means that the endpoint has none, or did not tell.
    """
    state = st.session_state
    opened = state.setdefault("opened", time.monotonic())
    may_ask = time.monotonic() >= opened + MODEL_LIST_DELAY_SECONDS
    kept: dict[tuple[str, str], list[str]] = state.setdefault("known_models", {})
    known = {}
    for endpoint in endpoints():
        name = (endpoint.provider, endpoint.base_url)
        if endpoint.models:
            kept[name] = list(endpoint.models)
            if may_ask and endpoint.context_window_tokens is None:
                _model_list(endpoint)  # nobody waits for it, but it may tell their windows
        elif endpoint.is_visitors:
            pass  # its list came with the check
        elif may_ask and (listing := _model_list(endpoint)).done():
            try:
                listed = listing.result()
                if kept.get(name) != listed:
                    kept[name] = _last_lists()[endpoint] = listed
            except ChatbotError as error:
                log.info("No list of models: %s", error)
                kept[name] = []
        # A list that is being fetched anew does not make the last one worse.
        if name in kept:
            known[endpoint] = kept[name]
        elif endpoint in _last_lists():
            known[endpoint] = _last_lists()[endpoint]
    return known


@st.cache_resource(show_spinner=False)
def _last_lists() -> dict[Endpoint, list[str]]:
    """What each server listed last, for whoever comes next: their page need not wait for it."""
    return {}


def lists_are_coming() -> bool:
    """Whether some endpoint's list of models is still on its way."""
    return len(known_models()) < len(endpoints())


@st.cache_resource(
    ttl=MODEL_LIST_LIFE, max_entries=32, show_spinner=False, hash_funcs={Endpoint: hash}
)
def _model_list(endpoint: Endpoint) -> Future[list[str]]:
    return answers().models.list(endpoint)
