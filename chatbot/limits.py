"""What visitors and the whole site may take, and whether one more question fits. Pure functions.

A setting says it in words: `10 questions per minute, 500k tokens per day, 3 at once`. A minute
is the last sixty seconds, a day a day of UTC: the same for every process and visitor, wherever
they are. A visitor's id costs nothing, so it is the site's limits that protect its owner.

(The library `limits` counts in Redis, Memcached, MongoDB or memory only, and takes nothing back.)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from chatbot.errors import ChatbotError

MINUTE_SECONDS = 60
DAY_SECONDS = 24 * 3600

FEW_QUESTIONS = 5
"""With so many left for the day, the page says so."""

NEARLY_ALL = 0.9
"""Of a day's tokens or dollars: from then on the page says so."""

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


@dataclass(frozen=True)
class Taken:
    """What questions took, or may take at most. Dollars of the US."""

    questions: int = 0
    tokens: int = 0
    dollars: float = 0

    def __add__(self, more: "Taken") -> "Taken":
        return Taken(
            self.questions + more.questions,
            self.tokens + more.tokens,
            self.dollars + more.dollars,
        )


@dataclass(frozen=True)
class SpentBy:
    """What one visitor has taken, or all of them."""

    today: Taken = Taken()
    last_minute: tuple[tuple[float, Taken], ...] = ()
    """What was asked when, in seconds since 1970."""
    running: int = 0
    """How many answers are being given now."""


@dataclass(frozen=True)
class Spent:
    """What there is to know before another question is asked."""

    by_visitor: SpentBy = SpentBy()
    by_site: SpentBy = SpentBy()


@dataclass(frozen=True)
class Left:
    """What a visitor may still ask today, if that is not much."""

    questions: int | None
    """None if it is tokens or money that are nearly used up."""
    until: float
    """When the next day begins, in seconds since 1970."""


NO_LIMITS = Limits()

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


def admit(limits: Limits, spent: Spent, wanted: Taken, now: float) -> Left | None:
    """Whether a question that takes `wanted` at most may be asked; what is left then, if little.

    Raises ChatbotError("limit_…"), which says when to come back, if it may not.
    """
    whose = (
        ("visitor", limits.visitor, spent.by_visitor),
        ("site", limits.site, spent.by_site),
    )
    for name, caps, taken in whose:
        if caps.at_once is not None and taken.running >= caps.at_once:
            raise ChatbotError(f"limit_at_once_{name}", count=str(caps.at_once))
    tomorrow = next_day(now)
    refusals: list[tuple[float, str]] = []
    left: list[Left] = []
    for name, caps, taken in whose:
        for cap in caps.caps:
            amount = _amount(wanted, cap.unit)
            if amount > cap.most:
                raise ChatbotError("limit_size")
            if cap.is_daily:
                rest = cap.most - _amount(taken.today, cap.unit) - amount
                if rest < 0:
                    refusals.append((tomorrow, f"limit_day_{name}"))
                elif cap.unit == "questions" and rest <= FEW_QUESTIONS:
                    left.append(Left(int(rest), tomorrow))
                elif cap.unit != "questions" and rest < cap.most * (1 - NEARLY_ALL):
                    left.append(Left(None, tomorrow))
            else:
                recent = ((at, _amount(one, cap.unit)) for at, one in taken.last_minute)
                free_at = _free_at(recent, cap.most - amount, now)
                if free_at > now:
                    refusals.append((free_at, f"limit_minute_{name}"))
    if refusals:
        until, code = max(refusals)
        raise ChatbotError(code, until=f"{until:.0f}")
    return min(left, key=lambda one: -1 if one.questions is None else one.questions, default=None)


def day_of(now: float) -> int:
    """The day of UTC a time is in, counted from 1970."""
    return int(now // DAY_SECONDS)


def next_day(now: float) -> float:
    """When the next day begins."""
    return float((day_of(now) + 1) * DAY_SECONDS)


def _free_at(recent: Iterable[tuple[float, float]], most: float, now: float) -> float:
    """When no more than `most` will be within a minute, as the oldest leave it."""
    oldest_first = sorted((at, one) for at, one in recent if at > now - MINUTE_SECONDS)
    total = sum(one for _, one in oldest_first)
    free_at = now
    for at, one in oldest_first:
        if total <= most:
            break
        total -= one
        free_at = at + MINUTE_SECONDS
    return free_at


def _amount(taken: Taken, unit: str) -> float:
    return float(getattr(taken, unit))


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
