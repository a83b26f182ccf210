"""Writing of a model's text into its answer, without repetitions and without reasoning."""

from chatbot.answers.answer import Answer
from chatbot.answers.continuation import Continuation


class Writing:
    """Appends a model's text to its answer, which may already have the text `begun`."""

    def __init__(self, answer: Answer, begun: str, supports_prefill: bool) -> None:
        self._answer = answer
        self._begun = begun
        # A model that was told to continue may repeat the end of its text.
        self._repeats = bool(begun) and not supports_prefill
        self._continuation = Continuation(begun) if self._repeats else None

    def add(self, piece: str) -> None:
        """Append a piece without repeated text."""
        self._answer.append(self._continuation.feed(piece) if self._continuation else piece)

    def turn_into_reasoning(self, reasoning: str) -> None:
        """Replace the added text with reasoning; the following text is the answer."""
        kept = self._begun
        if kept and not self._repeats and not self._answer.begun_with.reasoning:
            # The answer was cut off in the middle of reasoning that was mistaken for text.
            kept, reasoning = "", kept + reasoning
        self._answer.turn_into_reasoning(len(kept), reasoning)
        self._continuation = Continuation(kept) if kept and self._repeats else None

    def end(self) -> None:
        """Append the text that was held back as a possible repetition."""
        if self._continuation:
            self._answer.append(self._continuation.rest())
