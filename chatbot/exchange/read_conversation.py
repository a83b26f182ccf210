"""What a file was found to hold."""

from collections import Counter
from dataclasses import dataclass, field

from chatbot.store import Conversation, Message


class Unreadable(Exception):
    """One conversation of a file is not as it should be; the others may be."""


@dataclass(frozen=True)
class ReadConversation:
    """One conversation that was read, ready to be stored."""

    conversation: Conversation
    messages: list[Message]
    """Each after the one it follows."""
    left_out: Counter[str] = field(default_factory=Counter)
    """What stands in the file but not in the messages: content types, with how often."""
