"""Large tidy files: added up elsewhere, they say what the same rows say when read one by one."""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kpi_core import ingest
from kpi_core.errors import IngestError
from kpi_core.ingest import Upload, read, read_path
from kpi_core.ingest.layouts import Draft, Rows, read_layout, written

HEADINGS = ["Date", "Channel", "Campaign", "Sessions", "Clicks", "Cost (USD)", "Users", "E-mail"]


def rows(count: int, mark: str) -> list[list[str]]:
    """Days, channels and figures by chance, some cells empty."""
    chance = random.Random(count)  # noqa: S311 - the same tables every time
    return [
        [
            str(date(2026, 9, 1) + timedelta(days=chance.randrange(40))),
            chance.choice(["organic", "cpc", "Прямые заходы", ""]),
            chance.choice(["осень, 1", 'Say "hi"', "two\nlines"]),
            str(chance.randrange(100)),
            chance.choice(["", str(chance.randrange(50))]),
            f"{chance.randrange(10_000) / 100:.2f}".replace(".", mark),
            "5",
            "someone@mail.test",
        ]
        for _ in range(count)
    ]


def text(table: list[list[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(table)
    return out.getvalue()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch):
    """Reads any text as a large one."""

    def read_so(data: bytes, layouts=()) -> Upload:
        with monkeypatch.context() as patch:
            for limit in ("LARGE_BYTES", "LARGE_PARQUET", "MAX_TEXT"):
                patch.setattr(ingest, limit, 0)
            return read("a.csv", data, layouts)

    return read_so


def cube(upload: Upload) -> pd.DataFrame:
    (table,) = upload.tables
    keys = ["start", "end", *sorted(table.dimensions)]
    adding = [id for id in table.measures if id != "users"]
    return table.facts.groupby(keys)[adding].sum(min_count=1)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "mark"),
    [(",", "utf-8", "."), (";", "cp1251", ","), ("\t", "utf-16", "."), ("|", "utf-8-sig", ",")],
)
def test_a_large_file_gives_the_sums_of_its_rows(large, delimiter, encoding, mark) -> None:
    data = text([HEADINGS, *rows(500, mark)], delimiter).encode(encoding)
    one_by_one, at_once = read("a.csv", data), large(data)
    pd.testing.assert_frame_equal(cube(at_once), cube(one_by_one))
    mine, theirs = at_once.tables[0], one_by_one.tables[0]
    assert mine.rows == theirs.rows == 500
    assert mine.measures == theirs.measures
    assert mine.period == theirs.period
    assert mine.currency == theirs.currency == "USD"
    assert at_once.digest == one_by_one.digest
    assert {f.code for f in at_once.findings} == {f.code for f in one_by_one.findings}
    assert "someone" not in mine.facts.to_csv()


def test_a_large_parquet_file_gives_the_sums_of_its_rows(large) -> None:
    table = pd.DataFrame(rows(500, "."), columns=HEADINGS)
    table["Date"] = pd.to_datetime(table["Date"])
    for name in ("Sessions", "Clicks", "Cost (USD)"):
        table[name] = pd.to_numeric(table[name])
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    one_by_one, at_once = read("a.parquet", out.getvalue()), large(out.getvalue())
    pd.testing.assert_frame_equal(cube(at_once), cube(one_by_one))
    assert at_once.tables[0].rows == 500
    assert len(at_once.tables[0].facts) < 500  # added up, not read one by one
    assert at_once.tables[0].period == one_by_one.tables[0].period
    assert at_once.tables[0].currency == "USD"


def test_people_are_not_added_in_a_large_file(large) -> None:
    data = text([HEADINGS, *rows(500, ".")], ",").encode()
    assert large(data).tables[0].total("users") is None


def test_a_total_row_of_a_large_file_is_set_aside(large) -> None:
    table = [["День", "Кампания", "Показы", "Клики", "Расход, ₽"]]
    table += [["Итого", "", "300", "30", "70,50"]]
    table += [["2026-10-01", "A", "100", "10", "20,25"], ["2026-10-02", "A", "200", "20", "50,25"]]
    upload = large(text(table, ";").encode())
    (read_table,) = upload.tables
    assert read_table.total("spend") == 70.5
    assert read_table.rows == 2
    assert read_table.control["spend"] == 70.5


def test_odd_figures_of_a_large_file_are_told_not_lost(large) -> None:
    table = [["Date", "Sessions", "Cost"], ["2026-10-01", "5", "1.5"], ["2026-10-02", "many", "2"]]
    upload = large(text(table, ",").encode())
    assert upload.tables[0].total("sessions") == 5
    assert upload.tables[0].total("spend") == 3.5
    (told,) = [f for f in upload.findings if f.code == "not_numbers_large"]
    assert told.values["n"] == 1
    assert "many" in told.text("en")


def test_percentages_of_a_large_file_are_no_counts(large) -> None:
    table = [["Date", "Sessions", "Orders"], ["2026-10-01", "5%", "1"], ["2026-10-02", "6%", "2"]]
    upload = large(text(table, ",").encode())
    assert upload.tables[0].measures == ("orders",)
    assert "percent_no_count" in {finding.code for finding in upload.findings}


def test_orders_of_several_lines_are_counted_once(large) -> None:
    day, note = "2026-10-01 10:00:00 +0300", "utm_source: google\nutm_medium: cpc"
    table = [["Name", "Financial Status", "Total", "Created at", "Lineitem name", "Currency",
              "Note Attributes"]]  # fmt: skip
    for number in range(200):
        status = ["paid", "pending", "voided"][number % 3]
        table += [[f"#{number}", status, "10.50", day, "a", "RUB", note if number % 2 else ""]]
        table += [[f"#{number}", "", "", day, "b", "", ""]]
    data = text(table, ",").encode()
    at_once, one_by_one = large(data).tables[0], read("a.csv", data).tables[0]
    assert {id: at_once.total(id) for id in at_once.measures} == {
        id: one_by_one.total(id) for id in one_by_one.measures
    }
    assert at_once.total("paid_orders") == 67
    assert set(at_once.facts["channel"]) == set(one_by_one.facts["channel"])
    assert set(at_once.facts["record"]) == set(one_by_one.facts["record"])


def test_a_taught_layout_reads_a_large_file(large) -> None:
    meanings = {"Когда": "date", "Сколько": "sessions"}
    draft = Draft("x", "table", Rows.SUMS, ("Когда", "Сколько"), meanings)
    data = text([["Когда", "Сколько"], ["2026-10-01", "5"], ["2026-10-02", "7"]], ";").encode()
    layout = read_layout("x", written(draft))
    assert large(data, [layout]).tables[0].total("sessions") == 12


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ([["Визиты", "Отказы", "Дата"], ["5", "0.1", "2026-10-01"]], "large_untidy"),  # averages
        ([["Student", "Mark"], ["A", "5"]], "large_untidy"),
        ([["Date", "Mark"], ["2026-10-01", "5"]], "unknown_layout"),
        ([["Date", "Sessions"], ["2026-10-01", "5"], ["2026-10-02", "6", "7"]], "ragged"),
    ],
)
def test_what_cannot_be_added_up_by_columns_is_refused_by_name(large, table, code) -> None:
    with pytest.raises(IngestError) as refused:
        large(text(table, ",").encode())
    assert refused.value.code == code
    assert refused.value.where == "a.csv"


def test_a_file_that_is_not_tidy_is_still_read_row_by_row_while_it_is_not_huge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest, "LARGE_BYTES", 0)
    data = text([["Дата", "Визиты", "Отказы"], ["2026-10-01", "50", "0.1"]], ",").encode()
    assert read("a.csv", data).tables[0].total("bounces") == 5


def test_a_local_file_may_be_larger_than_an_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.csv"
    path.write_bytes(text([HEADINGS, *rows(300, ".")], ",").encode())
    as_bytes = read("huge.csv", path.read_bytes())
    monkeypatch.setattr(ingest, "MAX_BYTES", 100)
    by_path = read_path(path)
    assert by_path.digest == as_bytes.digest
    pd.testing.assert_frame_equal(cube(by_path), cube(as_bytes))
    with pytest.raises(IngestError):
        read("huge.csv", path.read_bytes())
