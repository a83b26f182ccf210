"""Dates in the person's own time zone; no heading of the list appears twice."""

from datetime import UTC, datetime, timedelta

import pytest

from chatbot.i18n.dates import Period, by_period, period_of, zone

SHANGHAI, NEW_YORK = zone("Asia/Shanghai"), zone("America/New_York")


def at(text: str, where: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone(where)).timestamp()


@pytest.mark.parametrize(
    ("when", "period"),
    [
        ("2026-03-10 23:59:59", "today"),
        ("2026-03-10 12:00", "today"),
        ("2026-03-10 00:00", "today"),
        ("2026-03-09 23:59:59", "yesterday"),
        ("2026-03-09 00:00", "yesterday"),
        ("2026-03-08 23:59:59", "week"),
        ("2026-03-03 00:00", "week"),
        ("2026-03-02 23:59:59", "older"),
        ("1970-01-01 00:00", "older"),
        ("2026-03-11 09:00", "today"),
    ],
)
@pytest.mark.parametrize("where", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_day_begins_at_midnight_where_the_person_is(when: str, period: str, where: str) -> None:
    now = at("2026-03-10 12:00", where)
    assert period_of(at(when, where), now, zone(where)) == period


def test_one_moment_is_another_day_elsewhere() -> None:
    when, now = at("2026-05-01 15:30"), at("2026-05-01 16:30")
    assert period_of(when, now, UTC) is Period.TODAY
    assert period_of(when, now, SHANGHAI) is Period.YESTERDAY


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_a_day_of_23_or_25_hours_is_one_day(day: str) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=NEW_YORK)
    next_day = midnight + timedelta(days=1)
    now = next_day.timestamp() + 60
    assert period_of(midnight.timestamp(), now, NEW_YORK) is Period.YESTERDAY
    assert period_of(midnight.timestamp() - 1, now, NEW_YORK) is Period.WEEK
    assert period_of(next_day.timestamp() - 1, now, NEW_YORK) is Period.YESTERDAY


def test_groups_keep_the_order_and_never_repeat_after_a_clock_was_set_back() -> None:
    now = at("2026-03-10 12:00")
    days = ["2026-03-10", "2026-03-08", "2026-03-10", "2026-03-09", "2020-01-01", "2026-03-10"]
    groups = by_period(days, lambda day: at(f"{day} 08:00"), now, UTC)
    assert groups == [
        (Period.TODAY, days[:1]),
        (Period.WEEK, days[1:4]),
        (Period.OLDER, days[4:]),
    ]
    assert by_period([], at, now, UTC) == []


@pytest.mark.parametrize(
    "name", [None, "", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "America", "a\0b", "é"]
)
def test_a_time_zone_that_there_is_not_is_utc(name: str | None) -> None:
    assert zone(name).utcoffset(datetime(2026, 7, 1)) == timedelta(0)
