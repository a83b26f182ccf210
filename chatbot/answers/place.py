"""A place for conversations: a store, and the answers that are given in it."""

from dataclasses import dataclass
from enum import Enum

from chatbot.answers.answers import Answers
from chatbot.store import Store


class Kind(Enum):
    """Lifetime of the conversations in a place."""

    KEPT = "kept"
    """Stored in the database."""
    FALLBACK = "fallback"
    """In memory until the app ends, because the database cannot be written."""
    TEMPORARY = "temporary"
    """In memory until the session ends, because the visitor wants it not to be stored."""


@dataclass(frozen=True)
class Place:
    """A store of conversations, and the running answers of these conversations."""

    kind: Kind
    store: Store
    answers: Answers

    def close(self) -> None:
        """End the answers, keeping what they have, and close the database."""
        self.answers.close()
        self.store.close()
