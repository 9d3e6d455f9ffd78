"""Tables that lie elsewhere than in one file: folders of parts, PostgreSQL."""

import json
import random
import socket
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kpi_core.cli import main
from kpi_core.errors import IngestError
from kpi_core.ingest import Upload, read, read_path
from kpi_core.ingest.places import read_place
from tests.postgres import postgres_url  # noqa: F401 - a fixture

from .test_large import cube, text

HEADINGS = ["Date", "Channel", "Campaign", "Clicks", "Cost (USD)"]


def rows(seed: int, count: int) -> list[list[str]]:
    chance = random.Random(seed)  # noqa: S311 - the same tables every time
    return [
        [
            str(date(2026, 9, 1) + timedelta(days=chance.randrange(40))),
            chance.choice(["organic", "cpc", "Прямые заходы", ""]),
            chance.choice(["осень, 1", 'Say "hi"', "two\nlines"]),
            str(chance.randrange(100)),
            f"{chance.randrange(10_000) / 100:.2f}",
        ]
        for _ in range(count)
    ]


def assert_same(one: Upload, other: Upload) -> None:
    pd.testing.assert_frame_equal(cube(one), cube(other))
    mine, theirs = one.tables[0], other.tables[0]
    assert (mine.rows, mine.period, mine.currencies) == (
        theirs.rows,
        theirs.period,
        theirs.currencies,
    )


# --- folders


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_text_in_parts_is_the_table_in_one_piece(tmp_path: Path, encoding: str) -> None:
    """The days of the parts overlap: they are no downloads that correct each other."""
    table = rows(1, 300)
    for number in range(3):
        part = text([HEADINGS, *table[number::3]], ";").rstrip("\r\n")
        (tmp_path / f"part-{number}.csv").write_bytes(part.encode(encoding))
    whole = read("whole.csv", text([HEADINGS, *table], ";").encode(encoding))
    for place in (tmp_path, tmp_path / "part-*.csv", tmp_path / "part-?.csv"):
        assert_same(read_place(str(place)), whole)


def test_parquet_in_parts_is_the_table_in_one_piece(tmp_path: Path) -> None:
    table = pd.DataFrame(rows(2, 300), columns=HEADINGS)
    table["Date"] = pd.to_datetime(table["Date"])
    table = table.astype({"Clicks": int, "Cost (USD)": float})
    for number in range(3):
        table.iloc[number::3].to_parquet(tmp_path / f"[{number}].parquet", index=False)
    (tmp_path / "_SUCCESS").write_text("")
    table.to_parquet(tmp_path.with_suffix(".parquet"), index=False)
    parts = read_place(str(tmp_path))
    assert_same(parts, read_path(tmp_path.with_suffix(".parquet")))
    assert parts.digest == read_place(str(tmp_path)).digest


def test_lines_of_an_order_in_two_parts_are_one_order(tmp_path: Path) -> None:
    heads = "Name,Financial Status,Total,Created at,Lineitem name\n"
    (tmp_path / "1.csv").write_text(heads + "#1,paid,10,2026-10-01 10:00:00 +0300,a\n")
    (tmp_path / "2.csv").write_text(heads + "#1,,,,b\n#2,paid,5,2026-10-02 10:00:00 +0300,a\n")
    (table,) = read_place(str(tmp_path)).tables
    assert (table.total("orders"), table.total("revenue")) == (2, 15)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "place_no_files"),
        ({"a.csv": "Date,Clicks\n2026-10-01,1\n", "b.parquet": ""}, "place_mixed"),
        ({"a.csv": "Date,Clicks,Cost\n2026-10-01,1,2\n",
          "b.csv": "Date,Cost,Clicks\n2026-10-01,2,1\n"}, "parts_differ"),
        ({"a.csv": "Date,Clicks,Cost\n2026-10-01,1,2\n",
          "b.csv": "Date;Clicks;Cost\n2026-10-01;1;2\n"}, "parts_differ"),
    ],
)  # fmt: skip
def test_what_is_no_table_in_parts_is_refused(tmp_path: Path, files, code: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(IngestError) as told:
        read_place(str(tmp_path))
    assert told.value.code == code
    assert str(tmp_path.parent) not in told.value.text("en")  # the name, not the way to it


def test_parquet_parts_of_different_columns_are_refused(tmp_path: Path) -> None:
    one = pd.DataFrame({"Date": ["2026-10-01"], "Clicks": [1], "Cost": [2.5]})
    one.to_parquet(tmp_path / "a.parquet")
    one.rename(columns={"Clicks": "Orders"}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(IngestError, match=r"b\.parquet"):
        read_place(str(tmp_path))


def test_the_command_line_reads_a_folder(tmp_path: Path, capsys) -> None:
    for number in range(2):
        content = text([HEADINGS, *rows(number, 50)], ",")
        (tmp_path / f"{number}.csv").write_bytes(content.encode())
    assert main(["read", "--json", "--from", str(tmp_path / "*.csv")]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["tables"][0]["rows"] == 100
    assert main(["kpis", "--business", "shop", "--lang", "en"]) == 2
    assert "Name files" in capsys.readouterr().err


# --- PostgreSQL

TABLE = """
    CREATE SCHEMA "Shop; --";
    CREATE TABLE "Shop; --"."Sales "";2026" (
        "Date" date, "Channel" text, "Campaign" text, "Clicks" bigint, "Cost (USD)" numeric(12, 4),
        "E-mail" text)
"""


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> str:  # noqa: F811
    """The address of a database with a table of a name that would harm if it were pasted."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as con:
        con.execute("CREATE DATABASE shop")
    url = postgres_url.rpartition("/")[0] + "/shop"
    with psycopg.connect(url) as con:
        con.execute(TABLE)
        with con.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO "Shop; --"."Sales "";2026" VALUES (%s, %s, %s, %s, %s, %s)',
                [(*row, "someone@mail.test") for row in rows(3, 500)],
            )
        con.execute("CREATE TABLE visits (date timestamptz, channel text, clicks int)")
        con.execute("ALTER DATABASE shop SET timezone = 'Europe/Moscow'")
        con.execute("INSERT INTO visits VALUES ('2026-09-30 22:30:00+00', 'cpc', 5)")
        con.execute("CREATE ROLE anna LOGIN PASSWORD 'p@ss/word'")
    return url


def test_a_table_of_postgresql_is_what_its_export_is(shop: str) -> None:
    upload = read_place(f'{shop}?table=Shop%3B --.Sales "%3B2026')
    export = read("a.csv", text([HEADINGS, *rows(3, 500)], ",").encode())
    assert_same(upload, export)
    assert "someone" not in upload.tables[0].facts.to_csv()
    assert "personal_dropped" in {finding.code for finding in upload.findings}


def test_days_of_times_with_a_zone_are_those_of_the_database(shop: str) -> None:
    """Half past ten in the evening in London is the next day in Moscow."""
    (table,) = read_place(f"{shop}?table=visits").tables
    assert table.facts["start"].dt.date.tolist() == [date(2026, 10, 1)]
    assert table.total("clicks") == 5


def test_a_password_with_strange_letters_is_one_and_what_it_may_not_read_is_not_there(shop) -> None:
    anna = shop.replace(shop[13 : shop.index("@")], "anna:p%40ss%2Fword")
    with pytest.raises(IngestError) as told:
        read_place(f"{anna}?table=visits")
    assert told.value.code == "place_no_table"


@pytest.mark.parametrize(
    "table", ["nothing", "no.such", "visits; DROP TABLE visits", "pg_class) TO '/tmp/x' --"]
)
def test_a_table_that_is_not_there_is_told_and_nothing_else_is_done(shop: str, table: str) -> None:
    with pytest.raises(IngestError) as told:
        read_place(f"{shop}?table={table.replace(';', '%3B')}")
    assert told.value.code == "place_no_table"
    assert read_place(f"{shop}?table=visits").tables[0].rows == 1


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_wrong_password_is_told_without_it(shop: str, lang: str, capsys) -> None:
    wrong = shop.replace(":kpi-of-tests@", ":s3cret@")
    assert wrong != shop
    asked = ["kpis", "--business", "shop", "--lang", lang, "--from", f"{wrong}?table=visits"]
    assert main(asked) == 2
    told = capsys.readouterr().err
    assert {"ru": "пароль", "en": "password"}[lang] in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    "address",
    ["postgresql://", "postgresql://db", "postgresql://db/shop", "postgresql:///shop?table=a",
     "postgresql://%2Ftmp/shop?table=a", "postgresql://db:x/shop?table=a",
     "postgresql://a,b/shop?table=a", "postgresql://db/shop?table=a&passfile=/etc/passwd",
     "postgresql://db/shop?host=other&table=a", "postgresql://[/shop?table=a"],
)  # fmt: skip
def test_an_address_that_says_too_little_or_too_much_is_refused(address: str) -> None:
    with pytest.raises(IngestError) as told:
        read_place(address)
    assert told.value.code == "place_address"


def test_a_server_that_is_down_is_told_without_the_address() -> None:
    pytest.importorskip("psycopg", reason="the extra 'server' is not installed")
    with socket.socket() as probe:  # a port that nobody listens at
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(IngestError) as told:
            read_place(f"postgresql://anna:s3cret@127.0.0.1:{port}/shop?table=a")
    assert told.value.code == "place_unreachable"
    assert not {"s3cret", "anna"} & set(told.value.text("ru").replace("@", " ").split())


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch) -> None:
    pytest.importorskip("psycopg", reason="the extra 'server' is not installed")
    monkeypatch.setattr("kpi_core.ingest.database.CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(IngestError) as told:
            read_place(f"postgresql://anna:s3cret@127.0.0.1:{port}/shop?table=a")
    assert told.value.code == "place_timed_out"


@pytest.mark.slow
def test_a_large_table_of_postgresql_stays_out_of_memory(shop: str) -> None:
    """A million rows come through a process that may take a tenth of what they are."""
    import subprocess
    import sys

    import psycopg

    with psycopg.connect(shop) as con:
        con.execute(
            "CREATE TABLE large AS SELECT date '2026-09-01' + (n % 30) AS date, "
            "'cpc' AS channel, n % 7 AS clicks, 0.25 AS spend, repeat('x', 100) AS note "
            "FROM generate_series(1, 1000000) AS n"
        )
    code = (
        "import sys, resource; from kpi_core.ingest.places import read_place\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "(table,) = read_place(sys.argv[1]).tables\n"
        "print(table.rows, table.total('spend'), "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, f"{shop}?table=large"], capture_output=True, text=True,
        check=True, cwd=Path(__file__).parents[2],
    ).stdout.split()  # fmt: skip
    assert said[:2] == ["1000000", "250000.0"]
    assert int(said[2]) < 200_000  # kB; the table is 130 MB of text
