"""The view in which a connection is checked, and what works is put to use.

Who may do what:
- Whoever runs the app and sits at its machine may check any address, and have what works
  written into `.env`; where another source wins, the page says what to change there.
- Where the owner lets visitors bring a server of their own, they may check any public one, with
  a key of their own, and use what works for this session. It is kept in memory alone.
- Everybody else checks the connection as it is set, with nothing of its address but the host.
"""

import streamlit as st

from chatbot import background, masking
from chatbot.addresses import base_urls, pasted_key
from chatbot.check import (
    MAX_ANSWER_TOKENS,
    MODELS_TRIED,
    QUESTION_TOKENS,
    Check,
    configured_at,
)
from chatbot.endpoints import OPENAI_BASE_URL, Endpoint
from chatbot.fuse import Ticket
from chatbot.prices import Usage
from chatbot.store import new_id
from chatbot.ui import applying, browser, look, models, resources, views, whereabouts
from chatbot.ui.check_result import Running, show_result
from chatbot.ui.errors import noting_errors, show_notice
from chatbot.ui.language import t
from chatbot.ui.look import plain


def show_check() -> None:
    """The view in the place of the conversation."""
    may_change = whereabouts.is_at_the_machine()
    is_allowed = may_change or resources.settings().visitor_endpoints
    with st.container():
        views.show_head(t("check.title"), t("check.help"))
    with st.container():
        show_notice()
        if st.session_state.get("check_applied"):
            st.success(t("check.applied"), icon=":material/check_circle:")
            st.button(
                t("check.chat"),
                key="check_chat",
                icon=":material/chat:",
                type="primary",
                on_click=views.close_view,
            )
    # Above the form, where it is seen: on a phone there is no room left below.
    result = st.container(key="check-result")
    with st.container(key="check-form"):
        if is_allowed:
            _show_form(may_change)
        else:
            _show_start()
    running = _running()
    with (
        result,
        # What the last check came to is not to stand beside the steps of the next one.
        look.fresh_place(str(id(running.future)) if running else None, "check-result"),
    ):
        if running:
            show_result(running, may_change)


def _show_form(may_change: bool) -> None:
    own = resources.own_endpoint()
    endpoint = models.chosen()[0] if may_change else own
    if own:
        st.caption(plain(t("check.own", host=own.host)))
        applying.show_way_back("check_own_end")
    with st.form("check_form", border=False):
        st.text_input(
            t("check.base_url"),
            endpoint.base_url if endpoint else "",
            key="check_base_url",
            placeholder="https://api.example.org/v1",
            help=t("check.base_url_help" if may_change else "check.own_help"),
        )
        st.text_input(
            t("check.key"),
            type="password",
            key="check_key",
            placeholder=t("check.key_set") if endpoint and endpoint.api_key else "",
            help=t("check.key_help" if may_change else "check.own_key_help"),
            autocomplete="off",
        )
        st.text_input(t("check.model"), key="check_model", help=t("check.model_help"))
        st.form_submit_button(
            t("check.start"), type="primary", icon=":material/network_check:", on_click=start
        )


def _show_start() -> None:
    endpoint = models.chosen()[0]
    if endpoint and len(resources.endpoints()) > 1:
        st.caption(plain(t("check.which", name=endpoint.known_as)))
    st.button(
        t("check.start"),
        key="check_start",
        type="primary",
        icon=":material/network_check:",
        on_click=start,
    )


@noting_errors
def start() -> None:
    """Begin a check; one that still runs is given up."""
    state = st.session_state
    if running := _running():
        running.future.cancel()
    for name in ("running_check", "check_applied"):
        state.pop(name, None)
    source = models.source()
    is_at_the_machine = whereabouts.is_at_the_machine()
    is_allowed = is_at_the_machine or resources.settings().visitor_endpoints
    typed, key, model = _typed() if is_allowed else ("", None, "")
    if typed:
        check = _check_of_typed(typed, key, model, is_at_the_machine)
    elif isinstance(source, Endpoint):
        check = Check(source, source.base_url, model or models.chosen()[1] or "")
    else:
        check = Check(source)
    ticket = _admit(check, model)
    future = background.submit(check.run())
    future.add_done_callback(lambda _: background.submit(_settle(ticket, check)))
    state.running_check = Running(check, future, is_typed=bool(typed))


def _admit(check: Check, model: str) -> Ticket:
    """Count a check as a question: whoever may check for ever may ask for ever."""
    most = Usage(MODELS_TRIED * QUESTION_TOKENS, MODELS_TRIED * MAX_ANSWER_TOKENS)
    return resources.fuse().admit(browser.owner(), check.source, model, most, new_id())


async def _settle(ticket: Ticket, check: Check) -> None:
    asked = [step.details["model"] for step in check.steps if step.name == "answer"]
    took = len(asked) * QUESTION_TOKENS, len(asked) * MAX_ANSWER_TOKENS
    model = asked[-1] if asked else ""
    await background.in_thread(lambda: ticket.settle_as_guessed(model, *took))


def _typed() -> tuple[str, str | None, str]:
    """Address, key and model as they were typed. A key alone is one for OpenAI."""
    names = ("check_base_url", "check_key", "check_model")
    typed, key, model = (str(st.session_state.get(name) or "").strip() for name in names)
    return typed or (OPENAI_BASE_URL if key else ""), pasted_key(key), model


def _check_of_typed(typed: str, key: str | None, model: str, is_at_the_machine: bool) -> Check:
    """A check of an address that somebody may choose. A key that is set stays where it belongs."""
    settings = resources.settings()
    own = resources.own_endpoint()
    known = configured_at(settings.endpoints if is_at_the_machine else filter(None, [own]), typed)
    if known and not key:
        chosen, chosen_model = models.chosen()
        if chosen in known:
            return Check(chosen, typed, model or chosen_model or "")
        return Check(known[0], typed, model)
    if is_at_the_machine:
        masking.hide(key)
    endpoint = Endpoint(
        base_urls(typed)[0],
        key,
        settings.connect_timeout_seconds,
        settings.silence_timeout_seconds,
        is_visitors=not is_at_the_machine,
    )
    return Check(endpoint, typed, model, is_owners_key=False)


def _running() -> Running | None:
    running: Running | None = st.session_state.get("running_check")
    return running
