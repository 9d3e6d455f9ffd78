"""Charts of the funnel."""

from typing import Any

import altair as alt
import pandas as pd

from kpi_core.charts.style import BLUE, INK, ORANGE, bare_axis, height_of, name_axis
from kpi_core.funnel import Funnel
from kpi_core.text import number, percent, say


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
        y=name_axis(frame["name"], ink),
        tooltip=[
            alt.Tooltip("name:N", title=say(lang, "charts.stage")),
            alt.Tooltip("label:N", title=say(lang, "charts.count_and_step")),
            alt.Tooltip("total:N", title=say(lang, "charts.of_first")),
        ],
    )
    bars = base.mark_bar(height=26).encode(
        x=bare_axis("count", top),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=["step", "leak"], range=[BLUE, ORANGE]),
            legend=None,
        ),
    )
    text = base.mark_text(align="left", dx=6, fontSize=13, color=ink).encode(
        x=bare_axis("count", top), text=alt.Text("label:N")
    )
    return alt.layer(bars, text).properties(height=height_of(len(frame)), width="container")
