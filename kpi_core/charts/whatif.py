"""Charts of the what-if model."""

from typing import Any

import altair as alt
import pandas as pd

from kpi_core.charts.style import BLUE, INK, ORANGE, name_axis
from kpi_core.kpis import Values
from kpi_core.model import Better
from kpi_core.text import percent, say


def changes(before: Values, after: Values, lang: str, ink: str = INK) -> Any:
    """How far each KPI moves, in percent of where it was; ``None`` if none moves."""
    rows = []
    for was, is_now in zip(before.rows, after.rows, strict=True):
        if not was.value or is_now.value is None or is_now.value == was.value:
            continue
        kpi = was.definition
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
        y=name_axis(frame["name"], ink),
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
