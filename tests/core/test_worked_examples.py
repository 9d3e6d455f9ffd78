"""The worked examples that the product was asked to reproduce, with their numbers written out."""

from decimal import Decimal
from fractions import Fraction

import pytest

from kpi_core import catalogue, words
from kpi_core.facts import combine
from kpi_core.funnel import funnel
from kpi_core.kpis import Settings, Values
from kpi_core.model import Better, Kpi
from kpi_core.pay import payout
from kpi_core.plan import Plan, read_plan
from kpi_core.rules import LITERAL_STEPS, Band, Bands, Goal
from kpi_core.schemes import Scorecard
from kpi_core.score import score
from tests.core.small import daily, facts, value, values

SOLD = daily("Cost,Revenue", rows={1: (100_000, 150_000)})


# --- 100 000 spent, 150 000 sold


def romi(variant: str, margin: Fraction | None = None) -> str:
    """The return as it is printed."""
    assumptions = {} if margin is None else {"margin_rate": margin}
    settings = Settings(variants={"romi": variant}, assumptions=assumptions)
    found = values(facts(SOLD), "romi", settings=settings).total("romi")
    return words.kpi_figure(found.definition, found.value, found.currency, "en")


def test_the_return_on_revenue_is_plus_50_percent() -> None:
    assert romi("revenue") == "50%"


def test_the_return_as_a_ratio_is_one_and_a_half() -> None:
    assert romi("ratio") == "1.50"


def test_the_return_on_ad_spend_is_one_and_a_half() -> None:
    assert value(facts(SOLD), "roas") == 1.5


def test_at_a_margin_of_30_percent_the_return_is_minus_55_percent() -> None:
    margin = Fraction(3, 10)
    assert value(facts(SOLD), "romi", assumptions={"margin_rate": margin}) == -0.55
    assert romi("margin_rate", margin) == "\N{MINUS SIGN}55%"


def test_without_a_margin_there_is_no_return_on_margin() -> None:
    found = values(facts(SOLD), "romi").total("romi")
    assert (found.value, found.missing) == (None, ("gross_profit",))


# --- k1 · k2 · salary


def marketer(leads: str, cpl: str) -> Plan:
    """30 000 a month; planned are 100 leads of 500 each."""
    return read_plan(
        f"""{{
        "business": "corporate", "currency": "RUB",
        "lines": [{{"kpi": "leads", "target": 100, "weight": 1}}],
        "scheme": {{"kind": "product", "salary": "30000.00", "factors": [
            {{"kpi": "leads", "target": 100}}, {{"kpi": "cpl", "target": 500}}]}},
        "facts": {{"leads": {leads}, "cpl": {cpl}}}
        }}""".encode()
    )


def paid(plan: Plan) -> tuple[str, str]:
    due = payout(plan, stated(plan))
    return str(due.bonus), str(due.pay)


def stated(plan: Plan) -> Values:
    return values(combine([]), *plan.kpis(), settings=plan.settings())


def test_leads_over_plan_and_a_lead_cost_at_90_percent_pay_15_000_and_45_000() -> None:
    """k1 = 101/100, over plan: 1. k2 = 450/500 = 90 %: 0.5. 1 x 0.5 x 30 000 = 15 000."""
    plan = marketer(leads="101", cpl="555.5555555555555555555555555")
    assert paid(plan) == ("15000.00", "45000.00")


@pytest.mark.parametrize(
    ("leads", "bonus"),
    [
        ("79.999999", "0.00"),  # a hair below 80 %
        ("80", "15000.00"),  # exactly 80 %: 0.5
        ("90", "15000.00"),
        ("100", "15000.00"),  # exactly 100 %, read literally: 0.5
        ("100.01", "30000.00"),  # a hundredth over
    ],
)
def test_boundaries_are_read_literally(leads: str, bonus: str) -> None:
    assert paid(marketer(leads, cpl="499"))[0] == bonus


@pytest.mark.parametrize(
    ("cpl", "bonus"),
    [
        ("625.01", "0.00"),  # a kopeck dearer than 80 %: 500 / 625.01
        ("625", "15000.00"),  # exactly 80 %
        ("500", "15000.00"),  # exactly 100 %
        ("499.99", "30000.00"),  # a kopeck cheaper than planned
    ],
)
def test_one_kopeck_decides_at_a_boundary(cpl: str, bonus: str) -> None:
    assert paid(marketer(leads="101", cpl=cpl))[0] == bonus


# --- the checkout


def test_of_a_hundred_carts_83_are_abandoned() -> None:
    bought = facts(daily("Carts,Orders", rows={1: (100, 17)}))
    assert value(bought, "cart_abandonment") == 0.83


def test_where_30_percent_go_on_to_checkout_that_step_leaks_most() -> None:
    """Sessions 250, views 200 (80 %), carts 100 (50 %), checkouts 30 (30 %), orders 17 (57 %)."""
    steps = daily(
        "Sessions,Product views,Carts,Checkouts,Orders", rows={1: (250, 200, 100, 30, 17)}
    )
    made = funnel(facts(steps), catalogue.business("shop"))
    assert made.leakiest is not None
    assert made.leakiest.stage.id == "checkouts"
    assert made.leakiest.step_rate == Fraction(3, 10)


# --- the analyst's scorecard: 25 / 45 / 30 %, bands on shares of failures

BANDS = Bands(
    bands=tuple(
        Band(to=Decimal(to), score=Decimal(points))
        for to, points in (("0.04", "1"), ("0.10", "0.8"), ("0.20", "0.5"))
    )
)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("0", "1"), ("0.04", "1"),
        ("0.045", "0.8"),  # between the printed bands: the next one
        ("0.05", "0.8"), ("0.10", "0.8"),
        ("0.105", "0.5"), ("0.20", "0.5"),
        ("0.205", "0"), ("0.21", "0"), ("1", "0"),
    ],
)  # fmt: skip
def test_a_share_between_two_bands_belongs_to_the_next(share: str, expected: str) -> None:
    assert BANDS.score(Fraction(share)) == Fraction(expected)


def test_the_analyst_earns_the_weighted_sum_of_his_bands() -> None:
    """0.25 x 1.0 + 0.45 x 0.8 + 0.30 x 0.5 = 0.76; of a fund of 20 000 that is 15 200."""
    shares = {"bounce_rate": ("25", "0.04"), "cr": ("45", "0.045"), "rvr": ("30", "0.2")}
    plan = Plan.model_validate(
        {
            "business": "portal",
            "currency": "RUB",
            "lines": [
                {"kpi": kpi, "weight": weight, "rule": BANDS.model_dump()}
                for kpi, (weight, _) in shares.items()
            ],
            "scheme": Scorecard(salary=Decimal(60000), fund=Decimal(20000)),
            "facts": {kpi: share for kpi, (_, share) in shares.items()},
        }
    )
    found = stated(plan)
    assert score(plan, found.totals()).total == Fraction("0.76")
    assert paid(plan) == ("15200.00", "75200.00")


# --- what is usual


def test_clicks_of_openers_are_told_beside_both_norms() -> None:
    """36 of 200 who opened clicked: 18 %, usual for a mass mailing, little for an automated one."""
    mailing = facts(daily("Delivered,Unique opens,Unique clicks", rows={1: (1000, 200, 36)}))
    assert value(mailing, "open_rate") == 0.2
    assert value(mailing, "click_rate") == 0.036
    found = values(mailing, "ctor").total("ctor")
    assert found.value == Fraction(18, 100)
    assert words.norm(found.definition, found.value, "en") == (
        "in the norm of 15–20% (mass mailings); below the norm of 30–50% (automated mailings)"
    )
    assert words.norm(found.definition, Fraction(1, 2), "ru") == (
        "выше нормы 15–20\N{NO-BREAK SPACE}% (массовые рассылки); "
        "в норме 30–50\N{NO-BREAK SPACE}% (автоматические письма)"
    )


# --- the period before, a year ago


def months(*columns: str, rows: dict[str, tuple[object, ...]]) -> str:
    lines = [f"{month},{','.join(map(str, figures))}" for month, figures in rows.items()]
    return "\n".join([f"Month,{','.join(columns)}", *lines])


def test_the_average_order_and_the_frequency_are_compared_with_the_period_before() -> None:
    """210 an order after 200: 105 %. 12 orders of 8 customers after 10 of 10: 1.5 after 1."""
    rows = {"2026-09": (2000, 10, 10), "2026-10": (2520, 12, 8)}
    shop = facts(months("Revenue,Orders,Unique customers", rows=rows))
    assert value(shop, "aov_growth", "2026-10") == 1.05
    assert value(shop, "frequency_growth", "2026-10") == 1.5
    assert value(shop, "aov_growth", "2026-09") is None


def test_organic_traffic_is_compared_with_the_same_season_of_last_year() -> None:
    """A garden shop in winter: 1 100 after 4 000 in October, but 1 000 a year ago."""
    found = {"2025-11": 1000, "2026-10": 4000, "2026-11": 1100}
    rows = {month: ("organic", n) for month, n in found.items()}
    garden = facts(months("Channel,Sessions", rows=rows))
    assert value(garden, "organic_growth", "2026-11") == 1.1


def test_followers_grow_against_the_end_of_the_period_before() -> None:
    rows = {"2026-09": (12000,), "2026-10": (12600,)}
    network = facts(months("Followers", rows=rows))
    assert value(network, "follower_growth", "2026-10") == 0.05


# --- what people say


def test_60_percent_who_recommend_less_20_percent_who_do_not_are_40() -> None:
    asked = facts(daily("Promoters,Detractors,NPS answers", rows={1: (60, 20, 100)}))
    assert value(asked, "nps") == 0.4


def test_120_of_400_who_know_the_brand_are_30_percent() -> None:
    asked = facts(daily("Знают бренд,Ответы о знании бренда", rows={1: (120, 400)}))
    assert value(asked, "awareness") == 0.3


# --- plain figures


def test_the_corporate_site_has_90_862_visits_of_which_20_480_are_organic() -> None:
    channels = {"organic": 20480, "direct": 9936, "referral": 2041, "other": 58405}
    rows = "\n".join(f"2026-10-01,{channel},{n}" for channel, n in channels.items())
    site = facts(f"Date,Channel,Sessions\n{rows}")
    assert value(site, "sessions") == 90862
    assert value(site, "organic_sessions") == 20480


def test_the_portal_shows_3_41_pages_a_session() -> None:
    portal = facts(daily("Sessions,Page views", rows={1: (100, 341)}))
    assert value(portal, "page_depth") == 3.41
    depth: Kpi = catalogue.kpi("page_depth")
    found = values(portal, "page_depth", settings=Settings()).total("page_depth").value
    assert words.kpi_figure(depth, found, None, "ru") == "3,41"


def test_what_a_customer_costs_counts_the_new_ones_only() -> None:
    """237 spent, 5 orders, 3 of them by new customers: 47.40 an order, 79 a customer."""
    shop = facts(daily("Cost,Orders,New customers", rows={1: (237, 5, 3)}))
    assert value(shop, "cpo") == 47.4
    assert value(shop, "cac") == 79


@pytest.mark.parametrize(
    ("kpi", "variant", "expected"),
    [
        ("roi", "all_costs", 0.5), ("roi", "goods_only", 1),
        ("romi", "margin", 2), ("romi", "revenue", 5), ("romi", "ratio", 6),
        ("roas", "revenue", 6), ("drr", "revenue", 1 / 6),
    ],
)  # fmt: skip
def test_one_month_returns_from_50_to_600_percent(kpi: str, variant: str, expected: float) -> None:
    """Revenue 1 200, goods 600, ads 200: each definition is right, and none is "the ROI"."""
    rows = {1: (1200, 600, 600, 200)}
    shop = facts(daily("Revenue,COGS,Gross profit,Cost", rows=rows))
    assert value(shop, kpi, variants={kpi: variant}) == expected


def test_the_cost_of_an_order_is_that_of_a_click_over_the_rate_of_orders_per_click() -> None:
    shop = facts(daily("Cost,Clicks,Sessions,Orders", rows={1: (500, 20, 20, 2)}))
    cpc, cr, cpo = (value(shop, kpi) for kpi in ("cpc", "cr", "cpo"))
    assert cpc is not None
    assert cr is not None
    assert cpo == cpc / cr == 250


def test_nothing_spent_on_leads_that_came_is_the_best_there_is() -> None:
    goal = Goal(kpi="cpl", target=Decimal(500), rule=LITERAL_STEPS)
    assert goal.score(Fraction(0), Better.LOWER) == 1
