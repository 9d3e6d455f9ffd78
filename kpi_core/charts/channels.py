"""Charts of channels and campaigns."""

from typing import Any

import altair as alt
import pandas as pd

from kpi_core import words
from kpi_core.channels import Channels, Part, Worth
from kpi_core.charts.spoken import spoken
from kpi_core.charts.style import BLUE, GREY, INK, ORANGE, height_of, name_axis
from kpi_core.text import say

MOST = 15  # bars; of more, the last ones are in the table only
_COLOURS = {Worth.PAYS: BLUE, Worth.LOSES: ORANGE}


@spoken
def returns(channels: Channels, lang: str, ink: str = INK) -> Any:
    """What a unit of spend brought, by margin, with its interval; ``None`` if it is not known.

    Blue pays and orange loses, chance considered; grey cannot be told, and every label says so.
    """
    rows = [_row(channels, part, lang) for part in channels.ranked()[:MOST]]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    least, most = min(frame["low"].min(), 0.0), max(frame["high"].max(), 0.0)
    reach = max(most - least, 0.01)
    scale = alt.Scale(domain=[least - 0.05 * reach, most + 0.05 * reach], nice=False)
    # Labels stand in a column of their own: beside the marks they would run into each other.
    base = alt.Chart(frame).encode(y=name_axis(frame["name"], ink))
    tooltip = [
        alt.Tooltip("name:N", title=say(lang, "charts.part")),
        alt.Tooltip("label:N", title=say(lang, "charts.value")),
    ]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["pays", "loses", "unsure"], range=[BLUE, ORANGE, GREY]),
        legend=None,
    )
    x = alt.X("value:Q", axis=None, scale=scale)
    nought = alt.Chart(pd.DataFrame({"nought": [0.0]})).mark_rule(color=ink, strokeDash=[4, 3])
    nought = nought.encode(x=alt.X("nought:Q", axis=None, scale=scale))
    spread = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", axis=None, scale=scale), x2=alt.X2("high:Q"), color=colour
    )
    points = base.mark_point(size=110, filled=True, opacity=1).encode(x=x, color=colour)
    label = base.mark_text(dy=-13, fontSize=13, color=ink).encode(
        x=alt.XDatum((least + most) / 2, axis=None, scale=scale), text=alt.Text("label:N")
    )
    return (
        alt.layer(nought, spread, points, label)
        .encode(tooltip=tooltip)
        .properties(height=height_of(len(frame)) + 8 * len(frame), width="container")
    )


def _row(channels: Channels, part: Part, lang: str) -> dict[str, object]:
    value = part.returned
    assert value is not None and value.value is not None  # noqa: S101, PT018  # `ranked` says so
    shown = words.kpi_figure(value.definition, value.value, None, lang)
    sure = part.worth in _COLOURS
    told = value.low is not None and value.high is not None and value.enough
    within = f" ({words.interval(value, lang)})" if told else ""
    return {
        "name": words.slice_name(channels.by, part.slice, lang),
        "value": float(value.value),
        "low": value.low if told else float(value.value),
        "high": value.high if told else float(value.value),
        "kind": str(part.worth) if sure else "unsure",
        "label": f"{shown}{within} · {say(lang, f'words.worth_{part.worth}')}",
    }
