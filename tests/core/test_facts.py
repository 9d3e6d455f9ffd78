"""Several files become one body of facts."""

from datetime import date

import numpy as np
import pytest

from kpi_core import catalogue
from kpi_core.errors import UsageError
from kpi_core.facts import Hearing, combine, speakers
from kpi_core.ingest import read
from kpi_core.kpis import Evaluation, Settings
from kpi_core.model import Period, parse_period, united
from tests.core.small import codes, daily, facts, value, values

DIRECT = """
    День,Кампания,Показы,Клики,Расход
    01.10.2026,Поиск,1000,20,500.50
    02.10.2026,Поиск,1000,30,600.25
"""
VK = """
    День;Название объявления;Показы;Клики;Потрачено всего, ₽
    01.10.2026;Рассада;5000;10;99,25
"""
SHOPIFY = """
    Name,Financial Status,Currency,Total,Created at,Lineitem quantity,Source
    #1,paid,RUB,100,2026-10-01 12:00:00 +0300,1,organic
    #1,,,,2026-10-01 12:00:00 +0300,2,
    #2,pending,RUB,50,2026-10-02 12:00:00 +0300,1,referral
"""
LATER = """
    Name,Financial Status,Currency,Total,Created at,Lineitem quantity,Source
    #2,paid,RUB,50,2026-10-02 12:00:00 +0300,1,referral
    #3,paid,RUB,70,2026-10-03 12:00:00 +0300,1,organic
"""


def told(*texts: str) -> list[str]:
    return [finding.code for finding in facts(*texts).findings]


# --- several files


def test_the_same_file_twice_counts_once() -> None:
    assert value(facts(DIRECT, DIRECT), "cpc") == value(facts(DIRECT), "cpc")
    assert told(DIRECT, DIRECT) == ["same_file_twice"]
    assert Evaluation(facts(DIRECT, DIRECT), None).input("clicks").value == 50


def test_the_same_bytes_under_another_name_are_the_same_file() -> None:
    data = daily("Sessions", rows={1: (10,)}).encode()
    both = combine([read("a.csv", data), read("b.csv", data)])
    assert value(both, "sessions") == 10
    assert [finding.where for finding in both.findings] == ["b.csv"]


def test_two_months_follow_each_other() -> None:
    september = daily("Sessions,Orders", rows={30: (100, 1)}, month="2026-09")
    october = daily("Sessions,Orders", rows={1: (300, 7)})
    both = facts(september, october)
    assert value(both, "cr") == 8 / 400
    assert told(september, october) == []
    assert both.period == Period(date(2026, 9, 30), date(2026, 10, 1))


def test_days_in_two_files_count_once_and_the_later_file_is_believed() -> None:
    first = daily("Sessions", rows={1: (10,), 2: (20,)})
    second = daily("Sessions", rows={2: (25,), 3: (30,)})
    assert value(facts(first, second), "sessions") == 10 + 25 + 30
    assert told(first, second) == ["files_overlap"]


def test_an_order_in_two_files_counts_once() -> None:
    """#1 100, #2 50, #3 70: three orders, of which the later file knows #2 as paid."""
    both = facts(SHOPIFY, LATER)
    assert value(both, "orders") == 3
    assert Evaluation(both, None).input("revenue").value == 220
    assert Evaluation(both, None).input("paid_orders").value == 3
    assert told(SHOPIFY, LATER) == ["files_overlap"]


def test_another_measure_of_the_same_days_is_no_overlap() -> None:
    sessions, orders = daily("Sessions", rows={1: (50,)}), daily("Orders", rows={1: (1,)})
    assert value(facts(sessions, orders), "cr") == 0.02
    assert told(sessions, orders) == []


def test_nothing_uploaded_is_nothing_known() -> None:
    nothing = combine([])
    assert (nothing.period, nothing.sources(), nothing.months()) == (None, (), [])
    assert value(nothing, "sessions") is None


def test_whole_months_are_offered() -> None:
    days = daily("Sessions", rows={15: (1,)}, month="2026-08")
    more = daily("Sessions", rows={2: (1,)}, month="2026-10")
    assert facts(days, more).months() == [parse_period("2026-09")]


# --- who speaks


def test_ad_systems_add_up() -> None:
    both = Evaluation(facts(DIRECT, VK), None)
    spend = both.input("spend")
    assert spend.value == pytest.approx(500.50 + 600.25 + 99.25)
    assert spend.sources == ("direct", "vk_ads")
    assert both.input("clicks").value == 60


def test_one_system_speaks_for_visits_and_the_owner_may_choose_another() -> None:
    metrika = (
        '"Дата визита","Источник трафика","Визиты","Отказы"\n"2026-10-01","Прямые заходы",110,0.2'
    )
    ga4 = (
        "# Start date: 20261001\n# End date: 20261001\n"
        "Date,Sessions,Engaged sessions\n20261001,100,70"
    )
    both = facts(ga4, metrika)
    assert value(both, "sessions") == 110
    assert value(both, "bounce_rate") == 0.2
    assert value(both, "sessions", sources={"traffic": "ga4"}) == 100
    assert value(both, "bounce_rate", sources={"traffic": "ga4"}) == 0.3
    assert value(both, "sessions", sources={"sessions": "ga4"}) == 100


def test_a_chosen_source_that_is_silent_leaves_the_value_missing() -> None:
    only = facts(daily("Sessions", rows={1: (10,)}))
    assert value(only, "sessions", sources={"traffic": "ga4"}) is None


def test_a_choice_for_no_family_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'traffic'"):
        Settings(sources={"trafic": "ga4"})


def test_a_source_that_is_not_listed_does_not_speak() -> None:
    console = "Top pages,Clicks,Impressions,CTR,Position\n/a,70,1000,7%,3.1"
    hearing = Hearing(facts(console), None)
    clicks = catalogue.measure("clicks")
    assert hearing.hear("search_console", clicks) is not None
    assert speakers(hearing, clicks) == ()


# --- time


def test_a_period_takes_its_own_days_only() -> None:
    days = facts(daily("Sessions", rows={day: (day,) for day in range(1, 32)}))
    assert value(days, "sessions", "2026-10-02..2026-10-04") == 2 + 3 + 4


def test_rows_that_reach_over_the_edge_are_left_out_and_told() -> None:
    months = facts("Month,Sessions\n2026-09,900\n2026-10,1000")
    found = values(months, "sessions", period="2026-09-15..2026-10-31")
    assert found.total("sessions").value == 1000
    assert {"rows_straddle", "period_not_whole"} <= codes(found)


def test_a_table_without_days_takes_no_part_in_a_period() -> None:
    undated = facts("Campaign,Sessions\nA,70")
    assert value(undated, "sessions") == 70
    assert value(undated, "sessions", "2026-10") is None


def test_what_has_no_days_is_not_divided_by_what_has() -> None:
    both = facts("Campaign,Cost\nA,70", daily("Orders", rows={1: (7,)}))
    found = values(both, "cpo")
    assert found.total("cpo").value is None
    assert "covers_less" in codes(found)


def test_a_period_that_is_not_over_is_told() -> None:
    days = facts(daily("Sessions", rows=dict.fromkeys(range(1, 15), (1,))))
    found = values(days, "sessions", period="2026-10")
    (finding,) = found.findings
    assert finding.code == "period_not_whole"
    assert finding.values["held"] == "2026-10-01..2026-10-14"


def test_days_left_out_in_between_are_told() -> None:
    days = facts(daily("Sessions", rows={day: (1,) for day in range(1, 32) if day not in (9, 10)}))
    found = values(days, "sessions", period="2026-10")
    (finding,) = found.findings
    assert (finding.code, finding.values["n"]) == ("missing_days", 2)
    assert finding.values["days"] == "2026-10-09, 2026-10-10"


def test_a_file_that_is_not_used_is_no_reason_for_a_finding() -> None:
    october = daily("Sessions", rows=dict.fromkeys(range(1, 32), (1,)))
    half = "\n".join(["Day,Clicks"] + [f"2026-10-{day:02},5" for day in range(1, 9)])
    assert codes(values(facts(october, half), "sessions", period="2026-10")) == set()


def test_thirteen_months_are_not_divided_by_one() -> None:
    year = "\n".join(
        [f"2025-{month:02},100" for month in range(10, 13)]
        + [f"2026-{month:02},100" for month in range(1, 11)]
    )
    both = facts(f"Month,Sessions\n{year}", SHOPIFY)
    found = values(both, "cr")
    assert found.total("cr").value is None
    assert found.total("cr").missing == ("orders",)
    assert "covers_less" in codes(found)


def test_a_quiet_day_of_a_shop_is_zero_and_an_unknown_day_is_missing() -> None:
    """Orders on the 1st and 3rd; sessions of the 1st to the 4th."""
    visits = daily("Sessions", rows=dict.fromkeys(range(1, 5), (10,)))
    bought = SHOPIFY.replace("2026-10-02", "2026-10-03")
    rows = values(facts(visits, bought), "orders", "sessions", by="day").rows
    found = {row.slice: row.value for row in rows if row.kpi == "orders"}
    assert found == {
        "total": 2, "2026-10-01": 1, "2026-10-02": 0, "2026-10-03": 1, "2026-10-04": 0
    }  # fmt: skip


# --- people


def test_visitors_of_days_do_not_add_up() -> None:
    visitors = catalogue.measure("users")
    days = facts(daily("Sessions,Users", rows={1: (10, 9), 2: (10, 9)}))
    assert Hearing(days, None).hear("table", visitors) is None
    by_day = Hearing(days, None, "day").hear("table", visitors)
    assert by_day is not None
    assert by_day.figures == {"2026-10-01": 9, "2026-10-02": 9}


def test_visitors_of_a_month_are_those_of_its_one_row() -> None:
    visitors = catalogue.measure("users")
    months = facts("Month,Sessions,Users\n2026-09,900,500\n2026-10,1000,600")
    heard = Hearing(months, parse_period("2026-10")).hear("table", visitors)
    assert heard is not None
    assert heard.figures == {"total": 600}
    assert Hearing(months, None).hear("table", visitors) is None


# --- slices


def test_an_unknown_way_of_cutting_is_refused() -> None:
    with pytest.raises(UsageError, match="channel"):
        Hearing(combine([]), None, "colour")


@pytest.mark.parametrize(
    ("by", "name", "days"),
    [("day", "2026-10-07", 1), ("week", "2026-10-05", 7), ("month", "2026-10", 31)],
)
def test_a_slice_of_time_knows_its_days(by: str, name: str, days: int) -> None:
    whole = facts(daily("Sessions", rows=dict.fromkeys(range(1, 32), (1,))))
    span = Hearing(whole, None, by).span(name)
    assert span is not None
    assert span.days == days
    assert name in Hearing(whole, None, by).slices()


def test_periods_that_touch_are_one() -> None:
    months = [parse_period(f"2026-{month:02}") for month in (4, 1, 2)]
    assert [str(period) for period in united(months)] == [
        "2026-01-01..2026-02-28", "2026-04-01..2026-04-30"
    ]  # fmt: skip


def test_sums_leave_no_dust_of_binary_fractions() -> None:
    """0.1 ten times is 1, though floats say 0.9999999999999999."""
    assert float(np.sum([0.1] * 3)) != 0.3
    cents = facts(daily("Cost", rows=dict.fromkeys(range(1, 11), (0.1,))))
    assert Evaluation(cents, None).input("spend").value == 1
