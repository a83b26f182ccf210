"""Limits of visitors and the whole site, and how the settings express them. Pure.

Written in words: `10 questions per minute, 500k tokens per day, 3 at once`. A new visitor's id
costs nothing, so only the site's limits protect the owner.
"""

import re
from dataclasses import dataclass, replace

from chatbot.store.quota import DAY_SECONDS, MINUTE_SECONDS

OFF = "off"


@dataclass(frozen=True)
class RateLimit:
    """The most questions, tokens or dollars in a minute or a day."""

    most: float
    unit: str
    """questions, tokens or dollars."""
    seconds: int

    @property
    def is_daily(self) -> bool:
        """True for a limit per day."""
        return self.seconds == DAY_SECONDS


@dataclass(frozen=True)
class Policy:
    """All limits of one visitor, or of the site. Bytes are decimal: a MB is a million."""

    rate_limits: tuple[RateLimit, ...] = ()
    at_once: int | None = None
    """Most answers running at the same time."""
    stored_bytes: int | None = None
    """Most bytes on disk."""

    @property
    def are_of_questions(self) -> bool:
        """True if questions have to be counted."""
        return bool(self.rate_limits) or self.at_once is not None


@dataclass(frozen=True)
class AnswerLimits:
    """Longest answer in tokens and in seconds; None for no limit."""

    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Limits:
    """All limits of visitors, the site and answers."""

    visitor: Policy = Policy()
    site: Policy = Policy()
    answer: AnswerLimits = AnswerLimits()

    @property
    def are_counted(self) -> bool:
        """True if any limit needs questions to be counted."""
        return self.visitor.are_of_questions or self.site.are_of_questions

    @property
    def count_minutes(self) -> bool:
        """True if the site has a limit per minute."""
        return not all(limit.is_daily for limit in self.site.rate_limits)

    @property
    def count_dollars(self) -> bool:
        """True if any limit is in dollars."""
        return any(
            limit.unit == "dollars" for limit in (*self.visitor.rate_limits, *self.site.rate_limits)
        )


_RATE = re.compile(
    r"(?P<number>\d{1,12}(\.\d{1,6})?)(?P<thousand>[kM]?) ?(?P<unit>question|token|dollar)s?"
    r" ?(per |/ ?)(?P<period>minute|day)"
)
_AT_ONCE = re.compile(r"(\d{1,6}) at once")
_STORED = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([kMG]B) stored")
_LENGTH = re.compile(r"(\d{1,9})([kM]?) tokens?")
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) (second|minute)s?")
_THOUSANDS = {"": 1, "k": 1000, "M": 1_000_000}
_BYTES = {"GB": 1_000_000_000, "MB": 1_000_000, "kB": 1000}


def policy_in(text: str) -> Policy:
    """Parse a setting with limits, `off` for none. Raises ValueError if it is not valid."""
    rate_limits, at_once, stored_bytes = [], None, None
    for part in _parts(text):
        if match := _RATE.fullmatch(part):
            most = float(match["number"]) * _THOUSANDS[match["thousand"]]
            is_day = match["period"] == "day"
            seconds = DAY_SECONDS if is_day else MINUTE_SECONDS
            rate_limits.append(RateLimit(_more_than_none(most), f"{match['unit']}s", seconds))
        elif match := _AT_ONCE.fullmatch(part):
            at_once = int(_more_than_none(int(match[1])))
        elif match := _STORED.fullmatch(part):
            stored_bytes = int(_more_than_none(float(match[1]) * _BYTES[match[2]]))
        else:
            raise ValueError("no limit")
    return Policy(tuple(rate_limits), at_once, stored_bytes)


def shown_bytes(count: int) -> str:
    """Format a number of bytes for people: `0.1 MB`, `512 MB`, `4.2 GB`."""
    for unit in ("GB", "MB"):
        if count >= _BYTES[unit] or unit == "MB":
            number = max(count / _BYTES[unit], 0.1 if count else 0)
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.1f} {unit}"
    raise AssertionError


def answer_limits_in(text: str) -> AnswerLimits:
    """Parse a setting with limits of answers, `off` for none. Raises ValueError if not valid."""
    limits = AnswerLimits()
    for part in _parts(text):
        if match := _LENGTH.fullmatch(part):
            tokens = int(_more_than_none(int(match[1]) * _THOUSANDS[match[2]]))
            limits = replace(limits, tokens=tokens)
        elif match := _TIME.fullmatch(part):
            unit = MINUTE_SECONDS if match[2] == "minute" else 1
            limits = replace(limits, seconds=_more_than_none(float(match[1])) * unit)
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
    if number <= 0:  # 0 would be ambiguous: it could mean none or unlimited
        raise ValueError("no limit")
    return number


PUBLIC = Limits(
    policy_in(
        "10 questions per minute, 200 questions per day, 500k tokens per day, 3 at once,"
        " 500 MB stored"
    ),
    policy_in(
        "60 questions per minute, 2000 questions per day, 5M tokens per day, 10 dollars per day,"
        " 30 at once, 5 GB stored"
    ),
    answer_limits_in("8192 tokens, 10 minutes"),
)
"""Default limits if other people can reach the app: more than a person types in a day, but no
surprising bill for the owner."""
