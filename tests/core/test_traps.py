"""Numbers that were wrong and looked right. Each test pins one of them.

| trap | wrong | right |
|---|---|---|
| two ad accounts in two currencies: the smaller one was left out | spend 100 | no sum |
| its clicks were left out with it | 10 clicks | 15 clicks |
| click-through rate of two ad systems took the first one only | 10 % | 5 % |
| cost per click of two systems that each report a half | 2.00 | no ratio |
| orders until the 25th passed for a whole month | whole | not whole |
| a monthly row was the figure of its first day | 300 on the 1st | no day |
| a week over two months counted in the first | 70 | left out |
| visitors of a channel seen on one day passed for the month's | 5 | not available |
| a month of spend over a day of orders, by channel | 310.00 | no ratio |
| half a month of visits under a month of orders, by month | 20.7 % | no ratio |
| a day of orders in a table joined to a year of visits | CR 0.5 % | no rate |
| a month left out at the edge was still counted as covered | CR 4.7 % | no rate |
| a month and its days, in two files | 2000 visits | 1000 visits |
| the first half of a month and the whole, in two files | 1500 visits | 1000 visits |
| a table without days beside one with days | 2000 visits | 1000 visits |
| two files with a month between them passed for a quarter | whole | not whole |
| the funnel took the source loaded first, however little it covers | 3 visits | 40 visits |
| the owner's choice of source was not heard in the funnel | 40 visits | 50 visits |
| a bounce rate came from a source the owner had not chosen | 50 % | no rate |
| an order re-exported with another source counted twice | 2 orders | 1 order |
| a lever on a measured margin replaced the assumed one | 0.55 | 0.33 |
| a lever that divides by zero left old figures standing | 100 clicks | refused |
| `aov=1,500` was one and a half | 1.5 | refused |
| a conversion rate of 4 meant 400 % | 400 orders | refused |
| a margin rate of 30 meant 3000 % | ROMI 4400 % | refused |
| a falling target paid for a decline | 200 % | refused |
| a later step with a lower score paid less for more | 0.5 | refused |
| money of another currency counted as zero where missing is zero | 0.00 | refused |
| a line of weight 0 without a figure blocked the total | no total | 1 |
| 4.04 % of late reports was printed as 4.0 % beside "up to 4 %" | 4.0 % | 4.04 % |
| a plan's 0.79999999999999999999 was saved as 0.8 | 0.8 | itself |
| orders of days without a counter made conversion better | 2.7 % | 2 % |
| a day without advertising was left out as if it were not counted | 100.00 | 66.67 |
| paid orders of the shop were divided by orders of the analytics | 59 % | 83 % |
| the same files in another order were one and the same | same | not the same |
| whether a month or its days were heard hung on the order of the files | 1000 or 900 | 900 |
| of two months that overlap in part, the file loaded first was heard | 600 or 700 | 700 |
| a table kept by hand counted what the ad systems export once more | 200 | 100 |
| a warning that it was set aside was lost where two measures are divided | no word | told |
| two tables of one source disagreed and one of them was taken | 100 | told; by hand: none |
| an ad system whose file of the month was lacking left no trace | 20 of spend | told |
| money that names no currency was added to roubles | 110 | no sum |
| more orders than visits made a conversion rate | 200 % | no rate |
| a month without mailings was a lacking export, or the reverse | missing, 0 | 0, missing |
| a report of an unfinished month stated the whole of it | whole | until the 14th |
| one line with a figure earned the whole fund | 1000.00 | refused |
| visits of a month with blank days passed for the month's | 20 % | 10 % |
| orders of a channel on days without a counter made its conversion better | 1.3 % | 1 % |
| visitors of a day were taken off the visitors of a month | 591 | 600 |
"""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest

from kpi_core import catalogue, words
from kpi_core.drivers import Lever, Model, calibrate, parse_lever, project
from kpi_core.errors import PlanError, Severity, UsageError
from kpi_core.facts import Hearing, combine
from kpi_core.formula import parse
from kpi_core.funnel import funnel
from kpi_core.kpis import Evaluation, KpiValue, Settings, Values
from kpi_core.model import Better, Variant, parse_period
from kpi_core.pay import payout
from kpi_core.plan import changed, default_plan, read_plan
from kpi_core.rules import Band, Bands, Goal, Step, Steps
from kpi_core.score import score
from tests.core.small import by_slice, codes, daily, export, facts, value, values

DIRECT = "День,Кампания,Взвешенные показы,Показы,Клики,Расход\n01.10.2026,{0},9,{1},{2},{3}"
GOOGLE = "Campaign,Day,Currency code,Clicks,Impr.,Cost\n{0},2026-10-01,{1},{2},100,{3}"
SHOPIFY = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity,Source"


def metrika(*rows: str) -> str:
    return "\n".join(['"Дата визита","Источник трафика","Визиты","Посетители","Отказы"', *rows])


# --- currencies


def test_two_accounts_in_two_currencies_have_no_common_spend() -> None:
    both = facts(GOOGLE.format("A", "EUR", 10, 100), GOOGLE.format("B", "USD", 5, 50))
    found = values(both, "cpc")
    assert found.total("cpc").value is None
    assert "currencies_differ" in codes(found)


def test_their_clicks_still_add_up() -> None:
    both = facts(GOOGLE.format("A", "EUR", 10, 100), GOOGLE.format("B", "USD", 5, 50))
    assert Evaluation(both, None).input("clicks").value == 15


def test_a_currency_of_another_month_does_not_disturb() -> None:
    euros = GOOGLE.format("A", "EUR", 10, 100)
    dollars = GOOGLE.format("A", "USD", 5, 50).replace("2026-10", "2025-10")
    found = values(facts(euros, dollars), "cpc", period="2026-10-01..2026-10-01").total("cpc")
    assert (found.value, found.currency) == (10, "EUR")


def test_money_of_another_currency_is_refused_even_where_missing_counts_as_zero() -> None:
    terms = {"missing": "zero", "partial_period": "pay", "facts": {"leads": Decimal(120)}}
    plan = changed(default_plan("corporate"), **terms)
    spend = facts(daily('"Cost, USD"', rows={1: (900,)}))
    found = values(spend, *plan.kpis(), period="2026-10", settings=plan.settings())
    with pytest.raises(PlanError, match="USD"):
        payout(plan, found)


# --- ad systems


def test_a_click_through_rate_of_two_systems_is_that_of_both() -> None:
    """10 clicks of 100 impressions and 10 of 300 are 20 of 400."""
    vk = "День;Название объявления;Показы;Клики;Потрачено всего, ₽\n01.10.2026;A;300;10;50"
    both = facts(DIRECT.format("A", 100, 10, 20), vk)
    assert value(both, "ctr") == 0.05


def test_spend_of_one_system_is_not_divided_by_clicks_of_another() -> None:
    spend = "Campaign,Day,Currency code,Impr.,Cost,Clicks\nA,2026-10-01,RUB,100,20,"
    clicks = daily("Clicks", rows={1: (10,)})
    found = values(facts(spend, clicks), "cpc")
    assert found.total("cpc").value is None
    assert "source_lacks_part" in codes(found)


# --- periods


def orders(*days: int) -> str:
    rows = [f"#{day},paid,RUB,100,2026-10-{day:02} 12:00:00 +0300,1,organic" for day in days]
    return "\n".join([SHOPIFY, *rows])


def test_orders_every_day_until_the_25th_are_no_whole_month() -> None:
    assert "period_not_whole" in codes(
        values(facts(orders(*range(1, 26))), "aov", period="2026-10")
    )


def test_orders_every_third_day_until_the_30th_are_a_whole_month() -> None:
    found = values(facts(orders(*range(3, 31, 3))), "aov", period="2026-10")
    assert "period_not_whole" not in codes(found)


def test_a_month_between_two_files_is_missed() -> None:
    january = daily("Sessions", rows=dict.fromkeys(range(1, 32), (1,)), month="2026-01")
    march = daily("Sessions", rows=dict.fromkeys(range(1, 32), (1,)), month="2026-03")
    found = values(facts(january, march), "sessions", period="2026-01-01..2026-03-31")
    told = next(finding for finding in found.findings if finding.code == "period_not_whole")
    assert told.values["held"] == "2026-01-01..2026-01-31, 2026-03-01..2026-03-31"


def test_a_monthly_row_is_no_figure_of_its_first_day() -> None:
    monthly = facts("Month,Sessions\n2026-09,270\n2026-10,300")
    assert by_slice(monthly, "sessions", "month", "2026-10") == {"total": 300, "2026-10": 300}
    assert by_slice(monthly, "sessions", "day", "2026-10") == {"total": 300}


def test_a_week_over_two_months_belongs_to_neither() -> None:
    """The week of 26 October ends on 1 November."""
    weeks = facts("Week,Sessions\n19.10.2026 - 25.10.2026,70\n26.10.2026 - 01.11.2026,77")
    hearing = Hearing(weeks, None, "month")
    heard = hearing.hear("table", catalogue.measure("sessions"))
    assert heard is not None
    assert (heard.figures, heard.straddling) == ({"2026-10": 70}, 1)


def test_visitors_of_one_day_are_not_those_of_the_month() -> None:
    seen = facts(
        metrika(
            '"2026-10-01","Прямые заходы",10,9,0.1',
            '"2026-10-02","Прямые заходы",10,9,0.1',
            '"2026-10-02","Переходы по рекламе",6,5,0.1',
        )
    )
    heard = Hearing(seen, None, "channel").hear("metrika", catalogue.measure("users"))
    assert heard is None


def test_spend_of_a_month_is_not_divided_by_orders_of_a_day() -> None:
    spend = "\n".join(
        ["День,Кампания,Взвешенные показы,Показы,Клики,Расход"]
        + [f"{day:02}.10.2026,A,9,9,5,10" for day in range(1, 32)]
    )
    both = facts(spend, daily("Channel,Orders", rows={31: ("ppc", 1)}))
    assert by_slice(both, "cpo", "channel") == {"total": None, "paid_search": None}


def test_half_a_month_of_visits_makes_no_rate_of_that_month() -> None:
    visits = metrika(*(f'"2026-10-{day:02}","Прямые заходы",10,9,0.1' for day in range(1, 16)))
    bought = facts(visits, orders(*range(1, 32)))
    assert by_slice(bought, "cr", "month") == {"total": None, "2026-10": None}


def test_a_day_of_orders_does_not_reach_as_far_as_the_visits_in_a_like_table() -> None:
    year = "\n".join(["Month,Sessions"] + [f"2026-{month:02},1000" for month in range(1, 11)])
    assert value(facts(year, daily("Orders", rows={1: (50,)})), "cr") is None


MONTH = "Month,Sessions\n2026-10,1000"
DAYS = daily("Sessions", rows={day: (40 if day > 6 else 0,) for day in range(1, 32)})


@pytest.mark.parametrize("texts", [(MONTH, DAYS), (DAYS, MONTH)])
def test_a_month_and_its_days_count_once(texts: tuple[str, str]) -> None:
    both = facts(*texts)
    assert value(both, "sessions") == 1000
    assert [finding.code for finding in both.findings] == ["files_overlap"]


def stated(first: int, last: int, visits: int) -> str:
    return (
        f"# Start date: 202610{first:02}\n# End date: 202610{last:02}\n"
        f"Session default channel group,Sessions\nDirect,{visits}"
    )


@pytest.mark.parametrize("halves", [(14, 31), (31, 14)])
def test_half_a_month_and_the_whole_count_once(halves: tuple[int, int]) -> None:
    both = facts(*(stated(1, last, 1000 if last == 31 else 500) for last in halves))
    assert value(both, "sessions") == value(both, "sessions", "2026-10") == 1000


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_reports_that_overlap_in_part_the_longer_is_heard_and_its_end_is_told(
    turned: bool,
) -> None:
    texts = (stated(1, 20, 600), stated(10, 31, 700))
    found = values(facts(*(texts[::-1] if turned else texts)), "sessions", period="2026-10")
    assert found.total("sessions").value == 700
    told = next(finding for finding in found.findings if finding.code == "period_not_whole")
    assert told.values["held"] == "2026-10-10..2026-10-31"


NINE_HUNDRED = daily("Sessions", rows={day: (36 if day > 6 else 0,) for day in range(1, 32)})
TEN_DAYS = daily("Sessions", rows=dict.fromkeys(range(1, 11), (36,)))


@pytest.mark.parametrize("turned", [False, True])
def test_days_speak_before_their_month_if_they_are_all_there_whatever_the_order(
    turned: bool,
) -> None:
    """A month of 1 000; its days are 900 in all, ten of them 360."""
    for days, expected in ((NINE_HUNDRED, 900), (TEN_DAYS, 1000)):
        texts = (MONTH, days)[:: -1 if turned else 1]
        assert value(facts(*texts), "sessions", "2026-10") == expected


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_quarter_its_months_and_days_of_one_count_once_whatever_the_order(
    order: tuple[int, ...],
) -> None:
    """August 300, September 400, October by its days 900."""
    texts = [
        "Period,Sessions\n2026-08-01 - 2026-10-31,2000",
        "Month,Sessions\n2026-08,300\n2026-09,400\n2026-10,1000",
        NINE_HUNDRED,
    ]
    whole = facts(*(texts[number] for number in order))
    assert by_slice(whole, "sessions", "month") == {
        "total": 1600, "2026-08": 300, "2026-09": 400, "2026-10": 900
    }  # fmt: skip


@pytest.mark.parametrize("dated_first", [True, False])
def test_a_table_without_days_yields_to_one_with_days(dated_first: bool) -> None:
    texts = (DAYS, "Sessions,Orders\n1000,20")
    both = facts(*(texts if dated_first else texts[::-1]))
    assert value(both, "sessions") == 1000


def test_days_and_months_of_different_measures_stay() -> None:
    both = facts(DAYS, "Month,Orders\n2026-10,20")
    assert value(both, "cr", "2026-10") == 0.02
    assert both.findings == ()


def test_a_month_that_is_left_out_is_not_covered() -> None:
    """September cannot be split, so 47 days of orders would meet 31 days of visits."""
    visits = "Month,Sessions\n2026-09,1000\n2026-10,1000"
    bought = [f"2026-09-{day},ppc,1" for day in range(15, 31)]
    bought += [f"2026-10-{day:02},ppc,1" for day in range(1, 32)]
    both = facts(visits, "\n".join(["Date,Channel,Orders", *bought]))
    assert value(both, "cr", "2026-09-15..2026-10-31") is None


# --- sources

GA4 = "# Start date: 20261022\n# End date: 20261031\nSession default channel group,Date,{}\n"
STEPS = GA4.format("Sessions,Items viewed,Add to carts,Checkouts,Ecommerce purchases")
CLICKS = """
    event_time,event_type,user_session,user_id
    2026-10-31 10:00:00,view,a,1
    2026-10-31 10:01:00,cart,a,1
    2026-10-31 10:02:00,checkout,a,1
    2026-10-31 10:03:00,purchase,a,1
    2026-10-31 10:00:00,view,b,2
    2026-10-31 10:00:00,view,c,3
"""


def steps_of_ga4() -> str:
    rows = (f"Direct,202610{day:02},4,3,2,1,1" for day in range(22, 32))
    return STEPS + "\n".join(rows)


def test_the_funnel_follows_the_source_that_covers_most() -> None:
    shop = catalogue.business("shop")
    both = facts(CLICKS, steps_of_ga4())
    assert [stage.count for stage in funnel(both, shop).stages][:3] == [40, 30, 20]


def test_the_funnel_hears_the_source_that_the_owner_chose() -> None:
    shop = catalogue.business("shop")
    visits = metrika(*(f'"2026-10-{day}","Прямые заходы",5,4,0.1' for day in range(22, 32)))
    both = facts(steps_of_ga4(), visits)
    made = funnel(both, shop, settings=Settings(sources={"traffic": "metrika"}))
    assert [stage.count for stage in made.stages][:2] == [50, 30]


def test_a_chosen_source_without_bounces_has_no_bounce_rate() -> None:
    both = facts(steps_of_ga4(), metrika('"2026-10-31","Прямые заходы",10,9,0.5'))
    assert value(both, "bounce_rate") == 0.5
    assert value(both, "bounce_rate", sources={"traffic": "ga4"}) is None


def test_an_order_exported_again_counts_once_whatever_changed() -> None:
    heading = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity,Note Attributes"
    at = "2026-10-01 12:00:00 +0300"
    first = f"{heading}\n#1,pending,RUB,100,{at},1,utm_medium: organic"
    later = f"{heading}\n#1,paid,RUB,90,{at},1,utm_medium: referral"
    both = facts(first, later)
    assert [finding.code for finding in both.findings] == ["files_overlap"]
    assert by_slice(both, "aov", "channel") == {"total": 90, "referral": 90}


def test_the_order_of_overlapping_files_makes_other_facts() -> None:
    one, two = daily("Sessions", rows={1: (10,)}), daily("Sessions", rows={1: (12,)})
    assert value(facts(one, two), "sessions") == 12
    assert facts(one, two).digest != facts(two, one).digest


def test_a_table_by_hand_that_repeats_an_ad_system_is_set_aside_and_told() -> None:
    both = facts(DIRECT.format("A", 100, 10, 100), daily('"Cost, RUB",Clicks', rows={1: (100, 10)}))
    found = values(both, "cpc", "ctr")
    assert Evaluation(both, None).input("spend").value == 100
    assert ("table_set_aside", "spend") in {(told.code, told.where) for told in found.findings}
    alone = facts(daily('"Cost, RUB",Clicks', rows={1: (100, 10)}))
    assert codes(values(alone, "cpc")) == set()


def test_tables_of_one_system_that_disagree_are_told_and_by_hand_neither_is_taken() -> None:
    """100 visits by day, but 120 by day and channel."""
    plain, split = (
        daily("Sessions", rows={1: (100,)}),
        daily("Channel,Sessions", rows={1: ("ppc", 120)}),
    )
    by_hand = values(facts(plain, split), "sessions")
    assert by_hand.total("sessions").value is None
    by_system = [export("a", plain, source="ga4"), export("b", split, source="ga4")]
    found = values(combine(by_system), "sessions")
    assert found.total("sessions").value == 100
    severities = [
        told.severity for made in (by_hand, found) for told in made.findings
        if told.code == "streams_disagree"
    ]  # fmt: skip
    assert severities == [Severity.ERROR, Severity.WARNING]


def test_tables_of_one_system_that_agree_but_for_rounding_are_not_told() -> None:
    plain, split = (
        daily("Sessions", rows={1: (100,)}),
        daily("Channel,Sessions", rows={1: ("ppc", 101)}),
    )
    assert codes(values(facts(plain, split), "sessions")) == set()


@pytest.mark.parametrize("kpi", ["cpo", "cpc"])
def test_an_ad_system_that_is_silent_in_the_period_is_told(kpi: str) -> None:
    september = GOOGLE.format("A", "RUB", 5, 50).replace("2026-10", "2026-09")
    both = facts(DIRECT.format("A", 100, 10, 20), september, daily("Orders", rows={1: (1,)}))
    found = values(both, kpi, period="2026-10-01..2026-10-01")
    assert found.total(kpi).inputs["spend"].value == 20
    assert ("source_silent", "google_ads") in {(told.code, told.where) for told in found.findings}


def test_money_that_names_no_currency_is_not_added_to_roubles() -> None:
    nameless = export("n", daily("Cost", rows={1: (10,)}), source="new_system")
    both = combine([export("d", DIRECT.format("A", 100, 10, 100)), nameless])
    evaluation = Evaluation(both, None)
    assert evaluation.input("spend").value is None
    assert evaluation.findings["currencies_differ", "spend"].values["currencies"] == "?, RUB"


def test_more_orders_than_visits_make_no_rate() -> None:
    found = values(facts(daily("Sessions,Orders", rows={1: (10, 20)})), "cr")
    assert found.total("cr").value is None
    assert "share_impossible" in codes(found)


def test_a_quiet_month_of_orders_is_zero_and_a_silent_month_of_visits_is_missing() -> None:
    """Both files speak of September and of November; October has no row in either."""
    days = "Date,{}\n" + "\n".join(f"2026-{month}-{day:02},1" for month, day in
                                   [("09", 30), ("11", 1)])  # fmt: skip
    quiet = export("o", days.format("Orders"), source="shopify", sparse=True)
    made = combine([quiet, export("v", days.format("Sessions"))])
    assert value(made, "orders", "2026-10") == 0
    assert value(made, "sessions", "2026-10") is None


def test_a_report_of_a_month_that_is_not_over_ends_with_its_last_row() -> None:
    """The title says October, the rows end on the 14th."""
    title = "# Start date: 20261001\n# End date: 20261031\nDate,Sessions\n"
    rows = "\n".join(f"202610{day:02},1" for day in range(1, 15))
    found = values(facts(title + rows), "sessions", period="2026-10")
    told = next(finding for finding in found.findings if finding.code == "period_not_whole")
    assert told.values["held"] == "2026-10-01..2026-10-14"


def test_blank_days_are_no_days_of_the_measure() -> None:
    """Visits of ten days of thirty; orders of all: 10 of 100, not 20 or 30."""
    rows = {day: (10 if day <= 10 else "", 1) for day in range(1, 31)}
    found = values(
        facts(daily("Sessions,Orders", rows=rows)), "cr", period="2026-10-01..2026-10-30"
    )
    assert found.total("cr").value is None
    assert "covers_less" in codes(found)
    few = {day: (10 if day <= 29 else "", 1) for day in range(1, 31)}
    found = values(facts(daily("Sessions,Orders", rows=few)), "cr", period="2026-10-01..2026-10-30")
    assert found.total("cr").value == Fraction(29, 290)
    assert "days_left_out" in codes(found)


def test_visitors_of_a_day_are_never_taken_off_those_of_a_month() -> None:
    """On the 2nd there are no orders to be seen; the 600 people of the month stay 600."""
    month = export("m", "Day,Sessions,Users\n" + "\n".join(
        f"2026-10-{day:02},20,9" for day in range(1, 32)), control={"users": 600.0})  # fmt: skip
    bought = {day: ("" if day == 2 else 1, 1) for day in range(1, 32)}
    made = combine([month, export("o", daily("Orders,Items", rows=bought))])
    per_visitor = Variant("all", {}, parse("orders / users"))
    kpi = replace(catalogue.kpi("cr"), variants=(per_visitor,))
    found = Evaluation(made, parse_period("2026-10")).value(kpi)
    assert found.inputs["users"].value == 600


# --- what if


def shop_model(settings: Settings | None = None) -> tuple[Model, Values]:
    table = daily(
        "Channel,Sessions,Clicks,Spend,Orders,Revenue,Gross profit",
        rows={1: ("ppc", 100, 100, 1000, 10, 2000, 1000)},
    )
    made, shop = facts(table), catalogue.business("shop")
    model = calibrate(Evaluation(made, None, settings=settings), shop)
    return model, values(made, "romi", "cpc", settings=settings)


def test_a_lever_on_the_margin_moves_the_assumed_margin_by_the_same_factor() -> None:
    """Measured margin 50 %, assumed 30 %: +10 % makes them 55 % and 33 %."""
    assumed = Settings(
        assumptions={"margin_rate": Fraction(3, 10)}, variants={"romi": "margin_rate"}
    )
    model, base = shop_model(assumed)
    moved = project(model, {"margin_rate": Lever(by=Fraction(1, 10))}, base)
    assert moved.total("romi").inputs["margin_rate"].value == Fraction(33, 100)


def test_a_lever_that_makes_a_measure_undefined_is_refused() -> None:
    model, _ = shop_model()
    with pytest.raises(UsageError, match="division by zero"):
        model.rebuilt({"cpc": Lever(by=Fraction(-1))})


@pytest.mark.parametrize("text", ["aov=1,500", "aov=12,345"])
def test_a_comma_that_may_mean_thousands_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="lever"):
        parse_lever(text)


def test_a_share_above_one_is_refused() -> None:
    model, _ = shop_model()
    with pytest.raises(UsageError, match="above 1"):
        model.rebuilt({"cr": Lever(to=Fraction(4))})


def test_a_margin_rate_in_percent_is_refused() -> None:
    with pytest.raises(UsageError, match=r"0\.3 instead"):
        Settings(assumptions={"margin_rate": Fraction(30)})
    with pytest.raises(PlanError, match="assumptions"):
        changed(default_plan("shop"), assumptions={"margin_rate": 30})


# --- plans and pay


def test_a_target_on_the_wrong_side_of_its_base_is_refused() -> None:
    plan = default_plan("shop")
    with pytest.raises(PlanError, match=r"above the base.*lines"):
        plan.with_line("aov", base=Decimal(5000), target=Decimal(4000))
    with pytest.raises(PlanError, match=r"below the base.*lines"):
        plan.with_line("cpo", base=Decimal(500), target=Decimal(600))


def test_steps_that_pay_less_for_more_are_refused() -> None:
    falling = [{"at": 0.8, "score": 1}, {"at": 1, "score": 0.5}]
    with pytest.raises(PlanError, match="steps must rise"):
        default_plan("shop").with_line("aov", rule={"kind": "steps", "steps": falling})


def test_a_line_without_weight_blocks_nothing() -> None:
    plan = default_plan("portal")
    lines = [line.model_dump() | {"weight": int(line.kpi == "sessions")} for line in plan.lines]
    given = {"sessions": Decimal(500_000)}
    plan = changed(plan, lines=lines, missing="block", facts=given)
    found = values(combine([]), *plan.kpis(), settings=plan.settings())
    assert score(plan, found.totals()).total == 1


@pytest.mark.parametrize(("weight", "paid"), [(1, "0.00"), (2, None)])
def test_less_than_half_of_the_weight_judged_earns_no_fund(weight: int, paid: str | None) -> None:
    """One line has a figure, of weight 1; the other has none, of weight 1 or 2."""
    lines = [
        {"kpi": "sessions", "target": 1000, "weight": 1},
        {"kpi": "comments", "target": 10, "weight": weight},
    ]
    scheme = {"kind": "scorecard", "salary": 1000, "fund": 1000}
    plan = changed(default_plan("portal"), lines=lines, scheme=scheme, facts={"sessions": 1})
    found = values(combine([]), *plan.kpis(), settings=plan.settings())
    if paid is None:
        with pytest.raises(PlanError) as refused:
            payout(plan, found)
        assert refused.value.code == "too_little_judged"
    else:
        assert str(payout(plan, found).bonus) == paid


def test_a_value_never_looks_like_the_band_it_misses() -> None:
    kpi = replace(catalogue.kpi("bounce_rate"), better=Better.LOWER)
    bands = Bands(bands=(Band(to=Decimal("0.04"), score=Decimal(1)),))
    goal = Goal(kpi=kpi.id, rule=bands)
    late = Fraction(404, 10_000)
    assert goal.score(late, Better.LOWER) == 0
    assert words.judged_figure(goal, kpi, late, None, "en") == "4.04%"


def test_a_threshold_survives_the_plan_file_to_its_last_digit() -> None:
    exact = Decimal("0.79999999999999999999")
    rule = Steps(steps=(Step(at=exact, score=Decimal(1)),))
    plan = default_plan("shop").with_line("aov", rule=rule.model_dump())
    again = read_plan(plan.as_json().encode())
    line = next(line for line in again.lines if line.kpi == "aov")
    assert isinstance(line.rule, Steps)
    assert line.rule.steps[0].at == exact


def test_a_stated_kpi_carries_the_currency_of_the_plan() -> None:
    plan = changed(default_plan("corporate"), facts={"cpl": Decimal(80)})
    stated = Evaluation(combine([]), None, settings=plan.settings())
    cpl = catalogue.kpi("cpl")
    assert stated.value(cpl) == KpiValue(
        cpl, "total", Fraction(80), "all_leads", {}, (), plan.currency
    )


def test_orders_of_days_that_no_counter_saw_do_not_make_conversion_better() -> None:
    """Four days of 100 visits and 2 orders; on the third the counter was off: 2 %, not 2.7 %."""
    visits = daily("Sessions", rows={1: (100,), 2: (100,), 4: (100,)})
    heading = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity"
    rows = [
        f"#{day}{n},paid,RUB,100,2026-10-0{day} 12:00:00 +0300,1"
        for day in (1, 2, 3, 4)
        for n in range(2)
    ]
    found = values(
        facts(visits, "\n".join([heading, *rows])), "cr", period="2026-10-01..2026-10-04"
    )
    assert found.total("cr").value == Fraction(6, 300)
    assert "days_left_out" in {finding.code for finding in found.findings}


def test_a_day_without_advertising_is_a_day_of_no_spend_not_a_gap() -> None:
    """Spend on two of three days, one order each day: 200 / 3, not 200 / 2."""
    spend = daily("Расход,Клики", rows={1: (100, 10), 3: (100, 10)})
    heading = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity"
    rows = [f"#{day},paid,RUB,100,2026-10-0{day} 12:00:00 +0300,1" for day in (1, 2, 3)]
    found = values(
        facts(spend, "\n".join([heading, *rows])), "cpo", period="2026-10-01..2026-10-03"
    )
    assert found.total("cpo").value == Fraction(200, 3)
