"""The bottom of the page: Stop, what just went wrong, the composer, and who answers."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.answer import Followed
from chatbot.i18n import time_from_now
from chatbot.limits import Left
from chatbot.periods import moment, zone
from chatbot.store import Message
from chatbot.ui import actions, meter, models, resources
from chatbot.ui.errors import show_notice
from chatbot.ui.language import language, t
from chatbot.ui.look import plain


def show_above(running: Followed | None) -> DeltaGenerator:
    """What the last click could not do, and Stop while an answer runs.

    Returns the place of both, to be emptied when the answer has ended. It is
    always one element, so that the composer below keeps its place.
    """
    place = st.bottom.empty()
    with place.container(horizontal=True, horizontal_alignment="center"):
        if notice := show_notice():
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


def show_line(owner: str, branch: list[Message], place: DeltaGenerator) -> None:
    """A small line: which model answers, where it runs, and how much of its window is used."""
    endpoint, model = models.chosen()
    if endpoint is None:
        built_in = resources.built_in()
        model = built_in.model_name
        where = t("composer.built_in" if built_in.is_demo else "composer.local_model")
    else:
        is_listed = endpoint in resources.known_models()
        model = model or (t("composer.no_model") if is_listed else "")
        where = endpoint.known_as if len(resources.endpoints()) > 1 else endpoint.host
    line = plain(" · ".join(filter(None, (model, where))))
    with place.container(gap=None):
        with st.container(
            horizontal=True, wrap=False, horizontal_alignment="center", gap="xxsmall"
        ):
            st.caption(line, width="content")
            if filled := meter.filling(branch):
                meter.show_meter(owner, branch, filled)
        warning = st.empty()  # always one element: an old warning would stand while an answer runs
        if filled and filled.warning:
            warning.caption(filled.warning, text_alignment="center")
        if left := resources.fuse().left(owner):
            st.caption(_words(left), text_alignment="center")


def _words(left: Left) -> str:
    """That little is left for today."""
    if left.questions is None:
        return t("left.little")
    if left.questions:
        return t("left.questions", count=left.questions)
    now = time.time()
    clock = moment(left.until, now, zone(st.context.timezone))
    return t("left.nothing", until=time_from_now(language(), left.until - now), clock=clock)
