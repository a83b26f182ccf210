"""Identity of the visitor, which the browser stores and sends to the server."""

import json

import streamlit as st

from chatbot.access import visitor as access_visitor
from chatbot.ui import access, services
from chatbot.ui.frontend.components import component
from chatbot.ui.session import widgets
from chatbot.ui.session.state import page_state


def meet_visitor() -> None:
    """Find out who the visitor is, from a cookie or else from the page's script.

    Until the script answers, the session uses a token of its own. If there is a cookie, the script
    only hands over the token that it stored before the browser had a cookie.
    """
    state = page_state()
    # While the connection is lost there are no cookies, so look for one until the browser answers.
    cookie = None if visitor_is_known() else access_visitor.token_in(st.context.cookies)
    if cookie:
        _merge_owner(state.visitor_token or cookie, cookie)
        state.visitor_token = cookie
        state.visitor_is_known = state.visitor_has_cookie = True
    state.visitor_token = state.visitor_token or access_visitor.new_token()
    visitor()
    data: dict[str, str | None] = {"moved": state.moved_token}
    if not state.visitor_has_cookie:
        # Never changed, because new data make the browser answer again, which reruns the page.
        state.suggested_token = state.suggested_token or state.visitor_token
        data = {"suggested": state.suggested_token}
    with st.container(key="visitor"):
        component("visitor")(key=widgets.VISITOR_COMPONENT, data=data, on_token_change=lambda: None)


def owner() -> str:
    """Return the id in the store that owns this visitor's conversations, as far as known now.

    The id belongs to the signed-in person, or else to the browser. Raises
    ChatbotError("access_ended") if the visitor may not use the app. All reading and writing of
    conversations needs this id, so all of it is checked.
    """
    access.require()
    person = access.person()
    return person.owner if person else visitor()


def visitor() -> str:
    """Return the browser's id, as far as known now, no matter who has signed in.

    Conversations begun before the browser sent its token are moved to the browser's id.
    """
    state = page_state()
    stored = widgets.component_value(widgets.VISITOR_COMPONENT, "token")
    if state.visitor_has_cookie:
        if access_visitor.is_token(stored) and stored != state.moved_token:
            _merge_owner(stored, state.visitor_token)
            state.moved_token = stored
    elif access_visitor.is_token(stored) and not visitor_is_known():
        _merge_owner(state.visitor_token, stored)
        state.visitor_token = stored
        state.visitor_is_known = state.visitor_was_told = True
    return access_visitor.owner_of(state.visitor_token)


def _merge_owner(from_token: str, to_token: str) -> None:
    if from_token != to_token:
        before, now = access_visitor.owner_of(from_token), access_visitor.owner_of(to_token)
        for place in services.all_places():
            place.store.conversations.merge_owner(before, now)
            place.answers.merge_owner(before, now)


def visitor_is_known() -> bool:
    """Tell if the browser has sent its token."""
    return page_state().visitor_is_known


def has_just_become_known() -> bool:
    """Tell, once, that the browser has sent its token since the last call.

    Before the token came, none of the visitor's conversations were known.
    """
    state = page_state()
    was_told, state.visitor_was_told = state.visitor_was_told, False
    return was_told


def keep_proofs() -> bool:
    """Store the password proofs in the browser; returns whether the stored proofs have arrived.

    A proof is valid only together with the token of this browser, so a script may read it.
    """
    state = page_state()
    ask = state.proofs_asked = state.proofs_asked or access_visitor.new_token()
    with st.container(key="proofs"):
        component("proofs")(
            key=widgets.PROOFS_COMPONENT,
            # JSON text, because for a nested dictionary Streamlit loads pandas, which takes 100 MB.
            data={"ask": ask, "keep": json.dumps(access.proofs())},
            on_told_change=lambda: None,
        )
    answer = widgets.component_value(widgets.PROOFS_COMPONENT, "told")
    if isinstance(answer, dict) and answer.get("ask") == ask and not state.proofs_are_known:
        state.proofs_are_known = True
        access.take_proofs(answer.get("kept"))
    return state.proofs_are_known


def forget_visitor() -> None:
    """Make the browser delete everything it stores for this app.

    The browser then opens `?view=forgotten` in a new session, as a new visitor.
    """
    with st.container(key="forget"):
        component("forget")(
            key="forget_component",
            data={"cookie": page_state().visitor_has_cookie},
        )
