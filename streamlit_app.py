"""Chatbot: a chat page for any OpenAI-compatible model, with one built in.

Read top to bottom, this is the screen: sidebar, conversation, composer. What
the buttons do is in `chatbot/ui/actions.py`; answers live in
`chatbot/answers.py`, and the page only follows them.
"""

import streamlit as st

from chatbot.ui import (
    browser,
    composer,
    controls,
    data,
    gone,
    keeping,
    language,
    live,
    look,
    messages,
    places,
    resources,
    sharing,
    sidebar,
)
from chatbot.ui.errors import errors_shown

MOUNTED_MESSAGES = 30  # the newest: every mounted message is sent again on every run

look.set_up_page()
language.settle(None)

with errors_shown():
    settings = resources.settings()
    language.settle(settings.language)
    browser.meet_visitor()
    owner = browser.owner()

    if share_id := st.query_params.get("share"):
        with st.sidebar:
            sidebar.show_footer(settings)
        browser.tend_page(f"share-{share_id}", None)
        with look.fresh_place(f"share-{share_id}"):
            sharing.show_shared_copy(share_id)
        st.stop()

    conversation_id = st.query_params.get("c")
    place = places.here()
    keeping.note_what_happened()
    conversation = place.store.conversations.get(owner, conversation_id or "")
    if conversation_id and not conversation:
        gone.show_gone_or_not_found(conversation_id)
        st.stop()
    mounted = st.session_state.get("mounted_messages", MOUNTED_MESSAGES)
    branch, running = place.answers.branch(owner, conversation, limit=mounted + 1)

    with st.sidebar:
        sidebar.show_conversation_buttons(conversation, branch)
        sidebar.show_conversations(owner, conversation)
        controls.show_controls(conversation)
        sidebar.show_data_button()
        sidebar.show_footer(settings)

    if st.query_params.get("view") == "data":
        browser.tend_page("data", None)
        with look.fresh_place("data"):
            data.show_data(owner, place, conversation)
        st.stop()

    browser.tend_page(conversation_id, messages.last_question_id(branch))
    gone.remember(conversation, branch[-mounted:], running)
    versions = place.store.messages.versions(owner, branch)
    with look.fresh_place(conversation_id):
        messages.show_head(settings, conversation, branch, mounted, MOUNTED_MESSAGES)
        finished = branch[-mounted:-1] if running else branch[-mounted:]
        for message in finished:
            messages.show_message(message, message is branch[-1], versions.get(message.id, []))
        live_place = st.container()
        keeping.show_keeping(place, conversation, branch)
        look.clear_the_rest(len(finished))

    above_composer = composer.show_above(running)
    composer.show_composer()
    composer.show_who_answers(settings)

    if running:
        with live_place:
            live.follow_to_the_end(running, versions.get(branch[-1].id, []))
        above_composer.empty()
