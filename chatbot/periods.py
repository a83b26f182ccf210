"""How long ago something was, as a person says it: today, yesterday, last 7 days, older.

Pure functions. A day is a day of the calendar in the person's own time zone,
whatever its length: one has 23 hours where the clocks go forward.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")


class Period(StrEnum):
    """The headings of a list, in their order."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    OLDER = "older"


def zone(name: str | None) -> tzinfo:
    """The time zone of this name, such as `Asia/Shanghai`; UTC if there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def period_of(when: float, now: float, where: tzinfo) -> Period:
    """In which period a time is, both in seconds since 1970; what is to come is today."""
    days = (
        datetime.fromtimestamp(now, where).date() - datetime.fromtimestamp(when, where).date()
    ).days
    if days <= 0:
        return Period.TODAY
    if days == 1:
        return Period.YESTERDAY
    return Period.WEEK if days <= 7 else Period.OLDER


def by_period(
    items: Iterable[T], when: Callable[[T], float], now: float, where: tzinfo
) -> list[tuple[Period, list[T]]]:
    """Items from the newest on, under the headings of their periods.

    Their order is kept and no heading comes twice: an item whose time is newer
    than that of the one before it, as after a clock was set back, stays with that.
    """
    order = list(Period)
    groups: list[tuple[Period, list[T]]] = []
    for item in items:
        period = period_of(when(item), now, where)
        if groups and order.index(period) <= order.index(groups[-1][0]):
            groups[-1][1].append(item)
        else:
            groups.append((period, [item]))
    return groups
