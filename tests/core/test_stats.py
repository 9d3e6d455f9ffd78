"""Intervals against others' arithmetic, and against chance itself."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import t as student

from kpi_core.formula import Array, parse
from kpi_core.stats import FEWEST_DAYS, daily_interval, share_interval


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilsons(counts: tuple[int, int]) -> None:
    successes, trials = counts
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    found = share_interval(successes, trials)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (-1, 10), (11, 10)])
def test_impossible_counts_have_no_interval(counts: tuple[int, int]) -> None:
    assert share_interval(*counts) is None


def test_the_interval_of_a_ratio_is_the_plain_jackknife() -> None:
    """The slow and obvious way: leave out each day, compute anew, look at the spread."""
    dice = np.random.default_rng(7)
    spend = dice.gamma(5, 100, 31)
    orders = dice.poisson(20, 31).astype(float)
    without = []
    for day in range(31):
        kept = [other for other in range(31) if other != day]
        without.append(sum(spend[kept]) / sum(orders[kept]))
    mean = sum(without) / 31
    error = math.sqrt(30 / 31 * sum((ratio - mean) ** 2 for ratio in without))
    half = student.ppf(0.975, 30) * error
    whole = sum(spend) / sum(orders)
    found = daily_interval(parse("spend / orders"), {"spend": spend, "orders": orders})
    assert found == pytest.approx((whole - half, whole + half), rel=1e-9)


def test_for_a_sum_the_jackknife_of_the_mean_is_students_interval() -> None:
    """A ratio to a constant number of days is a mean; its interval is known since 1908."""
    dice = np.random.default_rng(11)
    figures, ones = dice.normal(100, 15, 40), np.ones(40)
    found = daily_interval(parse("a / b"), {"a": figures, "b": ones})
    half = student.ppf(0.975, 39) * figures.std(ddof=1) / math.sqrt(40)
    assert found == pytest.approx((figures.mean() - half, figures.mean() + half), rel=1e-9)


def test_the_interval_holds_the_truth_about_19_times_in_20() -> None:
    """2000 invented months of 30 days: orders of 5 %, worth 40 each."""
    dice = np.random.default_rng(2026)
    held = 0
    for _ in range(2000):
        sessions = dice.poisson(400, 30).astype(float)
        orders = dice.binomial(sessions.astype(int), 0.05).astype(float)
        revenue = np.array([dice.gamma(2, 20, int(n)).sum() for n in orders])
        found = daily_interval(parse("r / s"), {"r": revenue, "s": sessions})
        assert found is not None
        held += found[0] <= 0.05 * 40 <= found[1]
    assert 0.935 <= held / 2000 <= 0.965


@pytest.mark.parametrize(
    "days",
    [
        lambda: {"a": np.ones(FEWEST_DAYS - 1), "b": np.ones(FEWEST_DAYS - 1)},  # too few
        lambda: {"a": np.ones(20), "b": np.zeros(20)},  # undefined
        lambda: {"a": np.ones(20), "b": np.eye(1, 20)[0]},  # undefined without the first day
        dict,
    ],
)
def test_where_nothing_can_be_said_nothing_is(days: Callable[[], dict[str, Array]]) -> None:
    assert daily_interval(parse("a / b"), days()) is None
