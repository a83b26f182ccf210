"""State of one session, besides the values of its widgets.

Everything is a field of `PageState`, which is the only key of our own in `st.session_state`.
Widgets and components keep their values under keys of their own: see `widgets.py`.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import IO, Any

import streamlit as st

from chatbot import exchange
from chatbot.access.person import Person
from chatbot.answers.answer import Followed
from chatbot.answers.place import Place
from chatbot.background import Job
from chatbot.connection_check.probe import Check
from chatbot.connection_check.report import Report
from chatbot.errors import ChatbotError
from chatbot.llm.endpoint import Endpoint
from chatbot.store import Conversation, Message

KEY = "page_state"


@dataclass(frozen=True)
class ShownConversation:
    """Conversation that the page showed last."""

    conversation: Conversation
    finished: tuple[Message, ...]
    running: Followed | None
    """The conversation's answer in progress, which goes on in memory even if it cannot be saved."""


@dataclass(frozen=True)
class RunningCheck:
    """Connection check of this session, running or ended."""

    check: Check
    future: Future[Report]
    is_typed: bool = False
    """The visitor typed the address; otherwise it comes from the owner's settings."""


@dataclass(eq=False)
class UploadPermit:
    """Permission for one session to send files; see `uploads.py`."""

    is_shown: bool = False
    """The current run of the page has drawn a file field."""
    was_shown: bool = False
    """The previous run had drawn a file field, which the browser shows until this run ends."""


@dataclass
class PageState:
    """State of one session. `None` means "not yet", "none", or "the default"."""

    # The page's address, language and title

    address: dict[str, str] | None = None
    """The parameters of the page's address; see `query_params.py`."""
    new_conversation_id: str | None = None
    """Id of the next new conversation."""
    language: str = "en"
    """Language of the current run, `en` or `zh`."""
    tab_title: str | None = None
    """Title of the browser's tab."""

    # The visitor; see `visitor.py` and `access.py`

    visitor_token: str = ""
    """The browser's secret token; "" before the first run.

    The server made the token for this session only, until `visitor_is_known`.
    """
    visitor_is_known: bool = False
    """The browser has sent its token, from its cookie or its local storage."""
    visitor_has_cookie: bool = False
    """The browser sent its token in a cookie."""
    visitor_was_told: bool = False
    """The token has just arrived from local storage, and the page has not used it yet."""
    suggested_token: str | None = None
    """Token offered to a browser without a token. It never changes in a session."""
    moved_token: str | None = None
    """Token from local storage whose conversations were moved to the owner of the cookie."""
    proofs: dict[str, str] = field(default_factory=dict)
    """Proofs that a password was given, by the password's purpose."""
    proofs_asked: str | None = None
    """Random id of the request that asks the browser for its stored proofs."""
    proofs_are_known: bool = False
    """The browser has answered the request for its stored proofs."""
    person: Person | None = None
    """The signed-in person."""
    was_in: bool = False
    """This session has been let in before."""
    upload_permit: UploadPermit = field(default_factory=UploadPermit)
    """Permission of this session to send files."""

    # Models and stores

    opened: float | None = None
    """Start of the session, in seconds of the monotonic clock."""
    own_endpoint: Endpoint | None = None
    """The visitor's own server, used in this session only."""
    known_models: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Model lists, by provider and base URL of the server."""
    failed_lists: set[tuple[str, str]] = field(default_factory=set)
    """Servers, named as in `known_models`, whose model list could not be fetched."""
    temporary_place: Place | None = None
    """Memory for temporary conversations."""
    temporary_ids: set[str] = field(default_factory=set)
    """Ids of the temporary conversations."""
    why_fallback: ChatbotError | None = None
    """Error that moved a conversation to the in-memory fallback."""

    # The open conversation

    mounted_messages: int | None = None
    """Number of messages on the page."""
    left_out_messages: int = 0
    """Number of newest messages left out of the page."""
    target: dict[str, str | float] | None = None
    """Message to scroll to: its id as `message`, and the time of the click as `at`."""
    saved_controls: dict[str, Any] = field(default_factory=dict)
    """Values of the controls as the open conversation has saved them."""
    seen: ShownConversation | None = None
    """Conversation that the page showed last."""
    draft: str | None = None
    """Text to put into the composer."""
    unsent: str | None = None
    """Draft to carry over from a conversation that was deleted elsewhere."""
    editing: str | None = None
    """Id of the question being edited."""
    edited: str | None = None
    """Id of the question whose editing has ended, so that the browser discards its text."""
    deleting: str | None = None
    """Id of the answer whose deletion waits for confirmation."""
    stepped: float | None = None
    """Unix time at which the visitor switched to another version of a message."""
    wanted_control: str | None = None
    """Name of the control at which the browser should open the sidebar."""
    times_shown: dict[str, int] = field(default_factory=dict)
    """Number of shown parts of a long text, by the text's key; 1 for an unknown key."""
    estimated_tokens: tuple[object, int] = (None, 0)
    """Estimated tokens of an imported conversation, after the inputs of the estimate."""

    # The list of conversations

    listed_conversations: int | None = None
    """Number of conversations in the list."""
    choice_done: int = 0
    """Number of the last choice in the list that was carried out, or failed."""
    taken_away: tuple[str, str] | None = None
    """Id of the conversation just deleted or cleared, and the key of the sentence to show."""
    taken_from_list: str | None = None
    """Id of the conversation just deleted while another conversation is open."""

    restored: tuple[str, str] | None = None
    """Id of the conversation just brought back, and the key of the sentence to announce."""

    # Errors

    notice: ChatbotError | None = None
    """Error of the last click, which the next run shows."""
    shown_notice: ChatbotError | None = None
    """Error that the current run has shown."""

    # Drawing; see `frontend/look.py`

    shown_content: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    """By a place's name, its content and the number (0 or 1) of the container that holds it."""
    drawn: int = 0
    """Number of messages that the previous run drew."""

    # The connection check

    running_check: RunningCheck | None = None
    """The session's last connection check."""
    check_applied: bool = False
    """The check's result was written to `.env`."""
    check_filled_in: str | None = None
    """Name of the known service whose address was filled in."""

    # Your data

    export_job: Job[list[IO[bytes]]] | None = None
    """Last export, with its files."""
    import_job: Job[exchange.Summary] | None = None
    """Last import."""
    upload_number: int = 0
    """Number in the file field's key: a new number makes an empty field."""
    is_trash_emptied: bool = False
    """The visitor has just emptied the trash."""
    is_delete_unconfirmed: bool = False
    """The visitor has just asked to delete everything without the confirming word."""
    deleted_count: int | None = None
    """Number of conversations just deleted with all other data of the visitor."""
    shared: tuple[str, str] | None = None
    """Id of the conversation just shared, and id of the shared copy."""


def page_state() -> PageState:
    """Return the session's state. Ends this run of the page if a newer run has replaced it."""
    try:
        state: PageState = st.session_state[KEY]
    except KeyError:
        state = st.session_state[KEY] = PageState()
    return state


def stop_if_superseded() -> None:
    """End this run of the page if a newer run has replaced it, as any `st` call does."""
    page_state()
