"""Every export layout: an invented sample beside what reading it must give."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from kpi_core import catalogue
from kpi_core.errors import IngestError
from kpi_core.ingest import Table, Upload, read
from kpi_core.ingest.formats import Kind, dimensions, formats

from .small import all_words

EXPORTS = Path(__file__).parents[1] / "exports"
EXPECTED = sorted(EXPORTS.glob("*/*.toml"))
REFUSED = [path for path in EXPECTED if "error" in tomllib.loads(path.read_text("utf-8"))]
READ = [path for path in EXPECTED if path not in REFUSED]


def sample(expected: Path) -> Path:
    return expected.with_suffix("")


def read_sample(path: Path) -> Upload:
    return read(path.name, path.read_bytes())


def told(table: Table) -> dict[str, Any]:
    """What a table says, in the words of an expectation."""
    totals = {id: table.total(id) for id in table.measures}
    return {
        "format": table.format,
        "rows": table.rows,
        "facts": len(table.facts),
        "period": str(table.period) if table.period else None,
        "stated": table.stated,
        "sparse": table.sparse,
        "currency": table.currency,
        "currencies": {id: sums for id in table.measures if (sums := table.by_currency(id))},
        "vat": table.vat,
        "control": {id: round(total, 6) for id, total in table.control.items()},
        "dimensions": sorted(table.dimensions),
        "channels": sorted(set(table.facts.get("channel", ()))),
        "totals": {id: round(total, 6) for id, total in totals.items() if total is not None},
        "no_total": [id for id, total in totals.items() if total is None],
    }


def wanted(entry: dict[str, Any]) -> dict[str, Any]:
    """An expectation with what it leaves out filled in."""
    left_out = {
        "facts": entry["rows"],
        "period": None,
        "sparse": formats()[entry["format"]].kind not in {Kind.SUMS, Kind.RANKS},
        "currency": None,
        "currencies": {},
        "vat": None,
        "control": {},
        "channels": [],
        "no_total": [],
    }
    return left_out | entry


@pytest.mark.parametrize("path", READ, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_reads_as_expected(path: Path) -> None:
    expected = tomllib.loads(path.read_text("utf-8"))
    upload = read_sample(sample(path))
    assert [told(table) for table in upload.tables] == [wanted(t) for t in expected["tables"]]
    assert (upload.encoding or "") == expected.get("encoding", "")
    assert sorted(finding.code for finding in upload.findings) == expected["findings"]
    left = all_words(upload)
    assert not [secret for secret in expected.get("never_kept", ()) if secret in left]
    said = [{"code": finding.code, **finding.values} for finding in upload.findings]
    for values in expected.get("told", ()):
        assert [each for each in said if {**each, **values} == each], values


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_without_figures_is_refused_by_its_name(path: Path) -> None:
    expected = tomllib.loads(path.read_text("utf-8"))
    with pytest.raises(IngestError) as failed:
        read_sample(sample(path))
    assert failed.value.code == expected["error"]
    if "format" in expected:
        assert failed.value.values["what"] == formats()[expected["format"]].name


def test_every_format_has_a_sample_and_every_sample_an_expectation() -> None:
    expected = [tomllib.loads(path.read_text("utf-8")) for path in READ]
    recognised = {table["format"] for entry in expected for table in entry["tables"]}
    refused = {tomllib.loads(path.read_text("utf-8")).get("format", "table") for path in REFUSED}
    assert recognised | refused == set(formats())
    files = {path for path in EXPORTS.glob("*/*") if path.suffix != ".toml"}
    assert files == {sample(path) for path in EXPECTED}


@pytest.mark.parametrize("path", READ, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_findings_can_be_said_in_both_languages(path: Path) -> None:
    for finding in read_sample(sample(path)).findings:
        assert finding.text("ru")
        assert finding.text("en")


def test_what_a_format_names_is_known_to_the_catalogue() -> None:
    measures = set(catalogue.measures())
    for format in formats().values():
        assert format.counted() <= measures, format.id
        assert {id for names in format.overlap.values() for id in names} <= measures, format.id
        assert {pick.column for pick in format.pick} <= {*dimensions(), *format.columns.values()}
        assert {rate.times for rate in format.rates.values()} <= measures, format.id
