"""What is read and how sure we are, as the table of ``docs/formats.md``."""

from kpi_core import catalogue
from kpi_core.ingest.formats import Format, Kind, formats
from kpi_core.ingest.headings import heading
from kpi_core.ingest.ranks import TOP, TRACKED

_SURE = {
    "A": "real files seen",
    "B": "parsers or vendor's code seen",
    "C": "documented by the vendor",
    "D": "not confirmed: read by headings, and the reader is told so",
}
_ROW = {
    Kind.SUMS: "sums of a day or period",
    Kind.RECORDS: "one record",
    Kind.EVENTS: "one event",
    Kind.RANKS: "a phrase and a day",
    Kind.ANSWERS: "one respondent",
    Kind.REFUSED: "no figures: refused by name",
}

_ANY = "whatever its headings name"


def markdown() -> str:
    """The whole page; a test holds it to the format files."""
    rows = [
        f"| {format.name['en']}{_also(format)} | {_ROW[format.kind]} | {_measures(format)} "
        f"| {format.evidence}: {_SURE[format.evidence]} |"
        for format in sorted(formats().values(), key=lambda format: format.name["en"].casefold())
    ]
    return "\n".join([*_HEAD, *rows, ""])


_HEAD = (
    "# What is read",
    "",
    "Generated from `kpi_core/ingest/formats/*.toml` by `python -m kpi_core formats`; a test keeps",
    "it so. Each format has an invented sample and what reading it must give in `tests/exports/`.",
    "Any other table with known headings is read as a plain table; for the rest there is the",
    "mapping editor on the Data page, which writes files of the same kind.",
    "",
    "| Export | A row is | Measures | How sure |",
    "| --- | --- | --- | --- |",
)


def _also(format: Format) -> str:
    return f" ({format.name['ru']})" if format.name["ru"] != format.name["en"] else ""


def _measures(format: Format) -> str:
    if format.kind is Kind.REFUSED:
        return "–"
    known = catalogue.measures()
    headings = [*format.columns, *(name for choice in format.has for name in sorted(choice))]
    headings += sorted(format.any)
    meant = [format.target(heading(name)) for name in headings]
    of_kind = (*TRACKED, *TOP) if format.kind is Kind.RANKS else ()
    named = [id for id in (*meant, *sorted(format.counted()), *of_kind) if id in known]
    return ", ".join(dict.fromkeys(known[id].name["en"] for id in named)) or _ANY
