"""Charts of the trend page: a KPI over time, and a month day by day against its pace."""

from typing import Any

import altair as alt
import pandas as pd
from babel.dates import format_date

from kpi_core import words
from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, GREY, INK, ORANGE, figure_axis
from kpi_core.text import day, days, say
from kpi_core.trend import LEVEL, Course, Point, Trend

GREEN = "#009e73"
_DASHES = {"actual": [1, 0], "target": [6, 4], "year_ago": [2, 2], "adjusted": [1, 0]}
_COLOURS = {"actual": BLUE, "target": ORANGE, "year_ago": GREY, "adjusted": GREEN}
_PACE = {"actual": [1, 0], "target": [6, 4], "forecast": [2, 3]}
_PACE_COLOURS = {"actual": BLUE, "target": ORANGE, "forecast": BLUE}
HEIGHT, TALL = 270, 330  # with legend


@spoken
def trend_line(trend: Trend, lang: str, ink: str = INK) -> Any:
    """A KPI over time with its target, the year before and the value without season.

    A slice that is not whole is a hollow point apart from the line, and says so.
    """
    lines = {
        "actual": [point.value if point.whole else None for point in trend.points],
        "target": [point.target for point in trend.points],
        "year_ago": [point.year_ago for point in trend.points],
        "adjusted": [point.adjusted for point in trend.points],
    }
    lines = {kind: own for kind, own in lines.items() if any(v is not None for v in own)}
    names = [_name(point, trend.by, lang) for point in trend.points]
    said = {kind: say(lang, f"charts.line_{kind}") for kind in lines}
    frame = pd.DataFrame(
        [
            {
                "at": place,
                "value": value,
                "kind": said[kind],
                "name": names[place],
                "label": words.kpi_figure(trend.kpi, value, trend.currency, lang),
            }
            for kind, own in lines.items()
            for place, value in enumerate(own)
        ]
    )
    marks = pd.DataFrame([_mark(trend, place, names[place], lang) for place in _marked(trend)])
    known = [*frame["value"].dropna(), *marks["value"].dropna()] if len(marks) else []
    x = _time_axis(names, ink)
    y = figure_axis(
        "value",
        known or [0.0],
        lambda value: words.kpi_figure(trend.kpi, value, trend.currency, lang),
        ink,
    )
    drawn = _lines(frame, lang).encode(x=x, y=y, **_kinds(said, _COLOURS, _DASHES, ink))
    dots = alt.Chart(frame[frame["kind"] != said.get("target")]).mark_point(
        filled=True, size=24, opacity=1
    )
    colour = alt.Color("kind:N", scale=_scale(said, _COLOURS), legend=None)
    layers = [drawn, dots.encode(x=x, y=y, color=colour)]
    if len(marks):
        base = alt.Chart(marks).encode(x=x, y=y)
        if not marks["whole"].all():
            hollow = base.transform_filter("!datum.whole")
            layers.append(hollow.mark_point(size=70, color=BLUE, filled=False, strokeWidth=2))
        layers.append(
            base.mark_text(dy=-12, fontSize=12, color=ink, align="right", dx=6).encode(
                text=alt.Text("label:N")
            )
        )
    return alt.layer(*layers).properties(height=HEIGHT, width="container")


def _marked(trend: Trend) -> list[int]:
    """The point that says its figure: the last, and no whole one where that is not whole."""
    known = [at for at, point in enumerate(trend.points) if point.value is not None]
    whole = [at for at in known if trend.points[at].whole]
    partial = [at for at in known if not trend.points[at].whole]
    return partial[-1:] or whole[-1:]


def _mark(trend: Trend, place: int, name: str, lang: str) -> dict[str, Any]:
    point = trend.points[place]
    value = words.kpi_figure(trend.kpi, point.value, trend.currency, lang)
    label = value if point.whole else say(lang, "charts.not_whole", value=value)
    return {"at": place, "value": point.value, "whole": point.whole, "label": label, "name": name}


def _name(point: Point, by: str, lang: str) -> str:
    if by == "month":
        return str(format_date(point.period.first, "LLL yy", locale=lang))
    if by == "week":
        return days(point.period.first, point.period.last, lang)
    return day(point.period.first, lang)


def _lines(frame: pd.DataFrame, lang: str) -> Any:
    """Lines of several kinds, each point of which says its time, kind and figure."""
    tooltip = [
        alt.Tooltip("name:N", title=say(lang, "charts.when")),
        alt.Tooltip("kind:N", title=say(lang, "charts.line")),
        alt.Tooltip("label:N", title=say(lang, "charts.value")),
    ]
    return alt.Chart(frame).mark_line(strokeWidth=2).encode(tooltip=tooltip)


def _time_axis(names: list[str], ink: str) -> alt.X:
    """Places 0, 1, 2 ... with at most six of their names."""
    step = max(1, -(-len(names) // 6))
    shown = list(range((len(names) - 1) % step, len(names), step))
    told = ", ".join(f"'{at}': {_quoted(_short(names[at]))}" for at in shown)
    return alt.X(
        "at:Q",
        scale=alt.Scale(domain=[-0.5, len(names) - 0.5], nice=False),
        axis=alt.Axis(
            title=None,
            values=shown,
            labelExpr=f"({{{told}}})[datum.value]",
            labelColor=ink,
            labelFontSize=12,
            grid=False,
        ),
    )


def _short(name: str) -> str:
    """A week by its first day."""
    return name.partition(" – ")[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _kinds(
    said: dict[str, str], colours: dict[str, str], dashes: dict[str, list[int]], ink: str
) -> dict[str, Any]:
    """Colour and dash of each line, told in one legend."""
    order = list(said.values())
    legend = alt.Legend(
        title=None, orient="top", labelColor=ink, labelFontSize=12, symbolType="stroke",
        symbolSize=300, labelLimit=220, columns=len(order) if sum(map(len, order)) <= 32 else 2,
    )  # fmt: skip
    return {
        "color": alt.Color("kind:N", scale=_scale(said, colours), legend=legend),
        "strokeDash": alt.StrokeDash(
            "kind:N",
            scale=alt.Scale(domain=order, range=[dashes[kind] for kind in said]),
            legend=legend,
        ),
    }


def _scale(said: dict[str, str], colours: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(said.values()), range=[colours[kind] for kind in said])


@spoken
def course_line(course: Course, lang: str, ink: str = INK) -> Any:
    """A month added up day by day beside its pace, and the range in which it will end."""
    kpi, currency = course.kpi, course.currency

    def label(value: float | None) -> str:
        return words.kpi_figure(kpi, value, currency, lang)

    lines = {
        "actual": [own.counted for own in course.days],
        "target": [own.pace for own in course.days],
    }
    end = len(course.days) - 1
    low, high = course.run.total.interval(LEVEL)
    if not course.over:
        start = next(at for at, own in enumerate(course.days) if own.day == course.last)
        lines["forecast"] = [None] * (end + 1)
        lines["forecast"][start] = course.run.counted
        lines["forecast"][end] = course.run.total.middle
    lines = {kind: own for kind, own in lines.items() if any(v is not None for v in own)}
    said = {
        kind: say(lang, f"charts.course_{kind}", target=label(float(course.target or 0)))
        for kind in lines
    }
    rows = [
        {
            "at": place,
            "value": value,
            "kind": said[kind],
            "name": day(course.days[place].day, lang),
            "label": label(value),
        }
        for kind, own in lines.items()
        for place, value in enumerate(own)
        if value is not None
    ]
    frame = pd.DataFrame(rows)
    values = [*frame["value"], *(() if course.over else (high,)), 0.0]
    x = _time_axis([str(own.day.day) for own in course.days], ink)
    y = figure_axis("value", values, label, ink)
    drawn = _lines(frame, lang).encode(x=x, y=y, **_kinds(said, _PACE_COLOURS, _PACE, ink))
    layers = [drawn]
    if not course.over:
        bar = pd.DataFrame([{"at": end, "value": low, "high": high}])
        layers.append(
            alt.Chart(bar)
            .mark_rule(color=BLUE, strokeWidth=5, opacity=0.45)
            .encode(x=x, y=y, y2=alt.Y2("high:Q"))
        )
    ends = pd.DataFrame([{"at": end, "value": float(course.run.total.middle)}])
    ends["label"] = label(float(course.run.total.middle))
    layers.append(
        alt.Chart(ends)
        .mark_text(dx=-8, dy=14, fontSize=12, color=ink, align="right")
        .encode(x=x, y=y, text=alt.Text("label:N"))
    )
    return alt.layer(*layers).properties(height=TALL, width="container")
