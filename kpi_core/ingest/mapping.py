"""A section of known format as facts: columns to measures, averages back to sums, totals aside.

Total rows never enter the facts; they are what the facts are checked against.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest.channels import channel_of
from kpi_core.ingest.formats import PERSONAL, Format, Kind, Rate, Written, dimensions
from kpi_core.ingest.headings import Heading, currency_code, plain
from kpi_core.ingest.sections import Section
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.totals import agrees, total_rows
from kpi_core.ingest.values import (
    Cell,
    Days,
    Numbers,
    days,
    decimal_mark,
    is_missing,
    numbers,
    seconds,
)
from kpi_core.model import Adds, Period, Unit

_CUT_AT = frozenset({1_000, 5_000, 10_000, 100_000})  # row limits of export services
_COUNTED_DAYS = frozenset({"nth day", "day index"})  # 0000 is the first day of the title's period
_NO_TEXT = frozenset({"date", "date_end", "currency"})

_EVERYONE = frozenset({"all users", "все пользователи", "all"})  # the segment of all the others

Column = Sequence[Cell]
Values = npt.NDArray[np.float64]


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
    """What is gathered while one section is read; `cells` and `totals` are columns."""

    section: Section
    format: Format
    where: str
    delimiter: str | None
    findings: list[Finding] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)  # target to position
    rates: list[tuple[Rate, int]] = field(default_factory=list)
    cells: list[Column] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    totals: list[Column] = field(default_factory=list)
    mark: str | None = None
    coins: set[str] = field(default_factory=set)  # currencies written beside figures

    def find(self, severity: Severity, code: str, **values: object) -> None:
        self.findings.append(Finding(severity, code, self.where, values))

    def column(self, target: str) -> Column:
        return self.cells[self.columns[target]]

    def heading(self, target: str) -> Heading:
        return self.section.headings[self.columns[target]]

    def measures(self) -> list[str]:
        return [target for target in self.columns if target in catalogue.measures()]


def map_section(
    section: Section, format: Format, where: str, delimiter: str | None, stated: Period | None
) -> Mapped:
    """The facts of `section`, read as `format`; `stated` is the period of rows without a day.

    Raises:
        IngestError: rows are wider than the headings, so that cells may have shifted.
    """
    reading = _Reading(section, format, where, delimiter)
    _assign_columns(reading)
    _split_totals(reading)
    match format.kind:
        case Kind.RECORDS:
            facts = _records(reading)
        case Kind.EVENTS:
            facts = _events(reading)
        case _:
            facts = _sums(reading)
    if stated and facts["start"].isna().all():
        facts["start"], facts["end"] = pd.Timestamp(stated.first), pd.Timestamp(stated.last)
    if format.channel:
        facts["channel"] = format.channel
    currency = _currency(reading, facts)
    measures = tuple(
        id for id in facts.columns if id in catalogue.measures() and facts[id].notna().any()
    )
    named = tuple(id for id in facts.columns if id in dimensions() and id not in PERSONAL)
    _check_plausible(reading, facts, measures)
    _tell_columns(reading)
    identity = ["record"] if "record" in facts else []
    return Mapped(
        facts[["start", "end", *named, *identity, *measures]].reset_index(drop=True),
        measures,
        named,
        len(reading.totals[0]) if reading.totals else 0,
        currency,
        tuple(reading.findings),
    )


# --- columns and rows


def _assign_columns(reading: _Reading) -> None:
    """Each measure and dimension to its column; columns that compete are told, never added."""
    wanted: dict[str, list[int]] = {}
    for position, column in enumerate(reading.section.headings):
        if column.name in reading.format.rates:
            reading.rates.append((reading.format.rates[column.name], position))
            continue
        target = reading.format.target(column.name)
        is_share = column.percent and target in catalogue.measures()  # Сеансы, %
        if target and not is_share:
            wanted.setdefault(target, []).append(position)
    for target, positions in wanted.items():
        names = {at: reading.section.headings[at] for at in positions}
        whole = [at for at in positions if not names[at].narrowed] or positions
        if target not in dimensions() and len(whole) > 1 and names[whole[0]].narrowed:
            listed = ", ".join(names[at].raw for at in positions)
            reading.find(Severity.WARNING, "columns_compete", columns=listed)
            continue
        taken = min(whole, key=lambda at: reading.format.rank(target, names[at].name))
        reading.columns[target] = taken
        for at in positions:
            if at != taken:
                told = {"column": names[at].raw, "kept": names[taken].raw}
                reading.find(Severity.WARNING, "column_twice", **told)


def _split_totals(reading: _Reading) -> None:
    """Rows of the width of the headings to `cells`, total rows to `totals`."""
    width = len(reading.section.headings)
    rows, extra, short = _squared(reading.section.rows, width)
    lines = reading.section.lines
    reading.cells = list(zip(*rows, strict=True)) if rows else [()] * width
    figured = {
        *(reading.columns[id] for id in reading.measures()),
        *(at for _, at in reading.rates),
    }
    described = [at for target, at in reading.columns.items() if target in dimensions()]
    labels = [at for at in range(width) if at not in figured]
    reading.mark = decimal_mark(
        [reading.cells[at] for at in range(width) if at not in described], reading.delimiter
    )
    found = total_rows(
        [reading.cells[at] for at in labels],
        [reading.cells[at] for at in described or labels[:1]],
        reading.column("date") if "date" in reading.columns else None,
        extra,
        lambda: _additive(reading),
    )
    is_row = np.ones(len(rows), dtype=bool)
    is_row[found.totals] = False
    if ragged := [row for row in extra if is_row[row]]:
        line = lines[ragged[0]]
        raise IngestError("ragged", where=reading.where, line=line, columns=width)
    if short and reading.delimiter:  # a workbook cuts empty cells at the end of every row
        reading.find(Severity.INFO, "short_rows", n=short)
    if found.alike:
        line = lines[found.alike[0]]
        reading.find(Severity.WARNING, "named_like_total", n=len(found.alike), line=line)
    if found.totals:
        reading.find(Severity.INFO, "totals_set_aside", n=len(found.totals))
        reading.totals = [[column[row] for row in found.totals] for column in reading.cells]
        reading.cells = [list(compress(column, is_row)) for column in reading.cells]
    reading.lines = list(compress(lines, is_row))


def _squared(
    rows: Sequence[Sequence[Cell]], width: int
) -> tuple[list[Sequence[Cell]], dict[int, Sequence[Cell]], int]:
    """Rows of one width, the filled cells beyond it by row, and how many rows were too short."""
    squared: list[Sequence[Cell]] = []
    extra: dict[int, Sequence[Cell]] = {}
    short = 0
    for number, row in enumerate(rows):
        if len(row) == width:
            squared.append(row)
            continue
        short += len(row) < width
        squared.append([*row[:width], *[None] * (width - len(row))])
        beyond = [cell for cell in row[width:] if not _blank(cell)]
        if beyond:
            extra[number] = beyond
    return squared, extra, short


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _additive(reading: _Reading) -> Values:
    """The measures that add up, total rows included, shape (rows, measures)."""
    read = [
        numbers(reading.column(id), reading.mark).values
        for id in reading.measures()
        if catalogue.measure(id).adds is Adds.SUM
    ]
    return np.column_stack(read) if read else np.empty((len(reading.cells[0]), 0))


# --- cells


def _figures(reading: _Reading, at: int, *, duration: bool = False) -> Numbers:
    """One column as numbers, with what could not be read told."""
    column, cells = reading.section.headings[at], reading.cells[at]
    read = (seconds if duration else numbers)(cells, reading.mark)
    if read.unclear:
        reading.find(Severity.WARNING, "thousands_unclear", column=column.raw)
        return Numbers(np.full(len(cells), np.nan))
    if read.unread:
        first = read.unread[0]
        reading.find(
            Severity.WARNING,
            "not_numbers",
            column=column.raw,
            n=len(read.unread),
            line=reading.lines[first],
            example=str(cells[first])[:40],
        )
    return read


def _amounts(reading: _Reading, target: str) -> Values:
    """The column of a measure (or of what a record counts) as figures, never percentages."""
    measure = catalogue.measures().get(target)
    duration = measure is not None and measure.unit is Unit.SECONDS
    read = _figures(reading, reading.columns[target], duration=duration)
    if read.percent:
        reading.find(Severity.WARNING, "percent_no_count", column=reading.heading(target).raw)
        return np.full(len(read.values), np.nan)
    if measure is None or measure.unit is Unit.MONEY:
        reading.coins |= read.currencies
    return read.values


def _frame(reading: _Reading) -> pd.DataFrame:
    """Days and text dimensions of the rows."""
    found = _days(reading)
    facts = pd.DataFrame({"start": found.first, "end": found.last})
    if found.ambiguous:
        reading.find(Severity.WARNING, "day_or_month_first", column=reading.heading("date").raw)
    for dimension in dimensions():
        if dimension in reading.columns and dimension not in _NO_TEXT:
            facts[dimension] = _texts(reading.column(dimension))
    if {"channel", "source", "medium", "source_medium"} & set(facts.columns):
        facts["channel"] = _channels(reading, facts)
    return facts


def _texts(cells: Column) -> pd.Series:
    return pd.Series(["" if cell is None else str(cell).strip() for cell in cells], dtype="str")


def _days(reading: _Reading) -> Days:
    """The days of each row: of a week or month that a column names by its first day, all of it."""
    if "date" not in reading.columns:
        never = np.full(len(reading.lines), np.datetime64("NaT"), "datetime64[us]")
        return Days(never, never)
    name = reading.heading("date").name
    title = stated_period(reading.section.title)
    start = title.first if title and name in _COUNTED_DAYS else None
    found = days(reading.column("date"), start=start)
    last = _last_days(found, name)
    if "date_end" in reading.columns:
        ends = days(reading.column("date_end")).last
        last = np.where(ends >= found.first, ends, np.datetime64("NaT"))
    first = np.where(np.isnat(last), last, found.first)
    return Days(first, last, found.unread, found.ambiguous)


def _last_days(found: Days, name: str) -> npt.NDArray[np.datetime64]:
    """The last days of rows in a column called `name`, where a week is told by its first day."""
    one_day = found.first == found.last
    if name in {"week", "неделя"}:
        return np.where(one_day, found.last + np.timedelta64(6, "D"), found.last)
    if name in {"month", "месяц"}:
        months = found.first.astype("datetime64[M]")
        ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
        return np.where(
            one_day & (months == found.first), ends.astype("datetime64[us]"), found.last
        )
    return found.last


def _channels(reading: _Reading, facts: pd.DataFrame) -> pd.Series:
    """The channel of each row: by the channel column, else by medium, else by source."""
    found = pd.Series("", index=facts.index, dtype="str")
    unknown: set[str] = set()
    for dimension in ("channel", "source_medium", "medium", "source"):
        if dimension in facts:
            raw = facts[dimension].where(found == "", "")
            named = {value: channel_of(value) or "" for value in raw.unique()}
            strange = {value for value in named if not named[value] and plain(value)}
            unknown |= strange
            if dimension == "channel":
                named |= {value: value for value in strange}
            found = found.where(found != "", raw.map(named).astype("str"))
    if unknown:
        listed = ", ".join(sorted(unknown)[:10])
        reading.find(Severity.INFO, "channels_unknown", n=len(unknown), values=listed)
    return found.replace("", "other")


# --- rows that hold sums


def _sums(reading: _Reading) -> pd.DataFrame:
    facts = _frame(reading)
    for target in reading.measures():
        facts[target] = _amounts(reading, target)
    for rate, position in reading.rates:
        if rate.measure not in facts and rate.times in facts:
            _add_rate(reading, facts, rate, position)
    for id, formula in reading.format.derived.items():
        if id not in facts and set(formula.names) <= set(facts.columns):
            facts[id] = formula.values({name: facts[name].to_numpy() for name in formula.names})
    for dimension, counted_again in reading.format.overlap.items():
        if dimension in facts and (lost := [id for id in counted_again if id in facts]):
            facts = facts.drop(columns=lost)
            named = ", ".join(reading.heading(id).raw for id in reading.measures() if id in lost)
            kind = reading.heading(dimension).raw
            reading.find(Severity.INFO, "rows_overlap", column=kind, measures=named)
    facts = _one_segment(reading, facts)
    _check_totals(reading, facts)
    for pick in reading.format.picks:
        if pick.column in facts and pick.counts in facts:
            for id, pattern in pick.matches.items():
                matched = facts[pick.column].str.fullmatch(pattern, na=False)
                if id not in facts and matched.any():
                    facts[id] = facts[pick.counts].where(matched)
    return _dated(reading, facts)


def _one_segment(reading: _Reading, facts: pd.DataFrame) -> pd.DataFrame:
    """Without what segments count twice: all users hold those of every other segment."""
    if "segment" not in facts or facts["segment"].nunique() < 2:
        return facts
    column = reading.heading("segment").raw
    everyone = [name for name in facts["segment"].unique() if plain(name) in _EVERYONE]
    if everyone:
        kept: pd.DataFrame = facts[facts["segment"] == everyone[0]]
        told = {"column": column, "kept": everyone[0], "n": len(facts) - len(kept)}
        reading.find(Severity.INFO, "one_segment_kept", **told)
        return kept
    reading.find(Severity.WARNING, "segments_overlap", column=column)
    return facts.drop(columns=[id for id in facts if id in catalogue.measures()])


def _dated(reading: _Reading, facts: pd.DataFrame) -> pd.DataFrame:
    """Without the rows whose day cannot be read, which are told; of a record, its first row."""
    if "date" not in reading.columns:
        return facts
    lost = facts["start"].isna()
    if lost.any():
        line = reading.lines[int(facts.index[lost][0])]
        reading.find(Severity.WARNING, "rows_without_day", n=int(lost.sum()), line=line)
    return facts[~lost]


def _add_rate(reading: _Reading, facts: pd.DataFrame, rate: Rate, position: int) -> None:
    """An average column times its weight: the sum it was made from."""
    column = reading.section.headings[position]
    read = _figures(reading, position, duration=rate.written is Written.DURATION)
    if rate.written in {Written.DURATION, Written.NUMBER}:
        facts[rate.measure] = read.values * facts[rate.times]
        return
    match _share_of(read, column, rate.written):
        case None:
            reading.find(Severity.WARNING, "share_unclear", column=column.raw)
        case Written.NUMBER:
            facts[rate.measure] = read.values
        case divisor:
            facts[rate.measure] = read.values / float(divisor) * facts[rate.times]


def _share_of(read: Numbers, column: Heading, written: Written) -> float | Written | None:
    """What 1 is divided by in a column of shares; ``NUMBER``: counts; ``None``: cannot be told."""
    known = read.values[~np.isnan(read.values)]
    if read.percent or not known.any():
        return 100.0
    within = bool((known <= 1).all())
    whole = bool((known == np.round(known)).all())
    if column.percent:  # a workbook keeps 15 % as 0.15, a text as 15
        return None if within else 100.0
    if written is Written.COUNT_OR_PERCENT and not within:
        return Written.NUMBER if whole else None
    if written is Written.FRACTION:
        return 1.0 if within else None
    return 1.0 if within and not whole else None


# --- rows that are records or events


def _records(reading: _Reading) -> pd.DataFrame:
    """One fact a record: the first cell that is filled in each column speaks for it."""
    frame = _frame(reading)
    frame["record"] = _texts(reading.column("record"))
    for column in {rule.sum for rule in reading.format.records if rule.sum}:
        if column in reading.columns:
            frame[column] = _amounts(reading, column)
    for column in {name for rule in reading.format.records for name in rule.where}:
        if column in reading.columns:
            frame[column] = _texts(reading.column(column)).str.casefold()
    described = [id for id in dimensions() if id in frame and id not in PERSONAL]
    texts = [id for id in frame.columns if frame[id].dtype == "str" and id != "record"]
    frame[texts] = frame[texts].replace("", None)
    named = _named(reading, frame, frame["record"] != "")
    numbered = named.assign(row=named.index)
    first = numbered.groupby("record", sort=False).first()
    result = first[["start", "end", *described]].copy()
    for rule in reading.format.records:
        columns = {*rule.where, *([rule.sum] if rule.sum else [])}
        if columns <= set(first.columns):
            counted = first[rule.sum].astype(float) if rule.sum else pd.Series(1.0, first.index)
            for column, allowed in rule.where.items():
                counted = counted.where(_holds(first[column], allowed), 0.0)
            result[rule.measure] = counted
    for dimension in described:
        result[dimension] = result[dimension].fillna("other" if dimension == "channel" else "")
    # Two shops may both have an order #1001; an order exported again keeps its number and its day.
    result["record"] = _identity(pd.MultiIndex.from_arrays([result.index, result["start"]]))
    return _dated(reading, result.set_index(first["row"])).reset_index(drop=True)


def _holds(column: pd.Series, allowed: frozenset[str]) -> pd.Series:
    """Whether one of the words of a cell, separated by commas, is allowed."""
    words = column.fillna("")
    held = {text: bool(allowed & {w.strip() for w in text.split(",")}) for text in words.unique()}
    return words.map(held).astype(bool)


def _named(reading: _Reading, frame: pd.DataFrame, has_id: pd.Series) -> pd.DataFrame:
    """Without the rows that belong to no record, which are told."""
    nameless = int((~has_id).sum())
    if nameless:
        reading.find(Severity.WARNING, "records_without_id", n=nameless)
    return frame[has_id]


def _identity(keys: pd.Index) -> npt.NDArray[np.uint64]:
    """A number per record, the same in every file that holds it; the id itself is not kept."""
    return np.asarray(pd.util.hash_pandas_object(keys, index=False))


def _events(reading: _Reading) -> pd.DataFrame:
    """One fact a session: which steps happened in it. Without session ids, a user's day is one."""
    facts = _dated(reading, _frame(reading))
    key = ["session"] if "session" in facts else ["user", "start"]
    facts = _named(reading, facts, facts[key[0]] != "")
    names = facts["event"].str.casefold()
    kept = {"start": "min", "end": "min"}
    kept |= dict.fromkeys([id for id in ("channel", "device") if id in facts], "first")
    for step, pattern in reading.format.steps.items():
        matched = {name: pattern.fullmatch(name) is not None for name in names.unique()}
        if any(matched.values()):
            facts = facts.assign(**{step: names.map(matched).astype(float)})
            kept[step] = "max"
    grouped = facts.groupby(key, sort=False)
    sessions = grouped.agg({id: how for id, how in kept.items() if id not in key})
    sessions["record"] = _identity(sessions.index)
    return sessions.reset_index()


# --- checks


def _check_totals(reading: _Reading, facts: pd.DataFrame) -> None:
    """Facts against the totals that the file prints."""
    if len(reading.lines) in _CUT_AT:
        reading.find(Severity.WARNING, "exactly_the_limit", n=len(reading.lines))
    if not reading.totals:
        return
    for target in reading.measures():
        if target not in facts or catalogue.measure(target).adds is Adds.NONE:
            continue
        at = reading.columns[target]
        nearby = reading.totals[max(at - 1, 0) : at + 2]  # Direct's last row may be shifted
        own = numbers(reading.totals[at], reading.mark).values
        shifted = [numbers(column, reading.mark).values for column in nearby]
        stated = np.concatenate([own, *shifted, [np.nansum(own)]])  # or subtotals of each day
        stated = stated[~np.isnan(stated)]
        summed = float(facts[target].sum())
        if stated.size and facts[target].notna().any() and not agrees(stated, summed):
            reading.find(
                Severity.WARNING,
                "rows_below_total" if summed < stated[0] else "rows_above_total",
                column=reading.heading(target).raw,
                rows=f"{summed:,.2f}",
                total=f"{stated[0]:,.2f}",
            )


def _check_plausible(reading: _Reading, facts: pd.DataFrame, measures: Sequence[str]) -> None:
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


def _tell_columns(reading: _Reading) -> None:
    if reading.format.evidence == "D" and reading.format.kind is Kind.SUMS:
        reading.find(Severity.INFO, "read_by_headings", columns=", ".join(reading.columns))
    used = {*reading.columns.values(), *(at for _, at in reading.rates)}
    unused = [c.raw for at, c in enumerate(reading.section.headings) if at not in used and c.raw]
    if unused:
        reading.find(Severity.INFO, "columns_not_used", columns=", ".join(unused)[:300])


def _currency(reading: _Reading, facts: pd.DataFrame) -> str | None:
    """The one currency of the money columns; where there are several, no money is kept."""
    money = [id for id in facts.columns if id in catalogue.measures() and _is_money(id)]
    if not money:
        return None
    codes = {reading.heading(id).currency for id in money if id in reading.columns} - {None}
    if "currency" in reading.columns:
        cells = {str(cell) for cell in set(reading.column("currency")) if not is_missing(cell)}
        codes |= {code for cell in cells if (code := currency_code(cell))}
    if any(str(code).endswith("D") for code in codes):
        reading.coins.discard("USD")  # $ is the sign of many dollars
    codes |= reading.coins
    if len(codes) > 1:
        listed = ", ".join(sorted(map(str, codes)))
        reading.find(Severity.ERROR, "several_currencies", currencies=listed)
        facts[money] = np.nan
    return codes.pop() if len(codes) == 1 else None


def _is_money(id: str) -> bool:
    return catalogue.measure(id).unit is Unit.MONEY
