"""Allow list of the browser messages that the server acts on.

Streamlit obeys some messages from any client, even when its menu does not offer them. "Clear
cache" closes the database and ends all visitors' answers; "git information" runs git, which blocks
the server for everybody, and reveals file names. The option `client.toolbarMode` only hides the
menu's entries, so this module ignores every message that the page does not need.
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


def guard_messages() -> None:
    """Ignore all other messages in this process.

    Streamlit has no hook for this, so this function wraps one of its methods. A test fails if a
    Streamlit version lacks that method.
    """
    if hasattr(AppSession, "messages_are_guarded"):
        return
    AppSession.messages_are_guarded = True  # type: ignore[attr-defined]
    handle = AppSession.handle_backmsg

    def handle_needed(self: AppSession, msg: BackMsg) -> None:
        if msg.WhichOneof("type") in NEEDED:
            handle(self, msg)

    AppSession.handle_backmsg = handle_needed  # type: ignore[method-assign]
