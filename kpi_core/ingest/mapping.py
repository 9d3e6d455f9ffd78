"""A section of known format as facts, checked against what the file says of itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.ingest.answers import answers
from kpi_core.ingest.formats import PERSONAL, Format, Kind, dimensions
from kpi_core.ingest.headings import currency_code
from kpi_core.ingest.ranks import ranks
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.records import events, records
from kpi_core.ingest.sections import Section
from kpi_core.ingest.sums import sums
from kpi_core.ingest.totals import agrees
from kpi_core.ingest.values import LIST_MARKS, is_missing, numbers
from kpi_core.model import BY_HAND, Adds, Period, Unit

_CUT_AT = frozenset({1_000, 5_000, 10_000, 100_000})  # row limits of export services
_ROWS_OF = {
    Kind.SUMS: sums,
    Kind.RECORDS: records,
    Kind.EVENTS: events,
    Kind.RANKS: ranks,
    Kind.ANSWERS: answers,
}
_KOPECK = 0.01
_STATED_ROWS = re.compile(r"\s*total rows:\s*(\d+)\s*", re.I)  # the last line of Direct's reports
_VAT = {
    "excl": re.compile(r"без\s+(уч[её]та\s+)?НДС|не\s+включая\s+НДС|excl\w*\.?\s+VAT", re.I),
    "incl": re.compile(r"(с|включая)\s+(уч[её]том\s+)?НДС|incl\w*\.?\s+VAT", re.I),
}  # the first that is found: "не включая НДС" holds "включая НДС"
_OF_PEOPLE = re.compile(
    r"e-?mail|\bпочт[аы]|телефон|phone|\bфио\b|полное имя|(^|\s)имя|фамили|"
    r"(billing|shipping|customer|first|last|full|contact|client|user) ?name|billing|shipping|"
    r"\bадрес (доставки|клиента|получателя)|address|примечани|\bip\b|cookies|контакт|contact|"
    r"passport|паспорт|note attributes|\bnotes?\b",
    re.I,
)
Vat = Literal["incl", "excl"]


@dataclass(frozen=True)
class Mapped:
    """A section as facts: ``start``, ``end``, dimensions, measures; and what is odd about it.

    Attributes:
        totals: how many rows were set aside as totals.
        control: measure to the total that the file states, or that was counted over all of it.
        vat: whether its money includes value added tax, where the file says so.
    """

    facts: pd.DataFrame
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    totals: int
    currency: str | None
    findings: tuple[Finding, ...]
    control: dict[str, float] = field(default_factory=dict)
    vat: Vat | None = None


def map_section(
    section: Section, format: Format, where: str, delimiter: str | None, stated: Period | None
) -> Mapped:
    """The facts of `section`, read as `format`; `stated` is the period of rows without a day.

    Raises:
        IngestError: rows are wider than the headings, so that cells may have shifted.
    """
    reading = Reading(section, format, where, delimiter)
    facts = _ROWS_OF[format.kind](reading)
    if format.kind is Kind.SUMS:
        _check_totals(reading, facts)
    if reading.unclear:
        facts[[id for id in reading.measures() if id in facts]] = np.nan
    _check_footer(reading, facts)
    _check_rows(reading)
    if stated and facts["start"].isna().all():
        facts["start"], facts["end"] = pd.Timestamp(stated.first), pd.Timestamp(stated.last)
    for dimension, pattern in format.said_above.items():
        if said := next(filter(None, map(pattern.search, section.title)), None):
            facts[dimension] = said[1].casefold()
    if format.channel and "channel" not in facts:
        facts["channel"] = format.channel
    currency = _currency(reading, facts)
    measures = tuple(
        id for id in facts.columns if id in catalogue.measures() and facts[id].notna().any()
    )
    named = tuple(id for id in facts.columns if id in dimensions() and id not in PERSONAL)
    _check_plausible(reading, facts, measures)
    tell_columns(reading)
    beside = [id for id in ("record", "customer", *sorted(format.keep)) if id in facts]
    return Mapped(
        facts[["start", "end", *named, *beside, *measures]].reset_index(drop=True),
        measures,
        named,
        reading.footer + reading.subtotals + (len(reading.totals[0]) if reading.totals else 0),
        currency,
        tuple(reading.findings),
        reading.control,
        _vat(reading),
    )


# --- checks


def _check_rows(reading: Reading) -> None:
    """How many rows there are, against the limits of services and against what the file says."""
    if len(reading.lines) in _CUT_AT:
        reading.find(Severity.WARNING, "exactly_the_limit", n=len(reading.lines))
    said = [str(cell) for column in reading.totals[:1] for cell in column]
    for found in filter(None, map(_STATED_ROWS.fullmatch, said)):
        if int(found[1]) != len(reading.lines):
            told = {"n": len(reading.lines), "stated": int(found[1])}
            reading.find(Severity.WARNING, "rows_not_as_stated", **told)


def _check_totals(reading: Reading, facts: pd.DataFrame) -> None:
    """Facts against the totals that the file prints."""
    if not reading.totals:
        return
    for target in reading.measures():
        if target not in facts:
            continue
        at = reading.columns[target]
        own = numbers(reading.totals[at], reading.mark).values
        known = own[~np.isnan(own)]
        if catalogue.measure(target).adds is Adds.NONE:
            if known.size == 1:
                reading.control[target] = float(known[0])
            continue
        # Direct's total row may be shifted by a cell.
        nearby = [*reading.totals, reading.beyond][max(at - 1, 0) : at + 2]
        shifted = [numbers(column, reading.mark).values for column in nearby]
        subtotals = [np.nansum(own)] if known.size else []  # or subtotals of each day
        stated = np.concatenate([own, *shifted, subtotals])
        stated = stated[~np.isnan(stated)]
        summed = float(facts[target].sum())
        if not stated.size or not facts[target].notna().any():
            continue
        if agrees(stated, summed):
            reading.control[target] = float(stated[np.abs(stated - summed).argmin()])
        else:
            reading.control[target] = float(stated[0])
            _tell_disagreement(reading, reading.heading(target).raw, summed, float(stated[0]))
            reading.unclear |= reading.format.nested


def _tell_disagreement(reading: Reading, column: object, summed: float, stated: float) -> None:
    code = "rows_below_total" if summed < stated else "rows_above_total"
    reading.find(Severity.WARNING, code, column=column, rows=summed, total=stated)


def _check_footer(reading: Reading, facts: pd.DataFrame) -> None:
    """Facts against what the lines below the table state, to the kopeck."""
    for id in sorted(set(reading.format.footer.values()) & set(reading.control) & set(facts)):
        summed, stated = float(facts[id].sum()), reading.control[id]
        if abs(summed - stated) > _KOPECK:
            _tell_disagreement(reading, catalogue.measure(id).name, summed, stated)


def _check_plausible(reading: Reading, facts: pd.DataFrame, measures: Sequence[str]) -> None:
    for id in measures:
        negative = int((facts[id] < 0).sum())
        if negative and id != "gross_profit":
            reading.find(
                Severity.WARNING, "negative_values", measure=catalogue.measure(id).name, n=negative
            )
    if not len(facts):
        reading.find(Severity.INFO, "empty_section")
    elif facts["start"].isna().all():
        reading.find(Severity.WARNING, "period_unknown")
    if reading.format.sparse or not (facts["start"] == facts["end"]).all():
        return
    seen = pd.DatetimeIndex(facts["start"].drop_duplicates().sort_values())
    if len(seen) >= 7:
        gaps = pd.date_range(seen[0], seen[-1]).difference(seen)
        if 0 < len(gaps) <= len(seen) / 4:
            named = ", ".join(str(day.date()) for day in gaps[:5])
            reading.find(Severity.WARNING, "missing_days", n=len(gaps), days=named)


def tell_columns(reading: Reading) -> None:
    """Which columns were not needed, and which were dropped because they are about people."""
    if reading.format.evidence == "D":
        known_at = sorted({*reading.columns.values(), *reading.used})
        used = ", ".join(reading.section.headings[at].raw for at in known_at)
        by_hand = reading.format.source == BY_HAND
        code = "read_by_headings" if by_hand else "layout_not_confirmed"
        reading.find(Severity.INFO, code, columns=used[:300])
    used_at = {*reading.columns.values(), *(at for _, at in reading.rates), *reading.used}
    names = [c.raw for at, c in enumerate(reading.section.headings) if at not in used_at and c.raw]
    people = [name for name in dict.fromkeys(names) if _OF_PEOPLE.search(name[:100])]
    if dropped := [*reading.personal, *people]:
        reading.find(Severity.INFO, "personal_dropped", columns=", ".join(dropped)[:300])
    if unused := [name for name in dict.fromkeys(names) if name not in people]:
        reading.find(Severity.INFO, "columns_not_used", columns=", ".join(unused)[:300])


def _currency(reading: Reading, facts: pd.DataFrame) -> str | None:
    """The one currency of the money columns; where there are several, no money is kept."""
    money = [id for id in facts.columns if id in catalogue.measures() and _is_money(id)]
    if not money:
        return None
    columns = {id for id in reading.columns if reading.heading(id).currency}
    codes = {reading.heading(id).currency for id in columns} - {None}
    if "currency" in reading.columns:
        cells = {str(cell) for cell in set(reading.column("currency")) if not is_missing(cell)}
        words = {word for cell in cells for word in _listed(cell)}
        codes |= {code for word in words if (code := currency_code(word))}
    if any(str(code).endswith("D") for code in codes):
        reading.coins.discard("USD")  # $ is the sign of many dollars
    codes |= reading.coins
    if len(codes) > 1:
        listed = ", ".join(sorted(map(str, codes)))
        reading.find(Severity.ERROR, "several_currencies", currencies=listed)
        facts[money] = np.nan
    return codes.pop() if len(codes) == 1 else None


def _listed(cell: str) -> list[str]:
    """The words of a list written as text: ``['RUB','RUB']``; a cell that is none is one word."""
    return [word.strip(LIST_MARKS) for word in cell.split(",")] if cell[:1] == "[" else [cell]


def _is_money(id: str) -> bool:
    return catalogue.measure(id).unit is Unit.MONEY


def _vat(reading: Reading) -> Vat | None:
    """What the lines above and the headings of money say of value added tax."""
    money = [reading.heading(id).raw for id in reading.measures() if _is_money(id)]
    used = [reading.section.headings[at].raw for at in reading.columns.values()]
    others = [*reading.section.title, *used]  # the commission may be without VAT
    for said in (money, others):
        found = {word for line in said if (word := _vat_of(line))}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _vat_of(line: str) -> Vat | None:
    if _VAT["excl"].search(line):
        return "excl"
    return "incl" if _VAT["incl"].search(line) else None
