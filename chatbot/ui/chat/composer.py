"""The bottom of the page: the last click's error, the composer, Stop, and the line below it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from chatbot.answers.answer import Followed
from chatbot.i18n.dates import moment, time_from_now, zone
from chatbot.markdown.escape import plain
from chatbot.store.quota import Remaining
from chatbot.ui import access, model_choice, services
from chatbot.ui.chat import actions, context_meter
from chatbot.ui.chat.history import History, Status
from chatbot.ui.errors import forget_notice, show_error, show_notice
from chatbot.ui.session import widgets
from chatbot.ui.session.language import language, t
from chatbot.ui.session.state import page_state


def show_above() -> DeltaGenerator:
    """Draw the last click's error.

    Returns the place that holds it, to be emptied when an answer has ended. The place is always a
    single element, so that the composer below keeps its position.
    """
    place = st.bottom.empty()
    with place.container(horizontal=True, horizontal_alignment="center"):
        if fault := services.settings().fault:
            show_error(fault)
            st.button(
                t("try_again"),
                icon=":material/refresh:",
                key="try_again",
                on_click=services.settings.clear,
            )
            forget_notice(fault.code)  # a question asked meanwhile is back in the composer
        if notice := show_notice():
            draft = page_state().draft
            if draft and notice.code == "store_locked":
                st.button(
                    t("keeping.save_again"),
                    key="ask_again",
                    icon=":material/refresh:",
                    on_click=actions.ask,
                    args=(draft,),
                )
    return place


def show_stop(running: Followed | None) -> DeltaGenerator:
    """Draw Stop in the place of the composer's Send button, while an answer runs.

    Streamlit's own `submit_mode="stop"` would end only the display of an answer, and would be
    missing after a reload. Returns the place that holds Stop, to be emptied when the answer has
    ended.
    """
    place = st.empty()
    if running:
        place.button(
            t("answer.stop"),
            key="stop",
            icon=":material/stop:",
            type="primary",
            on_click=actions.stop,
            args=(running.message.id,),
        )
    return place


@contextmanager
def draft_put_back() -> Iterator[None]:
    """Put an unsent question back into the composer, which is drawn inside the `with` block."""
    if (draft := page_state().draft) is not None:
        widgets.put(widgets.QUESTION, draft)
    yield
    page_state().draft = None  # not earlier: a newer run that replaces this run needs the draft


def show_line(history: History, place: DeltaGenerator) -> None:
    """Draw the small line with the model, and how full the context window is if that matters.

    Only an admin reads the server's host and what a question costs; an answer's menu tells
    anybody who asks.
    """
    if history.status is Status.GONE:
        return
    if services.settings().fault:  # the page shows the fault above the composer
        return
    owner, branch, is_admin = history.owner, history.branch, access.is_admin()
    endpoint, model = model_choice.chosen()
    if endpoint is None:
        built_in = services.built_in()
        model = built_in.model_name
        where = t("composer.built_in" if built_in.is_demo else "composer.local_model")
    else:
        is_listed = endpoint in services.known_models()
        model = model or (t("composer.no_model") if is_listed else "")
        is_one_of_many = len(services.endpoints()) > 1
        where = endpoint.display_name if is_one_of_many else endpoint.host if is_admin else ""
    line = plain(" · ".join(filter(None, (model, where))))
    with place.container(gap=None):
        with st.container(
            horizontal=True, wrap=False, horizontal_alignment="center", gap="xxsmall"
        ):
            st.caption(line, width="content")
            if filled := context_meter.filling(owner, branch):
                context_meter.show_meter(owner, branch, filled, is_admin)
        # Always an element, or an old warning would stay on the page while an answer runs.
        warning = st.empty()
        if filled and filled.warning:
            warning.caption(filled.warning, text_alignment="center")
        if left := services.budget().left(owner):
            st.caption(_words(left), text_alignment="center")


def _words(left: Remaining) -> str:
    """Return the sentence that says how little of the limits is left."""
    if left.questions is None:
        return t("left.little")
    if left.questions:
        return t("left.questions", count=left.questions)
    now = time.time()
    clock = moment(left.until, now, zone(st.context.timezone))
    return t("left.nothing", until=time_from_now(language(), left.until - now), clock=clock)
