"""Your data: taking conversations away, bringing them in, shared links, being forgotten."""

import functools
import tempfile
import threading
import weakref
from collections.abc import Callable
from typing import IO

import streamlit as st

from chatbot import exchange
from chatbot.errors import ChatbotError
from chatbot.store import Conversation, Store
from chatbot.ui import address, browser, resources, sharing, views
from chatbot.ui.errors import noting_errors, show_error, show_notice
from chatbot.ui.jobs import Job
from chatbot.ui.language import language, t
from chatbot.ui.look import plain
from chatbot.ui.resources import Kind, Place

MAX_UPLOAD_MEGABYTES = 200
"""Not more than server.maxUploadSize in .streamlit/config.toml, which alone is enforced."""

SHOWN_KINDS = 12


def show_data(owner: str, place: Place, conversation: Conversation | None) -> None:
    """The view in the place of the conversation, which may be one of another place's."""
    with st.container():  # always as many elements above the first heading
        views.show_head(t("data.title"))
    with st.container():
        show_notice()
    with st.container():
        if conversation:
            _show_conversation(owner, place, conversation)
    _heading(t("share.links"))
    sharing.show_links(owner)
    _heading(t("data.all"), t("data.all_help"))
    _show_export(owner)
    _heading(t("import.title"), t("import.help", megabytes=MAX_UPLOAD_MEGABYTES))
    _show_import(owner)
    _heading(t("data.delete_all"), t("data.delete_all_help", word=t("data.delete_word")))
    _show_delete()


def _heading(title: str, text: str = "") -> None:
    st.subheader(title, anchor=False)
    if text:
        st.caption(text)


def _show_conversation(owner: str, place: Place, conversation: Conversation) -> None:
    _heading(t("data.conversation"))
    st.text(conversation.title)
    show_downloads(owner, place, conversation)
    if place.kind is Kind.KEPT:
        sharing.show_share_button(conversation)


def show_downloads(owner: str, place: Place, conversation: Conversation) -> None:
    """Buttons that save one conversation as a file."""
    timezone = st.context.timezone
    name = exchange.file_name(conversation, timezone)
    # Built at the click and outside of this session, so all that it needs goes along.
    of_this = (place.store, owner, conversation)
    with st.container(horizontal=True):
        st.download_button(
            t("data.markdown"),
            functools.partial(_markdown, *of_this, language(), timezone),
            f"{name}.md",
            "text/markdown",
            icon=":material/article:",
            on_click="ignore",
        )
        st.download_button(
            t("data.json"),
            functools.partial(_json, *of_this),
            f"{name}.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )


def _markdown(
    store: Store, owner: str, conversation: Conversation, language: str, timezone: str | None
) -> bytes:
    messages = store.messages.all(owner, conversation.id)
    branch = exchange.branch_on_screen(conversation, messages)
    return exchange.to_markdown(conversation, branch, language, timezone).encode()


def _json(store: Store, owner: str, conversation: Conversation) -> bytes:
    return exchange.to_json(conversation, store.messages.all(owner, conversation.id)).encode()


# Everything as a zip


def _show_export(owner: str) -> None:
    job: Job[IO[bytes]] | None = st.session_state.get("export_job")
    st.button(
        t("data.prepare"),
        key="prepare",
        icon=":material/folder_zip:",
        on_click=_start_export,
        disabled=not any(place.store.conversations.page(owner, 1) for place in _to_export()),
    )
    with st.container():
        if job:
            _show_zip(job)


def _show_zip(job: Job[IO[bytes]]) -> None:
    try:
        file = job.follow(t("data.preparing"))
    except ChatbotError as error:
        show_error(error)
        return
    megabytes = max(file.seek(0, 2) / 2**20, 0.1)
    st.download_button(
        t("data.download", megabytes=f"{megabytes:.1f}"),
        functools.partial(_whole, file),
        f"{t('data.file')}.zip",
        "application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )


_reading = threading.Lock()


def _whole(file: IO[bytes]) -> bytes:
    with _reading:  # two clicks share the file and its place in it
        file.seek(0)
        return file.read()


def _to_export() -> list[Place]:
    """The newest versions first: what could not be kept has been written on in memory."""
    places = [place for place in resources.all_places() if place.kind is not Kind.TEMPORARY]
    return places[::-1]


@noting_errors
def _start_export() -> None:
    owner, timezone = browser.owner(), st.context.timezone
    stores = [place.store for place in _to_export()]
    speaking = language()
    file = tempfile.TemporaryFile()  # noqa: SIM115 - on disk, for it may be large; see below

    def write(report: Callable[[float], None]) -> IO[bytes]:
        exchange.write_zip(stores, owner, file, speaking, timezone, report)
        return file

    job = Job(write)
    weakref.finalize(job, file.close)  # it goes with the session, or with the next export
    st.session_state.export_job = job


# Bringing in


def _show_import(owner: str) -> None:
    state = st.session_state
    job: Job[exchange.Summary] | None = state.get("import_job")
    uploader = f"upload-{state.get('uploads', 0)}"  # another one is empty again
    st.file_uploader(
        t("import.label"),
        type=["zip", "json"],
        key=uploader,
        max_upload_size=MAX_UPLOAD_MEGABYTES,
        label_visibility="collapsed",
    )
    st.button(
        t("import.button"),
        key="import",
        icon=":material/upload:",
        on_click=_start_import,
        args=(uploader,),
        disabled=state.get(uploader) is None,
    )
    with st.container():
        if job:
            try:
                _show_summary(job.follow(t("import.running")))
            except ChatbotError as error:
                show_error(error)


def _show_summary(summary: exchange.Summary) -> None:
    counts = [
        t("import.done", count=summary.added),
        t("import.already_there", count=summary.already_there) if summary.already_there else "",
        t("import.empty", count=summary.empty) if summary.empty else "",
        t("import.unreadable", count=summary.unreadable) if summary.unreadable else "",
    ]
    st.success(" ".join(filter(None, counts)), icon=":material/check_circle:")
    if summary.left_out:
        kinds = [f"{kind} × {count}" for kind, count in summary.left_out.most_common(SHOWN_KINDS)]
        if len(summary.left_out) > SHOWN_KINDS:
            kinds.append("…")
        st.caption(plain(t("import.left_out", kinds=", ".join(kinds))))


@noting_errors
def _start_import(uploader: str) -> None:
    state = st.session_state
    file: IO[bytes] | None = state.get(uploader)
    if file is None:
        return
    store, owner, speaking = resources.store(), browser.owner(), language()
    state.import_job = Job(
        lambda report: exchange.import_file(store, owner, file, speaking, report)
    )
    state.uploads = state.get("uploads", 0) + 1


# Being forgotten


def _show_delete() -> None:
    word = t("data.delete_word")
    with st.form("delete_all", border=False):
        st.text_input(t("data.delete_label"), key="delete_word", placeholder=word)
        st.form_submit_button(
            t("data.delete_button"), icon=":material/delete_forever:", on_click=_delete_all
        )
    with st.container():
        if st.session_state.pop("is_delete_unconfirmed", False):  # here, where one is looking
            show_error(ChatbotError("not_confirmed", word=word))
        if "deleted_count" in st.session_state:
            st.success(t("data.deleted", count=st.session_state.pop("deleted_count")))
            browser.forget_visitor()


@noting_errors
def _delete_all() -> None:
    state = st.session_state
    if str(state.delete_word).strip().lower() != t("data.delete_word").lower():
        state.is_delete_unconfirmed = True
        return
    # What was begun in this browser before signing in is theirs, too.
    owners = {browser.owner(), browser.visitor()}
    state.deleted_count = sum(
        _delete_all_of(owner, place) for owner in owners for place in resources.all_places()
    )
    # A signed-in person's count of today stays till it is over: they come back as the same.
    resources.store().spending.forget(browser.visitor())
    state.delete_word = ""
    for name in ("export_job", "import_job"):
        state.pop(name, None)
    address.change(c=None)


def _delete_all_of(owner: str, place: Place) -> int:
    place.answers.stop_all(owner)
    return place.store.trash.delete_all(owner)
