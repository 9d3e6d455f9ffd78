"""Which rows of a table are totals: they must never be added to the rows they sum.

A name alone proves little: a campaign may be called "Total". So a row is a total when it is named
and placed like one, or when its figures say so; what is only named like one stays data and is told.
What is a total by its figures alone, whatever its name, is told as well: a campaign may be worth as
much as all others.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, combinations, islice

import numpy as np
import numpy.typing as npt

from kpi_core.ingest.values import Cell, interval, is_day

Figures = npt.NDArray[np.float64]

# Итого и средние; Итого за май; Всего:; Total: Campaigns; Grand total
TOTAL_LABEL = re.compile(
    r"\s*(итого\b.*|(всего|итоги?|сводка)\s*([:(].*|(за|по)\s.*|)|(grand )?totals?\s*(:.*|)"
    r"|общ(ий|ая|ее|ие)\s+итого?и?"
    r"|totals? (and|&) averages?"
    r"|total rows:.*)",
    re.I | re.S,
)
_ALIKE = re.compile(r"\s*((общ(ий|ая|ее|ие)\s+)?итог[оиа]?|всего|сводка|(grand )?totals?)\b", re.I)
_ALL = re.compile(
    r"\s*(сумма|sum|(все|all)\s+(каналы|источники|кампании|channels|sources|campaigns))\s*:?", re.I
)  # totals only if their figures are
_BRANCH = re.compile(r"(?P<name>.*\S)\s+(итог[ои]?|total)\s*", re.I | re.S)  # as pivots: Бренд Итог
_MIDDLE = re.compile(r"\s*(среднее|в среднем|average|avg\.?|mean)\b.{0,20}", re.I)
_LARGEST = re.compile(r"\s*(максимум|maximum)\b.{0,20}", re.I)
_SMALLEST = re.compile(r"\s*(минимум|minimum)\b.{0,20}", re.I)
_PART = re.compile(r"\s*(в\s*т\.?\s*ч\b|в том числе\b|of which\b).*", re.I | re.S)
_FRACTION = re.compile(r"[-+−]?\d[\d\s]*[.,]\d+\s*%?")  # a figure that is not read, and no name
_VOID = frozenset({"", "-", "--", "—", "–"})  # not "(not set)": that is a value
AGREES = 0.001  # of a total: by so much the sum of rounded rows may differ
_LONGEST = 200  # characters of a name that is searched for more than its beginning
_KOPECK = 0.011  # what groups may differ by from the sums of their rows
_EFFORT = 4e8  # rows squared, times readings of them


@dataclass(frozen=True)
class Found:
    """Rows by number.

    A row with a day whose name merely begins like a total is no news: campaigns are called so.

    Attributes:
        totals: the total rows.
        alike: rows that are only named like totals and stay data.
        by_figures: those of the totals that nothing but their figures tells.
        aside: averages, largest and smallest figures, parts of another row ("в т.ч."): no data.
    """

    totals: list[int]
    alike: list[int]
    by_figures: list[int]
    aside: list[int]


def total_rows(
    labels: Sequence[Sequence[Cell]],
    described: Sequence[Sequence[Cell]],
    day: Sequence[Cell] | None,
    extra: Mapping[int, Sequence[Cell]],
    figures: Callable[[], Figures],
    *,
    ends: bool = True,
) -> Found:
    """The total rows of a table given by its columns.

    Args:
        labels: the columns that hold no measure.
        described: those of them that say what a row is about; all empty in a total.
        day: the column of dates, if there is one.
        extra: row to cells beyond the last heading, where GA4 writes "Grand total".
        figures: reads the measures that add up, shape (rows, measures).
        ends: whether the first and the last row are totals if their figures are.
    """
    alike = _named(labels)
    certain = {row for row, names in alike.items() if TOTAL_LABEL.fullmatch(names[0])}
    certain |= _branches(labels, alike)
    certain |= {
        row for row, cells in extra.items() if any(map(TOTAL_LABEL.fullmatch, map(str, cells)))
    }
    parts = {row for row, names in alike.items() if _PART.fullmatch(names[-1])} - certain
    merely = set(alike) - certain - parts
    void = _void_rows(described) - certain - merely - parts
    dated = {row for row in certain | merely if day is not None and is_day(day[row])}
    totals = certain - dated
    if not (dated or merely or void or ends):
        return Found(sorted(totals), [], [], sorted(parts))
    sums = figures()
    plain = np.ones(len(sums), dtype=bool)
    plain[list(dated | merely | void | totals | parts)] = False
    aside = set(parts)
    if plain.any():
        rest = sums[plain].sum(axis=0, where=~np.isnan(sums[plain]))
        in_time = {row for row in void if day is not None and is_day(day[row])}
        edges = _edges(len(sums), totals | parts)
        whole = {row for row in void - in_time if _equals(sums[row], rest)}
        if not void - in_time - whole - edges:  # else cells were merged, and no row is a total
            whole |= {row for row in void - in_time & edges if _reaches(sums[row], rest)}
        totals |= whole
        enough = 2 if plain.sum() > 1 else 3
        totals |= {row for row in in_time if _is_sum_of_all(sums[row], rest, enough)}
        totals |= {row for row in merely - dated if _equals(sums[row], rest)}
        if dated and _equals(sums[list(dated)].sum(axis=0), rest):
            totals |= dated
        odd = merely - dated - totals
        aside |= {row for row in odd if _sums_up(alike[row][-1], sums[row], sums[plain])}
    by_figures: set[int] = set()
    if ends:
        kept = np.ones(len(sums), dtype=bool)
        kept[list(totals | aside)] = False
        by_figures = _ends(sums, kept, day)
    said = (certain | merely - dated) - totals - aside - by_figures
    return Found(sorted(totals | by_figures), sorted(said), sorted(by_figures), sorted(aside))


def _edges(n: int, known: Set[int]) -> set[int]:
    """The first and the last row that are not `known` to be totals."""
    rows = [row for row in range(n) if row not in known]
    return {rows[0], rows[-1]} if rows else set()


def _ends(sums: Figures, kept: npt.NDArray[np.bool_], day: Sequence[Cell] | None) -> set[int]:
    """The first or the last row, where it is the sum of all others: one figure may be by chance."""
    rows = np.flatnonzero(kept)
    if len(rows) < 3:
        return set()
    for row, beside in ((rows[-1], rows[-2]), (rows[0], rows[1])):
        if day is not None and is_day(day[row]) and not _spans(day[row], day[beside]):
            continue
        others = sums[rows[rows != row]]
        if np.count_nonzero(np.nansum(others, axis=1)) < 2:
            continue
        rest = np.nansum(others, axis=0)
        if not _is_sum_of_all(sums[row], rest, 1):
            continue
        told = sums[row] > 0
        if np.linalg.matrix_rank(np.nan_to_num(others[:, told])) > 1:  # else one figure in effect
            return {int(row)}
        if len(rows) >= 4 and (np.abs(sums[row] - rest)[told] <= _KOPECK).all():
            return {int(row)}
    return set()


def _spans(cell: Cell, other: Cell) -> bool:
    """Whether the days of a cell hold those of another and more: a month below its days."""
    long, short = interval(cell, month_first=None), interval(other, month_first=None)
    if not long or not short:
        return False
    return long != short and long[0] <= short[0] and short[1] <= long[1]


def _sums_up(label: str, row: Figures, others: Figures) -> bool:
    """Whether a row that is called an average, a maximum or a minimum is one."""
    filled = ~np.isnan(row) & ~np.isnan(others).all(axis=0)
    if not filled.any():
        return False
    row, others = row[filled], others[:, filled]
    if _MIDDLE.fullmatch(label):
        middle = np.nanmean(others, axis=0)
        rounded = np.where(row == np.round(row), 0.5, 0.05)
        return bool((np.abs(row - middle) <= rounded + AGREES * np.abs(middle)).all())
    for named, edge in ((_LARGEST, np.nanmax), (_SMALLEST, np.nanmin)):
        if named.fullmatch(label):
            return bool((np.abs(row - edge(others, axis=0)) <= _KOPECK).all())
    return False


def _branches(labels: Sequence[Sequence[Cell]], alike: Mapping[int, list[str]]) -> set[int]:
    """The rows that pivot tables call "Бренд Итог" below the rows of "Бренд"."""
    found: set[int] = set()
    for row, names in alike.items():
        if (match := _BRANCH.fullmatch(names[-1])) and (
            is_day(match["name"]) or any(_holds(column, row, match) for column in labels)
        ):
            found.add(row)
    return found


def _holds(column: Sequence[Cell], row: int, match: re.Match[str]) -> bool:
    """Whether the column of this row's label also holds the name that the label begins with."""
    if str(column[row]).strip() != match.string:
        return False
    name = match["name"].strip()
    return any(type(cell) is str and cell.strip() == name for cell in column)


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

    if off(set()) <= min(AGREES, off(certain)):
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
        alike = {cell for cell in set(column) if isinstance(cell, str) and _is_alike(cell)}
        if alike:
            rows.update(row for row, cell in enumerate(column) if cell in alike)
    labels = {row: _labels([column[row] for column in columns]) for row in rows}
    return {row: found for row, found in labels.items() if found and _is_alike(found[-1])}


def _is_alike(label: str) -> bool:
    """Whether a row may be called so because it sums up others."""
    if label.upper() == label.lower():  # not a letter in it: most labels are days and numbers
        return False
    if len(label) > _LONGEST:
        return bool(_ALIKE.match(label))
    whole = (_ALL, _BRANCH, _MIDDLE, _LARGEST, _SMALLEST, _PART)
    return bool(_ALIKE.match(label)) or any(pattern.fullmatch(label) for pattern in whole)


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
    return bool(row[known].any() and (row[known] >= rest[known] * (1 - AGREES)).all())


def _is_sum_of_all(row: Figures, rest: Figures, enough: int) -> bool:
    """Whether so many figures are the sums of the others: one may be so by chance."""
    return int((row > 0).sum()) >= enough and _equals(row, rest)


def _equals(row: Figures, rest: Figures) -> bool:
    known = ~np.isnan(row)
    return bool(row[known].any() and near(row, rest)[known].all())


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


def near(stated: Figures, summed: Figures | float) -> npt.NDArray[np.bool_]:
    """Whether totals are these sums but for rounding: the one rule of the whole product."""
    return np.asarray(np.abs(stated - summed) <= np.maximum(AGREES * np.abs(stated), _KOPECK))


def agrees(stated: Figures, summed: float) -> bool:
    """Whether one of the totals that a file prints is the sum of its rows.

    Several totals may overlap (campaigns, account, search): one that agrees is enough.
    """
    return bool(near(stated, summed).any())
