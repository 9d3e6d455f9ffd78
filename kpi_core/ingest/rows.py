"""The rows of a sheet, kept by column wherever many of one width follow one another.

A list for each row of a large table is what the garbage collector goes through again and again,
and nearly all that reads a table wants its columns.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import overload

from kpi_core.ingest.values import Cell

FEWEST = 100  # rows of one width that are worth keeping by column


class SheetRows(Sequence[Sequence[Cell]]):
    """Rows in their order: a few of any width, many of one width, a few of any width.

    Where they come as columns, empty cells at their ends are no part of them.

    Attributes:
        head: the rows above the columns; all of them if there are no columns.
        columns: those of the rows in between, all of one length.
        tail: the rows below.
    """

    def __init__(self, head: Iterable[Sequence[Cell]] = ()) -> None:
        self.head: list[Sequence[Cell]] = list(head)
        self.columns: list[list[Cell]] = []
        self.tail: list[Sequence[Cell]] = []
        self._filled = 0  # cells that rows were filled up with

    @classmethod
    def of(cls, rows: Sequence[Sequence[Cell]]) -> "SheetRows":
        """The same rows; those that are kept by column stay what they are."""
        return rows if isinstance(rows, SheetRows) else cls(rows)

    def append(self, row: Sequence[Cell]) -> None:
        """One row more; a short one is filled up, as long as that takes less than the rows do."""
        empty = len(self.columns) - len(row)
        ends = bool(row) and row[-1] is None  # which would be taken for a filled up one
        if not self.columns:
            self.head.append(row)
        elif self.tail or empty < 0 or ends or self._filled + empty > self._height():
            self.tail.append(row)
        else:
            self._filled += empty
            for column, cell in zip(self.columns, chain(row, repeat(None)), strict=False):
                column.append(cell)

    def extend(self, rows: Sequence[Sequence[Cell]]) -> None:
        """More rows: by column if all are as wide as those that are kept so, or the first such."""
        width = len(rows[0]) if rows else 0
        alike = width == len(self.columns) if self.columns else len(rows) >= FEWEST
        if width and alike and not self.tail and set(map(len, rows)) == {width}:
            self.extend_columns(list(zip(*rows, strict=True)))
        elif not self.columns:
            self.head.extend(rows)
        else:
            for row in rows:
                self.append(row)

    def extend_columns(self, columns: Sequence[Sequence[Cell]]) -> None:
        """More rows, given as columns."""
        if not self.columns:
            self.columns = list(map(list, columns))
        elif self.tail or len(columns) != len(self.columns):
            self.tail.extend(map(_trimmed, zip(*columns, strict=True)))
        else:
            for column, more in zip(self.columns, columns, strict=True):
                column.extend(more)

    def join(self, more: "SheetRows") -> None:
        """More rows, of another table of this kind."""
        self.extend(more.head)
        if more.columns:
            self.extend_columns(more.columns)
        self.extend(more.tail)

    def pop(self) -> Sequence[Cell]:
        """The last row, which is taken away."""
        if self.tail:
            return self.tail.pop()
        if not self._height():
            return self.head.pop()
        return _trimmed(column.pop() for column in self.columns)

    def part(self, start: int, stop: int) -> "SheetRows":
        """The rows from `start` to before `stop`."""
        top, bottom = len(self.head), len(self.head) + self._height()
        part = SheetRows(self.head[start:stop])
        low, high = max(start - top, 0), min(stop, bottom) - top
        if low < high:
            part.columns = [column[low:high] for column in self.columns]
        for row in self.tail[max(start - bottom, 0) : max(stop - bottom, 0)]:
            part.append(row)
        return part

    def column(self, at: int) -> list[Cell]:
        """The cells at one place, of the rows that reach so far."""
        kept = self.columns[at] if at < len(self.columns) else []
        above, below = (
            [row[at] for row in rows if at < len(row)] for rows in (self.head, self.tail)
        )
        return [*above, *kept, *below]

    def _height(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __len__(self) -> int:
        return len(self.head) + self._height() + len(self.tail)

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        return chain(self.head, map(_trimmed, zip(*self.columns, strict=True)), self.tail)

    @overload
    def __getitem__(self, at: int) -> Sequence[Cell]: ...
    @overload
    def __getitem__(self, at: slice) -> list[Sequence[Cell]]: ...
    def __getitem__(self, at: int | slice) -> Sequence[Cell] | list[Sequence[Cell]]:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        row = range(len(self))[at]
        if row < len(self.head):
            return self.head[row]
        row -= len(self.head)
        if row < self._height():
            return _trimmed(column[row] for column in self.columns)
        return self.tail[row - self._height()]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it grows


def _trimmed(row: Iterable[Cell]) -> list[Cell]:
    """A row without the empty cells at its end."""
    cells = list(row)
    while cells and cells[-1] is None:
        cells.pop()
    return cells
