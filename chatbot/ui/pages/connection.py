"""The view that checks a connection, and puts a working connection to use.

Permissions:
- The local admin may check any address, and have a working connection written to `.env`. If
  another source overrides `.env`, the page says what to change there.
- If the owner allows visitors' own servers, a visitor may check any public server with their own
  key, and use it in this session. The server and the key stay in memory.
- All other visitors may check only the configured connection, and see only the host of its address.
"""

from typing import Literal

import streamlit as st

from chatbot.connection_check.presets import services
from chatbot.llm.endpoint import OPENAI_BASE_URL
from chatbot.markdown.escape import plain
from chatbot.ui import model_choice, navigation, way_back
from chatbot.ui import services as ui_services
from chatbot.ui.check_run import start
from chatbot.ui.client import local_admin
from chatbot.ui.errors import show_notice
from chatbot.ui.frontend import look
from chatbot.ui.pages.connection_result import show_result, show_service
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state


def show_check() -> None:
    """Draw the view of the connection check, in place of the conversation."""
    may_change = local_admin.is_at_the_machine()
    is_allowed = may_change or ui_services.settings().visitor_endpoints
    with st.container():
        navigation.show_head(t("check.title"), t("check.help"))
    with st.container():
        show_notice()
        if page_state().check_applied:
            st.success(t("check.applied"), icon=":material/check_circle:")
            st.button(
                t("check.chat"),
                key="check_chat",
                icon=":material/chat:",
                type="primary",
                on_click=navigation.close_view,
            )
    # The result is above the form, because a phone's screen has no room left below it.
    result = st.container(key="check-result")
    with st.container(key="check-form"):
        if is_allowed:
            _show_form(may_change)
        else:
            _show_start()
            st.caption(t("check.elsewhere"))
    running = page_state().running_check
    with (
        result,
        # A fresh place, so that the last result disappears when the next check begins.
        look.fresh_place(str(id(running.future)) if running else None, "check-result"),
    ):
        if running:
            show_result(running, may_change)


def _show_form(may_change: bool) -> None:
    own = ui_services.own_endpoint()
    endpoint = model_choice.chosen()[0] if may_change else own
    if own:
        st.caption(plain(t("check.own", host=own.host)))
        way_back.show_way_back("check_own_end")
    st.caption(t("check.form_help" if may_change else "check.own_form_help"))
    _show_services(may_change)
    # Set as a value, not as the widget's default, because the service menu and `apply` set it too.
    widgets.put_at_first(widgets.CHECK_BASE_URL, endpoint.base_url if endpoint else "")
    with st.form("check_form", border=False):
        st.text_input(
            t("check.base_url"),
            key=widgets.CHECK_BASE_URL,
            placeholder="https://api.example.org/v1",
            help=t("check.base_url_help" if may_change else "check.own_help"),
        )
        st.text_input(
            t("check.key"),
            type="password",
            key=widgets.CHECK_KEY,
            placeholder=t("check.key_set") if endpoint and endpoint.api_key else "",
            help=t("check.key_help" if may_change else "check.own_key_help"),
            autocomplete="off",
        )
        st.text_input(t("check.model"), key=widgets.CHECK_MODEL, help=t("check.model_help"))
        st.form_submit_button(
            t("check.start"), type=_kind(), icon=":material/network_check:", on_click=start
        )


def _show_services(may_change: bool) -> None:
    """Draw the menu of known services, and a note on the service that was chosen from it."""
    offered = [
        service.name for service in services() if may_change or not service.is_on_this_machine
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.menu_button(
            t("check.services"),
            offered,
            key=widgets.CHECK_SERVICE,
            icon=":material/dns:",
            on_click=_fill_in,
        )
        chosen = [service for service in services() if service.name == page_state().check_filled_in]
        for service in chosen:
            show_service(service)


def _fill_in() -> None:
    """Fill in the address of the chosen service."""
    for service in services():
        if service.name == widgets.value(widgets.CHECK_SERVICE):
            page_state().check_filled_in = service.name
            address = "" if service.base_url == OPENAI_BASE_URL else service.base_url
            widgets.put(widgets.CHECK_BASE_URL, address)


def _show_start() -> None:
    endpoint = model_choice.chosen()[0]
    if endpoint and len(ui_services.endpoints()) > 1:
        st.caption(plain(t("check.which", name=endpoint.display_name)))
    st.button(
        t("check.start"),
        key="check_start",
        type=_kind(),
        icon=":material/network_check:",
        on_click=start,
    )


def _kind() -> Literal["primary", "secondary"]:
    """Return how "Check now" looks: after a check, using its result is the main action."""
    state = page_state()
    return "secondary" if state.running_check or state.check_applied else "primary"
