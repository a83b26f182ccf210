"""The sign-in page: asks for a password or a sign-in, or says that the visitor has no access."""

from typing import Literal

import streamlit as st

from chatbot.access.password import LONGEST_PASSWORD
from chatbot.access.person import Person
from chatbot.errors import ChatbotError
from chatbot.markdown import escape
from chatbot.settings.sign_in import DEFAULT_PROVIDER
from chatbot.ui import access, navigation, page_script, services, visitor
from chatbot.ui.access import ADMIN, VISITOR, Obstacle
from chatbot.ui.client import uploads
from chatbot.ui.errors import noting_errors, show_error, show_notice
from chatbot.ui.frontend import look
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state


def let_in() -> bool:
    """Tell if the visitor may use the app; if not, draw the sign-in page instead."""
    if query_params.get("view") == "forgotten":
        _show_forgotten()
        return False
    asks_password = services.settings().password is not None
    # The component has the same place in each run, and none if no password is asked for.
    is_known = visitor.keep_proofs() if asks_password else True
    obstacle = access.obstacle()
    if obstacle is None:
        page_state().was_in = True
        uploads.begin_run()
        return True
    uploads.forbid()
    page_script.tend_page(obstacle.name, None)
    with look.fresh_place(obstacle.name):
        if obstacle is not Obstacle.PASSWORD:
            _show_signing_in(obstacle)
        elif is_known and visitor.visitor_is_known():  # else the form would flash for a moment
            _show_password(VISITOR)
    return False


def let_admin_in() -> bool:
    """Tell if the visitor is an admin; if not, draw the admin's sign-in page instead."""
    settings = services.settings()
    is_known = True
    if settings.admin_password and not settings.password:  # with a password, `let_in` did this
        is_known = visitor.keep_proofs()
    if access.is_admin():
        return True
    navigation.show_way_out()
    if settings.admin_password is None:
        _show_head(t("entrance.admin_title"), t("entrance.admins_only"))
    elif is_known and visitor.visitor_is_known():
        _show_password(ADMIN)
    return False


def show_person() -> None:
    """Draw the signed-in person's name and "Sign out" in the sidebar, if sign-in is turned on."""
    person = access.person()
    if person is None:
        return
    with st.container(key="person"):
        st.caption(t("entrance.signed_in", name=_shown(person)))
        _show_sign_out("tertiary")


def _show_forgotten() -> None:
    """Draw the page for a browser that has deleted its data; see `visitor.forget_visitor`."""
    page_script.tend_page("forgotten", None)
    with look.fresh_place("forgotten"):
        person = access.person()
        _show_head(t("data.forgotten_title"), t("data.forgotten"))
        with st.container(key="entrance"):
            if person:
                st.markdown(t("data.still_signed_in", name=_shown(person)))
                _show_sign_out("secondary")
            st.button(
                t("data.begin_anew"),
                key="begin_anew",
                type="primary",
                on_click=navigation.close_view,
            )


def _show_password(purpose: str) -> None:
    is_admin = purpose == ADMIN
    title = t("entrance.admin_title" if is_admin else "entrance.title")
    is_first_of_two = not is_admin and query_params.get("view") == "usage"
    _show_head(title, t("entrance.first_of_two") if is_first_of_two else "")
    with st.container(key="entrance"):
        with st.form("password_form", border=False):
            st.text_input(
                t("entrance.admin_password" if is_admin else "entrance.password"),
                key=widgets.PASSWORD,
                type="password",
                autocomplete="current-password",
                max_chars=LONGEST_PASSWORD,
            )
            st.form_submit_button(
                t("entrance.enter"),
                type="primary",
                width="stretch",
                on_click=_give,
                args=(purpose,),
            )
        _show_notice(not is_admin and _was_in())


def _show_signing_in(obstacle: Obstacle) -> None:
    sign_in, person = services.settings().sign_in, access.person()
    if person and obstacle is Obstacle.NOT_ALLOWED:
        name = _shown(person)
        page_state().notice = None  # it may ask to sign in again, which would not help
        # The sentence does not say which addresses would be let in.
        sentence = "entrance.not_allowed" if person.email else "entrance.not_verified"
        _show_head(t("entrance.refused"), t(sentence, name=name))
        with st.container(key="entrance"):
            _show_sign_out("primary")
        return
    _show_head(t("entrance.title"), t("entrance.sign_in_help"))
    with st.container(key="entrance"):
        for provider in sign_in.providers if sign_in else ():
            name = provider[:1].upper() + provider[1:]
            is_only = provider == DEFAULT_PROVIDER
            st.button(
                t("entrance.sign_in") if is_only else t("entrance.sign_in_with", provider=name),
                key=f"sign-in-{provider}",
                type="primary" if is_only else "secondary",
                width="stretch",
                on_click=_sign_in,
                args=(provider,),
            )
        _show_notice(_was_in())


def _shown(person: Person) -> str:
    # With an invisible character after "@", Markdown does not turn the address into a link.
    return escape.plain(escape.visible(person.name)).replace("@", "@\u2060")


def _show_head(title: str, text: str) -> None:
    with st.container(key="entrance-head", gap=None):
        st.title(title, anchor=False, text_alignment="center")
        if text:
            st.caption(text, text_alignment="center")


def _was_in() -> bool:
    """Tell if the visitor had access before: in this session, or as the address names a chat."""
    return page_state().was_in or query_params.get("c") is not None


def _show_notice(was_in: bool) -> None:
    """Show the last attempt's error, or tell a visitor who had access before to sign in again."""
    with st.container():
        if not show_notice() and was_in:
            show_error(ChatbotError("access_ended"))


def _show_sign_out(kind: Literal["primary", "secondary", "tertiary"]) -> None:
    st.button(
        t("entrance.sign_out"),
        key="sign_out",
        icon=":material/logout:",
        type=kind,
        on_click=noting_errors(access.sign_out),
    )


@noting_errors
def _give(purpose: str) -> None:
    typed = widgets.text(widgets.PASSWORD)
    widgets.put(widgets.PASSWORD, "")
    access.give_password(purpose, typed)


@noting_errors
def _sign_in(provider: str) -> None:
    st.login(None if provider == DEFAULT_PROVIDER else provider)
