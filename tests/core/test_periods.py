"""Earlier days: the period before, the same days a year ago, and formulas that look at them."""

import json
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.errors import Finding, FormulaError, PlanError, UsageError
from kpi_core.facts import Facts, combine
from kpi_core.formula import parse
from kpi_core.kpis import KpiValue, Settings, Values, kpi_values
from kpi_core.model import Period, parse_period
from kpi_core.plan import OwnKpi, default_plan, read_plan
from tests.core.small import codes, daily, export, facts, values


@pytest.mark.parametrize(
    ("asked", "before", "year_ago"),
    [
        ("2026-03", "2026-02", "2025-03"),
        ("2024-02", "2024-01", "2023-02"),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-01-01..2026-12-31", "2025-01-01..2025-12-31", "2025-01-01..2025-12-31"),
        ("2026-10-05..2026-10-11", "2026-09-28..2026-10-04", "2025-10-05..2025-10-11"),
        ("2024-02-20..2024-02-29", "2024-02-10..2024-02-19", "2023-02-20..2023-02-28"),
    ],
)
def test_whole_months_are_compared_with_whole_months_and_days_with_as_many_days(
    asked: str, before: str, year_ago: str
) -> None:
    period = parse_period(asked)
    assert period.before() == parse_period(before)
    assert period.year_ago() == parse_period(year_ago)


@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)), st.integers(0, 800))
def test_the_period_before_ends_where_this_one_begins(first: date, more: int) -> None:
    period = Period(first, date.fromordinal(first.toordinal() + more))
    assert (period.first - period.before().last).days == 1
    if period.months is None:
        assert period.before().days == period.days


GROWTH = OwnKpi(name="growth", formula="orders / previous(orders)").kpi("growth")


def growth(*days: str, period: str, by: str | None = None) -> dict[str, Fraction | None]:
    data = facts("Date,Orders,Sessions\n" + "\n".join(days))
    settings = Settings(own={"growth": GROWTH})
    found = values(data, "growth", period=period, by=by, settings=settings)
    return {row.slice: row.value for row in found.rows}


TWO_MONTHS = [f"2026-{month}-{day:02},{n},1" for month, n in (("01", 2), ("02", 3)) for day in
              range(1, 32) if (month, day) < ("02", 29)]  # fmt: skip


def test_growth_is_measured_against_the_whole_month_before() -> None:
    """28 days of 3 orders after 31 days of 2: 84 / 62."""
    assert growth(*TWO_MONTHS, period="2026-02")["total"] == Fraction(84, 62)


def test_growth_over_a_period_that_is_not_all_there_is_missing() -> None:
    assert growth(*TWO_MONTHS[1:], period="2026-02")["total"] is None
    assert growth(*TWO_MONTHS, period="2026-01")["total"] is None


def test_each_month_of_a_year_looks_at_its_own_month_before() -> None:
    assert growth(*TWO_MONTHS, period="2026-01-01..2026-02-28", by="month") == {
        "total": None,
        "2026-01": None,
        "2026-02": Fraction(84, 62),
    }


@pytest.mark.parametrize(
    "text", ["previous(1)", "previous(orders + 1)", "last(orders)", "previous()"]
)
def test_only_a_named_quantity_has_earlier_days(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)


def test_a_few_cases_are_not_enough_to_speak_of_a_rate() -> None:
    """29 visits say nothing of a conversion, 30 begin to; 9 orders nothing of an average order."""
    for visits, enough in ((29, False), (30, True)):
        found = values(facts(f"Date,Sessions,Orders\n2026-10-01,{visits},1"), "cr").total("cr")
        assert found.enough is enough
    for orders, enough in ((9, False), (10, True)):
        found = values(facts(f"Date,Orders,Revenue\n2026-10-01,{orders},900"), "aov").total("aov")
        assert found.enough is enough


# --- the same systems, the same days, the same definition on both sides

MONTHS = {"2026-09": 30, "2026-10": 31}


def month(columns: str, month: str, *figures: object, without: range = range(0)) -> str:
    """Every day of a month alike, but for days without a row."""
    days = (day for day in range(1, MONTHS[month] + 1) if day not in without)
    return daily(columns, rows=dict.fromkeys(days, figures), month=month)


def two_months(columns: str, *figures: object, without: range = range(0)) -> str:
    """September, without some days, and the whole of October."""
    first = month(columns, "2026-09", *figures, without=without)
    return "\n".join([first, *month(columns, "2026-10", *figures).splitlines()[1:]])


def beside(
    data: Facts, *kpis: str, when: str = "previous", period: str = "2026-10", **options: object
) -> tuple[Values, dict[str, KpiValue]]:
    """The values of a period, and by KPI those of earlier days."""
    found = kpi_values(
        data,
        next(iter(catalogue.businesses().values())),
        parse_period(period),
        settings=Settings(**options),
        kpis=kpis,
        against=(when,),
    )
    return found, found.earlier[when].totals()


def told(found: Values, code: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.code == code]


SYSTEMS = combine(
    [
        export("m", month("Sessions,Bounces", "2026-10", 100, 20), source="metrika"),
        export("g", two_months("Sessions,Bounces", 90, 36), source="ga4"),
    ]
)


def test_a_rate_of_one_system_is_not_held_against_the_rate_of_another() -> None:
    """20 % by Metrika, which tells October only; 36 / 90 = 40 % by GA4 would be another thing."""
    found, then = beside(SYSTEMS, "bounce_rate")
    assert found.total("bounce_rate").value == Fraction(1, 5)
    assert then["bounce_rate"].value is None
    finding = told(found, "earlier_other_source")[0]
    assert finding.values["source"] == {"ru": "metrika", "en": "metrika"}
    assert finding.values["other"] == {"ru": "ga4", "en": "ga4"}
    assert "metrika" in finding.text("ru")


def test_a_system_chosen_for_both_periods_is_compared_with_itself() -> None:
    found, then = beside(SYSTEMS, "bounce_rate", sources={"traffic": "ga4"})
    assert then["bounce_rate"].value == found.total("bounce_rate").value == Fraction(2, 5)
    assert not told(found, "earlier_other_source")


def test_a_formula_takes_earlier_days_of_the_system_that_speaks_now() -> None:
    """3100 visits by Metrika after 2700 by GA4 are no growth of 15 %."""
    own = OwnKpi(name="growth", formula="sessions / previous(sessions)").kpi("growth")
    found, _ = beside(SYSTEMS, "growth", own={"growth": own})
    assert found.total("growth").value is None
    assert "earlier_other_source" in codes(found)
    chosen, _ = beside(SYSTEMS, "growth", own={"growth": own}, sources={"traffic": "ga4"})
    assert chosen.total("growth").value == Fraction(31, 30)


def test_a_channel_is_held_against_itself_by_the_same_system() -> None:
    """31 days of 90 visits by GA4 after 30 of its own; Metrika tells no September."""
    system = [
        export("m", month("Channel,Sessions", "2026-10", "organic", 50), source="metrika"),
        export("g", two_months("Channel,Sessions", "organic", 90), source="ga4"),
    ]
    own = {"growth": OwnKpi(name="growth", formula="sessions / previous(sessions)").kpi("growth")}
    for sources, growth in (({"traffic": "ga4"}, Fraction(31, 30)), ({}, None)):
        asked = Settings(own=own, sources=sources)
        found = values(combine(system), "growth", period="2026-10", by="channel", settings=asked)
        assert {row.slice: row.value for row in found.rows} == {"total": growth, "organic": growth}
        assert ("earlier_other_source" in codes(found)) == (growth is None)


def test_a_stated_figure_is_not_held_against_one_of_a_file() -> None:
    shop = facts(two_months("Orders", 10))
    found, then = beside(shop, "orders", given={"orders": Fraction(500)})
    assert (found.total("orders").value, then["orders"].value) == (500, None)
    assert "earlier_other_source" in codes(found)


HALF = combine(
    [
        export(
            "o",
            two_months("Orders", 10).partition("2026-10-15")[0],
            source="shopify",
        ),
        export("v", two_months("Sessions", 100), source="metrika"),
    ]
)


def test_another_system_that_ends_later_makes_no_whole_month_of_a_half() -> None:
    """Orders until the 14th: 140 after 140, not after the 300 of September; visits are whole."""
    found, then = beside(HALF, "orders", "sessions")
    assert (found.total("orders").value, then["orders"].value) == (140, 140)
    assert (found.total("sessions").value, then["sessions"].value) == (3100, 3000)
    assert [finding.where for finding in told(found, "earlier_cut")] == ["orders"]
    growth, _ = beside(HALF, "growth", own={"growth": GROWTH})
    assert growth.total("growth").value == 1


def test_what_begins_late_is_not_held_against_a_whole_month() -> None:
    late = month("Orders", "2026-10", 10, without=range(1, 11))
    before = month("Orders", "2026-09", 10)
    apart = combine([export("a", before, source="x"), export("b", late, source="x")])
    found, then = beside(apart, "orders")
    assert (found.total("orders").value, then["orders"].value) == (210, None)
    assert "now_not_whole" in codes(found)


def counted(without: range) -> Facts:
    return combine(
        [
            export("v", two_months("Sessions", 100, without=without), source="metrika"),
            export("o", two_months("Orders", 2), source="shopify", sparse=True),
        ]
    )


def test_visits_of_days_without_a_counter_are_not_compared_but_the_rate_is() -> None:
    """Twenty days of September: 2000 visits, and 40 of the 60 orders."""
    found, then = beside(counted(range(5, 15)), "sessions", "cr")
    assert then["sessions"].value is None
    assert then["cr"].value == Fraction(40, 2000)
    assert told(found, "earlier_days_lost")[0].values["n"] == 10
    assert "left out" in told(found, "earlier_odd")[0].text("en")


def test_a_few_uncounted_days_are_left_out_on_both_sides() -> None:
    """28 days of September beside the other 29 of October."""
    own = OwnKpi(name="growth", formula="sessions / previous(sessions)").kpi("growth")
    found, _ = beside(counted(range(5, 7)), "growth", own={"growth": own})
    assert found.total("growth").value == Fraction(29, 28)
    assert {"earlier_days_missing", "days_left_out"} <= codes(found)
    lost, _ = beside(counted(range(5, 15)), "growth", own={"growth": own})
    assert lost.total("growth").value is None
    assert "earlier_days_lost" in codes(lost)


def test_the_earlier_value_is_of_the_same_definition() -> None:
    """Profit is known for October only: (300 - 100) / 100; half of the sales is another thing."""
    profit = month('"Cost, RUB","Gross profit, RUB"', "2026-10", 100, 300)
    sales = two_months('"Revenue, RUB"', 1000)
    spent = month('"Cost, RUB"', "2026-09", 100)
    data = facts(profit, sales, spent)
    found, then = beside(data, "romi", assumptions={"margin_rate": Fraction(1, 2)})
    assert (found.total("romi").variant, found.total("romi").value) == ("margin", 2)
    assert then["romi"].variant == "margin"
    assert then["romi"].value is None


def test_each_month_looks_back_also_when_no_period_is_asked_for() -> None:
    data = facts("Date,Orders,Sessions\n" + "\n".join(TWO_MONTHS))
    found = values(data, "growth", by="month", settings=Settings(own={"growth": GROWTH}))
    assert {row.slice: row.value for row in found.rows} == {
        "total": None,
        "2026-01": None,
        "2026-02": Fraction(84, 62),
    }


def test_the_last_month_is_held_against_as_many_days_of_the_month_before() -> None:
    """Ten days of February, 30 orders, after ten days of January, 20."""
    data = facts("Date,Orders,Sessions\n" + "\n".join(TWO_MONTHS[:41]))
    found = values(data, "growth", by="month", settings=Settings(own={"growth": GROWTH}))
    assert {row.slice: row.value for row in found.rows}["2026-02"] == Fraction(30, 20)


def test_sums_of_a_leap_year_have_a_day_more_and_it_is_told() -> None:
    days = [Period(parse_period("2024-02").first, parse_period("2025-02").last)]
    rows = "\n".join(
        f"{date.fromordinal(days[0].first.toordinal() + n)},10,100" for n in range(days[0].days)
    )
    data = facts("Date,Orders,Sessions\n" + rows)
    found, then = beside(data, "orders", "cr", when="year_ago", period="2025-02")
    assert (found.total("orders").value, then["orders"].value) == (280, 290)
    assert told(found, "year_ago_length")[0].values["all"] == 29
    rate, _ = beside(data, "cr", when="year_ago", period="2025-02")
    assert "year_ago_length" not in codes(rate)


def test_growth_after_next_to_nothing_is_not_enough() -> None:
    """90 orders after one: the base decides."""
    data = facts("Date,Orders\n2026-09-01,1\n2026-09-30,0\n2026-10-01,90\n2026-10-31,0")
    assert not beside(data, "growth", own={"growth": GROWTH})[0].total("growth").enough
    grown = facts("Date,Orders\n2026-09-01,10\n2026-09-30,0\n2026-10-01,90\n2026-10-31,0")
    found = beside(grown, "growth", own={"growth": GROWTH})[0].total("growth")
    assert (found.value, found.enough) == (9, True)


@pytest.mark.parametrize(
    ("customers", "first", "before", "value", "enough"),
    [
        (190, 40, 200, Fraction(3, 4), True),
        (90, 0, 1, 90, False),
        (50, 30, 29, Fraction(20, 29), False),
        (250, 10, 200, Fraction(6, 5), False),
        (10, 40, 200, None, True),
    ],
)
def test_retention_rests_on_those_who_were_there_before(
    customers: int, first: int, before: int, value: Fraction | None, enough: bool
) -> None:
    table = f"Date,Customers,First customers,Customers before\n2026-10-01,{customers},0,0"
    given_ = {"customers": customers, "first_customers": first, "customers_before": before}
    stated = {id: Fraction(figure) for id, figure in given_.items()}
    found = values(facts(table), "retention", settings=Settings(given=stated))
    row = found.total("retention")
    assert row.value == value
    if value is not None:
        assert row.enough is enough
        assert (row.low, row.high) == (None, None)
    assert ("share_over_whole" in codes(found)) == (value is not None and value > 1)
    assert ("share_impossible" in codes(found)) == (value is None)


def test_a_loyalty_index_beyond_all_answers_is_not_shown() -> None:
    asked = facts("Date,Promoters,Detractors,NPS answers\n2026-10-01,60,0,40")
    found = values(asked, "nps")
    assert found.total("nps").value is None
    assert "share_impossible" in codes(found)


@pytest.mark.parametrize(
    "text", ["0001-01", "1899-12", "2201-01", "2500-Q4", "0001-01-01..2026-01-31"]
)
def test_a_year_that_no_data_are_of_is_no_period(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_period(text)
    assert raised.value.code == "period_far_off"
    assert "1900" in raised.value.text("ru")


@pytest.mark.parametrize("text", ["1900-01", "2200-12"])
def test_the_first_and_the_last_year_have_earlier_days(text: str) -> None:
    assert parse_period(text).before() < parse_period(text)
    assert parse_period(text).year_ago() < parse_period(text)


def test_a_plan_of_such_a_year_is_not_read() -> None:
    entry = json.loads(default_plan("shop").as_json()) | {"period": "0001-01"}
    with pytest.raises(PlanError) as raised:
        read_plan(json.dumps(entry).encode())
    assert "1900" in raised.value.text("en")
