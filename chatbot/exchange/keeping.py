"""Storing of imported conversations: small ones in batches, a long one in parts."""

from dataclasses import replace

from chatbot.exchange.formats import native
from chatbot.exchange.json_stream import LongConversation
from chatbot.exchange.validation import ReadConversation
from chatbot.limits.storage import Room
from chatbot.store import Message, Store, conversation_size, message_size

BATCH_CONVERSATIONS, BATCH_BYTES = 200, 1_000_000
"""Size of a batch, small enough that other writers wait only briefly."""

LONG_BATCH_BYTES, LONG_BATCH_MESSAGES = 4_000_000, 1000
"""Size of a part of a long conversation."""


def conversation_bytes(read: ReadConversation) -> int:
    """Return the stored size of a conversation with its messages, in bytes."""
    conversation = read.conversation
    own_bytes = conversation_size(conversation.controls, conversation.origin)
    return own_bytes + sum(map(message_size, read.messages))


class Batch:
    """Conversations stored in one transaction, six times as fast as one transaction for each.

    `room` is what the storage limits leave to the owner.
    """

    def __init__(self, store: Store, owner: str, room: Room) -> None:
        self._store = store
        self._owner = owner
        self._room = room
        self._waiting: list[ReadConversation] = []
        self._bytes = 0

    def add(self, read: ReadConversation | LongConversation) -> None:
        """Add a conversation, and store a full batch; a long conversation is stored at once.

        Raises ChatbotError("store…") or ("storage_…").
        """
        if isinstance(read, LongConversation):
            self.keep()
            add_long(self._store, self._owner, read, self._room)
            return
        size = conversation_bytes(read)
        self._room.take(size)
        self._waiting.append(read)
        self._bytes += size
        if len(self._waiting) >= BATCH_CONVERSATIONS or self._bytes >= BATCH_BYTES:
            self.keep()

    def keep(self) -> None:
        """Store all waiting conversations. Raises ChatbotError("store…")."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if waiting:
            new = [(read.conversation, read.messages) for read in waiting]
            self._store.conversations.add_all(self._owner, new)


def add_long(store: Store, owner: str, long: LongConversation, room: Room) -> None:
    """Store a conversation that is too large for memory, completely or not at all.

    Raises ChatbotError("store…") or ("storage_…").
    """
    reading = native.LongReading(long.head)
    batch: list[Message] = []
    stored_count = size = 0

    def keep(is_last: bool) -> None:
        nonlocal stored_count, size
        places = range(stored_count + 1, stored_count + len(batch) + 1)
        numbered = [replace(m, sequence=place) for m, place in zip(batch, places, strict=True)]
        conversation = reading.end() if is_last else replace(reading.end(), origin=None)
        if not conversation.leaf_id and numbered:
            conversation = replace(conversation, leaf_id=numbered[-1].id)
        store.conversations.put(owner, conversation, numbered)
        stored_count += len(batch)
        batch.clear()
        size = 0

    try:
        room.take(conversation_size(reading.conversation.controls, reading.conversation.origin))
        for raw in long.messages:
            batch.append(reading.message(raw))
            more = message_size(batch[-1])
            room.take(more)
            size += more
            if size > LONG_BATCH_BYTES or len(batch) >= LONG_BATCH_MESSAGES:
                keep(is_last=False)
        keep(is_last=True)
    except BaseException:
        store.conversations.erase(owner, reading.conversation.id)
        raise
