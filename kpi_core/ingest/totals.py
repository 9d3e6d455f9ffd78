"""Which rows of a table are totals: they must never be added to the rows they sum.

A name alone proves little: a campaign may be called "Total". So a row is a total when it is named
and placed like one, or when its figures say so; what is only named like one stays data and is told.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kpi_core.ingest.values import Cell, is_day

Figures = npt.NDArray[np.float64]

# Итого и средние; Итого за май; Всего:; Total: Campaigns; Grand total
_CERTAIN = re.compile(
    r"\s*(итого\b.*|(всего|итоги?|сводка)\s*([:(].*|(за|по)\s.*|)|(grand )?totals?\s*(:.*|)"
    r"|total rows:.*)",
    re.I | re.S,
)
_ALIKE = re.compile(r"\s*(итог[оиа]?|всего|сводка|(grand )?totals?)\b", re.I)
_VOID = frozenset({"", "-", "--", "—", "–"})  # not "(not set)": that is a value
TOLERANCE = 0.005  # of a total: exports round their rows


@dataclass(frozen=True)
class Found:
    """Rows by number: `totals`, and rows that are only named `alike` and stay data.

    A row with a day whose name merely begins like a total is no news: campaigns are called so.
    """

    totals: list[int]
    alike: list[int]


def total_rows(
    labels: Sequence[Sequence[Cell]],
    described: Sequence[Sequence[Cell]],
    day: Sequence[Cell] | None,
    extra: Mapping[int, Sequence[Cell]],
    figures: Callable[[], Figures],
) -> Found:
    """The total rows of a table given by its columns.

    Args:
        labels: the columns that hold no measure.
        described: those of them that say what a row is about; all empty in a total.
        day: the column of dates, if there is one.
        extra: row to cells beyond the last heading, where GA4 writes "Grand total".
        figures: reads the measures that add up, shape (rows, measures); called only if needed.
    """
    alike = _named(labels)
    certain = {row for row, names in alike.items() if _CERTAIN.fullmatch(names[0])}
    certain |= {
        row for row, cells in extra.items() if any(map(_CERTAIN.fullmatch, map(str, cells)))
    }
    merely = set(alike) - certain
    void = _void_rows(described) - certain - merely
    dated = {row for row in certain | merely if day is not None and is_day(day[row])}
    totals = certain - dated
    if doubtful := (dated | merely | void):
        sums = figures()
        plain = np.ones(len(sums), dtype=bool)
        plain[list(doubtful | totals)] = False
        rest = sums[plain].sum(axis=0, where=~np.isnan(sums[plain]))
        if plain.any():
            totals |= {row for row in void if _reaches(sums[row], rest)}
            totals |= {row for row in merely - dated if _equals(sums[row], rest)}
            if dated and _equals(sums[list(dated)].sum(axis=0), rest):
                totals |= dated
    return Found(sorted(totals), sorted((certain | merely - dated) - totals))


def _named(columns: Sequence[Sequence[Cell]]) -> dict[int, list[str]]:
    """Row to its first labels, where they begin like a total: days and line numbers aside."""
    rows: set[int] = set()
    for column in columns:
        alike = {cell for cell in set(column) if isinstance(cell, str) and _ALIKE.match(cell)}
        if alike:
            rows.update(row for row, cell in enumerate(column) if cell in alike)
    labels = {row: _labels([column[row] for column in columns]) for row in rows}
    return {row: found for row, found in labels.items() if found and _ALIKE.match(found[-1])}


def _labels(cells: Sequence[Cell]) -> list[str]:
    """The cells that name a row, up to the first that is no number."""
    found: list[str] = []
    for cell in cells:
        if not _is_void(cell) and not is_day(cell):
            found.append(str(cell).strip())
            if not found[-1].isdecimal():
                break
    return found


def _is_void(cell: Cell) -> bool:
    return cell is None or str(cell).strip() in _VOID


def _void_rows(columns: Sequence[Sequence[Cell]]) -> set[int]:
    """The rows that are empty in every column."""
    rows: set[int] | None = None
    for column in columns:
        void = {cell for cell in set(column) if _is_void(cell)}
        here = {row for row, cell in enumerate(column) if cell in void} if void else set()
        rows = here if rows is None else rows & here
        if not rows:
            break
    return rows or set()


def _reaches(row: Figures, rest: Figures) -> bool:
    """Whether no figure is below the sum of the other rows (of an export cut short, far above)."""
    known = ~np.isnan(row)
    return bool(row[known].any() and (row[known] >= rest[known] * (1 - TOLERANCE)).all())


def _equals(row: Figures, rest: Figures) -> bool:
    known = ~np.isnan(row)
    near = np.abs(row - rest) <= TOLERANCE * np.abs(rest) + 1e-9
    return bool(row[known].any() and near[known].all())


def agrees(stated: Figures, summed: float) -> bool:
    """Whether one of the totals that a file prints is the sum of its rows.

    Several totals may overlap (campaigns, account, search): one that agrees is enough.
    """
    return bool((np.abs(stated - summed) <= np.maximum(TOLERANCE * np.abs(stated), 1)).any())
