"""The sidebar's controls: the model and its settings. Each conversation keeps its own values."""

from collections.abc import Mapping

import streamlit as st

from chatbot.llm.request import MAX_TEMPERATURE, MAX_TOKENS, REASONING_EFFORTS
from chatbot.markdown.escape import plain
from chatbot.ui import access, model_choice, navigation, services, way_back
from chatbot.ui.errors import errors_shown, keep_notice, noting_errors
from chatbot.ui.model_choice import (
    MAX_PROMPT_CHARACTERS,
    current,
    keep,
    longest_answer,
    refused,
)
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state
from chatbot.ui.sidebar import model_box

NO_EFFORT = "default"
"""Choice with which the request contains no reasoning effort."""


def show_controls() -> None:
    """Draw the model, and the fold with the other settings of the next question."""
    if services.settings().fault:  # faulty settings hold no defaults for the controls
        navigation.show_button("check", t("answer.check"), ":material/network_check:")
        return
    model_box.show_model_choice(noting_errors(keep))
    way_back.show_way_back("own_end")
    # The page runs again when the fold is opened, because what is in a closed fold is not drawn.
    # The fold is not in the fragment: while an answer runs, a fragment waits for its end.
    fold = st.expander(
        t("controls.settings"),
        key=widgets.SETTINGS_FOLD,
        icon=":material/tune:",
        type="compact",
        on_change="rerun",
    )
    if fold.open:
        with fold:
            _show_dials()
            navigation.show_button("check", t("answer.check"), ":material/network_check:")


@st.fragment
def _show_dials() -> None:
    """Draw the settings sent with the next question.

    A fragment, so that changing a setting does not draw the rest of the page again.
    """
    with errors_shown():
        if access.obstacle():  # the page's own access check does not run for a fragment
            st.rerun()
        saved = page_state().saved_controls
        settings = services.settings()
        _show_temperature(float(saved.get("temperature", settings.temperature)))
        _show_max_tokens(int(saved.get("max_tokens", settings.max_tokens)))
        if services.endpoints():  # the built-in model does not reason
            _show_effort(saved.get("reasoning_effort"))
        _show_system_prompt(str(saved.get("system_prompt", settings.system_prompt)))


def _show_temperature(saved: float) -> None:
    is_used = "temperature" not in refused()
    st.slider(
        t("controls.temperature"),
        0.0,
        MAX_TEMPERATURE,
        saved,
        step=0.1,
        key=widgets.control("temperature"),
        help=t("controls.temperature_help"),
        on_change=noting_errors(keep),
        disabled=not is_used,
        persist_state="session",
    )
    if not is_used:
        st.caption(t("controls.temperature_unused", model=plain(model_choice.chosen()[1] or "")))


def _show_max_tokens(saved: int) -> None:
    longest = longest_answer()
    is_limited = longest < MAX_TOKENS
    key = widgets.control("max_tokens")
    # Set as a value, not as the widget's default, because `keep` may change the value later.
    widgets.put_at_first(key, min(saved, longest))
    st.number_input(
        t("controls.max_tokens"),
        # No bounds here: the browser would not send a number outside them, but still show it.
        step=256,
        key=key,
        help=t("controls.max_tokens_help")
        + (f" {t('controls.max_tokens_most', most=f'{longest:,}')}" if is_limited else ""),
        on_change=noting_errors(keep),
        persist_state="session",
    )


def _show_system_prompt(saved: str) -> None:
    # No maximum length: the browser would not send a text that is too long.
    prompt = st.text_area(
        t("controls.system_prompt"),
        saved,
        key=widgets.control("system_prompt"),
        help=t("controls.system_prompt_help"),
        placeholder=t("controls.system_prompt_placeholder"),
        on_change=noting_errors(keep),
        persist_state="session",
    )
    if len(prompt or "") > MAX_PROMPT_CHARACTERS:
        st.caption(t("controls.system_prompt_long", most=f"{MAX_PROMPT_CHARACTERS:,}"))


def _show_effort(saved: str | None) -> None:
    """Draw the choice of the reasoning effort; by default the model decides by itself."""
    unused = refused()
    efforts = (NO_EFFORT, *REASONING_EFFORTS)
    names = {effort: t(f"effort.{effort}") for effort in efforts}
    st.selectbox(
        t("controls.reasoning_effort"),
        efforts,
        index=efforts.index(saved) if saved in efforts else 0,
        key=widgets.control("reasoning_effort"),
        format_func=names.__getitem__,
        help=t("controls.reasoning_effort_help"),
        on_change=noting_errors(keep),
        disabled="reasoning_effort" in unused,
        persist_state="session",
    )
    chosen = current().reasoning_effort
    if "reasoning_effort" in unused or f"reasoning_effort={chosen}" in unused:
        name = "controls.reasoning_effort_unused"
        st.caption(t(name, model=plain(model_choice.chosen()[1] or "")))


def rerun_after_refusal(refused_before: Mapping[str, str]) -> None:
    """Run the page again if the model has just rejected a parameter that the controls offer."""
    if refused() != refused_before:
        keep_notice()
        st.rerun()
