"""What all charts share: colours, bar heights, axes that leave the figures to labels."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import altair as alt

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#9aa5b1"  # told apart by colour-blind eyes, too
INK = "#1f2937"  # of labels on a light ground; pages in the dark pass their own
ROW = 44  # pixels a bar row takes


def height_of(count: int) -> int:
    """The height of a chart of `count` bars."""
    return max(ROW * count, 2 * ROW)


def name_axis(names: Iterable[str], ink: str) -> alt.Y:
    """An axis of names in their order."""
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


def bare_axis(field: str, top: float) -> alt.X:
    """An axis from 0 without ticks: every bar says its own figure."""
    return alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, top]))


def labels_of(marks: Sequence[float], label: Callable[[float], str]) -> str:
    """What writes each mark of an axis as `label` does: Vega would write numbers its own way."""
    return f"({json.dumps({_as_script_writes(mark): label(mark) for mark in marks})})[datum.value]"


def figure_axis(
    field: str, values: Sequence[float], label: Callable[[float], str], ink: str
) -> alt.Y:
    """An axis over `values` with a few round figures, each written by `label`."""
    ticks = round_marks(min(values), max(values))
    room = 0.12 * ((max(values) - min(values)) or abs(max(values)) or 1.0)
    low = min(values) - (0.0 if min(values) == 0 else room)
    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(domain=[low, max(values) + 1.6 * room], nice=False, zero=False),
        axis=alt.Axis(
            title=None,
            values=ticks,
            labelExpr=labels_of(ticks, label),
            labelColor=ink,
            labelFontSize=12,
            labelLimit=90,
            ticks=False,
            domain=False,
        ),
    )


def round_marks(low: float, high: float, most: int = 5) -> list[float]:
    """Up to `most` round figures from `low` to `high`.

    >>> round_marks(539.0, 929.0)
    [600.0, 700.0, 800.0, 900.0]
    """
    if not high > low:
        return [low]
    steps = (n * 10.0**power for power in range(-15, 16) for n in (1, 2, 5))
    step = next((s for s in steps if (high - low) / s < most), high - low)
    first, last = math.ceil(low / step), math.floor(high / step)
    places = max(0, -math.floor(math.log10(step)))
    return [round(number * step, places) for number in range(first, last + 1)]


def _as_script_writes(number: float) -> str:
    """A number as the browser's script writes it, which looks up the label by it."""
    return str(int(number)) if number.is_integer() else format(Decimal(repr(number)), "f")
