"""Every export layout: an invented sample beside what reading it must give."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from kpi_core import catalogue
from kpi_core.ingest import Table, Upload, read
from kpi_core.ingest.formats import formats

EXPORTS = Path(__file__).parents[1] / "exports"
EXPECTED = sorted(EXPORTS.glob("*/*.toml"))


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
        "sparse": formats()[entry["format"]].sparse,
        "currency": None,
        "channels": [],
        "no_total": [],
    }
    return left_out | entry


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_reads_as_expected(path: Path) -> None:
    expected = tomllib.loads(path.read_text("utf-8"))
    upload = read_sample(sample(path))
    assert [told(table) for table in upload.tables] == [wanted(t) for t in expected["tables"]]
    assert upload.encoding == expected["encoding"]
    assert sorted(finding.code for finding in upload.findings) == expected["findings"]
    kept = "\n".join(table.facts.to_csv() for table in upload.tables)
    assert not [secret for secret in expected.get("never_kept", ()) if secret in kept]


def test_every_format_has_a_sample_and_every_sample_an_expectation() -> None:
    recognised = {tomllib.loads(p.read_text("utf-8"))["tables"][0]["format"] for p in EXPECTED}
    assert recognised == set(formats())
    files = {path for path in EXPORTS.glob("*/*") if path.suffix != ".toml"}
    assert files == {sample(path) for path in EXPECTED}


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_findings_can_be_said_in_both_languages(path: Path) -> None:
    for finding in read_sample(sample(path)).findings:
        assert finding.text("ru")
        assert finding.text("en")


def test_what_a_format_names_is_known_to_the_catalogue() -> None:
    measures = set(catalogue.measures())
    for format in formats().values():
        counted = {rate.measure for rate in format.rates.values()} | set(format.derived)
        counted |= {id for pick in format.picks for id in (*pick.matches, pick.counts)}
        counted |= {rule.measure for rule in format.records} | set(format.steps)
        counted |= {id for names in format.overlap.values() for id in names}
        assert counted <= measures, format.id
        assert {rate.times for rate in format.rates.values()} <= measures, format.id
