"""Chatbot: a chat page for any OpenAI-compatible model, with one built in.

Read top to bottom, this is the screen: conversation, composer, sidebar. What
the buttons do is in `chatbot/ui/actions.py`; answers live in
`chatbot/answers.py`, and the page only follows them.
"""

import streamlit as st

from chatbot.ui import (
    actions,
    address,
    browser,
    check,
    composer,
    controls,
    conversations,
    data,
    entrance,
    gone,
    keeping,
    language,
    live,
    look,
    messages,
    models,
    places,
    resources,
    search,
    sharing,
    sidebar,
    usage,
    views,
)
from chatbot.ui.errors import errors_shown

EARLIER_MESSAGES = 30  # and as many more at a click

look.set_up_page()
address.settle()
language.settle(None)

with errors_shown():
    settings = resources.settings()
    language.settle(settings.language)
    browser.meet_visitor()

    if share_id := address.get("share"):
        with st.sidebar:
            sidebar.show_footer(settings)
        browser.tend_page(f"share-{share_id}", None)
        with look.fresh_place(f"share-{share_id}"):
            sharing.show_shared_copy(share_id)
        st.stop()

    entrance.let_in()
    owner = browser.owner()
    conversation_id = address.get("c")
    place = places.here()
    keeping.note_what_happened()
    conversation = place.store.conversations.get(owner, conversation_id or "")
    lost_id = None if conversation else conversation_id
    if lost_id and not browser.visitor_is_known() and not gone.is_remembered(lost_id):
        st.stop()
    look.name_tab(conversation.title if conversation else "")
    mounted = st.session_state.get("mounted_messages", actions.MOUNTED_MESSAGES)
    left_out = st.session_state.get("left_out_messages", 0)  # newer ones than those on the page
    branch, running = place.answers.branch(owner, conversation, limit=mounted + left_out + 1)

    view = views.current()
    live_answer = None

    if not lost_id and not view:  # before the sidebar: the browser draws one after the other
        browser.tend_page(conversation_id, messages.last_question_id(branch))
        gone.remember(conversation, branch[-mounted:], running)
        shown = branch[: len(branch) - left_out]
        versions = place.store.messages.versions(owner, shown[-mounted:])
        with look.fresh_place(f"{conversation_id} {left_out}"):
            messages.show_head(settings, conversation, shown, mounted, EARLIER_MESSAGES)
            finished = shown[-mounted:-1] if running and not left_out else shown[-mounted:]
            unseen_id = messages.last_unseen_id(branch)
            too_long = messages.pins_without_room(branch)
            for message in finished:
                beside = versions.get(message.id, [])
                is_last, is_unseen = message is branch[-1], message.id == unseen_id
                has_room = message.id not in too_long
                messages.show_message(message, is_last, beside, is_unseen, has_room)
            messages.show_later(mounted, left_out, EARLIER_MESSAGES)
            live_place = st.container()
            keeping.show_keeping(owner, place, conversation, branch)
            look.clear_the_rest(len(finished))

        above_composer = composer.show_above(running)
        composer.show_composer()
        if running and not left_out:
            with live_place:
                live_answer = live.LiveAnswer(running)

    with st.sidebar:
        sidebar.show_conversation_buttons(conversation, branch)
        if query := search.show_search_field():
            search.show_results(owner, query)
        else:
            conversations.show_conversations(owner, conversation)
        with look.fresh_place(models.widget_key("controls"), "controls"):
            refused = controls.refused()
            controls.show_controls(conversation)
        sidebar.show_view_buttons()
        entrance.show_person()
        sidebar.show_footer(settings)

    if lost_id:
        gone.show_gone_or_not_found(lost_id)
        st.stop()

    if view:
        browser.tend_page(view, None)
        with look.fresh_place(view):
            if view == "data":
                data.show_data(owner, place, conversation)
            elif view == "check":
                check.show_check()
            elif entrance.let_admin_in():
                usage.show_usage()
        st.stop()

    line = st.bottom.container(key="line").empty()
    composer.show_line(owner, branch, line)

    if running:
        if live_answer:
            ended = live_answer.follow(versions.get(branch[-1].id, []), branch[:-1])
            composer.show_line(owner, [*branch[:-1], ended], line)
        else:
            live.wait_for_the_end(running)
        above_composer.empty()
        controls.show_what_was_refused(refused)
