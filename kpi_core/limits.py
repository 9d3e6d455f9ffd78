"""What a file, a link or a plan of a stranger may cost: every such limit, each a setting.

An administrator changes one before the start, in the environment: ``KPI_LIMIT_FILE_MEGABYTES=50``.
What is over a limit is refused by name, never cut. ``docs/security.md`` lists them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from kpi_core.errors import UsageError

PREFIX = "KPI_LIMIT_"


@dataclass(frozen=True)
class Limits:
    """Whole numbers from 1 on; a megabyte is 2**20 bytes, a kilobyte 1000.

    Attributes:
        file_megabytes: a file that is uploaded.
        text_megabytes: a text that is read cell by cell, in the server itself.
        text_cells: its cells.
        page_megabytes: an HTML page.
        columns: of any table.
        sheet_cells: of a workbook's sheet or a Parquet file, up to its farthest cell.
        sheets: of a workbook or a page.
        unpacked_megabytes: a workbook or Parquet file once it is inflated.
        archive_files: files in a ZIP.
        archive_megabytes: those files once they are inflated.
        archive_seconds: reading them all.
        readers: processes that read files at the same time.
        reader_memory_megabytes: of one that reads a workbook, a page or Parquet cell by cell.
        reader_cpu_seconds: its work.
        reader_seconds: its time on the clock.
        bulk_memory_megabytes: addresses of one that adds up a large text or Parquet file.
        bulk_disk_megabytes: what it may write while it sorts.
        bulk_cpu_seconds: its work.
        people: rows of a table of people.
        people_kilobytes: that table.
        plan_kilobytes: a plan, or a table of targets.
        scenarios_kilobytes: a file of scenarios.
        layout_kilobytes: a layout that somebody taught.
        snapshot_kilobytes: a signed result.
        link_kilobytes: what a link holds once it is inflated.
        logo_kilobytes: a picture for reports.
    """

    file_megabytes: int = 200
    text_megabytes: int = 24
    text_cells: int = 4_000_000
    page_megabytes: int = 32
    columns: int = 1_000
    sheet_cells: int = 20_000_000
    sheets: int = 255
    unpacked_megabytes: int = 400
    archive_files: int = 100
    archive_megabytes: int = 200
    archive_seconds: int = 120
    readers: int = 2
    reader_memory_megabytes: int = 1_024
    reader_cpu_seconds: int = 30
    reader_seconds: int = 60
    bulk_memory_megabytes: int = 2_048
    bulk_disk_megabytes: int = 8_192
    bulk_cpu_seconds: int = 120
    people: int = 20_000
    people_kilobytes: int = 10_000
    plan_kilobytes: int = 256
    scenarios_kilobytes: int = 64
    layout_kilobytes: int = 64
    snapshot_kilobytes: int = 4_000
    link_kilobytes: int = 64
    logo_kilobytes: int = 500


def limits_of(environment: Mapping[str, str]) -> Limits:
    """The limits with those that the environment sets; read once, when the program starts.

    Raises:
        UsageError: a setting that begins like a limit is none, or is no whole number from 1 on.

    >>> limits_of({"KPI_LIMIT_SHEETS": "10"}).sheets
    10
    """
    known = {field.name for field in fields(Limits)}
    changed = {}
    for setting, value in environment.items():
        if not setting.startswith(PREFIX):
            continue
        name = setting.removeprefix(PREFIX).lower()
        if name not in known:
            raise UsageError("unknown_limit", where=setting, known=", ".join(sorted(known)))
        if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value)):
            raise UsageError("limit_no_number", where=setting, value=value[:40])
        changed[name] = int(value)
    return Limits(**changed)


LIMITS = limits_of(os.environ)
