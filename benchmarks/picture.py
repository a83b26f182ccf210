"""A chart of an answer's bytes and main-thread time while it streams."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import altair as alt
import vl_convert  # noqa: F401  # needed by Altair; imported here so that a missing package fails before the measurement

Curve = Sequence[tuple[float, int, float]]
"""Seconds since Enter, bytes so far, main-thread seconds so far."""

WIDTH, HEIGHT = 360, 240  # pixels


def save(curves: Mapping[str, Curve], path: Path) -> None:
    """Draw bytes and main-thread time of each chat page into an SVG or a PNG."""
    rows = [
        {"chat": chat, "seconds": seconds, "kB": size / 1000, "busy": busy}
        for chat, curve in curves.items()
        for seconds, size, busy in curve
    ]
    data = alt.Data(values=rows)  # type: ignore[no-untyped-call]
    lines = alt.Chart(data).mark_line().properties(width=WIDTH, height=HEIGHT)
    color = alt.Color("chat:N", sort=list(curves), title=None, legend=alt.Legend(orient="bottom"))
    seconds = alt.X("seconds:Q", title="seconds since Enter")
    size = alt.Y("kB:Q", title="kB down the connection", scale=alt.Scale(type="log"))
    busy = alt.Y("busy:Q", title="seconds of the browser's main thread")
    chart = alt.hconcat(lines.encode(seconds, size, color), lines.encode(seconds, busy, color))
    chart.properties(background="white").save(str(path))
