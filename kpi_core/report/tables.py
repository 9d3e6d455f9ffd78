"""The figures as tables for other programs: KPI values in long form, and the facts behind them.

CSV is comma separated, figures with a point, UTF-8 with a mark that spreadsheets look for; every
text is harmless there. Parquet holds the same columns, figures as 64-bit floats, texts as they are.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kpi_core import catalogue
from kpi_core.facts import DIMENSION_SLICES, Facts
from kpi_core.kpis import KpiValue
from kpi_core.model import Period, Unit
from kpi_core.report.content import Report
from kpi_core.text import harmless
from kpi_core.trend import Point, Trend

DIGITS = Context(prec=28)  # of a figure that never ends; 17 tell every float apart
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in an archive: the same report, the same bytes

Cell = str | date | Fraction | float | None


@dataclass(frozen=True)
class Table:
    """Rows under columns: texts, days and figures; ``None`` is an empty cell.

    Attributes:
        columns: name to what its cells are: ``str``, ``date`` or ``float`` for any figure.
    """

    columns: dict[str, type]
    rows: tuple[tuple[Cell, ...], ...]

    def first(self, rows: int) -> "Table":
        """The same columns with no more rows than these."""
        return Table(self.columns, self.rows[:rows])


VALUES: dict[str, type] = {
    "kpi": str, "name": str, "start": date, "end": date, "by": str, "slice": str, "value": float,
    "low": float, "high": float, "unit": str, "currency": str, "variant": str, "sources": str,
    "missing": str,
}  # fmt: skip
BY, VALUE = (list(VALUES).index(name) for name in ("by", "value"))
ABOUT: dict[str, type] = {
    "source": str, "level": str, "start": date, "end": date, "currency": str, "vat": str,
}  # fmt: skip


def values(report: Report) -> Table:
    """Every KPI value of a report: in total, and by month and channel where those were asked for.

    A month without a figure has no row, nor one that the files do not hold to its end.
    """
    rows = [_value(report, own, report.period) for own in report.values.totals().values()]
    if cut := report.channels:
        rows += [
            _value(report, own, cut.period, cut.by)
            for part in cut.parts
            for own in part.values.values()
        ]
    rows += [
        _month(report, own, point) for own in report.trend for point in own.points if point.whole
    ]
    return Table(VALUES, tuple(row for row in rows if row[VALUE] is not None or not row[BY]))


def _month(report: Report, own: Trend, point: Point) -> tuple[Cell, ...]:
    """A month by the definition of the whole; whose figures it is made of is not told."""
    whole = report.values.total(own.kpi.id)
    made = replace(whole, slice=point.slice, low=None, high=None, inputs={}, missing=())
    row = _value(report, made, point.period, own.by)
    return *row[:VALUE], point.value, *row[VALUE + 1 :]


def _value(report: Report, own: KpiValue, period: Period | None, by: str = "") -> tuple[Cell, ...]:
    sources = dict.fromkeys(name for given in own.inputs.values() for name in given.sources)
    return (
        own.kpi,
        own.definition.name[report.lang],
        period.first if period else None,
        period.last if period else None,
        by,
        own.slice,
        own.value,
        own.low,
        own.high,
        str(own.unit),
        own.currency or "",
        own.variant,
        ", ".join(sources),
        ", ".join(own.missing),
    )


def facts_table(facts: Facts) -> Table:
    """All that the files say, a row for each day, slice and currency of a source.

    Rows of one source at different levels (``level``: the dimensions by which it is cut) tell of
    the same, and are never added.
    """
    sliced = [id for id in DIMENSION_SLICES if any(id in own.dimensions for own in facts.streams)]
    told = [id for id in catalogue.measures() if any(id in own.measures for own in facts.streams)]
    columns = ABOUT | dict.fromkeys(sliced, str) | dict.fromkeys(told, float)
    rows: list[tuple[Cell, ...]] = []
    for stream in facts.streams:
        held = stream.frame.assign(source=stream.source, level=", ".join(stream.dimensions))
        held = held.reindex(columns=list(columns))
        cells = [_cells(held[name], kind) for name, kind in columns.items()]
        rows += zip(*cells, strict=True)
    return Table(columns, tuple(rows))


SCENARIOS: dict[str, type] = {
    "scenario": str, "figure": str, "name": str, "value": float, "unit": str, "currency": str,
    "levers": str,
}  # fmt: skip


def scenarios_table(report: Report) -> Table:
    """The results of the base (``scenario`` is empty) and of each scenario, a row for each."""
    made = report.scenarios
    if made is None:
        return Table(SCENARIOS, ())
    moved = ["", *(", ".join(f"{id}={to}" for id, to in own.levers.items()) for own in made.made)]
    names = ("", *made.names[1:])
    return Table(
        SCENARIOS,
        tuple(
            (
                names[at], row.id, row.name, value, str(row.unit),
                report.plan.currency if row.unit is Unit.MONEY else "", moved[at],
            )
            for row in made.rows
            for at, value in enumerate(row.figures)
        ),
    )  # fmt: skip


TABLES: Mapping[str, Callable[[Report], Table]] = {
    "kpis": values,
    "facts": lambda report: facts_table(report.facts),
    "scenarios": scenarios_table,
}


def tables(report: Report) -> dict[str, Table]:
    """Name to table of everything that a report has as tables."""
    return {name: made for name, make in TABLES.items() if (made := make(report)).rows}


def _cells(column: "pd.Series[Any]", kind: type) -> list[Cell]:
    if kind is date:
        return [day.date() for day in pd.to_datetime(column)]
    if kind is float:
        return [None if pd.isna(cell) else float(cell) for cell in column]
    return ["" if pd.isna(cell) else str(cell) for cell in column]


# --- the files


def as_csv(table: Table) -> bytes:
    """A table as CSV."""
    text = io.StringIO()
    made = csv.writer(text, lineterminator="\r\n")
    made.writerow(table.columns)
    made.writerows([_written(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _written(cell: Cell) -> str:
    """A cell in letters; figures with every digit they have, up to 28."""
    match cell:
        case None:
            return ""
        case Fraction():
            figure = DIGITS.divide(Decimal(cell.numerator), Decimal(cell.denominator))
            return f"{figure:f}"
        case float():
            return f"{Decimal(repr(cell)):f}"
        case date():
            return cell.isoformat()
        case str():
            return harmless(cell)


def as_parquet(table: Table) -> bytes:
    """A table as Parquet."""
    data = io.BytesIO()
    pq.write_table(as_arrow(table), data)
    return data.getvalue()


def as_arrow(table: Table) -> pa.Table:
    """A table in memory, as it stands in Parquet."""
    kinds = {str: pa.string(), date: pa.date32(), float: pa.float64()}
    columns = zip(*table.rows, strict=True) if table.rows else ((),) * len(table.columns)
    arrays = [
        pa.array([_plain(cell) for cell in column], kinds[kind])
        for column, kind in zip(columns, table.columns.values(), strict=True)
    ]
    return pa.table(arrays, names=list(table.columns))


def _plain(cell: Cell) -> str | date | float | None:
    if isinstance(cell, str):
        return cell.encode("utf-8", "replace").decode()
    return float(cell) if isinstance(cell, Fraction) else cell


def write_csv(report: Report, kind: str) -> bytes:
    """One of the `TABLES` of a report as CSV."""
    return as_csv(TABLES[kind](report))


def write_parquet(report: Report, kind: str) -> bytes:
    """One of the `TABLES` of a report as Parquet."""
    return as_parquet(TABLES[kind](report))


def archive(report: Report) -> bytes:
    """All `tables` of a report, each as CSV and as Parquet, in one ZIP."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        for name, table in tables(report).items():
            for suffix, write in (("csv", as_csv), ("parquet", as_parquet)):
                entry = zipfile.ZipInfo(f"{name}.{suffix}", EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(entry, write(table))
    return data.getvalue()
