"""Access checks: may this visitor use the app, and may they see the owner's pages?

Every run of the page and every click checks again. The server decides, and trusts only what a
browser cannot forge: the identity that a sign-in provider confirmed, or a proof that the visitor
gave the password. `pages/sign_in.py` draws the sign-in page.
"""

from enum import Enum

import streamlit as st

from chatbot.access.person import Person, is_among, person_in
from chatbot.access.throttle import LoginThrottle
from chatbot.errors import ChatbotError
from chatbot.ui import services
from chatbot.ui.client import local_admin
from chatbot.ui.client.address import source
from chatbot.ui.session import query_params
from chatbot.ui.session.state import page_state

VISITOR, ADMIN = "visitor", "admin"

_guesses = {
    purpose: LoginThrottle(purpose, services.store, lambda: services.fallback().store)
    for purpose in (VISITOR, ADMIN)
}


class Obstacle(Enum):
    """Reason why a visitor may not use the app."""

    PASSWORD = "password required"
    SIGN_IN = "sign-in required"
    NOT_ALLOWED = "address not allowed"


def obstacle() -> Obstacle | None:
    """Return the reason why this visitor may not use the app, or None if they may."""
    settings = services.settings()
    if settings.password and not _has_given(VISITOR):
        return Obstacle.PASSWORD
    if settings.sign_in:
        visitor = person()
        if visitor is None:
            return Obstacle.SIGN_IN
        if settings.allowed_emails and not is_among(visitor.email, settings.allowed_emails):
            return Obstacle.NOT_ALLOWED
    return None


def is_admin() -> bool:
    """Tell if this visitor may see pages meant for the owner, such as the costs.

    An admin sits at the server's machine (see local_admin.py), has signed in with an email
    address listed in CHATBOT_ADMINS, or has given CHATBOT_ADMIN_PASSWORD.
    """
    if local_admin.is_at_the_machine():
        return True
    visitor = person()
    if visitor and is_among(visitor.email, services.settings().admins):
        return True
    return _has_given(ADMIN)


def person() -> Person | None:
    """Return the signed-in person; None if nobody has signed in or sign-in is turned off."""
    if not services.settings().sign_in:
        return None
    state = page_state()
    if state.person is None:  # Streamlit starts a new session when the signed-in person changes
        state.person = person_in(st.user.to_dict())
    return state.person


def sign_out() -> None:
    """Sign the person out of this session and browser, and of the provider if it supports that."""
    state = page_state()
    state.person, state.was_in = None, False
    query_params.leave()  # so that the next person does not arrive at this conversation
    st.logout()


def give_password(purpose: str, typed: str) -> None:
    """Check the typed password, and keep the proof if it is right.

    Raises ChatbotError("password_wrong"), or ("password_wait") after too many attempts.
    """
    password = services.settings().password_for(purpose)
    if password is None:
        return
    _guesses[purpose].check(password, typed, source())
    proofs()[purpose] = password.proof(purpose, page_state().visitor_token)


def proofs() -> dict[str, str]:
    """Return the password proofs that the browser stores, so that it is not asked again."""
    return page_state().proofs


def take_proofs(stored: object) -> None:
    """Accept the proofs that the browser has stored. Each access check verifies them."""
    if isinstance(stored, dict):
        valid = {
            name: stored[name] for name in (VISITOR, ADMIN) if isinstance(stored.get(name), str)
        }
        page_state().proofs = {**valid, **proofs()}


def _has_given(purpose: str) -> bool:
    password = services.settings().password_for(purpose)
    token = page_state().visitor_token
    if password is None or not token:
        return False
    return password.is_proof(proofs().get(purpose), purpose, token)


def require() -> None:
    """Raise ChatbotError("access_ended") if this visitor may not, or no longer, use the app."""
    if obstacle():
        raise ChatbotError("access_ended")
