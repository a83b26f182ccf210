"""Permission to send files: a visitor who was let in, and whose page shows a file field, has it.

Streamlit accepts files from every open connection and keeps them in memory. The server in `deploy/`
asks this module before it accepts a file; see `deploy/uploads.py`.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.runtime.scriptrunner import get_script_run_ctx

from chatbot.ui.session.state import UploadPermit, page_state

_permits: weakref.WeakValueDictionary[str, UploadPermit] = weakref.WeakValueDictionary()
"""Permits by session id."""


def begin_run() -> None:
    """Begin a run's record of file fields. Call when a visitor is let in, before drawing."""
    permit = _own()
    permit.was_shown, permit.is_shown = permit.is_shown, False


def note_field() -> None:
    """Note that this run draws a file field, so that the session may send files."""
    _own().is_shown = True


def forbid() -> None:
    """Take the permission away. Call when a visitor is not let in."""
    permit = _own()
    permit.is_shown = permit.was_shown = False


def is_allowed(session_id: str) -> bool:
    """Tell if a session may send a file now. Can be called from any thread."""
    permit = _permits.get(session_id)
    return permit is not None and (permit.is_shown or permit.was_shown)


class _Held:
    """Counter for the bytes of files in use after their file field has released them."""

    def __init__(self) -> None:
        self.count = 0
        self._changing = threading.Lock()

    def add(self, count: int) -> None:
        with self._changing:
            self.count += count


_held = _Held()


@contextmanager
def holding(count: int) -> Iterator[None]:
    """Count a file of `count` bytes as held in memory inside the `with` block."""
    _held.add(count)
    try:
        yield
    finally:
        _held.add(-count)


def held_bytes() -> int:
    """Return the number of bytes that all `holding` blocks hold now."""
    return _held.count


def _own() -> UploadPermit:
    context = get_script_run_ctx()
    permit = page_state().upload_permit
    if context:
        _permits[context.session_id] = permit
    return permit
