"""A workbook of 100 000 rows: our guarded reading against the bare reader it uses."""

import random
from datetime import date, timedelta
from pathlib import Path

import xlsxwriter
from python_calamine import CalamineWorkbook

from bench.common import Line, ratio, rounds, seconds, timed
from kpi_core.ingest import read

ROWS = 100_000
TITLE = "Workbooks"
HEADINGS = ("Date", "Channel", "Device", "Campaign", "Sessions", "Orders", "Revenue", "Cost",
            "Clicks", "Impressions")  # fmt: skip


def run(folder: Path) -> list[Line]:
    """Bytes to facts, against bytes to lists of cells."""
    path = folder / "table.xlsx"
    pick = random.Random(20261001)  # noqa: S311
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        form = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, HEADINGS)
        for row in range(1, ROWS + 1):
            day = date(2025, 1, 1) + timedelta(days=row % 365)
            sheet.write_datetime(row, 0, day, form)  # type: ignore[arg-type]
            names = (
                pick.choice(["organic", "email", "direct"]),
                pick.choice(["mobile", "desktop"]),
            )
            sheet.write_row(row, 1, (*names, f"campaign_{pick.randint(0, 499)}"))
            figures = (pick.randint(1, 2000), pick.randint(0, 50))
            money = (round(pick.uniform(0, 9000), 2), round(pick.uniform(0, 900), 2))
            shown = (pick.randint(0, 500), pick.randint(0, 50_000))
            sheet.write_row(row, 4, (*figures, *money, *shown))
    data = path.read_bytes()

    def bare() -> list[list[object]]:
        book = CalamineWorkbook.from_path(str(path))
        return [
            row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()
        ]

    ours, alone = rounds(lambda: timed(lambda: read("table.xlsx", data)), lambda: timed(bare))
    what = f"XLSX, {ROWS:,} rows, {len(HEADINGS)} columns, {len(data) / 1e6:.1f} MB: time"
    return [
        Line(what, seconds(ours), seconds(alone), ratio(ours.seconds, alone.seconds), "≤ 1.5")
    ]  # fmt: skip
