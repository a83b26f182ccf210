"""The owner's usage view: tokens, money, errors and speed, by day and by model.

The page also shows the charts' numbers as text. The data of a chart are inside its specification:
passed to Streamlit separately, they would load pandas and pyarrow, 86 MB of memory.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import Any

import streamlit as st

from chatbot.markdown import escape
from chatbot.markdown.escape import plain
from chatbot.store import ModelDay
from chatbot.store.quota import DAY_SECONDS, Amounts, day_of
from chatbot.ui import navigation, services
from chatbot.ui.chat.context_meter import in_dollars, in_thousands
from chatbot.ui.frontend import look
from chatbot.ui.pages import sign_in
from chatbot.ui.session.language import t

RANGES = (7, 30, 90)

SHOWN_MODELS = 7
"""Number of models with a colour of their own, as more colours are hard to tell apart.

All other models are drawn together.
"""

CHART_HEIGHT = 220

CAPS = {
    "questions": "usage.cap_questions",
    "tokens": "usage.cap_tokens",
    "dollars": "usage.cap_dollars",
}


@dataclass(frozen=True)
class Chart:
    """Chart of a number by day and model."""

    title: str
    number: Callable[[ModelDay], float | None]
    adds_up: bool = True
    """The numbers of several models add up, so bars are stacked; otherwise each model is a line."""
    format: str = "~s"
    """Format of the axis labels, in the syntax of d3-format."""
    step: float = 1
    """Smallest distance between two marks of the axis."""


CHARTS = (
    Chart("usage.tokens", lambda usage: usage.tokens),
    Chart(
        "usage.dollars",
        lambda usage: usage.dollars + usage.assumed_dollars,
        format="$~r",
        step=1e-4,
    ),
    Chart("usage.failures", lambda usage: usage.failures),
    Chart(
        "usage.seconds_to_first_text", lambda usage: usage.seconds_to_first_text, False, "~r", 0.1
    ),
    Chart("usage.tokens_per_second", lambda usage: usage.tokens_per_second, False),
)


def show_usage() -> None:
    """Draw the usage view for admins, in place of the conversation."""
    if not sign_in.let_admin_in():
        return
    with st.container():
        navigation.show_head(t("usage.title"), t("usage.help"))
    spending = services.usual().store.spending
    today = day_of(time.time())
    with st.container():
        _show_today([day for day in spending.by_day(1) if day.day == today])
    chosen = st.segmented_control(
        t("usage.range"),
        RANGES,
        default=RANGES[1],
        required=True,
        # The leading blank keeps Streamlit from loading a list of emoji; see language.py.
        format_func=lambda count: f" {t('usage.days', count=count)}",
        key="usage_range",
        label_visibility="collapsed",
    )
    count = chosen if chosen in RANGES else RANGES[1]
    with look.fresh_place(str(count), "usage"):
        days = spending.by_day(count)
        if days:
            _show_all(days, range(today - count + 1, today + 1))
        else:
            st.info(t("usage.nothing"), icon=":material/bar_chart:")


def _show_today(days: list[ModelDay]) -> None:
    """Draw today's totals, and how much of the site's daily limits is used up."""
    caps = [cap for cap in services.limits().site.rate_limits if cap.is_daily]
    st.header(t("usage.today"), anchor=False)
    total = reduce(add, days) if days else None
    if total is None:
        st.caption(t("usage.nothing_today"))
    else:
        st.markdown(plain(_line(total, with_visitors=True)))
    taken = total.taken if total else Amounts()
    for cap in caps:
        used = float(getattr(taken, cap.unit))
        format_amount = (
            in_dollars if cap.unit == "dollars" else lambda number: in_thousands(round(number))
        )
        words = t(CAPS[cap.unit], used=format_amount(used), most=format_amount(cap.most))
        st.progress(min(1.0, used / cap.most), plain(words))


def _show_all(days: list[ModelDay], shown_days: range) -> None:
    by_model = _sums(days, lambda day: day.model)
    by_model.sort(key=lambda usage: usage.tokens, reverse=True)
    names = {usage.model: _name(usage.model) for usage in by_model[:SHOWN_MODELS]}
    drawn = _sums(days, lambda day: (day.day, names.get(day.model, t("usage.other"))))
    labels = [_date(day)[5:] for day in shown_days]
    assumed = sum(day.assumed_dollars for day in days)
    first, *others = CHARTS
    _show_chart(first, drawn, names, labels, has_legend=True)
    places = [place for _ in others[::2] for place in st.columns(2)]
    for chart, place in zip(others, places, strict=True):
        with place:
            _show_chart(chart, drawn, names, labels)
            if chart.title == "usage.dollars" and assumed:
                st.caption(plain(t("usage.assumed", dollars=in_dollars(assumed))))
    st.header(t("usage.by_model"), anchor=False)
    _show_lines([(_name(usage.model), usage) for usage in by_model], False)
    by_day = _sums(days, lambda day: day.day)
    by_day.sort(key=lambda usage: usage.day, reverse=True)
    with st.expander(t("usage.by_day")):
        _show_lines([(_date(usage.day), usage) for usage in by_day], True)


def _show_chart(
    chart: Chart,
    days: list[ModelDay],
    names: dict[str, str],
    labels: list[str],
    has_legend: bool = False,
) -> None:
    title, model_title, day_title = t(chart.title), t("usage.model"), t("usage.day")
    st.header(title, anchor=False)
    values = [
        {"day": _date(day.day)[5:], "model": names.get(day.model, t("usage.other")), "value": value}
        for day in days
        if (value := chart.number(day)) is not None and (value or not chart.adds_up)
    ]
    if not values:
        st.caption(t("usage.none"))
        return
    of_day = {"field": "day", "title": day_title}
    of_value = {"field": "value", "type": "quantitative", "title": title, "format": ".4~r"}
    of_model = {"field": "model", "type": "nominal", "title": model_title}
    models = dict.fromkeys([*names.values(), *(str(value["model"]) for value in values)])
    axis = {"title": None, "labelAngle": 0, "labelOverlap": True, "ticks": False}
    encoding: dict[str, Any] = {
        "x": {**of_day, "type": "ordinal", "scale": {"domain": labels}, "axis": axis},
        "y": {
            **of_value,
            "axis": {
                "title": None,
                "tickCount": 4,
                "tickMinStep": chart.step,
                "format": chart.format,
            },
        },
        "color": {
            **of_model,
            "scale": {"domain": list(models)},  # a model's colour is the same in every chart
            "legend": {"title": None, "orient": "bottom", "columns": 2} if has_legend else None,
        },
        "tooltip": [{**of_day, "type": "nominal"}, of_model, of_value],
    }
    kind = {"type": "bar"} if chart.adds_up else {"type": "line", "point": {"aria": False}}
    mark = {**kind, "aria": False}  # Vega's own labels are in English; the chart has `alt`
    layer = {"data": {"values": values}, "mark": mark, "encoding": encoding}
    most = max(values, key=lambda value: float(value["value"]))  # type: ignore[arg-type]
    st.vega_lite_chart(
        {"layer": [layer], "height": CHART_HEIGHT, "config": {"aria": False}},
        alt=t("usage.alt", title=title, day=most["day"], value=f"{most['value']:.4g}"),
    )


def _show_lines(named: Iterable[tuple[str, ModelDay]], with_visitors: bool) -> None:
    lines = [
        f"- **{plain(name)}**  \n  {plain(_line(usage, with_visitors))}" for name, usage in named
    ]
    st.markdown("\n".join(lines))


def _line(total: ModelDay, with_visitors: bool = False) -> str:
    """Return all numbers of a model or a day as a line of text."""
    parts = [t("usage.part_questions", count=total.questions)]
    if with_visitors:
        parts.append(t("usage.part_visitors", count=total.visitors))
    read, written = in_thousands(total.read_tokens), in_thousands(total.written_tokens)
    parts.append(t("cost.tokens", read=read, written=written))
    if dollars := total.dollars + total.assumed_dollars:
        parts.append(in_dollars(dollars))
    if total.failures:
        parts.append(t("usage.part_failures", count=total.failures))
    if total.seconds_to_first_text is not None:
        parts.append(t("usage.part_first_text", seconds=f"{total.seconds_to_first_text:.1f}"))
    if total.tokens_per_second is not None:
        parts.append(t("usage.part_speed", speed=f"{total.tokens_per_second:.0f}"))
    return " · ".join(parts)


def _sums(days: Iterable[ModelDay], key: Callable[[ModelDay], object]) -> list[ModelDay]:
    """Add up the days that have the same key."""
    sums: dict[object, ModelDay] = {}
    for day in days:
        name = key(day)
        sums[name] = sums[name] + day if name in sums else day
    return list(sums.values())


def _name(model: str) -> str:
    return escape.visible(model) or t("usage.other")


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_SECONDS, UTC).date().isoformat()
