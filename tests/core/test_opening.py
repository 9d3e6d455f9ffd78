"""Files to sheets: what is told of how they were read, and that no cell is lost or shifted."""

import csv
import html
import io
import random
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from kpi_core.errors import IngestError, Severity
from kpi_core.ingest import read
from kpi_core.ingest.opening import Opened, opened
from kpi_core.ingest.workbook import read_workbook
from tests.badfiles import (
    CSV,
    SEMICOLONS,
    changed,
    folder,
    honest,
    linked,
    parquet,
    web,
    xls,
    zipped,
)

PAGE_DUMP = web(
    "<tr><th>css-1a2b<th>MuiGrid-root<th>sc-bdVaJa</tr><tr><td>Menu<td>Sign in<td>5 030</tr>"
)


def where(file: Opened) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in file.findings]


# What is told


def test_a_bitrix_list_of_deals_saved_as_xls_gives_facts() -> None:
    rows = "<tr><th>Дата<th>Визиты<th>Заказы</tr><tr><td>01.10.2026<td>1 500<td>7</tr>"
    upload = read("DEAL_20261031.xls", web(rows, before='<meta charset="utf-8">').encode())
    (table,) = upload.tables
    assert {id: table.total(id) for id in table.measures} == {"sessions": 1500, "orders": 7}
    assert upload.encoding == "utf-8"


def test_a_dump_of_a_page_is_an_error_and_never_zeros() -> None:
    with pytest.raises(IngestError) as refused:
        read("report.xls", PAGE_DUMP.encode())
    assert refused.value.code == "no_headings"


def test_each_table_of_an_archive_has_its_own_delimiter_and_encoding() -> None:
    file = opened("a.zip", folder(one__csv=CSV, two__csv=SEMICOLONS.encode("cp1251")))
    assert [(s.name, s.delimiter, s.encoding) for s in file.sheets] == [
        ("one", ",", "utf-8"),
        ("two", ";", "cp1251"),
    ]
    assert file.encoding is None
    assert where(file) == [("encoding_guessed", "a.zip › two.csv")]


def test_an_archive_of_one_encoding_has_it() -> None:
    assert opened("a.zip", folder(one__csv=CSV, two__csv=SEMICOLONS)).encoding == "utf-8"
    assert opened("a.xlsx", changed()).encoding is None


def test_what_is_left_out_of_an_archive_is_told_by_name_and_kind() -> None:
    data = folder(one__csv=CSV, logo__png=b"\x89PNG\r\n\x1a\n", help__pdf=b"%PDF-1.7")
    found = opened("a.zip", data).findings
    assert [(f.code, f.where, f.values["kind"]) for f in found] == [
        ("member_left_out", "a.zip › logo.png", "PNG"),
        ("member_left_out", "a.zip › help.pdf", "PDF"),
    ]


def test_a_broken_table_in_an_archive_is_named_with_its_place() -> None:
    with pytest.raises(IngestError) as refused:
        read("a.zip", folder(one__csv=CSV, two__csv='Date,Sessions\n2026-10-01,"5\n'))
    assert refused.value.where == "a.zip › two.csv"


def test_the_facts_of_an_archive_are_those_of_its_tables() -> None:
    sources = "Channel,Orders\nemail,3\n"
    upload = read("a.zip", folder(days__csv=CSV, sources__csv=sources, notes__txt="By hand.\n"))
    found = [{id: table.total(id) for id in table.measures} for table in upload.tables]
    assert found == [{"sessions": 5}, {"orders": 3}]
    assert ("sheet_without_headings", "a.zip › notes") in [
        (f.code, f.where) for f in upload.findings
    ]


def test_the_same_table_twice_in_an_archive_counts_once() -> None:
    upload = read("a.zip", zipped([("a.csv", CSV), ("copy/a.csv", CSV)]))
    assert [table.total("sessions") for table in upload.tables] == [5]
    assert [f.code for f in upload.findings].count("same_file_twice") == 1


def test_hidden_sheets_are_left_out_and_named() -> None:
    def fill(book: Any) -> None:
        for name in ("2026", "2025", "2024"):
            book.add_worksheet(name).write_column(0, 0, ["Sessions", 5])
        book.get_worksheet_by_name("2025").hide()
        book.get_worksheet_by_name("2024").very_hidden()

    file = opened("a.xlsx", honest(fill))
    assert [sheet.name for sheet in file.sheets] == ["2026"]
    (told,) = file.findings
    assert (told.code, told.severity) == ("hidden_sheets", Severity.WARNING)
    assert told.values == {"sheets": "2025, 2024"}


def test_a_workbook_of_hidden_sheets_alone_has_no_sheet() -> None:
    links = linked(("Data", "worksheets/sheet1.xml"))
    links["book"] = links["book"].replace('name="Data"', 'name="Data" state="hidden"')
    with pytest.raises(IngestError) as refused:
        opened("a.xlsx", changed(**links))
    assert refused.value.code == "no_sheet"


def test_headings_of_the_caller_tell_the_delimiter() -> None:
    rows = "Alpha, one;Beta, two\n1, 2;3, 4\n"
    assert opened("a.csv", rows.encode(), frozenset({"alpha one", "beta two"})).sheets[0].rows == [
        ["Alpha, one", "Beta, two"],
        ["1, 2", "3, 4"],
    ]


def test_an_old_workbook_counts_what_came_as_empty() -> None:
    (sheet,) = read_workbook(xls())
    assert (sheet.rows, sheet.error_cells, sheet.formulas_without_value) == ([], 0, 0)


# No cell is lost or shifted, whatever stands in it

HEADINGS = ["Date", "Campaign", "Sessions", "Cost", "Orders", "Revenue", "Clicks", "Device"]
WORDS = [
    "Поиск", "brand", "a;b", "x, y", "tab\there", "bar|bar", 'TV 32"', '"quoted"', "'",
    "two\nlines", "crlf\r\nline", "1\xa0500,50", "5 030,16", "1,234.5", "-12,3", "2.546",
    "6.47%", "(not set)", "ёжик №5", "日本語", "🙂", "e\u0301", "<b>&amp;", "=1+1", "#1001",
    "00012", "1e5", "NULL", "", "01.10.2026", "2026-10-01", "\u2028x", "end ", " start", "\\",
    "a\\\"b", "\u202f7", "–",
]  # fmt: skip
RUSSIAN = [word for word in WORDS if word == word.encode("cp1251", "ignore").decode("cp1251")]


def random_table(rng: random.Random, words: list[str]) -> list[list[str]]:
    """Headings and rows of texts; some rows end early, none in an empty cell."""
    width = rng.randint(2, len(HEADINGS))
    shown = [word for word in words if word.strip()]
    rows = [
        [*rng.choices(words, k=rng.randint(0, width - 1)), rng.choice(shown)]
        for _ in range(rng.randint(1, 12))
    ]
    return [rng.sample(HEADINGS, width), *rows]


def as_csv(rng: random.Random, table: list[list[str]], encoding: str) -> bytes:
    out = io.StringIO(newline="")
    end = rng.choice(["\n", "\r\n"])
    sign = rng.choice(",;\t|")
    writer = (
        csv.writer(out, delimiter=sign, lineterminator=end, quoting=csv.QUOTE_ALL)
        if rng.random() < 0.5
        else csv.writer(out, delimiter=sign, lineterminator=end)
    )
    writer.writerows(table)
    text = out.getvalue()
    return (text.removesuffix(end) if rng.random() < 0.5 else text).encode(encoding)


def as_xlsx(table: list[list[str]]) -> bytes:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        for number, row in enumerate(table):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)

    return honest(fill)


def as_html(table: list[list[str]]) -> bytes:
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table
    )
    return web(rows, before='<meta charset="utf-8">').encode()


def as_parquet(table: list[list[str]]) -> bytes:
    head, *rows = table
    columns = [
        pa.array([row[place] if place < len(row) else None for row in rows], pa.string())
        for place in range(len(head))
    ]
    return parquet(pa.Table.from_arrays(columns, head))


def same(cell: str) -> str | None:
    return cell or None


def as_browsers_show(cell: str) -> str | None:
    return re.sub(r"[ \t\r\n\f]+", " ", cell).strip() or None


ENCODINGS, TEXTS = ("utf-8", "utf-8-sig", "utf-16", "cp1251"), 450  # of each
OTHERS = {"xlsx": 80, "html": 80, "parquet": 40}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_cell_of_random_texts_is_lost_or_shifted(encoding: str) -> None:
    rng = random.Random(encoding)  # noqa: S311
    for _ in range(TEXTS):
        table = random_table(rng, RUSSIAN if encoding == "cp1251" else WORDS)
        (sheet,) = opened("a.csv", as_csv(rng, table, encoding)).sheets
        assert [list(row) for row in sheet.rows] == table


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "times"), OTHERS.items())
def test_no_cell_of_random_workbooks_pages_and_columns_is_lost_or_shifted(
    kind: str, times: int
) -> None:
    rng = random.Random(kind)  # noqa: S311
    writers: dict[str, Callable[[list[list[str]]], bytes]] = {
        "xlsx": as_xlsx,
        "html": as_html,
        "parquet": as_parquet,
    }
    shown = as_browsers_show if kind == "html" else same
    for _ in range(times):
        table = random_table(rng, WORDS)
        (sheet,) = opened("a.bin", writers[kind](table)).sheets
        expected = [[shown(cell) for cell in row] for row in table]
        for row in expected:
            while row and row[-1] is None:
                row.pop()
        assert [list(row) for row in sheet.rows] == expected


def test_the_oracle_sees_a_lost_cell() -> None:
    rng = random.Random(1)  # noqa: S311
    table = random_table(rng, WORDS)
    (sheet,) = opened("a.csv", as_csv(rng, table, "utf-8")).sheets
    assert sheet.rows != [*table[:-1], table[-1][1:]]
