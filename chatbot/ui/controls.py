"""The sidebar's controls: which model answers, and how. Each conversation keeps its own."""

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from chatbot.parameters import REASONING_EFFORTS
from chatbot.reply import Controls
from chatbot.settings import MAX_TEMPERATURE, MAX_TOKENS
from chatbot.store import Conversation
from chatbot.ui import access, address, applying, browser, models, places, resources, views
from chatbot.ui.errors import errors_shown, keep_notice, noting_errors
from chatbot.ui.language import t
from chatbot.ui.look import plain
from chatbot.ui.models import widget_key
from chatbot.ui.resources import Place

MAX_PROMPT_CHARACTERS = 100_000
"""As for a question: longer than any model's instructions, and no burden on the database."""

NO_EFFORT = "default"
"""The choice that sends no reasoning effort at all."""


def show_controls(conversation: Conversation | None) -> None:
    """Model, temperature, length and system prompt, as this conversation last had them.

    A new one begins with the model that was last asked.
    """
    kept: dict[str, Any] = conversation.controls if conversation else {}
    last = kept
    if conversation is None:
        last = resources.usual().store.conversations.last_controls(browser.owner())
        if browser.has_just_told_who_it_is():
            models.choose_as_before(last)
    models.show_model_choice(last, noting_errors(keep))
    applying.show_way_back("own_end")
    views.show_button("check", t("answer.check"), ":material/network_check:")
    _show_dials(kept)


@st.fragment
def _show_dials(kept: dict[str, Any]) -> None:
    """What is sent with the next question. As a fragment: changing it draws nothing else again."""
    with errors_shown():
        if access.obstacle():  # a fragment runs without what stands before the page
            st.rerun()
        settings = resources.settings()
        takes_temperature = "temperature" not in refused()
        st.slider(
            t("controls.temperature"),
            0.0,
            MAX_TEMPERATURE,
            float(kept.get("temperature", settings.temperature)),
            step=0.1,
            key=widget_key("temperature"),
            help=t("controls.temperature_help"),
            on_change=noting_errors(keep),
            disabled=not takes_temperature,
        )
        if not takes_temperature:
            st.caption(t("controls.temperature_unused", model=plain(models.chosen()[1] or "")))
        longest = _longest_answer()
        is_limited = longest < MAX_TOKENS
        st.number_input(
            t("controls.max_tokens"),
            # No bounds here: the browser would go on showing what it refuses to send.
            value=min(int(kept.get("max_tokens", settings.max_tokens)), longest),
            step=256,
            key=widget_key("max_tokens"),
            help=t("controls.max_tokens_help")
            + (f" {t('controls.max_tokens_most', most=f'{longest:,}')}" if is_limited else ""),
            on_change=noting_errors(keep),
        )
        if resources.endpoints():  # the built-in model does not reason
            _show_effort(kept.get("reasoning_effort"))
        # No bound here either: of a text that is too long the browser would send nothing at all.
        prompt = st.text_area(
            t("controls.system_prompt"),
            str(kept.get("system_prompt", settings.system_prompt)),
            key=widget_key("system_prompt"),
            help=t("controls.system_prompt_help"),
            placeholder=t("controls.system_prompt_placeholder"),
            on_change=noting_errors(keep),
        )
        if len(prompt or "") > MAX_PROMPT_CHARACTERS:
            st.caption(t("controls.system_prompt_long", most=f"{MAX_PROMPT_CHARACTERS:,}"))


def _show_effort(kept: str | None) -> None:
    """How long a model should think, for models that take it; at first each decides by itself."""
    unused = refused()
    efforts = (NO_EFFORT, *REASONING_EFFORTS)
    names = {effort: t(f"effort.{effort}") for effort in efforts}
    st.selectbox(
        t("controls.reasoning_effort"),
        efforts,
        index=efforts.index(kept) if kept in efforts else 0,
        key=widget_key("reasoning_effort"),
        format_func=names.__getitem__,
        help=t("controls.reasoning_effort_help"),
        on_change=noting_errors(keep),
        disabled="reasoning_effort" in unused,
    )
    chosen = current().reasoning_effort
    if "reasoning_effort" in unused or f"reasoning_effort={chosen}" in unused:
        name = "controls.reasoning_effort_unused"
        st.caption(t(name, model=plain(models.chosen()[1] or "")))


def keep() -> None:
    """Remember the controls with their conversation, and show what they were brought into."""
    chosen = current()
    if st.session_state.get(widget_key("max_tokens")) not in (None, chosen.max_tokens):
        st.session_state[widget_key("max_tokens")] = chosen.max_tokens
    keep_in(places.here())


def keep_in(place: Place) -> None:
    """Remember the controls with the open conversation, which is there."""
    if conversation_id := address.get("c"):
        chosen = current().to_json()
        place.store.conversations.set_controls(browser.owner(), conversation_id, chosen)


def current(picked: str | None = None) -> Controls:
    """What the controls say now, brought into their ranges: a browser can send anything.

    `picked` is another choice of a model than theirs.
    """
    settings = resources.settings()
    state = st.session_state
    temperature = state.get(widget_key("temperature"), settings.temperature)
    max_tokens = state.get(widget_key("max_tokens"))
    longest = _longest_answer()
    effort = state.get(widget_key("reasoning_effort"))
    endpoint, model = models.resolve(picked) if picked else models.chosen()
    return Controls(
        model=model,
        provider=endpoint.provider if endpoint else "",
        temperature=_within(temperature, 0, MAX_TEMPERATURE, settings.temperature),
        max_tokens=int(_within(max_tokens or settings.max_tokens, 1, longest, longest)),
        system_prompt=str(state.get(widget_key("system_prompt"), settings.system_prompt) or "")[
            :MAX_PROMPT_CHARACTERS
        ],
        reasoning_effort=effort if effort in REASONING_EFFORTS else None,
    )


def refused() -> Mapping[str, str]:
    """The parameters that the chosen model has turned out not to take."""
    endpoint, model = models.chosen()
    if endpoint is None or model is None:
        return {}
    return places.here().answers.models.refused_parameters(endpoint, model)


def show_what_was_refused(refused_before: Mapping[str, str]) -> None:
    """Draw the page again if the model did not take something that the controls offer."""
    if refused() != refused_before:
        keep_notice()
        st.rerun()


def _longest_answer() -> int:
    """The most tokens that may be asked for."""
    return min(resources.limits().answer.tokens or MAX_TOKENS, MAX_TOKENS)


def _within(value: float, least: float, most: float, otherwise: float) -> float:
    """A number brought into its range; `otherwise` for what is no number at all."""
    return min(max(value, least), most) if math.isfinite(value) else otherwise
