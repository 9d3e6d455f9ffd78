"""Rows that are no data and figures that are no figures: refused, set aside or told."""

import pytest

from kpi_core.errors import IngestError
from kpi_core.ingest import Upload, read
from kpi_core.ingest.titles import stated_period
from kpi_core.verdict import checks


def read_text(*lines: str, name: str = "t-2026-10-01-2026-10-31.csv") -> Upload:
    return read(name, "\n".join(lines).encode())


def told(upload: Upload) -> set[str]:
    quiet = {"read_by_headings", "columns_not_used", "channels_unknown", "period_unknown"}
    return {finding.code for finding in upload.findings} - quiet


def added(upload: Upload) -> dict[str, float | None]:
    return {id: table.total(id) for table in upload.tables for id in table.measures}


def refused(*lines: str, name: str = "t.csv") -> IngestError:
    with pytest.raises(IngestError) as failed:
        read_text(*lines, name=name)
    assert failed.value.text("ru")
    return failed.value


TWO = ("Канал;Визиты;Заказы;Выручка", "SEO;100;1;25", "CPC;300;3;30")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("Общий итог;400;4;55", "totals_set_aside"),
        ("Сумма;400;4;55", "totals_set_aside"),
        ("Все каналы;400;4;55", "totals_set_aside"),
        ("All channels;400;4;55", "totals_set_aside"),
        ("Среднее;200;2;27.5", "summaries_set_aside"),
        ("Максимум;300;3;30", "summaries_set_aside"),
        ("в т.ч. мобильные;250;2;20", "summaries_set_aside"),
    ],
)
def test_a_row_that_sums_up_is_no_data(row: str, code: str) -> None:
    upload = read_text(*TWO, row)
    assert added(upload) == {"sessions": 400, "orders": 4, "revenue": 55}
    assert code in told(upload)
    assert upload.tables[0].rows == 2


@pytest.mark.parametrize("name", ["Сумма", "Среднее", "Розыгрыш итоги", "Все каналы"])
def test_a_row_that_is_only_called_so_stays_and_is_told(name: str) -> None:
    upload = read_text(*TWO, f"{name};7;5;1")
    assert added(upload)["sessions"] == 407
    assert "named_like_total" in told(upload)


def test_the_subtotals_of_a_pivot_table_are_no_data() -> None:
    head = "Кампания;Группа;Показы;Клики;Расход, ₽"
    rows = [head, "Бренд;а;100;10;90", "Бренд;б;100;10;80", "Бренд Итог;;200;20;170"]
    rows += ["Общая;а;50;5;50", "Общая Итог;;50;5;50"]
    for upload in (read_text(*rows), read_text(*rows, "Общий итог;;250;25;220")):
        assert added(upload) == {"impressions": 250, "clicks": 25, "spend": 220}
        assert upload.tables[0].control["spend"] == 220


def test_a_row_that_equals_all_others_is_told_whatever_its_name() -> None:
    upload = read_text(*TWO, "Наш сайт;400;4;55")
    assert added(upload)["sessions"] == 400
    assert told(upload) == {"total_by_figures", "totals_set_aside"}
    assert added(read_text("Канал;Визиты", "SEO;100", "CPC;300", "Бот;400"))["sessions"] == 800
    four = read_text("Канал;Визиты", "SEO;100", "CPC;300", "Почта;7", "Бот;407")
    assert added(four)["sessions"] == 407
    assert "total_by_figures" in told(four)


def test_only_a_total_row_that_is_shifted_as_a_whole_is_believed_as_such() -> None:
    head = "Дата;Заказы;Оплаченные заказы;Выручка"
    rows = ["2026-10-01;40;40;1000", "2026-10-02;40;35;1000"]
    upload = read_text(head, *rows, "Итого;100;80;2000")
    assert [f.code for f in upload.findings].count("rows_below_total") == 2
    assert upload.tables[0].control == {"orders": 100, "paid_orders": 80, "revenue": 2000}


def test_totals_agree_by_one_rule_wherever_they_are_checked() -> None:
    upload = read_text("Дата;Заказы;Выручка", "2026-10-01;2;1000", "2026-10-02;2;1000",
                       "Итого;5;2003")  # fmt: skip
    assert [f.code for f in upload.findings].count("rows_below_total") == 2
    assert [check.agrees for check in checks([upload])] == [False, False]
    near = read_text("Дата;Выручка", "2026-10-01;1000", "2026-10-02;1000", "Итого;2001")
    assert told(near) == {"totals_set_aside"}
    assert [check.agrees for check in checks([near])] == [True]


@pytest.mark.parametrize(
    ("heading", "times"),
    [
        ("Выручка, тыс. руб.", 1000), ("Выручка (тыс. руб.)", 1000), ("Выручка тыс. ₽", 1000),
        ("Выручка, млн ₽", 10**6), ("Выручка (в тыс. рублей)", 1000), ("Выручка, ₽", 1),
    ],
)  # fmt: skip
def test_figures_in_thousands_are_written_out(heading: str, times: int) -> None:
    upload = read_text(f"Дата;Визиты;{heading}", "01.10.2026;100;12,5", "Итого;100;12,5")
    assert added(upload) == {"sessions": 100, "revenue": 12.5 * times}
    assert upload.tables[0].currency == "RUB"
    assert upload.tables[0].control["revenue"] == 12.5 * times
    assert ("read_as_scaled" in told(upload)) is (times > 1)


@pytest.mark.parametrize(
    ("heading", "times"),
    [("Revenue, K USD", 1000), ("Revenue ($K)", 1000), ("Revenue (USD thousands)", 1000)],
)
def test_thousands_of_dollars_are_dollars(heading: str, times: int) -> None:
    upload = read_text(f"Date;Sessions;{heading}", "2026-10-01;100;12.5")
    assert added(upload)["revenue"] == 12.5 * times
    assert upload.tables[0].currency == "USD"


def test_a_line_above_may_say_that_all_money_is_in_thousands() -> None:
    rows = ["Дата;Визиты;{}", "01.10.2026;100;12,5"]
    assert added(read_text("Все суммы в тыс. руб.", rows[0].format("Выручка"), rows[1])) == {
        "sessions": 100, "revenue": 12_500,
    }  # fmt: skip
    both = read_text("Все суммы в тыс. руб.", rows[0].format("Выручка, тыс. руб."), rows[1])
    assert added(both)["revenue"] == 12_500
    upload = read_text("Все суммы в тыс. руб.", rows[0].format("Выручка, млн руб."), rows[1])
    assert added(upload) == {"sessions": 100}
    assert told(upload) == {"scale_unclear"}
    plain = read_text("Бюджет 500 тыс. руб.", rows[0].format("Выручка"), rows[1])
    assert added(plain)["revenue"] == 12.5


def test_rows_pasted_twice_are_told() -> None:
    head, *rows = "Дата;Канал;Визиты;Заказы", "01.10.2026;SEO;100;2", "02.10.2026;SEO;100;2"
    assert told(read_text(head, *rows)) == set()
    upload = read_text(head, *rows, *rows)
    (found,) = [finding for finding in upload.findings if finding.code == "rows_repeated"]
    assert found.values == {"n": 2, "line": 4}
    assert told(read_text(head, *rows, "03.10.2026;SEO;0;0", "03.10.2026;SEO;0;0")) == set()


@pytest.mark.parametrize(
    "ids",
    [
        ["1,23457E+15", "1,23457E+15", "1,23457E+15"],
        ["1123300000000000000", "1123310000000000000", "1123320000000000000"],
    ],
)
def test_record_numbers_that_a_spreadsheet_has_rounded_are_refused(ids: list[str]) -> None:
    head = "ID;Стадия сделки;Название сделки;Сумма;Валюта;Дата создания"
    rows = [f"{id};Сделка успешна;С;1000;Российский рубль;05.10.2026" for id in ids]
    assert refused(head, *rows).code == "numbers_rounded"
    whole = [row.replace("00000;", f"1234{at};") for at, row in enumerate(rows)]
    if ids[0].isdecimal():
        assert added(read_text(head, *whole))["deals_won"] == 3


def test_days_that_a_spreadsheet_has_half_understood_are_refused() -> None:
    rows = ["10.01.2026;100", "10.02.2026;100", "10/13/2026;100"]
    failed = refused("Date;Sessions", *rows)
    assert failed.code == "nothing_left"
    assert failed.values["why"].code == "days_of_two_kinds"
    fine = read_text("Date;Sessions", "13/10/2026;100", "14.10.2026;100", "2026-10-15;100")
    assert added(fine) == {"sessions": 300}
    assert told(fine) == set()


def test_things_are_not_counted_in_fractions_but_conversions_may_be() -> None:
    upload = read_text("Дата;Визиты;Заказы", "2026-10-01;100.5;2", "2026-10-02;7;3")
    assert added(upload) == {"orders": 5}
    assert told(upload) == {"counts_in_fractions"}
    upload = read_text("Date;Sessions;Ad conversions", "2026-10-01;100;2.25")
    assert added(upload) == {"sessions": 100, "ad_conversions": 2.25}


def test_thousands_of_counts_tell_that_a_point_is_no_decimal_mark() -> None:
    head = "День;Показы;Клики;Расход (руб.);CTR"
    upload = read_text(head, "01.10.2026;910;10;1.234;1.5", "02.10.2026;1.013;20;987;2.5")
    assert added(upload) == {"clicks": 30}
    assert told(upload) == {"thousands_unclear"}


def test_whole_refusals_below_a_hundred_need_a_proof() -> None:
    rows = ["Дата;Визиты;Отказы", "01.10.2026;1000;16", "02.10.2026;1000;18"]
    unclear = read_text(*rows)
    assert (added(unclear), told(unclear)) == ({"sessions": 2000}, {"share_unclear"})
    assert added(read_text(*rows, "Итого;2000;34"))["bounces"] == 34
    assert added(read_text(*rows, "Итого;2000;17"))["bounces"] == 340
    assert added(read_text(*rows, "03.10.2026;10;20"))["bounces"] == 342


def test_rows_of_a_plan_are_no_facts() -> None:
    head = "Дата;Тип;Выручка;Заказы"
    upload = read_text(head, "01.10.2026;план;10000;10", "01.10.2026;факт;8000;8")
    assert added(upload) == {"revenue": 8000, "orders": 8}
    assert told(upload) == {"plan_rows_set_aside"}
    failed = refused(head, "01.10.2026;план;10000;10", "02.10.2026;план;10000;10")
    assert failed.values["why"].code == "plan_rows_set_aside"
    assert added(read_text("Кампания;Клики", "План;5", "Б;6"))["clicks"] == 11


def test_names_below_merged_cells_are_told_and_no_row_is_lost() -> None:
    upload = read_text("Канал;Визиты;Заказы", "SEO;1000;10", ";3000;30", "Директ;500;5")
    assert added(upload) == {"sessions": 4500, "orders": 45}
    (found,) = [finding for finding in upload.findings if finding.code == "names_merged"]
    assert (found.values["n"], found.values["line"], found.values["amount"]) == (1, 3, 3000)


def test_durations_in_fractions_of_a_day_are_refused() -> None:
    rows = ["Источник трафика;Визиты;Посетители;Отказы;Глубина просмотра;Время на сайте",
            "Итого и средние;1000;900;20%;2;0,0015625",
            "Прямые заходы;1000;900;20%;2;0,0015625"]  # fmt: skip
    upload = read_text("Отчет за период с 2026-10-01 по 2026-10-31", *rows)
    assert "session_seconds" not in added(upload)
    assert "duration_unclear" in told(upload)


@pytest.mark.parametrize(
    ("line", "period"),
    [
        ("Сформирован 01.11.2026 за период 01.10.2026 - 31.10.2026", "2026-10-01..2026-10-31"),
        ("Отчёт с 01.10.2026 по 15.10.2026, обновлён 20.10.2026", "2026-10-01..2026-10-15"),
        ("Created 2026-11-02, from 2026-10-01 to 2026-10-31", "2026-10-01..2026-10-31"),
        ("Сформирован 01.11.2026 за октябрь 2026", "2026-10-01..2026-10-31"),
        ("Создано 05.10.2026 12:00, обновлено 20.10.2026", None),
        ("01.10.2026 00:00 – 31.10.2026 23:59", "2026-10-01..2026-10-31"),
        ("01.10.2026 - 31.10.2026 и 01.09.2026 - 30.09.2026", None),
    ],
)
def test_a_title_states_the_days_that_it_joins(line: str, period: str | None) -> None:
    found = stated_period([line])
    assert (str(found) if found else None) == period


@pytest.mark.parametrize("figure", ["100", "много"])
def test_days_that_cannot_be_read_are_named_before_channels_and_figures(figure: str) -> None:
    head = "Дата;Канал;Визиты;Показы"
    failed = refused(head, f"1-я неделя;poisk;100;{figure}", "2-я неделя;reklama;200;300")
    assert failed.values["why"].code == "rows_without_day"
    assert "2" in failed.text("en")


def test_the_cause_is_named_when_nothing_is_left() -> None:
    failed = refused("Месяц;Визиты", "январь;1000", "февраль;1000")
    assert failed.code == "nothing_left"
    assert "2" in failed.text("ru")
    upload = read_text("Дата;Выручка, $;Расход, ₽", "05.10.2026;500;100")
    assert "several_currencies" in told(upload)
    assert added(upload) == {}
