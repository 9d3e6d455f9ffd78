"""Files to facts: each rule of the readers, and that nothing goes wrong in silence."""

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_core import ingest
from kpi_core.errors import IngestError
from kpi_core.ingest import Table, Upload, read, textfile
from kpi_core.verdict import checks

SAMPLES = sorted(
    path for path in (Path(__file__).parents[1] / "exports").glob("*/*") if path.suffix != ".toml"
)
SEEN = ["Date,Channel,Sessions,Orders,Revenue", "2026-10-01,email,10,1,100.50"]


def of(text: str, name: str = "file.csv", encoding: str = "utf-8") -> Upload:
    """A text file read; lines may be indented as the test is."""
    lines = [line.strip(" ") for line in text.strip().splitlines()]
    return read(name, "\n".join(lines).encode(encoding))


def one(upload: Upload) -> Table:
    (table,) = upload.tables
    return table


def totals(upload: Upload) -> dict[str, float | None]:
    return {id: table.total(id) for table in upload.tables for id in table.measures}


def codes(upload: Upload) -> list[str]:
    quiet = {"read_by_headings", "columns_not_used", "totals_set_aside", "period_unknown"}
    return sorted({finding.code for finding in upload.findings} - quiet)


def refusal(data: bytes | str, name: str = "bad.csv") -> str:
    with pytest.raises(IngestError) as refused:
        read(name, data.encode() if isinstance(data, str) else data)
    for lang in ("ru", "en"):
        assert refused.value.text(lang).startswith(f"{name}: ")
    return refused.value.code


def workbook(*sheets: tuple[str, Sequence[Sequence[Any]]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def parquet(columns: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


# --- bytes to cells


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "koi8-r"],
)  # fmt: skip
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(encoding: str, delimiter: str) -> None:
    rows = ["Дата,Канал,Визиты", "2026-10-01,Прямые заходы,10", "2026-10-02,Переходы по рекламе,5"]
    upload = of("\n".join(rows).replace(",", delimiter), encoding=encoding)
    assert totals(upload) == {"sessions": 15}
    assert set(one(upload).facts["channel"]) == {"direct", "paid_search"}


def test_the_whole_file_must_decode_not_only_its_beginning() -> None:
    good = "Дата,Визиты\n" + "2026-10-01,1\n" * 50_000
    assert refusal(good.encode() + b"\xff\xfe\xfa\x81") == "bad_encoding"


def test_the_first_line_may_name_the_delimiter() -> None:
    assert totals(of("sep=;\nDate;Sessions\n2026-10-01;7")) == {"sessions": 7}


def test_decimal_commas_are_not_taken_for_the_delimiter() -> None:
    upload = of("""
        Отчёт, октябрь
        Выгружен, вручную
        Дата;Расход
        2026-10-01;1,5
        2026-10-02;2,5""")
    assert totals(upload) == {"spend": 4}


def test_a_cell_may_hold_line_breaks_quotes_and_the_delimiter() -> None:
    upload = of('Campaign,Clicks,Cost\n"one\n""two"", three",5,1.5\nfour,6,2.5')
    assert list(one(upload).facts["campaign"]) == ['one\n"two", three', "four"]
    assert totals(upload) == {"clicks": 11, "spend": 4}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(end: str) -> None:
    assert totals(read("a.csv", end.join(SEEN).encode())) == {
        "sessions": 10, "orders": 1, "revenue": 100.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("empty_file", b""),
        ("empty_file", b"\xef\xbb\xbf \r\n"),
        ("not_a_table", b"<!DOCTYPE html><html><body>Sign in</body></html>"),
        ("unknown_layout", b'<meta charset="utf-8"><table><tr><td>Date</td></tr></table>'),
        ("not_a_table", b"<?xml version='1.0'?><a/>"),
        ("not_a_table", b'{"rows": []}'),
        ("not_a_table", b'[{"Date": 1}]'),
        ("other_file", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),
        ("binary_file", b"\0\1\2\3" * 500),
        ("bad_encoding", b"\xff\xfe" + b"D\0a\0t"),
        ("broken_quotes", b'Date,Sessions\n2026-10-01,"5\n2026-10-02,6\n'),
        ("broken_quotes", b'Date,Sessions\n"2026"-10-01,5\n2026-10-02,6\n'),
        ("broken_quotes", b"Date,Sessions\n2026-10-01," + b"x" * 40_000),
        ("too_many_columns", b"Date,Sessions" + b",x" * 1000),
        ("no_headings", b"Student,Mark\nA,5\n"),
        ("unknown_layout", b"Date,Mark\n2026-10-01,5\n"),
        ("no_headings", b"just words\nand more words\n"),
        ("ragged", b"Date,Sessions\n2026-10-01,5\n2026-10-02,6,7\n"),
        ("no_figures", b"Date,Sessions\n"),
        ("no_figures", "День,Показы,Клики,Расход\nИтого,1,1,1\n".encode()),
        ("broken_archive", b"PK\x03\x04" + b"x" * 50),
        ("broken_parquet", b"PAR1" + b"x" * 50 + b"PAR1"),
        ("encrypted", b"PARE" + b"x" * 50 + b"PARE"),
        ("old_workbook", b"\xd0\xcf\x11\xe0" + b"x" * 600),
    ],
)
def test_what_is_no_table_is_named_with_its_file(code: str, data: bytes) -> None:
    assert refusal(data) == code


def test_a_file_beyond_the_limits_is_refused_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join([SEEN[0], *SEEN[1:] * 10])
    monkeypatch.setattr(textfile, "MAX_CELLS", 50)
    assert refusal(text) == "too_many_cells"
    monkeypatch.setattr(ingest, "MAX_BYTES", 100)
    assert refusal(text) == "file_too_large"


def test_a_name_is_a_label_never_a_path() -> None:
    assert read("..\\..\\etc/passwd.csv", "\n".join(SEEN).encode()).name == "passwd.csv"


def test_the_same_bytes_have_the_same_digest_under_any_name() -> None:
    assert of("\n".join(SEEN), "a.csv").digest == of("\n".join(SEEN), "b.csv").digest


def test_a_fault_of_our_own_names_the_file_and_keeps_its_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = ZeroDivisionError()

    def fails(*_: object, **_named: object) -> None:
        raise fault

    monkeypatch.setattr(ingest, "map_section", fails)
    assert refusal("\n".join(SEEN)) == "unreadable"
    with pytest.raises(IngestError) as refused:
        of("\n".join(SEEN))
    assert refused.value.__cause__ is fault


@pytest.mark.parametrize("middle", [" ", "(", ", ", "a", "#", "1 "])
def test_long_cells_do_not_hang_the_search_for_tables(middle: str) -> None:
    run = (middle * 30_000)[:30_000]
    long = f"x{run}x"
    upload = of(f'"{long}",\n"{run}",\nCampaign,Clicks\n"{long}",5\n"-{long}",x')
    assert totals(upload) == {"clicks": 5}


# --- where tables are


def test_headings_need_not_stand_in_the_first_row() -> None:
    title = "\n".join(f"Line {n},,,,,,,,,,,," for n in range(20))
    assert totals(of(f"{title}\nDate,Sessions\n2026-10-01,5")) == {"sessions": 5}


def test_a_wide_preamble_does_not_hide_the_headings() -> None:
    assert totals(of("Report" + ",x" * 60 + "\nDate,Sessions\n2026-10-01,5")) == {"sessions": 5}


def test_headings_said_again_are_neither_data_nor_a_new_table() -> None:
    upload = of("""
        Campaign,Clicks,Cost
        a,1,10
        Campaign,Clicks,Cost
        a,2,20""")
    assert one(upload).rows == 2
    assert totals(upload) == {"clicks": 3, "spend": 30}


def test_a_row_of_words_that_are_also_headings_is_data() -> None:
    upload = of("""
        Campaign,Event,Clicks
        Sales,Session,10
        Leads,Page,5""")
    assert totals(upload) == {"clicks": 15}


def test_other_headings_begin_another_table() -> None:
    upload = of("""
        Date,Sessions
        2026-10-01,5
        Channel,Orders
        email,3""")
    assert [table.measures for table in upload.tables] == [("sessions",), ("orders",)]


def test_a_campaign_that_begins_with_a_hash_is_no_comment() -> None:
    upload = of("""
        Campaign,Clicks,Cost
        # 1 sale,1,10
        #1001,2,20
        # two,3,30""")
    assert totals(upload) == {"clicks": 6, "spend": 60}


def test_rows_below_a_remark_still_belong_to_the_table() -> None:
    upload = of("""
        Campaign,Clicks,Cost
        a,1,10
        # a remark
        b,2,20""")
    assert totals(upload) == {"clicks": 3, "spend": 30}


def test_an_empty_line_between_rows_ends_nothing() -> None:
    upload = of("""
        # Property
        # Start date: 20261001
        # End date: 20261002
        Channel,Sessions
        Direct,5

        Email,6""")
    assert totals(upload) == {"sessions": 11}


def test_cells_left_out_at_the_end_of_a_row_are_missing() -> None:
    upload = of("Date,Sessions,Orders\n2026-10-01,5\n2026-10-02,6,1")
    assert totals(upload) == {"sessions": 11, "orders": 1}
    assert codes(upload) == ["short_rows"]


def test_a_delimiter_at_the_end_of_each_line_is_harmless() -> None:
    assert totals(of("Дата;Визиты;\n2026-10-01;5;\n2026-10-02;6;;")) == {"sessions": 11}


# --- totals


@pytest.mark.parametrize(
    "total",
    [
        "Итого,30,300", "Итого и средние,30,300", "Всего:,30,300", "Total,30,300",
        "Grand total,30,300", "Итого за октябрь,30,300", ",30,300", "-,30,300",
        "Total: Account,31,301", ",30,300,Grand total", "Всего кампаний,30,300",
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_total_row_is_set_aside_wherever_it_stands(total: str, first: bool) -> None:
    rows = ["a,10,100", "b,20,200"]
    lines = [total, *rows] if first else [*rows, total]
    upload = of("\n".join(["Campaign,Clicks,Cost", *lines]))
    assert totals(upload) == {"clicks": 30, "spend": 300}
    assert one(upload).rows == 2


def test_a_total_of_a_table_about_unknown_things_is_set_aside() -> None:
    upload = of("Товар;Продажи, ₽;Заказы\nФикус;100;1\nЛейка;200;2\nИтого;300;3")
    assert totals(upload)["orders"] == 3


def test_a_campaign_called_total_stays_when_it_has_days() -> None:
    upload = of("""
        Date,Campaign,Clicks
        2026-10-01,Total,10
        2026-10-01,b,20
        2026-10-02,Total,5""")
    assert totals(upload) == {"clicks": 35}
    assert codes(upload) == ["named_like_total"]


def test_a_brand_called_total_is_no_name_of_a_row() -> None:
    upload = of("Campaign,Brand,Clicks\na,Total,10\nb,Shell,20\n,Итого,30")
    assert totals(upload) == {"clicks": 30}
    assert one(upload).rows == 2


def test_a_total_in_a_numbered_row_is_known_by_its_sum() -> None:
    assert totals(of("№;Кампания;Клики\n1;a;5\n2;b;6\n3;Итого;11")) == {"clicks": 11}
    upload = of("№;Кампания;Клики\n1;a;5\n2;b;6\n3;Итого под ключ;7")
    assert totals(upload) == {"clicks": 18}
    assert codes(upload) == ["named_like_total"]


def test_subtotals_of_each_day_are_set_aside_when_they_equal_the_rows() -> None:
    upload = of("""
        Date,Campaign,Clicks
        2026-10-01,a,10
        2026-10-01,b,20
        2026-10-01,Итого,30
        2026-10-02,a,5
        2026-10-02,Итого,5""")
    assert totals(upload) == {"clicks": 35}
    assert codes(upload) == []


@pytest.mark.parametrize("name", ["(not set)", "Не определено", "-", ""])
def test_a_row_without_a_name_is_data_unless_it_holds_the_sum(name: str) -> None:
    upload = of(f"Channel,Sessions,Orders\nDirect,10,1\nEmail,20,2\n{name},7,1")
    assert totals(upload) == {"sessions": 37, "orders": 4}
    assert "other" in set(one(upload).facts["channel"])


def test_not_set_is_a_value_even_when_it_equals_the_rest() -> None:
    upload = of("Channel,Sessions\nDirect,10\nEmail,20\n(not set),30")
    assert totals(upload) == {"sessions": 60}


def test_a_name_that_only_begins_like_a_total_is_data() -> None:
    upload = of("Campaign,Clicks,Cost\nTotal Fitness,10,5\nВсего 99 рублей,20,6\nc,1,1")
    assert totals(upload) == {"clicks": 31, "spend": 12}
    assert codes(upload) == ["named_like_total"]


def test_a_total_above_the_rows_says_that_the_export_is_cut() -> None:
    upload = of("Campaign,Clicks,Cost\na,10,5\nb,20,6\nИтого,100,50")
    assert totals(upload) == {"clicks": 30, "spend": 11}
    assert codes(upload) == ["rows_below_total"]


def test_a_total_below_the_rows_is_told() -> None:
    upload = of("Campaign,Clicks,Cost\na,100,50\nb,20,6\nИтого,100,50")
    assert codes(upload) == ["rows_above_total"]


def test_one_of_several_overlapping_totals_is_enough() -> None:
    upload = of("Campaign,Clicks\na,10\nb,20\nTotal: Search,25\nTotal: Account,30\nTotal: All,60")
    assert totals(upload) == {"clicks": 30}
    assert codes(upload) == []


def test_a_shifted_total_still_agrees() -> None:
    upload = of("Date,Campaign,Group,Clicks\n2026-10-01,a,g,10\n2026-10-02,b,g,20\nИтого,,30,")
    assert totals(upload) == {"clicks": 30}
    assert codes(upload) == []


# --- columns


def test_columns_that_mean_one_thing_are_told_and_never_added() -> None:
    upload = of("Date,Users,Active users,Clicks,Clicks\n2026-10-01,5,4,7,8")
    assert totals(upload) == {"users": 5, "clicks": 7}
    assert codes(upload) == ["column_twice"]


def test_of_a_whole_and_its_parts_the_whole_is_taken() -> None:
    upload = of("Date,Sessions (mobile),Sessions\n2026-10-01,3,10")
    assert totals(upload) == {"sessions": 10}


def test_of_several_goals_none_is_taken() -> None:
    upload = of("Date,Clicks,Leads (form),Leads (call)\n2026-10-01,9,1,2")
    assert totals(upload) == {"clicks": 9}
    assert codes(upload) == ["columns_compete"]


def test_of_several_days_the_finest_is_taken() -> None:
    upload = of("Month,Date,Sessions\n2026-10-01,2026-10-14,5")
    assert str(one(upload).period) == "2026-10-14..2026-10-14"


def test_shares_are_not_counts() -> None:
    assert totals(of('Date,"Сеансы, %",Заказы\n2026-10-01,12,3')) == {"orders": 3}
    upload = of("Date,Sessions,Orders\n2026-10-01,5,12%")
    assert totals(upload) == {"sessions": 5}
    assert codes(upload) == ["percent_no_count"]


def test_a_format_of_one_channel_does_not_swallow_a_table_of_many() -> None:
    upload = of("Дата;Канал;Показы;Клики;Расход\n2026-10-01;Email;10;1;5\n2026-10-01;SEO;20;2;0")
    assert upload.format == "table"
    assert set(one(upload).facts["channel"]) == {"email", "organic"}


def test_cells_that_are_no_numbers_are_told_with_their_line() -> None:
    upload = of("Date,Sessions\n2026-10-01,5\n2026-10-02,many\n2026-10-03,< 10")
    (told,) = [finding for finding in upload.findings if finding.code == "not_numbers"]
    assert told.values == {"column": "Sessions", "n": 2, "line": 3, "example": "many"}
    assert totals(upload) == {"sessions": 5}


def test_thousands_that_could_be_decimals_are_not_guessed() -> None:
    upload = of("Date;Sessions;Orders\n2026-10-01;2.546;1\n2026-10-02;1.117;2")
    assert totals(upload) == {"orders": 3}
    assert codes(upload) == ["thousands_unclear"]


def test_a_comma_within_quotes_of_a_comma_file_means_thousands() -> None:
    assert totals(of('Date,Sessions\n2026-10-01,"1,234"\n2026-10-02,17')) == {"sessions": 1251}


@pytest.mark.parametrize(
    ("rates", "bounces"),
    [
        (["50%", "25%"], 125),
        (["0.5", "0.25"], 125),
        (["50", "25"], None),  # percent or a count?
        (["1", "0"], None),  # everyone, or one per cent?
        (["0", "0"], 0),
    ],
)
def test_a_bounce_rate_is_a_share_only_when_that_is_plain(
    rates: list[str], bounces: float | None
) -> None:
    upload = of(f"Date,Sessions,Bounce rate\n2026-10-01,200,{rates[0]}\n2026-10-02,100,{rates[1]}")
    assert totals(upload).get("bounces") == bounces
    assert codes(upload) == ([] if bounces is not None else ["share_unclear"])


def test_bounces_may_be_counts() -> None:
    upload = of("Дата;Трафик;Отказы\n2026-10-01;400;150\n2026-10-02;100;25")
    assert totals(upload) == {"sessions": 500, "bounces": 175}


# --- days and periods


def test_rows_without_a_readable_day_are_left_out_and_told() -> None:
    upload = of("Date,Sessions\n2026-10-01,5\n,6\n1 Oct,7")
    assert totals(upload) == {"sessions": 5}
    (told,) = [finding for finding in upload.findings if finding.code == "rows_without_day"]
    assert (told.values["n"], told.values["line"]) == (2, 3)


def test_a_slip_in_the_year_does_not_make_thousands_of_months() -> None:
    upload = of("Date,Sessions\n2026-10-01,5\n9206-10-02,6")
    assert str(one(upload).period) == "2026-10-01..2026-10-01"
    assert codes(upload) == ["rows_without_day"]
    upload = of("Report 2026-10-01 - 9206-10-31\nCampaign,Clicks\na,5")
    assert one(upload).period is None


def test_slashes_that_settle_nothing_are_told() -> None:
    assert "day_or_month_first" in codes(of("Date,Sessions\n03/04/2026,5"))
    four = "\n".join(f"0{day}/04/26,5" for day in range(1, 5))
    assert "day_or_month_first" in codes(of(f"Date,Sessions\n{four}"))
    assert codes(of("Date,Sessions\n03/14/2026,5")) == []
    assert codes(of("Date,Sessions\n03/14/26,5")) == []


@pytest.mark.parametrize(
    ("heading", "cell", "period"),
    [
        ("Week", "2026-10-05", "2026-10-05..2026-10-11"),
        ("Month", "2026-10-01", "2026-10-01..2026-10-31"),
        ("Month", "202611", "2026-11-01..2026-11-30"),
        ("Период", "Октябрь 2026", "2026-10-01..2026-10-31"),
        ("Date", "2026-10-01", "2026-10-01..2026-10-01"),
    ],
)
def test_a_row_spans_what_its_column_says(heading: str, cell: str, period: str) -> None:
    assert str(one(of(f"{heading},Sessions\n{cell},5")).period) == period


def test_a_row_may_have_a_first_and_a_last_day() -> None:
    upload = of("Reporting starts,Reporting ends,Clicks\n2026-10-01,2026-10-31,5")
    assert str(one(upload).period) == "2026-10-01..2026-10-31"


def test_the_number_of_a_week_is_no_day() -> None:
    text = "# Start date: 20261001\n# End date: 20261031\nWeek,Sessions\n41,5\n42,6"
    assert refusal(text) == "nothing_left"


@pytest.mark.parametrize(
    ("title", "name", "period"),
    [
        ("Период: 01.10.2026 - 31.10.2026", "a.csv", "2026-10-01..2026-10-31"),
        ("Отчёт за октябрь 2026", "a.csv", "2026-10-01..2026-10-31"),
        ("Report", "report-2026-10-01-2026-10-14.csv", "2026-10-01..2026-10-14"),
        ("Report", "отчёт_октябрь_2026.csv", "2026-10-01..2026-10-31"),
        ("27 January 2026 – 23 February 2026", "a.csv", "2026-01-27..2026-02-23"),
        ("Marketing 5, 2026 Sales 6, 2026", "a.csv", None),
        ("Report", "a (1).csv", None),
    ],
)
def test_the_period_may_stand_above_the_table_or_in_the_name(
    title: str, name: str, period: str | None
) -> None:
    upload = of(f"{title}\nCampaign;Clicks\na;5", name)
    assert (str(one(upload).period) if one(upload).period else None) == period
    told = any(finding.code == "period_unknown" for finding in upload.findings)
    assert told is (period is None)


def test_days_outside_the_stated_period_win() -> None:
    upload = of("Date,Sessions\n2026-09-30,5\n2026-10-02,6", "x-2026-10-01-2026-10-31.csv")
    assert (str(one(upload).period), one(upload).stated) == ("2026-09-30..2026-10-02", False)


def test_missing_days_are_told() -> None:
    rows = [f"2026-10-{day:02},1" for day in range(1, 15) if day not in {5, 6}]
    assert codes(of("\n".join(["Date,Sessions", *rows]))) == ["missing_days"]


# --- money


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ('Date,"Cost, ₽"\n2026-10-01,5', "RUB"),
        ("Date,Cost (USD)\n2026-10-01,5", "USD"),
        ("Date,Cost,Currency\n2026-10-01,5,EUR", "EUR"),
        ("Date,Cost,Валюта\n2026-10-01,5,Рубль", "RUB"),
        ("Date,Cost\n2026-10-01,5 €", "EUR"),
        ("Date,Cost (CAD)\n2026-10-01,$5", "CAD"),
        ("Date,Cost\n2026-10-01,5", None),
        ("Date,Sessions (ALL)\n2026-10-01,5", None),
    ],
)
def test_the_currency_is_read_from_column_heading_or_cells(text: str, currency: str | None) -> None:
    assert one(of(text)).currency == currency


@pytest.mark.parametrize(
    "text",
    [
        "Date,Clicks,Cost,Currency\n2026-10-01,1,5 €,EUR\n2026-10-01,2,6 €,USD",
        "Date,Clicks,Cost (EUR),Currency\n2026-10-01,1,5,EUR\n2026-10-01,2,6,USD",
        "Date,Clicks,Cost,Currency\n2026-10-01,1,5,EUR USD\n2026-10-01,2,6,USD",
        "тыс. руб.\nDate,Clicks,Cost,Currency\n2026-10-01,1,5,EUR\n2026-10-01,2,6,USD",
        "Date,Clicks,Cost\n2026-10-01,1,5 €\n2026-10-01,2,$6",
        "Date,Clicks,Cost (USD)\n2026-10-01,1,5 €\n2026-10-02,2,7",
    ],
)
def test_money_whose_rows_do_not_tell_their_currency_is_not_taken(text: str) -> None:
    upload = of(text)
    assert "several_currencies" in codes(upload)
    assert list(totals(upload)) == ["clicks"]


def test_rows_of_several_currencies_keep_their_own() -> None:
    """7 + 5 euros and 6 dollars; the 18 that the file prints is a sum of nothing."""
    upload = of("""
        Date,Clicks,Cost,Currency
        2026-10-01,1,5 €,EUR
        2026-10-01,2,$6,US dollar
        2026-10-02,3,7,€
        2026-10-03,0,0,
        Total,6,18,""")
    table = one(upload)
    assert (table.currency, table.currencies) == (None, ("EUR", "USD"))
    assert table.by_currency("spend") == {"EUR": 12, "USD": 6}
    assert table.by_currency("clicks") == {}
    assert totals(upload) == {"clicks": 6, "spend": None}
    assert table.control == {"clicks": 6}
    assert checks([upload])[0].measure == "clicks"
    assert codes(upload) == ["rows_of_currencies"]
    assert "currency" not in table.dimensions


def test_a_currency_without_an_amount_is_not_another_one() -> None:
    upload = of("Date,Clicks,Cost,Currency\n2026-10-01,1,5,EUR\n2026-10-01,2,0,USD")
    assert (one(upload).currencies, one(upload).total("spend")) == (("EUR",), 5)
    assert codes(upload) == []


def test_an_order_in_two_currencies_is_not_taken() -> None:
    lines = "1,2026-10-01,paid,5,1,EUR\n1,,,6,1,USD\n2,2026-10-01,paid,7,1,"
    heads = "Name,Created at,Financial Status,Total,Lineitem quantity,Currency"
    upload = of(f"{heads}\n{lines}EUR")
    assert "several_currencies" in codes(upload)
    assert "revenue" not in totals(upload)
    assert totals(upload)["orders"] == 2


# --- channels, people, records


@pytest.mark.parametrize(
    ("heading", "value", "channel"),
    [
        ("Channel", "Organic Search", "organic"),
        ("Источник трафика", "Переходы по email-рассылкам", "email"),
        ("Session source / medium", "google / cpc", "paid_search"),
        ("Session source / medium", "(direct) / (none)", "direct"),
        ("Session source / medium", "foo / bar", "other"),
        ("Channel", "Ozon", "Ozon"),
        ("Channel", "", "other"),
        ("Channel", "(not set)", "other"),
    ],
)
def test_channels_of_all_sources_have_one_set_of_names(
    heading: str, value: str, channel: str
) -> None:
    upload = of(f"Date,{heading},Sessions\n2026-10-01,{value},5\n2026-10-01,email,6")
    assert one(upload).facts["channel"].iloc[0] == channel


def test_people_are_never_kept() -> None:
    upload = of("Date,User ID,Email,Phone,Orders\n2026-10-01,u-17,a@b.test,+700,1")
    assert one(upload).dimensions == ()
    assert list(one(upload).facts) == ["start", "end", "orders"]


def test_a_segment_of_all_users_stands_for_the_others() -> None:
    upload = of("""
        Date,Segment,Sessions,Users
        2026-10-01,Mobile,6,5
        2026-10-01,All Users,10,8
        2026-10-02,Mobile,3,3
        2026-10-02,All Users,4,4""")
    assert totals(upload)["sessions"] == 14
    assert list(one(upload).facts["segment"]) == ["All Users", "All Users"]
    (told,) = [finding for finding in upload.findings if finding.code == "one_segment_kept"]
    assert told.values == {"column": "Segment", "kept": "All Users", "n": 2}


@pytest.mark.parametrize("heading", ["Segment", "Comparison", "Audience name", "Сегмент"])
def test_segments_without_a_whole_are_never_added(heading: str) -> None:
    upload = of(f"Date,{heading},Sessions\n2026-10-01,Mobile,6\n2026-10-01,Returning,4")
    assert codes(upload) == ["segments_overlap"]
    assert one(upload).measures == ()
    assert heading in upload.findings[0].text("ru")


def test_one_segment_is_a_table_like_any_other() -> None:
    upload = of("Date,Segment,Sessions\n2026-10-01,Mobile,6\n2026-10-02,Mobile,4")
    assert totals(upload) == {"sessions": 10}
    assert codes(upload) == []


@pytest.mark.parametrize("heading", ["Page", "Адрес страницы"])
def test_sessions_of_pages_are_not_added_whatever_the_format(heading: str) -> None:
    upload = of(f"Date;{heading};Sessions;Orders\n2026-10-01;/a;6;1\n2026-10-01;/b;4;2")
    assert upload.format == "table"
    assert totals(upload) == {"orders": 3}
    (told,) = [finding for finding in upload.findings if finding.code == "rows_overlap"]
    assert told.values == {"column": heading, "measures": "Sessions"}


def test_a_title_is_a_campaign_only_where_mailings_are_listed() -> None:
    assert one(of("Date,Title,Orders\n2026-10-01,a,1")).dimensions == ()
    upload = of("Title,Send date,Total recipients\na,2026-10-01,5")
    assert (upload.format, list(one(upload).facts["campaign"])) == ("mailchimp", ["a"])


SHOPIFY = "Name,Financial Status,Total,Created at,Lineitem name"


def test_an_amount_of_a_record_that_cannot_be_read_is_told() -> None:
    upload = of(f"{SHOPIFY}\n#1,paid,much,2026-10-01,x\n#2,paid,5.50,2026-10-01,y")
    assert codes(upload) == ["not_numbers"]
    assert totals(upload)["revenue"] == 5.5


def test_a_record_without_a_day_or_a_number_is_told() -> None:
    upload = of(f"{SHOPIFY}\n#1,paid,5,2026-10-01,x\n#2,paid,5,soon,y\n,paid,5,2026-10-01,z")
    assert codes(upload) == ["records_without_id", "rows_without_day"]
    assert totals(upload)["orders"] == 1


def test_a_record_is_known_again_by_its_number_on_the_clock_of_any_time_zone() -> None:
    def record(row: str) -> int:
        return int(one(of(f"{SHOPIFY}\n{row}")).facts["record"].iloc[0])

    first = record("#1001,paid,5,2026-10-01 10:00,x")
    assert record("#1001,refunded,5,2026-10-01 10:00,x") == first
    assert record("#1001,paid,5,2026-10-02 06:00,x") == first
    assert record("#1002,paid,5,2026-10-01 10:00,x") != first


# --- workbooks and Parquet


def test_typed_cells_of_a_workbook_are_read() -> None:
    rows = [
        ["Отчёт"],
        ["Дата", "Канал", "Визиты", "Доход, ₽"],
        [datetime(2026, 10, 1), "Email", 10, 1.5],
        [20261002, 2026, 20, 2.5],
        ["Итого", None, 30, 4],
    ]
    upload = read("a.xlsx", workbook(("Лист1", rows)))
    assert totals(upload) == {"sessions": 30, "revenue": 4}
    assert str(one(upload).period) == "2026-10-01..2026-10-02"
    assert set(one(upload).facts["channel"]) == {"email", "2026"}


def test_a_sheet_may_state_its_month() -> None:
    rows = [["Кампания", "Клики"], ["a", 1]]
    upload = read("a.xlsx", workbook(("Июль 2026", rows), ("Август 2026", rows)))
    assert [str(table.period) for table in upload.tables] == [
        "2026-07-01..2026-07-31", "2026-08-01..2026-08-31",
    ]  # fmt: skip


def test_a_percent_heading_over_fractions_of_a_workbook_is_not_divided_again() -> None:
    rows = [["Дата", "Визиты", "Показатель отказов, %"], [datetime(2026, 10, 1), 100, 0.15]]
    upload = read("a.xlsx", workbook(("a", rows)))
    assert totals(upload) == {"sessions": 100}
    assert codes(upload) == ["share_unclear"]


def test_figures_beyond_all_numbers_are_missing() -> None:
    data = parquet({"Date": [date(2026, 10, 1)] * 3, "Revenue": [1.5, float("inf"), float("nan")]})
    upload = read("a.parquet", data)
    assert totals(upload) == {"revenue": 1.5}
    assert codes(upload) == ["not_numbers"]


# --- any file


CHANNELS = ["Email", "SEO", "Прямые заходы", "Реклама", "Ozon"]
MARKS = [(".", ""), (",", ""), (",", " "), (".", ",")]  # of decimals and thousands
Row = tuple[date, str, int, float]


@dataclass(frozen=True)
class Style:
    """One way to write a table."""

    order: list[int]
    marks: tuple[str, str]
    delimiter: str
    end: str
    encoding: str

    def figure(self, figure: float, digits: int) -> str:
        decimal, thousands = self.marks
        plain = f"{figure:,.{digits}f}"
        return plain.translate({ord(","): thousands, ord("."): decimal})

    def written(self, rows: list[Row]) -> bytes:
        lines = [["Дата", "Канал", "Визиты", "Выручка"]]
        for day, channel, count, money in rows:
            lines.append([f"{day:%d.%m.%Y}", channel, self.figure(count, 0), self.figure(money, 2)])
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator=self.end)
        writer.writerows([line[at] for at in self.order] for line in lines)
        return out.getvalue().encode(self.encoding)


STYLES = st.builds(
    Style,
    order=st.permutations(range(4)),
    marks=st.sampled_from(MARKS),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251"]),
)
ROWS = st.lists(
    st.tuples(
        st.dates(date(2024, 1, 1), date(2026, 12, 31)),
        st.sampled_from(CHANNELS),
        st.integers(0, 10**7),
        st.integers(0, 10**9).map(lambda cents: cents / 100),
    ),
    min_size=2,
    max_size=12,
)


@given(ROWS, STYLES)
@settings(max_examples=200, deadline=None)
def test_what_is_written_in_any_way_comes_back(rows: list[Row], style: Style) -> None:
    table = one(read("any.csv", style.written(rows)))
    assert table.rows == len(table.facts) == len(rows)
    assert table.total("sessions") == sum(row[2] for row in rows)
    assert table.total("revenue") == pytest.approx(sum(row[3] for row in rows), abs=0.001)
    assert str(table.period) == f"{min(rows)[0]}..{max(rows)[0]}"


def reads_or_refuses(data: bytes) -> None:
    """An upload or a named error that can be said, nothing else."""
    try:
        said = [finding.text("ru") for finding in read("any.csv", data).findings]
    except IngestError as refused:
        said = [refused.text("ru"), refused.text("en")]
    assert all(said)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    reads_or_refuses(data)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_below_known_headings_is_read_or_refused(text: str) -> None:
    reads_or_refuses(f"Date,Channel,Sessions,Revenue\n{text}".encode("utf-8", "replace"))


def flipped(data: bytes, dice: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
    return bytes(spoilt)


def with_lines_cut(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[dice.randrange(len(lines)) : dice.randrange(len(lines) + 1)]
    return b"\n".join(lines)


def with_a_line_moved(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(dice.randrange(len(lines)), lines.pop(dice.randrange(len(lines))))
    return b"\n".join(lines)


def cut_short(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


@pytest.mark.parametrize("spoil", [flipped, with_lines_cut, with_a_line_moved, cut_short])
@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_a_spoilt_sample_is_read_or_refused(
    spoil: Callable[[bytes, random.Random], bytes], path: Path, dice: random.Random
) -> None:
    reads_or_refuses(spoil(path.read_bytes(), dice))
