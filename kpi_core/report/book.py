"""A workbook sheet by sheet: cells by what they are, formats of a language, how it prints.

Every formula is written with the figure that it gives, so that readers that compute nothing show
the figures of the app; every text is harmless in a spreadsheet.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import xlsxwriter
from babel.numbers import get_currency_symbol
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell

from kpi_core.model import Kpi, Unit
from kpi_core.text import Number, exact, harmless, say

LONGEST = 32_000  # characters of a cell; the format knows 32 767
A4 = 9
LOCALES = {"ru": "[$-419]", "en": "[$-409]"}
LINE_HEIGHT = 15
FULL, WIDE = 0.95, 1.1  # letters to a character of width, in a column and over all of them
PALE, LINE, GREY = "#fff6d6", "#d5dae1", "#6b7280"

Result = Number | bool | str | None

# What a cell is, to how it looks beside its number format.
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"valign": "top"},
    "wrapped": {"valign": "top", "text_wrap": True, "align": "left", "indent": 1},
    "centred": {"valign": "top", "align": "center"},
    "right": {"valign": "top", "text_wrap": True, "align": "right"},
    "paragraph": {"valign": "top", "text_wrap": True},
    "note": {"valign": "top", "text_wrap": True, "font_color": GREY, "italic": True},
    "input": {"valign": "top", "bg_color": PALE, "border": 1, "border_color": LINE},
    "total": {"valign": "top", "bold": True, "top": 1},
    "title": {"bold": True, "font_size": 18},
    "section": {"bold": True, "font_size": 13},
    "big": {"bold": True, "font_size": 16, "align": "left"},
    "head": {
        "bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1, "align": "left",
        "indent": 1,
    },
    "head_of_figures": {
        "bold": True, "text_wrap": True, "valign": "bottom", "bottom": 1, "align": "right",
    },
}  # fmt: skip
ACCENTED = frozenset({"title", "section", "head", "head_of_figures"})


@dataclass(frozen=True)
class Book:
    """A workbook under way, in one language."""

    lang: str
    accent: str
    bytes: io.BytesIO
    made: Any  # xlsxwriter's workbook
    formats: dict[tuple[str, str], Any]

    def say(self, key: str, **values: object) -> str:
        """A phrase of the reports."""
        return say(self.lang, f"report.{key}", **values)

    def format(self, look: str, pattern: str) -> Any:
        """The format of a look with a number pattern; the same one for the same two."""
        if (look, pattern) not in self.formats:
            looks = dict(LOOKS[look]) | ({"font_color": self.accent} if look in ACCENTED else {})
            if pattern:
                looks["num_format"] = pattern
            self.formats[look, pattern] = self.made.add_format(looks)
        return self.formats[look, pattern]

    def sheet(self, key: str, widths: Sequence[float]) -> "Sheet":
        """A new sheet, called by the phrase ``sheet_<key>``, with columns of so many characters."""
        name = self.say(f"sheet_{key}")
        made = self.made.add_worksheet(name)
        for column, width in enumerate(widths):
            made.set_column(column, column, width)
        return Sheet(self, name, made, tuple(widths))

    def share(self, digits: int = 1, most: int = 0) -> str:
        """The pattern of a share: so many decimals of percent, `most` where it needs them."""
        return self._locale + _decimals(digits, most) + (r"\ %" if self.lang == "ru" else "%")

    def number(self, digits: int = 0, most: int = 0) -> str:
        """The pattern of a number."""
        return f"{self._locale}#,##{_decimals(digits, most)}"

    @property
    def _locale(self) -> str:
        """Whose separators are meant; spreadsheets that know only their own take those."""
        return LOCALES[self.lang]

    def money(self, currency: str | None, digits: int = 2) -> str:
        """The pattern of money, its sign where people of the language write it."""
        if not currency:
            return self.number(digits)
        sign = str(get_currency_symbol(currency, self.lang))
        if self.lang == "ru":
            return rf'{self.number(digits)}\ "{sign}"'
        space = r"\ " if sign == currency else ""
        return f'{self._locale}"{sign}"{space}#,##{_decimals(digits, 0)}'

    def figure(self, unit: Unit, decimals: int, currency: str | None) -> str:
        """The pattern of a figure of a unit."""
        match unit:
            case Unit.SHARE:
                return self.share(decimals)
            case Unit.MONEY:
                return self.money(currency, decimals)
            case _:
                return self.number(decimals)

    def of_kpi(self, kpi: Kpi, currency: str | None) -> str:
        """The pattern of the values of a KPI."""
        return self.figure(kpi.unit, kpi.decimals, currency)


def book(lang: str, accent: str, properties: Mapping[str, str]) -> Book:
    """A new workbook in memory; nothing in it is taken for a formula or a link by its looks."""
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    made = xlsxwriter.Workbook(data, options)
    made.set_properties(dict(properties))
    made.set_calc_mode("auto")
    return Book(lang, accent, data, made, {})


@dataclass
class Sheet:
    """A sheet under way.

    Attributes:
        widths: of its columns, in characters.
        row: where the next thing goes.
        lines: row to how many lines of text it holds.
        heads: rows of column heads: their row, titles, and the columns that hold figures below.
    """

    book: Book
    name: str
    made: Any  # xlsxwriter's worksheet
    widths: tuple[float, ...]
    row: int = 0
    lines: dict[int, int] = field(default_factory=dict)
    heads: list[tuple[int, tuple[str, ...], set[int]]] = field(default_factory=list)

    @property
    def columns(self) -> int:
        """How many columns are printed."""
        return len(self.widths)

    def text(self, row: int, column: int, said: str, look: str = "plain") -> None:
        """A text that no spreadsheet takes for anything else."""
        safe = harmless(said.encode("utf-8", "replace").decode())[:LONGEST]
        self.made.write_string(row, column, safe, self.book.format(look, ""))
        if "text_wrap" in LOOKS[look]:
            self._needs(row, len(safe) / (FULL * self.widths[column]))

    def _needs(self, row: int, lines: float) -> None:
        self.lines[row] = max(self.lines.get(row, 1), ceil(lines))

    def figure(
        self, row: int, column: int, value: Result, *, pattern: str = "", look: str = "plain"
    ) -> str:
        """A figure as it is; a blank cell where it is missing. Its address."""
        format = self.book.format(look, pattern)
        if pattern:
            self._of_figures(column)
        if value is None:
            self.made.write_blank(row, column, None, format)
        elif isinstance(value, str):
            self.text(row, column, value, look)
        else:
            self.made.write_number(row, column, _float(value), format)
        return cell(row, column)

    def live(
        self,
        row: int,
        column: int,
        formula: str,
        value: Result,
        *,
        pattern: str = "",
        look: str = "plain",
    ) -> str:
        """A formula and what it gives; no text where that is missing. Its address."""
        given = "" if value is None else value
        shown = given if isinstance(given, str | bool) else _float(given)
        if pattern:
            self._of_figures(column)
        self.made.write_formula(row, column, f"={formula}", self.book.format(look, pattern), shown)
        return cell(row, column)

    def named(self, name: str, row: int, column: int) -> None:
        """Give a cell a name, by which formulas of other sheets call it."""
        address = xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)
        self.book.made.define_name(name, f"={quote_sheetname(self.name)}!{address}")

    def head(self, titles: Sequence[str]) -> int:
        """A row of column heads, over figures to the right; the row below."""
        self.heads.append((self.row, tuple(titles), set()))
        self.row += 1
        return self.row

    def _of_figures(self, column: int) -> None:
        if self.heads:
            self.heads[-1][2].add(column)

    def title(self, said: str, note: str = "") -> None:
        """What the sheet answers, a remark below it, and room."""
        self.text(0, 0, said, "title")
        self.made.set_row(0, 26)
        if note:
            self.wide(1, note, "note")
        self.row = 3

    def wide(self, row: int, said: str, look: str = "paragraph") -> None:
        """A paragraph over the whole width, as high as it needs."""
        self.made.merge_range(row, 0, row, self.columns - 1, "", self.book.format(look, ""))
        self.text(row, 0, said, look)
        self.lines[row] = ceil(len(said) / (WIDE * sum(self.widths)))

    def section(self, said: str) -> None:
        """A heading within the sheet, with room above it."""
        self.row += 1
        self.text(self.row, 0, said, "section")
        self.row += 1

    def choice(
        self, row: int, column: int, known: Sequence[str], chosen: str, *, across: int = 1
    ) -> None:
        """A cell, as wide as some columns, that takes one of some words without commas."""
        if across > 1:
            format = self.book.format("input", "")
            self.made.merge_range(row, column, row, column + across - 1, "", format)
        self.text(row, column, chosen, "input")
        self.made.data_validation(
            row, column, row, column, {"validate": "list", "source": list(known)}
        )

    def range(self, first: int, last: int, column: int) -> list[object]:
        """A column of cells, as charts want it."""
        return [self.name, first, column, last, column]

    def done(self, *, frozen: tuple[int, int], repeated: int | None = None, last: int = 0) -> None:
        """Freeze rows and columns, and say how it prints: A4 across, one page wide.

        Args:
            frozen: how many rows and columns stay in sight.
            repeated: the row of heads on top of every page.
            last: the last row to print, where charts stand below the cells.
        """
        made = self.made
        for row, titles, of_figures in self.heads:
            for column, title in enumerate(titles):
                self.text(row, column, title, "head_of_figures" if column in of_figures else "head")
        for row, lines in self.lines.items():
            if lines > 1:
                made.set_row(row, LINE_HEIGHT * lines)
        if any(frozen):
            made.freeze_panes(*frozen)
        made.set_landscape()
        made.set_paper(A4)
        made.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        made.fit_to_pages(1, 0)
        made.print_area(0, 0, max(self.row, last), self.columns - 1)
        made.hide_gridlines(2)
        if repeated is not None:
            made.repeat_rows(repeated)
        made.set_footer(f"&L{self.name}&R&P / &N")


def cell(row: int, column: int) -> str:
    """The address of a cell on its own sheet."""
    return str(xl_rowcol_to_cell(row, column))


def column_of(first: int, last: int, column: int) -> str:
    """The address of the cells of a column, the same wherever a formula stands."""
    ends = (xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True) for row in (first, last))
    return ":".join(ends)


def _decimals(digits: int, most: int) -> str:
    shown = "0" * digits + "#" * (most - digits)
    return f"0.{shown}" if shown else "0"


def _float(value: int | float | Decimal | Fraction) -> float:
    return float(exact(value))
