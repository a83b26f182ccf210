"""The bottom of the page: Stop, what just went wrong, the composer, and who answers."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.answer import Followed
from chatbot.ui import actions, models, resources
from chatbot.ui.errors import show_error
from chatbot.ui.language import t
from chatbot.ui.look import plain


def show_above(running: Followed | None) -> DeltaGenerator:
    """What the last click could not do, and Stop while an answer runs.

    Returns the place of both, to be emptied when the answer has ended. It is
    always one element, so that the composer below keeps its place.
    """
    place = st.bottom.empty()
    with place.container(horizontal=True, horizontal_alignment="center"):
        if "notice" in st.session_state:
            notice = st.session_state.pop("notice")
            show_error(notice)
            draft = st.session_state.get("draft")
            if draft and notice.code == "store_locked":
                st.button(
                    t("keeping.save_again"),
                    key="ask_again",
                    icon=":material/refresh:",
                    on_click=actions.ask,
                    args=(draft,),
                )
        if running:
            st.button(
                t("answer.stop"),
                key="stop",
                icon=":material/stop_circle:",
                on_click=actions.stop,
                args=(running.message.id,),
            )
    return place


def show_composer() -> None:
    """Where questions are typed. What could not be sent is put back."""
    state = st.session_state
    if "draft" in state:
        state.question = state.draft
    with st.bottom:
        st.chat_input(t("composer.placeholder"), key="question", on_submit=actions.ask)
    state.pop("draft", None)  # only now: another run may have replaced this one before


def show_who_answers() -> None:
    """A small line: which model answers, and where it runs."""
    endpoint, model = models.chosen()
    if endpoint is None:
        model = resources.built_in().model_name
        where = t("composer.built_in")
    else:
        is_listed = endpoint in resources.known_models()
        model = model or (t("composer.no_model") if is_listed else "")
        where = endpoint.host
    line = " · ".join(filter(None, (model, where)))
    st.bottom.caption(plain(line), text_alignment="center")
