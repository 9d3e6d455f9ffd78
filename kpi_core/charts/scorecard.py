"""Charts of the scorecard."""

from typing import Any

import altair as alt
import pandas as pd

from kpi_core import words
from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    bare_axis,
    height_of,
    labels_of,
    name_axis,
)
from kpi_core.rules import Bands, Linear, Rule, Steps
from kpi_core.score import Judged, Scorecard, changes
from kpi_core.text import exact, percent, say


@spoken
def contributions(card: Scorecard, lang: str, ink: str = INK) -> Any:
    """What each line adds to the total: its points within the share of weight it could earn."""
    rows = []
    for line in card.lines:
        kpi = line.judged.kpi
        points = line.points if line.points is not None else 0
        rows.append(
            {
                "name": kpi.name[lang],
                "share": float(line.share),
                "points": min(float(points), float(line.share)),
                "label": say(
                    lang,
                    "charts.points_of",
                    points=words.points(line.points, lang),
                    share=words.points(line.share, lang),
                )
                if line.points is not None
                else say(lang, "charts.no_data"),
            }
        )
    frame = pd.DataFrame(rows)
    top = max(frame["share"].max(), 0.01) * 1.8
    base = alt.Chart(frame).encode(y=name_axis(frame["name"], ink))
    tooltip = [
        alt.Tooltip("name:N", title=say(lang, "charts.kpi")),
        alt.Tooltip("label:N", title=say(lang, "charts.points")),
    ]
    possible = base.mark_bar(color=GREY, opacity=0.35, height=20).encode(x=bare_axis("share", top))
    earned = base.mark_bar(color=BLUE, height=20).encode(x=bare_axis("points", top))
    text = base.mark_text(align="left", dx=6, fontSize=13, color=ink).encode(
        x=bare_axis("share", top), text=alt.Text("label:N")
    )
    return (
        alt.layer(possible, earned, text)
        .encode(tooltip=tooltip)
        .properties(height=height_of(len(frame)), width="container")
    )


@spoken
def waterfall(then: Scorecard, now: Scorecard, lang: str, ink: str = INK) -> Any:
    """From an earlier total to this one: what each KPI took away or added, in points of 100."""
    rows, level = [], float(100 * (then.total or 0))
    rows.append(
        _step(say(lang, "charts.total_then"), 0, level, "total", words.points(then.total, lang))
    )
    for change in changes(then, now):
        moved = float(100 * change.points)
        if moved:
            name, label = change.now.judged.kpi.name[lang], words.moved_points(change.points, lang)
            rows.append(_step(name, level, level + moved, "up" if moved > 0 else "down", label))
            level += moved
    rows.append(
        _step(say(lang, "charts.total_now"), 0, level, "total", words.points(now.total, lang))
    )
    frame = pd.DataFrame(rows)
    top = max(frame["after"].max(), frame["before"].max(), 1) * 1.25
    base = alt.Chart(frame).encode(y=name_axis(frame["name"], ink))
    scale = alt.Scale(domain=[0, top])
    bars = base.mark_bar(height=20).encode(
        x=alt.X("before:Q", axis=None, scale=scale),
        x2=alt.X2("after:Q"),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=["total", "up", "down"], range=[GREY, BLUE, ORANGE]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.kpi")),
            alt.Tooltip("label:N", title=say(lang, "charts.points")),
        ],
    )
    text = base.mark_text(align="left", dx=6, fontSize=13, color=ink).encode(
        x=alt.X("end:Q", axis=None, scale=scale), text=alt.Text("label:N")
    )
    return alt.layer(bars, text).properties(height=height_of(len(frame)), width="container")


def _step(name: str, before: float, after: float, kind: str, label: str) -> dict[str, Any]:
    return {
        "name": name, "before": before, "after": after, "end": max(before, after),
        "kind": kind, "label": label,
    }  # fmt: skip


@spoken
def rule_curve(judged: Judged, lang: str, ink: str = INK) -> Any:
    """A rule as a line of scores over attainment (of bands: over the value), with one's own point.

    A jump is drawn upright; which side a boundary belongs to stands in the table beside.
    """
    of_value = isinstance(judged.goal.rule, Bands)
    own = judged.value.value if of_value else judged.attainment
    corners = _corners(judged.goal.rule, float(own or 0))
    marks = [at for at, _ in corners[1:-1]]

    def mark_label(at: float) -> str:
        if of_value:
            return words.kpi_figure(judged.kpi, at, judged.value.currency, lang)
        return percent(at, lang, 0)

    ticks = alt.Axis(
        values=marks,
        labelExpr=labels_of(marks, mark_label),
        labelOverlap=True,
        labelColor=ink,
        titleColor=ink,
        grid=False,
    )
    scores = sorted({score for _, score in corners})
    heights = alt.Axis(
        values=scores,
        labelExpr=labels_of(scores, lambda score: words.coefficient(exact(score), lang)),
        labelColor=ink,
        titleColor=ink,
        grid=False,
    )
    x = alt.X(
        "at:Q", title=say(lang, f"charts.{'value' if of_value else 'attainment'}"), axis=ticks
    )
    y = alt.Y("score:Q", title=say(lang, "charts.score"), axis=heights)
    line = pd.DataFrame(
        [{"at": at, "score": score, "place": place} for place, (at, score) in enumerate(corners)]
    )
    drawn = alt.Chart(line).mark_line(color=BLUE, strokeWidth=2)
    layers = [drawn.encode(x=x, y=y, order=alt.Order("place:Q"))]
    if own is not None and judged.score is not None:
        value = words.kpi_figure(judged.kpi, judged.value.value, judged.value.currency, lang)
        here = pd.DataFrame(
            [
                {
                    "at": float(own),
                    "score": float(judged.score),
                    "label": say(lang, "charts.own_point", value=value),
                }
            ]
        )
        base = alt.Chart(here).encode(x=x, y=y)
        layers.append(base.mark_point(color=ORANGE, size=130, filled=True, opacity=1))
        layers.append(
            base.mark_text(color=ink, dy=-14, fontSize=13).encode(text=alt.Text("label:N"))
        )
    return alt.layer(*layers).properties(height=240, width="container")


def _corners(rule: Rule, own: float) -> list[tuple[float, float]]:
    """(place, score) of the corners of a rule, a little beyond its last boundary and `own`."""
    match rule:
        case Steps():
            parts = [(float(step.at), float(step.score)) for step in rule.steps]
            end = 1.15 * max(own, *(at for at, _ in parts))
            return _stairs(float(rule.below), parts, end)
        case Bands():
            scores = [float(band.score) for band in rule.bands]
            after = [*scores[1:], float(rule.beyond)]
            parts = [(float(band.to), score) for band, score in zip(rule.bands, after, strict=True)]
            return _stairs(scores[0], parts, 1.15 * max(own, *(at for at, _ in parts)))
        case Linear():
            floor, target, stretch = map(float, (rule.floor, rule.target, rule.stretch))
            top = float(rule.stretch_score)
            return [
                (0, 0), (floor, 0), (floor, float(rule.floor_score)),
                (target, float(rule.target_score)), (stretch, top),
                (1.05 * max(own, stretch), top),
            ]  # fmt: skip


def _stairs(
    first: float, parts: list[tuple[float, float]], end: float
) -> list[tuple[float, float]]:
    corners, level = [(min(0.0, parts[0][0]), first)], first
    for at, score in parts:
        corners += [(at, level), (at, score)]
        level = score
    return [*corners, (end, level)]
