"""Tables small enough to add up by hand, in the layouts that systems export."""

from dataclasses import replace
from textwrap import dedent

from kpi_core import catalogue
from kpi_core.facts import Facts, combine
from kpi_core.ingest import Upload, read
from kpi_core.kpis import Settings, Values, kpi_values
from kpi_core.model import parse_period


def facts(*texts: str) -> Facts:
    """The facts of CSV files, in order of upload."""
    files = [(f"{number}.csv", dedent(text).strip()) for number, text in enumerate(texts, start=1)]
    return combine([read(name, text.encode()) for name, text in files])


def export(name: str, text: str, **changes: object) -> Upload:
    """A file as read, with fields of its tables as another system would fill them."""
    upload = read(name, dedent(text).strip().encode())
    return replace(upload, tables=tuple(replace(table, **changes) for table in upload.tables))


def values(
    facts: Facts,
    *kpis: str,
    period: str | None = None,
    by: str | None = None,
    settings: Settings | None = None,
) -> Values:
    """The values of `kpis`, read as no business type in particular reads them."""
    business = next(iter(catalogue.businesses().values()))
    asked = parse_period(period) if period else None
    return kpi_values(facts, business, asked, by, settings=settings, kpis=kpis)


def value(facts: Facts, kpi: str, period: str | None = None, **options: object) -> float | None:
    """The total of one KPI as a plain number."""
    found = values(facts, kpi, period=period, settings=Settings(**options)).total(kpi).value
    return None if found is None else float(found)


def by_slice(facts: Facts, kpi: str, by: str, period: str | None = None) -> dict[str, float | None]:
    """Slice to value of one KPI, the total among them."""
    rows = values(facts, kpi, by=by, period=period).rows
    return {row.slice: None if row.value is None else float(row.value) for row in rows}


def all_words(upload: Upload) -> str:
    """Everything that is left of a file: what is told of it, and the facts with their labels.

    Without the digest and the keys of records and customers, in which any short word may stand by
    chance: they are numbers.
    """
    said = [repr(replace(upload, digest="")), *map(repr, (f.values for f in upload.findings))]
    said += [finding.text(lang) for finding in upload.findings for lang in ("ru", "en")]
    for table in upload.tables:
        keys = [key for key in ("record", "customer") if key in table.facts]
        assert (table.facts[keys].dtypes == "uint64").all()
        said.append(table.facts.drop(columns=keys).to_csv())
    return "\n".join(said)


def codes(found: Values) -> set[str]:
    """What the values find odd."""
    return {finding.code for finding in found.findings}


def daily(*columns: str, rows: dict[int, tuple[object, ...]], month: str = "2026-10") -> str:
    """A tidy table of days of a month: `rows` is day to figures."""
    lines = [f"{month}-{day:02},{','.join(map(str, figures))}" for day, figures in rows.items()]
    return "\n".join([f"Date,{','.join(columns)}", *lines])
