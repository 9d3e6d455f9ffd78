"""A section of known format as facts: columns to measures, averages back to sums, totals aside.

Total rows never enter the facts; they are what the facts are checked against.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest.formats import Format, Kind, Rate, Written, dimensions
from kpi_core.ingest.headings import Heading, currency_code, plain
from kpi_core.ingest.sections import Section
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.values import (
    MISSING,
    Cell,
    Days,
    Numbers,
    days,
    decimal_mark,
    numbers,
    seconds,
)
from kpi_core.model import Adds, Unit

# Итого и средние; Total: Campaigns; Grand total
_TOTAL = re.compile(
    r"\s*((итого|всего|итог|сводка)\b.*|(grand )?totals?(:.*|\s*)|total rows:.*)", re.I
)
_CUT_AT = frozenset({1_000, 5_000, 10_000, 100_000})  # row limits of export services
_TOLERANCE = 0.005  # of a total: exports round their rows


@dataclass(frozen=True)
class Mapped:
    """A section as facts: ``start``, ``end``, dimensions, measures; and what is odd about it."""

    facts: pd.DataFrame
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    totals: int
    currency: str | None
    findings: tuple[Finding, ...]


@dataclass
class _Reading:
    """What is gathered while one section is read."""

    section: Section
    format: Format
    where: str
    delimiter: str | None
    findings: list[Finding] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)  # target to position
    rates: list[tuple[Rate, int]] = field(default_factory=list)
    rows: list[Sequence[Cell]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    totals: list[Sequence[Cell]] = field(default_factory=list)
    mark: str = "."

    def find(self, severity: Severity, code: str, **values: object) -> None:
        self.findings.append(Finding(severity, code, self.where, values))

    def column(self, target: str, rows: Sequence[Sequence[Cell]] | None = None) -> list[Cell]:
        position = self.columns[target]
        return [row[position] for row in (self.rows if rows is None else rows)]

    def heading(self, target: str) -> Heading:
        return self.section.headings[self.columns[target]]


def map_section(section: Section, format: Format, where: str, delimiter: str | None) -> Mapped:
    """The facts of `section`, read as `format`.

    Raises:
        IngestError: rows are wider than the headings, so that cells may have shifted.
    """
    reading = _Reading(section, format, where, delimiter)
    _assign_columns(reading)
    _split_totals(reading)
    reading.mark = decimal_mark(zip(*reading.rows, strict=True), delimiter)
    match format.kind:
        case Kind.RECORDS:
            facts = _records(reading)
        case Kind.EVENTS:
            facts = _events(reading)
        case _:
            facts = _sums(reading)
    if format.channel:
        facts["channel"] = format.channel
    measures = tuple(
        id for id in facts.columns if id in catalogue.measures() and facts[id].notna().any()
    )
    named = tuple(id for id in facts.columns if id in dimensions())
    _check_plausible(reading, facts, measures)
    if format.evidence == "D" and format.kind is Kind.SUMS:
        reading.find(Severity.INFO, "read_by_headings", columns=", ".join(reading.columns))
    unused = [
        column.raw
        for position, column in enumerate(section.headings)
        if position not in reading.columns.values()
        and position not in {at for _, at in reading.rates}
    ]
    if unused:
        reading.find(Severity.INFO, "columns_not_used", columns=", ".join(unused)[:300])
    identity = ["record"] if "record" in facts else []
    keep = ["start", "end", *named, *identity, *measures]
    return Mapped(
        facts[keep].reset_index(drop=True),
        measures,
        named,
        len(reading.totals),
        _currency(reading),
        tuple(reading.findings),
    )


def _assign_columns(reading: _Reading) -> None:
    for position, column in enumerate(reading.section.headings):
        if column.name in reading.format.rates:
            reading.rates.append((reading.format.rates[column.name], position))
            continue
        target = reading.format.target(column.name)
        if not target:
            continue
        if target in reading.columns:
            first = reading.heading(target).raw
            reading.find(Severity.WARNING, "column_twice", column=column.raw, kept=first)
        else:
            reading.columns[target] = position


def _split_totals(reading: _Reading) -> None:
    """Rows of the width of the headings to `rows`, total rows to `totals`."""
    width = len(reading.section.headings)
    described = [at for target, at in reading.columns.items() if target in dimensions()]
    at_date = reading.columns.get("date")
    short = 0
    for line, row in reading.section.rows:
        end = len(row)
        while end > width and _blank(row[end - 1]):
            end -= 1
        short += end < width
        cells = list(row[:end]) + [None] * (width - end)
        labels = [cells[at] for at in described] + cells[width:]
        if _is_total(labels, cells[at_date] if at_date is not None else None):
            reading.totals.append(cells[:width])
        elif end > width:
            raise IngestError("ragged", where=reading.where, line=line, columns=width)
        else:
            reading.rows.append(cells)
            reading.lines.append(line)
    if short:
        reading.find(Severity.INFO, "short_rows", n=short)
    if reading.totals:
        reading.find(Severity.INFO, "totals_set_aside", n=len(reading.totals))


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_total(labels: Sequence[Cell], day: Cell) -> bool:
    if any(isinstance(label, str) and _TOTAL.fullmatch(label) for label in labels):
        return not (isinstance(day, str) and days([day]).first[0]) and not isinstance(day, date)
    return bool(labels) and all(
        _blank(label) or str(label).strip().casefold() in MISSING for label in labels
    )


# --- rows that hold sums


def _sums(reading: _Reading) -> pd.DataFrame:
    facts = _frame(reading)
    for target in reading.columns:
        if target in catalogue.measures():
            facts[target] = _measure(reading, target, reading.column(target))
    for rate, position in reading.rates:
        if rate.measure not in facts and rate.times in facts:
            _add_rate(reading, facts, rate, position)
    for id, formula in reading.format.derived.items():
        if id not in facts and set(formula.names) <= set(facts.columns):
            facts[id] = formula.values({name: facts[name].to_numpy() for name in formula.names})
    for dimension, counted_again in reading.format.overlap.items():
        if dimension in facts:
            facts = facts.drop(columns=[id for id in counted_again if id in facts])
    _check_totals(reading, facts)
    for pick in reading.format.picks:
        if pick.column in facts and pick.counts in facts:
            for id, pattern in pick.matches.items():
                matched = facts[pick.column].str.fullmatch(pattern, na=False)
                if id not in facts and matched.any():
                    facts[id] = facts[pick.counts].where(matched)
    return _dated(reading, facts)


def _frame(reading: _Reading) -> pd.DataFrame:
    """Days and text dimensions of the rows."""
    facts = pd.DataFrame(index=range(len(reading.rows)))
    found = Days([None] * len(reading.rows), [None] * len(reading.rows))
    if "date" in reading.columns:
        stated = stated_period(reading.section.title)
        found = days(reading.column("date"), start=stated.first if stated else None)
    if found.ambiguous:
        reading.find(Severity.WARNING, "day_or_month_first", column=reading.heading("date").raw)
    facts["start"] = pd.to_datetime(pd.Series(found.first, dtype=object), errors="coerce")
    facts["end"] = pd.to_datetime(pd.Series(found.last, dtype=object), errors="coerce")
    for dimension in dimensions():
        if dimension in reading.columns and dimension not in ("date", "currency"):
            cells = reading.column(dimension)
            facts[dimension] = pd.Series(
                ["" if cell is None else str(cell).strip() for cell in cells], dtype="str"
            )
    if "channel" in facts or {"source", "medium", "source_medium"} & set(facts.columns):
        facts["channel"] = _channels(reading, facts)
    return facts


def _dated(reading: _Reading, facts: pd.DataFrame) -> pd.DataFrame:
    """Without the rows whose day cannot be read, which are told."""
    if "date" not in reading.columns:
        return facts
    lost = facts["start"].isna()
    if lost.any():
        line = reading.lines[int(np.argmax(lost.to_numpy()))]
        reading.find(Severity.WARNING, "rows_without_day", n=int(lost.sum()), line=line)
    return facts[~lost]


def _measure(reading: _Reading, target: str, cells: Sequence[Cell]) -> np.ndarray:
    duration = catalogue.measure(target).unit is Unit.SECONDS
    read = (seconds if duration else numbers)(cells, reading.mark)
    _tell_unread(reading, reading.heading(target), read, cells)
    return read.values


def _tell_unread(reading: _Reading, column: Heading, read: Numbers, cells: Sequence[Cell]) -> None:
    if read.unread:
        row = read.unread[0]
        reading.find(
            Severity.WARNING,
            "not_numbers",
            column=column.raw,
            n=len(read.unread),
            line=reading.lines[row],
            example=str(cells[row])[:40],
        )


def _add_rate(reading: _Reading, facts: pd.DataFrame, rate: Rate, position: int) -> None:
    """An average column times its weight: the sum it was made from."""
    column = reading.section.headings[position]
    cells = [row[position] for row in reading.rows]
    reader = seconds if rate.written is Written.DURATION else numbers
    read = reader(cells, reading.mark)
    _tell_unread(reading, column, read, cells)
    known = read.values[~np.isnan(read.values)]
    percent = read.percent or column.percent
    averages = read.values / 100 if percent else read.values
    within = bool(np.all(known <= 1)) if known.size else True
    if rate.written is Written.COUNT_OR_PERCENT and not percent and not within:
        facts[rate.measure] = read.values
        return
    if rate.written is Written.STATED and not percent and not within:
        reading.find(Severity.WARNING, "share_unclear", column=column.raw)
        return
    if rate.written is Written.FRACTION and not percent and not within:
        reading.find(Severity.WARNING, "share_unclear", column=column.raw)
        return
    facts[rate.measure] = averages * facts[rate.times]


def _channels(reading: _Reading, facts: pd.DataFrame) -> pd.Series:
    """The channel of each row: by the channel column, else by medium, else by source."""
    found = pd.Series([""] * len(facts), index=facts.index, dtype="str")
    unknown: set[str] = set()
    for dimension in ("channel", "source_medium", "medium", "source"):
        if dimension in facts:
            for raw in facts.loc[found == "", dimension].unique():
                channel = _channel(raw)
                if channel is None and raw:
                    unknown.add(raw)
                rows = (found == "") & (facts[dimension] == raw)
                found[rows] = channel or (raw if dimension == "channel" else "")
    found[found == ""] = "other"
    if unknown:
        listed = ", ".join(sorted(unknown)[:10])
        reading.find(Severity.INFO, "channels_unknown", n=len(unknown), values=listed)
    return found


@cache
def _channel_values() -> dict[str, str]:
    return {
        value: id for id, entry in catalogue.channels().items() for value in (id, *entry["values"])
    }


def _channel(raw: str) -> str | None:
    """The channel that a value of an export means: whole, or by the part after the slash."""
    known = _channel_values()
    for text in (raw, raw.rpartition("/")[2]):
        if (found := known.get(plain(text))) is not None:
            return found
    return None


# --- rows that are records or events


def _records(reading: _Reading) -> pd.DataFrame:
    """One fact a record: the first cell that is filled in each column speaks for it."""
    facts = _frame(reading)
    frame = facts.assign(record=[str(cell or "").strip() for cell in reading.column("record")])
    wanted = {rule.sum for rule in reading.format.records if rule.sum}
    for column in wanted & set(reading.columns):
        frame[column] = numbers(reading.column(column), reading.mark).values
    for column in {name for rule in reading.format.records for name in rule.where}:
        if column in reading.columns:
            text = [str(cell or "").strip().casefold() for cell in reading.column(column)]
            frame[column] = pd.Series(text, dtype="str").replace("", None)
    nameless = int((frame["record"] == "").sum())
    if nameless:
        reading.find(Severity.WARNING, "records_without_id", n=nameless)
    dimension_columns = [id for id in dimensions() if id in frame]
    frame[dimension_columns] = frame[dimension_columns].replace("", None)
    first = frame[frame["record"] != ""].groupby("record", sort=False).first()
    result = first[["start", "end", *dimension_columns]].copy()
    for rule in reading.format.records:
        columns = {*rule.where, *([rule.sum] if rule.sum else [])}
        if columns <= set(first.columns):
            counted = first[rule.sum].astype(float) if rule.sum else pd.Series(1.0, first.index)
            for column, allowed in rule.where.items():
                words = first[column].fillna("").str.split(r"\s*,\s*", regex=True)
                counted = counted.where(words.map(lambda w, a=allowed: bool(a & set(w))), 0.0)
            result[rule.measure] = counted
    for dimension in dimension_columns:
        result[dimension] = result[dimension].fillna("other" if dimension == "channel" else "")
    lost = int(result["start"].isna().sum())
    if lost:
        reading.find(Severity.WARNING, "rows_without_day", n=lost, line=reading.lines[0])
    result["record"] = _identity(result.index)
    return result[result["start"].notna()].reset_index(drop=True)


def _identity(keys: pd.Index) -> np.ndarray:
    """A number per record, the same in every file that holds it; the id itself is not kept."""
    return pd.util.hash_pandas_object(keys, index=False).to_numpy()


def _events(reading: _Reading) -> pd.DataFrame:
    """One fact a session: which steps happened in it. Without session ids, a user's day is one."""
    facts = _frame(reading)
    facts = _dated(reading, facts)
    key = ["session"] if "session" in facts else ["user", "start"]
    named = facts["event"].str.casefold()
    for measure, pattern in reading.format.steps.items():
        facts[measure] = named.str.fullmatch(pattern, na=False).astype(float)
    steps = list(reading.format.steps)
    kept = {
        "end": "min",
        **{id: "first" for id in ("channel", "device") if id in facts},
        **dict.fromkeys(steps, "max"),
    }
    if key == ["session"]:
        kept["start"] = "min"
    sessions = facts.groupby(key, sort=False).agg(kept)
    sessions["record"] = _identity(sessions.index)
    sessions = sessions.reset_index()
    never = [step for step in steps if not sessions[step].any()]
    return sessions.drop(columns=never).reset_index(drop=True)


# --- checks


def _check_totals(reading: _Reading, facts: pd.DataFrame) -> None:
    """Facts against the totals that the file prints.

    Several totals may overlap (campaigns, account, search): one that agrees is enough.
    """
    if len(reading.rows) in _CUT_AT:
        reading.find(Severity.WARNING, "exactly_the_limit", n=len(reading.rows))
    for target in reading.columns:
        if target not in facts or target not in catalogue.measures() or not reading.totals:
            continue
        if catalogue.measure(target).adds is Adds.NONE or not facts[target].notna().any():
            continue
        shifted = [[*row[1:], None] for row in reading.totals]  # Direct leaves out a cell
        rows = [*reading.totals, *shifted, *([None, *row[:-1]] for row in reading.totals)]
        stated = numbers(reading.column(target, rows), reading.mark).values
        stated = stated[~np.isnan(stated)]
        summed = float(facts[target].sum())
        near = np.abs(stated - summed) <= np.maximum(_TOLERANCE * np.abs(stated), 1)
        if stated.size and not near.any():
            worst = float(stated[0])
            code = "rows_below_total" if summed < worst else "rows_above_total"
            reading.find(
                Severity.WARNING,
                code,
                column=reading.heading(target).raw,
                rows=f"{summed:,.2f}",
                total=f"{worst:,.2f}",
            )


def _check_plausible(reading: _Reading, facts: pd.DataFrame, measures: Sequence[str]) -> None:
    for id in measures:
        negative = int((facts[id] < 0).sum())
        if negative and id != "gross_profit":
            reading.find(Severity.WARNING, "negative_values", measure=id, n=negative)
    if not len(facts):
        reading.find(Severity.INFO, "empty_section")
    elif facts["start"].isna().all() and not stated_period([*reading.section.title, reading.where]):
        reading.find(Severity.WARNING, "period_unknown")
    seen = facts["start"].dropna().dt.normalize().drop_duplicates().sort_values()
    daily = (facts["start"] == facts["end"]).all() and reading.format.kind is Kind.SUMS
    if daily and len(seen) >= 7:
        everyday = pd.date_range(seen.iloc[0], seen.iloc[-1])
        gaps = everyday.difference(pd.DatetimeIndex(seen))
        if 0 < len(gaps) <= len(seen) / 4:
            named = ", ".join(str(day.date()) for day in gaps[:5])
            reading.find(Severity.WARNING, "missing_days", n=len(gaps), days=named)


def _currency(reading: _Reading) -> str | None:
    """The one currency of the money columns; several are told and none is taken."""
    codes: set[str] = set()
    if "currency" in reading.columns:
        cells = {str(cell).strip() for cell in reading.column("currency") if not _blank(cell)}
        codes = {code for cell in cells if (code := currency_code(cell))}
    if not codes:
        codes = {
            column.currency
            for target in reading.columns
            if target in catalogue.measures() and (column := reading.heading(target)).currency
        }
    if len(codes) > 1:
        reading.find(Severity.ERROR, "several_currencies", currencies=", ".join(sorted(codes)))
        return "?"
    return codes.pop() if codes else None
