"""Charts of the funnel, on the page and as a picture to take away."""

from fractions import Fraction
from typing import Any

import altair as alt
import pandas as pd

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, GREY, INK, ORANGE
from kpi_core.events import Group, step_name
from kpi_core.funnel import Funnel, FunnelStage
from kpi_core.leaks import Comparison
from kpi_core.text import number, percent, say

STAGE = 72  # pixels a stage takes: two lines of words above its bar
WIDE = 720  # pixels of a picture


@spoken
def funnel_bars(
    funnel: Funnel, lang: str, ink: str = INK, compared: Comparison | None = None
) -> Any:
    """The counted stages as bars, each below its count and the share that came from the one before.

    Words stand above the bars rather than beside them, so that a phone has room for both. The
    leakiest step is orange and says so; a grey mark is where the bar would end at the rates that
    the funnel is compared with.
    """
    counted = funnel.counted
    first = float(counted[0].count or 0) if counted else 0.0
    rows = [_row(funnel, stage, lang, compared, first) for stage in counted]
    return _bars(rows, lang, ink, marked=compared is not None)


@spoken
def event_bars(group: Group, lang: str, ink: str = INK) -> Any:
    """The steps of an event funnel in the same way."""
    rates = [row.of_previous.value for row in group.steps if row.of_previous]
    rows: list[dict[str, Any]] = []
    for row in group.steps:
        rate = row.of_previous.value if row.of_previous else None
        before = rows[-1]["count"] if rows else 0.0
        lost = before - row.units
        leak = rate is not None and rate == min(rates)
        name, count = step_name(row, lang), number(row.units, lang)
        rows.append(
            {
                "place": row.number,
                "name": name,
                "head": f"{name}: {count}",
                "line": _said(rate, number(lost, lang), lang, leak=leak),
                "shown": count,
                "step": percent(rate, lang),
                "total": percent(row.of_first.value if row.of_first else None, lang, 2),
                "count": float(row.units),
                "then": None,
                "kind": "leak" if leak else "step",
            }
        )
    return _bars(rows, lang, ink)


def _bars(rows: list[dict[str, Any]], lang: str, ink: str, *, marked: bool = False) -> Any:
    frame = pd.DataFrame(rows)
    top = max([row["count"] for row in rows] + [row["then"] or 0 for row in rows] + [1.0])
    x: Any = {"axis": None, "scale": alt.Scale(domain=[0, top])}
    base = alt.Chart(frame).encode(
        y=alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0)),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.stage")),
            alt.Tooltip("shown:N", title=say(lang, "charts.count")),
            alt.Tooltip("step:N", title=say(lang, "charts.of_before")),
            alt.Tooltip("total:N", title=say(lang, "charts.of_first")),
        ],
    )
    bars = base.mark_bar(size=18, yOffset=22, cornerRadiusEnd=2).encode(
        x=alt.X("count:Q", **x),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=["step", "leak"], range=[BLUE, ORANGE]),
            legend=None,
        ),
    )
    at_left = alt.XDatum(0, **x)
    words: Any = {"align": "left", "baseline": "middle", "dx": 1, "color": ink}
    heads = base.mark_text(fontSize=14, fontWeight=600, dy=-18, **words).encode(
        x=at_left, text=alt.Text("head:N")
    )
    lines = base.mark_text(fontSize=12.5, dy=1, **words).encode(x=at_left, text=alt.Text("line:N"))
    layers = [bars, heads, lines]
    if marked:
        marks = base.transform_filter("isValid(datum.then)")
        layers.append(
            marks.mark_tick(
                thickness=3, size=26, yOffset=22, color=GREY, stroke=ink, strokeWidth=0.5
            ).encode(x=alt.X("then:Q", **x))
        )
    return alt.layer(*layers).properties(height=STAGE * max(len(rows), 1), width="container")


def _row(
    funnel: Funnel, stage: FunnelStage, lang: str, compared: Comparison | None, first: float
) -> dict[str, Any]:
    leak = funnel.leakiest is not None and stage.stage.id == funnel.leakiest.stage.id
    count = number(stage.count, lang)
    other = compared.then.stage(stage.stage.id) if compared else None
    then = other.total_rate if other else None
    return {
        "place": funnel.counted.index(stage),
        "name": stage.stage.name[lang],
        "head": f"{stage.stage.name[lang]}: {count}",
        "line": _said(stage.step_rate, number(stage.lost, lang), lang, leak=leak),
        "shown": count,
        "step": percent(stage.step_rate, lang),
        "total": percent(stage.total_rate, lang, 2),
        "count": float(stage.count or 0),
        "then": None if then is None else float(then) * first,
        "kind": "leak" if leak else "step",
    }


def _said(rate: Fraction | None, lost: str, lang: str, *, leak: bool) -> str:
    """How many came from the step before; nothing of the first one."""
    if rate is None:
        return ""
    told = say(lang, "charts.got_here", rate=percent(rate, lang), lost=lost)
    return f"{told} · {say(lang, 'charts.leakiest')}" if leak else told


def picture(chart: Any, format: str, title: str) -> bytes:
    """A chart as a file to keep: ``png`` (twice the pixels, for print) or ``svg``, under a title.

    On white, since it will stand in a letter or a report; the chart must be drawn in `INK`.
    """
    import vl_convert  # noqa: PLC0415  # a browser's engine: loaded by those who ask for a file

    spec = chart.properties(
        width=WIDE, title=alt.TitleParams(title, anchor="start", color=INK, fontSize=16)
    ).configure_view(stroke=None)
    drawn = spec.properties(background="white", padding=16).to_json()
    if format == "svg":
        return str(vl_convert.vegalite_to_svg(drawn)).encode()
    return bytes(vl_convert.vegalite_to_png(drawn, scale=2))
