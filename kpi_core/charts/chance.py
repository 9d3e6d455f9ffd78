"""Charts of what chance may bring: bonuses, the months ahead, and what moves them."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    bare_axis,
    figure_axis,
    height_of,
    labels_of,
    name_axis,
)
from kpi_core.formula import Array
from kpi_core.incentive import driver_words
from kpi_core.sensitivity import Shares, Swing
from kpi_core.simulate import HIGH, LOW, Simulated, chance_said, mean, quantile, step_said
from kpi_core.text import days, exact, money, number, percent, say
from kpi_core.uncertainty import LEVEL, Uncertain

HEIGHT = 300
MOST_BARS = 8  # drivers in a chart: the others do less
NOISE = 1e-9  # of a figure: what moves it by less does not move it
SEEN = 0.01  # of the variance: what is less has no bar
BAR = 16
HALF = (0.25, 0.75)


@spoken
def bonus_chances(found: Simulated, month: int, lang: str, ink: str = INK) -> Any:
    """How likely which bonus is in a month; ``None`` where none can be paid."""
    steps = found.steps(month)
    if not steps:
        return None
    rows = [
        {
            "name": step_said(own, found.plan.currency, lang),
            "chance": own.chance.value,
            "label": percent(own.chance.value, lang),
            "said": chance_said(own.chance, lang),
        }
        for own in steps
    ]
    frame = pd.DataFrame(rows)
    base = alt.Chart(frame).encode(
        y=name_axis(frame["name"], ink),
        x=bare_axis("chance", 1.25 * float(frame["chance"].max())),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "simulate.bonus")),
            alt.Tooltip("said:N", title=say(lang, "simulate.chance")),
        ],
    )
    bars = base.mark_bar(height=BAR, color=BLUE)
    text = base.mark_text(align="left", dx=6, fontSize=13, color=ink).encode(
        text=alt.Text("label:N")
    )
    return alt.layer(bars, text).properties(height=height_of(len(rows)), width="container")


@spoken
def fan(
    found: Simulated, draws: Array, shown: Callable[[float], str], lang: str, ink: str = INK
) -> Any:
    """The months ahead: middle and mean, within half of the cases and most of them.

    Args:
        found: whose months.
        draws: of its results: a KPI, the score or a sum, shape (months, draws).
        shown: how a figure of them is written.
    """
    rows = []
    for place, (period, own) in enumerate(zip(found.periods, draws, strict=True)):
        marks = [quantile(own, share).value for share in (LOW, HALF[0], 0.5, HALF[1], HIGH)]
        if math.isnan(marks[2]):
            continue
        low, least, middle, most, high = marks
        rows.append(
            {
                "place": place,
                "at": days(period.first, period.last, lang),
                "low": low,
                "least": least,
                "middle": middle,
                "most": most,
                "high": high,
                "mean": mean(own).value,
                "likely": shown(middle),
                "half": f"{shown(least)} – {shown(most)}",
                "wide": f"{shown(low)} – {shown(high)}",
                "average": shown(mean(own).value),
            }
        )
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    values = [float(frame["low"].min()), float(frame["high"].max())]
    months = frame["place"].astype(float).tolist()
    step = -(-len(months) // 4)
    ticks = months[::step]
    names = {
        float(place): f"{period.first.month:02}.{period.first.year % 100:02}"
        for place, period in enumerate(found.periods)
    }
    x = alt.X(
        "place:Q",
        scale=alt.Scale(domain=[months[0] - 0.2, months[-1] + 0.2], nice=False),
        axis=alt.Axis(
            title=None,
            values=ticks,
            labelExpr=labels_of(ticks, lambda place: names[place]),
            labelColor=ink,
            labelFontSize=12,
            grid=False,
        ),
    )
    base = alt.Chart(frame).encode(
        x=x,
        tooltip=[
            alt.Tooltip("at:N", title=say(lang, "simulate.month")),
            alt.Tooltip("likely:N", title=say(lang, "simulate.likely")),
            alt.Tooltip("half:N", title=say(lang, "simulate.half")),
            alt.Tooltip("wide:N", title=say(lang, "simulate.most", level=_level(lang))),
            alt.Tooltip("average:N", title=say(lang, "simulate.mean")),
        ],
    )

    def axis(name: str) -> alt.Y:
        return figure_axis(name, values, shown, ink)

    wide = base.mark_area(opacity=0.18, color=BLUE).encode(y=axis("low"), y2=alt.Y2("high:Q"))
    half = base.mark_area(opacity=0.3, color=BLUE).encode(y=axis("least"), y2=alt.Y2("most:Q"))
    names_of = {"middle": say(lang, "simulate.likely"), "mean": say(lang, "simulate.mean")}
    marked = base.transform_fold(list(names_of), as_=["kind", "value"]).encode(
        y=axis("value"), color=_colour("kind:N", names_of, [BLUE, ORANGE], ink)
    )
    line = marked.mark_line(strokeWidth=2)
    dots = marked.mark_point(filled=True, size=36, opacity=1)
    layers = [wide, half, line, dots]
    if len(rows) == 1:  # an area of one point cannot be seen
        wide = base.mark_rule(strokeWidth=14, opacity=0.25, color=BLUE)
        layers = [wide.encode(y=axis("low"), y2=alt.Y2("high:Q")), dots]
    return alt.layer(*layers).properties(height=HEIGHT, width="container")


def _colour(field: str, names: Mapping[str, str], colours: Sequence[str], ink: str) -> alt.Color:
    """Colours by what the legend names; `names` by the values of the field, or what they are."""
    keys = list(names)
    return alt.Color(
        field,
        scale=alt.Scale(domain=keys, range=list(colours)),
        legend=alt.Legend(
            title=None,
            orient="top",
            labelColor=ink,
            labelFontSize=12,
            labelLimit=220,
            labelExpr=f"({json.dumps(dict(names))})[datum.value]",
        ),
    )


def _level(lang: str) -> str:
    return percent(LEVEL, lang, 0)


@spoken
def tornado_bars(
    swings: Sequence[Swing],
    outcome: str,
    chances: Uncertain,
    currency: str,
    lang: str,
    *,
    ink: str = INK,
) -> Any:
    """An outcome with each driver low and high; ``None`` where none moves it.

    Args:
        swings: of all drivers.
        outcome: one of ``sensitivity.OUTCOMES``.
        chances: whose drivers they are.
        currency: of the plan.
    """
    moving = [own for own in swings if own.width(outcome) > NOISE * abs(own.high[outcome])]
    widest = sorted(moving, key=lambda own: -own.width(outcome))

    def shown(figure: float) -> str:
        if outcome == "total":
            return number(100 * figure, lang, 1)
        return money(figure, currency, lang, 0)

    rows = []
    for own in widest[:MOST_BARS]:
        driver = chances.model.by_id[own.driver]
        for kind, at, side in (("low", own.at_low, own.low), ("high", own.at_high, own.high)):
            rows.append(
                {
                    "name": driver.name[lang],
                    "kind": kind,
                    "said": say(lang, f"simulate.at_{kind}"),
                    "value": side[outcome],
                    "driver": driver_words(driver, exact(at), currency, lang),
                    "label": shown(side[outcome]),
                    "both": f"{shown(own.low[outcome])} … {shown(own.high[outcome])}",
                    "other": own.high[outcome],
                }
            )
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    low, high = float(frame["value"].min()), float(frame["value"].max())
    room = 0.05 * (high - low)
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    names = {kind: say(lang, f"simulate.at_{kind}") for kind in ("low", "high")}
    base = alt.Chart(frame).encode(
        y=name_axis(dict.fromkeys(frame["name"]), ink),
        x=alt.X("value:Q", axis=None, scale=scale),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "simulate.driver")),
            alt.Tooltip("said:N", title=say(lang, "charts.line")),
            alt.Tooltip("driver:N", title=say(lang, "simulate.value")),
            alt.Tooltip("label:N", title=say(lang, f"simulate.{outcome}")),
        ],
    )
    lows = base.transform_filter("datum.kind == 'low'")
    span = lows.mark_rule(strokeWidth=6, color=GREY, opacity=0.6).encode(x2=alt.X2("other:Q"))
    ends = base.mark_point(filled=True, size=110, opacity=1).encode(
        color=_colour("kind:N", names, [ORANGE, BLUE], ink)
    )
    # Both figures above their bar: beside its ends a phone has no room for them.
    text = lows.mark_text(align="right", dy=-15, fontSize=11, color=ink).encode(
        x=alt.value("width"), text=alt.Text("both:N")
    )
    return alt.layer(span, ends, text).properties(
        height=height_of(len(rows) // 2), width="container"
    )


@spoken
def share_bars(shares: Sequence[Shares], chances: Uncertain, lang: str, ink: str = INK) -> Any:
    """What of the variance each driver makes, alone and in all; ``None`` where none makes any."""
    kept = sorted(
        (own for own in shares if own.in_all.value >= SEEN), key=lambda own: -own.in_all.value
    )[:MOST_BARS]
    if not kept:
        return None
    kinds = {kind: say(lang, f"simulate.chart_{kind}") for kind in ("alone", "in_all")}
    rows = [
        {
            "name": chances.model.by_id[own.driver].name[lang],
            "kind": kind,
            "said": f"{kinds[kind]}: {chance_said(figure, lang)}",
            "share": figure.value,
            "label": percent(figure.value, lang, 0),
        }
        for own in kept
        for kind, figure in (("alone", own.alone), ("in_all", own.in_all))
    ]
    frame = pd.DataFrame(rows)
    base = alt.Chart(frame).encode(
        y=name_axis(dict.fromkeys(frame["name"]), ink),
        yOffset=alt.YOffset("kind:N", sort=list(kinds)),
        x=bare_axis("share", 1.25 * float(frame["share"].max())),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "simulate.driver")),
            alt.Tooltip("said:N", title=say(lang, "simulate.share")),
        ],
    )
    colour = _colour("kind:N", kinds, [BLUE, GREY], ink)
    bars = base.mark_bar().encode(color=colour)
    text = base.mark_text(align="left", dx=5, fontSize=12, color=ink).encode(
        text=alt.Text("label:N")
    )
    return alt.layer(bars, text).properties(height=height_of(len(kept)), width="container")
