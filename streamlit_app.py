"""Chatbot: a chat page for any OpenAI-compatible model, with one built in.

This script reads like the screen, from top to bottom: conversation, composer, sidebar.
`chatbot/ui/chat/actions.py` holds the callbacks of the buttons. `chatbot/answers/answers.py` runs
the answers, and the page only displays them.
"""

import streamlit as st

from chatbot.ui import model_choice, navigation, page_script, services, visitor
from chatbot.ui.chat import actions, composer, live, messages, unsaved
from chatbot.ui.chat.history import Status, load_history
from chatbot.ui.client.messages import guard_messages
from chatbot.ui.client.widget_values import guard_values
from chatbot.ui.errors import errors_shown
from chatbot.ui.frontend import look
from chatbot.ui.pages import connection, data, shared, sign_in, usage
from chatbot.ui.session import language, query_params, widgets
from chatbot.ui.session.language import t
from chatbot.ui.sidebar import controls, conversations, search, sidebar

# Views that replace the conversation, by their name in the address, as in `?view=data`.
# (A comment, because Streamlit's "magic" would draw a string on the page.)
VIEWS = {
    "data": data.show_data,
    "share": data.show_sharing,
    "check": connection.show_check,
    "usage": usage.show_usage,
}

guard_messages()
guard_values()
look.set_up_page()
navigation.settle_address()
language.settle(None)

with errors_shown():
    settings = services.settings()
    language.settle(settings.language)
    visitor.meet_visitor()
    history = None

    if share_id := query_params.get("share"):
        page_script.tend_page(f"share-{share_id}", None)
        with look.fresh_place(f"share-{share_id}"):
            shared.show_shared_copy(share_id)
            sidebar.show_footer(settings)
    elif sign_in.let_in():
        unsaved.note_store_notices()
        history = load_history()

    if history:
        view = query_params.get("view") or ""
        show_view = VIEWS.get(view) if history.status is Status.OPEN else None
        is_chat = not show_view and history.status is not Status.NOT_FOUND
        live_answer = None
        look.name_tab(history.title)

        if is_chat:  # before the sidebar, because the browser draws elements in this order
            page_script.tend_page(
                history.conversation_id,
                history.last_question_id,
                history.running.message.lease if history.running else None,
            )
            unsaved.remember(history)
            messages.show_phone_head(history)
            with look.fresh_place(f"{history.conversation_id} {history.left_out}"):
                messages.show_head(settings, history)
                for message in history.finished:
                    with st.chat_message(message.role):
                        messages.show_message(message, history)
                messages.show_later(history)
                live_place = st.container()
                unsaved.show_keeping(history)
                look.clear_the_rest(len(history.finished))

            above_composer = composer.show_above()
            with st.bottom.container(gap=None, key="composer"):
                with composer.draft_put_back():
                    st.chat_input(
                        t("composer.placeholder"), key=widgets.QUESTION, on_submit=actions.ask
                    )
                stop_place = composer.show_stop(history.running)
            line = st.bottom.container(key="line").empty()  # now, so that the composer stays
            if history.live:
                with live_place, look.fresh_place(history.live.message.id, "live"):
                    live_answer = live.LiveAnswer(history.live, st.chat_message("assistant"))

        with st.sidebar:
            sidebar.show_conversation_buttons(history)
            if query := search.show_search_field():
                search.show_results(history.owner, query)
            else:
                conversations.show_conversations(history.owner, history.conversation)
            with look.fresh_place(widgets.control("controls") if is_chat else view, "controls"):
                refused = model_choice.refused()
                if is_chat:
                    controls.show_controls()
            sidebar.show_view_buttons()
            sign_in.show_person()
            sidebar.show_footer(settings)

        if is_chat:
            composer.show_line(history, line)
            if history.running:
                if live_answer:
                    ended = live_answer.follow(history)
                    composer.show_line(ended, line)
                else:
                    live.wait_for_the_end(history.running)
                stop_place.empty()
                above_composer.empty()
                controls.rerun_after_refusal(refused)
            unsaved.show_gone(history)
        elif show_view:
            page_script.tend_page(view, None)
            with look.fresh_place(view):
                show_view()
        else:
            page_script.tend_page(history.conversation_id, None)
            messages.show_not_found()
