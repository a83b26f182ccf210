"""Conversations and messages on disk; the only package that imports SQLAlchemy.

Messages form a tree: each message names its parent, and a conversation names the newest message of
the branch on screen. So another answer or an edited question adds a sibling, and nothing is lost.
Every method takes the owner's id, and treats other owners' data as if it did not exist.

Times are seconds since 1970, UTC. Sequence numbers, not times, order messages and conversations.
"""

from chatbot.errors import ChatbotError
from chatbot.store.checkpoints import Checkpoints
from chatbot.store.conversations import Conversations
from chatbot.store.database import Database
from chatbot.store.learned import Calibration, Refusals
from chatbot.store.login_attempts import LoginAttempts
from chatbot.store.messages import Messages
from chatbot.store.pins import Pins
from chatbot.store.quota import ModelDay, Outcome, Question
from chatbot.store.records import (
    TITLE_CHARACTERS,
    Conversation,
    Message,
    PromptMessage,
    SearchResult,
    Share,
    State,
    new_conversation,
    new_id,
    one_line,
    storable,
)
from chatbot.store.search import Search
from chatbot.store.search_text import passage
from chatbot.store.shares import Shares
from chatbot.store.sizes import Sizes, Used, conversation_size, message_size, share_size
from chatbot.store.spending import Spending
from chatbot.store.trash import UNDO_SECONDS, Trash

__all__ = [
    "TITLE_CHARACTERS",
    "UNDO_SECONDS",
    "Conversation",
    "Message",
    "ModelDay",
    "Outcome",
    "PromptMessage",
    "Question",
    "SearchResult",
    "Share",
    "Spending",
    "State",
    "Store",
    "Used",
    "conversation_size",
    "message_size",
    "new_conversation",
    "new_id",
    "one_line",
    "passage",
    "share_size",
    "storable",
]


class Store:
    """All persistent data. Safe to use from any thread.

    All methods raise ChatbotError("store…") if the database cannot be used; opening it raises
    ChatbotError("store_open").
    """

    def __init__(self, database_url: str) -> None:
        self._database = Database(database_url)
        self.conversations = Conversations(self._database)
        self.messages = Messages(self._database)
        self.pins = Pins(self._database)
        self.checkpoints = Checkpoints(self._database)
        self.trash = Trash(self._database)
        self.sizes = Sizes(self._database)
        self.search = Search(self._database)
        self.shares = Shares(self._database)
        self.refusals = Refusals(self._database)
        self.calibration = Calibration(self._database)
        self.spending = Spending(self._database)
        self.login_attempts = LoginAttempts(self._database)
        self.trash.erase_old()
        self.checkpoints.end_abandoned()

    def check(self) -> None:
        """Raise ChatbotError("store…") if the database cannot be written now."""
        self.checkpoints.end_abandoned()
        self.conversations.try_to_write()

    def pop_notices(self) -> list[ChatbotError]:
        """Return and remove the notices for visitors, such as one about a damaged database."""
        notices, self._database.notices = self._database.notices, []
        return notices

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
