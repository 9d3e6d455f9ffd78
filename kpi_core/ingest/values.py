"""Cells of an export as numbers and days.

Rules go by column, never by cell: whether ``2.546`` is two and a half or two and a half thousand
is seen from its neighbours. What does not fit is missing and counted, never 0.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from kpi_core.model import month_of

Cell = object  # str from a text file; int, float, bool, date, datetime, time or None from others

MISSING = frozenset({
    "", "-", "--", "—", "–", "н/д", "n/a", "na", "null", "none", "nan", "(not set)",
    "не определено", "нет данных", "no data", "#div/0", "#div/0!", "#n/a", "∞",
})  # fmt: skip
_DROPPED = re.compile(
    r"[\s\u00a0\u202f\u2009'’]|(?:rub|usd|eur|gbp|kzt|руб\.?|р\.)$|[₽$€£₸₴%]", re.I
)
_NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_CAPPED = re.compile(r"[<>]\s*\d")  # Google Ads: < 10%
_DURATION = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d))?")  # 00:03:45


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Attributes:
        values: shape (rows,), ``nan`` where missing.
        unread: rows whose cell is no number though it is not empty either.
        percent: the cells carried percent signs (values are as written, not divided by 100).
        capped: rows that say only "less than" or "more than".
    """

    values: npt.NDArray[np.float64]
    unread: tuple[int, ...] = ()
    percent: bool = False
    capped: int = 0


def decimal_mark(columns: Iterable[Sequence[Cell]], delimiter: str | None) -> str:
    """The decimal mark of a file: the one that stands where no thousands mark can stand.

    ``;`` between cells is how spreadsheets with decimal commas save, so it settles a draw.
    """
    commas = points = 0
    for column in columns:
        for cell in column:
            if isinstance(cell, str):
                text = _DROPPED.sub("", cell)
                commas += bool(re.fullmatch(r"-?[\d.]*,(\d{1,2}|\d{4,})", text))
                points += bool(re.fullmatch(r"-?[\d,]*\.(\d{1,2}|\d{4,})", text))
    if commas == points:
        return "," if delimiter == ";" else "."
    return "," if commas > points else "."


def _column_mark(texts: Iterable[str], file_mark: str) -> str:
    """The decimal mark of one column, which may differ from the file's."""
    groups = {",": True, ".": True}  # whether every cell with the mark could be thousands
    seen = {",": False, ".": False}
    for text in texts:
        comma, point = text.rfind(","), text.rfind(".")
        if comma >= 0 and point >= 0:
            return "," if comma > point else "."
        for mark in groups:
            if mark in text:
                seen[mark] = True
                groups[mark] &= bool(re.fullmatch(rf"[-+]?\d{{1,3}}(\{mark}\d{{3}})+", text))
    for mark, other in ((",", "."), (".", ",")):
        if seen[mark] and not groups[mark]:
            return mark
        if seen[mark] and not seen[other]:
            return file_mark if file_mark == mark else other
    return file_mark


def numbers(cells: Sequence[Cell], file_mark: str) -> Numbers:
    """A column of cells as numbers, with what could not be read."""
    if all(cell is None or type(cell) in (int, float) for cell in cells):
        return Numbers(np.array([np.nan if cell is None else float(cell) for cell in cells]))  # type: ignore[arg-type]
    cleaned = [_DROPPED.sub("", cell) if isinstance(cell, str) else "" for cell in cells]
    mark = _column_mark((text for text in cleaned if text), file_mark)
    other = "." if mark == "," else ","
    values = np.full(len(cells), np.nan)
    unread: list[int] = []
    percent, capped = False, 0
    for row, (cell, text) in enumerate(zip(cells, cleaned, strict=True)):
        if isinstance(cell, bool):
            unread.append(row)
        elif isinstance(cell, int | float):
            values[row] = cell
        elif isinstance(cell, str):
            if cell.strip().casefold() in MISSING:
                continue
            percent = percent or "%" in cell
            if _CAPPED.match(cell.strip()):
                capped += 1
                continue
            spelled = text.replace(other, "").replace(mark, ".").replace("−", "-")
            if _NUMBER.fullmatch(spelled) and len(spelled) < 32:
                values[row] = float(spelled)
            else:
                unread.append(row)
        elif cell is not None:
            unread.append(row)
    return Numbers(values, tuple(unread), percent, capped)


def seconds(cells: Sequence[Cell], file_mark: str) -> Numbers:
    """A column of durations (``00:03:45`` or seconds) as seconds."""
    if not any(isinstance(cell, str) and ":" in cell or isinstance(cell, time) for cell in cells):
        return numbers(cells, file_mark)
    values = np.full(len(cells), np.nan)
    unread: list[int] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, time):
            values[row] = cell.hour * 3600 + cell.minute * 60 + cell.second
        elif isinstance(cell, timedelta):
            values[row] = cell.total_seconds()
        elif isinstance(cell, str) and (found := _DURATION.fullmatch(cell.strip())):
            hours, minutes, rest = int(found[1]), int(found[2]), found[3]
            whole = hours * 3600 + minutes * 60 + int(rest) if rest else hours * 60 + minutes
            values[row] = whole
        elif cell is not None and str(cell).strip().casefold() not in MISSING:
            unread.append(row)
    return Numbers(values, tuple(unread))


# --- days

_FORMATS = (
    "%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%Y.%m.%d", "%Y/%m/%d", "%b %d, %Y", "%B %d, %Y",
    "%d %b %Y", "%d %B %Y", "%d/%b/%y", "%d.%m.%y", "%d-%m-%Y",
)  # fmt: skip
_CLOCK = re.compile(
    r"[ T]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?$"
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_INTERVAL = re.compile(r"(\d{4}-\d{2}-\d{2}) ?(?:-|–|\.\.) ?(\d{4}-\d{2}-\d{2})")
_MONTH = re.compile(r"(\d{4})[-.](\d{2})|(\d{2})\.(\d{4})")
_HOURLY = re.compile(r"\d{10}")  # 2024041623
_OFFSET = re.compile(r"\d{1,4}")  # Nth day: 0000, 0001
_EXCEL_EPOCH = date(1899, 12, 30)


@dataclass(frozen=True)
class Days:
    """A column as days: `first` and `last` per row, ``None`` where no day can be read."""

    first: list[date | None]
    last: list[date | None]
    unread: tuple[int, ...] = ()
    ambiguous: bool = False


def days(cells: Sequence[Cell], *, start: date | None = None) -> Days:
    """A column of dates, date-times, months or intervals as days.

    Args:
        cells: the column.
        start: the day that "Nth day" 0 means, when the file says so.
    """
    month_first, ambiguous = _slashed_order(cells)
    known: dict[object, tuple[date, date] | None] = {}
    first: list[date | None] = []
    last: list[date | None] = []
    unread = []
    for row, cell in enumerate(cells):
        if cell not in known:
            known[cell] = _interval(cell, month_first, start)
        found = known[cell]
        first.append(found[0] if found else None)
        last.append(found[1] if found else None)
        if found is None and cell is not None and str(cell).strip().casefold() not in MISSING:
            unread.append(row)
    return Days(first, last, tuple(unread), ambiguous)


def _slashed_order(cells: Sequence[Cell]) -> tuple[bool, bool]:
    """Whether ``03/04/2026`` puts the month first, and whether no row settles it."""
    found = [m for cell in cells if isinstance(cell, str) and (m := _SLASHED.match(cell.strip()))]
    if any(int(match[1]) > 12 for match in found):
        return False, False
    if any(int(match[2]) > 12 for match in found):
        return True, False
    return False, bool(found)


def _interval(cell: Cell, month_first: bool, start: date | None) -> tuple[date, date] | None:
    if isinstance(cell, datetime):
        return cell.date(), cell.date()
    if isinstance(cell, date):
        return cell, cell
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if 20_000 <= cell <= 80_000:
            day = _EXCEL_EPOCH + timedelta(days=int(cell))
            return day, day
        cell = str(int(cell))
    if not isinstance(cell, str):
        return None
    text = cell.strip()
    try:
        if found := _INTERVAL.fullmatch(text):
            return date.fromisoformat(found[1]), date.fromisoformat(found[2])
        if start and _OFFSET.fullmatch(text):
            day = start + timedelta(days=int(text))
            return day, day
        if found := _MONTH.fullmatch(text):
            year, month = (found[1], found[2]) if found[1] else (found[4], found[3])
            whole = month_of(date(int(year), int(month), 1))
            return whole.first, whole.last
        day = _day(text, month_first)
    except (ValueError, OverflowError):
        return None
    return (day, day) if day else None


def _day(text: str, month_first: bool) -> date | None:
    bare = _CLOCK.sub("", text)
    if found := _SLASHED.fullmatch(bare):
        one, two, year = int(found[1]), int(found[2]), int(found[3])
        return date(year, one, two) if month_first else date(year, two, one)
    if _HOURLY.fullmatch(bare):
        bare = bare[:8]
    for form in _FORMATS:
        try:
            return datetime.strptime(bare, form).date()
        except ValueError:
            continue
    return None
