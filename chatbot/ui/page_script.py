"""The page's script in the browser, and two small elements that work without the server."""

import streamlit as st

from chatbot.i18n import streamlits_words
from chatbot.ui import access
from chatbot.ui.frontend import look
from chatbot.ui.frontend.components import component
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.language import language, t
from chatbot.ui.session.state import page_state


def tend_page(
    conversation_id: str | None, last_question_id: str | None, answering: str | None = None
) -> None:
    """Load the page's script, and tell it which conversation is open.

    `answering` is the lease of an answer in progress, as an answer that is continued keeps its id.

    The script does the following in the browser:
    - It keeps the end of the conversation in view until the visitor scrolls up, or keeps a message
      in view that the visitor searched for. While the end is far below, a button leads there.
    - When another conversation opens, it closes the sidebar on a phone and focuses the composer.
    - It keeps unsent text.
    - It says when the server is out of reach, and reruns the page when the server is back.
    - It sets the page's language for the browser, and translates Streamlit's own words.
    - It opens the sidebar at the control that a button points to, and the editor of a question.
    - It has screen readers say that an answer begins and ends, and what Clear and Undo did.
    - It lets a phone put the app on its home screen.
    - It moves the focus when the focused element goes away, and lets Escape cancel and stop.
    - It shows the target's host behind links in messages, and draws the list of conversations.
    """
    person = access.person()
    state = page_state()
    wanted_control, state.wanted_control = state.wanted_control, None
    announcement = state.restored or state.taken_away
    if state.taken_from_list:
        announcement = (state.taken_from_list, "conversation.deleted")
    with st.container(key="page"):
        # The data of each run go through components of their own ("place", "list_data"), so the
        # scripts, 50 kB, are sent only once.
        component("page")(
            key="page_component",
            data={
                "language": language(),
                "icon": look.icon_address(),
                "lost": t("connection.lost"),
                "newest": t("messages.newest"),
                "newModel": t("controls.new_model", name="{name}"),
                "words": {
                    "answering": t("answer.answering"),
                    "complete": t("answer.complete"),
                    "stopped": t("answer.stopped_early"),
                },
                "streamlitsWords": streamlits_words(language()),
                # For search engines that run scripts. The server in deploy/ also sends a header.
                "unlisted": query_params.get("share") is not None,
            },
            on_back_change=lambda: None,
        )
        component("links")(key="links_component")
        component("list")(key="list_script")
        component("place")(
            key="place_component",
            data={
                "conversation": conversation_id,
                "question": last_question_id,
                "target": state.target,
                "editing": state.editing,
                "edited": state.edited,  # so that the browser discards the edited text
                "control": wanted_control,
                # An unsent question stays in the composer, even if another conversation opens.
                "unsent": state.draft is not None,
                **({"stepped": state.stepped} if state.stepped else {}),
                **({"answering": widgets.short(answering)} if answering else {}),
                **({"announcement": _announced(*announcement)} if announcement else {}),
                **({"who": widgets.short(person.owner)} if person else {}),
            },
        )


def _announced(conversation_id: str, sentence: str) -> list[str]:
    """Return the id and the sentence; with the id, the browser notices the next announcement."""
    return [widgets.short(conversation_id), t(sentence)]


def show_countdown(seconds: float, key: str) -> None:
    """Draw a countdown that runs in the browser alone; at its end the page runs again."""
    component("countdown")(
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
    """Draw a button that copies `text` in the browser, without a request to the server."""
    component("copy")(
        key=key,
        data={"text": text, "label": t("answer.copy"), "done": t("answer.copied")},
        width="content",
    )
