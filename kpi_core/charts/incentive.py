"""Charts of what a plan pays for: one lever at a time, the bonus above the profit."""

from fractions import Fraction
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, GREY, INK, ORANGE, figure_axis, labels_of
from kpi_core.incentive import REACH, Curve, driver_words, shift_words, sum_words
from kpi_core.plan import Plan
from kpi_core.text import say

GREEN = "#009e73"
HEIGHT = 170
BOTTOM = alt.value("height")
LOW, HIGH = -26, -76  # pixels from the bottom to the name of a zone
FEW = 4  # amounts that are all written on the axis
EXTENT = 92  # pixels for the figures of both axes, so that one chart stands exactly above the other
MARKS = [-0.3, -0.15, 0.0, 0.15, 0.3]
CLOSE = 0.12  # jumps nearer to each other are labelled one above the other
EDGE = 0.22  # jumps further out are labelled inwards
WIDE = 0.2  # a zone at least so wide has room for its name


@spoken
def bonus_curve(curve: Curve, plan: Plan, lang: str, ink: str = INK) -> Any:
    """The bonus along a lever, with its jumps, dead zone and conflicts."""
    return _drawn(curve, "bonus", plan, lang, ink)


@spoken
def profit_curve(curve: Curve, plan: Plan, lang: str, ink: str = INK) -> Any:
    """Profit after ads and pay along the same lever; ``None`` where no profit is known."""
    return None if np.isnan(curve.left).all() else _drawn(curve, "profit", plan, lang, ink)


def _rows(curve: Curve, plan: Plan, lang: str, kind: str) -> pd.DataFrame:
    """The line in pieces that end at the jumps: (at, value, piece) and what a point says."""
    figures = curve.bonus if kind == "bonus" else curve.left
    shifts = [float(shift) for shift in curve.shifts]
    points = [(at, float(own)) for at, own in zip(shifts, figures, strict=True)]
    ends: list[float] = []
    for cliff in curve.cliffs:
        at, near, far = float(cliff.shift), float(cliff.near), float(cliff.far)
        sides = (near, far) if at > 0 else (far, near)
        if kind == "profit":
            fixed = np.interp(at, shifts, curve.earned - curve.bonus - curve.left)
            before_bonus = float(np.interp(at, shifts, curve.earned) - fixed)
            sides = (before_bonus - sides[0], before_bonus - sides[1])
        points += [(at - 1e-9, sides[0]), (at + 1e-9, sides[1])]
        ends.append(at)
    rows = []
    for at, value in sorted(points):
        shift = Fraction(round(at, 6)).limit_denominator(10**6)
        rows.append(
            {
                "at": at,
                "value": value,
                "piece": sum(at > end for end in ends),
                "lever": driver_words(curve.driver, curve.value(shift), plan.currency, lang),
                "shift": shift_words(shift, lang),
                "label": sum_words(value, plan.currency, lang) if not np.isnan(value) else "—",
            }
        )
    return pd.DataFrame(rows)


def _drawn(curve: Curve, kind: str, plan: Plan, lang: str, ink: str) -> Any:
    rows = _rows(curve, plan, lang, kind)
    x = _shift_axis(lang, ink)
    y = _money_axis(list(rows["value"].dropna()), plan, lang, ink)
    title = say(lang, f"incentive.chart_{kind}")
    line = (
        alt.Chart(rows)
        .mark_line(color=BLUE if kind == "bonus" else GREEN, strokeWidth=2)
        .encode(
            x=x,
            y=y,
            detail=alt.Detail("piece:N"),
            tooltip=[
                alt.Tooltip("lever:N", title=curve.driver.name[lang]),
                alt.Tooltip("shift:N", title=say(lang, "charts.change")),
                alt.Tooltip("label:N", title=title),
            ],
        )
    )
    now = alt.Chart(pd.DataFrame([{"at": 0.0}])).mark_rule(color=GREY, strokeWidth=1.5).encode(x=x)
    layers = [*_zones(curve, lang, ink, named=kind == "bonus"), now, line]
    if kind == "bonus":
        layers += _jumps(curve, lang, ink)
    return (
        alt.layer(*layers)
        .properties(
            height=HEIGHT,
            width="container",
            title=alt.TitleParams(title, anchor="start", color=ink, fontSize=13),
        )
        .configure_axisY(minExtent=EXTENT, maxExtent=EXTENT)
    )


def _money_axis(values: list[float], plan: Plan, lang: str, ink: str) -> alt.Y:
    """An axis of money; where there are few amounts, as of a rule of steps, of just those."""

    def label(amount: float) -> str:
        return sum_words(amount, plan.currency, lang)

    axis = figure_axis("value", values, label, ink)
    levels = sorted({round(value, 2) for value in values})
    if len(levels) <= FEW:
        axis["axis"]["values"], axis["axis"]["labelExpr"] = levels, labels_of(levels, label)
    return axis


def _shift_axis(lang: str, ink: str) -> alt.X:
    reach = float(REACH)
    return alt.X(
        "at:Q",
        scale=alt.Scale(domain=[-reach, reach], nice=False, zero=False),
        axis=alt.Axis(
            title=None,
            values=MARKS,
            labelExpr=labels_of(MARKS, lambda at: _whole(at, lang)),
            labelColor=ink,
            labelFontSize=12,
            labelOverlap=True,
            grid=False,
        ),
    )


def _whole(at: float, lang: str) -> str:
    return shift_words(Fraction(round(100 * at), 100), lang, 0)


def _zones(curve: Curve, lang: str, ink: str, *, named: bool) -> list[Any]:
    """What is shaded: where effort pays nothing, and where one gains what the other loses."""
    rows = [(zone.start, zone.end, "conflict", ORANGE, LOW) for zone in curve.conflicts]
    if curve.dead_zone:
        middle = (np.nanmin(curve.bonus) + np.nanmax(curve.bonus)) / 2
        name_at = LOW if curve.bonus[curve.here] >= middle else HIGH  # off the line
        rows.append((Fraction(0), curve.dead_zone.end, "dead", GREY, name_at))
    layers = []
    for start, end, kind, colour, name_at in rows:
        low, high = sorted((float(start), float(end)))
        name = say(lang, f"incentive.chart_{kind}")
        frame = pd.DataFrame([{"at": low, "to": high, "middle": (low + high) / 2, "name": name}])
        base = alt.Chart(frame)
        tooltip = [alt.Tooltip("name:N", title=curve.driver.name[lang])]
        layers.append(
            base.mark_rect(color=colour, opacity=0.22).encode(
                x=_shift_axis(lang, ink), x2=alt.X2("to"), tooltip=tooltip
            )
        )
        if named and high - low >= WIDE:
            layers.append(
                base.mark_text(color=ink, fontSize=11, lineBreak="\n", dy=name_at).encode(
                    x=alt.X("middle:Q"), y=BOTTOM, text=alt.Text("name:N")
                )
            )
    return layers


def _jumps(curve: Curve, lang: str, ink: str) -> list[Any]:
    """Each jump upright, with the change of the lever that leads there."""
    if not curve.cliffs:
        return []
    found, last, low = [], -1.0, False
    for cliff in curve.cliffs:
        at = float(cliff.shift)
        low = at - last < CLOSE and not low
        last = at
        found.append(
            {
                "at": at,
                "value": float(min(cliff.near, cliff.far)),
                "top": float(max(cliff.near, cliff.far)),
                "row": 22.0 if low else 8.0,
                "align": "left" if at < -EDGE else "right" if at > EDGE else "center",
                "name": shift_words(cliff.shift, lang),
            }
        )
    frame = pd.DataFrame(found)
    base = alt.Chart(frame).encode(x=alt.X("at:Q"))
    upright = base.mark_rule(color=ORANGE, strokeWidth=2, strokeDash=[4, 3]).encode(
        y=alt.Y("value:Q"),
        y2=alt.Y2("top"),
        tooltip=[alt.Tooltip("name:N", title=say(lang, "incentive.chart_jump"))],
    )
    layers = [upright]
    for (row, align), own in frame.groupby(["row", "align"]):
        label = alt.Chart(own).mark_text(color=ink, fontSize=11, align=str(align))  # type: ignore[arg-type]
        layers.append(label.encode(x=alt.X("at:Q"), y=alt.value(row), text=alt.Text("name:N")))
    return layers
