"""Limits for uploaded files: which session may upload, and how much memory files may take.

Streamlit keeps each file in memory until its session ends, two minutes after a lost connection. It
accepts any number of files from every connection, even before the password.
"""

import re
from collections import Counter

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from chatbot.ui.client import uploads

MOST_BYTES = 1000 * 2**20
"""Most bytes of all sessions together. A session has one file of server.maxUploadSize at most."""

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?$")

_READS_NOTHING = {"GET", "HEAD", "OPTIONS", "DELETE"}


class _Full(Exception):
    """All sessions together have reached the limit."""


class Uploads:
    """Accepts files only from sessions that may upload, one file at a time per session."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._coming: Counter[str] = Counter()
        """Bytes of each file being received, by session."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _PATH.search(scope.get("path", "")) if scope["type"] == "http" else None
        if match is None or scope["method"] in _READS_NOTHING:
            await self._app(scope, receive, send)
            return
        session_id = match[1]
        if not uploads.is_allowed(session_id):
            await _refuse(403, "No file is expected")(scope, receive, send)
        elif session_id in self._coming:
            await _refuse(429, "One file at a time")(scope, receive, send)
        else:
            await self._take(session_id, scope, receive, send)

    async def _take(self, session_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a file's bytes on while there is room for them."""
        has_begun = False

        async def receive_counted() -> Message:
            message = await receive()
            self._coming[session_id] += len(message.get("body", b""))
            if self._coming.total() + held_bytes() > self._most_bytes:
                raise _Full
            return message

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        self._coming[session_id] = 0
        _drop_files(session_id)  # the page has one field, so a new file replaces the last
        try:
            await self._app(scope, receive_counted, send_noting)
        except _Full:
            if has_begun:
                raise
            await _refuse(503, "Too many files are held; try again later")(scope, receive, send)
        finally:
            del self._coming[session_id]


def held_bytes() -> int:
    """Return the bytes of files that all sessions and running imports hold in memory."""
    manager = _manager()
    sessions = list(manager.file_storage.values()) if manager else []
    return uploads.held_bytes() + sum(
        len(file.data) for files in sessions for file in list(files.values())
    )


def _drop_files(session_id: str) -> None:
    manager = _manager()
    if manager:
        manager.remove_session_files(session_id)


def _manager() -> MemoryUploadedFileManager | None:
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    return manager if isinstance(manager, MemoryUploadedFileManager) else None


def _refuse(status: int, words: str) -> PlainTextResponse:
    # Closes the connection, because otherwise the rest of the file would have to be read.
    return PlainTextResponse(words, status, headers={"Connection": "close"})
