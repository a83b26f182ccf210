"""Moments as the person who looks at the page counts them."""

import time
from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import streamlit as st


def moment(seconds: float) -> str:
    """When something was: the time, and the date unless that is today."""
    zone = _zone(st.context.timezone)
    then = datetime.fromtimestamp(seconds, zone)
    is_today = then.date() == datetime.fromtimestamp(time.time(), zone).date()
    return f"{then:%H:%M}" if is_today else f"{then:%Y-%m-%d %H:%M}"


@lru_cache
def _zone(name: str | None) -> tzinfo | None:
    """The browser's time zone; that of this machine if it named none."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # any text can be sent as a name
        return None
