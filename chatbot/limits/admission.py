"""The decision to admit or refuse a question under the limits. Pure functions.

A minute is the last sixty seconds, and a day is a UTC day: the same for every process and visitor.

(The library `limits` counts only in Redis, Memcached, MongoDB or memory, and cannot release a
reservation.)
"""

from collections.abc import Iterable

from chatbot.errors import ChatbotError
from chatbot.limits.policy import Limits
from chatbot.store.quota import DAY_SECONDS, MINUTE_SECONDS, Amounts, Remaining, Spent, day_of

FEW_QUESTIONS = 5
"""The page shows the number of questions left for the day when at most this many are left."""

NEARLY_ALL = 0.9
"""Used part of a day's tokens or dollars from which the page warns the visitor."""


def admit(limits: Limits, spent: Spent, most: Amounts, now: float) -> Remaining | None:
    """Admit a question that uses `most` at most; return what is then left today, if little.

    Raises ChatbotError("limit_…"), with the time to come back, if the question is refused.
    """
    scopes = (
        ("visitor", limits.visitor, spent.by_visitor),
        ("site", limits.site, spent.by_site),
    )
    for name, policy, taken in scopes:
        if policy.at_once is not None and taken.running >= policy.at_once:
            raise ChatbotError(f"limit_at_once_{name}", count=str(policy.at_once))
    tomorrow = next_day(now)
    refusals: list[tuple[float, str]] = []
    left: list[Remaining] = []
    for name, policy, taken in scopes:
        for limit in policy.rate_limits:
            amount = _amount(most, limit.unit)
            if amount > limit.most:
                raise ChatbotError("limit_size")
            if limit.is_daily:
                rest = limit.most - _amount(taken.today, limit.unit) - amount
                if rest < 0:
                    refusals.append((tomorrow, f"limit_day_{name}"))
                elif limit.unit == "questions" and rest <= FEW_QUESTIONS:
                    left.append(Remaining(int(rest), tomorrow))
                elif limit.unit != "questions" and rest < limit.most * (1 - NEARLY_ALL):
                    left.append(Remaining(None, tomorrow))
            else:
                recent = ((at, _amount(usage, limit.unit)) for at, usage in taken.last_minute)
                free_at = _free_at(recent, limit.most - amount, now)
                if free_at > now:
                    refusals.append((free_at, f"limit_minute_{name}"))
    if refusals:
        until, code = max(refusals)
        raise ChatbotError(code, until=f"{until:.0f}")
    return min(
        left, key=lambda rest: -1 if rest.questions is None else rest.questions, default=None
    )


def next_day(now: float) -> float:
    """Return when the next UTC day begins, in seconds since 1970."""
    return float((day_of(now) + 1) * DAY_SECONDS)


def _free_at(recent: Iterable[tuple[float, float]], most: float, now: float) -> float:
    """Return when the sum of the last minute falls to `most`, as the oldest amounts expire."""
    oldest_first = sorted((at, amount) for at, amount in recent if at > now - MINUTE_SECONDS)
    total = sum(amount for _, amount in oldest_first)
    free_at = now
    for at, amount in oldest_first:
        if total <= most:
            break
        total -= amount
        free_at = at + MINUTE_SECONDS
    return free_at


def _amount(taken: Amounts, unit: str) -> float:
    return float(getattr(taken, unit))
