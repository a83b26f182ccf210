"""Limits of stored bytes, checked before a question or an import, never at the end of an answer."""

from collections.abc import Callable

from chatbot.errors import ChatbotError
from chatbot.limits.policy import Limits, shown_bytes
from chatbot.store import Store

LOOK_AGAIN_BYTES = 10_000_000
"""Bytes that an import may take before it reads the stored sizes again.

Concurrent imports do not see each other in between, so each may exceed the limit by this amount.
"""


class Room:
    """Room left for a visitor's data: the limits, less the stored bytes and those taken here."""

    def __init__(self, store: Store, owner: str, allowed: Limits) -> None:
        self._taken = self._taken_at_look = 0
        self._limits: list[tuple[str, Callable[[], int], int]] = []
        """Code of the refusal, function that returns the stored bytes, most bytes."""
        if (most := allowed.visitor.stored_bytes) is not None:
            self._limits.append(("storage_visitor", lambda: store.sizes.of_owner(owner), most))
        if (most := allowed.site.stored_bytes) is not None:
            self._limits.append(("storage_site", store.sizes.of_site, most))
        self._at_first = self._at_look = [stored() for _, stored, _ in self._limits]

    def take(self, more_bytes: int) -> None:
        """Claim room for data that is about to be stored.

        Raises ChatbotError("storage_visitor") or ("storage_site") if the data does not fit.
        """
        if self._taken + more_bytes - self._taken_at_look > LOOK_AGAIN_BYTES:
            self._taken_at_look = self._taken
            self._at_look = [stored() for _, stored, _ in self._limits]
        rows = zip(self._limits, self._at_first, self._at_look, strict=True)
        for (code, _, most), at_first, at_look in rows:
            # The bytes taken last may not be stored yet, so the stored bytes alone are too few.
            used = max(at_first + self._taken, at_look + self._taken - self._taken_at_look)
            if used + more_bytes >= most:
                raise ChatbotError(code, used=shown_bytes(used), limit=shown_bytes(most))
        self._taken += more_bytes


def expect_room(store: Store, owner: str, allowed: Limits, more_bytes: int = 0) -> None:
    """Raise ChatbotError("storage_…") if there is no room for `more_bytes`.

    A question is checked with 0: its answer may exceed the limit and is still stored.
    """
    Room(store, owner, allowed).take(more_bytes)
