"""The open conversation as the page shows it, loaded once in each run."""

from dataclasses import dataclass, replace
from enum import Enum

from chatbot.answers import prompt
from chatbot.answers.answer import Followed
from chatbot.answers.place import Place
from chatbot.store import Conversation, Message
from chatbot.ui import current_store, model_choice, visitor
from chatbot.ui.navigation import MOUNTED_MESSAGES
from chatbot.ui.session import query_params
from chatbot.ui.session.state import page_state


class Status(Enum):
    """Status of the conversation that the page's address names."""

    OPEN = "open"
    """The conversation exists, or is new because the address names no conversation."""
    GONE = "gone"
    """It was deleted elsewhere; this page still has the messages that it showed."""
    NOT_FOUND = "not found"
    """This visitor has no conversation with this id."""


@dataclass(frozen=True)
class History:
    """Messages of a conversation, and the facts needed to draw them."""

    owner: str
    place: Place
    status: Status
    conversation_id: str | None
    """Id in the page's address; None for a new conversation."""
    conversation: Conversation | None = None
    """The stored conversation; None for a new or missing conversation."""
    branch: tuple[Message, ...] = ()
    """The newest messages, oldest first.

    In a longer conversation, the branch has at least one message that the page does not draw.
    """
    running: Followed | None = None
    """The answer in progress, to the branch's last question."""
    mounted: int = MOUNTED_MESSAGES
    """Maximum number of messages drawn."""
    left_out: int = 0
    """Number of newest messages not drawn, after the visitor opened an old message by search."""
    versions: dict[str, list[str]] | None = None
    """By message id, the ids of the message's versions, oldest first, if it has several."""
    last_unseen_id: str | None = None
    """The newest message left out of the model's last request, as the window was full."""
    pins_without_room: frozenset[str] = frozenset()
    """Ids of pinned messages that are too long for the model's window."""

    @property
    def title(self) -> str:
        return self.conversation.title if self.conversation else ""

    @property
    def shown(self) -> tuple[Message, ...]:
        """Branch up to the newest message that is drawn."""
        return self.branch[: len(self.branch) - self.left_out]

    @property
    def live(self) -> Followed | None:
        """Answer in progress, if the page draws it."""
        return None if self.left_out else self.running

    @property
    def finished(self) -> tuple[Message, ...]:
        """Messages to draw, without the answer in progress."""
        mounted = self.shown[-self.mounted :]
        return mounted[:-1] if self.live else mounted

    @property
    def last_question_id(self) -> str | None:
        """Id of the newest question."""
        return next(
            (message.id for message in reversed(self.branch) if message.role == "user"), None
        )

    def is_last(self, message: Message) -> bool:
        """Tell if a message is the last of the branch."""
        return message.id == self.branch[-1].id

    def versions_of(self, message: Message) -> list[str]:
        """Return the ids of a message's versions, oldest first; empty for a single version."""
        return (self.versions or {}).get(message.id, [])

    def with_ended(self, answer: Message) -> "History":
        """Return the history after the answer in progress has ended as `answer`."""
        branch = (*self.branch[:-1], answer)
        without_room = _pins_without_room(self.place, branch)
        return replace(self, branch=branch, running=None, pins_without_room=without_room)


def load_history() -> History | None:
    """Load the conversation that the page's address names.

    Returns None if the conversation is missing while the visitor is still unknown: it may turn out
    to be the visitor's.
    """
    owner, place, conversation_id = (
        visitor.owner(),
        current_store.open_place(),
        query_params.get("c"),
    )
    conversation = place.store.conversations.get(owner, conversation_id or "")
    if conversation_id and not conversation:
        return _lost_history(owner, place, conversation_id)
    model_choice.load_saved(conversation)
    state = page_state()
    mounted, left_out = state.mounted_messages or MOUNTED_MESSAGES, state.left_out_messages
    messages, running = place.answers.branch(owner, conversation, limit=mounted + left_out + 1)
    history = History(
        owner,
        place,
        Status.OPEN,
        conversation_id,
        conversation,
        tuple(messages),
        running,
        mounted,
        left_out,
        last_unseen_id=_last_unseen_id(messages),
        pins_without_room=_pins_without_room(place, tuple(messages)),
    )
    versions = place.store.messages.versions(owner, history.shown[-mounted:])
    return replace(history, versions=versions)


def _lost_history(owner: str, place: Place, conversation_id: str) -> History | None:
    """Return what this session still shows of a conversation that is missing in the store."""
    seen = page_state().seen
    if seen and seen.conversation.id == conversation_id:
        running = seen.running
        branch = (*seen.finished, *([running.message] if running else []))
        return History(
            owner, place, Status.GONE, conversation_id, None, branch, running, len(branch)
        )
    if not visitor.visitor_is_known():
        return None
    return History(owner, place, Status.NOT_FOUND, conversation_id)


def _last_unseen_id(branch: list[Message]) -> str | None:
    last = next((message for message in reversed(branch) if message.sent_tokens is not None), None)
    first_sent = next(
        (message for message in branch if last and message.id == last.first_sent_id), None
    )
    return first_sent.parent_id if first_sent else None


def _pins_without_room(place: Place, branch: tuple[Message, ...]) -> frozenset[str]:
    if not any(message.is_pinned for message in branch):
        return frozenset()
    chosen = model_choice.current()
    window = place.answers.models.window(model_choice.source(), chosen.model)
    unfit = prompt.pins_without_room(branch, chosen.system_prompt, chosen.max_tokens, window)
    return frozenset(unfit)
