"""5 000 000 rows, from the table to the facts: DuckDB, files in parts, PostgreSQL, Spark Connect.

Spark runs with two executors on this machine (SPARK_HOME names it), PostgreSQL in a new folder;
where there is none, its cells are bare. Memory is that of our own processes, never of a server.
"""

import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from bench.common import ROOT, ROUNDS, Cost, Line, median, process, ratio, seconds
from bench.large_files import ROWS, made
from tests import postgres, spark

TITLE = "Engines"
PARTS = 10
HERE = """
import sys, pathlib
from kpi_core.ingest import read_whole
upload = read_whole("table", tuple(map(pathlib.Path, sys.argv[2:])))
assert upload.tables[0].rows == int(sys.argv[1])
"""
THERE = """
import sys
from kpi_core.ingest.spark import read_spark
upload = read_spark(sys.argv[2], sys.argv[3])
assert upload.tables[0].rows == int(sys.argv[1])
"""
COPIED = """
import sys
from kpi_core.ingest.places import read_place
upload = read_place(sys.argv[2])
assert upload.tables[0].rows == int(sys.argv[1])
"""
FILL = """
import sys, psycopg
with psycopg.connect(sys.argv[1]) as con:
    con.execute("CREATE TABLE given (date date, channel text, device text, sessions bigint, "
                "orders bigint, revenue numeric(12, 2), cost numeric(12, 2))")
    with open(sys.argv[2], "rb") as file, con.cursor() as cursor:
        with cursor.copy("COPY given FROM STDIN (FORMAT csv, HEADER)") as copy:
            while piece := file.read(1 << 20):
                copy.write(piece)
"""
CUBE = """
import sys, pathlib
from kpi_core.ingest import read_whole
facts = read_whole("table", pathlib.Path(sys.argv[1])).tables[0].facts
print(len(facts), facts.memory_usage(deep=True).sum())
"""
NONE = Cost(0, 0)


def run(folder: Path) -> list[Line]:
    """Each turn and turn about; the start of Python included."""
    _, parquet = made(folder)
    table = pyarrow.parquet.read_table(parquet).drop_columns(["Campaign"])
    whole, parts = folder / "whole.parquet", []
    pyarrow.parquet.write_table(table, whole)
    for number in range(PARTS):
        parts.append(folder / f"part-{number}.parquet")
        piece = table.slice(number * ROWS // PARTS, ROWS // PARTS)
        pyarrow.parquet.write_table(piece, parts[-1])
    home = spark.spark_home() if shutil.which("java") else None
    (own := folder / "spark").mkdir()
    programs = postgres.find_postgres()
    with (
        spark.serve(home, own) if home else nullcontext("") as sparks,
        postgres.serve(programs) if programs else nullcontext("") as database,
    ):
        if database:
            text = folder / "whole.csv"
            pyarrow.csv.write_csv(table, text)
            process(FILL, database, str(text))
        taken: list[list[Cost]] = [[], [], [], []]
        for _ in range(ROUNDS):
            taken[0].append(process(HERE, str(ROWS), str(whole)))
            taken[1].append(process(HERE, str(ROWS), *map(str, parts)))
            taken[2].append(process(THERE, str(ROWS), sparks, str(whole)) if sparks else NONE)
            asked = f"{database}?table=given"
            taken[3].append(process(COPIED, str(ROWS), asked) if database else NONE)
    here, apart, there, copied = map(median, taken)
    rows, size = map(int, _said(CUBE, str(whole)).split())
    return [
        Line(f"Parquet, {ROWS:,} rows, DuckDB beside Spark with two executors: time",
             seconds(here), _shown(there, seconds(there)), ratio(here.seconds, there.seconds), "–"),
        Line("the same: rows a second", f"{ROWS / here.seconds:,.0f}",
             _shown(there, f"{ROWS / (there.seconds or 1):,.0f}"),
             ratio(there.seconds, here.seconds), "–"),
        Line("the same: peak memory of our own processes", f"{here.megabytes:.0f} MB",
             _shown(there, f"{there.megabytes:.0f} MB"),
             ratio(here.megabytes, there.megabytes), "–"),
        Line("the same: a table of PostgreSQL, copied and added up, beside the file: time",
             _shown(copied, seconds(copied)), seconds(here),
             ratio(copied.seconds, here.seconds), "–"),
        Line("the same: its peak memory of our own processes",
             _shown(copied, f"{copied.megabytes:.0f} MB"), f"{here.megabytes:.0f} MB",
             ratio(copied.megabytes, here.megabytes), "–"),
        Line(f"the same in {PARTS} parts beside one file: time", seconds(apart), seconds(here),
             ratio(apart.seconds, here.seconds), "≤ 1.2"),
        Line(f"what stays: {rows:,} facts beside the file", f"{size / 1e6:.1f} MB",
             f"{whole.stat().st_size / 1e6:.0f} MB", ratio(size, whole.stat().st_size), "–"),
    ]  # fmt: skip


def _shown(cost: Cost, figure: str) -> str:
    return figure if cost.seconds else "–"


def _said(code: str, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
