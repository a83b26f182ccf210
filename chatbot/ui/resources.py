"""What all sessions of this process share: settings, store, running answers, model lists."""

import logging
import time
from concurrent.futures import Future
from datetime import timedelta

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from chatbot import local_model
from chatbot.answers import Answers
from chatbot.errors import ChatbotError, Phrase
from chatbot.reply import Source
from chatbot.settings import Endpoint, Settings, load_settings
from chatbot.store import Store

log = logging.getLogger(__name__)

MODEL_LIST_DELAY_SECONDS = 1.5
"""The list waits until the page is there: loading the client beside it made that 1 s later."""

MODEL_LIST_LIFE = timedelta(minutes=1)


def settings() -> Settings:
    """The settings as they stand now. Raises ChatbotError("setting")."""
    try:
        secrets = st.secrets.to_dict()
    except StreamlitSecretNotFoundError as error:
        if error.__cause__:  # the file is there, but no TOML
            expected = Phrase("setting.secrets_file")
            name = ".streamlit/secrets.toml"
            raise ChatbotError("file", name=name, expected=expected) from None
        secrets = {}
    return load_settings(secrets)


def source() -> Source:
    """What answers questions: the configured endpoint, or the built-in model."""
    current = settings()
    if current.endpoint:
        return current.endpoint
    model = local_model.shared(current.local_model)
    model.silence_timeout_seconds = current.silence_timeout_seconds
    return model


@st.cache_resource(show_spinner=False)
def _store(database_url: str) -> Store:
    return Store(database_url)


def store() -> Store:
    """Conversations on disk. Raises ChatbotError("store")."""
    return _store(settings().database_url.get_secret_value())


@st.cache_resource(show_spinner=False, on_release=Answers.close)
def _answers(_store: Store, database_url: str) -> Answers:
    return Answers(_store)


def answers() -> Answers:
    """The answers this process is giving."""
    return _answers(store(), settings().database_url.get_secret_value())


def known_models() -> list[str] | None:
    """The models there are to choose from; None while the endpoint's list is on its way.

    Never waits. An empty list means that the endpoint has none, or did not tell.
    """
    current = settings()
    if current.models:
        return list(current.models)
    if current.endpoint is None:
        return [local_model.shared(current.local_model).model_name]
    opened = st.session_state.setdefault("opened", time.monotonic())
    if time.monotonic() < opened + MODEL_LIST_DELAY_SECONDS:
        return None
    listing = _model_list(current.endpoint)
    if listing.done():
        try:
            models = listing.result()
        except ChatbotError as error:
            log.info("No list of models: %s", error)
            models = []
        st.session_state.known_models = (current.endpoint.base_url, models)
    # A list that is being fetched anew does not make the last one worse.
    base_url, models = st.session_state.get("known_models", (None, None))
    return models if base_url == current.endpoint.base_url else None


@st.cache_resource(
    ttl=MODEL_LIST_LIFE, max_entries=8, show_spinner=False, hash_funcs={Endpoint: hash}
)
def _model_list(endpoint: Endpoint) -> Future[list[str]]:
    return answers().list_models(endpoint)
