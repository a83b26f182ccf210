"""The toolbar of small controls under a question or an answer.

Each run sends every element on the page again, so a toolbar has few and small elements.
"""

import difflib
import time
from functools import lru_cache

import streamlit as st

from chatbot.i18n.dates import moment, zone
from chatbot.llm.endpoint import choice
from chatbot.markdown.escape import plain
from chatbot.markdown.pictures.images import without_images
from chatbot.store import Message
from chatbot.ui import model_choice, services
from chatbot.ui.chat import actions, context_meter
from chatbot.ui.page_script import show_copy_button
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state
from chatbot.ui.session.widgets import short

MENU_MODELS = 8
"""Most models in an answer's menu; the models with the most similar names are offered."""


def show_question_toolbar(question: Message, versions: list[str]) -> None:
    """Draw a question's Edit button, and the buttons for its other versions."""
    if not versions:  # without a container, which takes 180 bytes a question in each run
        _show_edit(question)
        return
    with st.container(
        horizontal=True, key=f"actions-{short(question.id)}", vertical_alignment="center"
    ):
        _show_edit(question)
        _show_versions(question, versions)


def show_editor(question: Message) -> None:
    """Draw the editor of a question."""
    with st.form(key=f"editor-{short(question.id)}", border=False):
        st.text_area(
            t("question.edit"),
            question.content,
            height="content",
            key=widgets.edited_question(question.id),
            label_visibility="collapsed",
        )
        with st.container(horizontal=True):
            st.form_submit_button(
                t("question.send"),
                key=f"send-{short(question.id)}",
                icon=":material/arrow_upward:",
                type="primary",
                on_click=actions.send_edited,
                args=(question,),
            )
            st.form_submit_button(
                t("cancel"), key=f"cancel-{short(question.id)}", on_click=actions.edit, args=(None,)
            )
            with st.container(key="editor-keys"):  # only beside a keyboard; see look.css
                st.caption(t("question.keys"))


def show_answer_toolbar(
    answer: Message, versions: list[str], is_last: bool, has_room: bool = True
) -> None:
    """Draw an answer's buttons. Its time, model and cost are in its menu."""
    if page_state().deleting == answer.id:
        _show_confirmation(answer)
        return
    with st.container(
        horizontal=True, key=f"actions-{short(answer.id)}", vertical_alignment="center"
    ):
        if answer.content:
            show_copy_button(without_images(answer.content), key=f"copy-{short(answer.id)}")
            st.feedback(
                key=widgets.rating(answer.id),
                default=answer.rating,
                on_change=actions.rate,
                args=(answer.id,),
            )
        if is_last and answer.content:
            st.button(
                t("answer.regenerate"),
                key=f"again-{short(answer.id)}",
                icon=":material/refresh:",
                type="tertiary",
                on_click=actions.ask_again,
                args=(answer,),
            )
        else:
            st.empty()  # an earlier run may have drawn the last answer's button here
        _show_menu(answer, is_last)
        _show_versions(answer, versions)
        if answer.is_pinned:
            st.caption(_pinned(has_room), width="content")


def _pinned(has_room: bool) -> str:
    if has_room:
        return f":material/keep: {t('answer.pinned')}"
    return f":material/keep_off: {t('answer.pinned_in_vain')}"


def _show_edit(question: Message) -> None:
    _show_icon("question.edit", "edit", f"edit-{short(question.id)}", actions.edit, question.id)


def _show_menu(answer: Message, is_last: bool) -> None:
    others = _other_models(answer) if is_last else ()
    named = {
        actions.PIN: t("answer.pin"),
        actions.UNPIN: t("answer.unpin"),
        actions.DELETE: f":red[{t('answer.delete')}]",
        actions.DETAILS: _details(answer),
    }
    chosen = model_choice.picked_widget_key()
    of_turn = [actions.UNPIN if answer.is_pinned else actions.PIN, actions.DELETE]
    st.menu_button(
        t("answer.more"),
        # An imported answer may have no question.
        [*others, *(of_turn if answer.parent_id else []), actions.DETAILS],
        key=widgets.menu(answer.id),
        icon=":material/more_horiz:",
        type="tertiary",
        format_func=lambda choice: (
            named.get(choice) or _regenerate_with(choice, is_chosen=choice == chosen)
        ),
        on_click=actions.choose,
        args=(answer,),
    )


def _regenerate_with(choice: str, is_chosen: bool) -> str:
    """Return the entry for a model; the model chosen for the next question has a tick."""
    entry = t("answer.regenerate_with", model=plain(model_choice.label(choice)))
    return f"{entry} :material/check:" if is_chosen else entry


def _details(answer: Message) -> str:
    """Return an answer's time, model and cost, which the menu shows at its end."""
    parts = (
        moment(answer.created_at, time.time(), zone(st.context.timezone)),
        answer.model or "",
        model_choice.provider_of(answer.host, answer.model),
        context_meter.taken(answer),
    )
    return f":gray[{plain(' · '.join(filter(None, parts)))}]"


def _show_confirmation(answer: Message) -> None:
    st.caption(t("answer.delete_sure"))
    with st.container(horizontal=True, key=f"sure-{short(answer.id)}"):
        st.button(
            t("answer.delete_now"),
            key=f"delete-{short(answer.id)}",
            icon=":material/delete:",
            on_click=actions.delete,
            args=(answer,),
        )
        st.button(
            t("cancel"), key=f"keep-{short(answer.id)}", type="tertiary", on_click=actions.keep_turn
        )


def _show_versions(message: Message, versions: list[str]) -> None:
    """Draw the version switch, as in ‹ 2/3 ›, for a message with several versions."""
    if message.id not in versions:
        return
    place = versions.index(message.id)
    before, after = versions[:place][-1:], versions[place + 1 :][:1]
    _show_icon(
        "version.previous",
        "chevron_left",
        f"previous-{short(message.id)}",
        actions.show_version,
        *before,
    )
    st.caption(f"{place + 1}/{len(versions)}", width="content")
    _show_icon(
        "version.next", "chevron_right", f"next-{short(message.id)}", actions.show_version, *after
    )


def _show_icon(name: str, icon: str, key: str, action: object, *args: str) -> None:
    """Draw a button that shows only an icon; screen readers read its name."""
    st.button(
        t(name),
        key=f"icon-{key}",
        icon=f":material/{icon}:",
        type="tertiary",
        on_click=action,  # type: ignore[arg-type]
        args=args,
        disabled=not args,
    )


def _other_models(answer: Message) -> tuple[str, ...]:
    used = {
        choice(endpoint, answer.model or "")
        for endpoint in services.endpoints()
        if endpoint.host == answer.host
    }
    others = tuple(choice for choice in model_choice.choices() if choice not in used)
    return _most_alike(answer.model or "", others) if services.endpoints() else ()


@lru_cache
def _most_alike(model: str, others: tuple[str, ...]) -> tuple[str, ...]:
    if len(others) <= MENU_MODELS:
        return others
    return tuple(difflib.get_close_matches(model, others, MENU_MODELS, cutoff=0))
