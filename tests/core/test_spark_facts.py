"""The same facts and KPI values of the same files, whether DuckDB adds them up or Spark.

On a Spark Connect server of this machine with two executors, which is started for the test.
"""

import json
import math
import random
import shutil
import socket
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from kpi_core import catalogue
from kpi_core.cli import main
from kpi_core.errors import IngestError
from kpi_core.facts import combine
from kpi_core.ingest import Upload, read_whole
from kpi_core.ingest.spark import read_spark
from kpi_core.kpis import kpi_values
from tests.spark import spark_url  # noqa: F401 - a fixture

from .test_large import text

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.xdist_group("spark")]
SAMPLE = Path(__file__).parents[2] / "sample_data"
CLOSE = 1e-9
HEADINGS = ["Date", "Channel", "Campaign", "Sessions", "Orders", "Cost", "Revenue", "Users"]
ODD = ["", "-", "0", "0.0", "-3", "007", "1e3", "12 345", "NaN", "+5", " 7 ", "999999999999.5",
       "0.1", "0.0000001", "many"]  # fmt: skip


def cube(upload: Upload) -> pd.DataFrame:
    """The facts of the one table, added up by all that tells them apart."""
    (table,) = upload.tables
    keys = ["start", "end", *sorted(table.dimensions)]
    return table.facts.groupby(keys)[sorted(table.measures)].sum(min_count=1).sort_index()


def values(upload: Upload) -> dict[tuple[str, str], float | None]:
    """KPI values by channel, as pay would be computed from them."""
    shop = catalogue.business("shop")
    found = kpi_values(combine([upload]), shop, None, "channel")
    return {
        (row.kpi, row.slice): None if row.value is None else float(row.value) for row in found.rows
    }


def assert_alike(one: Upload, other: Upload) -> None:
    mine, theirs = one.tables[0], other.tables[0]
    assert (mine.format, mine.measures, mine.rows) == (theirs.format, theirs.measures, theirs.rows)
    assert (mine.period, mine.currencies, mine.vat) == (
        theirs.period,
        theirs.currencies,
        theirs.vat,
    )
    pd.testing.assert_frame_equal(cube(one), cube(other), rtol=CLOSE, atol=0, check_exact=False)
    told = values(one)
    assert told.keys() == values(other).keys()
    for key, value in values(other).items():
        assert told[key] == value or math.isclose(told[key], value, rel_tol=CLOSE), key
    assert {f.code for f in one.findings} == {f.code for f in other.findings}


def by_duckdb(path: Path) -> Upload:
    """The file as DuckDB adds it up, whatever its size."""
    return read_whole(path.name, path)


def random_rows(seed: int, count: int) -> list[list[str]]:
    """Rows with nulls, repeated rows and, in one column, whatever people write."""
    chance = random.Random(seed)  # noqa: S311 - the same tables every time
    rows = [
        [
            str(date(2026, 9, 1) + timedelta(days=chance.randrange(40))),
            chance.choice(["organic", "cpc", "Прямые заходы", "", "e-mail"]),
            chance.choice(["осень; 1", 'Say "hi"', "back\\slash", "it's", ""]),
            str(chance.randrange(1000)),
            chance.choice(["", str(chance.randrange(50))]),
            f"{chance.randrange(10**9) / 100:.2f}",
            chance.choice(ODD) if chance.random() < 0.05 and seed % 2 else f"{chance.random():.6f}",
            "5",
        ]
        for _ in range(count)
    ]
    return rows + chance.choices(rows, k=count // 10)


@pytest.mark.parametrize("seed", range(4))
def test_random_text_gives_the_same_facts_and_values(spark_url, tmp_path: Path, seed: int) -> None:  # noqa: F811
    file = tmp_path / "plain.csv"
    rows = random_rows(seed, 2000)
    file.write_text(text([HEADINGS, *rows], ",").replace("\r\n", "\n"), encoding="utf-8")
    assert_alike(read_spark(spark_url, str(file)), by_duckdb(file))


@pytest.mark.parametrize("seed", range(2))
def test_random_parquet_gives_the_same_facts_and_values(spark_url, tmp_path, seed: int) -> None:  # noqa: F811
    """Decimals, floats with a long tail, whole numbers, times, nulls, in three files."""
    chance = random.Random(seed)  # noqa: S311
    n, folder = 3000, tmp_path / "parts"
    folder.mkdir()
    start = datetime(2026, 9, 1)
    table = pa.table({
        "Date": pa.array([start + timedelta(minutes=chance.randrange(60_000)) for _ in range(n)]),
        "Channel": [chance.choice(["organic", "cpc", None]) for _ in range(n)],
        "Sessions": pa.array([chance.choice([None, chance.randrange(10**6)]) for _ in range(n)]),
        "Orders": pa.array([chance.randrange(9) for _ in range(n)], pa.int16()),
        "Cost": pa.array([chance.choice([None, Decimal(chance.randrange(10**9)) / 100])
                          for _ in range(n)], pa.decimal128(18, 4)),
        "Revenue": [chance.choice([0.1, chance.random() * 1e6, float("nan")]) for _ in range(n)],
    })  # fmt: skip
    parts = [folder / f"part-{number}.parquet" for number in range(3)]
    for number, part in enumerate(parts):
        pa.parquet.write_table(table.slice(number * n // 3, n // 3), part)
    assert_alike(read_spark(spark_url, str(folder)), read_whole("parts", tuple(parts)))


@pytest.mark.parametrize("name", ["orders.csv", "direct_campaigns.csv"])
def test_exports_of_the_sample_give_the_same(spark_url, tmp_path: Path, name: str) -> None:  # noqa: F811
    """An order register whose lines tell the order once, and ads with a total row."""
    file = shutil.copy(SAMPLE / "shop" / name, tmp_path)
    assert_alike(read_spark(spark_url, str(file)), by_duckdb(Path(file)))


def test_a_table_is_asked_for_by_its_name(spark_url, tmp_path: Path) -> None:  # noqa: F811
    from pyspark.sql.connect.session import SparkSession

    file = tmp_path / "sales.parquet"
    pd.DataFrame(
        {"Date": pd.to_datetime(["2026-10-01", "2026-10-01"]), "Channel": ["cpc", "cpc"],
         "Clicks": [1, 2], "Cost": [0.1, 0.2]}
    ).to_parquet(file)  # fmt: skip
    session = SparkSession.builder.remote(spark_url).create()
    session.read.parquet(str(file)).write.mode("overwrite").saveAsTable("ad_sales")
    session.stop()
    upload = read_spark(spark_url, "default.ad_sales")
    assert upload.tables[0].total("spend") == 0.3  # 0.1 + 0.2 of floats would not be
    assert upload.name == "default.ad_sales @ 127.0.0.1"


def test_the_command_line_gives_the_same_values(spark_url, tmp_path: Path, capsys) -> None:  # noqa: F811
    file = tmp_path / "plain.csv"
    file.write_text(text([HEADINGS, *random_rows(0, 300)], ",").replace("\r\n", "\n"))
    answers = []
    for engine in ([], ["--engine", spark_url]):
        asked = ["kpis", "--business", "shop", "--json", "--lang", "en", *engine, str(file)]
        assert main(asked) == 0
        answers.append(json.loads(capsys.readouterr().out)["rows"])
    told = [{row["kpi"]: row["value"] for row in rows if row["value"]} for rows in answers]
    assert told[0]
    assert told[0] == pytest.approx(told[1], rel=CLOSE)


# --- what cannot be told is refused


def test_lines_of_an_order_that_differ_are_refused(spark_url, tmp_path: Path) -> None:  # noqa: F811
    heads = ["Name", "Financial Status", "Total", "Created at", "Lineitem name"]
    rows = [["#1", "paid", "10", "2026-10-01 10:00:00 +0300", "a"],
            ["#1", "paid", "12", "2026-10-01 10:00:00 +0300", "b"]]  # fmt: skip
    file = tmp_path / "orders.csv"
    file.write_text(text([heads, *rows], ",").replace("\r\n", "\n"))
    with pytest.raises(IngestError, match="Total"):
        read_spark(spark_url, str(file))


@pytest.mark.parametrize(
    ("line", "code"),
    [('2026-10-02,cpc,"two\nlines",1,2', "lines_torn"), ("2026-10-02,cpc,a,1", "lines_torn"),
     ('2026-10-02,cpc,5" screen,1,2', "lines_torn")],
)  # fmt: skip
def test_lines_that_are_no_records_are_refused(spark_url, tmp_path, line, code) -> None:  # noqa: F811
    file = tmp_path / "torn.csv"
    good = "2026-10-01,cpc,a,1,2\n" * 600  # behind what is looked at first
    file.write_text(f"Date,Channel,Campaign,Clicks,Cost\n{good}{line}\n")
    with pytest.raises(IngestError) as told:
        read_spark(spark_url, str(file))
    assert told.value.code == code


def test_parts_with_other_headings_are_refused(spark_url, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "a.csv").write_text("Date,Channel,Clicks,Cost\n2026-10-01,cpc,1,2\n")
    (tmp_path / "b.csv").write_text("Date,Channel,Cost,Clicks\n2026-10-02,cpc,2,1\n")
    with pytest.raises(IngestError) as told:
        read_spark(spark_url, str(tmp_path / "*.csv"))
    assert told.value.code == "parts_differ"


def test_an_unknown_table_is_told_without_the_address(spark_url) -> None:  # noqa: F811
    with pytest.raises(IngestError) as told:
        read_spark(f"{spark_url}/;user_id=anna;token=s3cret", "no.such_table")
    assert told.value.code in {"place_no_table", "place_failed"}
    assert "s3cret" not in told.value.text("en")


def test_an_unknown_table_of_a_plain_server_is_told(spark_url) -> None:  # noqa: F811
    with pytest.raises(IngestError, match="no such table"):
        read_spark(spark_url, "no_such_table")


@pytest.mark.parametrize("url", ["sc://", "http://localhost", "sc://:15002", "sc://[", "nothing"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(IngestError) as told:
        read_spark(url, "sales")
    assert told.value.code == "spark_address"


def test_a_server_that_is_down_is_told_in_the_readers_language(capsys) -> None:
    pytest.importorskip("pyspark", reason="the extra 'spark' is not installed")
    with socket.socket() as probe:  # a port that nobody listens at
        probe.bind(("127.0.0.1", 0))
        url = f"sc://127.0.0.1:{probe.getsockname()[1]}/;token=s3cret"
        assert main(["kpis", "--business", "shop", "--lang", "ru", "--engine", url, "sales"]) == 2
    told = capsys.readouterr().err
    assert "сервер не отвечает" in told
    assert "s3cret" not in told


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch) -> None:
    pytest.importorskip("pyspark", reason="the extra 'spark' is not installed")
    monkeypatch.setattr("kpi_core.ingest.spark.GREET_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(IngestError) as told:
            read_spark(f"sc://127.0.0.1:{silent.getsockname()[1]}", "sales")
        assert told.value.code in {"place_timed_out", "place_failed"}
