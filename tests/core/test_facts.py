"""Several files become one body of facts."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pytest

from kpi_core import catalogue
from kpi_core.errors import UsageError
from kpi_core.facts import Hearing, combine, speakers
from kpi_core.formula import parse
from kpi_core.ingest import Upload, read
from kpi_core.kpis import Evaluation, Settings
from kpi_core.model import Period, Unit, Variant, parse_period, united
from tests.core.small import by_slice, codes, daily, export, facts, value, values

DIRECT = """
    День,Кампания,Взвешенные показы,Показы,Клики,Расход
    01.10.2026,Поиск,9,1000,20,500.50
    02.10.2026,Поиск,9,1000,30,600.25
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


def days_of(month: str, first: int, last: int) -> str:
    return daily("Sessions", rows=dict.fromkeys(range(first, last + 1), (5,)), month=month)


def test_whole_months_are_offered() -> None:
    loaded = facts(days_of("2026-08", 15, 31), days_of("2026-09", 1, 30), days_of("2026-10", 1, 2))
    assert loaded.months() == [parse_period("2026-09")]


def test_a_month_that_no_file_speaks_of_is_not_offered() -> None:
    loaded = facts(days_of("2026-06", 1, 30), days_of("2026-09", 1, 30))
    assert loaded.months() == [parse_period("2026-06"), parse_period("2026-09")]


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


# A system that no list of preference names: its export format alone makes it known.
UNLISTED = "new_system"


def test_a_source_that_is_not_listed_speaks_after_the_listed_and_before_the_table() -> None:
    traffic = catalogue.families()["traffic"]
    heard = ("table", UNLISTED, "ga4", "events", "metrika")
    assert traffic.ranked(heard) == ("metrika", "ga4", UNLISTED, "table", "events")
    bare = replace(traffic, order=())
    assert bare.ranked(("table", "b", "a")) == ("a", "b", "table")


def visits(name: str, source: str, figure: int) -> Upload:
    return export(name, daily("Sessions", rows={1: (figure,)}), source=source)


def test_where_one_source_speaks_an_unlisted_one_speaks_before_the_table() -> None:
    table, other, metrika = (
        visits("t", "table", 10),
        visits("o", UNLISTED, 20),
        visits("m", "metrika", 30),
    )
    assert value(combine([table, other]), "sessions") == 20
    assert value(combine([table, other, metrika]), "sessions") == 30


def test_an_unlisted_ad_system_adds_up_with_the_listed_ones() -> None:
    """Direct spent 1 100.75, the other system 300; the table by hand repeats what they say."""
    spend = daily('"Cost, RUB"', rows={1: (300,)})
    other, by_hand = export("o", spend, source=UNLISTED), export("t", spend + "\n")
    both = combine([export("d", DIRECT), other, by_hand])
    found = Evaluation(both, None).input("spend")
    assert (found.value, found.sources) == (Fraction(110075 + 30000, 100), ("direct", UNLISTED))


def test_the_spend_that_an_analytics_system_repeats_is_not_added_but_told() -> None:
    spend = export("m", daily("Cost", rows={1: (1100,)}), source="metrika")
    both = combine([export("d", DIRECT), spend])
    evaluation = Evaluation(both, None)
    assert evaluation.input("spend").sources == ("direct",)
    assert ("source_set_aside", "metrika") in evaluation.findings
    chosen = Evaluation(both, None, settings=Settings(sources={"ads": "metrika"}))
    assert chosen.input("spend").value == 1100
    assert speakers(Hearing(both, None), catalogue.measure("spend")) == ("direct",)


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


MONTH_OF_USERS = "Day,Sessions,Users\n2026-10-01,10,9\n2026-10-02,10,9"
TWO_DAYS = "2026-10-01..2026-10-02"


def stated(**changes: object) -> Upload:
    return export("ga4.csv", MONTH_OF_USERS, control={"users": 12.0}, **changes)


@pytest.mark.parametrize("asked", [None, TWO_DAYS])
def test_visitors_that_a_file_states_for_all_its_days_are_those_of_its_days(
    asked: str | None,
) -> None:
    """9 on each of two days; 12 people in all, says the total row."""
    heard = Hearing(combine([stated()]), asked and parse_period(asked)).hear(
        "table", catalogue.measure("users")
    )
    assert heard is not None
    assert heard.figures == {"total": 12}


def test_visitors_stated_for_other_days_are_not_those_of_the_days_asked_about() -> None:
    users = catalogue.measure("users")
    files = [stated(), export("more.csv", daily("Sessions", rows={5: (10,)}))]
    assert Hearing(combine(files), None).hear("table", users) is None
    assert Hearing(combine(files), parse_period("2026-10")).hear("table", users) is None
    days = Hearing(combine(files), None, "day").hear("table", users)
    assert days is not None
    assert days.figures == {"2026-10-01": 9, "2026-10-02": 9}


def test_of_two_stated_numbers_of_people_that_of_the_plainer_report_is_taken_and_told() -> None:
    split = daily("Channel,Sessions", rows={1: ("ppc", 10), 2: ("email", 10)})
    files = [export("p", split, control={"users": 5.0}), stated(source="table")]
    evaluation = Evaluation(combine(files), None)
    assert evaluation.hearing.figure("table", catalogue.measure("users"), "total") == 12
    heard = evaluation.hearing.hear("table", catalogue.measure("users"))
    assert heard is not None
    assert heard.rival == 5


# --- stocks

FOLLOWERS = """
    Date,Channel,Followers,Likes
    2026-10-01,social,100,1
    2026-10-01,email,50,1
    2026-10-06,social,110,1
    2026-10-20,social,120,1
    2026-10-20,email,60,1
    2026-11-03,social,130,1
"""


def test_of_a_stock_the_last_known_day_speaks_and_channels_add_up() -> None:
    """On the 20th 120 and 60; the 3rd of November knows 130 of the first only."""
    made = facts(FOLLOWERS)
    followers = catalogue.measure("followers")
    assert Evaluation(made, None).input("followers").value == 130 + 60
    october = Evaluation(made, parse_period("2026-10"))
    assert october.input("followers").value == 120 + 60
    by_channel = Hearing(made, None, "channel").hear("table", followers)
    assert by_channel is not None
    assert by_channel.figures == {"social": 130, "email": 60}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("day", {"2026-10-01": 150, "2026-10-20": 180}),
        ("week", {"2026-09-28": 150, "2026-10-19": 180}),
        ("month", {"2026-10": 180}),
    ],
)
def test_a_slice_of_time_has_its_own_last_stock_or_none(
    by: str, expected: dict[str, float]
) -> None:
    """Where a channel known before is lacking, the sum would look like a loss: there is none."""
    heard = Hearing(facts(FOLLOWERS), None, by).hear("table", catalogue.measure("followers"))
    assert heard is not None
    assert heard.figures == expected


def test_days_between_two_counts_of_a_stock_are_not_missed_but_its_end_is() -> None:
    october = Evaluation(facts(FOLLOWERS), parse_period("2026-10"))
    october.input("followers")
    assert [found.code for found in october.all_findings()] == ["period_not_whole"]
    whole = Evaluation(facts(FOLLOWERS), parse_period("2026-10-05..2026-10-20"))
    assert whole.input("followers").value == 120 + 60
    assert whole.all_findings() == ()


def test_a_stock_over_a_flow_is_undisturbed_by_days_and_has_no_interval() -> None:
    """One follower gained a day, 131 on the last of 31 days; 40 likes a day."""
    days = [f"2026-10-{day:02}" for day in range(1, 32)]
    rows = [f"{day},{100 + n},40" for n, day in enumerate(days, start=1)]
    made = facts("\n".join(["Date,Followers,Likes", *rows]))
    per_follower = Variant("all", {}, parse("likes / followers"))
    kpi = replace(catalogue.kpi("cr"), id="likes", unit=Unit.RATIO, variants=(per_follower,))
    found = Evaluation(made, None).value(kpi)
    assert (found.value, found.low) == (Fraction(40 * 31, 131), None)
    share = replace(kpi, unit=Unit.SHARE)
    assert Evaluation(facts("Date,Followers,Likes\n2026-10-01,90,9"), None).value(share).low is None


def test_a_stock_of_days_outside_the_period_is_not_heard() -> None:
    hearing = Hearing(facts(FOLLOWERS), parse_period("2026-08"))
    assert hearing.hear("table", catalogue.measure("followers")) is None
    cut = Hearing(facts(FOLLOWERS), parse_period("2026-08"), "week")
    assert cut.hear("table", catalogue.measure("followers")) is None


# --- campaigns


def test_campaigns_are_one_whatever_marks_and_capitals_they_are_written_with() -> None:
    """Two rows say "brand search", one each of the others: that spelling is shown."""
    spend = "День,Кампания,Взвешенные показы,Показы,Клики,Расход\n" + "\n".join(
        f"0{day}.10.2026,{name},9,100,10,{cost}"
        for day, name, cost in [
            (1, "Brand_Search", 100), (2, "brand search", 200), (3, "Лето – 2026", 50)
        ]
    )  # fmt: skip
    sold = "Date,utm_campaign,Orders\n" + "\n".join(
        f"2026-10-0{day},{name},{n}"
        for day, name, n in [(1, "brand search", 2), (2, "BRAND-SEARCH", 1), (3, "лето_2026", 5)]
    )
    both = facts(spend, sold)
    assert by_slice(both, "cpo", "campaign") == {
        "total": 350 / 8, "brand search": 100, "Лето – 2026": 10
    }  # fmt: skip


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
