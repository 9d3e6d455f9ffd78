"""One section of known format while it is read: its columns by meaning, its rows, its totals.

Total rows never enter the facts; they are what the facts are checked against.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest import privacy
from kpi_core.ingest.channels import channel_of
from kpi_core.ingest.formats import PERSONAL, Format, Kind, Rate, Wide, dimensions, meanings
from kpi_core.ingest.headings import Heading, Scale, heading, plain, scales_above
from kpi_core.ingest.rows import SheetRows
from kpi_core.ingest.sections import Section
from kpi_core.ingest.titles import stated_period
from kpi_core.ingest.totals import group_rows, subtotals, total_rows
from kpi_core.ingest.values import (
    Cell,
    Days,
    Numbers,
    are_grouped,
    clock_hours,
    days,
    decimal_mark,
    is_missing,
    list_figures,
    numbers,
    rounded_at,
    seconds,
)
from kpi_core.model import Adds, Period, Unit

_PLANNED = frozenset(
    {"план", "plan", "planned", "прогноз", "forecast", "бюджет", "budget", "target"}
)
_ONLY_PLANNED = _PLANNED - {"бюджет", "budget", "target"}
_ACTUAL = frozenset({"факт", "fact", "actual", "actuals"})
_NOT_KEPT = frozenset({"date", "date_end", "currency"})
_CHANNELLED = frozenset({"channel", "source", "medium", "source_medium"})  # they tell the channel
# Nobody pays so many roubles for a click or an impression; in millionths everybody does.
_MICROS = {"clicks": 10_000, "impressions": 1_000}
_WHOLE = 1e-6  # what a count may be off a whole number: arithmetic of floats
_PLACES = 6  # decimals: 0.0234 thousand is 23.4, not 23.400000000000002
_FIRST = 1_000  # rows that show most often how many different cells a column has
_LONGEST_TEXT = 10_000  # characters that are searched for cells inside a text

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
        aside: how many rows were averages, largest figures or parts of other rows.
        planned: how many rows were of a plan.
        scales_above: what title lines say that the figures are written in: тыс. руб.
        beyond: their cells to the right of the last heading.
        lines: at which line of the file each row stands.
        mark: the decimal mark of the file, as far as it is known.
        coins: currencies written beside figures.
        control: measure to the total that the file itself states.
        personal: headings of columns that were dropped because they are about people.
        used: positions of columns that were read though they have no meaning of their own.
        unclear: its rows may count one another, and no total tells.
        footer: how many lines stand below the table.
        unknown_channels: what says no known channel, and the rows that it leaves without one.
        times: how often each row stands in a file that was read elsewhere; else once.
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
    aside: int = 0
    planned: int = 0
    lines: list[int] = field(default_factory=list)
    mark: str | None = None
    coins: set[str] = field(default_factory=set)
    control: dict[str, float] = field(default_factory=dict)
    personal: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    unclear: bool = False
    footer: int = 0
    unknown_channels: tuple[str, pd.Series] | None = None
    scales_above: list[Scale] = field(default_factory=list)
    times: npt.NDArray[np.int64] | None = None
    _told_scales: set[int] = field(default_factory=set)
    _read: dict[tuple[int, str | None], tuple[Column, Numbers]] = field(default_factory=dict)
    _texts: dict[int, tuple[Column, pd.Series]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.format.wide:
            sites = _sites(self.section, self.format.wide)
            if len(sites) > 1:  # rivals' positions are not ours
                told = {"sites": privacy.listed(sites, 200), "kept": next(iter(sites))}
                self.find(Severity.WARNING, "several_sites", **told)
            self.section = melted(self.section, self.format.wide)
        if self.format.inside:
            self.section = taken_apart(self.section, self.format.inside)
        self.scales_above = scales_above(self.section.title)
        self._assign_columns()
        self._split_totals()
        self._drop_plans()
        self._drop_other_kinds()

    def find(self, severity: Severity, code: str, **values: object) -> None:
        """Something odd to be told."""
        self.findings.append(Finding(severity, code, self.where, privacy.told(values)))

    def tell_disagreement(self, column: object, summed: float, stated: float) -> None:
        """That the rows of a column do not come to the total that the file prints."""
        code = "rows_below_total" if summed < stated else "rows_above_total"
        self.find(Severity.WARNING, code, column=column, rows=summed, total=stated)

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
        column = SheetRows.of(self.section.rows).column(at)
        cells = [cell for cell in column if not is_missing(cell)]
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
            listed = privacy.listed(names[at].raw for at in positions)
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
        rows = self._above_footer()
        self.cells, extra, short = _squared(rows, width)
        self.lines = lines = self.section.lines[: len(rows)]
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
        if self.mark and any(
            are_grouped(self.column(id), self.mark) for id in self.measures() if _is_whole(id)
        ):
            self.mark = None  # of 1.013 clicks the mark stands for thousands
        found = total_rows(
            [self.cells[at] for at in labels],
            [self.cells[at] for at in named or described or labels[:1]],
            self.column("date") if "date" in self.columns else None,
            extra,
            self._additive,
            # Groups have rules of their own, and one segment may hold all the others.
            ends=self.format.kind is Kind.SUMS
            and not (self.format.tree or self.format.nested or "segment" in self.columns),
        )
        is_row = np.ones(len(rows), dtype=bool)
        is_row[found.totals + found.aside] = False
        self.aside = len(found.aside)
        if ragged := [row for row in extra if is_row[row]]:
            line = lines[ragged[0]]
            raise IngestError("ragged", where=self.where, line=line, columns=width)
        short = [row for row in short if is_row[row]]
        if short and self.delimiter:  # a workbook cuts empty cells at the end of every row
            self.find(Severity.INFO, "short_rows", n=len(short))
        for code, severity, odd in (
            ("summaries_set_aside", Severity.INFO, found.aside),
            ("total_by_figures", Severity.WARNING, found.by_figures),
        ):
            if odd:
                name = next((str(c[odd[0]]) for c in self.cells if not _blank(c[odd[0]])), "")
                self.find(severity, code, n=len(odd), line=lines[odd[0]], name=name[:100])
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
        self._keep(is_row.tolist())

    def _keep(self, kept: Sequence[bool]) -> None:
        """Only those rows stay."""
        if not all(kept):
            self.cells = [list(compress(column, kept)) for column in self.cells]
            self.lines = list(compress(self.lines, kept))

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

    def _drop_plans(self) -> None:
        """Rows of a plan or a forecast beside those of what was: they are no facts."""
        most = 2 * len(_PLANNED | _ACTUAL)
        for at, column in enumerate(self.section.headings):
            if len(set(self.cells[at][:_FIRST])) > most:  # it says more than plan or fact
                continue
            different = set(self.cells[at])
            if len(different) > most:
                continue
            said = {cell: plain(str(cell)) for cell in different if not is_missing(cell)}
            kinds = set(said.values())
            if not (kinds & _PLANNED and kinds <= _PLANNED | _ACTUAL):
                continue
            if not kinds & _ACTUAL and (at in self.columns.values() or not kinds <= _ONLY_PLANNED):
                continue  # a campaign may be called so
            kept = [said.get(cell) in _ACTUAL for cell in self.cells[at]]
            severity = Severity.WARNING if any(kept) else Severity.ERROR
            self.find(severity, "plan_rows_set_aside", column=column.raw, n=kept.count(False))
            self.planned += kept.count(False)
            self.used.add(at)
            self._keep(kept)
            return

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
                self._keep(kept)

    def _above_footer(self) -> SheetRows:
        """The rows without the lines below the table, whose figures are totals of the file."""
        rows = SheetRows.of(self.section.rows)
        last = len(rows)
        while last and self.format.footer and (said := _alone(rows[last - 1])):
            label, _, figure = said.partition(":")
            measure = self.format.footer.get(plain(label))
            stated = numbers([figure], None).values[0]
            if measure and not np.isnan(stated):
                self.control[measure] = float(stated)
            last -= 1
            self.footer += 1
        return rows.part(0, last) if self.footer else rows

    def _additive(self) -> Values:
        """The measures that add up, total rows included, shape (rows, measures)."""
        read = [
            self.numbers(self.columns[id]).values
            for id in self.measures()
            if catalogue.measure(id).adds is Adds.SUM
        ]
        return np.column_stack(read) if read else np.empty((len(self.cells[0]), 0))

    # --- cells

    def numbers(self, at: int) -> Numbers:
        """One column as numbers; they are read once as long as no row goes."""
        known = self._read.get((at, self.mark))
        if known is None or known[0] is not self.cells[at]:
            known = self.cells[at], numbers(self.cells[at], self.mark)
            self._read[at, self.mark] = known
        return known[1]

    def figures(self, at: int, *, duration: bool = False) -> Numbers:
        """One column as numbers, with what could not be read told."""
        column, cells = self.section.headings[at], self.cells[at]
        if at in {self.columns.get(target) for target in self.format.clocks}:
            read = clock_hours(cells)
        else:
            read = seconds(cells, self.mark) if duration else self.numbers(at)
        if read.unclear:
            self.find(Severity.WARNING, "thousands_unclear", column=column.raw)
            return Numbers(np.full(len(cells), np.nan))
        if duration and read.fraction:
            self.find(Severity.WARNING, "duration_unclear", column=column.raw)
            return Numbers(np.full(len(cells), np.nan))
        if read.unread:
            first = read.unread[0]
            self.find(
                Severity.WARNING,
                "not_numbers",
                column=column.raw,
                n=len(read.unread),
                line=self.lines[first],
                example=str(cells[first]),
            )
        return self._scaled(at, read)

    def stated(self, at: int, shift: int = 0) -> Values:
        """What the total rows say of a column, or of the cells so far beside it."""
        cells = [*self.totals, self.beyond]
        there = 0 <= at + shift < len(cells) and len(cells[at + shift]) > 0
        if not there:
            return np.full(len(self.totals[0]), np.nan)
        return numbers(cells[at + shift], self.mark).values * (self._scale(at) or 1)

    def _scale(self, at: int) -> int | None:
        """What the figures of a column are written in: 1, thousands...; ``None``: unclear.

        A heading says it of its column, a line above the table of all its money.
        """
        column = self.section.headings[at]
        above = self.scales_above
        if not above or not self._is_figure(at):
            return column.scale
        of_money = all(scale.currency or scale.money for scale in above)
        if of_money and not self._is_money(at):
            return column.scale
        said = {scale.times for scale in above}
        if column.scale > 1 or column.currency:  # it says itself what it is written in
            said.add(column.scale)
        return said.pop() if of_money and len(said) == 1 else None

    def _is_figure(self, at: int) -> bool:
        known = {*(self.columns[id] for id in self.measures()), *(at for _, at in self.rates)}
        return at in known | {self.columns[id] for id in self.format.amounts() & set(self.columns)}

    def _is_money(self, at: int) -> bool:
        """Whether a column holds money; what a record adds up may be it."""
        for id, place in self.columns.items():
            if place == at:
                measure = catalogue.measures().get(id)
                if measure is None or measure.unit is Unit.MONEY:
                    return True
        for rate, place in self.rates:
            if place == at and catalogue.measure(rate.measure).unit is Unit.MONEY:
                return True
        return bool(self.section.headings[at].currency)

    def _scaled(self, at: int, read: Numbers) -> Numbers:
        """Figures that a heading or a title gives in thousands or millions, in full."""
        column, scale = self.section.headings[at], self._scale(at)
        if scale == 1:
            return read
        if at not in self._told_scales:
            self._told_scales.add(at)
            if scale is None:
                self.find(Severity.WARNING, "scale_unclear", column=column.raw)
            else:
                self.find(Severity.INFO, "read_as_scaled", column=column.raw, times=scale)
        if scale is None:
            return Numbers(np.full(len(read.values), np.nan))
        coins = {said.currency for said in self.scales_above if said.currency}
        if self._is_money(at) and not column.currency:
            self.coins |= coins
        return replace(read, values=np.round(read.values * scale, _PLACES))

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
        if measure and measure.unit is Unit.COUNT and not measure.fractional:
            broken = np.abs(read.values - np.round(read.values)) > _WHOLE
            if broken.any():
                line = self.lines[int(np.argmax(broken))]
                self.find(Severity.WARNING, "counts_in_fractions", column=column.raw, line=line)
                return np.full(len(read.values), np.nan)
        return self._unmicroed(column, read.values) if self._may_be_micros(column) else read.values

    def _may_be_micros(self, column: Heading) -> bool:
        return bool({column.name, column.full} & self.format.micros)

    def _unmicroed(self, column: Heading, amounts: Values) -> Values:
        """Money that a report may give in millionths: told by what one click would have cost."""
        at = self.columns.get("spend")  # what is not paid by the click goes by what is
        is_own = at is None or not self._may_be_micros(self.section.headings[at])
        paid = amounts if is_own else self.numbers(at or 0).values
        told = np.where(paid > 0, paid, np.nan)
        if np.isnan(told).all():
            told = np.where(amounts > 0, amounts, np.nan)
        if np.isnan(told).all() or (told != np.round(told))[~np.isnan(told)].any():
            return amounts
        for id, unlikely in _MICROS.items():
            if id not in self.columns:
                continue
            times = self.numbers(self.columns[id]).values
            both = ~np.isnan(told) & (times > 0)
            if not both.any():
                continue
            if told[both].sum() / times[both].sum() < unlikely:
                return amounts
            self.find(Severity.INFO, "read_as_micros", column=column.raw)
            return amounts / 1_000_000
        self.find(Severity.WARNING, "micros_unclear", column=column.raw)
        return np.full(len(amounts), np.nan)

    def keys(self, target: str) -> pd.Series:
        """The column as texts that tell records apart.

        Raises:
            IngestError: a spreadsheet has rounded its long numbers, so that many look like one.
        """
        said = self.texts(target)
        if (row := rounded_at(self.column(target))) is not None:
            told = {"column": self.heading(target).raw, "line": self.lines[row]}
            example = str(said.iloc[row])[:40]
            raise IngestError("numbers_rounded", where=self.where, example=example, **told)
        return said

    def texts(self, target: str) -> pd.Series:
        """The column as trimmed texts, empty where it is empty."""
        at = self.columns[target]
        known = self._texts.get(at)
        if known is None or known[0] is not self.cells[at]:
            known = self._texts[at] = self.cells[at], texts(self.cells[at])
        return known[1]

    def frame(self) -> pd.DataFrame:
        """Days and text dimensions of the rows."""
        found = self.days()
        facts = pd.DataFrame({"start": found.first, "end": found.last})
        if found.mixed:
            self.find(Severity.ERROR, "days_of_two_kinds", column=self.heading("date").raw)
        elif found.ambiguous:
            self.find(Severity.WARNING, "day_or_month_first", column=self.heading("date").raw)
        for dimension in dimensions():
            if dimension in self.columns and dimension not in _NOT_KEPT:
                self._add_dimension(facts, dimension)
        if _CHANNELLED & set(facts.columns):
            facts["channel"] = self._channels(facts)
            for dimension in sorted(_CHANNELLED & set(facts.columns) - {"channel"}):
                said = facts[dimension]
                if people := [text for text in said.unique() if privacy.is_personal(text)]:
                    hidden = said.isin(people)
                    self._tell_hidden(dimension, hidden)
                    facts[dimension] = said.mask(hidden, "")
        if "customer" in self.columns:
            facts["customer"] = privacy.customer_keys(self.column("customer"))
            self.personal.append(self.heading("customer").raw)
        return facts

    def _add_dimension(self, facts: pd.DataFrame, dimension: str) -> None:
        """A column of texts, unless it is one of addresses or telephone numbers."""
        said = self.texts(dimension)
        if codes := self.format.words.get(dimension):
            said = said.replace(dict(codes))
        if dimension in PERSONAL:  # needed to count, and never kept
            facts[dimension] = said
            return
        said = privacy.pages(said)
        if privacy.holds_contacts(said, self._times()):
            self.personal.append(self.heading(dimension).raw)
            return
        if dimension not in _CHANNELLED:  # of the others, the channel is told first
            kept = privacy.kept_texts(said)
            self._tell_hidden(dimension, kept != said)
            said = kept
        facts[dimension] = said

    def _times(self) -> npt.NDArray[np.int64]:
        return np.ones(len(self.lines), dtype=np.int64) if self.times is None else self.times

    def _tell_hidden(self, dimension: str, hidden: pd.Series) -> None:
        if n := int(self._times()[hidden.to_numpy(dtype=bool)].sum()):
            self.find(Severity.INFO, "people_hidden", column=self.heading(dimension).raw, n=n)

    def days(self) -> Days:
        """The days of each row: of a week or month named by its first day, all of it."""
        if "date" not in self.columns:
            never = np.full(len(self.lines), np.datetime64("NaT"), "datetime64[us]")
            return Days(never, never)
        name = self.heading("date").name
        title = stated_period(self.section.title)
        lasting = meanings("lasting")
        start = title.first if title and name in lasting["counted"] else None
        found = days(self.column("date"), start=start, month_first=self.format.month_first)
        last = _last_days(found, name)
        if "date_end" in self.columns and name not in lasting["day"]:
            ends = days(self.column("date_end")).last
            last = np.where(ends >= found.first, ends, np.datetime64("NaT"))
        first = np.where(np.isnat(last), last, found.first)
        if title and name in lasting["week"] | lasting["month"]:
            first, last = _clipped(first, last, title)
        return replace(found, first=first, last=last)

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
                people = {value for value in strange if not privacy.is_plain_name(value)}
                self._tell_hidden(dimension, raw.isin(people))
                named |= {value: value for value in strange - people}
            found = found.where(found != "", raw.map(named).astype("str"))
        if unknown:
            names = sorted(filter(privacy.is_plain_name, unknown))
            cut = [privacy.HIDDEN] if len(names) < len(unknown) else []
            listed = ", ".join([*names[: 10 - len(cut)], *cut])
            self.find(Severity.INFO, "channels_unknown", n=len(unknown), values=listed)
            strange_rows = pd.Series(data=False, index=facts.index)
            for column in said.values():
                strange_rows |= column.isin(unknown)
            known = set(catalogue.channels())
            self.unknown_channels = listed, strange_rows & ~found.isin(known)
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


def _is_whole(id: str) -> bool:
    """Whether a measure counts things, of which there are no parts."""
    measure = catalogue.measure(id)
    return measure.unit is Unit.COUNT and not measure.fractional


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
    if set(map(type, cells)) <= {str, type(None)}:
        codes, different = pd.factorize(np.fromiter(cells, dtype=object, count=len(cells)))
        said = pd.Series([*(cell.strip() for cell in different), ""], dtype="str")
        return said.take(codes).reset_index(drop=True)  # the last one is that of empty cells, -1
    return pd.Series(["" if cell is None else str(cell).strip() for cell in cells], dtype="str")


def _squared(rows: SheetRows, width: int) -> tuple[list[Column], dict[int, list[Cell]], list[int]]:
    """Rows as columns, the filled cells beyond `width` by row, and which rows were too short."""
    extra: dict[int, list[Cell]] = {}
    short: list[int] = []

    def squared(loose: Sequence[Sequence[Cell]], start: int) -> list[Sequence[Cell]]:
        for number, row in enumerate(loose, start):
            if len(row) < width:
                short.append(number)
            elif beyond := [cell for cell in row[width:] if not _blank(cell)]:
                extra[number] = beyond
        return [[*row[:width], *[None] * (width - len(row))] for row in loose]

    top, bottom = len(rows.head), len(rows) - len(rows.tail)
    above, below = squared(rows.head, 0), squared(rows.tail, bottom)
    empty: list[Cell] = [None] * (bottom - top)
    body = [*rows.columns[:width], *[empty] * (width - len(rows.columns))]
    for column in rows.columns[width:]:
        for number, cell in enumerate(column, top):
            if not _blank(cell):
                extra.setdefault(number, []).append(cell)
    if width and None in body[-1]:
        short += [number for number, cell in enumerate(body[-1], top) if cell is None]
    columns: list[Column] = [
        [*(row[at] for row in above), *body[at], *(row[at] for row in below)] for at in range(width)
    ]
    return columns, dict(sorted(extra.items())), sorted(short)


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
    if name in meanings("lasting")["week"]:
        return np.where(one_day, found.last + np.timedelta64(6, "D"), found.last)
    if name in meanings("lasting")["month"]:
        months = found.first.astype("datetime64[M]")
        ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
        return np.where(
            one_day & (months == found.first), ends.astype("datetime64[us]"), found.last
        )
    return found.last
