"""The view "Your data": export, import, shared links and deleting everything."""

import contextlib
import functools
import tempfile
import threading
import weakref
from collections.abc import Callable
from typing import IO

import streamlit as st

from chatbot import exchange
from chatbot.answers.place import Kind, Place
from chatbot.background import Job
from chatbot.errors import ChatbotError
from chatbot.markdown.escape import plain
from chatbot.store import Conversation
from chatbot.ui import access, current_store, navigation, services, visitor
from chatbot.ui.client import uploads
from chatbot.ui.downloads import show_downloads
from chatbot.ui.errors import noting_errors, show_error, show_notice
from chatbot.ui.pages import shared, storage
from chatbot.ui.pages.jobs import follow
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.language import language, t
from chatbot.ui.session.state import page_state

MAX_UPLOAD_MEGABYTES = 200
"""Shown limit, at most server.maxUploadSize in .streamlit/config.toml, the enforced limit."""

SHOWN_KINDS = 12


def show_data() -> None:
    """Draw the view of the visitor's data, in place of the conversation.

    The open conversation may be in another place than the visitor's other conversations.
    """
    owner, place = visitor.owner(), current_store.open_place()
    conversation = place.store.conversations.get(owner, query_params.get("c") or "")
    with st.container():  # containers, so that the first heading always keeps its place
        navigation.show_head(t("data.title"))
    with st.container():
        show_notice()
    if access.person() is None:
        with st.container(key="installed"):  # only in a page on the home screen; see look.css
            st.info(t("data.installed"), icon=":material/install_mobile:")
    with st.container(key="room"):
        storage.show_room(owner)
    with st.container():
        if conversation:
            _heading(t("data.conversation"))
            _show_conversation(owner, place, conversation)
    _heading(t("share.links"))
    shared.show_links(owner)
    _heading(t("data.all"), t("data.all_help"))
    _show_export(owner)
    _heading(
        t("import.title"), t("import.help", apps=t("import.apps"), megabytes=MAX_UPLOAD_MEGABYTES)
    )
    _show_import(owner)
    _heading(t("data.delete_all"), t("data.delete_all_help"))
    _show_delete()


def _heading(title: str, text: str = "") -> None:
    st.header(title, anchor=False)
    if text:
        st.caption(text)


def _show_conversation(
    owner: str, place: Place, conversation: Conversation, is_to_share: bool = False
) -> None:
    st.text(conversation.title)
    if place.kind is Kind.KEPT:
        shared.show_share_button(conversation, is_to_share)
    show_downloads(owner, place, conversation)


def show_sharing() -> None:
    """Draw the view in which the open conversation is shared or downloaded."""
    owner, place = visitor.owner(), current_store.open_place()
    conversation = place.store.conversations.get(owner, query_params.get("c") or "")
    with st.container():
        navigation.show_head(t("share.title"), t("share.help"))
    with st.container():
        show_notice()
    if conversation:
        _show_conversation(owner, place, conversation, is_to_share=True)


# Export of all conversations


def _show_export(owner: str) -> None:
    job = page_state().export_job
    st.button(
        t("data.prepare"),
        key="prepare",
        icon=":material/folder_zip:",
        on_click=_start_export,
        disabled=not any(place.store.conversations.page(owner, 1) for place in _to_export()),
    )
    with st.container():
        if job:
            try:
                _show_zips(follow(job, t("data.preparing")))
            except ChatbotError as error:
                show_error(error)


def _show_zips(files: list[IO[bytes]]) -> None:
    for part, file in enumerate(files, 1):
        megabytes = f"{max(file.seek(0, 2) / 2**20, 0.1):.1f}"
        label, name = t("data.download", megabytes=megabytes), t("data.file")
        if len(files) > 1:
            name += f" {part}"
            label = t("data.download_part", part=part, parts=len(files), megabytes=megabytes)
        st.download_button(
            label,
            functools.partial(_whole, file),
            f"{name}.zip",
            "application/zip",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )


_reading = threading.Lock()


def _whole(file: IO[bytes]) -> bytes:
    with _reading:  # simultaneous downloads share the file and its read position
        file.seek(0)
        return file.read()


def _to_export() -> list[Place]:
    """Return the places to export, newest first: the in-memory fallback is newer than the database.

    Temporary conversations are not exported.
    """
    places = [place for place in services.all_places() if place.kind is not Kind.TEMPORARY]
    return places[::-1]


@noting_errors
def _start_export() -> None:
    owner, timezone = visitor.owner(), st.context.timezone
    stores = [place.store for place in _to_export()]
    speaking = language()
    files = contextlib.ExitStack()

    def new_file() -> IO[bytes]:
        return files.enter_context(tempfile.TemporaryFile())  # on disk, as it may be large

    def write(report: Callable[[float], None]) -> list[IO[bytes]]:
        return exchange.write_zips(stores, owner, new_file, speaking, timezone, report)

    job = Job(write)
    weakref.finalize(job, files.close)  # the files go with the session, or with the next export
    page_state().export_job = job


# Import


def _show_import(owner: str) -> None:
    state = page_state()
    job, uploader = state.import_job, widgets.upload(state.upload_number)
    uploads.note_field()
    st.file_uploader(
        t("import.label"),
        type=["zip", "json"],
        key=uploader,
        max_upload_size=MAX_UPLOAD_MEGABYTES,
        label_visibility="collapsed",
    )
    with st.container():
        if widgets.value(uploader) is not None:
            st.button(
                t("import.button"),
                key="import",
                icon=":material/upload:",
                type="primary",
                on_click=_start_import,
                args=(uploader,),
            )
    with st.container():
        if job:
            try:
                _show_summary(follow(job, t("import.running")))
            except ChatbotError as error:
                show_error(error)


def _show_summary(summary: exchange.Summary) -> None:
    counts = [
        t("import.done", count=summary.added),
        t("import.already_there", count=summary.already_there) if summary.already_there else "",
        t("import.empty", count=summary.empty) if summary.empty else "",
        t("import.unreadable", count=summary.unreadable) if summary.unreadable else "",
        t("import.no_room", count=summary.no_room) if summary.no_room else "",
    ]
    sentence = " ".join(filter(None, counts))
    if summary.added:
        st.success(sentence, icon=":material/check_circle:")
    else:
        st.info(sentence, icon=":material/info:")
    if summary.refusal:
        show_error(summary.refusal)
    if summary.left_out:
        kinds = [f"{kind} × {count}" for kind, count in summary.left_out.most_common(SHOWN_KINDS)]
        if len(summary.left_out) > SHOWN_KINDS:
            kinds.append("…")
        st.caption(plain(t("import.left_out", kinds=", ".join(kinds))))


@noting_errors
def _start_import(uploader: str) -> None:
    state = page_state()
    job = state.import_job
    file: IO[bytes] | None = widgets.value(uploader)
    if file is None or (job and not job.has_ended):  # one at a time: each holds a file in memory
        return
    store, owner, speaking = services.store(), visitor.owner(), language()
    allowed = services.limits()  # here, because the job's thread does not know the visitor
    size = file.seek(0, 2)

    def bring_in(report: Callable[[float], None]) -> exchange.Summary:
        with uploads.holding(size):
            return exchange.import_file(store, owner, file, speaking, report, allowed)

    state.import_job = Job(bring_in)
    state.upload_number += 1


# Deleting everything


def _show_delete() -> None:
    word = t("data.delete_word")
    with st.form("delete_all", border=False):
        st.text_input(
            t("data.delete_label", word=word), key=widgets.DELETE_WORD, autocomplete="off"
        )
        st.form_submit_button(
            t("data.delete_button"), icon=":material/delete_forever:", on_click=_delete_all
        )
    with st.container():
        state = page_state()
        if state.is_delete_unconfirmed:  # shown here, where the visitor is looking
            state.is_delete_unconfirmed = False
            show_error(ChatbotError("not_confirmed", word=word))
        if state.deleted_count is not None:
            st.success(t("data.deleted", count=state.deleted_count))
            state.deleted_count = None
            visitor.forget_visitor()


@noting_errors
def _delete_all() -> None:
    state = page_state()
    if widgets.text(widgets.DELETE_WORD).strip().lower() != t("data.delete_word").lower():
        state.is_delete_unconfirmed = True
        return
    # Conversations begun in this browser before signing in belong to the person, too.
    owners = {visitor.owner(), visitor.visitor()}
    state.deleted_count = sum(
        _delete_all_of(owner, place) for owner in owners for place in services.all_places()
    )
    # Only the browser's spending of today is forgotten. A signed-in person returns as the same
    # owner, so deleting everything must not reset today's limits.
    services.store().spending.forget(visitor.visitor())
    widgets.put(widgets.DELETE_WORD, "")
    state.export_job = state.import_job = None
    query_params.change(c=None)


def _delete_all_of(owner: str, place: Place) -> int:
    place.answers.stop_all(owner)
    return place.store.trash.delete_all(owner)
