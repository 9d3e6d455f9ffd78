"""Results to Altair charts, for pages, reports and notebooks alike.

Every label is formatted here, in the reader's language: a chart never formats a number itself.
Channels are objects, not shorthand strings, which cost milliseconds each.
"""

from collections.abc import Iterable
from typing import Any

import altair as alt
import pandas as pd

from kpi_core import catalogue, words
from kpi_core.funnel import Funnel
from kpi_core.kpis import Values
from kpi_core.model import Better
from kpi_core.score import Scorecard
from kpi_core.text import days, number, percent, say
from kpi_core.verdict import Cover

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#9aa5b1"  # told apart by colour-blind eyes, too
INK = "#1f2937"  # of labels on a light ground; pages in the dark pass their own
ROW = 44  # pixels a bar row takes


def _bars(count: int) -> int:
    return max(ROW * count, 2 * ROW)


def _names(names: Iterable[str], ink: str) -> alt.Y:
    return alt.Y(
        "name:N",
        sort=list(names),
        axis=alt.Axis(
            title=None,
            labelLimit=160,
            labelColor=ink,
            ticks=False,
            domain=False,
            labelPadding=8,
            labelFontSize=13,
        ),
    )


def _hidden(field: str, top: float) -> alt.X:
    """An axis from 0 without ticks: every bar says its own figure."""
    return alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, top]))


def contributions(card: Scorecard, lang: str, ink: str = INK) -> Any:
    """What each line adds to the total: its points within the share of weight it could earn."""
    rows = []
    for line in card.lines:
        kpi = catalogue.kpi(line.judged.goal.kpi)
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
    base = alt.Chart(frame).encode(y=_names(frame["name"], ink))
    tooltip = [
        alt.Tooltip("name:N", title=say(lang, "charts.kpi")),
        alt.Tooltip("label:N", title=say(lang, "charts.points")),
    ]
    possible = base.mark_bar(color=GREY, opacity=0.35, height=20).encode(x=_hidden("share", top))
    earned = base.mark_bar(color=BLUE, height=20).encode(x=_hidden("points", top))
    text = base.mark_text(align="left", dx=6, fontSize=13, color=ink).encode(
        x=_hidden("share", top), text=alt.Text("label:N")
    )
    return (
        alt.layer(possible, earned, text)
        .encode(tooltip=tooltip)
        .properties(height=_bars(len(frame)), width="container")
    )


def funnel_bars(funnel: Funnel, lang: str, ink: str = INK) -> Any:
    """The counted stages as bars, each with its count and the share that came from the one before.

    The leakiest step is orange and says so in words.
    """
    rows = []
    for row in funnel.stages:
        if row.count is None:
            continue
        leak = funnel.leakiest is not None and row.stage.id == funnel.leakiest.stage.id
        step = percent(row.step_rate, lang) if row.step_rate is not None else ""
        rows.append(
            {
                "name": row.stage.name[lang],
                "count": float(row.count),
                "kind": "leak" if leak else "step",
                "label": number(row.count, lang)
                + (f"  ·  {step}" if step else "")
                + (f"  ·  {say(lang, 'charts.leakiest')}" if leak else ""),
                "total": percent(row.total_rate, lang, 2),
            }
        )
    frame = pd.DataFrame(rows)
    top = (frame["count"].max() or 1) * 2.2
    base = alt.Chart(frame).encode(
        y=_names(frame["name"], ink),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.stage")),
            alt.Tooltip("label:N", title=say(lang, "charts.count_and_step")),
            alt.Tooltip("total:N", title=say(lang, "charts.of_first")),
        ],
    )
    bars = base.mark_bar(height=26).encode(
        x=_hidden("count", top),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=["step", "leak"], range=[BLUE, ORANGE]),
            legend=None,
        ),
    )
    text = base.mark_text(align="left", dx=6, fontSize=13, color=ink).encode(
        x=_hidden("count", top), text=alt.Text("label:N")
    )
    return alt.layer(bars, text).properties(height=_bars(len(frame)), width="container")


def changes(before: Values, after: Values, lang: str, ink: str = INK) -> Any:
    """How far each KPI moves, in percent of where it was; ``None`` if none moves."""
    rows = []
    for was, is_now in zip(before.rows, after.rows, strict=True):
        if not was.value or is_now.value is None or is_now.value == was.value:
            continue
        kpi = catalogue.kpi(was.kpi)
        change = float(is_now.value / was.value - 1)
        better = (change > 0) == (kpi.better is Better.HIGHER)
        rows.append(
            {
                "name": kpi.name[lang],
                "change": change,
                "kind": "better" if better else "worse",
                "label": ("+" if change > 0 else "") + percent(change, lang),
            }
        )
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    reach = max(frame["change"].abs().max(), 0.01) * 1.5
    scale = alt.Scale(domain=[-reach, reach])
    base = alt.Chart(frame).encode(
        y=_names(frame["name"], ink),
        x=alt.X("change:Q", axis=None, scale=scale),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.kpi")),
            alt.Tooltip("label:N", title=say(lang, "charts.change")),
        ],
    )
    bars = base.mark_bar(height=18).encode(
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=["better", "worse"], range=[BLUE, ORANGE]),
            legend=None,
        )
    )
    right = base.transform_filter("datum.change >= 0").mark_text(
        align="left", dx=6, fontSize=13, color=ink
    )
    left = base.transform_filter("datum.change < 0").mark_text(
        align="right", dx=-6, fontSize=13, color=ink
    )
    return alt.layer(
        bars, right.encode(text=alt.Text("label:N")), left.encode(text=alt.Text("label:N"))
    ).properties(height=max(34 * len(frame), 80), width="container")


CALENDAR_DAYS = 400
_COVER_COLOURS = {Cover.COVERED: BLUE, Cover.PART: ORANGE, Cover.SILENT: GREY}


def calendar(covers: pd.DataFrame, lang: str, ink: str = INK) -> Any:
    """Which source covers which days: one strip a source, as ``verdict.calendar`` tells it.

    Of long histories the last `CALENDAR_DAYS`: a strip of a few days must stay visible.
    """
    strips = _strips(covers[covers["day"] > covers["day"].max() - pd.Timedelta(days=CALENDAR_DAYS)])
    words_of = {cover: say(lang, f"charts.cover_{cover}") for cover in Cover}
    frame = pd.DataFrame(
        {
            "name": [words.source_name(source, lang) for source in strips["source"]],
            "first": strips["first"],
            "after": strips["last"] + pd.Timedelta(days=1),
            "days": [
                days(first.date(), last.date(), lang)
                for first, last in zip(strips["first"], strips["last"], strict=True)
            ],
            "cover": [words_of[Cover(cover)] for cover in strips["cover"]],
        }
    )
    return (
        alt.Chart(frame)
        .mark_bar(height=18)
        .encode(
            y=_names(dict.fromkeys(frame["name"]), ink),
            x=alt.X(
                "first:T",
                axis=alt.Axis(title=None, format="%d.%m.%y", labelColor=ink, tickCount=6),
            ),
            x2=alt.X2("after:T"),
            color=alt.Color(
                "cover:N",
                scale=alt.Scale(
                    domain=list(words_of.values()), range=list(_COVER_COLOURS.values())
                ),
                legend=alt.Legend(title=None, orient="top", labelColor=ink),
            ),
            tooltip=[
                alt.Tooltip("name:N", title=say(lang, "charts.source")),
                alt.Tooltip("days:N", title=say(lang, "charts.days")),
                alt.Tooltip("cover:N", title=say(lang, "charts.cover")),
            ],
        )
        .properties(height=_bars(frame["name"].nunique()) + 2 * ROW)  # legend and axis
    )


def _strips(covers: pd.DataFrame) -> pd.DataFrame:
    """Days in a row that are covered alike: ``source``, ``cover``, ``first``, ``last``."""
    alike = covers[["source", "cover"]].ne(covers[["source", "cover"]].shift()).any(axis=1)
    grouped = covers.groupby(alike.cumsum(), sort=False)
    return grouped.agg(
        source=("source", "first"),
        cover=("cover", "first"),
        first=("day", "min"),
        last=("day", "max"),
    )
