"""Records of use: questions with their reservations and outcomes, and totals by day."""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Amounts:
    """Amounts that questions used or may use: questions, tokens, US dollars."""

    questions: int = 0
    tokens: int = 0
    dollars: float = 0

    def __add__(self, more: "Amounts") -> "Amounts":
        return Amounts(
            self.questions + more.questions,
            self.tokens + more.tokens,
            self.dollars + more.dollars,
        )


@dataclass(frozen=True)
class SpentBy:
    """Use by one visitor, or by all visitors."""

    today: Amounts = Amounts()
    last_minute: tuple[tuple[float, Amounts], ...] = ()
    """Time of each question, in seconds since 1970, with its amounts."""
    running: int = 0
    """Number of running answers."""


@dataclass(frozen=True)
class Spent:
    """Use before another question is admitted."""

    by_visitor: SpentBy = SpentBy()
    by_site: SpentBy = SpentBy()


@dataclass(frozen=True)
class Remaining:
    """The rest of a visitor's daily limit, if it is small."""

    questions: int | None
    """Questions left today; None if the tokens or dollars are nearly used up instead."""
    until: float
    """Beginning of the next day, in seconds since 1970."""


def day_of(now: float) -> int:
    """Return the UTC day of a time, counted from 1970."""
    return int(now // DAY_SECONDS)


MINUTE_SECONDS = 60
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Question:
    """A question to be asked. The id is new for each question; `most` is its reservation."""

    id: str
    owner: str
    model: str
    most: Amounts
    ends_by: float
    """Latest end of the question's answer, in seconds since 1970."""
    message_id: str | None = None
    """Id of the answer in this database. Its checkpoints, with the question's id as their lease,
    show that the answer is still running."""


@dataclass(frozen=True)
class Outcome:
    """Result of a question: success, tokens, dollars and durations."""

    model: str
    has_failed: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0
    """Cost, if the price is known."""
    assumed_dollars: float = 0
    """Assumed cost, if the price is unknown."""
    first_text_seconds: float | None = None
    """Time until the first text; None if there was no text."""
    timed_tokens: int = 0
    """Output tokens within `timed_seconds`, from the first text to the end."""
    timed_seconds: float = 0

    @property
    def taken(self) -> Amounts:
        """The amounts that count towards the limits."""
        tokens = self.input_tokens + self.output_tokens
        return Amounts(1, tokens, self.dollars + self.assumed_dollars)


@dataclass(frozen=True)
class ModelDay:
    """Use of one model on one day. The fields are named like the columns of the table."""

    day: int
    """UTC day, counted from 1970."""
    model: str
    """"" for all models beyond the number that is counted by name."""
    visitors: int
    """Visitors whose first question of the day went to this model."""
    questions: int
    failures: int
    read_tokens: int
    written_tokens: int
    dollars: float
    assumed_dollars: float
    first_texts: int
    """Number of answers with text, after `first_text_seconds` in total."""
    first_text_seconds: float
    timed_tokens: int
    timed_seconds: float

    def __add__(self, more: "ModelDay") -> "ModelDay":
        """Add two records; the sum keeps day and model of the first."""
        names = [field.name for field in fields(self) if field.name not in ("day", "model")]
        return replace(self, **{name: getattr(self, name) + getattr(more, name) for name in names})

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.read_tokens + self.written_tokens

    @property
    def taken(self) -> Amounts:
        """The amounts that count towards the limits."""
        return Amounts(self.questions, self.tokens, self.dollars + self.assumed_dollars)

    @property
    def seconds_to_first_text(self) -> float | None:
        """Average time until the first text; None without any text."""
        return self.first_text_seconds / self.first_texts if self.first_texts else None

    @property
    def tokens_per_second(self) -> float | None:
        """Average speed after the first text; None without counts."""
        return self.timed_tokens / self.timed_seconds if self.timed_seconds else None
