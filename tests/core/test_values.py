"""Cells as numbers and days: decided by column, and what does not fit is missing and counted."""

from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core.ingest.values import Cell, days, decimal_mark, numbers, seconds


def values(cells: list[Cell], mark: str | None = None) -> list[float | None]:
    return [None if np.isnan(value) else value for value in numbers(cells, mark).values]


def spans(cells: list[Cell], start: date | None = None) -> list[str | None]:
    found = days(cells, start=start)
    edges = zip(
        np.datetime_as_string(found.first, "D"), np.datetime_as_string(found.last, "D"), strict=True
    )
    shown = [str(first) if first == last else f"{first}..{last}" for first, last in edges]
    return [None if text == "NaT" else text for text in shown]


# --- numbers


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["5 030,16", "1 500"], [5030.16, 1500]),
        (["5\u00a0030,16", "1\u202f500,5", "1\u2009000,1"], [5030.16, 1500.5, 1000.1]),
        (["9,380", "1,164.09"], [9380, 1164.09]),
        (["2.546", "1.164,09"], [2546, 1164.09]),
        (["1'234.50"], [1234.5]),
        (["1,234,567"], [1234567]),
        (["20661.19 RUB", "232801.40 ₽", "US$ 0.00"], [20661.19, 232801.4, 0]),
        (["$-5.50", "-£0.50"], [-5.5, -0.5]),
        (["6.47%", "100%", "0"], [6.47, 100, 0]),
        (["−3", "-4", "+5"], [-3, -4, 5]),
        (["1E+05", "0.5"], [100000, 0.5]),
        ([" --", "-", "—", "н/д", "", "NULL", "#DIV/0!", None, "7"], [*[None] * 8, 7]),
        ([1, 2.5, None], [1, 2.5, None]),
        (["0.123", "0.456"], [0.123, 0.456]),
    ],
)  # fmt: skip
def test_a_number_is_read_as_exports_write_it(cells: list[Cell], read: list[float | None]) -> None:
    assert values(cells) == read
    assert not numbers(cells, None).unread


@pytest.mark.parametrize(
    "cell",
    [
        "1 2", "12 34", "1,2,3", "12,34,567", "01.10.2026", "12:30", "abc", "5 шт", "1.2.3", "--5",
        "< 10%", "> 90%", True, float("inf"), float("nan"), "1" * 40, "2026-10-01", "(5)",
    ],
)  # fmt: skip
def test_what_is_no_number_is_missing_and_counted(cell: Cell) -> None:
    read = numbers([cell, "7", "1.5"], ".")
    assert read.unread == (0,)
    assert np.isnan(read.values[0])
    assert list(read.values[1:]) == [7, 1.5]


@pytest.mark.parametrize("middle", [" ", "1 ", "1,", ".", "'", "\n", "- ", "-"])
def test_a_cell_of_any_length_is_unread_and_does_not_hang(middle: str) -> None:
    cells: list[Cell] = [sign + middle * 32_000 + "x" for sign in ("-", "", "1", "$", "2026-10-01")]
    everyone = tuple(range(len(cells)))
    assert decimal_mark([cells], ";") is None
    assert numbers(cells, None).unread == everyone
    assert seconds([*cells, "1:00"], None).unread == everyone
    assert days(cells).unread == everyone


def test_spaces_around_and_between_do_not_matter() -> None:
    assert values(["-" + " " * 1200 + "5 " + " " * 1200 + "%"]) == [-5]


@pytest.mark.parametrize("cell", [1e308, -1e308, 10**400, 1.1e15, "1e308", "2000000000000000"])
def test_a_figure_beyond_ten_to_the_fifteenth_is_unread(cell: Cell) -> None:
    read = numbers([cell, 10.0**15, "-1000000000000000"], ".")
    assert read.unread == (0,)
    assert list(read.values[1:]) == [10**15, -(10**15)]


def test_a_duration_beyond_all_sense_is_unread() -> None:
    assert seconds(["9" * 5000 + ":00", "9" * 60 + ":00", "1:00"], None).unread == (0, 1)


def test_a_comma_that_is_no_thousands_comma_does_not_vanish() -> None:
    assert values(["12,34", "1,234.50"], ".") == [None, 1234.5]


def test_the_file_decides_where_a_column_cannot() -> None:
    assert values(["2.546", "1.000"], ",") == [2546, 1000]
    assert values(["2.546", "1.000"], ".") == [2.546, 1]
    assert values(["1,234"], ".") == [1234]
    assert values(["1,234"], ",") == [1.234]


def test_without_evidence_thousands_and_decimals_are_not_told_apart() -> None:
    read = numbers(["2.546", "17"], None)
    assert read.unclear
    assert values(["2.546", "17"]) == [None, 17]


@pytest.mark.parametrize(
    ("columns", "delimiter", "mark"),
    [
        ([["1,5", "2,25"]], ";", ","),
        ([["9,380"], ["1164.09"]], ",", "."),
        ([["2.546"], ["1.164,09"]], ",", ","),
        ([["9,380", "1,000"]], ",", "."),  # a comma within quotes of a comma-separated file
        ([["9,380"]], ";", None),
        ([["2.546"]], ",", None),
        ([["0.250"]], ",", "."),
        ([["17"]], ";", None),
        ([["01.10.2026", "02.10.2026"], ["3,5"]], ";", ","),
    ],
)
def test_the_mark_of_a_file_is_proved_by_its_cells(
    columns: list[list[str]], delimiter: str, mark: str | None
) -> None:
    assert decimal_mark(columns, delimiter) == mark


def test_a_percent_column_does_not_mix_with_fractions() -> None:
    read = numbers(["15%", "0.15", "0"], ".")
    assert read.percent
    assert read.unread == (1,)


def test_currencies_beside_the_figures_are_told() -> None:
    assert numbers(["$5", "5 €", "7"], ".").currencies == {"USD", "EUR"}


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1),
    st.sampled_from([(",", " "), (",", "\u00a0"), (",", "."), (".", ","), (".", "'"), (".", "")]),
)
def test_two_decimals_come_back_from_any_spelling(
    amounts: list[float], marks: tuple[str, str]
) -> None:
    mark, group = marks
    cells: list[Cell] = [
        f"{amount:,.2f}".replace(",", "\0").replace(".", mark).replace("\0", group)
        for amount in amounts
    ]
    read = numbers(cells, None)
    assert not read.unread
    assert np.allclose(read.values, [float(amount) for amount in amounts])


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["00:03:45", "1:00:00", "02:30"], [225, 3600, 150]),
        (["55.3", "388.75"], [55.3, 388.75]),
        ([time(0, 3, 45), timedelta(hours=25)], [225, 90000]),
    ],
)
def test_durations_become_seconds(cells: list[Cell], read: list[float]) -> None:
    assert list(seconds(cells, ".").values) == read


def test_a_duration_that_is_none_is_counted() -> None:
    assert seconds(["00:03:45", "00:99:00", "-"], ".").unread == (1,)


# --- days


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-10-01", "2026-10-01"),
        ("20261001", "2026-10-01"),
        ("2026100123", "2026-10-01"),
        ("01.10.2026", "2026-10-01"),
        ("1.10.26", "2026-10-01"),
        ("2026/10/01", "2026-10-01"),
        ("2026.10.01", "2026-10-01"),
        ("05.07.2026 10:00:00", "2026-07-05"),
        ("2026-04-05 21:06:21 +0400", "2026-04-05"),
        ("2019-10-01 00:00:00 UTC", "2019-10-01"),
        ("2025-08-01T00:00:00.000Z", "2025-08-01"),
        ("Jun 01, 2023 09:46 pm", "2023-06-01"),
        ("October 1, 2026", "2026-10-01"),
        ("27 January 2026", "2026-01-27"),
        ("1 октября 2026", "2026-10-01"),
        ("22/Dec/25 2:38 PM", "2025-12-22"),
        ("2026-10", "2026-10-01..2026-10-31"),
        ("10.2026", "2026-10-01..2026-10-31"),
        ("202610", "2026-10-01..2026-10-31"),
        ("202611", "2026-11-01..2026-11-30"),
        ("Октябрь 2026", "2026-10-01..2026-10-31"),
        ("Feb 2026", "2026-02-01..2026-02-28"),
        ("2025-09-01 - 2025-09-30", "2025-09-01..2025-09-30"),
        ("01.09.2025 – 30.09.2025", "2025-09-01..2025-09-30"),
        ("2025-09-01..2025-09-30", "2025-09-01..2025-09-30"),
        (20261001, "2026-10-01"),
        (46296, "2026-10-01"),
        (46296.75, "2026-10-01"),
        (date(2026, 10, 1), "2026-10-01"),
        (datetime(2026, 10, 1, 23, 59), "2026-10-01"),
    ],
)
def test_a_day_is_read_as_exports_write_it(cell: Cell, day: str) -> None:
    assert spans([cell]) == [day]


@pytest.mark.parametrize(
    "cell",
    [
        "Итого", "1 Oct", "01.10", "2026", 2026, 41, "41", "32.10.2026", "2026-02-30",
        "202613", "Q4 2026", "2026111", "10/1/26", "10-1-26", "26-10-01",
        "Marketing 5, 2026", "12:30", True, "2026-10-31 - 2026-10-01", 1.5,
    ],
)  # fmt: skip
def test_what_is_no_day_is_missing_and_counted(cell: Cell) -> None:
    found = days([cell, "2026-10-01"])
    assert found.unread == (0,)
    assert np.isnat(found.first[0])


@pytest.mark.parametrize(
    "cell",
    [
        "9206-10-01", date(9206, 10, 1), datetime(2101, 1, 1), "31.12.1989", 25_000, "2101-01",
        92061001, "2026-10-01 - 9206-10-01",
    ],
)  # fmt: skip
def test_a_day_of_another_age_is_a_slip(cell: Cell) -> None:
    assert days([cell, "1990-01-01", "2100-12-31"]).unread == (0,)


def test_empty_days_are_missing_and_not_counted() -> None:
    assert days([None, "", "(not set)"]).unread == ()


@pytest.mark.parametrize(
    ("cells", "read", "ambiguous"),
    [
        (["03/04/2026", "25/04/2026"], ["2026-04-03", "2026-04-25"], False),
        (["03/04/2026", "04/25/2026"], ["2026-03-04", "2026-04-25"], False),
        (["03-04-2026", "04-25-2026"], ["2026-03-04", "2026-04-25"], False),
        (["03/04/2026", "05/06/2026"], ["2026-04-03", "2026-06-05"], True),
        (["3/4/26 9:05", "4/25/26 9:05"], ["2026-03-04", "2026-04-25"], False),
        (["03/04/26", "04/25/2026"], ["2026-03-04", "2026-04-25"], False),
        (
            ["03/04/26", "01/04/26", "02/04/26", "25/04/26"],
            ["2026-04-03", "2026-04-01", "2026-04-02", "2026-04-25"],
            False,
        ),
        (
            ["03/04/26", "01/04/26", "02/04/26", "05/04/26"],
            ["2026-04-03", "2026-04-01", "2026-04-02", "2026-04-05"],
            True,
        ),
    ],
)
def test_day_or_month_first_is_decided_by_the_column(
    cells: list[Cell], read: list[str], ambiguous: bool
) -> None:
    assert spans(cells) == read
    assert days(cells).ambiguous is ambiguous


def test_what_may_begin_with_a_year_of_two_digits_is_no_day() -> None:
    for cells in (
        [f"26/10/{day:02}" for day in range(1, 32)],
        ["24/12/31", "25/12/31"],
        ["01/01/26", "01/02/26", "01/03/26", "01/04/26"],
    ):
        found = days(cells)
        assert found.unread == tuple(range(len(cells)))


def test_nth_day_counts_from_the_start() -> None:
    assert spans(["0000", "0027", 5, "x"], start=date(2023, 9, 23)) == [
        "2023-09-23", "2023-10-20", "2023-09-28", None,
    ]  # fmt: skip


@given(
    st.dates(date(1990, 1, 1), date(2060, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d %B %Y", "%b %d, %Y", "%Y/%m/%d %H:%M"]),
)
def test_any_day_comes_back_from_any_spelling(day: date, form: str) -> None:
    assert spans([day.strftime(form)]) == [str(day)]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.text(max_size=12),
            st.integers(),
            st.floats(),
            st.booleans(),
            st.dates(),
            st.datetimes(),
            st.times(),
        )
    )
)
def test_no_cell_breaks_a_column(cells: list[Cell]) -> None:
    for mark in (",", ".", None):
        read = numbers(cells, mark)
        assert len(read.values) == len(cells)
        assert not np.isinf(read.values).any()
        seconds(cells, mark)
    found = days(cells)
    assert len(found.first) == len(found.last) == len(cells)
    assert not (found.first > found.last).any()
