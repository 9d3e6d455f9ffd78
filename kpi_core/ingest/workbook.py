"""Uploaded workbooks, HTML pages and Parquet files to rows of cells, safely.

The bytes are foreign. This module judges them by their first bytes and lets a child process
(``cell.py``) open them; whatever happens there, the caller gets a table or an `IngestError`.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from threading import BoundedSemaphore
from typing import IO, Any, cast

import numpy as np

from kpi_core.errors import IngestError
from kpi_core.ingest import cell as child
from kpi_core.ingest.cell import MB, Limits
from kpi_core.ingest.rows import SheetRows
from kpi_core.limits import LIMITS as SETTINGS

# None is an empty cell, an empty text too. A float may be infinite, never NaN. A workbook has no
# midnight: a date-time at 00:00 is a date.
Cell = str | int | float | bool | date | datetime | time | timedelta | None

LIMITS = Limits(
    file_bytes=SETTINGS.file_megabytes * MB,
    unpacked_bytes=SETTINGS.unpacked_megabytes * MB,
    sheets=SETTINGS.sheets,
    columns=SETTINGS.columns,
    cells=SETTINGS.sheet_cells,
    memory_bytes=SETTINGS.reader_memory_megabytes * MB,
    cpu_seconds=SETTINGS.reader_cpu_seconds,
    wall_seconds=SETTINGS.reader_seconds,
)
# A hundred uploads at once must not start a hundred parsers.
CHILDREN = BoundedSemaphore(SETTINGS.readers)

# Kinds of cells JSON has no form for, by the name the child gives them.
KINDS: dict[str, Callable[[Any], Cell]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda seconds: timedelta(seconds=seconds),
}

ZIP, PARQUET, PARQUET_ENCRYPTED, OLE = b"PK", b"PAR1", b"PARE", b"\xd0\xcf\x11\xe0"
OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True)
class Sheet:
    """A table as the file holds it; row 1 of the file is ``rows[0]``.

    Empty cells at the end of a row are cut, so rows differ in length; an empty row is ``[]``.
    The two counts are of cells that came as empty though the file shows something there.
    """

    name: str
    rows: SheetRows = field(repr=False)
    hidden: bool = False
    formulas_without_value: int = 0
    error_cells: int = 0


def read_workbook(data: bytes, limits: Limits = LIMITS) -> list[Sheet]:
    """Every sheet of an XLSX or XLS file, hidden ones too, in the order of the workbook.

    Raises:
        IngestError: the file is neither kind of workbook, is broken, or costs more than `limits`.
    """
    _check_size(data, limits)
    if OLE_ENCRYPTED in data and data.startswith(OLE):
        raise IngestError("encrypted")
    if not data.startswith((ZIP, OLE)):
        raise IngestError("wrong_format")
    return _read("workbook", data, limits)


def read_parquet(data: bytes, limits: Limits = LIMITS) -> Sheet:
    """The table of a Parquet file with flat columns: the header is the first row.

    Raises:
        IngestError: the file is not Parquet, is broken, nested, or costs more than `limits`.
    """
    _check_size(data, limits)
    if data.startswith(PARQUET_ENCRYPTED):
        raise IngestError("encrypted")
    if not data.startswith(PARQUET):
        raise IngestError("wrong_format")
    return _read("parquet", data, limits)[0]


def read_markup(text: str, limits: Limits = LIMITS) -> list[Sheet]:
    """The tables of an HTML page; their names are their numbers.

    Raises:
        IngestError: it has no table, is cut off, or costs more than `limits`.
    """
    return _read("markup", text.encode("utf-8", "replace"), limits)


def _check_size(data: bytes, limits: Limits) -> None:
    if not data:
        raise IngestError("empty_file")
    if len(data) > limits.file_bytes:
        raise IngestError("file_too_large", megabytes=limits.file_bytes // MB)


def _read(kind: str, data: bytes, limits: Limits) -> list[Sheet]:
    """Lets a child read `data`; its death in any form is an `IngestError`."""
    if not CHILDREN.acquire(timeout=2 * limits.wall_seconds):
        raise IngestError("busy")
    try:
        # By path and with -P: neither the working directory nor this package's own imports count.
        with subprocess.Popen(  # noqa: S603 - our own script; the file goes in by stdin
            [sys.executable, "-P", child.__file__, kind, json.dumps(asdict(limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a reader prints may quote the file
            # Arrow's own pool reserves 1 GB of addresses at once, which is all the child has;
            # the threads of numpy's algebra, which is not asked for, would take much as well.
            env={
                **os.environ,
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "OPENBLAS_NUM_THREADS": "1",
            },
            process_group=None if sys.platform == "win32" else 0,
        ) as process:
            return _answered(process, data, limits)
    finally:
        CHILDREN.release()


def _answered(process: subprocess.Popen[bytes], data: bytes, limits: Limits) -> list[Sheet]:
    """What the child makes of `data`, taken up while it still speaks."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(process)

    clock = threading.Timer(limits.wall_seconds, stop)
    clock.start()
    asked, told = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    try:
        with suppress(BrokenPipeError), asked:
            asked.write(data)
        answer = _sheets(told)
        process.wait()
    except BaseException:
        _kill(process)
        raise
    finally:
        clock.cancel()
    if late.is_set():
        raise IngestError("timed_out", seconds=int(limits.wall_seconds))
    if sys.platform != "win32" and process.returncode == -signal.SIGXCPU:
        raise IngestError("timed_out", seconds=limits.cpu_seconds)
    if process.returncode == -signal.SIGABRT:  # how a reader ends that is refused memory
        raise IngestError("out_of_memory", megabytes=limits.memory_bytes // MB)
    if process.returncode != 0 or answer is None:
        raise IngestError("reader_crashed", status=process.returncode)
    if isinstance(answer, IngestError):
        raise answer
    return answer


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the child and the one it may have."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _sheets(answer: IO[bytes]) -> list[Sheet] | IngestError | None:
    """What a child says, see ``cell.py``; nothing if it does not come to an end."""
    sheets: list[Sheet] = []
    for line in answer:
        if not line.endswith(b"\n"):
            return None
        said = json.loads(line, parse_constant=_constant)
        if isinstance(said, list):
            sheets[-1].rows.extend(list(map(_cells, said)))
        elif "packed" in said:
            raw = [answer.read(column.get("bytes", 0)) for column in said["packed"]]
            if sum(map(len, raw)) < sum(column.get("bytes", 0) for column in said["packed"]):
                return None
            columns = [
                _unfolded(*each, said["rows"]) for each in zip(said["packed"], raw, strict=True)
            ]
            sheets[-1].rows.extend_columns(columns)
        elif "columns" in said:
            sheets[-1].rows.extend_columns(list(map(_unpacked, said["columns"])))
        elif "name" in said:
            sheets.append(Sheet(rows=SheetRows(), **said))
        elif "refused" in said:
            return IngestError(said["refused"], **said["values"])
        else:
            break
    else:
        return None
    for sheet in sheets:
        while sheet.rows and not sheet.rows[-1]:
            sheet.rows.pop()
    return sheets


def _unfolded(column: dict[str, Any], raw: bytes, rows: int) -> list[Cell]:
    """A column of a workbook as the child packs it."""
    match column.get("kind"):
        case "numbers":
            return _numbers(raw)
        case "distinct":
            values = np.empty(len(column["values"]), dtype=object)
            values[:] = _cells(column["values"])
            cells: list[Cell] = values[np.frombuffer(raw, np.uint32)].tolist()
            return cells
        case "cells":
            return _cells(column["cells"])
    return [None] * rows


def _numbers(raw: bytes) -> list[Cell]:
    """Excel keeps every number as a float: a whole one is meant as an integer."""
    read = np.frombuffer(raw)
    with np.errstate(invalid="ignore"):
        is_whole = (np.abs(read) < 1e15) & (read == np.trunc(read))
    if is_whole.all():
        whole: list[Cell] = read.astype(np.int64).tolist()
        return whole
    cells = read.astype(object)
    cells[is_whole] = read[is_whole].astype(np.int64)
    cells[np.isnan(read)] = None
    mixed: list[Cell] = cells.tolist()
    return mixed


def _unpacked(column: dict[str, Any]) -> list[Cell]:
    if texts := column.get("texts"):
        return [None if number is None else texts[number] for number in column["cells"]]
    if kind := KINDS.get(column.get("kind", "")):
        return [None if cell is None else kind(cell) for cell in column["cells"]]
    return _cells(column["cells"])


def _cells(row: list[Any]) -> list[Cell]:
    return [KINDS[cell[0]](cell[1]) if type(cell) is list else cell for cell in row]


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)
