"""Tables for other programs hold the figures of the report, and nothing that a spreadsheet runs."""

import csv
import io
import math
import zipfile
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core.cli import main
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.plan import default_plan
from kpi_core.report import gather
from kpi_core.report.tables import (
    Table,
    archive,
    as_csv,
    as_parquet,
    facts_table,
    values,
    write_csv,
    write_parquet,
)
from tests.core.reported import BUSINESSES, SAMPLES, hostile, reported, sample


def lines(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def frame(data: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(data))


@pytest.mark.parametrize("business", BUSINESSES)
def test_each_kpi_value_has_its_row_with_its_exact_figure(business: str) -> None:
    report = reported(business, "en")
    rows = {row["kpi"]: row for row in lines(write_csv(report, "kpis")) if not row["by"]}
    totals = report.values.totals()
    assert set(rows) == set(totals)
    for id, own in totals.items():
        row = rows[id]
        assert (row["value"] == "") == (own.value is None)
        if own.value is not None:
            assert float(row["value"]) == float(own.value)
        assert row["unit"] == own.unit
        assert row["currency"] == (own.currency or "")
        assert row["variant"] == own.variant
        heard = {name for given in own.inputs.values() for name in given.sources}
        assert set(filter(None, row["sources"].split(", "))) == heard
        assert (row["start"], row["end"]) == ("2026-10-01", "2026-10-31")


@pytest.mark.parametrize("business", BUSINESSES)
def test_months_and_channels_have_rows_of_their_own(business: str) -> None:
    report = reported(business, "en")
    rows = lines(write_csv(report, "kpis"))
    months = {(row["kpi"], row["slice"]): row["value"] for row in rows if row["by"] == "month"}
    for own in report.trend:
        for point in own.points:
            if point.whole and point.value is not None:
                assert float(months[own.kpi.id, point.slice]) == point.value
    assert report.channels
    told = {(row["kpi"], row["slice"]) for row in rows if row["by"] == "channel"}
    assert told == {
        (id, part.slice)
        for part in report.channels.parts
        for id, own in part.values.items()
        if own.value is not None
    }


@pytest.mark.parametrize("business", BUSINESSES)
def test_parquet_holds_what_csv_holds(business: str) -> None:
    report = reported(business, "ru")
    rows, table = lines(write_csv(report, "kpis")), frame(write_parquet(report, "kpis"))
    assert list(table.columns) == list(rows[0])
    assert len(table) == len(rows)
    for row, (_, own) in zip(rows, table.iterrows(), strict=True):
        assert row["name"] == own["name"]
        assert row["start"] == own["start"].isoformat()
        figure: Any = own["value"]
        assert (row["value"] == "") == math.isnan(figure)
        assert row["value"] == "" or float(row["value"]) == figure


@pytest.mark.parametrize("business", BUSINESSES)
def test_the_facts_add_up_to_those_of_the_files(business: str) -> None:
    facts = sample(business)[0]
    rows = lines(as_csv(facts_table(facts)))
    assert len(rows) == sum(len(stream.frame) for stream in facts.streams)
    for stream in facts.streams:
        own = [
            row for row in rows
            if (row["source"], row["level"]) == (stream.source, ", ".join(stream.dimensions))
        ]  # fmt: skip
        for id in stream.measures:
            total = math.fsum(float(row[id]) for row in own if row[id])
            assert total == pytest.approx(float(stream.frame[id].sum()), rel=1e-12)


def test_what_a_file_does_not_say_is_empty_and_what_it_says_is_zero_is_zero() -> None:
    data = b"date,sessions,orders\n2026-10-01,10,0\n2026-10-02,,3\n"
    rows = lines(as_csv(facts_table(combine([read("days.csv", data)]))))
    assert [(row["start"], row["sessions"], row["orders"]) for row in rows] == [
        ("2026-10-01", "10.0", "0.0"), ("2026-10-02", "", "3.0")
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_no_text_is_a_formula(text: str) -> None:
    table = Table({"name": str, "value": float}, ((text, Fraction(-5)),))
    row = lines(as_csv(table))[0]
    assert row["name"].startswith("'")
    assert row["value"] == "-5"
    assert frame(as_parquet(table))["name"][0] == text


def test_a_campaign_that_looks_like_a_formula_stays_text() -> None:
    data = b"date,campaign,clicks,spend\n2026-10-01,=HYPERLINK(1),10,5\n2026-10-02,-x,3,1\n"
    rows = lines(as_csv(facts_table(combine([read("ads.csv", data)]))))
    assert {row["campaign"] for row in rows} == {"'=HYPERLINK(1)", "'-x"}


def test_hostile_names_are_cells_like_others() -> None:
    report = hostile()
    rows = lines(write_csv(report, "kpis"))
    assert len(rows) == len(values(report).rows)
    assert all(len(row) == len(values(report).columns) for row in rows)


@given(st.fractions(), st.integers(min_value=1, max_value=10**15))
def test_a_figure_is_written_exactly_enough(small: Fraction, large: int) -> None:
    for figure in (small, small * large, Fraction(1, large), Fraction(large, 100)):
        table = Table({"value": float}, ((figure,),))
        written = lines(as_csv(table))[0]["value"]
        assert "e" not in written.casefold()
        assert abs(Fraction(written) - figure) <= abs(figure) / 10**27
        assert float(written) == float(figure)
        assert frame(as_parquet(table))["value"][0] == float(figure)


def test_a_table_without_rows_has_its_columns() -> None:
    table = facts_table(combine([]))
    assert as_csv(table).decode("utf-8-sig").startswith("source,level,start,end")
    assert list(frame(as_parquet(table)).columns) == list(table.columns)


def test_nothing_known_of_a_period_is_empty() -> None:
    report = gather(combine([]), [], default_plan("shop"), None, "en")
    assert {row["start"] for row in lines(write_csv(report, "kpis"))} == {""}


def test_an_archive_holds_both_tables_both_ways_and_is_the_same_each_time() -> None:
    report = reported("portal", "ru")
    data = archive(report)
    assert data == archive(report)
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        held = {name: made.read(name) for name in made.namelist()}
    assert set(held) == {"kpis.csv", "kpis.parquet", "facts.csv", "facts.parquet"}
    assert held["kpis.csv"] == write_csv(report, "kpis")
    assert len(frame(held["facts.parquet"])) == len(lines(held["facts.csv"]))
    assert frame(held["facts.parquet"])["start"][0] == date(2025, 10, 1)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "zip", "ipynb", "py"])
def test_the_command_line_writes_each_kind(suffix: str, tmp_path: Path) -> None:
    plan, to = tmp_path / "plan.json", tmp_path / f"report.{suffix}"
    plan.write_text(default_plan("portal").as_json(), "utf-8")
    files = [str(SAMPLES / "portal" / upload.name) for upload in sample("portal")[1]]
    assert main(["report", "--plan", str(plan), "--to", str(to), *files]) == 0
    assert to.stat().st_size > 1000
