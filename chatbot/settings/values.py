"""Types and parsers of the settings' values."""

from enum import Enum
from typing import Annotated, TypeVar

from chatbot.llm.endpoint import Price
from chatbot.models.pricing import stated_prices

T = TypeVar("T")


class Use(Enum):
    """Mark of a setting by what it is needed for."""

    ANSWERS = "answers"


ForAnswers = Annotated[T, Use.ANSWERS]
"""Type of a setting that the page needs for answers only; see `usable.py`."""


def names_in(value: object) -> tuple[str, ...]:
    """Read names, separated by commas or in a list. Raises ValueError."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError
    return tuple(name.strip() for name in names if name.strip())


def prices_in(value: object) -> tuple[Price, ...]:
    """Read prices in the form of `stated_prices`. Raises ValueError."""
    if value == ():
        return ()
    if not isinstance(value, str):
        raise ValueError
    return stated_prices(value)
