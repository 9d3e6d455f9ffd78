"""What mending a step brings: by hand in a small shop; exactly nothing where nothing moves."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.drivers import Lever, Model, calibrate, project
from kpi_core.errors import UsageError
from kpi_core.facts import Facts, combine
from kpi_core.fixes import (
    Fix,
    brings,
    fix,
    fixes,
    levels_of_best,
    levels_then,
    levers_for,
    points,
)
from kpi_core.funnel import Counting, Funnel, offered
from kpi_core.ingest import read
from kpi_core.kpis import Evaluation, Values, kpi_values
from kpi_core.leaks import by_segment
from kpi_core.model import Period, Stages, parse_period
from kpi_core.pay import outcome
from kpi_core.plan import Plan, default_plan
from tests.core.small import daily, facts

SAMPLES = Path(__file__).parents[2] / "sample_data"
OCTOBER = parse_period("2026-10")
SHOP = catalogue.business("shop")


class Case:
    """A plan, its figures, its model and one funnel of them."""

    def __init__(self, made: Facts, business: str, stages: Stages, period: Period | None) -> None:
        type_ = catalogue.business(business)
        plan = default_plan(business)
        settings = plan.settings()
        self.values: Values = kpi_values(
            made, type_, period, settings=settings, kpis=plan.shown_kpis()
        )
        self.plan: Plan = plan.of_period(self.values.period)
        self.model: Model = calibrate(Evaluation(made, period, settings=settings), type_)
        self.counting = Counting(made, stages, period, settings)
        self.funnel: Funnel = self.counting.of()

    def fix(self, stage: str, level: Fraction) -> Fix:
        return fix(self.model, self.plan, self.values, self.funnel, stage=stage, level=level)


@cache
def sample(business: str) -> Facts:
    paths = sorted(path for path in (SAMPLES / business).iterdir() if path.suffix != ".py")
    return combine([read(path.name, path.read_bytes()) for path in paths])


def little(stages: Stages = SHOP.funnels[0]) -> Case:
    """1000 visits, 400 views, 100 carts, 50 checkouts, 20 orders of 100 each; 500 spent."""
    table = daily(
        "Sessions,Product views,Carts,Checkouts,Orders,Revenue,Cost,Clicks",
        rows={1: (1000, 400, 100, 50, 20, 2000, 500, 100)},
    )
    return Case(facts(table), "shop", stages, parse_period("2026-10-01..2026-10-01"))


EVERY = [
    (business, stages)
    for business in catalogue.businesses()
    for stages in offered(sample(business), catalogue.business(business))
]
every_funnel = pytest.mark.parametrize(
    ("business", "stages"), EVERY, ids=[f"{business}-{made.id}" for business, made in EVERY]
)


# --- by hand


def test_twice_as_many_carts_are_twice_as_many_orders_and_twice_the_money() -> None:
    """A quarter of the viewers fill a cart; were it a half: 40 orders, 4000 of revenue.

    With a margin of 30 % the profit grows by 600, since no more is spent.
    """
    made = little().fix("carts", Fraction(1, 2))
    assert made.untold is None
    assert made.results == {"orders": 20, "revenue": 2000}
    assert made.profit == 600
    assert made.last == (40, 20)
    after = {id: made.after[id] for id in ("product_views", "carts", "checkouts", "orders")}
    assert after == {"product_views": 400, "carts": 200, "checkouts": 100, "orders": 40}
    cr = {row.kpi: row.value for row in made.values.rows}["cr"]
    assert cr == Fraction(40, 1000)


def test_score_and_bonus_are_those_of_the_what_if_page() -> None:
    """Raising the carts is moving the lever of that step, which carries the orders."""
    case = little()
    made = case.fix("carts", Fraction(1, 2))
    levers = {id: Lever(by=Fraction(1)) for id in ("cart_rate",)}
    expected = outcome(case.plan, project(case.model, levers, case.values))
    assert made.then.total == expected.total
    assert made.score == (expected.total or 0) - (made.now.total or 0)


def test_a_bonus_follows_where_the_target_is_reached() -> None:
    """k1 pays for 800 orders: October of the sample has 707, and with a fifth more it is over."""
    case = Case(sample("shop"), "shop", SHOP.funnels[0], OCTOBER)
    rate = case.funnel.steps[1].step_rate
    assert rate is not None
    made = case.fix("carts", rate * Fraction(6, 5))
    assert (made.results["orders"], made.bonus) == (Fraction(707, 5), 15000)


def test_one_point_of_each_step_is_ranked_by_what_it_brings() -> None:
    """Orders then: 20 · 41/40, 20 · 26/25, 20 · 51/50 and 20 · 41/40 of the four steps."""
    case = little()
    found = points(case.model, case.plan, case.values, case.funnel)
    gained = {own.stage.stage.id: own.results["orders"] for own in found}
    assert gained == {
        "carts": Fraction(4, 5),
        "product_views": Fraction(1, 2),
        "orders": Fraction(1, 2),
        "checkouts": Fraction(2, 5),
    }
    assert next(iter(gained)) == "carts"
    assert [own.profit for own in found] == sorted((own.profit for own in found), reverse=True)


def test_a_step_within_a_point_of_all_has_no_point_more() -> None:
    table = daily("Sessions,Orders,Revenue", rows={1: (1000, 995, 5000)})
    case = Case(facts(table), "shop", SHOP.funnels[0], None)
    assert points(case.model, case.plan, case.values, case.funnel) == ()


# --- exact


@every_funnel
def test_a_step_raised_to_where_it_is_changes_nothing(business: str, stages: Stages) -> None:
    case = Case(sample(business), business, stages, OCTOBER)
    assert case.funnel.steps
    for own in case.funnel.steps:
        assert own.step_rate is not None
        made = case.fix(own.stage.id, own.step_rate)
        assert made.last[0] == made.last[1]
        if made.untold is None:
            assert made.after == made.before
            assert set(made.results.values()) <= {0}
            assert [row.value for row in made.values.rows] == [
                row.value for row in case.values.rows
            ]
            assert not made.score


@given(level=st.fractions(0, Fraction(1, 2), max_denominator=500))
def test_orders_grow_by_just_the_factor_of_the_step(level: Fraction) -> None:
    case = _LITTLE
    made = case.fix("product_views", level)
    factor = level / Fraction(2, 5)
    if made.untold is None:
        assert made.after["orders"] == 20 * factor
        assert made.after["revenue"] == 2000 * factor
        assert made.after["sessions"] == 1000


_LITTLE = little()


@every_funnel
def test_stages_before_the_step_stay_and_those_after_grow_alike(
    business: str, stages: Stages
) -> None:
    case = Case(sample(business), business, stages, OCTOBER)
    for own in case.funnel.steps:
        rate = own.step_rate or Fraction(0)
        made = case.fix(own.stage.id, rate + (1 - rate) / 100)
        if made.untold or not made.after:
            continue
        factor = made.level / rate
        place = case.funnel.counted.index(own)
        for at, counted in enumerate(case.funnel.counted):
            base = made.before.get(counted.measure)
            if base and counted.measure in {c.measure for c in case.model.business.consequences}:
                assert made.after[counted.measure] == base * (factor if at >= place else 1)


# --- what cannot be told


def test_what_the_model_does_not_know_is_told_and_not_invented() -> None:
    mailings = next(made for made in SHOP.funnels if made.id == "email")
    made = Case(sample("shop"), "shop", mailings, OCTOBER).fix("clicks_unique", Fraction(1, 4))
    assert made.untold is not None
    assert made.untold.code == "fix_untold"
    assert (made.results, made.profit, made.score, made.bonus) == ({}, None, None, None)
    assert made.last[0] > made.last[1]
    assert "what-if model" in brings(made, "RUB", "en")


def test_payments_bring_no_money_of_the_model() -> None:
    """Revenue of the model is that of all orders, so more of them paid are no more of it."""
    case = Case(sample("shop"), "shop", SHOP.funnels[0], OCTOBER)
    made = case.fix("paid_orders", Fraction(99, 100))
    assert made.untold is None
    assert (made.results, made.revenue, made.profit) == ({}, None, None)


def test_a_step_that_nobody_passes_has_no_factor() -> None:
    table = daily("Sessions,Carts,Orders", rows={1: (1000, 50, 0)})
    made = Case(facts(table), "shop", SHOP.funnels[0], None).fix("orders", Fraction(1, 10))
    assert made.untold is not None
    assert made.untold.code == "fix_of_nothing"


def test_a_rate_that_makes_a_share_of_more_than_all_is_refused() -> None:
    """Views of 900 visits in 1000 are 9 carts in 10; all viewers cannot be more than all visits."""
    case = little()
    with pytest.raises(UsageError):
        levers_for(case.model, {"carts": Fraction(11)})


@pytest.mark.parametrize(
    ("stage", "level", "code"),
    [
        ("nosuch", Fraction(1, 2), "unknown_step"),
        ("sessions", Fraction(1, 2), "unknown_step"),  # the first stage is no step
        ("carts", Fraction(3, 2), "level_not_a_share"),
        ("carts", Fraction(-1, 2), "level_not_a_share"),
    ],
)
def test_what_is_no_step_or_no_rate_is_refused(stage: str, level: Fraction, code: str) -> None:
    with pytest.raises(UsageError) as raised:
        little().fix(stage, level)
    assert raised.value.code == code


# --- levels


def test_a_level_of_the_best_part_is_taken_from_a_large_one_counted_alike() -> None:
    """Email turns half of its carts into orders, but holds only 10 of 310 carts."""
    table = """
        Date,Channel,Sessions,Carts,Orders
        2026-10-01,direct,2000,200,40
        2026-10-01,organic,1000,100,30
        2026-10-01,email,100,10,5
    """
    counting = Counting(facts(table), SHOP.funnels[0], by="channel")
    whole = Counting(facts(table), SHOP.funnels[0]).of()
    assert levels_of_best(whole, by_segment(counting)) == {"orders": ("organic", Fraction(3, 10))}


def test_only_rates_above_those_of_now_are_levels() -> None:
    rows = ["Date,Sessions,Carts,Orders", "2026-09-30,1000,200,20", "2026-10-01,1000,100,20"]
    period = parse_period("2026-10-01..2026-10-01")
    case = Case(facts("\n".join(rows)), "shop", SHOP.funnels[0], period)
    before = case.counting.before("previous")
    assert before is not None
    levels = levels_then(case.funnel, before.of())
    assert levels == {"carts": Fraction(1, 5)}
    (made,) = fixes(case.model, case.plan, case.values, case.funnel, levels)
    assert made.results == {"orders": 20}
