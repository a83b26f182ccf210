"""Cached results that all sessions share for a limited time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar

import streamlit as st

P = ParamSpec("P")
T = TypeVar("T")


class Lasting(Generic[P, T]):
    """A function whose results are cached, as by `st.cache_resource` with a `ttl`.

    `st.cache_resource` first checks that a result exists and then reads the result. If the result
    expires in between, it raises KeyError (Streamlit 1.67), and the visitor would see a failed
    page. This class calls the function again, which makes a new result.
    """

    def __init__(self, make: Callable[P, T], life: timedelta, **options: Any) -> None:
        keep = st.cache_resource(ttl=life, show_spinner=False, **options)
        self._kept = keep(make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._kept(*args, **kwargs)
        except KeyError:
            return self._kept(*args, **kwargs)

    def clear(self) -> None:
        """Discard all cached results."""
        self._kept.clear()


def lasting(life: timedelta, **options: Any) -> Callable[[Callable[P, T]], Lasting[P, T]]:
    """Cache a function's results for `life`; `options` are passed to `st.cache_resource`."""
    return lambda make: Lasting(make, life, **options)
