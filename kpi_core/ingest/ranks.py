"""Positions of phrases in a search engine, as rank trackers export them.

What adds up is not the position but what it is worth: a phrase of 1 000 searches a month at place 1
is seen by more people than one of 10. Phrases are counted a day each, so that ratios of the sums
are averages over the days.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.values import Cell, is_missing, numbers

_UNKNOWN = frozenset({"", "no data", "нет данных", "n/a", "н/д", "error", "ошибка"})
TRACKED = ("tracked_phrases", "tracked_volume", "visible_volume")
TOP = {"phrases_top3": 3, "phrases_top10": 10}


def ranks(reading: Reading) -> pd.DataFrame:
    """One fact a phrase and day. A phrase below the tracked depth counts as not seen."""
    frame = reading.frame()
    places = reading.column("position")
    place = pd.Series(_places(places, reading), index=frame.index)
    told = pd.Series([not _is_unknown(cell) for cell in places], index=frame.index, dtype=bool)
    facts = frame.loc[told & (place >= 1)].copy()  # 0 may be the best place or none at all
    if len(facts) < len(frame):
        reading.find(Severity.INFO, "positions_unknown", n=len(frame) - len(facts))
    place = place.loc[facts.index]
    facts["tracked_phrases"] = 1.0
    for measure, depth in TOP.items():
        facts[measure] = (place <= depth).astype(float)
    if "volume" in reading.columns:
        volume = pd.Series(reading.amounts("volume"), index=frame.index).loc[facts.index]
        facts["tracked_volume"] = volume
        facts["visible_volume"] = volume * place.map(_seen)
    return reading.dated(facts)


def _is_unknown(cell: Cell) -> bool:
    """Whether the tracker did not look, which is not the same as "not found" (a dash)."""
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in _UNKNOWN)


def _places(cells: Sequence[Cell], reading: Reading) -> npt.NDArray[np.float64]:
    """The positions; below the tracked depth (``-``, ``>100``) they are infinite."""
    below = [isinstance(cell, str) and (is_missing(cell) or ">" in cell) for cell in cells]
    read = numbers([None if far else cell for far, cell in zip(below, cells, strict=True)], ".")
    told = reading.figures(reading.columns["position"]) if read.unread else read
    return np.where(below, np.inf, told.values)


def _seen(place: float) -> float:
    """The share of searchers who see a result at this place, by the stated table."""
    if not place >= 1:
        return float("nan")
    table = catalogue.shares_by_position()
    return table[int(place) - 1] if place < len(table) + 1 else 0.0
