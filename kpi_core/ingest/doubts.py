"""Rows of sums that look pasted, printed twice or merged: nothing of them is lost, all is told."""

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.ingest.formats import PERSONAL, dimensions
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.values import is_missing
from kpi_core.model import Adds, Unit

_NO_NAMES = PERSONAL | {"date", "date_end", "currency"}


def tell_repeated(reading: Reading) -> None:
    """Tells of rows that say the same as an earlier one in every cell: they count twice.

    Rows without any figure but nought add nothing, and may well be alike.
    """
    if not reading.lines or not any(reading.lines):
        return  # sums of a large file, whose rows were added up
    figured = [reading.columns[id] for id in reading.measures()]
    seen: set[tuple[object, ...]] = set()
    again: list[int] = []
    for row in _likely_repeated(reading, figured):
        cells = tuple(column[row] for column in reading.cells)
        if cells not in seen:
            seen.add(cells)
        elif any(not is_missing(cells[at]) and cells[at] not in {"0", 0} for at in figured):
            again.append(row)
    if again:
        told = {"n": len(again), "line": reading.lines[again[0]]}
        reading.find(Severity.WARNING, "rows_repeated", **told)


def _likely_repeated(reading: Reading, figured: list[int]) -> list[int]:
    """The rows whose figures come twice: no other row can say the same as one before it."""
    read = [reading.numbers(at) for at in figured]
    # What is no number may equal one all the same: a tick is a 1.
    figures = [found.values for found in read if not found.unread]
    if not figures:
        return list(range(len(reading.lines)))
    again = pd.DataFrame(dict(enumerate(figures))).duplicated(keep=False)
    return np.flatnonzero(again).tolist()


def tell_unnamed(reading: Reading, facts: pd.DataFrame) -> None:
    """Tells of empty names below filled ones, as merged cells leave them, and of their amount.

    A column in which no name comes twice is one that was merged: it names each of its groups once.
    """
    added = [
        id for id in facts if id in catalogue.measures() and catalogue.measure(id).adds is Adds.SUM
    ]
    added.sort(key=lambda id: catalogue.measure(id).unit is not Unit.MONEY)
    for dimension in dimensions():
        if dimension in _NO_NAMES or dimension not in reading.columns or not added:
            continue
        names = reading.texts(dimension)
        filled = names[names != ""]
        empty = names.index[names == ""].intersection(facts.index)
        if not len(empty) or not names.iloc[0] or filled.duplicated().any():
            continue
        measure = next((id for id in added if facts.loc[empty, id].notna().any()), None)
        if measure is not None:
            reading.find(
                Severity.WARNING,
                "names_merged",
                column=reading.heading(dimension).raw,
                n=len(empty),
                line=reading.lines[int(empty[0])],
                measure=catalogue.measure(measure).name,
                amount=float(np.nansum(facts.loc[empty, measure])),
            )
