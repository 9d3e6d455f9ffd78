"""Where the tables of a sheet are: title lines, headings, rows.

The first row is seldom the heading, and one file may hold many tables. Title lines are kept: the
period and the currency often stand only there.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from kpi_core.ingest.headings import Heading, heading
from kpi_core.ingest.rows import SheetRows
from kpi_core.ingest.values import Cell

_COMMENT = re.compile(r"#(\s|-|$)")  # "# Start date: 20250101", but not the order "#1001"
_FIGURE = re.compile(
    r"\s*(?:[-+−<>#$€£₽]\s*)?(\d[^a-zа-яё]*|\d{4}-\d\d-\d\d.*)", re.I | re.S
)  # 5 030,16; 0003; #1001; 2026-10-01 09:31:15 UTC; but not "30 days"
LOOK_AHEAD = 25  # rows in which the headings must appear


@dataclass
class Section:
    """One table of a sheet: `title` lines above, `headings`, `rows` and at which `lines`."""

    title: list[str]
    headings: list[Heading]
    rows: SheetRows | list[Sequence[Cell]] = field(default_factory=SheetRows)
    lines: list[int] = field(default_factory=list)

    def add(self, line: int, row: Sequence[Cell]) -> None:
        """One more row."""
        self.rows.append(row)
        self.lines.append(line)

    def add_all(self, rows: SheetRows, start: int, stop: int) -> None:
        """The rows of a sheet from number `start` to before `stop`."""
        self.rows = SheetRows.of(self.rows)
        self.rows.join(rows.part(start, stop))
        self.lines.extend(range(start + 1, stop + 1))

    def names(self) -> set[str]:
        """The normalised headings, with and without what stands in brackets."""
        return {name for column in self.headings for name in (column.name, column.full)}

    def commented(self) -> bool:
        """Whether its title stands in ``#`` comment lines."""
        return bool(self.title) and self.title[0].startswith("#")

    def repeats(self, row: Sequence[Cell]) -> bool:
        """Whether `row` says the headings again, as at the top of a printed page."""
        return [column.raw for column in self.headings] == _texts(row)

    def take_name(self) -> str:
        """Its last row, taken away, if that is a lone text: the name of the table that follows."""
        row = self.rows[-1] if self.rows else ()
        if not row or _is_empty(row[:1]) or not _is_empty(row[1:]) or _has_figure(row):
            return ""
        self.lines.pop()
        return _text(self.rows.pop()[0])


def sections(rows: Sequence[Sequence[Cell]], known: frozenset[str]) -> list[Section]:
    """The tables in `rows`; `known` are the headings that any format or measure uses.

    A table begins at the first row that holds two known headings (one, if no row holds two), or
    right below a block of ``#`` comment lines. Within a table only a row without any figure can be
    the headings of the next one.
    """
    rows = SheetRows.of(rows)
    needed = 2 if any(count_known(row, known) >= 2 for row in rows[:LOOK_AHEAD]) else 1
    found: list[Section] = []
    title: list[str] = []
    section: Section | None = None
    before: Section | None = None  # the table that a comment line has ended
    in_comment = False  # the line before was one
    above: Sequence[Cell] = ()  # the title line before
    parted = False  # by an empty line, within a file whose tables have comments above
    odd = [*_odd_rows(rows), len(rows)]
    line = 0
    while line < len(rows):
        if section and (end := odd[bisect_left(odd, line)]) > line:
            section.add_all(rows, line, end)
            in_comment, line = False, end
            continue
        row = rows[line]
        line += 1
        if _is_comment(row, alone=section is not None and not in_comment):
            title = [*(title if in_comment else []), _text(row[0])]
            before, section, in_comment = section or before, None, True
            continue
        below_comment, in_comment = in_comment, False
        if _is_empty(row):
            in_comment = below_comment
            parted = section is not None and section.commented() and bool(section.rows)
        elif section is None:
            if count_known(row, known) >= needed or (below_comment and not _has_figure(row)):
                section = Section(title, _two_level(above, row) or _headings(row))
                found.append(section)
                title, parted, before = [], False, None
            elif before:
                section = before
                section.add(line, row)
            elif line <= LOOK_AHEAD:
                title.append(" ".join(text for text in _texts(row) if text))
                above = row
        elif _has_figure(row) or not (parted or _may_be_headings(section, row, known)):
            section.add(line, row)
        elif not section.rows and (both := _two_level(_raw(section), row)):
            section.headings = both
        elif section.repeats(row):
            section = _renamed(section, found)
            parted = False
        else:
            section = Section(section.title if parted else [], _headings(row))
            found.append(section)
            parted = False
    return found


def _odd_rows(rows: SheetRows) -> list[int]:
    """Which rows have no figure or may be comments."""
    top, bottom = len(rows.head), len(rows) - len(rows.tail)
    return [
        *_odd_of(rows.head, 0),
        *(top + row for row in _odd_in_columns(rows.columns)),
        *_odd_of(rows.tail, bottom),
    ]


def _odd_of(rows: Sequence[Sequence[Cell]], first: int) -> list[int]:
    return [
        number
        for number, row in enumerate(rows, first)
        if not _has_figure(row) or _may_be_comment(row)
    ]


def _odd_in_columns(columns: Sequence[Sequence[Cell]]) -> list[int]:
    """The same of rows kept by column: most often the first columns tell."""
    if not columns:
        return []
    without: Sequence[int] = range(len(columns[0]))
    for column in columns:
        cells = [column[row] for row in without]
        figures = {cell for cell in set(cells) if _has_figure((cell,))}
        without = [row for row, cell in zip(without, cells, strict=True) if cell not in figures]
        if not without:
            break
    signs = {cell for cell in set(columns[0]) if _may_be_comment((cell,))}
    comments = [row for row, cell in enumerate(columns[0]) if cell in signs] if signs else []
    return sorted({*without, *comments})


def _renamed(section: Section, found: list[Section]) -> Section:
    """Where headings are said again: the same table, or one more if a name stands above them."""
    if name := section.take_name():
        section = Section([*section.title, name], section.headings)
        found.append(section)
    return section


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip("\ufeff \t\r\n")


def _texts(row: Sequence[Cell]) -> list[str]:
    """The cells of `row` as texts, without the empty ones at its end."""
    texts = [_text(cell) for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _is_empty(row: Sequence[Cell]) -> bool:
    return not any(cell is not None and (type(cell) is not str or _text(cell)) for cell in row)


def _is_comment(row: Sequence[Cell], *, alone: bool) -> bool:
    """A ``#`` line; within a table only one whose other cells are empty, or it is a record.

    A cell of just ``#`` beside others is a heading: the number of a row.
    """
    is_one = _may_be_comment(row) and bool(_COMMENT.match(_text(row[0])))
    return is_one and (not (alone or _text(row[0]) == "#") or _is_empty(row[1:]))


def _may_be_comment(row: Sequence[Cell]) -> bool:
    first = row[0] if row else None
    return isinstance(first, str) and "#" in first[:2]


def _has_figure(row: Sequence[Cell]) -> bool:
    """Whether a cell of `row` is a number, a date or the number of a record."""
    # A loop, since every row of every file comes by.
    for cell in row:
        if cell is not None and (type(cell) is not str or _FIGURE.fullmatch(cell)):
            return True
    return False


def count_known(row: Sequence[Cell], known: frozenset[str]) -> int:
    """How many cells of `row` are headings that some format or measure uses."""
    named = (heading(cell) for cell in row if isinstance(cell, str))
    return sum(1 for column in named if column.name in known or column.full in known)


def _may_be_headings(section: Section, row: Sequence[Cell], known: frozenset[str]) -> bool:
    """Whether `row` begins a table, repeats the headings of this one, or is their lower half."""
    is_lower_half = not section.rows and _two_level(_raw(section), row) is not None
    return is_lower_half or section.repeats(row) or _are_headings(row, known)


def _are_headings(row: Sequence[Cell], known: frozenset[str]) -> bool:
    return count_known(row, known) >= max(2, len([text for text in _texts(row) if text]) / 2)


def _headings(row: Sequence[Cell]) -> list[Heading]:
    return [heading(text) for text in _texts(row)]


def _raw(section: Section) -> list[str]:
    return [column.raw for column in section.headings]


def _two_level(above: Sequence[Cell], row: Sequence[Cell]) -> list[Heading] | None:
    """Headings of two rows: some stand alone, others span several columns that `row` names.

    A name that comes back under another span is told apart by it: Выручка (ноябрь).
    """
    below, upper = _texts(row), _texts(above)
    width = max(len(below), len(upper))
    below += [""] * (width - len(below))
    upper += [""] * (width - len(upper))
    alone = [at for at in range(width) if upper[at] and not below[at]]
    spans = [at for at in range(width - 1) if upper[at] and below[at] and not upper[at + 1]]
    both = [at for at in range(width) if upper[at] and below[at]]
    if not alone or not spans or both != spans or any(below[at + 1] == "" for at in spans):
        return None
    found: list[Heading] = []
    span = ""
    for high, low in zip(upper, below, strict=True):
        span = high or span
        found.append(heading(f"{low} ({span})" if low and below.count(low) > 1 else low or high))
    return found
