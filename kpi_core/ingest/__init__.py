"""Export files to facts: recognise, read, map, and report what is odd.

Nothing is guessed in silence. What cannot be read is an `IngestError`; what is odd is a finding;
rows out are records in, or a finding says which are not.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, IngestError, KpiError, Severity
from kpi_core.ingest import privacy
from kpi_core.ingest.bulk import Source
from kpi_core.ingest.formats import Format, Kind, known_headings, recognise
from kpi_core.ingest.headings import plain
from kpi_core.ingest.large import Elsewhere, Large, read_large
from kpi_core.ingest.mapping import Mapped, map_section
from kpi_core.ingest.opening import Grid, Opened, is_text, opened
from kpi_core.ingest.sections import Section, sections
from kpi_core.ingest.textfile import MAX_BYTES as MAX_TEXT
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.workbook import PARQUET
from kpi_core.limits import LIMITS
from kpi_core.model import Adds, Period, Unit, Vat

MAX_BYTES = LIMITS.file_megabytes << 20
_NO_CAUSES = frozenset({"period_unknown", "column_twice"})  # they take no figure away
_NOTHING_TAKEN = frozenset({"columns_compete"})  # no column was understood at all
LARGE_PARQUET = 2 * 2**20  # packed ten times as hard
LARGE_BYTES = 8 * 2**20  # of a text: from here on its records are added up elsewhere, if it is tidy
_NOTHING = frozenset({"no data available", "no data", "no data to display", "нет данных"})


@dataclass(frozen=True)
class Table:
    """One table of a file as facts.

    Attributes:
        source: the system that counted (ga4, metrika, direct, ...): sources are never mixed.
        facts: columns ``start`` and ``end`` (days, both included), dimensions, measures; one row
            a record of the table. Of money of several currencies also ``currency``.
        measures: the measures it holds, by column.
        period: first and last day, by the rows or as the file states it.
        stated: whether the period is stated by the file and not only seen in its rows.
        sparse: a row is an order, an event or a mailing: a day without rows is a day without any.
        currency: of all its money; none where it does not say, or where rows name their own.
        control: measure to the total that the file itself states, or that was counted over all of
            it and does not add up from its rows (people).
        vat: whether its money includes value added tax, where the file says so.
        where: its file, and its sheet where there are several.
        added: where a row is a session of a log: the measures that its events add up to, so that
            a session of which two files hold a part each can be put together; else nothing.
    """

    format: str
    source: str
    facts: pd.DataFrame = field(repr=False, hash=False, compare=False)
    measures: tuple[str, ...]
    dimensions: tuple[str, ...]
    rows: int
    period: Period | None
    stated: bool
    sparse: bool
    currency: str | None
    control: Mapping[str, float] = field(default_factory=dict, hash=False)
    vat: Vat | None = None
    where: str = ""
    added: tuple[str, ...] | None = None

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those of its money, as far as it names them."""
        if "currency" in self.facts:
            return tuple(sorted(self.facts["currency"].unique()))
        return (self.currency,) if self.currency else ()

    def by_currency(self, measure: str) -> dict[str, float]:
        """The sums of money of several currencies, as far as there is any; else empty."""
        if "currency" not in self.facts or catalogue.measure(measure).unit is not Unit.MONEY:
            return {}
        sums = self.facts.groupby("currency")[measure].sum(min_count=1).dropna()
        return {str(code): float(figure) for code, figure in sums.items() if figure}

    def total(self, measure: str) -> float | None:
        """The sum over the table; ``None`` where a sum means nothing or no row has a figure."""
        if self.by_currency(measure):
            return None
        column = self.facts[measure].dropna()
        if column.empty or (catalogue.measure(measure).adds is not Adds.SUM and len(column) > 1):
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


def read(name: str, data: bytes, layouts: Sequence[Format] = ()) -> Upload:
    """The file called `name` (a label, never a path) as tables of facts.

    Args:
        name: its name; only a label, but some exports state their period there.
        data: its bytes.
        layouts: those that the user taught; they come before the built-in formats.

    Raises:
        IngestError: it is no table, or none of its tables holds a known measure and no finding
            says why; a fault of our own is one too, as the file's name helps to mend it.
    """
    label = PurePath(name.replace("\\", "/")).name or "file"
    try:
        return _read(label, data, layouts)
    except IngestError as failed:
        failed.where = failed.where or label
        failed.values = privacy.told(failed.values)
        raise
    except KpiError:
        raise
    except Exception as bug:
        raise IngestError("unreadable", where=label) from bug


def _read(label: str, data: bytes, layouts: Sequence[Format]) -> Upload:
    if len(data) > MAX_BYTES:
        raise IngestError("file_too_large", megabytes=MAX_BYTES >> 20)
    if _is_large(data):
        try:
            return _uploaded(label, data, read_large(label, data, layouts))
        except IngestError:  # the ordinary way may still read it, or say better why not
            if is_text(data) and len(data) > MAX_TEXT:
                raise
    known = known_headings(layouts)
    file = opened(label, data, known)
    findings = [replace(each, values=privacy.told(each.values)) for each in file.findings]
    found = [(sheet, section) for sheet in file.sheets for section in sections(sheet.rows, known)]
    recognised = [(sheet, section, recognise(section, layouts)) for sheet, section in found]
    aside = _said_aside(file, [sheet for sheet, _, format in recognised if format])
    tables: list[Table] = []
    told_of: list[Finding] = []  # the tables
    for sheet, section, format in recognised:
        name = privacy.shown_heading(sheet.name)
        where = f"{label} › {name}" if len(file.sheets) > 1 else label
        if format is None:
            findings.append(_unknown(section, where))
        elif format.kind is Kind.REFUSED:
            if all(other is None or other.kind is Kind.REFUSED for _, _, other in recognised):
                raise IngestError("known_without_figures", where=where, what=format.name)
            told: dict[str, object] = {"what": format.name}
            findings.append(Finding(Severity.INFO, "sheet_set_aside", where, told))
        else:
            stated = stated_period([*section.title, sheet.name, label, *aside])
            mapped = map_section(section, format, where, sheet.delimiter, stated, aside=aside)
            findings += mapped.findings
            told_of += mapped.findings
            tables.append(replace(_table(section, format, mapped, stated), where=where))
    for sheet in file.sheets:
        if sheet.rows and not any(sheet is other for other, _ in found):
            where = f"{label} › {privacy.shown_heading(sheet.name)}"
            findings.append(Finding(Severity.INFO, "sheet_without_headings", where))
    if not any(table.measures for table in tables):
        seen = [column.raw for _, section in found for column in section.headings if column.raw]
        _refuse_unless_told(file, seen, tables, told_of)
    digest = hashlib.sha256(data).hexdigest()
    return Upload(label, digest, len(data), file.encoding, tuple(tables), tuple(findings))


def _is_large(data: bytes) -> bool:
    if data.startswith(PARQUET):
        return len(data) > LARGE_PARQUET
    return len(data) > LARGE_BYTES and is_text(data)


def read_path(path: Path, layouts: Sequence[Format] = ()) -> Upload:
    """A local file that its owner names; a text may be of any size.

    Raises:
        IngestError: as `read`.
    """
    size = path.stat().st_size
    if size <= MAX_BYTES:
        return read(path.name, path.read_bytes(), layouts)
    return read_whole(path.name, path, layouts)


def read_whole(
    label: str, source: Path | tuple[Path, ...] | Elsewhere, layouts: Sequence[Format] = ()
) -> Upload:
    """One tidy table of any size: a file, the parts of one in Parquet, or a table elsewhere.

    Raises:
        IngestError: as `read`; or it is not tidy.
    """
    try:
        return _uploaded(label, source, read_large(label, source, layouts))
    except IngestError as failed:
        failed.where = failed.where or label
        failed.values = privacy.told(failed.values)
        raise


def _uploaded(label: str, source: Source | Elsewhere, large: Large) -> Upload:
    if not large.mapped.measures:
        columns = privacy.listed(column.raw for column in large.section.headings)
        raise IngestError("no_figures", columns=columns)
    table = _table(large.section, large.format, large.mapped, large.stated)
    table = replace(table, rows=large.records - large.mapped.totals)
    digest, size = _digested(source, table.facts)
    told = Finding(Severity.INFO, "encoding_guessed", label, {"encoding": large.encoding or ""})
    findings = (*((told,) if large.guessed else ()), *large.mapped.findings)
    return Upload(label, digest, size, large.encoding, (table,), findings)


def _digested(source: Source | Elsewhere, facts: pd.DataFrame) -> tuple[str, int]:
    """What a source is known by, and its size; of a table elsewhere only the facts are here."""
    if not isinstance(source, bytes | Path | tuple):
        source = facts.to_csv(index=False).encode()
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest(), len(source)
    digests, size = [], 0
    for path in source if isinstance(source, tuple) else (source,):
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        size += path.stat().st_size
    if len(digests) == 1:
        return digests[0], size
    return hashlib.sha256("".join(digests).encode()).hexdigest(), size


def _said_aside(file: Opened, tables: Sequence[Grid]) -> list[str]:
    """The lines of sheets that hold no table: there some exports state their period."""
    aside = [sheet for sheet in file.sheets if not any(sheet is table for table in tables)]
    rows = [row for sheet in aside for row in sheet.rows[:25]] if tables else []
    return [" ".join(str(cell) for cell in row if cell is not None) for row in rows]


def _says_that_it_is_empty(file: Opened) -> bool:
    """Whether a row says nothing but that there is nothing."""
    for sheet in file.sheets:
        for row in sheet.rows[:25]:
            said = [str(cell) for cell in row if cell is not None and str(cell).strip()]
            if len(said) == 1 and plain(said[0]) in _NOTHING:
                return True
    return False


def _refuse_unless_told(
    file: Opened, seen: Sequence[str], tables: Sequence[Table], told: Sequence[Finding]
) -> None:
    """Refuses a file without a figure, unless it has rows and a finding says why they are bare.

    Raises:
        IngestError: nothing is left; the gravest finding says why, if there is one.
    """
    if _says_that_it_is_empty(file):
        raise IngestError("empty_report")
    bare = not any(len(table.facts) for table in tables)
    if bare:  # days that cannot be read take every row, whatever else is odd
        told = sorted(told, key=lambda each: each.code != "rows_without_day")
    if why := _gravest(told):
        if why.code in _NOTHING_TAKEN or bare:
            raise IngestError("nothing_left", where=why.where, why=why)
        return
    code = "no_figures" if tables else "unknown_layout" if seen else "no_headings"
    raise IngestError(code, columns=privacy.listed(seen))


def _gravest(findings: Sequence[Finding]) -> Finding | None:
    """What takes most from the trust in the figures: why nothing may be left of them."""
    for severity in (Severity.ERROR, Severity.WARNING):
        for finding in findings:
            if finding.severity is severity and finding.code not in _NO_CAUSES:
                return finding
    return next((finding for finding in findings if finding.code == "rows_overlap"), None)


def _unknown(section: Section, where: str) -> Finding:
    columns = privacy.listed((column.raw for column in section.headings), 200)
    return Finding(Severity.INFO, "section_left_out", where, {"columns": columns})


def _table(section: Section, format: Format, mapped: Mapped, stated: Period | None) -> Table:
    seen = mapped.facts[["start", "end"]].dropna()
    period = stated
    if not seen.empty:
        by_rows = Period(seen["start"].min().date(), seen["end"].max().date())
        period = stated if stated and stated.holds(by_rows) else by_rows
    money = any(catalogue.measure(id).unit is Unit.MONEY for id in mapped.measures)
    apart = "currency" in mapped.facts
    return Table(
        format=format.id,
        source=format.source,
        facts=mapped.facts,
        measures=mapped.measures,
        dimensions=mapped.dimensions,
        rows=len(section.rows) - mapped.totals,
        period=period,
        stated=period is not None and period == stated,
        sparse=format.sparse,
        currency=(mapped.currency or format.currency) if money and not apart else None,
        control=mapped.control,
        vat=mapped.vat if money else None,
        added=_added(format) if format.kind is Kind.EVENTS else None,
    )


def _added(format: Format) -> tuple[str, ...]:
    return tuple(id for id, value in format.values.items() if value.how == "sum")
