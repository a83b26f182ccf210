"""The row of small controls under a question or an answer.

All that is mounted is sent again on every run, so a row is few and small elements.
"""

import difflib
import time
from functools import lru_cache

import streamlit as st

from chatbot.endpoints import choice
from chatbot.images import without_images
from chatbot.periods import moment, zone
from chatbot.store import Message, State
from chatbot.ui import meter, models, resources, turns
from chatbot.ui.browser import show_copy_button
from chatbot.ui.language import t
from chatbot.ui.look import plain, short

MENU_MODELS = 8
"""How many other models an answer's menu offers at most: those whose names are most alike."""


def show_question_row(question: Message, versions: list[str]) -> None:
    """Edit, and the other versions of a question."""
    if not versions:  # then the row itself, 180 bytes for each question on each run, is not sent
        _show_edit(question)
        return
    with st.container(
        horizontal=True, key=f"actions-{short(question.id)}", vertical_alignment="center"
    ):
        _show_edit(question)
        _show_versions(question, versions)


def show_editor(question: Message) -> None:
    """A question as a field, with what was typed into it so far."""
    with st.form(key=f"editor-{short(question.id)}", border=False):
        st.text_area(
            t("question.edit"),
            question.content,
            height="content",
            key=turns.field_key(question),
            label_visibility="collapsed",
        )
        with st.container(horizontal=True):
            st.form_submit_button(
                t("question.send"),
                key=f"send-{short(question.id)}",
                icon=":material/arrow_upward:",
                type="primary",
                on_click=turns.send_edited,
                args=(question,),
            )
            st.form_submit_button(
                t("cancel"), key=f"cancel-{short(question.id)}", on_click=turns.edit, args=(None,)
            )


def show_answer_row(
    answer: Message, versions: list[str], is_last: bool, has_room: bool = True
) -> None:
    """What can be done with an answer, and when and by which model it was given."""
    if st.session_state.get("deleting") == answer.id:
        _show_confirmation(answer)
        return
    with st.container(
        horizontal=True, key=f"actions-{short(answer.id)}", vertical_alignment="center"
    ):
        if answer.content:
            show_copy_button(without_images(answer.content), key=f"copy-{short(answer.id)}")
            rating_key = f"rating-{short(answer.id)}"
            st.feedback(
                key=rating_key,
                default=answer.rating,
                on_change=turns.rate,
                args=(answer.id, rating_key),
            )
        _show_versions(answer, versions)
        if is_last and answer.content:
            with st.container(horizontal=True, key="last-actions", width="content"):
                _show_last_actions(answer)
        else:
            st.empty()  # another answer that is followed must find it empty
        _show_menu(answer, is_last)
        st.caption(
            " · ".join(
                filter(
                    None,
                    (
                        _pinned(has_room) if answer.is_pinned else "",
                        moment(answer.created_at, time.time(), zone(st.context.timezone)),
                        plain(answer.model or ""),
                        plain(models.provider_of(answer.host, answer.model)),
                        plain(meter.taken(answer)),
                    ),
                )
            )
        )


def _pinned(has_room: bool) -> str:
    if has_room:
        return f":material/keep: {t('answer.pinned')}"
    return f":material/keep_off: {t('answer.pinned_in_vain')}"


def _show_edit(question: Message) -> None:
    _show_icon("question.edit", "edit", f"edit-{short(question.id)}", turns.edit, question.id)


def _show_last_actions(answer: Message) -> None:
    if answer.state is not State.COMPLETE or answer.finish_reason == "length":
        st.button(
            t("answer.go_on"),
            key=f"go-on-{short(answer.id)}",
            icon=":material/play_arrow:",
            type="tertiary",
            on_click=turns.go_on,
            args=(answer,),
        )
    st.button(
        t("answer.regenerate"),
        key=f"again-{short(answer.id)}",
        icon=":material/refresh:",
        type="tertiary",
        on_click=turns.ask_again,
        args=(answer,),
    )


def _show_menu(answer: Message, is_last: bool) -> None:
    key = f"icon-more-{short(answer.id)}"
    others = _other_models(answer) if is_last else ()
    if not (others or answer.parent_id):
        return  # an imported answer to no question: there is nothing to choose
    named = {
        turns.PIN: t("answer.pin"),
        turns.UNPIN: t("answer.unpin"),
        turns.DELETE: t("answer.delete"),
    }
    of_turn = [turns.UNPIN if answer.is_pinned else turns.PIN, turns.DELETE]
    st.menu_button(
        t("answer.more"),
        [*others, *(of_turn if answer.parent_id else [])],
        key=key,
        icon=":material/more_horiz:",
        type="tertiary",
        format_func=lambda choice: (
            named.get(choice) or t("answer.regenerate_with", model=plain(models.label(choice)))
        ),
        on_click=turns.choose,
        args=(answer, key),
    )


def _show_confirmation(answer: Message) -> None:
    st.caption(t("answer.delete_sure"))
    with st.container(horizontal=True, key=f"sure-{short(answer.id)}"):
        st.button(
            t("answer.delete_now"),
            key=f"delete-{short(answer.id)}",
            icon=":material/delete:",
            on_click=turns.delete,
            args=(answer,),
        )
        st.button(
            t("cancel"), key=f"keep-{short(answer.id)}", type="tertiary", on_click=turns.keep_turn
        )


def _show_versions(message: Message, versions: list[str]) -> None:
    """‹ 2/3 ›, for a message that has others beside it."""
    if message.id not in versions:
        return
    place = versions.index(message.id)
    before, after = versions[:place][-1:], versions[place + 1 :][:1]
    _show_icon(
        "version.previous",
        "chevron_left",
        f"previous-{short(message.id)}",
        turns.show_version,
        *before,
    )
    st.caption(f"{place + 1}/{len(versions)}", width="content")
    _show_icon(
        "version.next", "chevron_right", f"next-{short(message.id)}", turns.show_version, *after
    )


def _show_icon(name: str, icon: str, key: str, action: object, *args: str) -> None:
    """A button of an icon alone; its name is there for who cannot see that."""
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
        for endpoint in resources.endpoints()
        if endpoint.host == answer.host
    }
    others = tuple(one for one in models.choices() if one not in used)
    return _most_alike(answer.model or "", others) if resources.endpoints() else ()


@lru_cache
def _most_alike(model: str, others: tuple[str, ...]) -> tuple[str, ...]:
    if len(others) <= MENU_MODELS:
        return others
    return tuple(difflib.get_close_matches(model, others, MENU_MODELS, cutoff=0))
