"""Charts of an event funnel beside its steps: how long people took, and conversion day by day."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
from babel.dates import format_date

from kpi_core import words
from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, INK, figure_axis, labels_of
from kpi_core.events import Cohort, Times
from kpi_core.text import number, percent, say

HEIGHT = 190
_MOST_NAMES = 5  # below a chart, so that a phone has room for them
_THINNER = 0.44  # half of a bar, of the place it has


@spoken
def took_bars(times: Times, lang: str, ink: str = INK) -> Any:
    """How many units took how long: a bar a span, from the first to the last that has any."""
    filled = [place for place, (_, units) in enumerate(times.buckets) if units]
    spans = times.buckets[filled[0] : filled[-1] + 1]
    longest = next(upto for upto, _ in reversed(times.buckets) if upto is not None)
    names = [
        say(lang, "charts.took_longer", time=words.took(longest, lang))
        if upto is None
        else say(lang, "charts.took_upto", time=words.took(upto, lang))
        for upto, _ in spans
    ]
    rows = [
        {
            "low": place - _THINNER,
            "high": place + _THINNER,
            "at": place,
            "units": units,
            "name": name,
            "label": say(lang, "charts.of_units", units=number(units, lang),
                         rate=percent(units / times.units, lang)),
            "count": number(units, lang) if units else "",
        }
        for place, ((_, units), name) in enumerate(zip(spans, names, strict=True))
    ]  # fmt: skip
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y("units:Q", axis=None),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.took")),
            alt.Tooltip("label:N", title=say(lang, "charts.count")),
        ],
    )
    bars = base.mark_bar(color=BLUE, cornerRadiusEnd=2).encode(
        x=_places("low", names, ink), x2=alt.X2("high:Q"), y2=alt.Y2Datum(0)
    )
    counts = base.mark_text(dy=-8, fontSize=12, color=ink).encode(
        x=_places("at", names, ink), text=alt.Text("count:N")
    )
    return alt.layer(bars, counts).properties(height=HEIGHT, width="container")


@spoken
def cohort_line(cohorts: Sequence[Cohort], lang: str, ink: str = INK) -> Any:
    """The conversion of those who began on each day; hollow where their window is not over yet."""
    known = [(own, own.conversion) for own in cohorts]
    names = [str(format_date(own.first, "d MMM", locale=lang)) for own in cohorts]
    rows = [
        {
            "at": place,
            "rate": float(share.value),
            "low": share.low,
            "high": share.high,
            "whole": own.whole,
            "name": names[place],
            "label": say(lang, "charts.of_begun", rate=percent(share.value, lang),
                         begun=number(own.reached[0], lang)),
        }
        for place, (own, share) in enumerate(known)
        if share is not None
    ]  # fmt: skip
    if not rows:
        return None
    rates = [float(share.value) for _, share in known if share is not None]
    y = figure_axis("rate", [0.0, *rates], lambda rate: percent(rate, lang), ink)
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=_places("at", names, ink),
        y=y,
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.when")),
            alt.Tooltip("label:N", title=say(lang, "charts.value")),
        ],
    )
    whole = base.transform_filter("datum.whole")
    open_ = base.transform_filter("!datum.whole")
    return alt.layer(
        base.mark_line(strokeWidth=2, color=BLUE),
        whole.mark_point(filled=True, size=36, color=BLUE, opacity=1),
        open_.mark_point(filled=False, size=44, color=BLUE, strokeWidth=2),
    ).properties(height=HEIGHT, width="container")


def _places(field: str, names: Sequence[str], ink: str) -> alt.X:
    """Places 0, 1, 2 ... with a few of their names."""
    step = max(1, -(-len(names) // _MOST_NAMES))
    shown = [float(place) for place in range(0, len(names), step)]
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(domain=[-0.6, len(names) - 0.4], nice=False),
        axis=alt.Axis(
            title=None,
            values=shown,
            labelExpr=labels_of(shown, lambda place: names[int(place)]),
            labelColor=ink,
            labelFontSize=12,
            grid=False,
            ticks=False,
        ),
    )
