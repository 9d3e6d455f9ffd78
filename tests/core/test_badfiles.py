"""Every broken, hostile or odd file has its one right answer, soon and without harm."""

import hashlib
import os
from typing import Any

import pytest

from kpi_core.errors import IngestError
from kpi_core.ingest import read
from kpi_core.ingest.opening import opened
from tests.badfiles import CASES, Case

SECONDS = 10


def plain(rows: Any) -> list[list[Any]]:
    """Rows with the kind of each cell, so that 1 is not True."""
    return [[(type(cell).__name__, cell) for cell in row] for row in rows]


def code_of(data: bytes) -> str:
    """The error that reading `data` ends in; it names the file and says what, in both languages."""
    with pytest.raises(IngestError) as refused:
        read("../../folder/file.any", data)
    for lang in ("ru", "en"):
        assert refused.value.text(lang).startswith("file.any")
        assert len(refused.value.text(lang)) < 1500
    return refused.value.code


REFUSED = {name: case for name, case in CASES.items() if case.code}
OPENED = {name: case for name, case in CASES.items() if not case.code}


def _worked() -> float:
    """Seconds of work of this process and of those it waited for: a busy machine is no fault."""
    return sum(os.times()[:4])


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_no_good_table_is_refused_by_its_name_and_soon(case: Case) -> None:
    begun = _worked()
    assert code_of(case.make()) == case.code
    assert _worked() - begun < SECONDS


@pytest.mark.parametrize("case", OPENED.values(), ids=OPENED)
def test_what_is_odd_gives_exactly_its_cells_and_findings_and_soon(case: Case) -> None:
    begun = _worked()
    file = opened("file.any", case.make())
    assert _worked() - begun < SECONDS
    cells = [(sheet.name, plain(sheet.rows)) for sheet in file.sheets]
    assert cells == [(name, plain(rows)) for name, rows in case.sheets.items()]
    assert tuple(finding.code for finding in file.findings) == case.findings
    assert tuple(sheet.delimiter for sheet in file.sheets if sheet.delimiter) == case.delimiters


@pytest.mark.parametrize("case", OPENED.values(), ids=OPENED)
def test_what_can_be_opened_is_understood_or_refused_by_name(case: Case) -> None:
    try:
        upload = read("file.any", case.make())
    except IngestError as refused:
        understood = refused.code != "unreadable"
    else:
        understood = bool(upload.tables)
    assert understood


def test_the_files_are_the_same_each_time() -> None:
    digests = [
        hashlib.sha256(case.make()).hexdigest()
        for _ in range(2)
        for name, case in CASES.items()
        if not name.startswith(("parquet_rows_without", "xlsx_bomb"))
    ]
    assert digests[: len(digests) // 2] == digests[len(digests) // 2 :]


def test_there_are_many() -> None:
    assert len(CASES) >= 300
