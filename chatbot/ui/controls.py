"""The sidebar's controls: which model answers, and how. Each conversation keeps its own."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from chatbot.parameters import REASONING_EFFORTS
from chatbot.reply import Controls
from chatbot.settings import MAX_TEMPERATURE, MAX_TOKENS
from chatbot.store import Conversation
from chatbot.ui import browser, places, resources, views
from chatbot.ui.errors import errors_shown, noting_errors
from chatbot.ui.language import t
from chatbot.ui.look import plain
from chatbot.ui.resources import Place

PENDING_LIST_SECONDS = 1.0

NO_EFFORT = "default"
"""The choice that sends no reasoning effort at all."""


def show_controls(conversation: Conversation | None) -> None:
    """Model, temperature, length and system prompt, as this conversation last had them."""
    kept: dict[str, Any] = conversation.controls if conversation else {}
    if resources.known_models() is None:
        _show_model_choice_until_listed(kept.get("model"))
    else:
        _show_model_choice(kept.get("model"))
    st.button(
        t("answer.check"),
        key="check_view",
        icon=":material/network_check:",
        type="tertiary",
        on_click=views.open_view,
        args=("check",),
    )
    _show_dials(kept)


@st.fragment
def _show_dials(kept: dict[str, Any]) -> None:
    """What is sent with the next question. As a fragment: changing it draws nothing else again."""
    with errors_shown():
        settings = resources.settings()
        takes_temperature = "temperature" not in _refused()
        st.slider(
            t("controls.temperature"),
            0.0,
            MAX_TEMPERATURE,
            float(kept.get("temperature", settings.temperature)),
            step=0.1,
            key=_key("temperature"),
            help=t("controls.temperature_help"),
            on_change=noting_errors(keep),
            disabled=not takes_temperature,
        )
        if not takes_temperature:
            st.caption(t("controls.temperature_unused", model=plain(chosen_model() or "")))
        st.number_input(
            t("controls.max_tokens"),
            # No bounds here: the browser would go on showing what it refuses to send.
            value=int(kept.get("max_tokens", settings.max_tokens)),
            step=256,
            key=_key("max_tokens"),
            help=t("controls.max_tokens_help"),
            on_change=noting_errors(keep),
        )
        if settings.endpoint:  # the built-in model does not reason
            _show_effort(kept.get("reasoning_effort"))
        st.text_area(
            t("controls.system_prompt"),
            str(kept.get("system_prompt", settings.system_prompt)),
            key=_key("system_prompt"),
            help=t("controls.system_prompt_help"),
            placeholder=t("controls.system_prompt_placeholder"),
            on_change=noting_errors(keep),
        )


def _show_effort(kept: str | None) -> None:
    """How long a model should think, for models that take it; at first each decides by itself."""
    refused = _refused()
    efforts = (NO_EFFORT, *REASONING_EFFORTS)
    names = {effort: t(f"effort.{effort}") for effort in efforts}
    st.selectbox(
        t("controls.reasoning_effort"),
        efforts,
        index=efforts.index(kept) if kept in efforts else 0,
        key=_key("reasoning_effort"),
        format_func=names.__getitem__,
        help=t("controls.reasoning_effort_help"),
        on_change=noting_errors(keep),
        disabled="reasoning_effort" in refused,
    )
    chosen = current().reasoning_effort
    if "reasoning_effort" in refused or f"reasoning_effort={chosen}" in refused:
        name = "controls.reasoning_effort_unused"
        st.caption(t(name, model=plain(chosen_model() or "")))


def keep() -> None:
    """Remember the controls with their conversation, and show what they were brought into."""
    chosen = current()
    if st.session_state.get(_key("max_tokens")) not in (None, chosen.max_tokens):
        st.session_state[_key("max_tokens")] = chosen.max_tokens
    keep_in(places.here())


def keep_in(place: Place) -> None:
    """Remember the controls with the open conversation, which is there."""
    if conversation_id := st.query_params.get("c"):
        chosen = current().to_json()
        place.store.conversations.set_controls(browser.owner(), conversation_id, chosen)


def current() -> Controls:
    """What the controls say now, brought into their ranges: a browser can send anything."""
    settings = resources.settings()
    state = st.session_state
    temperature = state.get(_key("temperature"), settings.temperature)
    max_tokens = state.get(_key("max_tokens"))
    effort = state.get(_key("reasoning_effort"))
    return Controls(
        model=chosen_model(),
        temperature=min(max(float(temperature), 0.0), MAX_TEMPERATURE),
        max_tokens=min(max(int(max_tokens or settings.max_tokens), 1), MAX_TOKENS),
        system_prompt=str(state.get(_key("system_prompt"), settings.system_prompt) or ""),
        reasoning_effort=effort if effort in REASONING_EFFORTS else None,
    )


def chosen_model() -> str | None:
    """The model to ask for; None where the endpoint's own first one will do."""
    settings = resources.settings()
    if settings.endpoint is None:
        return None  # the built-in server has one model only
    model = _typed_or_picked()
    if settings.models and model not in settings.models:
        return settings.default_model
    return model or _default_model()


def _refused() -> Mapping[str, str]:
    """The parameters that the chosen model has turned out not to take."""
    endpoint, model = resources.settings().endpoint, chosen_model()
    if endpoint is None or model is None:
        return {}
    return places.here().answers.refused_parameters(endpoint, model)


def _default_model() -> str | None:
    known = resources.known_models()
    return resources.settings().default_model or (known[0] if known else None)


def _typed_or_picked() -> str | None:
    names = (st.session_state.get(_key(name)) for name in ("model", "early_model"))
    return next((str(name).strip() for name in names if name), None)


@st.fragment(run_every=PENDING_LIST_SECONDS)
def _show_model_choice_until_listed(kept: str | None) -> None:
    """The list arrives by itself: nobody waits for it."""
    with errors_shown():
        if resources.known_models() is not None:
            st.rerun()
        _show_model_choice(kept)


def _show_model_choice(kept: str | None) -> None:
    settings = resources.settings()
    known = resources.known_models()
    models = known or []
    is_built_in = settings.endpoint is None
    model = _typed_or_picked() or kept or _default_model()
    if settings.models and model not in settings.models:
        model = settings.default_model  # the owner has taken that one off the list
    options = models if not model or model in models else [model, *models]
    st.selectbox(
        t("controls.model"),
        options,
        index=options.index(model) if model else None,
        # A widget keeps the choice it began with, even none, so the list gets one of its own.
        key=_key("early_model" if known is None else "model"),
        help=t("controls.model_help"),
        placeholder=t("controls.model_placeholder"),
        on_change=noting_errors(keep),
        accept_new_options=not is_built_in and not settings.models,
        disabled=is_built_in,
    )


def _key(name: str) -> str:
    """A widget key for the open conversation alone, so that others keep their own values."""
    return f"{name}-{st.query_params.get('c', 'new')}"
