"""Where the tables of a sheet are: title lines, headings, rows.

The first row is seldom the heading, and one file may hold many tables. Title lines are kept: the
period and the currency often stand only there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kpi_core.ingest.headings import Heading, heading
from kpi_core.ingest.values import Cell

_COMMENT = re.compile(r"#(\s|-|$)")  # "# Start date: 20250101", but not the order "#1001"
LOOK_AHEAD = 25  # rows in which the headings must appear


@dataclass
class Section:
    """One table of a sheet: `title` lines above, `headings`, and `rows` with their line numbers."""

    title: list[str]
    headings: list[Heading]
    rows: list[tuple[int, Sequence[Cell]]] = field(default_factory=list)

    def names(self) -> set[str]:
        """The normalised headings."""
        return {column.name for column in self.headings}


def sections(rows: Sequence[Sequence[Cell]], known: frozenset[str]) -> list[Section]:
    """The tables in `rows`; `known` are the headings that any format or measure uses.

    A table begins at the first row that holds two known headings (one, if no row holds two), or
    right below a block of ``#`` comment lines.
    """
    needed = 2 if any(_known(row, known) >= 2 for row in rows[:LOOK_AHEAD]) else 1
    found: list[Section] = []
    title: list[str] = []
    section: Section | None = None
    commented = heading_next = False
    for line, row in enumerate(rows, start=1):
        comment = bool(row) and bool(_COMMENT.match(_text(row[0])))
        if comment:
            title = [*(title if commented else []), _text(row[0])]
            section, heading_next = None, True
        elif not _filled(row):
            if section and section.rows and section.title[:1] and section.title[0][0] == "#":
                section, heading_next = None, True
        elif section is None:
            if heading_next or _known(row, known) >= needed:
                section = Section(title, _headings(row))
                found.append(section)
                title, heading_next = [], False
            elif line <= LOOK_AHEAD:
                title.append(" ".join(_text(cell) for cell in row if _text(cell)))
        elif _known(row, known) >= max(2, _filled(row) - 1):
            section = Section([], _headings(row))
            found.append(section)
        else:
            section.rows.append((line, row))
        commented = comment
    return found


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip("\ufeff \t\r\n")


def _filled(row: Sequence[Cell]) -> int:
    return sum(1 for cell in row if _text(cell))


def _known(row: Sequence[Cell], known: frozenset[str]) -> int:
    return sum(1 for cell in row if isinstance(cell, str) and heading(cell).name in known)


def _headings(row: Sequence[Cell]) -> list[Heading]:
    cells = list(row)
    while cells and not _text(cells[-1]):
        cells.pop()
    return [heading(_text(cell)) for cell in cells]
