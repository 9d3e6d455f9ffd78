"""Every kind of file that a report can be: one list, read by the command line and by the page."""

from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module

from kpi_core.report.content import ALL, Part, Report

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Use(StrEnum):
    """What a file is for."""

    READ = "read"  # to be read, printed, signed
    COMPUTE = "compute"  # goes on computing
    TABLES = "tables"  # for other programs


@dataclass(frozen=True)
class Form:
    """A kind of file.

    Attributes:
        id: of the form; its name and what it is for are the phrases called so.
        suffix: that its name ends in.
        media: its type, as browsers call it.
        writer: module of this package and function in it: a report, and `kind` if there is one,
            to bytes. Imported when a file is asked for.
        parts: that it can hold; of a report with more, the others are not in it.
        kind: which of the forms with this suffix, by the word of the command line; empty where
            there is one only.
        branded: whether it bears a logo and an accent.
    """

    id: str
    use: Use
    suffix: str
    media: str
    writer: tuple[str, str] = field(repr=False)
    parts: frozenset[Part] = ALL
    kind: str = ""
    branded: bool = False

    def write(self, report: Report) -> bytes:
        """The file."""
        module, function = self.writer
        found = getattr(import_module(f"kpi_core.report.{module}"), function)
        return bytes(found(report, self.kind) if self.kind else found(report))


def _pdf(kind: str, *parts: Part) -> Form:
    held, writer = frozenset(parts) or ALL, ("pdf", "pdf")
    return Form(kind, Use.READ, ".pdf", "application/pdf", writer, held, kind, branded=True)


def _anew(suffix: str, media: str, function: str) -> Form:
    held = frozenset({Part.SCORE, Part.BONUS, Part.FUNNEL, Part.SCENARIOS})
    return Form(suffix, Use.COMPUTE, f".{suffix}", media, ("notebook", function), held)


def _table(kind: str, suffix: str, media: str, *parts: Part) -> Form:
    writer = ("tables", f"write_{suffix}")
    id = f"{kind}_{suffix}"
    return Form(id, Use.TABLES, f".{suffix}", media, writer, frozenset(parts), kind)


_CUT = (Part.CHANNELS, Part.TREND)  # by what the table of KPI values has rows beside the totals
_PARQUET = "application/vnd.apache.parquet"

# In the order in which they are offered; of several with one suffix the first is the usual one.
FORMS: tuple[Form, ...] = (
    _pdf("full"),
    _pdf("summary", Part.SCORE, Part.BONUS, Part.SCENARIOS, Part.DATA),
    _pdf("statement", Part.BONUS, Part.PEOPLE),
    _pdf("slides", Part.SCORE, Part.BONUS, *_CUT, Part.FUNNEL, Part.SCENARIOS),
    Form("html", Use.READ, ".html", "text/html", ("html", "html"), branded=True),
    Form("xlsx", Use.COMPUTE, ".xlsx", XLSX, ("xlsx", "workbook"), branded=True),
    _anew("ipynb", "application/x-ipynb+json", "notebook"),
    _anew("py", "text/x-python", "script"),
    Form(
        "zip", Use.TABLES, ".zip", "application/zip", ("tables", "archive"),
        frozenset({*_CUT, Part.SCENARIOS}),
    ),
    _table("kpis", "csv", "text/csv", *_CUT),
    _table("facts", "csv", "text/csv"),
    _table("kpis", "parquet", _PARQUET, *_CUT),
    _table("facts", "parquet", _PARQUET),
)  # fmt: skip
SUFFIXES = tuple(dict.fromkeys(form.suffix for form in FORMS))


def kinds(suffix: str) -> tuple[str, ...]:
    """The words by which forms of a suffix are told apart; none where there is one only."""
    return tuple(form.kind for form in FORMS if form.suffix == suffix and form.kind)
