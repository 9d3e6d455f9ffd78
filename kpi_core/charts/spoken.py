"""What a chart shows, in words, for those who hear a page instead of seeing it.

A chart says what its tooltips say, or its labels where it has none: these are words already, in
the reader's language. Browsers read them out as the name of the chart.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from itertools import groupby
from typing import Any, ParamSpec

import altair as alt
import pandas as pd

FEW = 6  # points of a series that are all told; of a longer one the first and the last
UNKNOWN = "—"

_Asked = ParamSpec("_Asked")


def spoken(draw: Callable[_Asked, Any]) -> Callable[_Asked, Any]:
    """Lets what `draw` draws say itself; a chart with nothing to show stays ``None``."""

    @wraps(draw)
    def drawn(*given: _Asked.args, **named: _Asked.kwargs) -> Any:
        chart = draw(*given, **named)
        return None if chart is None else chart.properties(description=told(chart))

    return drawn


def told(chart: Any) -> str:
    """The points of a chart, each once: ``KPI, points: CR, 30 of 30; AOV, 20 of 20``."""
    layers = list(_layers(chart, chart.data, chart.encoding if _given(chart.encoding) else None))
    # A mark of its own data, such as a line at nought, has nothing to say in these fields.
    tips = [told for told in layers if told[1] and {name for name, _ in told[1]} <= {*told[0]}]
    rows: dict[str, None] = {}
    for data, fields, series in tips:
        rows.update(dict.fromkeys(_rows(data, [name for name, _ in fields], series)))
    heading = dict.fromkeys(title for _, fields, _ in tips for _, title in fields if title)
    return ": ".join(filter(None, (", ".join(heading), "; ".join(rows))))


_Fields = list[tuple[str, str]]  # each with what it is called


def _layers(chart: Any, data: Any, around: Any) -> Iterator[tuple[pd.DataFrame, _Fields, str]]:
    """The data of every layer with the fields it tells and the one that names its series."""
    own = data if not _given(chart.data) else chart.data
    if hasattr(chart, "layer"):
        inner = list(chart.layer)
        parts = [part for layer in inner for part in _layers(layer, own, around)]
        # Points with tooltips say more than the labels beside them.
        full = [part for part in parts if any(title for _, title in part[1])]
        yield from full or parts
        return
    encoding = chart.encoding
    tips = _channel(encoding, "tooltip") or _channel(around, "tooltip") or []
    fields = [
        (_field(tip), str(tip["title"])) for tip in (tips if isinstance(tips, list) else [tips])
    ]
    label = _channel(encoding, "text")
    if not fields and label is not None:
        fields = [(_field(label), "")]
    colour = _channel(encoding, "color")
    yield own, fields, _field(colour) if colour is not None else ""


def _given(value: Any) -> bool:
    return value is not alt.Undefined


def _channel(encoding: Any, name: str) -> Any:
    found = alt.Undefined if encoding is None else getattr(encoding, name, alt.Undefined)
    return found if _given(found) else None


def _field(channel: Any) -> str:
    """The column that a channel shows; one that shows a constant has none."""
    shorthand = getattr(channel, "shorthand", alt.Undefined)
    return str(shorthand).rpartition(":")[0] if _given(shorthand) else ""


def _rows(data: pd.DataFrame, fields: list[str], series: str) -> Iterator[str]:
    """The points in words: of a long series the first and the last that are known."""
    points = data.to_dict("records")
    for _, each in groupby(points, key=lambda point: point.get(series)):
        known = [point for point in each if str(point[fields[-1]]) != UNKNOWN]
        said = list(dict.fromkeys(", ".join(_words(point, fields)) for point in known))
        yield from said if len(said) <= FEW else (f"{said[0]} … {said[-1]}",)


def _words(point: dict[Any, Any], fields: list[str]) -> Iterator[str]:
    """What the fields of a point say; a label in two lines is one."""
    return (" ".join(str(point[name]).split()) for name in fields if str(point[name]).strip())
