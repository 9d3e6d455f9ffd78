"""The people who are paid: what of a plan's sums is theirs, and which of the days they worked."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError, model_validator

from kpi_core import catalogue
from kpi_core.errors import Finding, PlanError, Severity
from kpi_core.ingest.headings import plain
from kpi_core.ingest.opening import opened
from kpi_core.ingest.totals import TOTAL_LABEL
from kpi_core.ingest.values import Cell, days, decimal_mark, is_missing, numbers
from kpi_core.limits import LIMITS
from kpi_core.model import Period
from kpi_core.plan import PRINTED, invalid
from kpi_core.rules import Number, Part
from kpi_core.schemes import Money, Split
from kpi_core.text import exact, harmed, harmless, rounded
from kpi_core.workdays import working_days

MAX_PEOPLE = LIMITS.people
MAX_BYTES = 1000 * LIMITS.people_kilobytes
_SUMS = ("salary", "fund", "correction", "withheld")
Signed = Annotated[Decimal, Field(max_digits=15, decimal_places=2, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=200), PRINTED]


class Person(Part):
    """Somebody who is paid by a plan. A plan that changes within a period is two rows of one name.

    Attributes:
        plan: the name of the plan; empty for the one at hand.
        salary, fund: the person's own; ``None`` for those of the plan.
        first, last: hired and left; ``None`` for before and after the period.
        absent: working days missed.
        contribution, hours: what a team's fund is shared out by.
        correction: money of an earlier period; below 0 an overpayment that is taken back.
        reason: of the correction.
    """

    name: Annotated[str, Field(min_length=1, max_length=200), PRINTED]
    plan: Text = ""
    salary: Money | None = None
    fund: Money | None = None
    first: date | None = None
    last: date | None = None
    absent: Annotated[int, Field(ge=0, le=366)] = 0
    contribution: Annotated[Number, Field(ge=0)] = Decimal(1)
    hours: Annotated[Number, Field(ge=0)] | None = None
    correction: Signed = Decimal(0)
    reason: Text = ""

    @model_validator(mode="after")
    def _left_after_hired(self) -> "Person":
        if self.first and self.last and self.last < self.first:
            raise PlanError("left_before_hired")
        return self

    def weight(self, split: Split, fixed: Decimal, share: Fraction) -> Fraction:
        """What a team's fund is shared out by.

        Args:
            split: which of the person's figures.
            fixed: the salary, if that is it.
            share: of the period that was worked; hours hold it already.

        Raises:
            PlanError: the hours are not told.
        """
        match split:
            case Split.CONTRIBUTION:
                return Fraction(self.contribution) * share
            case Split.SALARY:
                return Fraction(fixed) * share
            case Split.HOURS:
                if self.hours is None:
                    raise PlanError("hours_needed", where=self.name)
                return Fraction(self.hours)


@dataclass(frozen=True)
class Worked:
    """How many of the working days of a period were worked."""

    days: int
    of: int

    @property
    def share(self) -> Fraction:
        """The part of the period, 0 to 1."""
        return Fraction(self.days, self.of)


def worked(person: Person, period: Period | None) -> Worked | None:
    """What a person worked of a period; ``None`` for all of it.

    Working days are those of the production calendar.

    Raises:
        PlanError: the period is not known, or has no working day.
    """
    if person.first is None and person.last is None and not person.absent:
        return None
    if period is None:
        raise PlanError("days_of_no_period", where=person.name)
    country = catalogue.work().country
    of = working_days(country, period.first, period.last)
    if not of:
        raise PlanError("no_working_days", where=person.name, period=str(period))
    first = max(person.first or period.first, period.first)
    last = min(person.last or period.last, period.last)
    there = working_days(country, first, last)
    if person.absent > there:
        raise PlanError("absent_too_long", where=person.name, absent=person.absent, days=there)
    return Worked(there - person.absent, of)


# --- a table of people


@dataclass(frozen=True)
class PeopleTable:
    """The people of a table; `unread` are the headings of columns that mean nothing here."""

    people: tuple[Person, ...]
    unread: tuple[str, ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the table."""
        if not self.unread:
            return ()
        named: dict[str, object] = {"columns": ", ".join(self.unread)}
        return (Finding(Severity.WARNING, "people_columns_unread", values=named),)


def read_people(name: str, data: bytes) -> PeopleTable:
    """The people of a CSV or XLSX table, one row each; headings in Russian or English.

    Raises:
        IngestError: no file of tables.
        PlanError: it has no column of names, or a cell cannot be read; row and column are named.
    """
    if len(data) > MAX_BYTES:
        raise PlanError("plan_too_large", where=name, limit=MAX_BYTES // 1000)
    for grid in opened(name, data).sheets:
        for place, row in enumerate(grid.rows):
            if "name" in _fields(row).values():
                below = [row for row in grid.rows[place + 1 :] if not all(map(is_missing, row))]
                table = _Table(_columns(name, row), row, below, grid.delimiter)
                return PeopleTable(_people(name, table), table.unread())
    raise PlanError("people_without_names", where=name)


@dataclass(frozen=True)
class _Table:
    """The rows below the headings; `columns` is field to place."""

    columns: Mapping[str, int]
    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    delimiter: str | None

    def cells(self, field: str) -> list[Cell]:
        at = self.columns[field]
        return [row[at] if at < len(row) else None for row in self.rows]

    def unread(self) -> tuple[str, ...]:
        """The headings that name no field, of columns with something in them."""
        others = set(range(len(self.headings))) - set(self.columns.values())
        return tuple(
            str(self.headings[at]).strip()
            for at in sorted(others)
            if not is_missing(self.headings[at])
            and any(at < len(row) and not is_missing(row[at]) for row in self.rows)
        )

    def refused(self, field: str, row: int) -> PlanError:
        """What cannot be read, by its column and row (from 1, below the headings)."""
        heading = str(self.headings[self.columns[field]])
        cell = str(self.cells(field)[row])[:40]
        return PlanError("people_cell", column=heading, row=row + 1, cell=cell)


def _fields(row: Sequence[Cell]) -> dict[int, str]:
    """Place to the field that a heading names."""
    known = catalogue.people_headings()
    found = {at: known.get(plain(cell)) for at, cell in enumerate(row) if isinstance(cell, str)}
    return {at: field for at, field in found.items() if field}


def _columns(name: str, row: Sequence[Cell]) -> dict[str, int]:
    """Field to place."""
    found: dict[str, int] = {}
    for at, field in _fields(row).items():
        if field in found:
            first, second = str(row[found[field]]), str(row[at])
            raise PlanError("people_column_twice", where=name, first=first, second=second)
        found[field] = at
    return found


def _people(name: str, table: _Table) -> tuple[Person, ...]:
    if len(table.rows) > MAX_PEOPLE:
        raise PlanError("people_too_many", where=name, most=MAX_PEOPLE)
    try:
        read = {field: _read(field, table) for field in table.columns}
        rows = [dict(zip(read, row, strict=True)) for row in zip(*read.values(), strict=True)]
        return tuple(person_of(row, place) for place, row in enumerate(rows, start=1))
    except PlanError as wrong:
        wrong.where = f"{name}: {wrong.where}" if wrong.where else name
        raise


def _read(field: str, table: _Table) -> list[object]:
    """A column as its field wants it; ``None`` where nothing is given."""
    cells = table.cells(field)
    if field in ("name", "plan", "reason"):
        return [None if is_missing(cell) else harmed(str(cell).strip()) for cell in cells]
    if field in ("first", "last"):
        found = days(cells)
        if found.ambiguous or found.mixed or found.unread:
            raise table.refused(field, next(iter(found.unread), 0))
        edges = found.first if field == "first" else found.last
        return [None if np.isnat(edge) else edge.astype("datetime64[D]").item() for edge in edges]
    columns = [table.cells(other) for other in table.columns if other not in ("name", "reason")]
    mark = decimal_mark(columns, table.delimiter)
    figures = numbers(cells, mark)
    if figures.unread or figures.unclear:
        raise table.refused(field, next(iter(figures.unread), 0))
    digits = 2 if field in _SUMS else 15
    return [None if np.isnan(v) else rounded(exact(v), digits).normalize() for v in figures.values]


def person_of(fields: Mapping[str, object], place: int) -> Person:
    """A person of fields by name, as a table has them; what is not given is left out.

    Raises:
        PlanError: one of them cannot be, or it is the row of a total; the person, or the row, is
            named.
    """
    if TOTAL_LABEL.fullmatch(str(fields.get("name", "")).casefold()):
        raise PlanError("people_total", row=place, name=fields["name"])
    given = {field: value for field, value in fields.items() if value is not None}
    if withheld := given.pop("withheld", None):
        given["correction"] = Decimal(str(given.get("correction", 0))) - abs(Decimal(str(withheld)))
    try:
        return Person.model_validate(given)
    except ValidationError as wrong:
        raise _misfit(wrong, str(given.get("name", place))) from None


def _misfit(wrong: ValidationError, where: str) -> PlanError:
    """What a person cannot be, by the heading of the column; dates that do not fit have none."""
    reason = invalid(wrong, where).values["reason"]
    place = wrong.errors(include_url=False, include_input=False)[0]["loc"]
    if not place:
        return PlanError("person_wrong", where=where, reason=reason)
    field = str(place[0])
    named = {lang: catalogue.people_heading(field, lang) for lang in ("ru", "en")}
    return PlanError("plan_wrong", where=where, reason=reason, field=named)


def people_csv(people: Sequence[Person], lang: str) -> str:
    """The table that `read_people` reads."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow([catalogue.people_heading(field, lang) for field in Person.model_fields])
    for person in people:
        cells = person.model_dump().values()
        table.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()
