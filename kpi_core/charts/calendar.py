"""The calendar of loaded data."""

from typing import Any

import altair as alt
import pandas as pd

from kpi_core import words
from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, GREY, INK, ORANGE, ROW, height_of, name_axis
from kpi_core.text import days, say
from kpi_core.verdict import Cover

CALENDAR_DAYS = 400
_COVER_COLOURS = {Cover.COVERED: BLUE, Cover.PART: ORANGE, Cover.SILENT: GREY}


@spoken
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
            y=name_axis(dict.fromkeys(frame["name"]), ink),
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
        .properties(height=height_of(frame["name"].nunique()) + 2 * ROW)  # legend and axis
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
