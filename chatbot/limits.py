"""Whether one more question fits into what may be taken. Pure functions.

A minute is the last sixty seconds, a day a day of UTC: the same for every process and visitor,
wherever they are.

(The library `limits` counts in Redis, Memcached, MongoDB or memory only, and takes nothing back.)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.caps import DAY_SECONDS, MINUTE_SECONDS, Limits
from chatbot.errors import ChatbotError

FEW_QUESTIONS = 5
"""With so many left for the day, the page says so."""

NEARLY_ALL = 0.9
"""Of a day's tokens or dollars: from then on the page says so."""


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
