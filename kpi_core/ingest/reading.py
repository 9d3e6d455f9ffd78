"""One section of known format while it is read: its columns by meaning, its rows, its totals.

Total rows never enter the facts; they are what the facts are checked against.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import compress
from secrets import token_bytes

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest.channels import channel_of
from kpi_core.ingest.formats import PERSONAL, Format, Rate, Wide, dimensions
from kpi_core.ingest.headings import Heading, heading, plain
from kpi_core.ingest.sections import Section
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.totals import group_rows, subtotals, total_rows
from kpi_core.ingest.values import (
    Cell,
    Days,
    Numbers,
    clock_hours,
    days,
    decimal_mark,
    is_missing,
    list_figures,
    numbers,
    seconds,
)
from kpi_core.model import Adds, Period, Unit

_COUNTED_DAYS = frozenset(
    {"nth day", "n й день", "day index", "индекс дня"}
)  # 0000 is the first day of the title's period
_ONE_DAY = frozenset({"day", "день"})  # no first day of anything longer
_WEEKS, _MONTHS = frozenset({"week", "неделя"}), frozenset({"month", "месяц"})
_NOT_KEPT = frozenset({"date", "date_end", "currency"})
# Nobody pays so many roubles for a click or an impression; in millionths everybody does.
_MICROS = {"clicks": 10_000, "impressions": 1_000}
_CONTACT = re.compile(
    r"[^@\s]+@[^@\s]+\.[^@\s]{2,}|\+\d[\d\s()-]{8,16}\d|[78][\s(-][\d\s()-]{8,14}\d"
)  # an e-mail address; +7 900 000-00-00; 8 (900) 000-00-00
_LONGEST_TEXT = 10_000  # characters that are searched for cells inside a text
_PERSONAL_SHARE = 0.3  # of the cells of a column: so many contacts make it one of people
_SALT = token_bytes(16)  # of this process: keys of customers mean nothing outside of it

Column = Sequence[Cell]
Values = npt.NDArray[np.float64]


@dataclass
class Reading:
    """What is gathered while one section is read.

    Attributes:
        columns: measure, dimension or a name of the format to the position of its column.
        rates: the columns of averages.
        cells: the columns without total rows.
        totals: the columns of the total rows.
        subtotals: how many rows summed a branch of a tree.
        beyond: their cells to the right of the last heading.
        lines: at which line of the file each row stands.
        mark: the decimal mark of the file, as far as it is known.
        coins: currencies written beside figures.
        control: measure to the total that the file itself states.
        personal: headings of columns that were dropped because they are about people.
        used: positions of columns that were read though they have no meaning of their own.
        unclear: its rows may count one another, and no total tells.
        footer: how many lines stand below the table.
    """

    section: Section
    format: Format
    where: str
    delimiter: str | None
    findings: list[Finding] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)
    rates: list[tuple[Rate, int]] = field(default_factory=list)
    cells: list[Column] = field(default_factory=list)
    totals: list[Column] = field(default_factory=list)
    beyond: Column = ()
    subtotals: int = 0
    lines: list[int] = field(default_factory=list)
    mark: str | None = None
    coins: set[str] = field(default_factory=set)
    control: dict[str, float] = field(default_factory=dict)
    personal: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    unclear: bool = False
    footer: int = 0

    def __post_init__(self) -> None:
        if self.format.wide:
            sites = _sites(self.section, self.format.wide)
            if len(sites) > 1:  # rivals' positions are not ours
                told = {"sites": ", ".join(sites)[:200], "kept": next(iter(sites))}
                self.find(Severity.WARNING, "several_sites", **told)
            self.section = melted(self.section, self.format.wide)
        if self.format.inside:
            self.section = taken_apart(self.section, self.format.inside)
        self._assign_columns()
        self._split_totals()
        self._drop_other_kinds()

    def find(self, severity: Severity, code: str, **values: object) -> None:
        """Something odd to be told."""
        self.findings.append(Finding(severity, code, self.where, values))

    def column(self, target: str) -> Column:
        """The cells of what a column was found to mean."""
        return self.cells[self.columns[target]]

    def heading(self, target: str) -> Heading:
        """Its heading."""
        return self.section.headings[self.columns[target]]

    def measures(self) -> list[str]:
        """The measures that have a column of their own."""
        return [target for target in self.columns if target in catalogue.measures()]

    # --- columns and rows

    def _assign_columns(self) -> None:
        """Each meaning to its column; columns that compete are told, never added."""
        wanted: dict[str, list[int]] = {}
        never = self.format.never
        for position, column in enumerate(self.section.headings):
            if never and never.search(column.raw):
                continue
            rate = self.format.rate(column)
            target = "" if rate else self._titled(column) or self.format.target(column)
            figure = rate or target in catalogue.measures()
            if self.format.buckets and figure and not self._holds_figures(position):
                continue
            if rate:
                self.rates.append((rate, position))
                continue
            is_share = column.percent and target in catalogue.measures()  # Сеансы, %
            if target and not is_share:
                wanted.setdefault(target, []).append(position)
        for target, positions in wanted.items():
            self._take(target, positions)
        for at in self.columns.values():
            if code := self.format.tells.get(self.section.headings[at].full):
                self.find(Severity.INFO, code, column=self.section.headings[at].raw)

    def _holds_figures(self, at: int) -> bool:
        """Whether most cells of a column that are filled are figures or durations."""
        cells = [row[at] for row in self.section.rows if at < len(row) and not is_missing(row[at])]
        unread = min(len(read(cells, ".").unread) for read in (numbers, seconds))
        return unread * 2 <= len(cells)

    def _titled(self, column: Heading) -> str | None:
        """The measure that a line above names, in a file of one metric."""
        titles = self.format.titles
        if titles is None or titles.column not in {column.name, column.full}:
            return None
        for line in self.section.title[-1:]:
            if id := titles.measures.get(heading(line).full):
                return id
        self.find(Severity.WARNING, "metric_unknown", metric=" ".join(self.section.title)[:100])
        return None

    def _take(self, target: str, positions: list[int]) -> None:
        """The one of several columns of a meaning that is believed."""
        names = {at: self.section.headings[at] for at in positions}
        whole = [at for at in positions if not self._narrowed(names[at])] or positions
        if target not in dimensions() and len(whole) > 1 and self._narrowed(names[whole[0]]):
            listed = ", ".join(names[at].raw for at in positions)
            self.find(Severity.WARNING, "columns_compete", columns=listed)
            return
        taken = min(whole, key=lambda at: self.format.rank(target, names[at]))
        self.columns[target] = taken
        for at in positions:
            by_choice = {0} == {self.format.rank(target, names[each])[0] for each in (at, taken)}
            if at != taken and not by_choice:
                told = {"column": names[at].raw, "kept": names[taken].raw}
                self.find(Severity.WARNING, "column_twice", **told)

    def _narrowed(self, column: Heading) -> bool:
        return bool(column.narrowed) and not self.format.names(column)

    def _split_totals(self) -> None:
        """Rows of the width of the headings to `cells`, total rows to `totals`."""
        width = len(self.section.headings)
        rows, extra, short = _squared(self._above_footer(), width)
        lines = self.section.lines
        self.cells = list(zip(*rows, strict=True)) if rows else [()] * width
        figured = {*(self.columns[id] for id in self.measures()), *(at for _, at in self.rates)}
        figured |= {self.columns[id] for id in self.format.amounts() & set(self.columns)}
        described = [at for target, at in self.columns.items() if target in dimensions()]
        labels = [at for at in range(width) if at not in figured]
        if self.format.tree:
            labels = [at for at in labels if not self._holds_figures(at)]
            described = levels = self._levels(labels)
        in_time = {self.columns.get(id) for id in ("date", "date_end")}
        named = [at for at in described if at not in in_time]
        self.mark = decimal_mark(
            [self.cells[at] for at in range(width) if at not in described], self.delimiter
        )
        found = total_rows(
            [self.cells[at] for at in labels],
            [self.cells[at] for at in named or described or labels[:1]],
            self.column("date") if "date" in self.columns else None,
            extra,
            self._additive,
        )
        is_row = np.ones(len(rows), dtype=bool)
        is_row[found.totals] = False
        if ragged := [row for row in extra if is_row[row]]:
            line = lines[ragged[0]]
            raise IngestError("ragged", where=self.where, line=line, columns=width)
        short = [row for row in short if is_row[row]]
        if short and self.delimiter:  # a workbook cuts empty cells at the end of every row
            self.find(Severity.INFO, "short_rows", n=len(short))
        if found.alike:
            line = lines[found.alike[0]]
            self.find(Severity.WARNING, "named_like_total", n=len(found.alike), line=line)
        if self.format.tree:
            inner = self._subtotals(levels, is_row)
            is_row[inner] = False
            self.subtotals = len(inner)
            if inner:
                self.find(Severity.INFO, "subtotals_set_aside", n=len(inner))
        if self.format.nested and (groups := self._groups(found.totals, np.flatnonzero(is_row))):
            is_row[groups] = False
            self.find(Severity.INFO, "subtotals_set_aside", n=len(groups))
        if found.totals:
            self.find(Severity.INFO, "totals_set_aside", n=len(found.totals))
            self.totals = [[column[row] for row in found.totals] for column in self.cells]
            self.beyond = [extra.get(row, [None])[0] for row in found.totals]
        if not is_row.all():
            self.cells = [list(compress(column, is_row)) for column in self.cells]
        self.lines = list(compress(lines, is_row))

    def _levels(self, labels: Sequence[int]) -> list[int]:
        """The columns that name the rows of a tree, the widest (which is empty least) first."""
        return sorted(labels, key=lambda at: sum(map(_blank, self.cells[at])))

    def _subtotals(self, levels: Sequence[int], is_row: npt.NDArray[np.bool_]) -> list[int]:
        """The rows of a tree that sum the rows of their lower levels."""
        rows = np.flatnonzero(is_row).tolist()
        names = [[self.cells[at][row] for row in rows] for at in levels]
        figures = self._additive()
        totals = figures[~is_row]
        return [rows[row] for row in subtotals(names, figures[is_row], totals)]

    def _groups(self, totals: list[int], rows: npt.NDArray[np.intp]) -> list[int]:
        """The rows that are sums of the rows below them, as far as a total proves it."""
        figures = self._additive()
        if found := group_rows(figures[rows], figures[totals]):
            return [int(row) for row in rows[found]]
        if found is None and not totals:
            self.unclear = True
            self.find(Severity.WARNING, "groups_unclear")
        return []

    def _drop_other_kinds(self) -> None:
        """Rows that are no business of this format go: text messages among mailings."""
        for target, pattern in self.format.only.items():
            if target not in self.columns:
                continue
            matched = {text: bool(pattern.fullmatch(text)) for text in self.texts(target).unique()}
            kept = [matched[text] for text in self.texts(target)]
            if not all(kept):
                told = {"n": kept.count(False), "column": self.heading(target).raw}
                self.find(Severity.INFO, "rows_of_other_kind", **told)
                self.cells = [list(compress(column, kept)) for column in self.cells]
                self.lines = list(compress(self.lines, kept))

    def _above_footer(self) -> list[Sequence[Cell]]:
        """The rows without the lines below the table, whose figures are totals of the file."""
        rows = list(self.section.rows)
        while rows and self.format.footer and (said := _alone(rows[-1])):
            label, _, figure = said.partition(":")
            measure = self.format.footer.get(plain(label))
            stated = numbers([figure], None).values[0]
            if measure and not np.isnan(stated):
                self.control[measure] = float(stated)
            rows.pop()
            self.footer += 1
        return rows

    def _additive(self) -> Values:
        """The measures that add up, total rows included, shape (rows, measures)."""
        read = [
            numbers(self.column(id), self.mark).values
            for id in self.measures()
            if catalogue.measure(id).adds is Adds.SUM
        ]
        return np.column_stack(read) if read else np.empty((len(self.cells[0]), 0))

    # --- cells

    def figures(self, at: int, *, duration: bool = False) -> Numbers:
        """One column as numbers, with what could not be read told."""
        column, cells = self.section.headings[at], self.cells[at]
        if at in {self.columns.get(target) for target in self.format.clocks}:
            read = clock_hours(cells)
        else:
            read = (seconds if duration else numbers)(cells, self.mark)
        if read.unclear:
            self.find(Severity.WARNING, "thousands_unclear", column=column.raw)
            return Numbers(np.full(len(cells), np.nan))
        if read.unread:
            first = read.unread[0]
            self.find(
                Severity.WARNING,
                "not_numbers",
                column=column.raw,
                n=len(read.unread),
                line=self.lines[first],
                example=str(cells[first])[:40],
            )
        return read

    def amounts(self, target: str) -> Values:
        """The column of a measure (or of what a record counts) as figures, never percentages."""
        if how := self.format.lists.get(target):
            return list_figures(self.column(target), how)
        measure = catalogue.measures().get(target)
        duration = measure is not None and measure.unit is Unit.SECONDS
        read = self.figures(self.columns[target], duration=duration)
        if read.percent:
            self.find(Severity.WARNING, "percent_no_count", column=self.heading(target).raw)
            return np.full(len(read.values), np.nan)
        if measure is None or measure.unit is Unit.MONEY:
            self.coins |= read.currencies
        column = self.heading(target)
        return self._unmicroed(column, read.values) if self._may_be_micros(column) else read.values

    def _may_be_micros(self, column: Heading) -> bool:
        return bool({column.name, column.full} & self.format.micros)

    def _unmicroed(self, column: Heading, amounts: Values) -> Values:
        """Money that a report may give in millionths: told by what one click would have cost."""
        at = self.columns.get("spend")  # what is not paid by the click goes by what is
        is_own = at is None or not self._may_be_micros(self.section.headings[at])
        paid = amounts if is_own else numbers(self.cells[at or 0], self.mark).values
        told = np.where(paid > 0, paid, np.nan)
        if np.isnan(told).all():
            told = np.where(amounts > 0, amounts, np.nan)
        if np.isnan(told).all() or (told != np.round(told))[~np.isnan(told)].any():
            return amounts
        for id, unlikely in _MICROS.items():
            if id not in self.columns:
                continue
            times = numbers(self.column(id), self.mark).values
            both = ~np.isnan(told) & (times > 0)
            if not both.any():
                continue
            if told[both].sum() / times[both].sum() < unlikely:
                return amounts
            self.find(Severity.INFO, "read_as_micros", column=column.raw)
            return amounts / 1_000_000
        self.find(Severity.WARNING, "micros_unclear", column=column.raw)
        return np.full(len(amounts), np.nan)

    def texts(self, target: str) -> pd.Series:
        """The column as trimmed texts, empty where it is empty."""
        return texts(self.column(target))

    def frame(self) -> pd.DataFrame:
        """Days and text dimensions of the rows."""
        found = self.days()
        facts = pd.DataFrame({"start": found.first, "end": found.last})
        if found.ambiguous:
            self.find(Severity.WARNING, "day_or_month_first", column=self.heading("date").raw)
        for dimension in dimensions():
            if dimension in self.columns and dimension not in _NOT_KEPT:
                self._add_dimension(facts, dimension)
        if {"channel", "source", "medium", "source_medium"} & set(facts.columns):
            facts["channel"] = self._channels(facts)
        if "customer" in self.columns:
            facts["customer"] = customer_keys(self.column("customer"))
            self.personal.append(self.heading("customer").raw)
        return facts

    def _add_dimension(self, facts: pd.DataFrame, dimension: str) -> None:
        """A column of texts, unless it is one of addresses or telephone numbers."""
        said = self.texts(dimension).replace(dict(self.format.words.get(dimension, {})))
        if dimension not in PERSONAL and holds_contacts(said):
            self.personal.append(self.heading(dimension).raw)
        else:
            facts[dimension] = said

    def days(self) -> Days:
        """The days of each row: of a week or month named by its first day, all of it."""
        if "date" not in self.columns:
            never = np.full(len(self.lines), np.datetime64("NaT"), "datetime64[us]")
            return Days(never, never)
        name = self.heading("date").name
        title = stated_period(self.section.title)
        start = title.first if title and name in _COUNTED_DAYS else None
        found = days(self.column("date"), start=start, month_first=self.format.month_first)
        last = _last_days(found, name)
        if "date_end" in self.columns and name not in _ONE_DAY:
            ends = days(self.column("date_end")).last
            last = np.where(ends >= found.first, ends, np.datetime64("NaT"))
        first = np.where(np.isnat(last), last, found.first)
        if title and name in _WEEKS | _MONTHS:
            first, last = _clipped(first, last, title)
        return Days(first, last, found.unread, found.ambiguous)

    def _channels(self, facts: pd.DataFrame) -> pd.Series:
        """The channel of each row: by the channel column, else by medium, else by source."""
        found = pd.Series("", index=facts.index, dtype="str")
        unknown: set[str] = set()
        said = {
            id: facts[id] for id in ("channel", "source_medium", "medium", "source") if id in facts
        }
        if {"medium", "source"} <= set(said):  # the paid clicks of a social network are its own
            both = facts["source"] + " / " + facts["medium"]
            said["medium"] = both.where(facts["medium"] != "", "")
        for dimension, column in said.items():
            raw = column.where(found == "", "")
            own = self.format.channels if dimension in {"channel", "source"} else {}
            named = {v: own.get(plain(v)) or channel_of(v) or "" for v in raw.unique()}
            strange = {value for value in named if not named[value] and plain(value)}
            unknown |= strange
            if dimension == "channel":
                named |= {value: value for value in strange}
            found = found.where(found != "", raw.map(named).astype("str"))
        if unknown:
            listed = ", ".join(sorted(unknown)[:10])
            self.find(Severity.INFO, "channels_unknown", n=len(unknown), values=listed)
        return found.replace("", self.format.channel or "other")

    def dated(self, facts: pd.DataFrame) -> pd.DataFrame:
        """Without the rows whose day cannot be read, which are told; of a record, its first row."""
        if "date" not in self.columns:
            return facts
        lost = facts["start"].isna()
        if lost.any():
            line = self.lines[int(facts.index[lost][0])]
            self.find(Severity.WARNING, "rows_without_day", n=int(lost.sum()), line=line)
        return facts[~lost]


def melted(section: Section, wide: Wide) -> Section:
    """A table with a column a day as one with a row a day; of several sites, the first."""
    dated = next(iter(_sites(section, wide).values()))
    kept = [at for at in range(len(section.headings)) if at not in dated]
    named = [section.headings[at] for at in kept]
    long = replace(section, headings=[*named, heading("date"), heading(wide.column)], rows=[])
    long.lines = []
    for line, row in zip(section.lines, section.rows, strict=True):
        wide_row = [*row, *[None] * (len(section.headings) - len(row))]
        described = [wide_row[at] for at in kept]
        for at, day in dated.items():
            long.add(line, [*described, day, wide_row[at]])
    return long


def _sites(section: Section, wide: Wide) -> dict[str, dict[int, str]]:
    """The columns that are days, as position to day, by the site that their headings may name."""
    sites: dict[str, dict[int, str]] = {}
    for at, column in enumerate(section.headings):
        if found := wide.heading.search(column.raw):
            site = found.groupdict().get("site") or ""
            sites.setdefault(site, {})[at] = found["date"]
    return sites


def taken_apart(section: Section, inside: Mapping[str, Mapping[str, re.Pattern[str]]]) -> Section:
    """A table whose texts hold cells of their own, with a column for each of those."""
    width = len(section.headings)
    there = section.names()
    found = [
        (at, raw, pattern)
        for at, column in enumerate(section.headings)
        for raw, pattern in (inside.get(column.full) or inside.get(column.name) or {}).items()
        if heading(raw).name not in there
    ]
    if not found:
        return section
    added = [heading(raw) for _, raw, _ in found]
    apart = replace(section, headings=[*section.headings, *added], rows=[])
    for row in section.rows:
        cells = [*row[:width], *[None] * (width - len(row))]
        parts = [_inside(pattern, cells[at]) for at, _, pattern in found]
        apart.rows.append([*cells, *parts, *row[width:]])
    return apart


def _inside(pattern: re.Pattern[str], cell: Cell) -> str | None:
    said = pattern.search(cell[:_LONGEST_TEXT]) if isinstance(cell, str) else None
    if said is None:
        return None
    return str(int(said[1], 16)) if "hex" in pattern.groupindex else said[1].strip()


def texts(cells: Column) -> pd.Series:
    """Cells as trimmed texts."""
    return pd.Series(["" if cell is None else str(cell).strip() for cell in cells], dtype="str")


def holds_contacts(said: pd.Series) -> bool:
    """Whether a column of texts is one of e-mail addresses or telephone numbers."""
    filled = said[said != ""]
    contacts = {text for text in filled.unique() if _CONTACT.fullmatch(text[:100])}
    return bool(contacts) and float(filled.isin(contacts).mean()) >= _PERSONAL_SHARE


def customer_keys(cells: Column) -> pd.Series:
    """A number per customer that tells them apart and cannot be turned back; 0: not known."""
    keys = {cell: _customer_key(cell) for cell in set(cells)}
    return pd.Series([keys[cell] for cell in cells], dtype="uint64")


def _customer_key(cell: Cell) -> int:
    if is_missing(cell):
        return 0
    text = str(cell).strip().casefold().lstrip("'")
    if _CONTACT.fullmatch(text) and "@" not in text:  # one telephone, however it is spaced
        text = re.sub(r"\D", "", text)[-10:]
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=_SALT).digest())


def _squared(
    rows: Sequence[Sequence[Cell]], width: int
) -> tuple[list[Sequence[Cell]], dict[int, Sequence[Cell]], list[int]]:
    """Rows of one width, the filled cells beyond it by row, and which rows were too short."""
    squared: list[Sequence[Cell]] = []
    extra: dict[int, Sequence[Cell]] = {}
    short: list[int] = []
    for number, row in enumerate(rows):
        if len(row) == width:
            squared.append(row)
            continue
        if len(row) < width:
            short.append(number)
        squared.append([*row[:width], *[None] * (width - len(row))])
        beyond = [cell for cell in row[width:] if not _blank(cell)]
        if beyond:
            extra[number] = beyond
    return squared, extra, short


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _alone(row: Sequence[Cell]) -> str:
    """The text of a row of one filled cell, its first."""
    said = [cell for cell in row if not _blank(cell)]
    return said[0] if len(said) == 1 and isinstance(said[0], str) and said[0] == row[0] else ""


def _clipped(
    first: npt.NDArray[np.datetime64], last: npt.NDArray[np.datetime64], title: Period
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.datetime64]]:
    """Rows within the days of the title: its first week may be named by a Monday before it."""
    edges = (np.datetime64(title.first, "us"), np.datetime64(title.last, "us"))
    meets = (first <= edges[1]) & (last >= edges[0])
    return (
        np.where(meets, np.maximum(first, edges[0]), first),
        np.where(meets, np.minimum(last, edges[1]), last),
    )


def _last_days(found: Days, name: str) -> npt.NDArray[np.datetime64]:
    """The last days of rows in a column called `name`, where a week is told by its first day."""
    one_day = found.first == found.last
    if name in _WEEKS:
        return np.where(one_day, found.last + np.timedelta64(6, "D"), found.last)
    if name in _MONTHS:
        months = found.first.astype("datetime64[M]")
        ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
        return np.where(
            one_day & (months == found.first), ends.astype("datetime64[us]"), found.last
        )
    return found.last
