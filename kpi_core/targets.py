"""Targets of periods from a sheet: one a row, or KPIs against months.

A target moves money, so nothing is guessed and nothing dropped: one name, period or number that
cannot be read, and nothing of the sheet is taken.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import zip_longest

from kpi_core import catalogue
from kpi_core.errors import IngestError, KpiError, PlanError, did_you_mean
from kpi_core.ingest.cell_formats import Formats, Shown, cell_formats
from kpi_core.ingest.headings import currency_code
from kpi_core.ingest.opening import Grid, opened
from kpi_core.ingest.titles import FIRST_DAY, LAST_DAY, month_number
from kpi_core.ingest.values import Cell, decimal_mark, interval, is_missing, numbers
from kpi_core.model import Kpi, Period, Unit, Variant, month_of, parse_period
from kpi_core.plan import MAX_BYTES, OwnKpi, period_word

Targets = dict[str, dict[str, Decimal]]  # period as plan files write it, KPI, target
_HEADINGS = {
    "period": frozenset(
        {"period", "month", "quarter", "date", "период", "месяц", "квартал", "дата"}
    ),
    "kpi": frozenset({"kpi", "metric", "indicator", "показатель", "метрика", "название"}),
    "unit": frozenset(
        {"currency", "unit", "units", "валюта", "единица", "единицы", "единица измерения",
         "единицы измерения", "ед. изм.", "ед. изм", "ед.изм."}
    ),
}  # fmt: skip
_TARGET = frozenset({
    "target", "targets", "goal", "goals", "plan", "planned", "цель", "цели", "целевой", "целевое",
    "план", "плановый", "плановое",
})  # fmt: skip
_VALUE = frozenset({"value", "values", "значение", "значения"})  # of what, they do not say
_BESIDE = _VALUE | {  # what may stand beside the word for a target: "KPI target", "план на месяц"
    "kpi", "показатель", "показателя", "the", "for", "of", "на", "a", "month", "monthly", "месяц",
    "quarter", "квартал", "period", "период", "value", "level", "уровень",
}  # fmt: skip
_COUNTED = frozenset({"шт", "шт.", "штук", "pcs", "pcs.", "pieces", "units"})  # units of counts
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
_WORDS = re.compile(r"[^\W\d_]+")
_GROUPED = re.compile(r"[-+−]?[1-9]\d{0,2}[.,]\d{3}(?!\d)")  # 4,000: thousands or decimals
_SCALED = re.compile(r"(?<!\d)(?<!\d[\s\xa0])\b(?:тыс|млн|млрд|thousands?\b|millions?\b)", re.I)
_COIN = re.compile(r"[₽$€£₸₴]|\b(?:USD|EUR|RUB|RUR|GBP|KZT|UAH|BYN|руб)\b")
_HALF = Decimal("0.5")  # from here to 1 a share without a sign may be meant in per cent


@dataclass(frozen=True)
class _Entry:
    """A target as it stands in the sheet, at a row and column from 0; `unit` is told beside it."""

    period: Period
    kpi: str
    cell: Cell
    row: int
    column: int
    unit: Cell = None


@dataclass(frozen=True)
class _Figure:
    """A cell as a number: `currency` is a code, or the word that is none.

    It may be told `beside` only, in a column that speaks of counts and shares as well.
    """

    value: Decimal
    percent: bool
    currency: str | None
    beside: bool
    grouped: bool


@dataclass
class _Wrong:
    """What of a sheet cannot be taken, by the error that tells it."""

    names: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, code: str, name: str) -> None:
        self.names.setdefault(code, {})[name] = None

    def tell(self, currency: str | None = None) -> None:
        """Raise the first of it."""
        for code, names in self.names.items():
            told = {"currency": currency or "—"} if code == "other_currency" else {}
            raise PlanError(f"targets_{code}", names=_listed(names), where="", **told)


def read_targets(
    name: str,
    data: bytes,
    own: Mapping[str, OwnKpi] | None = None,
    *,
    currency: str | None = None,
    variants: Mapping[str, str] | None = None,
) -> Targets:
    """The targets of a CSV or XLSX file, with the owner's KPIs known by name, too.

    Args:
        name: of the file.
        data: its bytes.
        own: the KPIs that the owner defined, by id.
        currency: of the plan; money in another one, or in any if none is given, is refused.
        variants: KPI to the definition that counts, whose unit its targets are in.

    Raises:
        IngestError: no file of tables.
        PlanError: it holds no targets, or something of it cannot be read; all of that is named.
    """
    if len(data) > MAX_BYTES:
        raise PlanError("plan_too_large", where=name, limit=MAX_BYTES // 1000)
    kpis = catalogue.kpis() | {id: kpi.kpi(id) for id, kpi in (own or {}).items()}
    chosen = {id: kpi.variant((variants or {}).get(id)) for id, kpi in kpis.items()}
    try:
        grids = opened(name, data).sheets
        formats = _formats(name, data)
    except IngestError as broken:
        broken.where = broken.where or name
        raise
    found: Targets = {}
    for grid in grids:
        try:
            number = _reader(grid, formats.get(grid.name, {}))
            entries = _entries(grid, _ids(kpis))
            _add(found, entries, number, kpis=kpis, chosen=chosen, currency=currency)
        except PlanError as wrong:
            wrong.where = f"{name} › {grid.name}" if grid.name else name
            raise
    if not found:
        raise PlanError("targets_no_table", where=name)
    return dict(sorted(found.items()))


def _formats(name: str, data: bytes) -> dict[str, Formats]:
    """How the cells of a workbook are shown; refused where that cannot be known."""
    if not data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return {}
    if b"xl/workbook.xml" not in data.lower():
        raise PlanError("targets_no_formats", where=name)
    return cell_formats(data)


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


def _entries(grid: Grid, ids: Mapping[str, str]) -> list[_Entry]:
    """Every target cell of a sheet, by its headings; nothing if the sheet has none."""
    for at, row in enumerate(grid.rows[:_LOOKED_AT]):
        headings = [_plain(cell) for cell in row]
        below = list(enumerate(grid.rows[at + 1 :], start=at + 1))
        across = [read_period(cell) for cell in row]
        if columns := _columns(row, headings, [cells for _, cells in below]):
            found = _long(row, below, columns, ids)
        elif any(across[1:]) and not across[0]:
            found = _wide(row, below, ids, read_period, _id_of(ids), turned=False)
        elif any(text in ids for text in headings[1:]) and headings[0] not in ids:
            found = _wide(row, below, ids, _id_of(ids), read_period, turned=True)
        else:
            continue
        unit = _unit_above(grid.rows[:at])
        return [replace(own, unit=unit if is_missing(own.unit) else own.unit) for own in found]
    return []


def _unit_above(titles: Sequence[Sequence[Cell]]) -> str | None:
    """The currency that the lines above the headings name; figures in thousands are refused."""
    lines = [cell for row in titles for cell in row if isinstance(cell, str)]
    if scaled := [line for line in lines if _SCALED.search(line)]:
        raise PlanError("targets_scaled", names=_listed(dict.fromkeys(map(_shown, scaled))))
    coins = {currency_code(coin) or coin for line in lines for coin in _COIN.findall(line)}
    return " / ".join(sorted(coins)) or None


def _id_of(ids: Mapping[str, str]) -> Callable[[Cell], str | None]:
    return lambda cell: ids.get(_plain(cell))


def _columns(
    row: Sequence[Cell], headings: Sequence[str], below: Sequence[Sequence[Cell]]
) -> dict[str, int] | None:
    """Where period, KPI, target and, if told, unit stand; ``None`` if these are no headings.

    Raises:
        PlanError: two columns could be the one.
    """
    found = {
        meaning: [at for at, text in enumerate(headings) if text in words]
        for meaning, words in _HEADINGS.items()
    }
    if not found["period"] or not found["kpi"]:
        return None
    targets = [at for at, text in enumerate(headings) if _is_target(text)]
    if not targets:
        taken = {at for own in found.values() for at in own}
        targets = [at for at, text in enumerate(headings) if text in _VALUE]
        others = [at for at in range(len(headings)) if at not in taken and _has_figures(below, at)]
        if targets:
            targets = sorted({*targets, *others})
    for rivals in (targets, found["period"], found["unit"]):
        if len(rivals) > 1:
            named = dict.fromkeys(f"«{_shown(row[at])}»" for at in rivals)
            raise PlanError("targets_two_columns", names=_listed(named))
    if not targets:
        return None
    kept = {"period": found["period"][0], "kpi": found["kpi"][0], "target": targets[0]}
    return kept | ({"unit": found["unit"][0]} if found["unit"] else {})


def _is_target(heading: str) -> bool:
    words = set(_WORDS.findall(heading))
    return bool(words & _TARGET) and words <= _TARGET | _BESIDE and "%" not in heading


def _has_figures(below: Sequence[Sequence[Cell]], at: int) -> bool:
    return any(at < len(cells) and _is_figure(cells[at]) for cells in below)


def _is_figure(cell: Cell) -> bool:
    """Whether a cell holds a number, however it is written."""
    if isinstance(cell, bool) or is_missing(cell):
        return False
    return isinstance(cell, int | float) or bool(re.search(r"\d", str(cell)))


def _long(
    headings: Sequence[Cell],
    below: Sequence[tuple[int, Sequence[Cell]]],
    columns: Mapping[str, int],
    ids: Mapping[str, str],
) -> list[_Entry]:
    periods: dict[str, None] = {}
    names: dict[str, None] = {}
    entries: list[_Entry] = []
    wrong = _Wrong()
    for row, cells in below:
        told = {part: cells[at] if at < len(cells) else None for part, at in columns.items()}
        for at, cell in enumerate(cells):
            if (at >= len(headings) or is_missing(headings[at])) and _is_figure(cell):
                wrong.add("no_heading", f"{_shown(cell)} ({row + 1})")
        if all(is_missing(told[part]) for part in ("period", "kpi", "target")):
            continue
        period, id = read_period(told["period"]), ids.get(_plain(told["kpi"]))
        if period is None:
            periods[f"{_shown(told['period'])} ({row + 1})"] = None
        if id is None:
            names[_shown(told["kpi"])] = None
        if period and id:
            entry = _Entry(period, id, told["target"], row, columns["target"], told.get("unit"))
            entries.append(entry)
    _refuse(periods, names, ids)
    wrong.tell()
    return entries


def _wide(
    row: Sequence[Cell],
    below: Sequence[tuple[int, Sequence[Cell]]],
    ids: Mapping[str, str],
    across: Callable[[Cell], object],
    down: Callable[[Cell], object],
    *,
    turned: bool,
) -> list[_Entry]:
    """One side names the periods, the other the KPIs; `turned`: periods go down."""
    unread: dict[bool, dict[str, None]] = {True: {}, False: {}}
    tops = list(row[1:])
    for top in tops:
        if not is_missing(top) and across(top) is None:
            unread[turned][_shown(top)] = None
    entries: list[_Entry] = []
    wrong = _Wrong()
    for number, cells in below:
        if all(map(is_missing, cells)):
            continue
        side = down(cells[0])
        if side is None:
            unread[not turned][f"{_shown(cells[0])}"] = None
            continue
        for column, (top, cell) in enumerate(zip_longest(tops, cells[1:]), start=1):
            if is_missing(cell):
                continue
            if is_missing(top):
                wrong.add("no_heading", f"{_shown(cell)} ({number + 1})")
            found = across(top)
            period, id = (side, found) if turned else (found, side)
            if isinstance(period, Period) and isinstance(id, str):
                entries.append(_Entry(period, id, cell, number, column))
    _refuse(unread[False], unread[True], ids)
    wrong.tell()
    return entries


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


def _reader(grid: Grid, formats: Formats) -> Callable[[_Entry], _Figure | str]:
    """What reads a cell of a sheet as an exact number, or tells which error it is.

    The decimal mark is that of all cells; where they use both, each cell must prove its own.
    """
    texts = [
        cell.replace("%", "").strip()
        for row in grid.rows
        for cell in row
        if isinstance(cell, str) and read_period(cell) is None
    ]
    marks = {decimal_mark([[text]], None) for text in texts} - {None}
    mark = decimal_mark([texts], grid.delimiter) if len(marks) < 2 else None

    def figure(entry: _Entry) -> _Figure | str:
        cell = entry.cell
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            return "bad_number"
        is_text = isinstance(cell, str)  # which a format of numbers does not change
        shown = Shown() if is_text else formats.get((entry.row, entry.column), Shown())
        said = str(cell).strip() if is_text else repr(cell)
        beside = "" if is_missing(entry.unit) else str(entry.unit).strip()
        words = {shown.words, beside}
        if "%" in words and not shown.percent and not said.endswith("%"):
            said += "%"
        read = numbers([said.removesuffix("%").strip()], mark if is_text else ".")
        if read.unclear:
            return "unclear_thousands"
        money = {word for word in words - {"", "%"} if word.casefold() not in _COUNTED}
        money = {currency_code(word) or word for word in money} | read.currencies
        found = _exactly(float(read.values[0]))
        if found is None or len(money) > 1:
            return "bad_number" if found is None else "bad_unit"
        signed = said.endswith("%")
        grouped = is_text and bool(_GROUPED.search(said)) and abs(found) < 1000
        value = found.scaleb(-2) if signed else found
        only = not shown.words and not read.currencies
        return _Figure(value, signed or shown.percent, next(iter(money), None), only, grouped)

    return figure


def _exactly(value: float) -> Decimal | None:
    try:
        found = Decimal(repr(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _add(
    found: Targets,
    entries: Iterable[_Entry],
    number: Callable[[_Entry], _Figure | str],
    *,
    kpis: Mapping[str, Kpi],
    chosen: Mapping[str, Variant],
    currency: str | None,
) -> None:
    wrong = _Wrong()
    for entry in entries:
        id, row = entry.kpi, entry.row + 1
        said = f"{kpis[id].name['en'] if id not in catalogue.kpis() else id}, {row}: "
        said += _shown(entry.cell)
        figure = number(entry)
        if isinstance(figure, str):
            wrong.add(figure, said)
            continue
        if code := _doubt(figure, kpis[id].read_as(chosen[id]).unit, chosen[id], currency):
            about_unit = code in ("bad_unit", "other_currency", "currency_of_no_money")
            wrong.add(code, f"{said} {figure.currency}" if about_unit else said)
        target = figure.value
        if target == target.to_integral_value():
            target = Decimal(int(target))
        if found.setdefault(period_word(entry.period), {}).setdefault(id, target) != target:
            wrong.add("twice", said)
    wrong.tell(currency)


def _doubt(figure: _Figure, unit: Unit, variant: Variant, currency: str | None) -> str | None:
    """The error that keeps a figure from being the target of a KPI."""
    code = _doubt_of_currency(figure, unit, currency) if figure.currency else None
    if code:
        return code
    if unit is Unit.SHARE:
        code = _doubt_of_share(figure, variant)
    elif unit is not Unit.RATIO and (figure.percent or figure.grouped):
        code = "percent_of_no_share" if figure.percent else "unclear_thousands"
    return code


def _doubt_of_currency(figure: _Figure, unit: Unit, currency: str | None) -> str | None:
    if currency_code(figure.currency or "") is None:
        return "bad_unit"
    if unit is not Unit.MONEY:
        return None if figure.beside else "currency_of_no_money"
    return None if figure.currency == currency else "other_currency"


def _doubt_of_share(figure: _Figure, variant: Variant) -> str | None:
    size = abs(figure.value)
    if figure.percent:
        return "share_over_one" if size > 1 and _is_part(variant) else None
    if size > 1:
        return "share_unclear"
    return "share_unsigned" if size >= _HALF else None


def _is_part(variant: Variant) -> bool:
    """Whether a share can be no more than one: a part of a whole, both counted."""
    measures = set(catalogue.measures())
    if variant.formula.share:
        return set(variant.formula.share[:2]) <= measures
    names = variant.formula.balance
    return bool(names) and len(set(names or ())) == 3
