"""Charts of the what-if model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import pandas as pd

from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, INK, ORANGE, name_axis
from kpi_core.kpis import Values
from kpi_core.model import Better
from kpi_core.text import percent, say


@dataclass(frozen=True)
class Shift:
    """How far a KPI moved: as a share of where it was, in words, and whether for the better."""

    name: str
    change: float
    label: str
    better: bool


def shifts(before: Values, after: Values, lang: str) -> tuple[Shift, ...]:
    """Every KPI that moved, in the order of the values; none whose share cannot be told."""
    found = []
    for was, is_now in zip(before.rows, after.rows, strict=True):
        if not was.value or is_now.value is None or is_now.value == was.value:
            continue
        kpi, change = was.definition, is_now.value / was.value - 1
        label = ("+" if change > 0 else "") + percent(change, lang)
        better = (is_now.value > was.value) == (kpi.better is Better.HIGHER)
        found.append(Shift(kpi.name[lang], float(change), label, better))
    return tuple(found)


@spoken
def changes(moved: Sequence[Shift], lang: str, ink: str = INK) -> Any:
    """How far each KPI moves, in percent of where it was; at least one does."""
    rows = [asdict(shift) | {"kind": "better" if shift.better else "worse"} for shift in moved]
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
