"""A section of known format as facts, checked against what the file says of itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.ingest.answers import answers
from kpi_core.ingest.doubts import (
    looks_like_money,
    tell_repeated,
    tell_statuses_left,
    tell_unnamed,
)
from kpi_core.ingest.formats import PERSONAL, Format, Kind, dimensions
from kpi_core.ingest.logs import events
from kpi_core.ingest.money import currency_of, row_currencies, vat_of
from kpi_core.ingest.privacy import listed
from kpi_core.ingest.ranks import ranks
from kpi_core.ingest.reading import Reading, Values
from kpi_core.ingest.records import records
from kpi_core.ingest.sections import Section
from kpi_core.ingest.sums import sums
from kpi_core.ingest.totals import agrees, near
from kpi_core.ingest.work import DETAILS
from kpi_core.model import BY_HAND, Adds, Period, Unit, Vat

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
_OF_PEOPLE = re.compile(
    r"e-?mail|\bпочт[аы]|телефон|phone|\bфио\b|полное имя|(^|\s)имя|фамили|"
    r"(billing|shipping|customer|first|last|full|contact|client|user) ?name|billing|shipping|"
    r"\bадрес (доставки|клиента|получателя)|address|примечани|\bip\b|cookies|контакт|contact|"
    r"passport|паспорт|note attributes|\bnotes?\b",
    re.I,
)


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
    section: Section,
    format: Format,
    where: str,
    delimiter: str | None,
    stated: Period | None,
    *,
    aside: Sequence[str] = (),
) -> Mapped:
    """The facts of `section`, read as `format`.

    Args:
        section: the table.
        format: its layout.
        where: its file, and its sheet where there are several.
        delimiter: of a text file.
        stated: the period of rows without a day.
        aside: the lines of sheets that hold no table.

    Raises:
        IngestError: rows are wider than the headings, so that cells may have shifted.
    """
    reading = Reading(section, format, where, delimiter)
    facts = _ROWS_OF[format.kind](reading)
    _check_rows(reading)
    return checked(reading, facts, stated, aside=aside)


def checked(
    reading: Reading, facts: pd.DataFrame, stated: Period | None, *, aside: Sequence[str] = ()
) -> Mapped:
    """`facts` with what the file says of all of them, checked against it.

    Args:
        reading: the table that they were read from.
        facts: one row a fact.
        stated, aside: as in `map_section`.
    """
    section, format = reading.section, reading.format
    if format.kind is Kind.SUMS:
        _check_totals(reading, facts)
        tell_repeated(reading)
        tell_unnamed(reading, facts)
        tell_statuses_left(reading)
    if reading.unclear:
        facts[[id for id in reading.measures() if id in facts]] = np.nan
    _check_footer(reading, facts)
    if stated and facts["start"].isna().all():
        facts["start"], facts["end"] = pd.Timestamp(stated.first), pd.Timestamp(stated.last)
    for dimension, pattern in format.said_above.items():
        if said := next(filter(None, map(pattern.search, section.title)), None):
            facts[dimension] = said[1].casefold()
    _mark_part(reading, facts, [*section.title, *aside])
    if format.channel and "channel" not in facts:
        facts["channel"] = format.channel
    currency = currency_of(reading, facts)
    vat = vat_of(reading, facts)
    measures = tuple(
        id for id in facts.columns if id in catalogue.measures() and facts[id].notna().any()
    )
    named = tuple(
        id for id in facts.columns if id in dimensions() and id not in PERSONAL | {"currency"}
    )
    _check_plausible(reading, facts, measures)
    tell_columns(reading)
    kept = ("currency", "record", "customer", *sorted(format.keep), *DETAILS)
    beside = [id for id in kept if id in facts]
    return Mapped(
        facts[["start", "end", *named, *beside, *measures]].reset_index(drop=True),
        measures,
        named,
        reading.footer
        + reading.subtotals
        + reading.aside
        + reading.planned
        + (len(reading.totals[0]) if reading.totals else 0),
        currency,
        tuple(reading.findings),
        reading.control,
        vat,
    )


def _mark_part(reading: Reading, facts: pd.DataFrame, lines: Sequence[str]) -> None:
    """Says of a report of a segment or under a filter that it is a part of the whole."""
    pattern = reading.format.part
    # Lines that all exports have are cut: a crafted one would take long to match.
    found = pattern.findall("\n".join(line[:300] for line in lines[:100])) if pattern else []
    if not found:
        return
    said = "; ".join(dict.fromkeys(text.strip() for text in found))
    reading.find(Severity.WARNING, "only_a_part", part=said[:200])
    if "segment" not in facts:
        facts["segment"] = said[:200]


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
    summed: dict[str, float] = {}
    mixed = row_currencies(reading) is not None
    for target in reading.measures():
        if target not in facts or (mixed and catalogue.measure(target).unit is Unit.MONEY):
            continue
        own = reading.stated(reading.columns[target])
        known = own[~np.isnan(own)]
        if catalogue.measure(target).adds is Adds.NONE:
            if known.size == 1:
                reading.control[target] = float(known[0])
        elif facts[target].notna().any():
            summed[target] = float(facts[target].sum())
    for target, own in _unshifted(reading, summed).items():
        known = own[~np.isnan(own)]
        if not known.size:
            continue
        stated = np.array([*known, known.sum()])  # or subtotals of each day
        if agrees(stated, summed[target]):
            reading.control[target] = float(stated[np.abs(stated - summed[target]).argmin()])
        else:
            first = float(known[0])
            reading.control[target] = first
            reading.tell_disagreement(reading.heading(target).raw, summed[target], first)
            reading.unclear |= reading.format.nested


def _unshifted(reading: Reading, summed: Mapping[str, float]) -> dict[str, Values]:
    """The figures of the total rows by measure.

    Direct's total row may be shifted by a cell: then all of it, and only then is it believed.
    """
    if not summed:
        return {}
    sums = np.array(list(summed.values()))
    places = [(reading.columns[id], shift) for shift in (0, -1, 1) for id in summed]
    read = [reading.stated(at, shift) for at, shift in places]
    own, *moved = np.array(read).reshape(3, len(sums), -1)
    right = near(own, sums[:, None]).all(axis=0)
    for shifted in moved:
        whole = near(shifted, sums[:, None]).all(axis=0) & ~right
        own = np.where(whole, shifted, own)
    return dict(zip(summed, own, strict=True))


def _check_footer(reading: Reading, facts: pd.DataFrame) -> None:
    """Facts against what the lines below the table state, to the kopeck."""
    mixed = row_currencies(reading) is not None
    for id in sorted(set(reading.format.footer.values()) & set(reading.control) & set(facts)):
        if mixed and catalogue.measure(id).unit is Unit.MONEY:
            continue
        summed, stated = float(facts[id].sum()), reading.control[id]
        if abs(summed - stated) > _KOPECK:
            reading.tell_disagreement(catalogue.measure(id).name, summed, stated)


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
    if reading.format.taught:
        reading.find(Severity.INFO, "read_by_layout", layout=reading.format.name)
    elif reading.format.evidence == "D":
        known_at = sorted({*reading.columns.values(), *reading.used})
        used = listed(reading.section.headings[at].raw for at in known_at)
        by_hand = reading.format.source == BY_HAND
        code = "read_by_headings" if by_hand else "layout_not_confirmed"
        reading.find(Severity.INFO, code, columns=used)
    used_at = {*reading.columns.values(), *(at for _, at in reading.rates), *reading.used}
    left = [at for at, c in enumerate(reading.section.headings) if at not in used_at and c.raw]
    names = [reading.section.headings[at].raw for at in left]
    people = [name for name in dict.fromkeys(names) if _OF_PEOPLE.search(name[:100])]
    if dropped := [*reading.personal, *people]:
        reading.find(Severity.INFO, "personal_dropped", columns=listed(dropped))
    money: list[str] = []
    if reading.format.source == BY_HAND and not reading.format.taught:
        money = [reading.section.headings[at].raw for at in left if looks_like_money(reading, at)]
    if money := [name for name in dict.fromkeys(money) if name not in people]:
        reading.find(Severity.WARNING, "money_not_used", columns=listed(money))
    told = {*people, *money}
    if unused := [name for name in dict.fromkeys(names) if name not in told]:
        reading.find(Severity.INFO, "columns_not_used", columns=listed(unused))
