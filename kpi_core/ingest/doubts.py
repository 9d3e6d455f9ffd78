"""What looks wrong in a table that was read: nothing of it is lost, all is told.

Rows that look pasted, printed twice or merged; columns of money and of statuses that nobody reads.
"""

import re

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.ingest.formats import PERSONAL, dimensions, known_statuses
from kpi_core.ingest.headings import plain
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.values import is_missing
from kpi_core.model import Adds, Unit

_MONEY = re.compile(
    r"\b(сумм[аы]|итого|всего|к оплате|оплачено|стоимость|выручка|доход|оборот|расход\w*|затраты|"
    r"бюджет|total|subtotal|amount|revenue|sales|cost|costs|spend|paid|value|price paid)\b"
)
_NO_WHOLE_MONEY = re.compile(
    r"\b(средн\w*|доля|процент\w*|скидк\w*|доставк\w*|ндс|налог\w*|бонус\w*|комисси\w*|комментари\w*|"
    r"average|avg|mean|share|rate|percent\w*|discount\w*|shipping|delivery|tax|taxes|fee|fees|per)\b"
)
_WITH_VAT = re.compile(r"\b(с|без|incl\w*|excl\w*|including|excluding|inc|ex) (ндс|vat|tax)\b")
_STATUS = re.compile(r"\b(статус|состояние|status|state)\b")
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


def looks_like_money(reading: Reading, at: int) -> bool:
    """Whether a column that nobody reads has figures under a heading such as Сумма or Total."""
    column = reading.section.headings[at]
    named = _WITH_VAT.sub("", column.full)
    if column.percent or not _MONEY.search(named) or _NO_WHOLE_MONEY.search(named):
        return False
    used = (reading.section.headings[other].full for other in reading.columns.values())
    if named != column.full and any(_WITH_VAT.sub("", name) == named for name in used):
        return False  # the same with or without tax
    filled = sum(not is_missing(cell) for cell in reading.cells[at])
    return filled > 0 and len(reading.numbers(at).unread) * 2 < filled


def tell_statuses_left(reading: Reading) -> None:
    """Tells of rows that were cancelled or returned, where no column of statuses is looked at."""
    if reading.format.taught or not reading.lines or not any(reading.lines):
        return
    lists = known_statuses()["orders"]
    lost = {plain(word) for name in ("cancelled", "returned") for word in lists[name]}
    used = {*reading.columns.values(), *(at for _, at in reading.rates), *reading.used}
    for at, column in enumerate(reading.section.headings):
        if at in used or not _STATUS.search(column.full):
            continue
        said = pd.Series([plain(str(cell)) for cell in reading.cells[at] if not is_missing(cell)])
        seen = said[said.isin(lost)].value_counts()
        if len(seen):
            listed = ", ".join(f"«{word}» – {n}" for word, n in seen.items())
            told = {"column": column.raw, "statuses": listed}
            reading.find(Severity.WARNING, "statuses_not_used", **told)
