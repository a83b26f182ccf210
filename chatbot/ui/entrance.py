"""What stands before the page where not everybody may come in: a password, signing in, or no."""

from typing import Literal

import streamlit as st

from chatbot.errors import ChatbotError
from chatbot.password import LONGEST_PASSWORD
from chatbot.signing_in import DEFAULT_PROVIDER, Person
from chatbot.ui import access, address, browser, look, resources, views
from chatbot.ui.access import ADMIN, VISITOR, Obstacle
from chatbot.ui.errors import noting_errors, show_error, show_notice
from chatbot.ui.language import t

GIVEN = "password_given"
"""The key of the field; it is emptied as soon as it was read."""


def let_in() -> None:
    """End this run with a page that asks for what is missing, unless nothing is."""
    if address.get("view") == "forgotten":
        _show_forgotten()
        st.stop()
    asks_password = resources.settings().password is not None
    # Its place is the same in each run, but there is none where no password is asked for.
    is_known = browser.keep_proofs() if asks_password else True
    obstacle = access.obstacle()
    if obstacle is None:
        st.session_state.was_in = True
        return
    browser.tend_page(obstacle.name, None)
    with look.fresh_place(obstacle.name):
        if obstacle is not Obstacle.PASSWORD:
            _show_signing_in(obstacle)
        elif is_known and browser.visitor_is_known():  # else it would show for a moment
            _show_password(VISITOR)
    st.stop()


def let_admin_in() -> bool:
    """Whether the person may see what is an admin's; else what is missing stands in its place."""
    settings = resources.settings()
    is_known = True
    if settings.admin_password and not settings.password:  # else they are kept on every page
        is_known = browser.keep_proofs()
    if access.is_admin():
        return True
    st.button(
        t("data.back"),
        key="leave_entrance",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=views.close_view,
    )
    if settings.admin_password is None:
        _show_head(":material/lock:", t("entrance.admin_title"), t("entrance.admins_only"))
    elif is_known and browser.visitor_is_known():
        _show_password(ADMIN)
    return False


def show_person() -> None:
    """In the sidebar: who has signed in, and the way out. Nothing where nobody has to."""
    person = access.person()
    if person is None:
        return
    with st.container(key="person"):
        st.caption(t("entrance.signed_in", name=_shown(person)))
        _show_sign_out("tertiary")


def _show_forgotten() -> None:
    """What a browser comes to that has just forgotten everything; see `browser.forget_visitor`."""
    browser.tend_page("forgotten", None)
    with look.fresh_place("forgotten"):
        person = access.person()
        _show_head(":material/task_alt:", t("data.forgotten_title"), t("data.forgotten"))
        with st.container(key="entrance"):
            if person:
                st.markdown(t("data.still_signed_in", name=_shown(person)))
                _show_sign_out("secondary")
            st.button(
                t("data.begin_anew"), key="begin_anew", type="primary", on_click=views.close_view
            )


def _show_password(purpose: str) -> None:
    is_admin = purpose == ADMIN
    title = t("entrance.admin_title" if is_admin else "entrance.title")
    is_first_of_two = not is_admin and address.get("view") == "usage"
    _show_head(":material/lock:", title, t("entrance.first_of_two") if is_first_of_two else "")
    with st.container(key="entrance"):
        with st.form("password_form", border=False):
            st.text_input(
                t("entrance.admin_password" if is_admin else "entrance.password"),
                key=GIVEN,
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
    sign_in, person = resources.settings().sign_in, access.person()
    if person and obstacle is Obstacle.NOT_ALLOWED:
        name = _shown(person)
        st.session_state.pop("notice", None)  # to come in once more would not help
        # Not whether another address would do.
        sentence = "entrance.not_allowed" if person.email else "entrance.not_verified"
        _show_head(":material/block:", t("entrance.refused"), t(sentence, name=name))
        with st.container(key="entrance"):
            _show_sign_out("primary")
        return
    _show_head(":material/login:", t("entrance.title"), t("entrance.sign_in_help"))
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
    # Parted by what nobody sees, an address does not become a link to write to it.
    return look.plain(look.visible(person.name)).replace("@", "@\u2060")


def _show_head(icon: str, title: str, text: str) -> None:
    with st.container(key="entrance-head"):
        st.title(f"{icon} {title}", anchor=False)
        if text:
            st.markdown(text)


def _was_in() -> bool:
    """Whether this page was open before: it still is, or its address leads to what one wrote."""
    return bool(st.session_state.get("was_in")) or address.get("c") is not None


def _show_notice(was_in: bool) -> None:
    """What the last try came to, or that somebody who was in has to come in once more."""
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
    typed = str(st.session_state[GIVEN])
    st.session_state[GIVEN] = ""
    access.give_password(purpose, typed)


@noting_errors
def _sign_in(provider: str) -> None:
    st.login(None if provider == DEFAULT_PROVIDER else provider)
