"""Conversations and messages on disk; the only package that imports SQLAlchemy.

Messages form a tree: each names the one it follows, and a conversation names
the newest message of the branch on screen. Asking again or editing a question
therefore adds a sibling and loses nothing. Everything takes the owner's id, and
what belongs to somebody else is treated as if it did not exist.

Times are seconds since 1970, UTC. The order of messages and conversations is
that of their numbers, never the clock's.
"""

from chatbot.errors import ChatbotError
from chatbot.store.checkpoints import Checkpoints
from chatbot.store.conversations import Conversations
from chatbot.store.database import Database
from chatbot.store.guesses import Guesses
from chatbot.store.measures import Measures
from chatbot.store.messages import Messages
from chatbot.store.pins import Pins
from chatbot.store.questions import ModelDay, Outcome, Question
from chatbot.store.records import (
    TITLE_CHARACTERS,
    Conversation,
    Found,
    Message,
    Said,
    Share,
    State,
    new_conversation,
    new_id,
    one_line,
    storable,
)
from chatbot.store.refusals import Refusals
from chatbot.store.search import Search
from chatbot.store.shares import Shares
from chatbot.store.spending import Spending
from chatbot.store.trash import UNDO_SECONDS, Trash
from chatbot.store.words import passage

__all__ = [
    "TITLE_CHARACTERS",
    "UNDO_SECONDS",
    "Conversation",
    "Found",
    "Message",
    "ModelDay",
    "Outcome",
    "Question",
    "Said",
    "Share",
    "Spending",
    "State",
    "Store",
    "new_conversation",
    "new_id",
    "one_line",
    "passage",
    "storable",
]


class Store:
    """All that must last. Safe to use from any thread.

    Everything raises ChatbotError("store…") when the database cannot be used,
    and opening it ChatbotError("store_open").
    """

    def __init__(self, database_url: str) -> None:
        self._database = Database(database_url)
        self.conversations = Conversations(self._database)
        self.messages = Messages(self._database)
        self.pins = Pins(self._database)
        self.checkpoints = Checkpoints(self._database)
        self.trash = Trash(self._database)
        self.search = Search(self._database)
        self.shares = Shares(self._database)
        self.refusals = Refusals(self._database)
        self.measures = Measures(self._database)
        self.spending = Spending(self._database)
        self.guesses = Guesses(self._database)
        self.trash.erase_old()
        self.checkpoints.end_abandoned()

    def check(self) -> None:
        """Raise ChatbotError("store…") if nothing can be written now."""
        self.checkpoints.end_abandoned()
        self.conversations.try_to_write()

    def pop_notices(self) -> list[ChatbotError]:
        """What a person should know about the database, such as that it was damaged; once."""
        notices, self._database.notices = self._database.notices, []
        return notices

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
