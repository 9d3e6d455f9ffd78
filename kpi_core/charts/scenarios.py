"""Charts of scenarios side by side: what each pays, and what it leaves the company."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, GREY, INK, ORANGE, height_of, name_axis
from kpi_core.formula import Exact
from kpi_core.scenario import Comparison
from kpi_core.text import money, say

ROOM = 0.45  # beyond the longest bar, for its figures, as a share of all bars
SHORT = 22  # letters of a name that a phone has room for


@spoken
def scenario_bonus(found: Comparison, lang: str, ink: str = INK) -> Any:
    """The bonus of the base and of every scenario; ``None`` where nothing is paid in any."""
    return _bars(found, "bonus", lang, ink)


@spoken
def scenario_profit(found: Comparison, lang: str, ink: str = INK) -> Any:
    """Profit after ads and pay of the base and of every scenario; ``None`` where none is known."""
    return _bars(found, "profit_after_pay", lang, ink)


def _bars(found: Comparison, id: str, lang: str, ink: str) -> Any:
    row = found.row(id)
    here = [(say(lang, "words.base"), row.base, None)]
    sides = [
        (own.name, cell.value, cell.variance)
        for own, cell in zip(found.scenarios, row.cells, strict=True)
    ]
    rows = [
        {
            "name": _short(name, place),
            "full": name,
            "value": 0.0 if value is None else float(value),
            "kind": "same" if not variance else "below" if variance < 0 else "above",
            "label": _label(value, variance, found.currency, lang),
        }
        for place, (name, value, variance) in enumerate([*here, *sides])
    ]
    if all(value is None for _, value, _ in [*here, *sides]):
        return None
    frame = pd.DataFrame(rows)
    title = alt.TitleParams(
        say(lang, f"scenario.{id}"), anchor="start", color=ink, fontSize=13, dy=-4
    )
    base = alt.Chart(frame).encode(
        y=name_axis(frame["name"], ink),
        tooltip=[
            alt.Tooltip("full:N", title=say(lang, "scenario.scenario")),
            alt.Tooltip("label:N", title=say(lang, f"scenario.{id}")),
        ],
    )
    axis = alt.X("value:Q", axis=None, scale=alt.Scale(domain=_reach(frame["value"].tolist())))
    kinds = alt.Scale(domain=["same", "above", "below"], range=[GREY, BLUE, ORANGE])
    bars = base.mark_bar(height=18).encode(
        x=axis, color=alt.Color("kind:N", scale=kinds, legend=None)
    )
    frame["end"] = frame["value"].clip(lower=0)
    labels = base.mark_text(
        align="left", baseline="middle", dx=6, fontSize=12, color=ink, lineBreak="\n"
    ).encode(
        x=alt.X("end:Q", axis=None, scale=alt.Scale(domain=_reach(frame["value"].tolist()))),
        text=alt.Text("label:N"),
    )
    return alt.layer(bars, labels).properties(
        height=height_of(len(rows)), width="container", title=title
    )


def _reach(values: Sequence[float]) -> list[float]:
    low, high = min(0.0, *values), max(0.0, *values)
    return [low, high + ROOM * ((high - low) or 1.0) / (1 - ROOM)]


def _short(name: str, place: int) -> str:
    """A name that fits beside the bars; a number tells those apart that begin alike."""
    return name if len(name) <= SHORT else f"{name[: SHORT - 4]}… {place}"


def _label(value: Exact, variance: Exact, currency: str, lang: str) -> str:
    if value is None:
        return say(lang, "charts.no_data")
    shown = money(value, currency, lang, 0)
    if not variance:
        return shown
    sign = "+" if variance > 0 else ""
    return f"{shown}\n{sign}{money(variance, currency, lang, 0)}"
