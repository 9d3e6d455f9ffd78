"""Large tidy tables: the head tells what they are, and their records are added up elsewhere.

Those of a file by `bulk`, in a process of its own; those of a table `Elsewhere` where it lies.

A file is tidy if it is one table whose columns are keys and figures. The sums that come back are
mapped by the same code as the rows of a small file, and so are the different rows of an event log;
what cannot be added up by columns alone (an average, text within text, an order told once for each
of its goods) is not tidy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import IngestError, Severity
from kpi_core.ingest.bulk import (
    Day,
    Dialect,
    First,
    Key,
    Reduced,
    Source,
    Sum,
    Use,
    parquet_head,
    reduce_parquet,
    reduce_text,
)
from kpi_core.ingest.formats import Format, Kind, Value, dimensions, known_headings, recognise
from kpi_core.ingest.headings import heading
from kpi_core.ingest.logs import asked, large_events, summed
from kpi_core.ingest.mapping import Mapped, checked, map_section, tell_columns
from kpi_core.ingest.privacy import listed
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.sections import Section, sections
from kpi_core.ingest.textfile import has_sep_line, read_text
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.values import Cell, decimal_mark
from kpi_core.ingest.work import counts_tasks, kind_columns
from kpi_core.ingest.workbook import PARQUET
from kpi_core.model import Adds, Period, Unit

HEAD_BYTES = 256 * 2**10
_NEVER_BY_COLUMNS = ("wide", "titles", "parts", "nested", "tree", "buckets", "footer")


class Elsewhere(Protocol):
    """A table that another system keeps, and adds up there."""

    def head(self) -> tuple[Sequence[str], list[list[str | int | float | None]]]:
        """The names of its columns and some of its records; days as texts."""

    def reduced(self, headings: Sequence[str], uses: Sequence[Use]) -> Reduced:
        """All of its records, joined by their keys, as `bulk.reduce_parquet` gives them.

        Raises:
            IngestError: not every record can be added.
        """


@dataclass(frozen=True)
class Large:
    """A large file as facts, and how its bytes were understood.

    `guessed` says that the encoding is a best guess.
    """

    format: Format
    section: Section
    mapped: Mapped
    records: int
    stated: Period | None
    encoding: str | None
    guessed: bool


def read_large(label: str, source: Source | Elsewhere, layouts: Sequence[Format]) -> Large:
    """The one table of a large delimited text, of Parquet, or one that lies elsewhere.

    Raises:
        IngestError: it is not tidy, or not every record of it can be proven.
    """
    head = Head.of(source, known_headings(layouts))
    format = recognise(head.section, layouts)
    if format is None:
        columns = listed(column.raw for column in head.section.headings)
        raise IngestError("unknown_layout", columns=columns)
    first = Reading(head.section, format, label, head.delimiter)
    uses = _uses(first)
    stated = stated_period([*head.section.title, label])
    raw = [column.raw for column in head.section.headings]
    if not isinstance(source, bytes | Path | tuple):
        if uses is None or format.kind is Kind.EVENTS:
            raise IngestError("place_untidy", what=format.name)
        reduced = source.reduced(raw, list(uses.values()))
        section, mapped = _mapped_sums(first, uses, reduced, stated)
        return Large(format, section, mapped, reduced.records, stated, None, guessed=False)
    if uses is None:
        raise IngestError("large_untidy", what=format.name)
    if head.dialect:
        reduced = reduce_text(source, head.dialect, list(uses.values()))
    else:
        reduced = reduce_parquet(source, raw, list(uses.values()))
    if format.kind is Kind.EVENTS:
        section, mapped = _mapped_log(source, head, first, reduced, stated)
    else:
        section, mapped = _mapped_sums(first, uses, reduced, stated)
    encoding = head.dialect.encoding if head.dialect else None
    return Large(format, section, mapped, reduced.records, stated, encoding, head.guessed)


def _mapped_sums(
    first: Reading, uses: dict[str, Use], reduced: Reduced, stated: Period | None
) -> tuple[Section, Mapped]:
    """What the sums mean, by the rules for the rows of a small file."""
    section = _narrowed(first.section, uses, reduced)
    mapped = map_section(section, first.format, first.where, None, stated)
    tell_columns(first)
    _tell_figures(first, uses, reduced)
    told = [finding for finding in first.findings if finding.code in _OF_FILE]
    return section, replace(mapped, findings=(*mapped.findings, *told))


# What is told of the columns of a file or of all its records; the rest is told of the sums.
_OF_FILE = frozenset(
    {"columns_not_used", "money_not_used", "personal_dropped", "column_twice", "columns_compete",
     "not_numbers_large", "percent_no_count", "thousands_unclear"}
)  # fmt: skip


@dataclass(frozen=True)
class Head:
    """The table as far as the first records show it; a Parquet file has no dialect."""

    section: Section
    dialect: Dialect | None
    guessed: bool = False

    @property
    def delimiter(self) -> str | None:
        """Between its cells."""
        return self.dialect.delimiter if self.dialect else None

    @classmethod
    def of(cls, source: Source | Elsewhere, known: frozenset[str]) -> "Head":
        """The head of a delimited text, of Parquet, or of a table elsewhere.

        Raises:
            IngestError: it is not one table.
        """
        if not isinstance(source, bytes | Path | tuple):
            return cls._of_records(*source.head(), known)
        beginning = _first_bytes(source)
        if beginning.startswith(PARQUET):
            return cls._of_records(*parquet_head(source), known)
        is_whole = len(beginning) < HEAD_BYTES
        data = beginning if is_whole else _whole_lines(beginning)
        text = read_text(data, known)
        found = sections(text.rows, known)
        if len(found) != 1 or not found[0].rows:
            raise IngestError("large_untidy", what="")
        section = found[0]
        named = next(
            row for row in reversed(text.rows[: section.lines[0] - 1]) if _names(row, section)
        )
        dialect = Dialect(
            text.encoding, text.delimiter, tuple(named), section.lines[0] - 1 + has_sep_line(data)
        )
        return cls(section, dialect, text.guessed)

    @classmethod
    def _of_records(
        cls, names: Sequence[str], rows: Sequence[Sequence[Cell]], known: frozenset[str]
    ) -> "Head":
        found = sections([list(names), *rows], known)
        if len(found) != 1 or not found[0].rows or len(found[0].headings) < len(names):
            raise IngestError("large_untidy", what="")
        return cls(found[0], None)


def _names(row: Sequence[str], section: Section) -> bool:
    return [heading(cell).raw for cell in row if cell] == [c.raw for c in section.headings if c.raw]


def _first_bytes(source: Source) -> bytes:
    if isinstance(source, bytes):
        return source[:HEAD_BYTES]
    with (source if isinstance(source, Path) else source[0]).open("rb") as file:
        return file.read(HEAD_BYTES)


def _whole_lines(data: bytes) -> bytes:
    """The beginning of a file up to the last line end that no quotes enclose."""
    end = b"\n\0" if data.startswith(b"\xff\xfe") else b"\n"
    cut, quotes = len(data), data.count(b'"')
    while True:
        before = data.rfind(end, 0, cut)
        if before <= 0:
            return data
        quotes -= data.count(b'"', before, cut)
        if quotes % 2 == 0:
            return data[: before + len(end)]
        cut = before


def _uses(first: Reading) -> dict[str, Use] | None:
    """Meaning of a column to how it is reduced; ``None`` if columns alone are not enough."""
    format = first.format
    cell_by_cell = {*format.lists, *format.clocks, *format.only} & set(first.columns)
    if any(getattr(format, name) for name in _NEVER_BY_COLUMNS):
        return None
    if first.planned or first.rates or cell_by_cell:
        return None
    match format.kind:
        case Kind.SUMS:
            return _uses_of_sums(first)
        case Kind.RECORDS if "record" in first.columns:
            return _uses_of_records(first)
        case Kind.EVENTS if not format.inside and "date" in first.columns:
            return _uses_of_log(first)
    return None


def _uses_of_sums(first: Reading) -> dict[str, Use]:
    counted = {pick.counts for pick in first.format.pick}
    return {
        target: _sum(first, at)
        if target in catalogue.measures() or target in counted
        else Day(at)
        if target in {"date", "date_end"}
        else Key(at)
        for target, at in first.columns.items()
    }


def _uses_of_records(first: Reading) -> dict[str, Use] | None:
    rules = first.format.records.values()
    over_all = {
        name for rule in rules if rule.sum and rule.rows == "all" for name in rule.sum.names
    }
    by_first = {
        name for rule in rules if rule.sum and rule.rows == "first" for name in rule.sum.names
    }
    products = any(rule.sum and rule.rows == "all" and len(rule.sum.names) > 1 for rule in rules)
    if products or over_all & by_first or first.format.one_sum:
        return None
    wanted = {"record", *dimensions(), *over_all, *by_first, "customer"}
    wanted |= {name for kept in first.format.keep.values() for name in kept.of}
    wanted |= {name for rule in rules for name in (*rule.where, *rule.unless, *rule.known)}
    # Text within text comes whole, and is taken apart when the records are mapped.
    whole: dict[str, Use] = {
        column.full: First(at)
        for at, column in enumerate(first.section.headings)
        if {column.full, column.name} & set(first.format.inside)
    }
    made = {heading(raw).full for parts in first.format.inside.values() for raw in parts}
    # By place: several columns of labels have one name.
    kinds: dict[str, Use] = {
        f"kind {at}": First(at)
        for at in (kind_columns(first.section) if counts_tasks(first.format.records) else ())
    }
    return (
        whole
        | kinds
        | {
            target: _sum(first, at)
            if target in over_all
            else Key(at)
            if target == "record"
            else First(at)
            for target, at in first.columns.items()
            if target in wanted and not (whole and first.section.headings[at].full in made)
        }
    )


def _uses_of_log(first: Reading) -> dict[str, Use] | None:
    """What makes the rows of a log different, its ids aside, and the figures to be added."""
    values = asked(first).values()
    figures = {name for value in values for name in summed(value)}
    if not all(map(_adds_by_columns, values)) or len({value.once for value in values} - {None}) > 1:
        return None
    for name in figures:
        measure, column = catalogue.measures().get(name), first.heading(name)
        of_money = measure is None or measure.unit is Unit.MONEY
        micros = {column.name, column.full} & first.format.micros
        if not of_money or micros or column.scale != 1 or first.scales_above:
            return None
    return {
        target: _sum(first, at)
        if target in figures
        else Day(at)
        if target in {"date", "date_end"}
        else Key(at)
        for target, at in first.columns.items()
        if target in figures | _OF_EVENTS
    }


_OF_EVENTS = frozenset(
    {"date", "date_end", "event", "channel", "source", "medium", "source_medium", "device",
     "campaign", "currency"}
)  # fmt: skip


def _adds_by_columns(value: Value) -> bool:
    """Whether the arithmetic may be done with the sum of one column (or its largest figure)."""
    if value.sum is None:
        return True
    tried = np.array([1.0, 0.0, 2.0, 0.5, -3.0, 1e6])
    found = value.sum.values(dict.fromkeys(value.sum.names, tried))
    alike = bool(np.allclose(found, tried * found[0], rtol=1e-12, atol=0))
    return len(value.sum.names) == 1 and alike and found[0] > 0


def different_rows(head: Head, first: Reading, reduced: Reduced) -> Reading:
    """The different rows of a log that was reduced to them, each with how often it stands there.

    Raises:
        IngestError: some are totals or a plan: which rows of the log they are is lost.
    """
    rows: list[Sequence[Cell]] = [*reduced.rows(len(head.section.headings))]
    section = replace(head.section, rows=rows, lines=[0] * len(rows))
    times = reduced.frame["n"].to_numpy(dtype=np.int64)
    reading = Reading(section, first.format, first.where, head.delimiter, times=times)
    if len(reading.lines) < len(rows):
        raise IngestError("large_untidy", what=first.format.name)
    return reading


def _mapped_log(
    source: Source, head: Head, first: Reading, reduced: Reduced, stated: Period | None
) -> tuple[Section, Mapped]:
    """The sessions of a log, of which `reduced` holds the different rows.

    Raises:
        IngestError: figures that are not plain; rows that are no events.
    """
    for place, judged in reduced.judged.items():
        column = first.section.headings[reduced.uses[place].at].raw
        raise IngestError("figures_not_plain", column=column, example=judged.example or "")
    reading = different_rows(head, first, reduced)
    facts = large_events(reading, source, head.dialect, reduced)
    first.frame()  # of columns that were not asked for, the head tells whether they are of people
    spare = {first.heading(target).raw for target in set(first.columns) - _OF_EVENTS}
    reading.personal += [raw for raw in first.personal if raw in spare - set(reading.personal)]
    return reading.section, checked(reading, facts, stated)


def _sum(first: Reading, at: int) -> Sum:
    return Sum(at, decimal_mark([first.cells[at]], None))


def _narrowed(section: Section, uses: dict[str, Use], reduced: Reduced) -> Section:
    """The reduced rows under the headings of the columns that were asked for."""
    columns = []
    headings = []
    alone = reduced.frame["n"].to_numpy() == 1
    for place, (target, use) in enumerate(uses.items()):
        cells = reduced.frame[place].astype(object)
        measure = catalogue.measures().get(target)
        if measure and measure.adds is not Adds.SUM:  # people of two rows do not add
            cells = cells.where(alone)
        column = section.headings[use.at]
        judged = reduced.judged.get(place)
        if judged and judged.percent:
            cells = pd.Series([None] * len(cells), dtype=object)  # shares are no counts
        if judged and len(judged.currencies) == 1:
            column = replace(column, currency=next(iter(judged.currencies)))
        columns.append(cells.where(cells.notna(), None).tolist())
        headings.append(column)
    rows: list[Sequence[Cell]] = [list(row) for row in zip(*columns, strict=True)]
    return replace(section, headings=headings, rows=rows, lines=[0] * len(rows))


def _tell_figures(first: Reading, uses: dict[str, Use], reduced: Reduced) -> None:
    """What could not be read as a figure, told of all the records of the file."""
    for place, judged in reduced.judged.items():
        column = first.section.headings[list(uses.values())[place].at].raw
        if judged.percent:
            first.find(Severity.WARNING, "percent_no_count", column=column)
        if judged.unclear:
            first.find(Severity.WARNING, "thousands_unclear", column=column)
        if judged.unread:
            told = {"n": judged.unread, "example": judged.example or ""}
            first.find(Severity.WARNING, "not_numbers_large", column=column, **told)
