"""What only the browser can do: remember who is asking, scroll along, and copy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from chatbot import visitors
from chatbot.ui import access, look, resources
from chatbot.ui.language import language, t

_HERE = Path(__file__).parent


@st.cache_resource(show_spinner=False)
def _component(name: str) -> Callable[..., Any]:
    # One file, or a folder of which all files are one script.
    files = sorted((_HERE / name).glob("*.js")) or [_HERE / f"{name}.js"]
    script = "\n".join(file.read_text("utf-8") for file in files)
    # Not isolated: `look.css` is sent once, styles of their own with each of them.
    return st.components.v2.component(f"chatbot_{name}", js=script, isolate_styles=False)


def meet_visitor() -> None:
    """Learn who has this page open, from a cookie or else from the page's own script.

    Until the script answers, a session has an id of its own. Where there is a cookie, the
    script only hands over what it had kept before there was one.
    """
    state = st.session_state
    # None are known while the connection is lost, so they are looked for until there is an answer.
    cookie = None if visitor_is_known() else visitors.token_in(st.context.cookies)
    if cookie:
        _adopt(state.get("visitor_token", cookie), cookie)
        state.visitor_token = cookie
        state.visitor_is_known = state.visitor_has_cookie = True
    state.setdefault("visitor_token", visitors.new_token())
    visitor()
    data: dict[str, str | None] = {"moved": state.get("moved_token")}
    if not state.get("visitor_has_cookie"):
        # Never another one: new data make the browser answer again, which is a run of the page.
        data = {"suggested": state.setdefault("suggested_token", state.visitor_token)}
    with st.container(key="visitor"):
        _component("visitor")(key="visitor_component", data=data, on_token_change=lambda: None)


def owner() -> str:
    """The owner's id in the store for whoever has this page open, as far as is known now.

    It is the signed-in person's, or else this browser's. Raises ChatbotError("access_ended")
    for somebody who may not be here: everything that is read or done asks for the owner.
    """
    access.require()
    person = access.person()
    return person.owner if person else visitor()


def visitor() -> str:
    """The id of this browser, as far as is known now, whoever has signed in.

    What was begun before the browser had answered becomes the visitor's too.
    """
    state = st.session_state
    told = state.get("visitor_component", {}).get("token")
    if state.get("visitor_has_cookie"):
        if visitors.is_token(told) and told != state.get("moved_token"):
            _adopt(told, state.visitor_token)
            state.moved_token = told
    elif visitors.is_token(told) and not visitor_is_known():
        _adopt(state.visitor_token, told)
        state.visitor_token = told
        state.visitor_is_known = state.visitor_was_told = True
    return visitors.owner_of(state.visitor_token)


def _adopt(from_token: str, to_token: str) -> None:
    if from_token != to_token:
        before, now = visitors.owner_of(from_token), visitors.owner_of(to_token)
        for place in resources.all_places():
            place.store.conversations.adopt(before, now)
            place.answers.adopt(before, now)


def visitor_is_known() -> bool:
    """Whether the browser has answered."""
    return bool(st.session_state.get("visitor_is_known"))


def has_just_told_who_it_is() -> bool:
    """Whether the browser has answered since this was last asked: until then nothing was known."""
    return bool(st.session_state.pop("visitor_was_told", False))


def keep_proofs() -> bool:
    """Have the browser keep what shows that a password was given; whether it has told of it.

    Of no use to anybody but the browser whose token it was made for, so a script may see it.
    """
    state = st.session_state
    ask = state.setdefault("proofs_asked", visitors.new_token())
    with st.container(key="proofs"):
        _component("proofs")(
            key="proofs_component",
            # As text: to look for a data frame in a dictionary, Streamlit loads pandas, 100 MB.
            data={"ask": ask, "keep": json.dumps(access.proofs())},
            on_told_change=lambda: None,
        )
    told = state.get("proofs_component", {}).get("told")
    if isinstance(told, dict) and told.get("ask") == ask and not state.get("proofs_are_known"):
        state.proofs_are_known = True
        access.take_proofs(told.get("kept"))
    return bool(state.get("proofs_are_known"))


def tend_page(conversation_id: str | None, last_question_id: str | None) -> None:
    """What a chat page does by itself.

    It keeps the end of the conversation in view until the reader scrolls up, or
    a message that was searched for; closes the sidebar on a phone and puts the
    cursor into the composer when another conversation is opened; keeps what is
    being typed; says when the server is out of reach, and has it draw the page
    when it is back; names its language; and opens the sidebar at a control that
    a button has led to, or a question that is to be edited. Behind links in
    messages it says where they lead.
    """
    person = access.person()
    stepped = st.session_state.get("stepped")  # when another version of a message was chosen
    with st.container(key="page"):
        # What a run changes is apart from the script, 17 kB, which is then sent only once.
        _component("page")(
            key="page_component",
            data={
                "language": language(),
                "icon": look.icon_address(),
                "lost": t("connection.lost"),
            },
            on_back_change=lambda: None,
        )
        _component("links")(key="links_component")
        _component("place")(
            key="place_component",
            data={
                "conversation": conversation_id,
                "question": last_question_id,
                "target": st.session_state.get("target"),
                "renaming": st.session_state.get("renaming"),
                "editing": st.session_state.get("editing"),
                "edited": st.session_state.get("edited"),  # what was typed is of no use any more
                "control": st.session_state.pop("wanted_control", None),
                # A question that could not be sent stays, even if it goes to another place.
                "unsent": "draft" in st.session_state,
                **({"stepped": stepped} if stepped else {}),
                **({"who": look.short(person.owner)} if person else {}),
            },
        )


def forget_visitor() -> None:
    """Have the browser forget all that it keeps here, and come back as a new one.

    It then is at `?view=forgotten`, in a session of its own.
    """
    with st.container(key="forget"):
        _component("forget")(
            key="forget_component",
            data={"cookie": bool(st.session_state.get("visitor_has_cookie"))},
        )


def show_countdown(seconds: float, key: str) -> None:
    """Seconds that pass in the browser alone; at their end the page is run again."""
    _component("countdown")(
        key=key,
        data={
            "seconds": seconds,
            "waiting": t("answer.again_in", seconds="%"),
            "now": t("answer.again_now"),
        },
        on_over_change=lambda: None,
        width="content",
    )


def show_copy_button(text: str, key: str) -> None:
    """A button that copies `text` without a word to the server."""
    _component("copy")(
        key=key,
        data={"text": text, "label": t("answer.copy"), "done": t("answer.copied")},
        width="content",
    )
