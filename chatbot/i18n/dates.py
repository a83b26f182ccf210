"""Dates and times as people say them: local time of day; today, yesterday, older.

Pure functions. A day is a calendar day in the visitor's own time zone, even if it has 23 or 25
hours because of daylight saving time.
"""

import math
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from chatbot.i18n import translate

T = TypeVar("T")


class Period(StrEnum):
    """Headings of the conversation list, in order."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    OLDER = "older"


@lru_cache
def zone(name: str | None) -> tzinfo:
    """Return a time zone by name, such as `Asia/Shanghai`; UTC for an unknown name."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # a browser can send any text
        return ZoneInfo("UTC")


def moment(seconds: float, now: float, timezone: tzinfo) -> str:
    """Format a time, in seconds since 1970, in a time zone; with the date unless it is today."""
    then = datetime.fromtimestamp(seconds, timezone)
    is_today = then.date() == datetime.fromtimestamp(now, timezone).date()
    return f"{then:%H:%M}" if is_today else f"{then:%Y-%m-%d %H:%M}"


def period_of(when: float, now: float, timezone: tzinfo) -> Period:
    """Return the period of a time, in seconds since 1970; the future counts as today."""
    days = (
        datetime.fromtimestamp(now, timezone).date() - datetime.fromtimestamp(when, timezone).date()
    ).days
    if days <= 0:
        return Period.TODAY
    if days == 1:
        return Period.YESTERDAY
    return Period.WEEK if days <= 7 else Period.OLDER


def by_period(
    items: Iterable[T], when: Callable[[T], float], now: float, timezone: tzinfo
) -> list[tuple[Period, list[T]]]:
    """Group items, newest first, under the headings of their periods.

    The order is kept and no heading appears twice: an item newer than the item before it, as
    after a clock was set back, stays in the earlier item's group.
    """
    order = list(Period)
    groups: list[tuple[Period, list[T]]] = []
    for item in items:
        period = period_of(when(item), now, timezone)
        if groups and order.index(period) <= order.index(groups[-1][0]):
            groups[-1][1].append(item)
        else:
            groups.append((period, [item]))
    return groups


def time_from_now(language: str, seconds: float) -> str:
    """Say a time relative to now: "in 3 hours", or "now"."""
    if seconds <= 0:
        return translate(language, "when.now")
    name, unit_seconds = "minute", 60
    if seconds > 90 * 60:
        name, unit_seconds = "hour", 3600
    if seconds > 36 * 3600:
        name, unit_seconds = "day", 86400
    # Rounded up, because an earlier visit would be in vain; a single second does not count.
    count = max(1, math.ceil((seconds - 1) / unit_seconds))
    return translate(language, f"when.{name}" if count == 1 else f"when.{name}s", count=count)


def thought_for(language: str, seconds: float) -> str:
    """Say how long a model has been reasoning; 0 seconds means unknown."""
    if not seconds:
        return translate(language, "thoughts.untimed")
    minutes, rest = divmod(max(1, round(seconds)), 60)
    name = "done_minutes" if minutes else "done"
    return translate(language, f"thoughts.{name}", minutes=minutes, seconds=rest)
