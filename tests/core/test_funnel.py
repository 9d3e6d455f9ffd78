"""Where people are lost between the first visit and the last step."""

from fractions import Fraction

import pytest
from scipy.stats import binomtest

from kpi_core import catalogue
from kpi_core.funnel import Funnel, funnel
from kpi_core.kpis import Settings
from kpi_core.model import parse_period
from tests.core.small import daily, facts

SHOP = catalogue.business("shop")
STEPS = "Sessions,Product views,Carts,Checkouts,Orders"


def counted(*counts: object) -> Funnel:
    return funnel(facts(daily(STEPS, rows={1: counts})), SHOP)


def test_each_step_has_its_rate_of_the_step_before_and_of_the_first() -> None:
    """1000 visits, 400 views, 100 carts, 30 checkouts, 17 orders."""
    made = counted(1000, 400, 100, 30, 17)
    stages = made.stages[:5]
    assert [stage.count for stage in stages] == [1000, 400, 100, 30, 17]
    assert [stage.step_rate for stage in stages] == [
        None, Fraction(2, 5), Fraction(1, 4), Fraction(3, 10), Fraction(17, 30)
    ]  # fmt: skip
    assert [stage.total_rate for stage in stages] == [
        1, Fraction(2, 5), Fraction(1, 10), Fraction(3, 100), Fraction(17, 1000)
    ]  # fmt: skip


def test_the_leakiest_step_keeps_the_smallest_share() -> None:
    leak = counted(1000, 400, 100, 30, 17).leakiest
    assert leak is not None
    assert leak.stage.id == "carts"


def test_a_step_rate_has_wilsons_interval() -> None:
    stage = counted(1000, 400, 100, 30, 17).stages[1]
    expected = binomtest(400, 1000).proportion_ci(0.95, method="wilson")
    assert (stage.low, stage.high) == pytest.approx((expected.low, expected.high))


def test_a_stage_larger_than_the_one_before_is_a_finding_not_a_rate() -> None:
    made = counted(1000, 400, 500, 30, 17)
    carts = made.stages[2]
    assert (carts.step_rate, carts.total_rate) == (None, Fraction(1, 2))
    (finding,) = made.findings
    assert (finding.code, finding.where) == ("stage_grows", "carts")
    assert "500" in finding.text("ru")
    assert "400" in finding.text("ru")


def test_numbers_in_a_finding_are_written_as_in_its_language() -> None:
    (finding,) = counted(5000, 1000, 2000, 30, 17).findings
    assert "2\N{NO-BREAK SPACE}000" in finding.text("ru")
    assert "2,000" in finding.text("en")


def test_a_stage_nobody_counted_is_skipped() -> None:
    """Without carts the checkouts are a share of the views."""
    table = daily("Sessions,Product views,Checkouts,Orders", rows={1: (1000, 400, 30, 17)})
    made = funnel(facts(table), SHOP)
    carts, checkouts = made.stages[2:4]
    assert (carts.count, carts.step_rate, carts.total_rate) == (None, None, None)
    assert checkouts.step_rate == Fraction(30, 400)


def test_a_stage_where_nobody_was_left_gives_no_later_rate() -> None:
    made = counted(1000, 400, 0, 0, 0)
    assert made.stages[2].step_rate == 0
    assert [stage.step_rate for stage in made.stages[3:5]] == [None, None]
    assert [stage.total_rate for stage in made.stages[3:5]] == [0, 0]


def test_nothing_counted_is_no_funnel() -> None:
    made = funnel(facts("Date,Comments\n2026-10-01,5"), SHOP)
    assert made.leakiest is None
    assert all(stage.count is None for stage in made.stages)


def test_a_step_between_two_systems_is_counted_within_the_one_that_knows_both_ends() -> None:
    """GA4: 1000 sessions, 100 carts, 17 orders. The shop: 12 orders, 10 of them paid.

    10 of GA4's 17 would be 59 %; the shop's own 10 of 12 is 83 %.
    """
    ga4 = (
        "# Start date: 20261001\n# End date: 20261001\n"
        "Date,Sessions,Add to carts,Ecommerce purchases\n20261001,1000,100,17"
    )
    states = ["paid"] * 10 + ["pending"] * 2
    rows = [f"#{n},{s},RUB,100,2026-10-01 12:00:00 +0300,1" for n, s in enumerate(states)]
    heading = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity"
    made = funnel(facts(ga4, "\n".join([heading, *rows])), SHOP)
    paid = made.stages[-1]
    assert (paid.sources, paid.count, paid.whole) == (("shopify",), 10, 12)
    assert paid.step_rate == Fraction(10, 12)
    assert paid.total_rate == Fraction(17, 1000) * Fraction(10, 12)
    assert "funnel_mixes_sources" in {finding.code for finding in made.findings}


def test_a_step_between_systems_that_share_no_stage_has_no_interval() -> None:
    ga4 = "# Start date: 20261001\n# End date: 20261001\nDate,Sessions\n20261001,1000"
    crm = "ID,Название сделки,Этап сделки,Дата создания сделки\n" + "\n".join(
        f"{n},Сделка,Переговоры,01.10.2026 10:00:00" for n in range(20)
    )
    made = funnel(facts(ga4, crm), catalogue.business("corporate"))
    leads = next(stage for stage in made.stages if stage.stage.id == "leads")
    assert leads.step_rate == Fraction(20, 1000)
    assert (leads.low, leads.high) == (None, None)


def test_a_month_of_orders_under_a_year_of_visits_is_no_funnel() -> None:
    year = "\n".join(["Month,Sessions"] + [f"2026-{month:02},1000" for month in range(1, 11)])
    made = funnel(facts(year, daily("Orders", rows={1: (50,)})), SHOP)
    assert [stage.count for stage in made.stages if stage.stage.id == "orders"] == [None]
    assert "covers_less" in {finding.code for finding in made.findings}


def test_a_stage_stated_by_hand_is_heard() -> None:
    stated = Settings(given={"orders": Fraction(20)})
    made = funnel(facts(daily(STEPS, rows={1: (1000, 400, 100, 30, 17)})), SHOP, settings=stated)
    assert made.stages[4].count == 20
    assert made.stages[3].sources == ("table",)


def test_a_period_takes_its_own_days() -> None:
    rows = {1: (10, 5, 4, 3, 2), 2: (100, 50, 40, 30, 20)}
    asked = parse_period("2026-10-02..2026-10-02")
    made = funnel(facts(daily(STEPS, rows=rows)), SHOP, asked)
    assert [stage.count for stage in made.stages[:5]] == [100, 50, 40, 30, 20]
    assert made.period == asked


@pytest.mark.parametrize("business", catalogue.businesses())
def test_every_business_has_a_funnel_of_its_own(business: str) -> None:
    type_ = catalogue.business(business)
    columns = ",".join(catalogue.measure(stage.measure).synonyms[-1] for stage in type_.stages)
    counts = tuple(10**6 // 2**step for step in range(len(type_.stages)))
    made = funnel(facts(daily(columns, rows={1: counts})), type_)
    assert [stage.count for stage in made.stages] == list(counts)
    assert {stage.step_rate for stage in made.stages[1:]} == {Fraction(1, 2)}
