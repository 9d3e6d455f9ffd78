"""Export files to facts: recognise, read, map, and report what is odd.

Nothing is guessed in silence. What cannot be read is an `IngestError`; what is odd is a finding;
rows out are records in, or a finding says which are not.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, IngestError, KpiError, Severity
from kpi_core.ingest.formats import Format, known_headings, recognise
from kpi_core.ingest.mapping import Mapped, map_section
from kpi_core.ingest.sections import Section, sections
from kpi_core.ingest.textfile import read_text
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.values import Cell
from kpi_core.ingest.workbook import Sheet, read_parquet, read_workbook
from kpi_core.model import Adds, Period, Unit

MAX_BYTES = 200 * 2**20
_LEAVES_NOTHING = frozenset({"segments_overlap", "rows_overlap"})  # they say why all is left out


@dataclass(frozen=True)
class Table:
    """One table of a file as facts.

    Attributes:
        source: the system that counted (ga4, metrika, direct, ...): sources are never mixed.
        facts: columns ``start`` and ``end`` (days, both included), dimensions, measures; one row
            a record of the table.
        measures: the measures it holds, by column.
        period: first and last day, by the rows or as the file states it.
        stated: whether the period is stated by the file and not only seen in its rows.
        sparse: a row is an order, an event or a mailing: a day without rows is a day without any.
    """

    format: str
    source: str
    title: str
    facts: pd.DataFrame = field(repr=False, hash=False, compare=False)
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    rows: int
    period: Period | None
    stated: bool
    sparse: bool
    currency: str | None

    def total(self, measure: str) -> float | None:
        """The sum over the table; ``None`` where a sum means nothing or no row has a figure."""
        column = self.facts[measure].dropna()
        if column.empty or (catalogue.measure(measure).adds is Adds.NONE and len(column) > 1):
            return None
        return float(column.sum())


@dataclass(frozen=True)
class Upload:
    """A file as read: what it is, its tables, and what is odd about it.

    `digest` is the SHA-256 of the bytes: the same file is known again whatever its name.
    """

    name: str
    digest: str
    size: int
    encoding: str | None
    tables: tuple[Table, ...]
    findings: tuple[Finding, ...]

    @property
    def format(self) -> str:
        """The format of its tables (of the first, should they differ)."""
        return self.tables[0].format


def read(name: str, data: bytes) -> Upload:
    """The file called `name` (a label, never a path) as tables of facts.

    Raises:
        IngestError: it is no table, or none of its tables holds a known measure and no finding
            says why; a fault of our own is one too, as the file's name helps to mend it.
    """
    label = PurePath(name.replace("\\", "/")).name or "file"
    try:
        return _read(label, data)
    except IngestError as failed:
        failed.where = failed.where or label
        raise
    except KpiError:
        raise
    except Exception as bug:
        raise IngestError("unreadable", where=label) from bug


@dataclass(frozen=True)
class _Opened:
    """The sheets of a file by name, and how its bytes were understood."""

    sheets: Sequence[tuple[str, Sequence[Sequence[Cell]]]]
    encoding: str | None = None
    delimiter: str | None = None
    findings: tuple[Finding, ...] = ()


def _read(label: str, data: bytes) -> Upload:
    if len(data) > MAX_BYTES:
        raise IngestError("file_too_large", megabytes=MAX_BYTES >> 20)
    opened = _open(label, data)
    findings = list(opened.findings)
    tables: list[Table] = []
    seen: list[str] = []
    for sheet_name, rows in opened.sheets:
        where = f"{label} › {sheet_name}" if len(opened.sheets) > 1 else label
        for section in sections(rows, known_headings()):
            seen += [column.raw for column in section.headings if column.raw]
            if format := recognise(section):
                stated = stated_period([*section.title, sheet_name, label])
                mapped = map_section(section, format, where, opened.delimiter, stated)
                findings += mapped.findings
                tables.append(_table(section, format, mapped, stated))
            else:
                findings.append(_unknown(section, where))
    overlap = any(finding.code in _LEAVES_NOTHING for finding in findings)
    if not overlap and not any(table.measures for table in tables):
        code = "no_figures" if tables else "unknown_layout" if seen else "no_headings"
        raise IngestError(code, columns=", ".join(seen)[:300])
    digest = hashlib.sha256(data).hexdigest()
    return Upload(label, digest, len(data), opened.encoding, tuple(tables), tuple(findings))


def _open(label: str, data: bytes) -> _Opened:
    """The sheets of a file by what its bytes are, whatever its name says."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        sheets = read_workbook(data)
        odd = tuple(finding for sheet in sheets for finding in _unread_cells(sheet, label))
        return _Opened([(sheet.name, sheet.rows) for sheet in sheets], findings=odd)
    if data.startswith(b"PAR1") or (data.startswith(b"PARE") and data.endswith(b"PARE")):
        return _Opened([("", read_parquet(data).rows)])
    text = read_text(data, known_headings())
    told = Finding(Severity.INFO, "encoding_guessed", label, {"encoding": text.encoding})
    guessed = (told,) if text.guessed else ()
    return _Opened([("", text.rows)], text.encoding, text.delimiter, guessed)


def _unread_cells(sheet: Sheet, label: str) -> list[Finding]:
    where = f"{label} › {sheet.name}"
    counted = {
        "formulas_without_value": sheet.formulas_without_value,
        "error_cells": sheet.error_cells,
    }
    return [Finding(Severity.WARNING, code, where, {"n": n}) for code, n in counted.items() if n]


def _unknown(section: Section, where: str) -> Finding:
    columns = ", ".join(column.raw for column in section.headings)[:200]
    return Finding(Severity.INFO, "section_left_out", where, {"columns": columns})


def _table(section: Section, format: Format, mapped: Mapped, stated: Period | None) -> Table:
    seen = mapped.facts[["start", "end"]].dropna()
    period = stated
    if not seen.empty:
        by_rows = Period(seen["start"].min().date(), seen["end"].max().date())
        period = stated if stated and stated.holds(by_rows) else by_rows
    money = any(catalogue.measure(id).unit is Unit.MONEY for id in mapped.measures)
    return Table(
        format=format.id,
        source=format.source,
        title=" ".join(line.strip("# -") for line in section.title).strip()[:200],
        facts=mapped.facts,
        measures=mapped.measures,
        dimensions=mapped.dimensions,
        rows=len(section.rows) - mapped.totals,
        period=period,
        stated=period is not None and period == stated,
        sparse=format.sparse,
        currency=(mapped.currency or format.currency) if money else None,
    )
