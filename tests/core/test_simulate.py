"""Chance in the whole chain: against scipy, exact distributions and the exact road."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_core import catalogue
from kpi_core.chain import chain
from kpi_core.charts import bonus_chances, fan, share_bars, tornado_bars
from kpi_core.cli import main
from kpi_core.drivers import Lever, Model, calibrate, project
from kpi_core.errors import UsageError
from kpi_core.facts import Facts, combine
from kpi_core.forecast import monthly_forecast
from kpi_core.formula import Array
from kpi_core.ingest import read_path
from kpi_core.kpis import Evaluation, Values, kpi_values
from kpi_core.model import Period, Unit, month_of, parse_period
from kpi_core.pay import outcome
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.sensitivity import indices, tornado, variance_shares
from kpi_core.simulate import (
    MOST_POSITIONS,
    SCRAMBLES,
    Figure,
    Simulated,
    ahead_said,
    basis_said,
    beside,
    bonus_said,
    chance_said,
    converging,
    drawn,
    mean,
    quantile,
    scores_of,
    simulate,
    together_said,
)
from kpi_core.uncertainty import (
    SCORES,
    Basis,
    History,
    Range,
    Scatter,
    Uncertain,
    Z,
    history,
    scatter,
    uncertain,
)
from tests.core.small import facts

SAMPLES = Path(__file__).parents[2] / "sample_data"
OCTOBER = parse_period("2026-10")
BUSINESSES = ("shop", "corporate", "portal")
DAY = timedelta(days=1)
NO_FACTS = combine([])
SCORECARD = {"kind": "scorecard", "salary": 1000, "fund": 100}


@cache
def sample(business: str) -> Facts:
    return combine([read_path(path) for path in sorted((SAMPLES / business).iterdir())])


def model_of(plan: Plan, data: Facts, period: Period = OCTOBER) -> Model:
    evaluation = Evaluation(data, period, settings=plan.settings())
    return calibrate(evaluation, catalogue.business(plan.business))


def values_of(plan: Plan, data: Facts, period: Period = OCTOBER) -> Values:
    return kpi_values(
        data,
        catalogue.business(plan.business),
        period,
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
    )


def stated(target: object = "0.05", **given: object) -> Plan:
    """A shop of 20 000 sessions, 1 000 of which order; all of the bonus or none by conversion."""
    rule = {"kind": "steps", "steps": [{"at": 1, "score": 1}]}
    line = {"kpi": "cr", "target": target, "weight": 1, "rule": rule}
    usual = {
        "business": "shop",
        "currency": "RUB",
        "period": "2026-10",
        "variants": {"cr": "orders_per_session"},
        "facts": {"sessions": 20_000, "orders": 1000, "revenue": 4_000_000, "spend": 100_000},
        "lines": [line],
        "scheme": SCORECARD,
    }
    return Plan.model_validate(usual | given)


def expected(plan: Plan, data: Facts = NO_FACTS, ahead: int = 1, **ranges: Range) -> Uncertain:
    model = model_of(plan, data)
    return uncertain(model, history(data, model, OCTOBER, plan.settings()), ranges, ahead)


def simulated(
    plan: Plan, data: Facts = NO_FACTS, ahead: int = 1, draws: int = 4096, **ranges: Range
) -> Simulated:
    chances = expected(plan, data, ahead, **ranges)
    return simulate({"": plan}, values_of(plan, data), chances, draws=draws)[""]


@cache
def of_shop(ahead: int = 1) -> tuple[Plan, Values, Uncertain]:
    plan, data = default_plan("shop"), sample("shop")
    return plan, values_of(plan, data), expected(plan, data, ahead)


def driver(chances: Uncertain, id: str) -> Array:
    """The values of a driver at standard scores, in the first period ahead."""
    return next(own.marks[0] for own in chances.drivers if own.driver == id)


def certain(chances: Uncertain) -> Uncertain:
    """The same with every driver as it is in the period, exactly."""
    sure = tuple(
        replace(own, basis=Basis.NONE, marks=np.full_like(own.marks, own.now))
        for own in chances.drivers
    )
    return replace(chances, drivers=sure)


# --- what a driver may be


def test_a_range_is_met_at_its_three_marks() -> None:
    marks = Range(90, 100, 130).marks()
    assert np.interp([-Z, 0, Z], SCORES, marks) == pytest.approx([90, 100, 130], rel=3e-4)
    assert (np.diff(marks) > 0).all()


def test_an_even_range_is_normal() -> None:
    found = np.interp([-2, -1, 1, 2], SCORES, Range(90, 100, 110).marks())
    assert found == pytest.approx(100 + 10 / stats.norm.ppf(0.9) * np.array([-2, -1, 1, 2]))


@pytest.mark.parametrize("ends", [(2, 1, 3), (1, 3, 2), (-1, 0, 1), (1, 1, 2), (1, 2, np.inf)])
def test_a_range_that_does_not_rise_is_refused(ends: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="the range cannot be read"):
        Range(*ends)


def test_a_range_of_a_share_beyond_1_is_refused() -> None:
    with pytest.raises(UsageError, match="share"):
        expected(stated(), cr=Range(0.5, 0.9, 1.1))


def test_a_range_of_an_unknown_driver_is_refused() -> None:
    with pytest.raises(UsageError, match="cx"):
        expected(stated(), cx=Range(1, 2, 3))


def test_a_share_without_days_is_as_wide_as_the_next_count_of_the_same_tries_may_be() -> None:
    """What was measured is a sample as what comes is: beta-binomial, about twice the variance."""
    own = driver(expected(stated()), "cr")
    exact = stats.betabinom(20_000, 1000, 19_000)
    found = np.interp([-Z, Z], SCORES, own)
    assert found == pytest.approx(exact.ppf([0.1, 0.9]) / 20_000, rel=0.003)


def test_a_count_without_days_is_gamma_about_its_poisson_variance() -> None:
    """Both months are counts, so the variance is twice the mean."""
    plan = stated(facts={"sessions": 900, "orders": 30})
    found = np.interp([-Z, 0, Z], SCORES, driver(expected(plan), "other_sessions"))
    exact = stats.gamma(900 / 2, scale=2).ppf([0.1, 0.5, 0.9])
    assert found == pytest.approx(exact, rel=1e-3)


def test_money_is_spent_as_it_is_chosen_where_no_month_says_otherwise() -> None:
    found = {own.driver: own.basis for own in expected(stated()).drivers}
    assert found["spend"] is Basis.NONE
    assert found["cr"] is Basis.COUNTS


def test_days_tell_the_variance_of_a_ratio_of_sums() -> None:
    """Beside a bootstrap of the days' residuals about their weekdays."""
    pick = np.random.default_rng(5)
    days = list(range(1, 32))
    sessions = pick.poisson(900, 31)
    orders = pick.binomial(sessions, 0.03) + pick.integers(0, 12, 31)
    table = "Date,Sessions,Orders\n" + "\n".join(
        f"2026-10-{day:02},{visits},{bought}"
        for day, visits, bought in zip(days, sessions, orders, strict=True)
    )
    data, plan = facts(table), stated(facts={}, period=None)
    model = model_of(plan, data)
    found = scatter(data, model, OCTOBER, plan.settings())
    assert found
    assert found.days == 31
    weekday = (np.array(days) + 2) % 7
    means = np.array([[own[weekday == w].mean() for w in weekday] for own in (sessions, orders)])
    left = np.array([sessions, orders]) - means
    places = pick.integers(0, 31, (20_000, 31))
    sums = np.array([sessions, orders]).sum(axis=1)[:, None] + left[:, places].sum(axis=2)
    variance = (sums[1] / sums[0]).var() * 31 / (31 - 8)  # of 7 weekdays and a trend
    assert found.variance("cr") == pytest.approx(variance, rel=0.08)


def test_marks_of_a_forecast_are_its_quantiles() -> None:
    plan, _, chances = of_shop()
    model = chances.model
    known = history(sample("shop"), model, OCTOBER, plan.settings())
    figures = known.months("aov")
    forecast = monthly_forecast(figures)
    assert forecast
    found = np.interp([-3, -1, 0, 1, 3], SCORES, driver(chances, "aov"))
    exact = [forecast.quantile(float(stats.norm.cdf(score))) for score in (-3, -1, 0, 1, 3)]
    assert found == pytest.approx(exact, rel=2e-3)


def test_the_months_of_a_driver_are_those_of_its_models() -> None:
    plan, data = default_plan("shop"), sample("shop")
    model = model_of(plan, data)
    known = history(data, model, OCTOBER, plan.settings())
    assert len(known.months("cr")) == 13
    assert known.months("cr")[-1] == pytest.approx(float(model.drivers["cr"] or 0))
    november = model_of(plan, data, parse_period("2025-11"))
    assert known.months("cr")[1] == pytest.approx(float(november.drivers["cr"] or 0))


def test_shares_stay_within_0_and_1() -> None:
    _, _, chances = of_shop()
    for own in chances.moved({"paid_share": Lever(to=Fraction(99, 100))}).drivers:
        if own.unit is Unit.SHARE:
            assert own.marks.min() >= 0
            assert own.marks.max() <= 1


def test_a_lever_moves_what_is_uncertain_with_it() -> None:
    _, _, chances = of_shop()
    before = driver(chances, "aov")
    after = driver(chances.moved({"aov": Lever(by=Fraction(1, 10))}), "aov")
    assert after == pytest.approx(1.1 * before)


def test_a_set_budget_is_spent_as_it_is_set() -> None:
    _, _, chances = of_shop()
    moved = chances.moved({"spend": Lever(to=Fraction(500_000))})
    own = next(own for own in moved.drivers if own.driver == "spend")
    assert own.certain
    assert own.basis is Basis.CHOSEN


def test_several_months_need_a_month_to_follow() -> None:
    plan = stated()
    model = model_of(plan, NO_FACTS)
    known = History(parse_period("2026-10-01..2026-10-10"), {}, None)
    with pytest.raises(UsageError, match="whole calendar month"):
        uncertain(model, known, ahead=2)


# --- the draws


def test_scores_are_standard_normal_and_independent() -> None:
    scores = np.concatenate([own.copy() for _, own in scores_of(3, 1 << 13, 3)], axis=1)
    assert scores.mean(axis=1) == pytest.approx([0, 0, 0], abs=1e-3)
    assert scores.var(axis=1) == pytest.approx([1, 1, 1], abs=5e-3)
    assert np.corrcoef(scores) == pytest.approx(np.eye(3), abs=5e-3)
    assert stats.kstest(scores[0], "norm").statistic < 0.002


def test_draws_of_a_driver_have_its_distribution() -> None:
    """Moments of a normal range, and of a gamma count, beside scipy."""
    chances = expected(stated(), aov=Range(3000, 4000, 5000))
    found: dict[str, list[Array]] = {}
    for _, drivers in drawn(chances, 1 << 14, 1):
        for id, own in drivers.items():
            found.setdefault(id, []).append(np.array(own[0], ndmin=1))
    aov, sessions = (np.concatenate(found[id]) for id in ("aov", "other_sessions"))
    assert aov.mean() == pytest.approx(4000, rel=1e-3)
    assert aov.std() == pytest.approx(1000 / stats.norm.ppf(0.9), rel=5e-3)
    exact = stats.gamma(10_000, scale=2)
    assert sessions.mean() == pytest.approx(exact.mean(), rel=1e-4)
    assert sessions.std() == pytest.approx(exact.std(), rel=5e-3)


def test_drivers_hang_together_as_told_within_a_month_and_last_over_months() -> None:
    chances = expected(stated(), aov=Range(3000, 4000, 5000), cr=Range(0.04, 0.05, 0.06))
    places = [own.driver for own in chances.drivers]
    together = np.eye(len(places))
    one, other = places.index("aov"), places.index("cr")
    together[one, other] = together[other, one] = 0.6
    drivers = tuple(
        replace(own, marks=np.tile(own.marks, (2, 1)), lasting=0.5 if own.driver == "aov" else 0.0)
        for own in chances.drivers
    )
    november = Period(OCTOBER.first, OCTOBER.last)
    chances = replace(chances, drivers=drivers, together=together, periods=(november, november))
    parts = [{id: own.copy() for id, own in made.items()} for _, made in drawn(chances, 1 << 13, 2)]
    aov, cr = (np.concatenate([part[id] for part in parts], axis=1) for id in ("aov", "cr"))
    assert np.corrcoef(aov[0], cr[0])[0, 1] == pytest.approx(0.6, abs=0.01)
    assert np.corrcoef(aov[0], aov[1])[0, 1] == pytest.approx(0.5, abs=0.01)
    assert np.corrcoef(cr[0], cr[1])[0, 1] == pytest.approx(0, abs=0.01)
    assert aov[1].std() == pytest.approx(aov[0].std(), rel=0.01)


def test_correlation_of_days_is_found_and_drawn_towards_nought() -> None:
    model = model_of(stated(), NO_FACTS)
    covariance = np.array([[4.0, 2 * 3 * 0.8], [2 * 3 * 0.8, 9.0]])
    found = []
    for days in (28, 280):
        known = History(OCTOBER, {}, Scatter(("aov", "cr"), covariance, days))
        chances = uncertain(model, known)
        places = [own.driver for own in chances.drivers]
        found.append(chances.together[places.index("aov"), places.index("cr")])
        assert np.linalg.eigvalsh(chances.together).min() > 0
    doubts = [(1 - 0.8**2) ** 2 / (days - 1) / 0.8**2 for days in (28, 280)]
    assert found == pytest.approx([0.8 * (1 - doubt) for doubt in doubts])


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    draws=st.integers(160, 3000),
    levers=st.sampled_from([{}, {"cr": Lever(by=Fraction(1, 10))}]),
)
def test_a_seed_gives_the_same_figures_bit_for_bit(
    seed: int, draws: int, levers: Mapping[str, Lever]
) -> None:
    plan, values, chances = of_shop(2)
    one, other = (
        simulate({"": plan}, values, chances, levers, draws=draws, seed=seed)[""].results
        for _ in range(2)
    )
    assert one.bonus.tobytes() == other.bonus.tobytes()
    assert all(own.tobytes() == other.kpis[id].tobytes() for id, own in one.kpis.items())
    assert one.bonus.shape == (2, -(-draws // SCRAMBLES) * SCRAMBLES)


def test_another_seed_gives_other_draws() -> None:
    plan, values, chances = of_shop()
    one, other = (
        simulate({"": plan}, values, chances, draws=160, seed=seed)[""].results.kpis["cr"]
        for seed in (1, 2)
    )
    assert (one != other).all()


@pytest.mark.parametrize("business", BUSINESSES)
@pytest.mark.parametrize("moved", [False, True])
def test_without_uncertainty_every_draw_is_the_exact_what_if(business: str, moved: bool) -> None:
    plan, data = default_plan(business), sample(business)
    values, model = values_of(plan, data), model_of(plan, data)
    main = next(own.id for own in model.business.drivers if own.main and model.drivers[own.id])
    channel = next(id for id in model.levers if "@" in id)
    levers = {main: Lever(by=Fraction(1, 10)), channel: Lever(by=Fraction(1, 5))} if moved else {}
    chances = certain(expected(plan, data))
    found = simulate({"": plan}, values, chances, levers, draws=160)[""]
    after = project(model, levers, values)
    for id, own in after.totals().items():
        if own.value is not None:
            assert found.results.kpis[id] == pytest.approx(float(own.value), rel=1e-9)
    paid = outcome(plan, after).paid
    assert paid
    assert found.results.bonus == pytest.approx(float(paid.bonus), abs=0.01)
    assert found.pay == pytest.approx(float(paid.pay), abs=0.01)


def test_a_step_carries_the_conversion_and_is_not_counted_twice() -> None:
    plan, values, chances = of_shop()
    lever = {"checkout_rate": Lever(by=Fraction(1, 10))}
    before, after = (
        simulate({"": plan}, values, chances, own)[""].results.kpis["cr"][0] for own in ({}, lever)
    )
    exact = np.interp([-Z, 0, Z], SCORES, driver(chances, "cr"))
    assert [quantile(before, share).value for share in (0.1, 0.5, 0.9)] == pytest.approx(
        exact, rel=0.01
    )
    assert quantile(after, 0.5).value == pytest.approx(1.1 * quantile(before, 0.5).value, rel=0.01)


def test_a_step_rule_pays_as_often_as_the_exact_distribution_says() -> None:
    """All or nothing at 1 030 orders of 20 000; half of the chance of exactly so many counts."""
    found = simulated(stated("0.0515"))
    exact = stats.betabinom(20_000, 1000, 19_000)
    chance = exact.sf(1030) + exact.pmf(1030) / 2
    nothing, all_ = found.steps()
    assert (nothing.low, all_.low) == (0, 100)
    assert all_.chance.value == pytest.approx(chance, abs=0.004)
    assert nothing.chance.value + all_.chance.value == pytest.approx(1)
    reached = found.reached("cr")
    assert reached
    assert reached.value == all_.chance.value


def test_a_target_of_less_is_reached_from_above() -> None:
    plan = stated(lines=[{"kpi": "cpo", "target": 100, "weight": 1}])
    found = simulated(plan, aov=Range(4000, 4000, 4000)).reached("cpo")
    assert found
    assert found.value == pytest.approx(0.5, abs=0.02)  # 100 000 / 1 000 orders in the middle


def test_targets_of_months_hold_in_their_months() -> None:
    plan = stated(targets={"2026-12": {"cr": "0.01"}})
    data = facts("Date,Sessions,Orders\n2026-10-01,20000,1000")
    december = simulated(plan, data, ahead=2)
    assert december.targets["cr"] == (0.05, 0.01)
    assert december.results.bonus[1].min() == 100
    assert december.results.bonus[0].min() == 0


# --- figures and their errors


def test_figures_are_those_of_numpy() -> None:
    draws = np.random.default_rng(1).normal(size=1600)
    assert mean(draws).value == pytest.approx(draws.mean())
    assert quantile(draws, 0.9).value == pytest.approx(np.quantile(draws, 0.9))
    parts = draws.reshape(16, 100).mean(axis=1)
    assert mean(draws).error == pytest.approx(stats.sem(parts))


def test_missing_draws_are_left_out_and_none_at_all_is_no_figure() -> None:
    draws = np.arange(32.0)
    draws[::2] = np.nan
    assert mean(draws).value == np.arange(1.0, 32, 2).mean()
    assert np.isnan(mean(np.full(32, np.nan)).value)


def test_the_standard_error_is_what_seeds_disagree_by() -> None:
    plan, values, chances = of_shop()
    found = [
        mean(simulate({"": plan}, values, chances, draws=800, seed=seed)[""].results.bonus[0])
        for seed in range(40)
    ]
    apart = np.std([own.value for own in found], ddof=1)
    assert np.mean([own.error for own in found]) == pytest.approx(apart, rel=0.3)


def test_more_draws_come_nearer() -> None:
    found = simulated(stated("0.0515"), draws=1 << 14)
    steps = converging(found.results.bonus[0])
    assert [count for count, _ in steps] == [2048, 4096, 8192, 16384]
    assert steps[-1][1].value == pytest.approx(mean(found.results.bonus[0]).value)
    few, many = (
        mean(simulated(stated("0.0515"), draws=draws).results.bonus[0]).error
        for draws in (320, 1 << 14)
    )
    assert many < few / 5


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_chances_of_all_bonuses_add_up_to_1(seed: int) -> None:
    plan, values, chances = of_shop()
    for scheme in (plan.scheme.model_dump(), {"kind": "curve", "salary": 1, "fund": 100}):
        found = simulate({"": changed(plan, scheme=scheme)}, values, chances, draws=480, seed=seed)[
            ""
        ]
        steps = found.steps()
        assert sum(own.chance.value for own in steps) == pytest.approx(1)
        assert [own.low for own in steps] == sorted(own.low for own in steps)


def test_nothing_is_claimed_of_a_bonus_that_no_draw_pays() -> None:
    found = simulated(stated(facts={"sessions": 1000}), draws=160)
    assert found.steps() == ()
    assert found.reached("cr") is None
    assert "не посчитать" in bonus_said(found, 0, "ru")
    assert bonus_chances(found, 0, "en") is None


@pytest.mark.parametrize("draws", [0, 159, MOST_POSITIONS + 1])
def test_too_few_draws_and_too_many_are_refused(draws: int) -> None:
    with pytest.raises(UsageError, match="this many draws"):
        simulated(stated(), draws=draws)


def test_more_than_a_year_ahead_is_refused() -> None:
    with pytest.raises(UsageError, match="this many months"):
        simulated(stated(), ahead=13)


def test_a_seed_below_nought_is_refused() -> None:
    plan = stated()
    with pytest.raises(UsageError, match="seed cannot be negative"):
        simulate({"": plan}, values_of(plan, NO_FACTS), expected(plan), seed=-1)


# --- two plans


def test_a_plan_beside_itself_pays_the_same_in_every_draw() -> None:
    plan, values, chances = of_shop(2)
    found = simulate({"one": plan, "other": plan}, values, chances, draws=480)
    both = beside(found["one"], found["other"])
    assert both
    assert (both.more.value, both.less.value, both.apart.value) == (0, 0, 0)
    assert both.cost == both.other_cost


def test_plans_meet_the_same_months() -> None:
    """Twice the fund pays twice the bonus, draw by draw; more as often as any is paid."""
    one, other = stated("0.0515"), stated("0.0515", scheme=SCORECARD | {"fund": 200})
    values, chances = values_of(one, NO_FACTS), expected(one)
    found = simulate({"one": one, "other": other}, values, chances)
    assert (found["other"].results.bonus == 2 * found["one"].results.bonus).all()
    both = beside(found["one"], found["other"])
    assert both
    assert both.more == found["one"].steps()[1].chance
    assert both.apart == mean(found["one"].results.bonus)
    assert both.other_cost.value == pytest.approx(1000 + 2 * both.apart.value)


# --- what matters


def ishigami(points: Array) -> Array:
    """Known indices, with a = 7 and b = 0.1 (Ishigami & Homma 1990)."""
    one, two, three = np.pi * (2 * points - 1)
    return np.array([np.sin(one) + 7 * np.sin(two) ** 2 + 0.1 * three**4 * np.sin(one)])


def test_indices_of_a_function_that_is_known() -> None:
    first, total = (own[:, 0].mean(axis=0) for own in indices(ishigami, 3, 1 << 13, 1))
    whole = 7**2 / 8 + 0.1 * np.pi**4 / 5 + 0.1**2 * np.pi**8 / 18 + 1 / 2
    one, both = (1 + 0.1 * np.pi**4 / 5) ** 2 / 2, 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    assert first == pytest.approx(np.array([one, 7**2 / 8, 0]) / whole, abs=0.02)
    assert total == pytest.approx(np.array([one + both, 7**2 / 8, both]) / whole, abs=0.01)


def test_indices_are_those_of_scipy() -> None:
    scipys = stats.sobol_indices(
        func=ishigami, n=1 << 12, dists=[stats.uniform()] * 3, rng=np.random.default_rng(1)
    )
    first, total = (own[:, 0].mean(axis=0) for own in indices(ishigami, 3, 1 << 12, 1))
    assert first == pytest.approx(scipys.first_order.ravel(), abs=0.02)
    assert total == pytest.approx(scipys.total_order.ravel(), abs=0.02)


def test_shares_of_a_product_of_two_drivers() -> None:
    """Profit is margin x orders x price less what is spent; only price and conversion move.

    Of a product xy of independent x, y with squared variations u, v the variance is
    u + v + uv, of which u is x alone and u + uv is x in all.
    """
    plan = stated(assumptions={"margin_rate": "0.5"}, scheme=SCORECARD | {"fund": 0})
    ranges = {
        "other_sessions": Range(20_000, 20_000, 20_000),
        "aov": Range(3000, 4000, 5000),
        "cr": Range(0.045, 0.05, 0.055),
    }
    chances = expected(plan, **ranges)
    made = chain(plan, values_of(plan, NO_FACTS), chances.model)
    found = {own.driver: own for own in variance_shares(made, chances, {})["profit_after_pay"]}
    price, conversion = ((share / stats.norm.ppf(0.9)) ** 2 for share in (0.25, 0.1))
    whole = price + conversion + price * conversion
    assert found["aov"].alone.value == pytest.approx(price / whole, abs=0.01)
    assert found["cr"].in_all.value == pytest.approx(
        (conversion + price * conversion) / whole, abs=0.01
    )
    assert found["aov"].alone.error < 0.01


def test_a_tornado_moves_one_driver_at_a_time() -> None:
    plan = stated(assumptions={"margin_rate": "0.5"})
    chances = expected(plan, aov=Range(3000, 4000, 5000))
    made = chain(plan, values_of(plan, NO_FACTS), chances.model)
    swings = {own.driver: own for own in tornado(made, chances, {})}
    own = swings["aov"]
    assert (own.at_low, own.at_high) == pytest.approx((3000, 5000))
    # About 1 000 orders, half of 2 000 more each; the middles of counts are not their means.
    assert own.width("profit_after_pay") == pytest.approx(1_000_000, rel=1e-3)
    assert own.width("bonus") == 0
    assert swings["cr"].width("bonus") == 100


def test_nothing_has_a_share_where_nothing_moves() -> None:
    plan, values, chances = of_shop()
    sure = certain(chances)
    made = chain(plan, values, chances.model)
    assert variance_shares(made, sure, {}) == {}
    assert tornado(made, sure, {}) == ()


# --- how often intervals hold


@pytest.mark.slow
def test_80_of_100_next_months_of_the_samples_lie_in_the_intervals() -> None:
    """Every month of the samples from the sixth on foretells every KPI of the next one."""
    covered = []
    for business in BUSINESSES:
        plan, data = default_plan(business), sample(business)
        months = data.months()
        models = {month: model_of(plan, data, month) for month in months}
        values = {month: values_of(plan, data, month) for month in months}
        for now, after in pairwise(months[5:]):
            past = {month: own for month, own in models.items() if month.first <= now.first}
            known = History(now, past, scatter(data, models[now], now, plan.settings()))
            chances = uncertain(models[now], known)
            found = simulate({"": plan}, values[now], chances, draws=1024)[""]
            truth = values[after].totals()
            for id, draws in found.results.kpis.items():
                if truth[id].value is not None and draws[0].std() > 0:
                    low, high = (quantile(draws[0], share).value for share in (0.1, 0.9))
                    covered.append(low <= float(truth[id].value) <= high)
    assert len(covered) > 200
    assert 0.75 <= np.mean(covered) <= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("months", [8, 13, 26])
def test_80_of_100_invented_months_lie_in_the_intervals(months: int) -> None:
    """Drivers that scatter about a level or wander, all on their own; KPIs made of them."""
    plan = stated(lines=[{"kpi": id, "target": 1, "weight": 1} for id in ("orders", "aov", "cpo")])
    model = model_of(plan, NO_FACTS)
    values = values_of(plan, NO_FACTS)
    made = chain(plan, values, model)
    pick = np.random.default_rng(months)
    ids = [id for id in ("spend", "other_sessions", "cr", "aov") if model.drivers[id]]
    covered = []
    for _ in range(60):
        noise = pick.normal(0, 0.1, (len(ids), months + 1))
        walk = pick.normal(0, 0.04, (len(ids), months + 1)).cumsum(axis=1)
        logs = noise + walk * pick.integers(0, 2, (len(ids), 1))
        past, month = {}, OCTOBER
        for place in range(months - 1, -1, -1):
            drivers = {
                id: Fraction(float(model.drivers[id] or 0) * np.exp(own[place]))
                for id, own in zip(ids, logs, strict=True)
            }
            past[month] = replace(model, drivers={**model.drivers, **drivers})
            month = month_of(month.first - DAY)
        now = past[OCTOBER]
        chances = uncertain(now, History(OCTOBER, past, None))
        quiet = tuple(
            own if own.driver in ids else replace(own, marks=np.full_like(own.marks, own.now))
            for own in chances.drivers
        )
        chances = replace(chances, drivers=quiet, model=model)
        found = simulate({"": plan}, values, chances, draws=512)[""]
        after = {
            id: np.array(float(model.drivers[id] or 0) * np.exp(own[-1]))
            for id, own in zip(ids, logs, strict=True)
        }
        truth = made.at(after, {"kpis"}).kpis
        for id in ("orders", "aov", "cpo", "roas"):
            low, high = (quantile(found.results.kpis[id][0], share).value for share in (0.1, 0.9))
            covered.append(low <= float(truth[id]) <= high)
    assert 0.75 <= np.mean(covered) <= 0.85


# --- in words and pictures


def test_what_the_figures_rest_on_is_said() -> None:
    _, _, chances = of_shop(12)
    assert "56 дням" in together_said(chances, "ru")
    assert "on its own" in together_said(expected(stated()), "en")
    assert len(ahead_said(chances, "en")) == 2  # no season in 13 months, and half of them ahead
    assert ahead_said(of_shop()[2], "en") == []
    said = {own.driver: basis_said(own, "en") for own in expected(stated()).drivers}
    assert said["cr"] == "chance alone, by the number of cases"


def test_a_chance_is_never_told_as_certain() -> None:
    assert chance_said(Figure(0.0, 0.0), "en") == "<0.1"
    assert chance_said(Figure(1.0, 0.0), "en") == ">99.9"
    assert chance_said(Figure(0.5, 0.003), "en") == "50.0 ± 0.3"


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_charts_draw_what_was_found(lang: str) -> None:
    plan, values, chances = of_shop(2)
    found = simulate({"": plan}, values, chances, draws=480)[""]
    made = chain(plan, values, chances.model)
    bars = bonus_chances(found, 0, lang).to_dict()
    rows = next(iter(bars["datasets"].values()))
    assert sum(row["chance"] for row in rows) == pytest.approx(1)
    months = fan(found, found.results.bonus, str, lang).to_dict()
    assert len(next(iter(months["datasets"].values()))) == 2
    swings, shares = tornado(made, chances, {}), variance_shares(made, chances, {}, draws=480)
    picture = tornado_bars(swings, "profit_after_pay", chances, "RUB", lang).to_dict()
    assert next(iter(picture["datasets"].values()))[0]["name"]
    assert share_bars(shares["bonus"], chances, lang).to_dict()["layer"]
    assert tornado_bars((), "bonus", chances, "RUB", lang) is None
    assert share_bars((), chances, lang) is None


# --- the command


@pytest.fixture
def plans(tmp_path: Path) -> tuple[str, str]:
    made = (stated("0.0515"), stated("0.0515", scheme=SCORECARD | {"fund": 200}))
    paths = [tmp_path / f"{name}.json" for name in ("one", "other")]
    for path, plan in zip(paths, made, strict=True):
        path.write_text(plan.model_dump_json(), "utf-8")
    return str(paths[0]), str(paths[1])


TABLE = "Date,Sessions,Orders,Revenue,Spend\n2026-10-01,20000,1000,4000000,100000\n"


def test_the_command_tells_chances_and_prints_its_seed(
    plans: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--plan", plans[0], "--seed", "3", "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "seed 3" in said
    assert "Chance to reach, %" in said
    assert "chance alone, by the number of cases" in said


def test_the_command_answers_programs(
    plans: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE, "utf-8")
    asked = ["--plan", plans[0], "--beside", plans[1], "--range", "cr=0.05;0.06;0.07"]
    options = [*asked, "--draws", "800", "--set", "aov=+10%", "--json", "--lang", "en"]
    assert main(["simulate", *options, str(table)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["draws"] == 800
    own = {row["driver"]: row for row in answer["drivers"]}
    assert own["cr"]["basis"] == "range"
    assert own["aov"]["likely"] == pytest.approx(4400)
    month = answer["plans"][0]["months"][0]
    assert month["kpis"]["cr"]["likely"]["value"] == pytest.approx(0.06, rel=1e-3)
    assert answer["beside"][0]["more"]["value"] == month["steps"][1]["chance"]["value"]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--range", "cr=1;2"), "low;likely;high"),
        (("--range", "cr=0.1;0.2;0.3", "--range", "cr=0.1;0.2;0.3"), "named twice"),
        (("--set", "cr=+10%", "--set", "cr=+20%"), "named twice"),
        (("--draws", "5"), "Take 160"),
        (("--months", "13"), "1 to 12"),
        (("--months", "0"), "1 to 12"),
        (("--seed", "-1"), "0 or more"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    plans: tuple[str, str],
    option: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--plan", plans[0], "--lang", "en", *option]) == 2
    assert told in capsys.readouterr().err
