"""A CSV export of 2 MB, as most are: recognised, and read."""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

from bench.common import Line, rounds, seconds, timed
from kpi_core.ingest import read
from kpi_core.ingest.formats import Format, known_headings, recognise
from kpi_core.ingest.opening import opened
from kpi_core.ingest.sections import sections

TITLE = "Small files"
SIZE = 2_000_000


def recognised(data: bytes) -> list[Format | None]:
    """The layouts of the tables of a file, and nothing of what is in them."""
    known = known_headings()
    return [
        recognise(section)
        for sheet in opened("table.csv", data, known).sheets
        for section in sections(sheet.rows, known)
    ]


def run(_folder: Path) -> list[Line]:
    """Bytes to facts with all checks; of that, bytes to the name of a layout."""
    pick = random.Random(20261001)  # noqa: S311
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("Date", "Channel", "Device", "Sessions", "Orders", "Revenue", "Cost"))
    rows = 0
    while out.tell() < SIZE:
        rows += 1
        day = date(2025, 1, 1) + timedelta(days=rows % 365)
        names = (pick.choice(["organic", "email", "direct"]), pick.choice(["mobile", "desktop"]))
        money = (round(pick.uniform(0, 9000), 2), round(pick.uniform(0, 900), 2))
        writer.writerow((day, *names, pick.randint(1, 2000), pick.randint(0, 50), *money))
    data = out.getvalue().encode()
    read("warm.csv", data)
    whole, part = rounds(
        lambda: timed(lambda: read("table.csv", data)), lambda: timed(lambda: recognised(data))
    )
    return [
        Line(f"CSV, {rows:,} rows, 2 MB: time", seconds(whole), "–", "–", "< 150 ms"),
        Line("of that, until its layout is recognised", seconds(part), "–", "–", "< 150 ms"),
    ]
