"""Targets of periods from a sheet: one a row, or KPIs against months.

A target moves money, so nothing is guessed and nothing dropped: one name, period or number that
cannot be read, and nothing of the sheet is taken.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import zip_longest

from kpi_core import catalogue
from kpi_core.errors import IngestError, KpiError, PlanError, did_you_mean
from kpi_core.ingest.opening import Grid, opened
from kpi_core.ingest.titles import FIRST_DAY, LAST_DAY, month_number
from kpi_core.ingest.values import Cell, decimal_mark, interval, is_missing, numbers
from kpi_core.model import Kpi, Period, Unit, month_of, parse_period
from kpi_core.plan import MAX_BYTES, OwnKpi, period_word

Targets = dict[str, dict[str, Decimal]]  # period as plan files write it, KPI, target
_HEADINGS = {
    "period": frozenset(
        {"period", "month", "quarter", "date", "период", "месяц", "квартал", "дата"}
    ),
    "kpi": frozenset({"kpi", "metric", "indicator", "показатель", "метрика", "название"}),
    "target": frozenset({"target", "goal", "plan", "value", "цель", "план", "значение"}),
}
_LOOKED_AT = 20  # rows that headings are sought in
_TOLD = 8  # names in one message
_NAMED = re.compile(r"([^\W\d]+)\.?[\s\-–'’]*(\d{4}|\d{2})(?:\s*г(?:ода?)?\.?)?")  # Oct-26
_QUARTER = re.compile(
    r"(?:(?P<n>[1-4]|i{1,3}|iv)\s*-?\s*(?:кв\.?|квартал|quarter|q)|q\s*(?P<n2>[1-4]))"
    r"[\s\-,]*(?P<year>\d{4})(?:\s*г(?:ода?)?\.?)?"
    r"|(?P<year2>\d{4})\s*-?\s*(?:q|кв\.?\s*)(?P<n3>[1-4])",
    re.I,
)
_BRACKETS = re.compile(r"[()]")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}

_Entry = tuple[Period, str, Cell, str]  # period, KPI, the cell, where it stands


def read_targets(name: str, data: bytes, own: Mapping[str, OwnKpi] | None = None) -> Targets:
    """The targets of a CSV or XLSX file, with the owner's KPIs known by name, too.

    Raises:
        IngestError: no file of tables.
        PlanError: it holds no targets, or something of it cannot be read; all of that is named.
    """
    if len(data) > MAX_BYTES:
        raise PlanError("plan_too_large", where=name, limit=MAX_BYTES // 1000)
    kpis = catalogue.kpis() | {id: kpi.kpi(id) for id, kpi in (own or {}).items()}
    try:
        grids = opened(name, data).sheets
    except IngestError as broken:
        broken.where = broken.where or name
        raise
    found: Targets = {}
    for grid in grids:
        try:
            _add(found, _entries(grid, _ids(kpis)), _reader(grid), kpis)
        except PlanError as wrong:
            wrong.where = f"{name} › {grid.name}" if grid.name else name
            raise
    if not found:
        raise PlanError("targets_no_table", where=name)
    return dict(sorted(found.items()))


def read_period(cell: Cell) -> Period | None:
    """The month, quarter or range of days that a cell names.

    >>> [str(read_period(text)) for text in ("10.2026", "окт. 2026", "Q4 2026")]
    ['2026-10-01..2026-10-31', '2026-10-01..2026-10-31', '2026-10-01..2026-12-31']
    """
    text = " ".join(str(cell).split())
    try:
        if len(text) > 40 or not isinstance(cell, str | date | datetime | int | float):
            return None
        if quarter := _QUARTER.fullmatch(text):
            number = quarter["n"] or quarter["n2"] or quarter["n3"]
            year = quarter["year"] or quarter["year2"]
            found = parse_period(f"{year}-Q{_ROMAN.get(number.casefold(), number)}")
        elif (named := _NAMED.fullmatch(text)) and (month := month_number(named[1])):
            year = int(named[2]) + 2000 * (len(named[2]) == 2)
            found = month_of(date(year, month, 1))
        elif isinstance(cell, str) and ".." in cell:
            found = parse_period(text)
        elif days := interval(cell, month_first=None):
            found = Period(*days)
        else:
            return None
    except (KpiError, ValueError):
        return None
    if not FIRST_DAY <= found.first <= found.last <= LAST_DAY:
        return None
    if found.days > 1:
        return found
    # Spreadsheets keep a month as its first day; any other day is no period of a plan.
    return month_of(found.first) if found.first.day == 1 else None


def _ids(kpis: Mapping[str, Kpi]) -> dict[str, str]:
    """How a KPI may be called, to its id."""
    called: dict[str, set[str]] = {}
    for id, kpi in kpis.items():
        for name in kpi.name.values():
            for part in (name, *_BRACKETS.split(name)):  # "Average order (AOV)" by its parts
                called.setdefault(_plain(part), set()).add(id)
    named = {name: ids.pop() for name, ids in called.items() if name and len(ids) == 1}
    return named | {_plain(id): id for id in kpis}


def _plain(cell: Cell) -> str:
    """A name without what people write in one way or another."""
    return " ".join(str(cell).casefold().replace("ё", "е").split()).rstrip(" :")


def _entries(grid: Grid, ids: Mapping[str, str]) -> Iterator[_Entry]:
    """Every target cell of a sheet, by its headings; nothing if the sheet has none."""
    for at, row in enumerate(grid.rows[:_LOOKED_AT]):
        headings = [_plain(cell) for cell in row]
        long = {
            meaning: next((i for i, text in enumerate(headings) if text in words), None)
            for meaning, words in _HEADINGS.items()
        }
        below = list(enumerate(grid.rows[at + 1 :], start=at + 2))
        if None not in long.values():
            return _long(below, [long[part] or 0 for part in ("period", "kpi", "target")], ids)
        across = [read_period(cell) for cell in row]
        if any(across[1:]) and not across[0]:
            return _wide(row, below, ids, read_period, _id_of(ids), turned=False)
        if any(text in ids for text in headings[1:]) and headings[0] not in ids:
            return _wide(row, below, ids, _id_of(ids), read_period, turned=True)
    return iter(())


def _id_of(ids: Mapping[str, str]) -> Callable[[Cell], str | None]:
    return lambda cell: ids.get(_plain(cell))


def _long(
    below: Sequence[tuple[int, Sequence[Cell]]], columns: Sequence[int], ids: Mapping[str, str]
) -> Iterator[_Entry]:
    periods: dict[str, None] = {}
    names: dict[str, None] = {}
    entries: list[_Entry] = []
    for number, row in below:
        cells = [row[at] if at < len(row) else None for at in columns]
        if all(map(is_missing, cells)):
            continue
        period, id = read_period(cells[0]), ids.get(_plain(cells[1]))
        if period is None:
            periods[f"{_shown(cells[0])} ({number})"] = None
        if id is None:
            names[_shown(cells[1])] = None
        if period and id:
            entries.append((period, id, cells[2], str(number)))
    _refuse(periods, names, ids)
    return iter(entries)


def _wide(
    row: Sequence[Cell],
    below: Sequence[tuple[int, Sequence[Cell]]],
    ids: Mapping[str, str],
    across: Callable[[Cell], object],
    down: Callable[[Cell], object],
    *,
    turned: bool,
) -> Iterator[_Entry]:
    """One side names the periods, the other the KPIs; `turned`: periods go down."""
    unread: dict[bool, dict[str, None]] = {True: {}, False: {}}
    tops = list(row[1:])
    for top in tops:
        if not is_missing(top) and across(top) is None:
            unread[turned][_shown(top)] = None
    entries: list[_Entry] = []
    for number, cells in below:
        if all(map(is_missing, cells)):
            continue
        side = down(cells[0])
        if side is None:
            unread[not turned][f"{_shown(cells[0])}"] = None
            continue
        for top, cell in zip_longest(tops, cells[1 : len(tops) + 1]):
            found = None if is_missing(top) else across(top)
            if found is None or is_missing(cell):
                continue
            period, id = (side, found) if turned else (found, side)
            if isinstance(period, Period) and isinstance(id, str):
                entries.append((period, id, cell, str(number)))
    _refuse(unread[False], unread[True], ids)
    return iter(entries)


def _refuse(periods: Mapping[str, None], names: Mapping[str, None], ids: Mapping[str, str]) -> None:
    """Raise where something is not known."""
    if names:
        near = did_you_mean(next(iter(names)), set(ids))
        raise PlanError("targets_unknown_kpi", names=_listed(names), near=near)
    if periods:
        raise PlanError("targets_unknown_period", names=_listed(periods))


def _listed(names: Mapping[str, None]) -> str:
    more = f" … (+{len(names) - _TOLD})" if len(names) > _TOLD else ""
    return ", ".join(list(names)[:_TOLD]) + more


def _shown(cell: Cell) -> str:
    return "—" if is_missing(cell) else str(cell).strip()[:60]


def _reader(grid: Grid) -> Callable[[Cell], Decimal | None]:
    """What reads a cell of a sheet as an exact number; its decimal mark is that of all cells."""
    texts = [
        cell.replace("%", "").strip()
        for row in grid.rows
        for cell in row
        if isinstance(cell, str) and read_period(cell) is None
    ]
    mark = decimal_mark([texts], grid.delimiter)

    def number(cell: Cell) -> Decimal | None:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            return None
        percent = isinstance(cell, str) and cell.strip().endswith("%")
        bare = cell.strip().removesuffix("%").strip() if isinstance(cell, str) else cell
        value = numbers([bare], mark).values[0]
        try:
            found = Decimal(repr(float(value)))
        except InvalidOperation:
            return None
        if not found.is_finite():
            return None
        return found.scaleb(-2) if percent else found

    return number


def _add(
    found: Targets,
    entries: Iterator[_Entry],
    number: Callable[[Cell], Decimal | None],
    kpis: Mapping[str, Kpi],
) -> None:
    unread: dict[str, None] = {}
    unclear: dict[str, None] = {}
    twice: dict[str, None] = {}
    for period, id, cell, row in entries:
        said = f"{kpis[id].name['en'] if id not in catalogue.kpis() else id}, {row}: {_shown(cell)}"
        target = number(cell)
        if target is None:
            unread[said] = None
            continue
        signed = isinstance(cell, str) and cell.strip().endswith("%")
        if kpis[id].unit is Unit.SHARE and abs(target) > 1 and not signed:
            unclear[said] = None
        if target == target.to_integral_value():
            target = Decimal(int(target))
        if found.setdefault(period_word(period), {}).setdefault(id, target) != target:
            twice[said] = None
    for code, names in (("bad_number", unread), ("share_unclear", unclear), ("twice", twice)):
        if names:
            raise PlanError(f"targets_{code}", names=_listed(names))
