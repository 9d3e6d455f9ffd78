"""Which rows of a table are totals: they must never be added to the rows they sum.

A name alone proves little: a campaign may be called "Total". So a row is a total when it is named
and placed like one, or when its figures say so; what is only named like one stays data and is told.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, combinations, islice

import numpy as np
import numpy.typing as npt

from kpi_core.ingest.values import Cell, is_day

Figures = npt.NDArray[np.float64]

# Итого и средние; Итого за май; Всего:; Total: Campaigns; Grand total
_CERTAIN = re.compile(
    r"\s*(итого\b.*|(всего|итоги?|сводка)\s*([:(].*|(за|по)\s.*|)|(grand )?totals?\s*(:.*|)"
    r"|totals? (and|&) averages?"
    r"|total rows:.*)",
    re.I | re.S,
)
_ALIKE = re.compile(r"\s*(итог[оиа]?|всего|сводка|(grand )?totals?)\b", re.I)
_FRACTION = re.compile(r"[-+−]?\d[\d\s]*[.,]\d+\s*%?")  # a figure that is not read, and no name
_VOID = frozenset({"", "-", "--", "—", "–"})  # not "(not set)": that is a value
TOLERANCE = 0.005  # of a total: exports round their rows
_KOPECK = 0.011  # what groups may differ by from the sums of their rows
_EFFORT = 4e8  # rows squared, times readings of them


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
            in_time = {row for row in void if day is not None and is_day(day[row])}
            totals |= {row for row in void - in_time if _reaches(sums[row], rest)}
            enough = 2 if plain.sum() > 1 else 3
            totals |= {row for row in in_time if _is_sum_of_all(sums[row], rest, enough)}
            totals |= {row for row in merely - dated if _equals(sums[row], rest)}
            if dated and _equals(sums[list(dated)].sum(axis=0), rest):
                totals |= dated
    return Found(sorted(totals), sorted((certain | merely - dated) - totals))


def subtotals(levels: Sequence[Sequence[Cell]], figures: Figures, totals: Figures) -> list[int]:
    """The rows of a tree that sum those of their lower levels.

    A site's first page has no lower levels either, so a row is a subtotal only if its figures are
    the sums of several rows below it, or if the total of the file says that such rows are.

    Args:
        levels: the columns that name a row, the widest first.
        figures: the measures that add up, of the same rows, shape (rows, measures).
        totals: those of the total rows.
    """
    below: dict[tuple[Cell, ...], list[int]] = {}
    depths: dict[int, int] = {}
    names = list(zip(*levels, strict=True))
    for row, cells in enumerate(names):
        depths[row] = max((at for at, cell in enumerate(cells, 1) if not _is_void(cell)), default=0)
        for shorter in range(1, depths[row]):
            below.setdefault(cells[:shorter], []).append(row)
    parents = [row for row, cells in enumerate(names) if cells[: depths[row]] in below]
    certain: set[int] = set()
    likely: set[int] = set()
    for row in sorted(parents, key=lambda row: -depths[row]):
        inner = [at for at in below[names[row][: depths[row]]] if at not in certain]
        if _are(figures[row], np.nansum(figures[inner], axis=0)):
            (certain if len(inner) > 1 else likely).add(row)
    if not len(totals):
        return sorted(certain)

    def off(dropped: set[int]) -> float:
        kept = np.ones(len(figures), dtype=bool)
        kept[list(dropped)] = False
        gaps = np.abs(totals - np.nansum(figures[kept], axis=0)) / np.maximum(np.abs(totals), 1)
        return float(np.nanmin(np.nanmean(gaps, axis=1))) if gaps.size else 0.0

    if off(set()) <= min(TOLERANCE, off(certain)):
        return []
    guesses: list[set[int]] = [certain, certain | likely, set(parents)]
    return sorted(guesses[int(np.argmin([off(guess) for guess in guesses]))])


def _are(row: Figures, rest: Figures) -> bool:
    known = ~np.isnan(row)
    return bool(row[known].any() and (row[known] == rest[known]).all())


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
        if not _is_void(cell) and not is_day(cell) and not _FRACTION.fullmatch(str(cell).strip()):
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


def _is_sum_of_all(row: Figures, rest: Figures, enough: int) -> bool:
    """Whether so many figures are the sums of the others: one may be so by chance."""
    return int((row > 0).sum()) >= enough and _equals(row, rest)


def _equals(row: Figures, rest: Figures) -> bool:
    known = ~np.isnan(row)
    near = np.abs(row - rest) <= TOLERANCE * np.abs(rest) + 1e-9
    return bool(row[known].any() and near[known].all())


def group_rows(figures: Figures, totals: Figures) -> list[int] | None:
    """The rows that are sums of rows right below them, where the file does not mark its groups.

    They are believed only if without them the others add up to a total in every measure; without
    any total, no row may look like one.

    Args:
        figures: the rows in their order, shape (rows, measures).
        totals: the total rows, the same measures.

    Returns:
        The rows; ``None`` if there seem to be groups and nothing proves which.
    """
    rows = np.nan_to_num(figures)
    if not rows.size or (not len(totals) and not any(n > 1 for n in _groups(rows).values())):
        return []
    if len(totals) and _is_a_total(rows.sum(axis=0), totals):
        return []
    if not len(totals):
        return None
    for found in _readings(rows):
        rest = np.delete(rows, sorted(found), axis=0)
        if found and _is_a_total(rest.sum(axis=0), totals):
            return sorted(found)
    return None


def _readings(rows: Figures) -> Iterator[set[int]]:
    """Which rows may be groups: all that look so, then without those that may do so by chance."""
    groups = _groups(rows)
    yield set(groups)
    left = int(_EFFORT / len(rows) ** 2)
    single = [row for row, n in groups.items() if n == 1]  # or the next item sold as much
    some = (set(few) for n in range(1, len(single)) for few in combinations(single, n))
    others = ({row} for row in groups if groups[row] > 1)
    for items in islice(chain([set(single)], others, some), max(left, 1)):
        yield set(_groups(rows, items))


def _groups(rows: Figures, items: Set[int] = frozenset()) -> dict[int, int]:
    """Row to how many rows (or whole groups) below it it sums; `items` are no groups."""
    found: dict[int, int] = {}
    sums = np.zeros((len(rows) + 1, rows.shape[1]))  # of the outermost rows, from the last one up
    top = 0
    for row in range(len(rows) - 1, -1, -1):
        if row not in items and rows[row].any():
            near = np.abs(sums[top] - sums[:top] - rows[row]) <= _KOPECK
            if (fitting := np.flatnonzero(near.all(axis=1))).size:
                found[row] = top - int(fitting[-1])
                top = int(fitting[-1])
        sums[top + 1] = sums[top] + rows[row]
        top += 1
    return found


def _is_a_total(summed: Figures, totals: Figures) -> bool:
    known = ~np.isnan(totals)
    near = np.abs(totals - summed) <= _KOPECK
    return bool(((near | ~known).all(axis=1) & known.any(axis=1)).any())


def agrees(stated: Figures, summed: float) -> bool:
    """Whether one of the totals that a file prints is the sum of its rows.

    Several totals may overlap (campaigns, account, search): one that agrees is enough.
    """
    return bool((np.abs(stated - summed) <= np.maximum(TOLERANCE * np.abs(stated), 1)).any())
