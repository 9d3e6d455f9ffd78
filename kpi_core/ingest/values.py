"""Cells of an export as numbers and days.

Rules go by column, never by cell: whether ``2.546`` is two and a half or two and a half thousand
is seen from its neighbours. What does not fit is missing and counted, never 0.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core.ingest.headings import currency_code
from kpi_core.ingest.titles import FIRST_DAY, LAST_DAY, month_number
from kpi_core.model import month_of

Mark = Literal[".", ","]
Cell = object  # str from a text file; int, float, bool, date, datetime, time or None from others

MISSING = frozenset({
    "", "-", "--", "—", "–", "н/д", "n/a", "na", "null", "none", "nan", "(not set)",
    "не определено", "нет данных", "no data", "#div/0", "#div/0!", "#n/a", "∞",
})  # fmt: skip
_LONGEST = 64  # characters of a number or a day
_LOOKED_AT = 500  # cells of a column that the decimal mark of a file is sought in
_LARGEST = 10**15  # of figures: beyond, sums are no longer exact
_COIN = r"us\$|[₽$€£₸₴]|rub|rur|usd|eur|gbp|kzt|uah|byn|руб\.?|р\.?|тенге"
_AMOUNT = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?P<before>{_COIN})?\s*(?P<sign2>[-+−]?)"
    r"(?P<digits>[\d.,\s'’]*\d(?:e[-+]?\d{1,3})?)"
    rf"\s*(?:(?P<percent>%)|(?P<after>{_COIN}))?",
    re.I,
)  # 1 500,50 ₽; -US$ 12.00; 6.47%
_EXPONENT = r"(?:e[-+]?\d+)?"
_SPELLED = {  # by decimal mark: digits alone, or in groups of three with one and the same sign
    mark: re.compile(
        rf"(?:\d+(?:{mark}\d+)?|{mark}\d+){_EXPONENT}|"
        rf"\d{{1,3}}(?:(?P<group>[\s'’{other}])\d{{3}})(?:(?P=group)\d{{3}})*(?:{mark}\d+)?",
        re.I,
    )
    for mark, other in ((r"\.", ","), (",", r"\."))
}
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3}|\.\d{3})")  # 2.546: thousands or decimals
_PLAIN = re.compile(r"(?:-?\d{1,15}+(?:\.\d{1,20}+)?+)?+(?:\n(?:-?\d{1,15}+(?:\.\d{1,20}+)?+)?+)*+")
_PLAIN_DECIMAL = re.compile(r"^(?!-?[1-9]\d{0,2}\.\d{3}$).*\.", re.M)  # not thousands: 2.5
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?e\+\d{1,3}", re.I)
_DIGITS = 15  # that a spreadsheet keeps of a number
_ENOUGH = 3  # long numbers that end with noughts are so by chance no more
_THOUSANDS = re.compile(r"\d{1,3}(?:(?:,\d{3}){2,}|(?:\.\d{3}){2,})")  # 1,234,567
_DURATION = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d))?")  # 00:03:45


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Attributes:
        values: shape (rows,), ``nan`` where missing.
        unread: rows whose cell is no number though it is not empty either; "< 10%" is none.
        percent: the cells carried percent signs (values are as written, not divided by 100).
        currencies: codes of the signs and words that stood beside the numbers.
        unclear: nothing tells whether ``2.546`` means thousands, so no such cell was read.
        fraction: durations may be fractions of a day, as workbooks keep them.
    """

    values: npt.NDArray[np.float64]
    unread: tuple[int, ...] = ()
    percent: bool = False
    currencies: frozenset[str] = frozenset()
    unclear: bool = False
    fraction: bool = False


def _short(cell: str) -> str:
    """A text with single spaces; nothing if it is too long for any number or day.

    What is matched against patterns stays short, or a crafted cell would take hours.
    """
    text = " ".join(cell.split())
    return text if len(text) <= _LONGEST else ""


def is_missing(cell: Cell) -> bool:
    """Whether a cell is empty or says that there is no figure."""
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in MISSING)


def _amount(cell: str) -> re.Match[str] | None:
    return _AMOUNT.fullmatch(_short(cell))


def _digits(columns: Iterable[Sequence[Cell]]) -> Iterable[str]:
    """The digits of different texts that hold a mark, the first few hundred of each column."""
    for column in columns:
        said = _said(column)
        if "," not in said and "." not in said:
            continue
        marked = (cell for cell in column if type(cell) is str and ("," in cell or "." in cell))
        for cell in dict.fromkeys(islice(marked, _LOOKED_AT)):
            if found := _amount(cell):
                yield found["digits"]


def _said(cells: Sequence[Cell]) -> str:
    """All the texts of a column in one, to be searched at once."""
    kinds = set(map(type, cells))
    if kinds == {str}:
        return "\n".join(cast("Sequence[str]", cells))
    return "\n".join([cell for cell in cells if type(cell) is str]) if str in kinds else ""


def _proof(digits: str) -> str | None:
    """The decimal mark that `digits` prove; ``None`` if they could be read both ways."""
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        return "," if comma > point else "."
    mark, other = (",", ".") if comma >= 0 else (".", ",")
    if digits.count(mark) == 1 and not _GROUPED.fullmatch(digits):
        return mark
    return other if _THOUSANDS.fullmatch(digits) else None


def decimal_mark(columns: Iterable[Sequence[Cell]], delimiter: str | None) -> Mark | None:
    """The decimal mark of a file, by the cells that can be read in one way only.

    Without such cells a comma within the cells of a comma-separated file stands for thousands; the
    mark of any other file stays unknown.
    """
    seen = {"commas": 0, "points": 0, "grouped": 0}
    for digits in _digits(columns):
        proof = _proof(digits)
        seen["commas"] += proof == ","
        seen["points"] += proof == "."
        seen["grouped"] += proof is None and "," in digits
    if seen["commas"] != seen["points"]:
        return "," if seen["commas"] > seen["points"] else "."
    return "." if delimiter == "," and seen["grouped"] else None


def numbers(cells: Sequence[Cell], file_mark: str | None) -> Numbers:
    """A column of cells as numbers, with what could not be read."""
    if (plain := _plain_numbers(cells)) is not None:
        return Numbers(plain)
    amounts = {cell: _amount(cell) for cell in {cell for cell in cells if type(cell) is str}}
    found = {cell: amount for cell, amount in amounts.items() if amount}
    proofs = {_proof(amount["digits"]) for amount in found.values()} - {None}
    mark = proofs.pop() if len(proofs) == 1 else file_mark
    percent = any(amount["percent"] for amount in found.values())
    values = {cell: _value(amount, mark, percent=percent) for cell, amount in found.items()}
    missing = {cell for cell in amounts if is_missing(cell)}
    read = np.full(len(cells), np.nan)
    unread: list[int] = []
    for row, cell in enumerate(cells):
        if type(cell) is str:
            value = values.get(cell)
            if value is not None:
                read[row] = value
            elif cell not in missing:
                unread.append(row)
        elif type(cell) in (int, float) and abs(cell) <= _LARGEST:  # type: ignore[arg-type]
            read[row] = cell
        elif cell is not None:
            unread.append(row)
    coins = {amount[side] for amount in found.values() for side in ("before", "after")} - {None}
    codes = {code for coin in coins if (code := currency_code(coin))}
    unclear = mark is None and any(_GROUPED.fullmatch(a["digits"]) for a in found.values())
    return Numbers(read, tuple(unread), percent, frozenset(codes), unclear)


def are_grouped(cells: Sequence[Cell], mark: str) -> bool:
    """Whether every cell that holds `mark` has just three digits after it: 1.013; 1.234."""
    if mark not in _said(cells):
        return False
    marked = {cell.strip() for cell in cells if type(cell) is str and mark in cell}
    return bool(marked) and all(_GROUPED.fullmatch(cell) for cell in marked)


def rounded_at(cells: Sequence[Cell]) -> int | None:
    """The first row whose long number a spreadsheet has rounded: 1,23457E+15; else ``None``.

    It keeps fifteen digits and writes noughts for the others.
    """
    long = [
        (row, text)
        for row, text in ((row, str(cell)) for row, cell in enumerate(cells))
        if len(text) > _DIGITS or "E" in text or "e+" in text
    ]
    for row, text in long:
        if _ROUNDED.fullmatch(text.strip()):
            return row
    whole = [(row, text.strip()) for row, text in long if text.strip().isdecimal()]
    whole = [(row, text) for row, text in whole if len(text) > _DIGITS]
    are = len(whole) >= _ENOUGH and not any(text[_DIGITS:].strip("0") for _, text in whole)
    return whole[0][0] if are else None


def _plain_numbers(cells: Sequence[Cell]) -> npt.NDArray[np.float64] | None:
    """A column of nothing but numbers, ``12`` and ``12.5``, or empty cells: as most exports are."""
    kinds = set(map(type, cells))
    if kinds and kinds <= {int, float, type(None)}:
        read = np.array(cells, dtype=float)
        empty = np.isnan(read)
        is_plain = bool((empty | (np.abs(read) <= _LARGEST)).all())
        return read if is_plain and empty.sum() == list(cells).count(None) else None
    if kinds != {str}:
        return None
    texts = cast("Sequence[str]", cells)
    joined = "\n".join(texts)
    if not _PLAIN.fullmatch(joined) or joined.count("\n") >= len(texts):
        return None
    if "." in joined and not _PLAIN_DECIMAL.search(joined):
        return None  # thousands or decimals: other rules decide
    filled = [text or "nan" for text in texts] if "" in texts else texts
    return np.fromiter(map(float, filled), float, len(texts))


def _value(amount: re.Match[str], mark: str | None, *, percent: bool) -> float | None:
    """One number; in a column of percents each must carry the sign (0 may do without)."""
    digits = amount["digits"]
    if mark is None and _GROUPED.fullmatch(digits):
        return None
    spelled = _SPELLED[r"\." if mark in {".", None} else ","].fullmatch(digits)
    if not spelled or len(digits) > 31 or (amount["sign"] and amount["sign2"]):
        return None
    if spelled["group"]:
        digits = digits.replace(spelled["group"], "")
    value = float(digits.replace(",", "."))
    if abs(value) > _LARGEST or (percent and value and not amount["percent"]):
        return None
    return -value if (amount["sign"] or amount["sign2"]) in {"-", "−"} else value


def seconds(cells: Sequence[Cell], file_mark: str | None) -> Numbers:
    """A column of durations (``00:03:45`` or seconds) as seconds."""
    if not any(
        (isinstance(cell, str) and ":" in cell) or isinstance(cell, time | timedelta)
        for cell in cells
    ):
        read = numbers(cells, file_mark)
        known = read.values[~np.isnan(read.values)]
        return replace(read, fraction=bool((known < 1).all() and (known > 0).any()))
    values = np.full(len(cells), np.nan)
    unread: list[int] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, time):
            values[row] = cell.hour * 3600 + cell.minute * 60 + cell.second
        elif isinstance(cell, timedelta):
            values[row] = cell.total_seconds()
        elif isinstance(cell, str) and (found := _DURATION.fullmatch(_short(cell))):
            hours, minutes, rest = int(found[1]), int(found[2]), found[3]
            whole = hours * 3600 + minutes * 60 + int(rest) if rest else hours * 60 + minutes
            if whole > _LARGEST:
                unread.append(row)
            else:
                values[row] = whole
        elif not is_missing(cell):
            unread.append(row)
    return Numbers(values, tuple(unread))


def clock_hours(cells: Sequence[Cell]) -> Numbers:
    """A column of hours as on a clock (``02:30``, also ``02:30:00``) as hours; nothing else is."""
    whole = [
        f"{cell.strip()}:00" if isinstance(cell, str) and cell.count(":") == 1 else cell
        for cell in cells
    ]
    on_clock = [
        cell if isinstance(cell, time | timedelta) or ":" in str(cell) else None for cell in whole
    ]
    read = seconds(on_clock, None)
    lost = {row for row, cell in enumerate(cells) if on_clock[row] is None and not is_missing(cell)}
    return Numbers(read.values / 3600, tuple(sorted(lost.union(read.unread))))


LIST_MARKS = "[]'\"\\ "  # what stands around the words of such a list
_LISTED = re.compile(r"[\[\]\s'\"\\]+")  # [1,2]; ['0.50','12.00']; [\'a\']


def list_figures(cells: Sequence[Cell], how: Literal["length", "sum"]) -> npt.NDArray[np.float64]:
    """The lengths or the sums of lists that stand in cells as text: ``[1,2]``; ``[]`` is 0."""
    read = {cell: _listed(cell, how) for cell in set(cells)}
    return np.array([read[cell] for cell in cells], dtype=float)


def _listed(cell: Cell, how: Literal["length", "sum"]) -> float:
    if is_missing(cell):
        return 0.0
    parts = [part for part in _LISTED.sub("", str(cell)).split(",") if part]
    if how == "length":
        return float(len(parts))
    return float(np.sum(numbers(parts, ".").values)) if parts else 0.0


# --- days

_CLOCK = re.compile(
    r"[ T]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?"
    r"( ?(Z|(UTC|GMT)?[+-]\d{1,2}(:?\d{2})?|UTC|GMT))?$",
    re.I,
)
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")  # 10/01/2026
_YEAR_OF_TWO = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})(?!\d)")  # 10/01/26, or is 10 the year?
_MANY = 4  # times as many days as years make it sure which are which
_ISO = re.compile(r"(\d{4})([-./])(\d{1,2})\2(\d{1,2})|(\d{4})(\d{2})(\d{2})(?:\d{2})?")
_EPOCH = re.compile(
    r"(1\d{9})(?:\d{3}){0,2}"
)  # seconds since 1970, also in thousandths, millionths
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})")
_DAY_NAMED = re.compile(r"(\d{1,2})[ /-]([^\W\d]+)\.?,?[ /-](\d{4}|\d{2})(?: г\.?)?")  # 1 Oct 2026
_NAMED_DAY = re.compile(r"([^\W\d]+)\.? (\d{1,2}),? (\d{4})")  # Oct 1, 2026
_BETWEEN = re.compile(r"\s+(?:-|–|—)\s+|\s*\.\.\s*|(?<=\d{4}-\d\d-\d\d)\s?[-–—]\s?(?=\d{4}-)")
_MONTH = re.compile(r"(\d{4})[-.](\d{2})|(\d{2})\.(\d{4})|(20\d{2})(\d{2})")
_MONTH_NAMED = re.compile(r"([^\W\d]+)\.? (\d{4})(?: г\.?)?")  # October 2026
_EXCEL_EPOCH = date(1899, 12, 30)

Interval = tuple[date, date]


@dataclass(frozen=True)
class Days:
    """A column as days: `first` and `last` per row as datetime64, ``NaT`` where none can be read.

    `unread` are the rows that are neither a day nor empty; `ambiguous`: nothing tells whether
    ``03/04/2026`` puts the day first. `mixed`: a program turned some of the cells to days, and put
    the month where the others have the day; so none is believed.
    """

    first: npt.NDArray[np.datetime64]
    last: npt.NDArray[np.datetime64]
    unread: tuple[int, ...] = ()
    ambiguous: bool = False
    mixed: bool = False


def days(cells: Sequence[Cell], *, start: date | None = None, month_first: bool = False) -> Days:
    """A column of dates, date-times, months or intervals as days.

    Args:
        cells: the column.
        start: the column counts days from this one ("Nth day" 0).
        month_first: the order of ``03/04/2026`` where the column does not settle it.
    """
    bare = [cell.date() if type(cell) is datetime else cell for cell in cells]
    codes, different = pd.factorize(np.fromiter(bare, dtype=object, count=len(bare)))
    order = _slashed_order(different)
    if order is None and month_first:
        order = True
    if _are_mixed(different, month_first=bool(order)):
        never = np.full(len(cells), np.datetime64("NaT"), "datetime64[us]")
        return Days(never, never, tuple(range(len(cells))), mixed=True)
    unsure = not _year_is_last(different)
    believed = [None if unsure and _has_short_year(cell) else cell for cell in different]
    read = [nth_day(cell, start) if start else interval(cell, order) for cell in believed]
    # The last one stands for empty cells, whose code is -1.
    first, last = (
        np.array([*(found[edge] if found else None for found in read), None], "datetime64[us]")
        for edge in (0, 1)
    )
    lost = np.array(
        [*(not f and not is_missing(c) for f, c in zip(read, different, strict=True)), False]
    )
    return Days(
        first[codes],
        last[codes],
        tuple(np.flatnonzero(lost[codes]).tolist()),
        ambiguous=order is None,
    )


def is_day(cell: Cell) -> bool:
    """Whether a cell can be read as a day or an interval of days."""
    return interval(cell, month_first=None) is not None


def _slashed_order(cells: Iterable[Cell]) -> bool | None:
    """Whether ``03/04/2026`` puts the month first; ``None`` if no row settles it."""
    found = list(filter(None, map(_slashes, cells)))
    if any(int(match[1]) > 12 for match in found):
        return False
    if any(int(match[2]) > 12 for match in found):
        return True
    return None if found else False


def _slashes(cell: Cell) -> re.Match[str] | None:
    text = cell.strip() if isinstance(cell, str) else ""
    return _SLASHED.match(text) or _YEAR_OF_TWO.match(text)


def _has_short_year(cell: Cell) -> bool:
    return bool((found := _slashes(cell)) and len(found[3]) == 2)


def _year_is_last(cells: Iterable[Cell]) -> bool:
    """Whether it is sure that ``26/10/01`` is of 2001: days are many and years few, or a row says.

    A year of four digits says it, a day in the middle, and a number that is no day at the end.
    """
    found = list(filter(None, map(_slashes, cells)))
    short = [match for match in found if len(match[3]) == 2]
    if len(short) < len(found) or any(int(m[2]) > 12 or int(m[3]) > 31 for m in short):
        return True
    days_, years = ({match[place] for match in short} for place in (1, 3))
    return len(days_) >= _MANY * len(years)


def _are_mixed(cells: Iterable[Cell], *, month_first: bool) -> bool:
    """Whether days were written two ways: as a spreadsheet leaves what it could not read as a day.

    It takes 10/01/2026 for the 10th of January and keeps 10/13/2026 as text.
    """
    slashed = dotted = real = False
    for cell in cells:
        if isinstance(cell, str):
            text = cell.strip()
            short = _YEAR_OF_TWO.fullmatch(_CLOCK.sub("", text))
            slashed = slashed or bool(_SLASHED.match(text) or short)
            dotted = dotted or bool(_DOTTED.match(text))
        else:
            real = real or isinstance(cell, date)
    return slashed and (real or (dotted and month_first))


def nth_day(cell: Cell, start: date) -> Interval | None:
    """The day so many days after `start`, or a day as usual."""
    text = str(cell).strip()
    if isinstance(cell, str | int) and re.fullmatch(r"\d{1,4}", text):
        return _within((start + timedelta(days=int(text)),) * 2)
    return interval(cell, month_first=False)


def interval(cell: Cell, month_first: bool | None) -> Interval | None:
    """First and last day that a cell means: a day, a month, or from one day to another."""
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        return _within((cell, cell))
    try:
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return _within(_numbered(cell))
        return _within(_spelled(_short(cell), bool(month_first))) if type(cell) is str else None
    except (ValueError, OverflowError):  # the 31st of February, the year 0
        return None


def _within(found: Interval | None) -> Interval | None:
    """Days that data can be of: the year 9206 is a slip, and 7000 years of months a burden."""
    return found if found and found[0] >= FIRST_DAY and found[1] <= LAST_DAY else None


def _numbered(cell: float) -> Interval | None:
    """Excel's count of days, or the digits of a date: 20261001."""
    if 20_000 <= cell <= 80_000:
        day = _EXCEL_EPOCH + timedelta(days=int(cell))
        return day, day
    return _spelled(str(int(cell)), month_first=False) if cell == int(cell) else None


def _spelled(text: str, month_first: bool) -> Interval | None:
    ends = _BETWEEN.split(text)
    if len(ends) == 2:
        first, last = (_day(end, month_first) for end in ends)
        return (first, last) if first and last and first <= last else None
    if month := _MONTH.fullmatch(text):
        in_year, year = sorted(int(part) for part in month.groups() if part)
        return _month(year, in_year)
    if (named := _MONTH_NAMED.fullmatch(text)) and (number := month_number(named[1])):
        return _month(int(named[2]), number)
    day = _day(text, month_first)
    return (day, day) if day else None


def _month(year: int, number: int) -> Interval:
    whole = month_of(date(year, number, 1))
    return whole.first, whole.last


def _day(text: str, month_first: bool) -> date | None:
    bare = _CLOCK.sub("", text)
    if found := _EPOCH.fullmatch(bare):
        return datetime.fromtimestamp(int(found[1]), UTC).date()
    if found := _ISO.fullmatch(bare):
        year, month, day = found.group(1, 3, 4) if found[1] else found.group(5, 6, 7)
        return _date(year, int(month), day)
    if found := _DOTTED.fullmatch(bare):
        return _date(found[3], int(found[2]), found[1])
    if found := _SLASHED.fullmatch(bare) or _YEAR_OF_TWO.fullmatch(bare):
        one, two = int(found[1]), int(found[2])
        return _date(found[3], *((one, found[2]) if month_first else (two, found[1])))
    return _named_day(bare)


def _named_day(bare: str) -> date | None:
    """A day whose month is a word."""
    if found := _DAY_NAMED.fullmatch(bare):
        return _date(found[3], month_number(found[2]), found[1])
    if found := _NAMED_DAY.fullmatch(bare):
        return _date(found[3], month_number(found[1]), found[2])
    return None


def _date(year: str, month: int | None, day: str) -> date | None:
    return date(int(year) + 2000 * (len(year) == 2), month or 0, int(day))
