"""Charts of rules over the past: what each would have paid by month, and the profit below."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
from babel.dates import format_date

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, INK, ORANGE, figure_axis
from kpi_core.model import Period
from kpi_core.replay import Replay
from kpi_core.text import exact, money, say

COLOURS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")
DASHES = ([1, 0], [6, 4], [2, 2], [8, 3, 2, 3], [4, 1], [1, 3])
TALL, LOW = 300, 170
MOST_NAMES = 4  # of months below a chart, so that a phone has room for them
LONG = 14  # letters: two rules of a longer name do not fit side by side on a phone
MARGIN = 86  # of the figures at the left, so that months of both charts stand under each other


@spoken
def pay_steps(replay: Replay, lang: str, ink: str = INK) -> Any:
    """The pay of every month by every rule; ``None`` where nothing can be paid.

    A month without a payout is a gap with a cross below, which says why.
    """
    names = _names(replay.months, lang)
    rows = [
        {
            "month": name,
            "pay": None if own.paid is None else float(own.paid.pay),
            "rule": rule.name,
            "paid": own.paid is not None,
            "label": _why(own.blocked.text(lang)) if own.blocked else _money(
                own.paid.pay if own.paid else None, replay.currency, lang
            ),
        }
        for rule in replay.rules
        for name, own in zip(names, rule.outcomes, strict=True)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["month", "pay", "rule", "paid", "label"])
    known = frame["pay"].dropna().tolist()
    if not known:
        return None
    tooltip = [
        alt.Tooltip("month:N", title=say(lang, "charts.when")),
        alt.Tooltip("rule:N", title=say(lang, "charts.rule")),
        alt.Tooltip("label:N", title=say(lang, "charts.pay")),
    ]
    y = figure_axis("pay", known, lambda pay: _money(pay, replay.currency, lang), ink)
    rules = [rule.name for rule in replay.rules]
    colours = alt.Scale(domain=rules, range=_repeated(COLOURS, len(rules)))
    dashes = alt.Scale(domain=rules, range=_repeated(DASHES, len(rules)))
    legend = alt.Legend(
        title=None, orient="top", labelColor=ink, labelFontSize=12, symbolType="stroke",
        symbolSize=300, labelLimit=220,
        columns=1 if max(map(len, rules)) > LONG else 2,
    )  # fmt: skip
    colour = alt.Color("rule:N", scale=colours, legend=legend)
    base = alt.Chart(frame).encode(x=_month_axis(names, ink), tooltip=tooltip)
    lines = base.mark_line(interpolate="step", strokeWidth=2).encode(
        y=y, color=colour, strokeDash=alt.StrokeDash("rule:N", scale=dashes, legend=legend)
    )
    points = base.mark_point(filled=True, size=40, opacity=1).encode(
        y=y, color=alt.Color("rule:N", scale=colours, legend=None)
    )
    crosses = (
        base.transform_filter("!datum.paid")
        .mark_text(text="×", fontSize=15, baseline="bottom")
        .encode(y=alt.value("height"), color=alt.Color("rule:N", scale=colours, legend=None))
    )
    return _framed(alt.layer(lines, points, crosses), TALL)


@spoken
def profit_bars(replay: Replay, lang: str, ink: str = INK) -> Any:
    """Profit after advertising of every month; ``None`` where it is not known of any."""
    names = _names(replay.months, lang)
    rows = [
        {
            "month": name,
            "profit": None if profit is None else float(profit),
            "label": _money(profit, replay.currency, lang),
        }
        for name, profit in zip(names, replay.profits, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["month", "profit", "label"])
    known = frame["profit"].dropna().tolist()
    if not known:
        return None
    tooltip = [
        alt.Tooltip("month:N", title=say(lang, "charts.when")),
        alt.Tooltip("label:N", title=say(lang, "charts.profit")),
    ]
    y = figure_axis("profit", [*known, 0.0], lambda f: _money(f, replay.currency, lang), ink)
    colour = alt.condition("datum.profit < 0", alt.value(ORANGE), alt.value(BLUE))
    bars = alt.Chart(frame).mark_bar().encode(
        x=_month_axis(names, ink), y=y, color=colour, tooltip=tooltip
    )  # fmt: skip
    return _framed(bars, LOW)


def _framed(chart: Any, height: int) -> Any:
    return chart.properties(height=height, width="container").configure_axisY(
        minExtent=MARGIN, maxExtent=MARGIN
    )


def _names(months: Sequence[Period], lang: str) -> list[str]:
    return [str(format_date(month.first, "LLL yy", locale=lang)) for month in months]


def _month_axis(names: Sequence[str], ink: str) -> alt.X:
    """Months side by side, of which a few are named, the last among them."""
    step = max(1, -(-len(names) // MOST_NAMES))
    shown = names[(len(names) - 1) % step :: step]
    axis = alt.Axis(
        title=None,
        values=shown,
        labelAngle=0,
        labelOverlap=False,
        labelColor=ink,
        labelFontSize=12,
        grid=False,
        ticks=False,
    )
    scale = alt.Scale(type="band", domain=list(names))
    return alt.X("month:N", sort=list(names), scale=scale, axis=axis, bandPosition=0.5)


def _repeated(looks: Sequence[Any], count: int) -> list[Any]:
    return [looks[place % len(looks)] for place in range(count)]


def _money(amount: Any, currency: str, lang: str) -> str:
    return money(None if amount is None else exact(amount), currency, lang, 0)


def _why(text: str) -> str:
    """A tooltip holds a sentence, not a paragraph."""
    return text if len(text) <= 160 else text[:159] + "…"
