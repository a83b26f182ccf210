"""Allow list of the browser messages that the server acts on.

Streamlit obeys some messages from any client, even when its menu does not offer them. "Clear
cache" closes the database and ends all visitors' answers; "git information" runs git, which blocks
the server for everybody, and reveals file names. The option `client.toolbarMode` only hides the
menu's entries, so this module ignores every message that the page does not need.

Streamlit also keeps much of a session's last message, such as the browser's time zone, in several
copies. A message may have 16 MB, before the password too, so this module limits its parts.
"""

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.app_session import AppSession

NEEDED = {
    "rerun_script",
    "stop_script",
    "app_heartbeat",
    "file_urls_request",
    "backend_operation_request",
}
"""Names of the accepted message types: running the page, sending files and downloading files."""

MOST_BYTES = 2**18
"""Longest accepted message, without the values of widgets. Nearly all of it are the hashes of the
elements that the browser holds, 66 bytes each."""

LONGEST_TEXT = 250_000
"""Longest text kept of a field, in characters. The page takes at most 100,000, and says so."""

MOST_VALUE_BYTES = 50_000
"""Largest value of any other widget. The page's own components send a few hundred bytes."""

MOST_WIDGETS = 20_000
"""Most widgets of a page. Each shown message has a dozen."""

MOST_FILES = 10
"""Most files that a browser announces at a time; the page takes one."""


def accepted(message: BackMsg) -> BackMsg | None:
    """Return a message that the page needs, without values that are too large, or else None."""
    if message.WhichOneof("type") not in NEEDED:
        return None
    # Reading a part of a message that it does not have gives an empty part.
    states = message.rerun_script.widget_states
    if (
        message.ByteSize() - states.ByteSize() > MOST_BYTES
        or len(states.widgets) > MOST_WIDGETS
        or len(message.file_urls_request.file_names) > MOST_FILES
    ):
        return None
    return _with_smaller_values(message) if states.ByteSize() > MOST_VALUE_BYTES else message


def _with_smaller_values(message: BackMsg) -> BackMsg:
    states = message.rerun_script.widget_states.widgets
    for state in states:
        match state.WhichOneof("value"):
            case "chat_input_value":
                pass  # is not kept; a question that is too long goes back into the composer
            case "string_value":
                state.string_value = state.string_value[:LONGEST_TEXT]
            case _ if state.ByteSize() > MOST_VALUE_BYTES:
                state.ClearField(state.WhichOneof("value"))
    # A new message, because a part of the old one would keep the memory of all of it.
    smaller: BackMsg = BackMsg.FromString(message.SerializeToString())
    return smaller


def guard_messages() -> None:
    """Ignore all messages that are not accepted, in this process.

    Streamlit has no hook for this, so this function wraps one of its methods. A test fails if a
    Streamlit version lacks that method.
    """
    if hasattr(AppSession, "messages_are_guarded"):
        return
    AppSession.messages_are_guarded = True  # type: ignore[attr-defined]
    handle = AppSession.handle_backmsg

    def handle_accepted(self: AppSession, msg: BackMsg) -> None:
        if needed := accepted(msg):
            handle(self, needed)

    AppSession.handle_backmsg = handle_accepted  # type: ignore[method-assign]
