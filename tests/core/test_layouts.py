"""Layouts that users teach: guessed, written as a file, read back, used before all others."""

import pytest

from kpi_core import catalogue, words
from kpi_core.errors import IngestError
from kpi_core.ingest import read
from kpi_core.ingest.formats import dimensions
from kpi_core.ingest.layouts import (
    Draft,
    Rows,
    counts,
    guess,
    heading_row,
    likely_rows,
    read_layout,
    repeated,
    sources,
    statuses,
    targets,
    written,
)

ORDERS = "Номер;Когда;Сколько, руб;Кто\nA1;01.10.2026;1 500,50;Иван\nA2;02.10.2026;100;Пётр\n"
OWN = Draft(
    name="Мои заказы",
    source="table",
    rows=Rows.ORDERS,
    headings=("Номер", "Когда", "Сколько, руб", "Кто"),
    meanings={"Номер": "record", "Когда": "date", "Сколько, руб": "amount"},
)


@pytest.mark.parametrize(
    ("heading", "cells", "target"),
    [
        ("Clicks", ["12", "5"], "clicks"),
        ("Показов", ["12", ""], "impressions"),
        ("Clicks", ["abc", "def"], ""),  # words are no clicks
        ("Когда", ["01.10.2026", "02.10.2026"], "date"),
        ("Когда", ["45000", "2"], ""),
        ("Сумма", ["100"], ""),  # of what?
        ("Заходы", ["100"], ""),  # sounds like "расходы" and means visits
        ("Номер заказа", ["10501", "10502"], "record"),  # and not how many orders
        ("Средний расход", ["10.5"], ""),  # averages do not add up
        ("qwerty", ["x"], ""),
        ("Sessions", [], "sessions"),
    ],
)
def test_a_column_is_guessed_by_its_heading_and_its_cells(
    heading: str, cells: list[str], target: str
) -> None:
    assert guess(heading, cells).target == target


def test_only_a_heading_known_word_for_word_is_sure() -> None:
    assert guess("Clicks", ["1"]).sure == 100
    assert guess("Показов", ["1"]).sure < 90


def test_the_heading_row_is_found_below_lines_of_words() -> None:
    rows = [["Отчёт отдела"], [], ["Когда", "Сколько", "Где"], ["01.10.2026", "5", "Пермь"]]
    assert heading_row(rows) == 2
    assert heading_row([["a", "b"], ["Дата", "Визиты"], ["01.10.2026", "5"]]) == 1
    assert heading_row([]) == 0


def test_a_taught_table_of_orders_is_counted_and_keeps_no_people() -> None:
    layout = read_layout("orders.toml", written(OWN))
    (table,) = read("x.csv", ORDERS.encode(), [layout]).tables
    assert table.total("orders") == 2
    assert table.total("revenue") == 1600.5
    assert table.currency == "RUB"
    assert str(table.period) == "2026-10-01..2026-10-02"
    assert "Иван" not in table.facts.to_csv()


def test_without_its_layout_the_same_table_is_unknown() -> None:
    with pytest.raises(IngestError):
        read("x.csv", ORDERS.encode())


def test_an_order_may_say_its_cost_its_buyer_and_its_currency() -> None:
    draft = Draft(
        name="Ours",
        source="table",
        rows=Rows.ORDERS,
        headings=("Код", "Когда", "Сколько", "Закупка", "Деньги", "Кто", "Чем кончилось"),
        meanings={
            "Код": "record", "Когда": "date", "Сколько": "amount", "Закупка": "cost",
            "Деньги": "currency", "Кто": "customer", "Чем кончилось": "status",
        },
        counting=("Выполнен",),
    )  # fmt: skip
    rows = "А1;01.10.2026;100;60;EUR;Иван;Выполнен\nА2;02.10.2026;50;20;EUR;Пётр;Отменён\n"
    data = (";".join(draft.headings) + "\n" + rows).encode()
    (table,) = read("x.csv", data, [read_layout("l", written(draft))]).tables
    assert (table.total("orders"), table.total("revenue"), table.total("cogs")) == (1, 100, 60)
    assert (table.currency, table.facts["customer"].nunique()) == ("EUR", 2)
    assert "Иван" not in table.facts.to_csv()


def test_only_statuses_that_are_known_to_be_good_count_of_themselves() -> None:
    said = statuses(["Выполнен", "Отменён", "Возврат", "Заморожен", "Выполнен", ""])
    assert said == {"Выполнен": 2, "Отменён": 1, "Возврат": 1, "Заморожен": 1}
    assert [word for word in said if counts(word, Rows.ORDERS)] == ["Выполнен"]
    assert counts("Сделка успешна", Rows.DEALS)
    assert not counts("В работе", Rows.DEALS)
    assert counts("Заморожен", Rows.TASKS)
    assert not counts("Отменена", Rows.TASKS)


def test_columns_of_orders_are_guessed_as_registers_call_them() -> None:
    assert guess("Сумма", ["100"], Rows.ORDERS).target == "amount"
    assert guess("Себестоимость", ["60"], Rows.ORDERS).target == "cost"
    assert guess("Покупатель", ["К1"], Rows.ORDERS).target == "customer"
    assert guess("Статус", ["Выполнен"], Rows.ORDERS).target == "status"
    assert guess("Покупатель", ["К1"]).target == ""
    assert likely_rows(["Номер", "Дата", "Покупатель"]) is Rows.ORDERS
    assert likely_rows(["Дата", "Статус", "Визиты"]) is Rows.SUMS


def test_a_taught_layout_comes_before_what_is_built_in() -> None:
    table = "Date,Clicks,Sessions\n2026-10-01,5,7\n2026-10-02,6,8\n"
    draft = Draft(
        name="Swapped",
        source="table",
        rows=Rows.SUMS,
        headings=("Date", "Clicks", "Sessions"),
        meanings={"Date": "date", "Clicks": "sessions"},
    )
    (read_table,) = read("x.csv", table.encode(), [read_layout("l", written(draft))]).tables
    assert read_table.measures == ("sessions",)
    assert read_table.total("sessions") == 11


def test_a_column_that_is_not_named_is_not_used_even_if_its_heading_is_known() -> None:
    draft = Draft("A", "table", Rows.SUMS, ("Дата", "Визиты", "Расход"),
                  {"Дата": "date", "Визиты": "sessions"})  # fmt: skip
    data = "Дата;Визиты;Расход\n01.10.2026;5;7\n02.10.2026;6;8\n".encode()
    (table,) = read("x.csv", data, [read_layout("l", written(draft))]).tables
    assert table.measures == ("sessions",)


@pytest.mark.parametrize("rows", Rows)
def test_every_meaning_that_is_offered_is_accepted(rows: Rows) -> None:
    for target in targets(rows):
        meanings = {"A": target}
        if rows is Rows.SUMS and target in dimensions():
            meanings["B"] = next(id for id in catalogue.measures() if id != target)
        if rows is not Rows.SUMS and target != "record":
            meanings["B"] = "record"
        assert read_layout("l", written(Draft("x", "table", rows, ("A", "B"), meanings)))


def test_every_source_that_is_offered_is_accepted() -> None:
    for source in sources():
        draft = Draft("x", source, Rows.SUMS, ("A",), {"A": "sessions"})
        assert read_layout("l", written(draft)).source == source


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not toml at all [", "bad_layout"),
        ("a = " + "[" * 5000, "bad_layout"),
        ("x = 1\n" * 20_000, "layout_too_large"),
        ('preamble = "(a+)+$"\n' + written(OWN), "layout_field"),
        ('kind = "events"', "bad_layout"),
        (written(OWN).replace("[records.revenue]", '[records.revenue.where]\nx = "(a+)+"'),
         "layout_field"),
        (written(OWN).replace('"date"', '"nonsense"'), "layout_meaning"),
        (written(OWN).replace('source = "table"', 'source = "nobody"'), "layout_meaning"),
        (written(OWN).replace("[records.orders]", "[records.nonsense]"), "layout_meaning"),
        (written(OWN).replace('"record"', '""'), "layout_counts_nothing"),
        (written(OWN) + 'currency = "XXL"', "layout_field"),
    ],
)  # fmt: skip
def test_a_layout_from_elsewhere_is_checked_in_full(text: str, code: str) -> None:
    with pytest.raises(IngestError) as refused:
        read_layout("theirs.toml", text)
    assert refused.value.code == code
    assert refused.value.where == "theirs.toml"


def test_headings_that_cannot_be_told_apart_are_named() -> None:
    assert [column.raw for column in repeated(["Sum", "Date", "sum "])] == ["Sum", "sum "]


@pytest.mark.parametrize("rows", Rows)
def test_every_meaning_that_is_offered_has_a_name(rows: Rows) -> None:
    for lang in ("ru", "en"):
        names = [words.meaning(target, lang) for target in ["", *targets(rows)]]
        assert len(set(names)) == len(names)


def test_only_the_statuses_that_are_named_count() -> None:
    draft = Draft(
        "Заказы", "table", Rows.ORDERS, ("Номер", "Когда", "Сколько", "Что стало"),
        {"Номер": "record", "Когда": "date", "Сколько": "amount", "Что стало": "status"},
        counting=("Оплачен", "Доставлен"),
    )  # fmt: skip
    data = (
        "Номер;Когда;Сколько;Что стало\nA1;01.10.2026;100;Оплачен\n"
        "A2;02.10.2026;200;Отменён\nA3;02.10.2026;400;доставлен\n"
    )
    (table,) = read("x.csv", data.encode(), [read_layout("l", written(draft))]).tables
    assert table.total("orders") == 2
    assert table.total("revenue") == 500


def test_a_heading_row_is_not_mistaken_for_a_row_with_one_known_word() -> None:
    rows = [["День", "Откуда пришли", "Заходы"], ["01.10.2026", "Рассылка", "320"]]
    rows += [["02.10.2026", "Поиск", "64"]]
    assert heading_row(rows) == 0
