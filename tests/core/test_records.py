"""Records and rows that no single cell explains: kept days, groups above goods, clocks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kpi_core.errors import IngestError
from kpi_core.ingest import read
from kpi_core.ingest.sections import sections
from kpi_core.ingest.totals import group_rows
from kpi_core.ingest.values import clock_hours

EXPORTS = Path(__file__).parents[1] / "exports"


def days(sample: str, column: str) -> list[str | None]:
    facts = read(sample, (EXPORTS / sample).read_bytes()).tables[0].facts
    if "tasks" in facts:  # below them stands what was judged of their reports
        facts = facts[facts["tasks"].notna()]
    told = facts[column].dt.strftime("%d.%m")
    return [None if pd.isna(day) else str(day) for day in told]


@pytest.mark.parametrize(
    ("sample", "started", "due", "done"),
    [
        (
            "jira/cloud.csv",
            ["22.10", "23.10", "24.10", "25.10"],
            ["27.10", "26.10", None, "28.10"],
            ["26.10", "28.10", None, None],
        ),
        ("jira/no_due_dates.csv", ["22.10", "23.10"], [None, None], ["26.10", None]),
        (
            "bitrix_tasks/tasks.xls",
            ["01.10", "02.10", "03.10"],
            ["05.10", None, "09.10"],
            ["06.10", None, None],
        ),
        (
            "tracker/issues.csv",
            ["01.10", "02.10", "03.10"],
            ["05.10", None, "07.10"],
            ["04.10", None, None],
        ),
    ],
)
def test_tasks_keep_their_days(
    sample: str, started: list[str], due: list[str | None], done: list[str | None]
) -> None:
    assert days(sample, "started") == started
    assert days(sample, "due") == due
    assert days(sample, "done") == done


def test_how_often_a_task_came_back_is_unknown_without_its_history() -> None:
    facts = read("jira.csv", (EXPORTS / "jira/cloud.csv").read_bytes()).tables[0].facts
    assert facts["tasks_returned"].tolist()[:2] == [0, 1]
    assert facts["tasks_returned"].isna().tolist()[:4] == [False, False, True, True]


def test_a_record_is_of_its_first_day_though_its_refund_stands_above() -> None:
    assert days("woocommerce/orders.csv", "start") == ["02.10", "01.10", "02.10", "04.10", "04.10"]


def test_a_customer_of_two_orders_is_one() -> None:
    facts = read("orders.csv", (EXPORTS / "shopify/orders.csv").read_bytes()).tables[0].facts
    keys = facts["customer"].tolist()
    assert keys[0] == keys[4]
    assert len(set(keys)) == 5


@pytest.mark.parametrize(
    ("rows", "total", "groups"),
    [
        ([[5, 50], [2, 20], [3, 30]], [5, 50], [0]),
        ([[5, 50], [5, 50], [2, 20], [3, 30]], [5, 50], [0, 1]),  # a group of one group
        ([[2, 20], [2, 20]], [4, 40], []),  # two goods sold alike are no group
        ([[4, 40], [2, 20], [2, 20]], [4, 40], [0]),
        ([[4, 40], [2, 20], [2, 20]], [8, 80], []),  # all add up: the first is no group
        ([[5, 50], [2, 20], [3, 31]], [5, 51], None),  # one measure does not agree
        ([[5, 50], [2, 20], [3, 30]], [6, 50], None),
        ([[3, 30], [0, 0], [3, 30]], [3, 30], [0]),
    ],
)
def test_groups_are_believed_only_if_the_total_proves_them(
    rows: list[list[float]], total: list[float], groups: list[int] | None
) -> None:
    assert group_rows(np.array(rows, float), np.array([total], float)) == groups


def test_without_a_total_a_row_that_looks_like_a_group_is_not_counted() -> None:
    table = "Период: 01.10.2026 - 31.10.2026\nНоменклатура;Количество;Сумма\n{}"
    grouped = table.format("Растения;3;300\nФикус;1;100\nРоза;2;200\n").encode()
    upload = read("sales.csv", grouped)
    assert "groups_unclear" in {finding.code for finding in upload.findings}
    assert not upload.tables[0].measures
    flat = table.format("Фикус;1;100\nРоза;2;250\n").encode()
    assert read("sales.csv", flat).tables[0].total("revenue") == 350


def test_months_side_by_side_are_not_taken_for_one() -> None:
    table = (
        "Период: 01.10.2026 - 30.11.2026\nНоменклатура;Октябрь;;Ноябрь;\n"
        ";Количество;Сумма;Количество;Сумма\nФикус;1;100;2;200\nИтого;1;100;2;200\n"
    )
    with pytest.raises(IngestError):
        read("sales.csv", table.encode())


def test_headings_of_two_rows_are_one_row() -> None:
    rows = [["Товар", "Показатели", ""], ["", "Выручка", "Себестоимость"], ["Фикус", "5", "3"]]
    found = sections(rows, frozenset({"товар", "выручка", "себестоимость"}))
    assert [column.raw for column in found[0].headings] == ["Товар", "Выручка", "Себестоимость"]
    assert len(found[0].rows) == 1


def test_hours_on_a_clock_are_no_minutes_and_a_bare_number_is_none() -> None:
    read_hours = clock_hours(["02:30", "100:15", "00:00:36", "7200", "", None])
    assert read_hours.values[:3].tolist() == [2.5, 100.25, 0.01]
    assert np.isnan(read_hours.values[3:]).all()
    assert read_hours.unread == (3,)


def test_a_register_without_a_task_is_empty_and_not_a_fault() -> None:
    register = Path(__file__).parents[1] / "exports" / "tasks" / "register.csv"
    heading = register.read_bytes().splitlines(keepends=True)[0]
    with pytest.raises(IngestError) as refused:
        read("register.csv", heading)
    assert refused.value.code == "no_figures"
