"""Which models there are to choose from, of one server or of several, and which is chosen.

With several servers a choice names its provider as well: see `chatbot/endpoints.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from chatbot.endpoints import Endpoint, choice, choice_label, find_choice
from chatbot.reply import Source
from chatbot.store import storable
from chatbot.ui import access, address, resources
from chatbot.ui.errors import errors_shown, keep_notice
from chatbot.ui.language import t
from chatbot.ui.look import plain

PENDING_LIST_SECONDS = 1.0

MOST_CHARACTERS = 300
"""Of a model's name and its provider's: it is kept with each answer."""


def show_model_choice(kept: Mapping[str, Any], on_change: Callable[[], None]) -> None:
    """The list of all models; `kept` are the controls as the conversation last had them."""
    if resources.lists_are_coming():
        _show_until_listed(kept, on_change)
    else:
        _show(kept, on_change)


def chosen() -> tuple[Endpoint | None, str | None]:
    """The server to ask, None for the built-in model; and the model, None for the first one."""
    return resolve(_picked())


def source(picked: str | None = None) -> Source:
    """What answers: the endpoint of a choice, of the chosen one if none is given."""
    return resolve(picked or _picked())[0] or resources.built_in()


def resolve(picked: str | None) -> tuple[Endpoint | None, str | None]:
    """The endpoint and model of a choice; the first one's own if it is none that may be made."""
    endpoints = resources.endpoints()
    found = find_choice(endpoints, picked) if picked else None
    if found is None:
        return _default()
    endpoint, model = found
    lists = resources.known_models()
    if model == picked and model not in lists.get(endpoint, []):
        # A name alone may be known to belong to one of the others.
        offering = [one for one in endpoints if model in lists.get(one, [])]
        endpoint = offering[0] if len(offering) == 1 else endpoint
    if endpoint.models and model not in endpoint.models:
        return _default()  # the owner has taken that one off the list
    return endpoint, model


def choices() -> list[str]:
    """All that there is to choose from, as far as it is known, and the owner's default."""
    if not resources.endpoints():
        return [resources.built_in().model_name]
    lists = resources.known_models().items()
    listed = [choice(endpoint, model) for endpoint, models in lists for model in models]
    settings = resources.settings()
    default = find_choice(settings.endpoints, settings.default_model or "")
    if default and default[1] and choice(*default) not in listed:
        listed.insert(0, choice(*default))  # not every server lists all that it has
    return listed


def label(picked: str) -> str:
    """A choice as a person reads it."""
    return choice_label(resources.endpoints(), picked)


def provider_of(host: str | None, model: str | None) -> str:
    """Which of several servers gave an answer, as a person knows it; "" where there is one only.

    Or if two at one host offer the same model: then nobody can tell.
    """
    endpoints = resources.endpoints()
    there = [one for one in endpoints if one.host == host]
    if len(there) > 1:
        lists = resources.known_models()
        there = [one for one in there if model in lists.get(one, ())]
    return there[0].known_as if len(endpoints) > 1 and len(there) == 1 else ""


def choose(picked: str) -> None:
    """Choose as a person would; for the callback of a click."""
    st.session_state[widget_key("model")] = picked


def choose_as_before(kept: Mapping[str, Any]) -> None:
    """Choose what controls were last set to, if that is still there to be chosen."""
    if picked := _kept_choice(kept):
        choose(picked)


def choose_default() -> None:
    """Choose what is chosen when nobody did; for the callback of a click."""
    endpoint, model = _default()
    if endpoint is None:
        model = resources.built_in().model_name
    if model:
        choose(choice(endpoint, model) if endpoint else model)
    else:  # its list has not come yet
        st.session_state.pop(widget_key("model"), None)


def widget_key(name: str) -> str:
    """A widget key for the open conversation alone, so that others keep their own values."""
    return f"{name}-{address.open_id()}"


def _default() -> tuple[Endpoint | None, str | None]:
    endpoints = resources.endpoints()
    if not endpoints:
        return None, None  # the built-in server has one model only
    default = resources.settings().default_model
    if default and not endpoints[0].is_visitors:  # whose server it is has models of its own
        return find_choice(endpoints, default) or (endpoints[0], None)
    listed = resources.known_models().get(endpoints[0])
    return endpoints[0], listed[0] if listed else None


def _picked() -> str | None:
    # A browser can send anything.
    value = st.session_state.get(widget_key("model"))
    return storable(str(value)).strip()[:MOST_CHARACTERS] if value else None


def _kept_choice(kept: Mapping[str, Any]) -> str | None:
    """What a conversation was last asked with; None if that server is there no more."""
    provider, model = kept.get("provider") or "", kept.get("model")
    for endpoint in resources.endpoints():
        if endpoint.provider == provider and model:
            return choice(endpoint, model)
    return None


@st.fragment(run_every=PENDING_LIST_SECONDS)
def _show_until_listed(kept: Mapping[str, Any], on_change: Callable[[], None]) -> None:
    """The lists arrive by themselves: nobody waits for them."""
    with errors_shown():
        if access.obstacle():
            st.rerun()
        if not resources.lists_are_coming():
            keep_notice()
            st.rerun()
        _show(kept, on_change)


def _show(kept: Mapping[str, Any], on_change: Callable[[], None]) -> None:
    endpoint, model = resolve(_picked() or _kept_choice(kept))
    options = choices()
    chosen = choice(endpoint, model) if endpoint and model else None
    if endpoint is None:
        chosen = options[0]
    elif chosen and chosen not in options:
        options = [chosen, *options]
    key = widget_key("model")
    picked = st.session_state.get(key)
    if chosen and (not picked or (picked != chosen and picked not in options)):
        # Set, because a widget keeps what it began with, even no choice while its list was coming;
        # and not under another key then, or what is chosen just as the list comes would be lost.
        st.session_state[key] = chosen
    st.selectbox(
        t("controls.model"),
        options,
        index=0 if chosen else None,  # no default of its own, as the value is set
        key=key,
        format_func=label,
        help=t("controls.model_help"),
        placeholder=t("controls.model_placeholder"),
        on_change=on_change,
        accept_new_options=any(not one.models for one in resources.endpoints()),
        disabled=endpoint is None,
    )
    unlisted = _without_a_list()
    if unlisted and len(resources.endpoints()) > 1:
        st.caption(t("controls.unlisted", names=plain(", ".join(unlisted))))


def _without_a_list() -> list[str]:
    """The servers that told none of their models, as a person knows them."""
    lists = resources.known_models().items()
    return [one.known_as for one, listed in lists if not listed]
