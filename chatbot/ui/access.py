"""Who may come in, and who may see what is the owner's alone. Asked anew in each run and click.

Decided on the server, by what cannot be forged: a signed-in person's own provider,
or a proof that the password was given. What is drawn for it is in `entrance.py`.
"""

from enum import Enum

import streamlit as st

from chatbot.errors import ChatbotError
from chatbot.guessing import GuessLimit
from chatbot.signing_in import Person, is_among, person_in
from chatbot.ui import address, resources, whereabouts

VISITOR, ADMIN = "visitor", "admin"

_guesses = {
    purpose: GuessLimit(purpose, resources.store, lambda: resources.spare().store)
    for purpose in (VISITOR, ADMIN)
}


class Obstacle(Enum):
    """What keeps somebody out."""

    PASSWORD = "the password has to be given"
    SIGN_IN = "nobody has signed in"
    NOT_ALLOWED = "this person is not among those who may come in"


def obstacle() -> Obstacle | None:
    """What keeps the person at this page out; None if they may come in."""
    settings = resources.settings()
    if settings.password and not _has_given(VISITOR):
        return Obstacle.PASSWORD
    if settings.sign_in:
        somebody = person()
        if somebody is None:
            return Obstacle.SIGN_IN
        if settings.allowed_emails and not is_among(somebody.email, settings.allowed_emails):
            return Obstacle.NOT_ALLOWED
    return None


def is_admin() -> bool:
    """Whether the person at this page may see what is the owner's alone, such as what it costs.

    They are at this machine (see whereabouts.py), signed in with an address that
    CHATBOT_ADMINS names, or have given CHATBOT_ADMIN_PASSWORD.
    """
    if whereabouts.is_at_the_machine():
        return True
    somebody = person()
    if somebody and is_among(somebody.email, resources.settings().admins):
        return True
    return _has_given(ADMIN)


def person() -> Person | None:
    """Who has signed in; None where nobody has, or nobody has to."""
    if not resources.settings().sign_in:
        return None
    state = st.session_state
    if state.get("person") is None:  # each session is one person's: Streamlit sees to that
        state.person = person_in(st.user.to_dict())
    known: Person | None = state.person
    return known


def sign_out() -> None:
    """Forget who has signed in, here and in their browser; their provider may do so as well."""
    for name in ("person", "was_in"):
        st.session_state.pop(name, None)
    address.leave()  # nobody is to come back to what was open
    st.logout()


def give_password(purpose: str, typed: str) -> None:
    """Try a password. Raises ChatbotError("password_wrong") or ("password_wait")."""
    password = resources.settings().password_for(purpose)
    if password is None:
        return
    _guesses[purpose].check(password, typed)
    proofs = st.session_state.setdefault("proofs", {})
    proofs[purpose] = password.proof(purpose, st.session_state.visitor_token)


def proofs() -> dict[str, str]:
    """What the browser is to keep, so that nobody is asked again."""
    kept: dict[str, str] = st.session_state.get("proofs", {})
    return kept


def take_proofs(told: object) -> None:
    """Learn what the browser has kept; whether it is worth anything is looked at later."""
    if isinstance(told, dict):
        kept = {name: told[name] for name in (VISITOR, ADMIN) if isinstance(told.get(name), str)}
        st.session_state.proofs = {**kept, **proofs()}


def _has_given(purpose: str) -> bool:
    password = resources.settings().password_for(purpose)
    token = st.session_state.get("visitor_token")
    if password is None or token is None:
        return False
    return password.is_proof(proofs().get(purpose), purpose, token)


def require() -> None:
    """Raise ChatbotError("access_ended") if the person at this page may not be here (any more)."""
    if obstacle():
        raise ChatbotError("access_ended")
