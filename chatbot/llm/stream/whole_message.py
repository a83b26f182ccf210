"""Whole messages in a stream, and the part of them that has not been received yet. Pure.

Some servers repeat the whole answer at its end; some send all of the answer so far each time;
some do not stream at all; and some send deltas in a field called `message`.
"""

LONGEST_REPEATED = 8
"""Characters; about a word. A longer message that repeats the whole answer is no new part."""


class WholeMessage:
    """A field of an answer, such as its text, as received so far."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._characters = 0
        self._came_in_deltas = False
        self._is_cumulative = False
        self._repetitions = 0
        """Number of messages equal to the whole answer so far: parts of it, or nothing new."""

    def note_delta(self, piece: str) -> None:
        """Record a piece that arrived as a delta."""
        self._came_in_deltas = True
        self._append(piece)

    def new_in(self, message: str, is_last: bool = False) -> str:
        """Return the part of a whole message that has not been received before.

        `is_last` means that the message is the only one with a finish reason.
        """
        is_settled = self._came_in_deltas or self._is_cumulative
        if len(message) < self._characters:  # joining all for each piece would be quadratic
            return "" if is_settled else self._append(self.rest() + message)
        so_far = "".join(self._pieces)
        if message == so_far:
            self._repetitions += not (is_settled or is_last)
            return ""
        if message.startswith(so_far):
            self._is_cumulative |= bool(so_far)
            self._repetitions = 0
            return self._append(message[len(so_far) :])
        if self._is_cumulative:  # the beginning was changed, but sent text cannot change
            return self._append(message[len(so_far) :])
        if self._came_in_deltas:
            return ""  # a repetition, perhaps trimmed or without the reasoning
        return self._append(self.rest() + message)

    def rest(self) -> str:
        """Return the messages held back as possible repetitions, if they are parts of the answer.

        In "ha" and "ha" the second message may be a part, or the answer so far once more.
        """
        so_far = "".join(self._pieces) if self._characters <= LONGEST_REPEATED else ""
        repetitions, self._repetitions = self._repetitions, 0
        return so_far * repetitions

    def _append(self, piece: str) -> str:
        self._pieces.append(piece)
        self._characters += len(piece)
        return piece
