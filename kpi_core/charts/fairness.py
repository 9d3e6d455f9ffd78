"""Charts of the fairness of a rule: pay over true performance, and how often what is paid."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, INK, ORANGE, figure_axis, labels_of, name_axis
from kpi_core.fairness import MIDDLE, SAME, Fairness, Odds
from kpi_core.text import money, number, percent, say

COLOURS = {"rule": BLUE, "line": ORANGE}
TENTHS = 10  # parts of the largest bonus, a bar each
FEWEST = 0.005  # of the months: rarer bars are left out
HEIGHT, PAIR, HEAD = 330, 44, 70  # pixels: of the band, of a pair of bars, of legend and titles

ON_TOP = {
    "titleAngle": 0, "titleAlign": "right", "titleAnchor": "end", "titleBaseline": "bottom",
    "titleX": -8, "titleY": -6, "titleFontWeight": "normal",
}  # fmt: skip


@spoken
def pay_band(found: Fairness, lang: str, ink: str = INK) -> Any:
    """Average pay at each true performance, with the band that holds the middle of the cases."""
    said = _said(found, lang)
    rows = [
        _band_row(found, odds, name, lang)
        for name, own in zip(said.values(), (found.stepped, found.linear), strict=False)
        for odds in own
    ]
    frame = pd.DataFrame(rows)
    levels = sorted({row["level"] for row in rows})
    marks = [level for level in levels if round(level * 100) % 20 == 0] or levels
    x = alt.X(
        "level:Q",
        scale=alt.Scale(domain=[levels[0], levels[-1]], nice=False),
        axis=alt.Axis(
            title=say(lang, "fairness.level"),
            titleColor=ink,
            titleFontWeight="normal",
            values=marks,
            labelExpr=labels_of(marks, lambda level: percent(level, lang, 0)),
            labelColor=ink,
            labelFontSize=12,
            grid=False,
        ),
    )
    low, high = float(frame["low"].min()), float(frame["high"].max())

    def shown(amount: float) -> str:
        return money(amount, found.plan.currency, lang, 0)

    colour = _colour(said, ink)
    y = figure_axis("pay", [low, high], shown, ink)
    base = alt.Chart(frame).encode(x=x, color=colour)
    edge = figure_axis("low", [low, high], shown, ink)
    band = base.mark_area(opacity=0.22).encode(y=edge, y2=alt.Y2("high:Q"))
    line = base.mark_line(strokeWidth=2.5).encode(y=y)
    dots = base.mark_point(filled=True, size=28, opacity=1).encode(
        y=y,
        tooltip=[
            alt.Tooltip("at:N", title=say(lang, "fairness.level")),
            alt.Tooltip("kind:N", title=say(lang, "charts.line")),
            alt.Tooltip("label:N", title=say(lang, "fairness.pay")),
            alt.Tooltip("range:N", title=_middle(lang)),
            alt.Tooltip("nothing:N", title=say(lang, "fairness.nothing")),
            alt.Tooltip("full:N", title=say(lang, "fairness.full")),
        ],
    )
    return alt.layer(band, line, dots).properties(height=HEIGHT, width="container")


def _middle(lang: str) -> str:
    return say(lang, "fairness.band", middle=percent(MIDDLE, lang, 0))


def _said(found: Fairness, lang: str) -> dict[str, str]:
    """What is drawn: the rule and, if it has steps, the straight line."""
    kinds = ["rule"] if found.is_straight else ["rule", "line"]
    return {kind: say(lang, f"fairness.{kind}") for kind in kinds}


def _colour(said: dict[str, str], ink: str) -> alt.Color:
    legend = alt.Legend(
        title=None, orient="top", labelColor=ink, labelFontSize=12, labelLimit=220,
        symbolOpacity=1, columns=2 if sum(map(len, said.values())) <= 32 else 1,
    )  # fmt: skip
    colours = [COLOURS[kind] for kind in said]
    return alt.Color(
        "kind:N", scale=alt.Scale(domain=list(said.values()), range=colours), legend=legend
    )


def _band_row(found: Fairness, odds: Odds, kind: str, lang: str) -> dict[str, Any]:
    low, high = (found.pay(share) for share in odds.interval())
    pay = found.pay(odds.expected)
    shown = [money(amount, found.plan.currency, lang, 0) for amount in (low, high, pay)]
    return {
        "level": float(odds.level),
        "pay": pay,
        "low": low,
        "high": high,
        "kind": kind,
        "at": percent(odds.level, lang, 0),
        "label": shown[2],
        "range": f"{shown[0]} – {shown[1]}",
        "nothing": percent(odds.nothing, lang, 0),
        "full": percent(odds.full, lang, 0),
    }


@spoken
def pay_bars(found: Fairness, level: Fraction, lang: str, ink: str = INK) -> Any:
    """How often which bonus is paid at one true performance."""
    said = _said(found, lang)
    top = max(odds.top for odds in found.at(level))
    names = _names(found, top, lang)
    rows = []
    for kind, odds in zip(said.values(), found.at(level), strict=False):
        for name, chance in zip(names, _parts(odds, top), strict=True):
            label = percent(chance, lang, 0)  # of empty bars as well: a row says both figures
            rows.append({"name": name, "kind": kind, "chance": float(chance), "label": label})
    frame = pd.DataFrame(rows)
    most = frame.groupby("name")["chance"].max()
    kept = [name for name in names if most[name] >= FEWEST]
    frame = frame[frame["name"].isin(kept)]
    y = name_axis(kept, ink)
    for name, own in {"title": say(lang, "fairness.bonus"), "titleColor": ink, **ON_TOP}.items():
        y["axis"][name] = own
    base = alt.Chart(frame).encode(
        y=y,
        yOffset=alt.YOffset("kind:N", sort=list(said.values())),
        x=alt.X(
            "chance:Q",
            axis=_bare(say(lang, "fairness.cases"), ink),
            scale=alt.Scale(domain=[0, 1.2 * frame["chance"].max()]),
        ),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "fairness.bonus")),
            alt.Tooltip("kind:N", title=say(lang, "charts.line")),
            alt.Tooltip("label:N", title=say(lang, "fairness.cases")),
        ],
    )
    bars = base.mark_bar().encode(color=_colour(said, ink))
    text = base.mark_text(align="left", dx=5, fontSize=12, color=ink).encode(
        text=alt.Text("label:N")
    )
    height = HEAD + PAIR * len(kept)
    return alt.layer(bars, text).properties(height=height, width="container")


def _bare(title: str, ink: str) -> alt.Axis:
    """An axis with nothing but its title: the bars say their figures."""
    return alt.Axis(
        title=title, titleColor=ink, titleFontWeight="normal", orient="top",
        labels=False, ticks=False, domain=False, grid=False,
    )  # fmt: skip


def _names(found: Fairness, top: float, lang: str) -> list[str]:
    """Nothing, tenths of the largest bonus in money, and all of it."""
    currency, most = found.plan.currency, top * float(found.plan.scheme.stake)
    marks = [most * tenth / TENTHS for tenth in range(TENTHS + 1)]
    between = [
        f"{number(low, lang)} – {money(high, currency, lang, 0)}" for low, high in pairwise(marks)
    ]
    all_paid = say(lang, "fairness.all_paid", most=money(most, currency, lang, 0))
    return [say(lang, "fairness.none_paid"), *between, all_paid]


def _parts(odds: Odds, top: float) -> list[float]:
    """How likely nothing, each tenth (its lower end with it) and all is paid."""
    if not top:
        return [1.0, *([0.0] * (TENTHS + 1))]
    tenths = np.floor(odds.coefficients / top * TENTHS + SAME).astype(np.int64) + 1
    place = np.where(odds.coefficients <= SAME, 0, np.minimum(tenths, TENTHS + 1))
    found: list[float] = np.bincount(place, odds.chances, TENTHS + 2).tolist()
    return found
