"""The trash: deleted data is kept for a day for undo, then erased."""

import time

import sqlalchemy as sa

from chatbot.store.conversations import change
from chatbot.store.database import Database, writing
from chatbot.store.schema import conversations, shares

UNDO_SECONDS = 24 * 3600
"""Time for which deleted data can be restored; then it is erased."""


class Trash:
    """Deleting and restoring of conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def delete(self, connection: sa.Connection, owner: str, conversation_id: str) -> None:
        """Move a conversation to the trash; `undo_delete` can restore it for UNDO_SECONDS."""
        _erase_old(connection)
        change(connection, owner, conversation_id, deleted_at=time.time())

    @writing
    def undo_delete(self, connection: sa.Connection, owner: str, conversation_id: str) -> None:
        """Restore a conversation from the trash."""
        connection.execute(
            conversations.update()
            .where(conversations.c.id == conversation_id, conversations.c.owner == owner)
            .values(deleted_at=None)
        )

    @writing
    def empty(self, connection: sa.Connection, owner: str) -> None:
        """Erase the owner's trash permanently, now."""
        is_owners = conversations.c.owner == owner
        connection.execute(
            conversations.delete().where(is_owners, conversations.c.deleted_at.is_not(None))
        )

    @writing
    def delete_all(self, connection: sa.Connection, owner: str) -> int:
        """Erase all data of the owner permanently; return the number of conversations."""
        connection.execute(shares.delete().where(shares.c.owner == owner))
        gone = connection.execute(conversations.delete().where(conversations.c.owner == owner))
        return gone.rowcount

    @writing
    def erase_old(self, connection: sa.Connection) -> None:
        """Erase data that has been in the trash for more than UNDO_SECONDS."""
        _erase_old(connection)


def _erase_old(connection: sa.Connection) -> None:
    """Erase data that has been in the trash for more than UNDO_SECONDS."""
    long_ago = time.time() - UNDO_SECONDS
    connection.execute(conversations.delete().where(conversations.c.deleted_at < long_ago))
