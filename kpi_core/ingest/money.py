"""In which currency the money of a table is, and whether it includes value added tax.

An account has one currency, so what one column of a service's own export says holds for all of
its money. Of a table that somebody made, a column says it of itself alone. Where a column names
the currency of each row, rows of different ones stay apart.
"""

import re
from collections.abc import Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.ingest.formats import Format
from kpi_core.ingest.headings import currency_code, scales_above
from kpi_core.ingest.privacy import listed
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.values import LIST_MARKS, is_missing, numbers
from kpi_core.model import BY_HAND, Unit, Vat

_VAT: dict[Vat, re.Pattern[str]] = {
    "excl": re.compile(r"без\s+(уч[её]та\s+)?НДС|не\s+включая\s+НДС|excl\w*\.?\s+VAT", re.I),
    "incl": re.compile(r"(с|включая)\s+(уч[её]том\s+)?НДС|incl\w*\.?\s+VAT", re.I),
}  # the first that is found: "не включая НДС" holds "включая НДС"
_UNSAID = "—"  # of rows whose currency is not named beside others


def row_currencies(reading: Reading) -> pd.Series | None:
    """What a column of several currencies says of each row: a code, nothing, or several codes."""
    if "currency" not in reading.columns:
        return None
    column = [str(cell) for cell in reading.column("currency")]
    codes = {cell: _codes(cell) for cell in set(column)}
    if len(set().union(*codes.values())) < 2:
        return None
    return pd.Series([" ".join(sorted(codes[cell])) for cell in column], dtype="str")


def currency_of(reading: Reading, facts: pd.DataFrame) -> str | None:
    """The one currency of the money columns; of several, each row of `facts` keeps its own.

    Where it is not clear which row is of which, no money is kept.
    """
    rows = facts.pop("currency") if "currency" in facts else None
    money = [id for id in facts.columns if id in catalogue.measures() and _is_money(id)]
    if not money:
        return None
    headed = {reading.heading(id).currency for id in reading.columns} - {None}
    codes, strange = _named_in_rows(reading)
    codes |= {str(code) for code in headed}
    if any(code.endswith("D") for code in codes):
        reading.coins.discard("USD")  # $ is the sign of many dollars
    codes |= reading.coins
    assumed = reading.format.currency
    if codes and "currency" not in reading.columns and _is_own_table(reading.format):
        silent = _silent(reading, facts)
        if silent and assumed:
            codes.add(assumed)
        elif silent:
            _refuse_silent(reading, facts, silent, " ".join(sorted(codes)))
    if rows is not None and not strange and _are_told_apart(reading):
        used = facts[money].fillna(0.0).ne(0.0).any(axis=1)
        if not (rows[used] == "").any():
            return _kept_apart(reading, facts, money, rows, sorted(rows[used].unique()))
    if len(codes) > 1 or strange:
        named = listed(sorted(codes | strange))
        reading.find(Severity.ERROR, "several_currencies", currencies=named)
        facts[money] = np.nan
        return None
    if not codes and assumed and not reading.format.taught and facts[money].notna().any().any():
        told = {"currency": assumed, "what": reading.format.name}
        reading.find(Severity.INFO, "currency_assumed", **told)
    return codes.pop() if codes else None


def _is_own_table(format: Format) -> bool:
    """Whether somebody made the table, or may have: no service vouches for its columns."""
    return format.source == BY_HAND or format.evidence == "D"


def _is_money(id: str) -> bool:
    return catalogue.measure(id).unit is Unit.MONEY


# --- currencies


def _named_in_rows(reading: Reading) -> tuple[set[str], set[str]]:
    """The codes in a column of currencies, and its words that are no known currency.

    A row with money and without a currency is of an unknown one, beside rows that name theirs.
    """
    codes: set[str] = set()
    strange: set[str] = set()
    if "currency" not in reading.columns:
        return codes, strange
    column = reading.column("currency")
    for cell in {str(cell) for cell in set(column) if not is_missing(cell)}:
        for word in filter(None, map(str.strip, _words(cell))):
            if code := currency_code(word):
                codes.add(code)
            else:
                strange.add(word)
    if (codes or strange) and _has_unsaid(reading):
        strange.add(_UNSAID)
    return codes, strange


def _codes(cell: str) -> set[str]:
    return {code for word in _words(cell) if (code := currency_code(word.strip()))}


def _are_told_apart(reading: Reading) -> bool:
    """Whether all money of a row, and of a record, is of the currency that its cell names."""
    above = any(scale.currency for scale in scales_above(reading.section.title))
    if above or any(reading.heading(id).currency for id in reading.columns):
        return False
    said = row_currencies(reading)
    if said is None or said.str.contains(" ").any():
        return False
    if "record" in reading.columns:
        records = reading.texts("record")
        named = (said != "") & (records != "")
        if (said[named].groupby(records[named].to_numpy()).nunique() > 1).any():
            return False
    return not reading.coins or all(
        _coins_of(reading, (said == code).to_numpy()) <= {code, "USD" if code[-1] == "D" else code}
        for code in said[said != ""].unique()
    )  # $ is the sign of many dollars


def _coins_of(reading: Reading, rows: npt.NDArray[np.bool_]) -> frozenset[str]:
    """The currencies written beside the money of `rows`."""
    places = [reading.columns[target] for target in _money_targets(reading)]
    cells = [list(compress(reading.cells[at], rows)) for at in places]
    return frozenset().union(*(numbers(column, reading.mark).currencies for column in cells))


def _kept_apart(
    reading: Reading,
    facts: pd.DataFrame,
    money: Sequence[str],
    rows: pd.Series,
    used: Sequence[str],
) -> str | None:
    """Gives `facts` the currencies of its `rows` if several are `used`, else the only one."""
    if len(used) < 2:
        return used[0] if used else None
    # Nought is the same in every currency.
    facts["currency"] = rows.where(rows.isin(used), used[0])
    for id in money:
        reading.control.pop(id, None)  # a total over several currencies proves nothing
    reading.find(Severity.INFO, "rows_of_currencies", currencies=listed(used))
    return None


def _has_unsaid(reading: Reading) -> bool:
    """Whether money stands in rows (of records: in all rows of one) without a currency."""
    unsaid = pd.Series([is_missing(cell) for cell in reading.column("currency")], dtype=bool)
    if unsaid.any() and "record" in reading.columns:  # an order may name it on its first line
        unsaid = unsaid.groupby(reading.texts("record").to_numpy()).transform("all")
    if not unsaid.any():
        return False
    places = [reading.columns[target] for target in _money_targets(reading)]
    figures = [numbers(reading.cells[at], reading.mark).values for at in places]
    return any(bool(np.nan_to_num(read[unsaid]).any()) for read in figures)


def _words(cell: str) -> list[str]:
    """The words of a list written as text: ``['RUB','RUB']``; a cell that is none is one word."""
    return [word.strip(LIST_MARKS) for word in cell.split(",")] if cell[:1] == "[" else [cell]


def _money_targets(reading: Reading) -> list[str]:
    """The columns that hold money: measures, and what records sum up to measures of money."""
    summed = {
        name
        for measure, rule in reading.format.records.items()
        if rule.sum and _is_money(measure)
        for name in rule.sum.names
    }
    return [
        target
        for target in reading.columns
        if target in summed or (target in catalogue.measures() and _is_money(target))
    ]


def _silent(reading: Reading, facts: pd.DataFrame) -> list[str]:
    """The money columns in use that name no currency, by heading, cells or a line above."""
    if any(scale.currency for scale in scales_above(reading.section.title)):
        return []
    return [
        target
        for target in _money_targets(reading)
        if not reading.heading(target).currency
        and not numbers(reading.column(target), reading.mark).currencies
        and any(facts[id].notna().any() for id in _made_of(reading, facts, {target}))
    ]


def _made_of(reading: Reading, facts: pd.DataFrame, targets: set[str]) -> list[str]:
    """The measures of `facts` that come from the columns `targets`."""
    format = reading.format
    made = {id for id, rule in format.records.items() if rule.sum and targets & set(rule.sum.names)}
    made |= {id for id, formula in format.derived.items() if targets & set(formula.names)}
    return [id for id in facts.columns if id in targets | made and id in catalogue.measures()]


def _refuse_silent(reading: Reading, facts: pd.DataFrame, silent: list[str], currency: str) -> None:
    facts[_made_of(reading, facts, set(silent))] = np.nan
    columns = listed(reading.heading(target).raw for target in silent)
    told = {"columns": columns, "currency": currency}
    reading.find(Severity.WARNING, "currency_of_some", **told)


# --- value added tax


def vat_of(reading: Reading, facts: pd.DataFrame) -> Vat | None:
    """What the lines above and the headings of money say of value added tax."""
    targets = _money_targets(reading)
    money = [reading.heading(id).raw for id in targets]
    title = _said(reading.section.title)
    if _is_own_table(reading.format):
        used = [id for id in targets if facts[_made_of(reading, facts, {id})].notna().any().any()]
        each = {id: _vat_in(reading.heading(id).raw) or title for id in used}
        if len(set(each.values())) > 1:
            said = listed(
                reading.heading(id).raw for id in used if _vat_in(reading.heading(id).raw)
            )
            reading.find(Severity.WARNING, "vat_of_some", columns=said)
            return None
        return next(iter(each.values()), None)
    headings = [reading.section.headings[at].raw for at in reading.columns.values()]
    # The commission may be without VAT: what headings of money say goes first.
    return _said(money) if any(map(_vat_in, money)) else _said([*reading.section.title, *headings])


def _said(lines: list[str]) -> Vat | None:
    found = {word for line in lines if (word := _vat_in(line))}
    return found.pop() if len(found) == 1 else None


def _vat_in(line: str) -> Vat | None:
    return next((vat for vat, words in _VAT.items() if words.search(line)), None)
