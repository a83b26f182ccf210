"""When something was, as a person says it: a time on their own clock; today, yesterday, older.

Pure functions. A day is a day of the calendar in the person's own time zone,
whatever its length: one has 23 hours where the clocks go forward.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")


class Period(StrEnum):
    """The headings of a list, in their order."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    OLDER = "older"


@lru_cache
def zone(name: str | None) -> tzinfo:
    """The time zone of this name, such as `Asia/Shanghai`; UTC if there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # a browser can send anything
        return ZoneInfo("UTC")


def moment(seconds: float, now: float, where: tzinfo) -> str:
    """A time since 1970 on the clock there, with its date unless that is today."""
    then = datetime.fromtimestamp(seconds, where)
    is_today = then.date() == datetime.fromtimestamp(now, where).date()
    return f"{then:%H:%M}" if is_today else f"{then:%Y-%m-%d %H:%M}"


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
