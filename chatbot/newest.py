"""A dict that cannot grow without end: of so many entries, the oldest goes when one is added."""

from typing import TypeVar

MOST_ENTRIES = 5_000
"""Ten servers with the longest lists of models there are, in about a megabyte."""


K = TypeVar("K")
V = TypeVar("V")


class Newest(dict[K, V]):
    """For what is learned of servers, of which visitors may name any number.

    Only setting an item counts: an entry that is set anew stays as old as it is.
    """

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > MOST_ENTRIES:
            del self[next(iter(self))]
