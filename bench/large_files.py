"""5 000 000 rows: our guarded, counted reduction against one bare statement of DuckDB."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from bench.common import Line, process, ratio, rounds, seconds

ROWS = 5_000_000
TITLE = "Large files"
HAND = """
import sys, duckdb
con = duckdb.connect(config={"threads": 2})
con.execute("SELECT Date, Channel, Device, sum(Sessions), sum(Orders), sum(Revenue), sum(Cost), "
            f"count(*) FROM read_{sys.argv[2]}(?) GROUP BY ALL", [sys.argv[1]]).fetchall()
"""
OURS = """
import sys, pathlib
from kpi_core.ingest import bulk as b
names = ("Date", "Channel", "Device", "Campaign", "Sessions", "Orders", "Revenue", "Cost")
uses = [b.Day(0), b.Key(1), b.Key(2), b.Sum(4), b.Sum(5), b.Sum(6, "."), b.Sum(7, ".")]
path = pathlib.Path(sys.argv[1])
if path.suffix == ".csv":
    done = b.reduce_text(path, b.Dialect("utf-8", ",", names, 1), uses)
else:
    done = b.reduce_parquet(path, names, uses)
assert done.records == int(sys.argv[2])
"""
EMPTY = "import kpi_core.ingest.bulk"


def made(folder: Path) -> tuple[Path, Path]:
    """The table as CSV (about 350 MB) and as Parquet."""
    rng = np.random.default_rng(20261001)

    def texts(values: list[str]) -> pa.Array:
        return pa.array(values).take(pa.array(rng.integers(0, len(values), ROWS)))

    days = [str(day) for day in np.arange("2025-01-01", "2026-01-01", dtype="datetime64[D]")]
    channels = ["organic", "paid search", "email", "direct", "social", "referral"]
    table = pa.table({
        "Date": texts(days),
        "Channel": texts(channels),
        "Device": texts(["desktop", "mobile", "tablet"]),
        "Campaign": texts([f"campaign_{n:04d}" for n in range(500)]),
        "Sessions": rng.integers(1, 2000, ROWS),
        "Orders": rng.integers(0, 50, ROWS),
        "Revenue": np.round(rng.gamma(2, 500, ROWS), 2),
        "Cost": np.round(rng.gamma(2, 50, ROWS), 2),
    })  # fmt: skip
    text, parquet = folder / "large.csv", folder / "large.parquet"
    pa.csv.write_csv(table, text)
    pa.parquet.write_table(table, parquet)
    return text, parquet


def run(folder: Path) -> list[Line]:
    """CSV against the bare statement, Parquet against our CSV; start of Python included.

    A bare statement over the Parquet tells how much of the CSV's time nothing can be below.
    """
    text, parquet = made(folder)
    ours, hand, packed, hand_packed, start = rounds(
        lambda: process(OURS, str(text), str(ROWS)),
        lambda: process(HAND, str(text), "csv"),
        lambda: process(OURS, str(parquet), str(ROWS)),
        lambda: process(HAND, str(parquet), "parquet"),
        lambda: process(EMPTY),
    )
    size = text.stat().st_size / 1e6
    warm, warm_packed = ours.seconds - start.seconds, packed.seconds - start.seconds
    return [
        Line(f"CSV, {ROWS:,} rows, {size:.0f} MB: time", seconds(ours), seconds(hand),
             ratio(ours.seconds, hand.seconds), "≤ 1.5"),
        Line("the same without the start of our program", f"{warm:.2f} s", seconds(hand),
             ratio(warm, hand.seconds), "≤ 1.5"),
        Line("the same: peak memory of all processes", f"{ours.megabytes:.0f} MB",
             f"{hand.megabytes:.0f} MB", ratio(ours.megabytes, hand.megabytes), "≤ 1.5"),
        Line("Parquet against our CSV: time", seconds(packed), seconds(ours),
             ratio(packed.seconds, ours.seconds), "≤ 0.2"),
        Line("the same without the start of the program", f"{warm_packed:.2f} s", f"{warm:.2f} s",
             ratio(warm_packed, warm), "≤ 0.2"),
        Line("a bare statement over the Parquet against our CSV without that start",
             seconds(hand_packed), f"{warm:.2f} s", ratio(hand_packed.seconds, warm), "–"),
        Line("Parquet: peak memory of all processes", f"{packed.megabytes:.0f} MB",
             f"{ours.megabytes:.0f} MB", ratio(packed.megabytes, ours.megabytes), "–"),
    ]  # fmt: skip
