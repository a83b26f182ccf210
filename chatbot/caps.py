"""What visitors and the whole site may take, as a setting says it. Pure.

In words: `10 questions per minute, 500k tokens per day, 3 at once`. A visitor's id costs nothing,
so it is the site's limits that protect its owner.
"""

import re
from dataclasses import dataclass, replace

MINUTE_SECONDS = 60
DAY_SECONDS = 24 * 3600

OFF = "off"


@dataclass(frozen=True)
class Cap:
    """The most that may be taken of something, in a minute or a day."""

    most: float
    unit: str
    """questions, tokens or dollars."""
    seconds: int

    @property
    def is_daily(self) -> bool:
        """Whether it is for a day."""
        return self.seconds == DAY_SECONDS


@dataclass(frozen=True)
class Caps:
    """All that limits one visitor, or the site."""

    caps: tuple[Cap, ...] = ()
    at_once: int | None = None
    """How many answers may be given at the same time."""


@dataclass(frozen=True)
class AnswerLimits:
    """How long an answer may get, and may take; None: as long as it likes."""

    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Limits:
    """All limits. Without any, nothing is looked at before a question is asked."""

    visitor: Caps = Caps()
    site: Caps = Caps()
    answer: AnswerLimits = AnswerLimits()

    @property
    def are_counted(self) -> bool:
        """Whether there is anything to count."""
        return Caps() != self.visitor or Caps() != self.site

    @property
    def count_minutes(self) -> bool:
        """Whether it matters what the whole site took within the last minute."""
        return not all(cap.is_daily for cap in self.site.caps)

    @property
    def count_dollars(self) -> bool:
        """Whether it matters what a question costs."""
        return any(cap.unit == "dollars" for cap in (*self.visitor.caps, *self.site.caps))


_CAP = re.compile(
    r"(?P<number>\d{1,12}(\.\d{1,6})?)(?P<thousand>[kM]?) ?(?P<unit>question|token|dollar)s?"
    r" ?(per |/ ?)(?P<period>minute|day)"
)
_AT_ONCE = re.compile(r"(\d{1,6}) at once")
_LENGTH = re.compile(r"(\d{1,9})([kM]?) tokens?")
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) (second|minute)s?")
_THOUSANDS = {"": 1, "k": 1000, "M": 1_000_000}


def caps_in(text: str) -> Caps:
    """What a setting says, `off` for none. Raises ValueError for anything else."""
    caps, at_once = [], None
    for part in _parts(text):
        if found := _CAP.fullmatch(part):
            most = float(found["number"]) * _THOUSANDS[found["thousand"]]
            is_day = found["period"] == "day"
            seconds = DAY_SECONDS if is_day else MINUTE_SECONDS
            caps.append(Cap(_more_than_none(most), f"{found['unit']}s", seconds))
        elif found := _AT_ONCE.fullmatch(part):
            at_once = int(_more_than_none(int(found[1])))
        else:
            raise ValueError("no limit")
    return Caps(tuple(caps), at_once)


def answer_limits_in(text: str) -> AnswerLimits:
    """What a setting says, `off` for none. Raises ValueError for anything else."""
    limits = AnswerLimits()
    for part in _parts(text):
        if found := _LENGTH.fullmatch(part):
            tokens = int(_more_than_none(int(found[1]) * _THOUSANDS[found[2]]))
            limits = replace(limits, tokens=tokens)
        elif found := _TIME.fullmatch(part):
            unit = MINUTE_SECONDS if found[2] == "minute" else 1
            limits = replace(limits, seconds=_more_than_none(float(found[1])) * unit)
        else:
            raise ValueError("no limit")
    return limits


def _parts(text: str) -> list[str]:
    parts = [" ".join(part.split()) for part in re.split("[,，]", text)]
    if parts == [OFF]:
        return []
    if not any(parts):
        raise ValueError("no limit")
    return list(filter(None, parts))


def _more_than_none(number: float) -> float:
    if number <= 0:  # whether that is nothing or everything, nobody would know
        raise ValueError("no limit")
    return number


PUBLIC = Limits(
    caps_in("10 questions per minute, 200 questions per day, 500k tokens per day, 3 at once"),
    caps_in(
        "60 questions per minute, 2000 questions per day, 5M tokens per day, 10 dollars per day,"
        " 30 at once"
    ),
    answer_limits_in("8192 tokens, 10 minutes"),
)
"""Where others can reach the app and its owner has said nothing: more than a person types, and
less than a bad surprise."""
