"""What is known of a question when it is counted: what it may take, what it took, and by day."""

from dataclasses import dataclass, fields, replace

from chatbot.limits import Taken


@dataclass(frozen=True)
class Question:
    """One that is to be asked. The id is new for each; `most` is what it may take."""

    id: str
    owner: str
    model: str
    most: Taken
    ends_by: float
    """When it has ended at the latest, in seconds since 1970."""
    message_id: str | None = None
    """The answer whose checkpoints in this database, with this id as their lease, show that it is
    still being given."""


@dataclass(frozen=True)
class Outcome:
    """What a question came to."""

    model: str
    has_failed: bool = False
    read_tokens: int = 0
    written_tokens: int = 0
    dollars: float = 0
    """As far as its price is known."""
    assumed_dollars: float = 0
    """What is counted instead where it is not."""
    first_text_seconds: float | None = None
    """How long its first text took; None if none came."""
    timed_tokens: int = 0
    """How many tokens were written in `timed_seconds`, from the first text to the end."""
    timed_seconds: float = 0

    @property
    def taken(self) -> Taken:
        """What of this is limited."""
        tokens = self.read_tokens + self.written_tokens
        return Taken(1, tokens, self.dollars + self.assumed_dollars)


@dataclass(frozen=True)
class ModelDay:
    """What was taken of one model on one day."""

    day: int
    """Of UTC, counted from 1970."""
    model: str
    """"" for those that are not named."""
    visitors: int
    """Of those who asked on that day, how many asked this model first."""
    questions: int
    failures: int
    read_tokens: int
    written_tokens: int
    dollars: float
    assumed_dollars: float
    first_texts: int
    """How many answers had a first text, after `first_text_seconds` in all."""
    first_text_seconds: float
    timed_tokens: int
    timed_seconds: float

    def __add__(self, more: "ModelDay") -> "ModelDay":
        """Both together, by the day and name of the first."""
        names = [field.name for field in fields(self) if field.name not in ("day", "model")]
        return replace(self, **{name: getattr(self, name) + getattr(more, name) for name in names})

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.read_tokens + self.written_tokens

    @property
    def taken(self) -> Taken:
        """What of this is limited."""
        return Taken(self.questions, self.tokens, self.dollars + self.assumed_dollars)

    @property
    def seconds_to_first_text(self) -> float | None:
        """How long a first text took on average; None if there was none."""
        return self.first_text_seconds / self.first_texts if self.first_texts else None

    @property
    def tokens_per_second(self) -> float | None:
        """How fast was written, after the first text; None if nobody counted."""
        return self.timed_tokens / self.timed_seconds if self.timed_seconds else None
