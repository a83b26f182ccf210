"""A dict of bounded size: when it is full, adding an entry removes the oldest one."""

from typing import TypeVar

MOST_ENTRIES = 5_000
"""Ten servers with the longest lists of models there are, in about a megabyte."""


K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(dict[K, V]):
    """A dict for facts learned about servers, because visitors may name any number of servers.

    Age counts from the first time that a key is set; setting it again does not renew it.
    """

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > MOST_ENTRIES:
            del self[next(iter(self))]
